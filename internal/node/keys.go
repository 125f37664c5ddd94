package node

import (
	"context"

	"github.com/comity-exchange/comity/fault"
	"github.com/comity-exchange/comity/internal/store"
	"github.com/comity-exchange/comity/party"
	"github.com/comity-exchange/comity/statement"
)

// KeyView is the public half of a key, by its digest.
type KeyView struct {
	For       string           `json:"for"` // "log", "witness", "sealing", "tls" or "recovery"
	Algorithm string           `json:"algorithm"`
	Digest    statement.Digest `json:"digest"` // SHA-256 of the public key; of the recovery keys, what the letter commits to
}

// OwnLog is a log of this party.
type OwnLog struct {
	Origin  party.Origin   `json:"origin"`
	Open    bool           `json:"open"`
	Size    int64          `json:"size"`             // leaves that stand; of the open one, those that there are
	Revoked bool           `json:"revoked,omitzero"` // its keys are not trusted any more
	Letter  int64          `json:"letter"`           // the last that names it
	Issued  statement.Time `json:"issued"`           // that letter
}

// KeysView is what keys the node has, as its letter of credence names them, and the logs that they have signed. Nothing in it is secret.
type KeysView struct {
	Letter  int64          `json:"letter"` // serial of the letter that names them
	Issued  statement.Time `json:"issued"`
	Witness string         `json:"witness"` // the name under which it cosigns
	Keys    []KeyView      `json:"keys"`
	Logs    []OwnLog       `json:"logs"` // the oldest first
}

// PublicKeys tells what keys the node has, and since when. The recovery key is not here: the letter commits to it, and that is all that the node knows of it.
func (n *Node) PublicKeys(ctx context.Context) (KeysView, error) {
	// spec: LTR-1, LTR-7
	l, err := n.OwnLetter(ctx)
	if err != nil {
		return KeysView{}, err
	}
	v := KeysView{Letter: l.Serial, Issued: l.Issued, Witness: l.Witness.Name, Logs: []OwnLog{}, Keys: []KeyView{
		{"log", "Ed25519", statement.Sum(l.Log.Ed25519)}, {"log", "ML-DSA-44", statement.Sum(l.Log.MLDSA44)},
		{"witness", "Ed25519", statement.Sum(l.Witness.Ed25519)}, {"witness", "ML-DSA-44", statement.Sum(l.Witness.MLDSA44)},
		{"sealing", "X25519 + ML-KEM-768", statement.Sum([]byte(l.Seal))},
		{"tls", "of the certificate", l.TLS},
		{"recovery", "Ed25519 + ML-DSA-44", l.Recovery},
	}}
	former, err := n.formerLetters(ctx)
	if err != nil {
		return KeysView{}, err
	}
	err = n.Store.View(ctx, func(tx store.Tx) error {
		v.Logs = v.Logs[:0]
		logs, err := n.Exchange.Logs(tx, n.Config.Code)
		if fault.CodeOf(err) == fault.Unknown {
			return nil // the store is older than the letter; doctor says so
		}
		if err != nil {
			return err
		}
		for _, one := range logs {
			own := OwnLog{Origin: one.Origin, Open: one.Closing == nil, Revoked: one.Revoked, Letter: l.Serial, Issued: l.Issued}
			for _, f := range former {
				if f.Origin == one.Origin {
					own.Letter, own.Issued = f.Serial, f.Issued
				}
			}
			if one.Closing != nil {
				own.Size = one.Closing.Size
			} else if own.Size, err = tx.Length(one.Origin); err != nil {
				return err
			}
			v.Logs = append(v.Logs, own)
		}
		return nil
	})
	return v, err
}
