package node

import (
	"context"
	"maps"
	"slices"
	"strings"

	"github.com/comity-exchange/comity/desk/credence"
	"github.com/comity-exchange/comity/fault"
	"github.com/comity-exchange/comity/internal/store"
	"github.com/comity-exchange/comity/party"
	"github.com/comity-exchange/comity/statement"
	"github.com/comity-exchange/comity/thread"
)

// LetterView is a letter of credence as lists show it.
type LetterView struct {
	Code      party.Code         `json:"code"`
	Serial    int                `json:"serial"`
	Status    store.LetterStatus `json:"status"`
	Names     map[string]string  `json:"names"`
	Origin    party.Origin       `json:"origin"`
	Endpoints []string           `json:"endpoints"`
	Words     []string           `json:"words"` // none of a letter that waits to be confirmed
	Digest    statement.Digest   `json:"digest"`
	Confirmed statement.Time     `json:"confirmed,omitzero"`
	Own       bool               `json:"own"`
}

// NameIn is a party's name in a language, else in English, else in the language that comes first.
func NameIn(names map[string]string, language string) string {
	for _, l := range []string{language, "en"} {
		if name := names[l]; name != "" {
			return name
		}
	}
	for _, l := range slices.Sorted(maps.Keys(names)) {
		return names[l]
	}
	return ""
}

func viewLetter(row store.Letter, self party.Code) (LetterView, *party.Letter, error) {
	l, err := party.ParseLetter(row.Raw)
	if err != nil {
		return LetterView{}, nil, err
	}
	v := LetterView{
		Code: l.Code, Serial: row.Serial, Status: row.Status, Names: l.Names, Origin: l.Origin, Endpoints: l.Endpoints, Words: l.Words(),
		Digest: row.Digest, Confirmed: row.ConfirmedAt, Own: l.Code == self,
	}
	// spec: LTR-9
	if !v.Own && v.Status == store.LetterImported { // who could read them here would not ask for them
		v.Words = []string{}
	}
	return v, l, nil
}

// OwnLetter is the node's own letter of credence, to be handed over.
func (n *Node) OwnLetter(ctx context.Context) (*party.Letter, error) {
	var row store.Letter
	err := n.Store.View(ctx, func(tx store.Tx) (err error) {
		row, err = tx.Letter(n.Config.Code)
		return err
	})
	if err != nil {
		return nil, err
	}
	return party.ParseLetter(row.Raw)
}

// Letters lists all letters, the node's own first, then by code and serial.
func (n *Node) Letters(ctx context.Context) ([]LetterView, error) {
	var own, others []LetterView
	var bad error
	err := n.Store.View(ctx, func(tx store.Tx) error {
		own, others = nil, nil
		return tx.EachLetter(func(row store.Letter) bool {
			v, _, err := viewLetter(row, n.Config.Code)
			if err != nil {
				bad = err
				return false
			}
			if v.Own {
				own = append(own, v)
			} else {
				others = append(others, v)
			}
			return true
		})
	})
	if err == nil {
		err = bad
	}
	return append(own, others...), err
}

// ImportLetter keeps another party's letter. It counts once Confirm has been given its words; a letter that follows a confirmed one by the
// rules of succession, or whose office its principal vouches for in its log, is confirmed at once.
func (n *Node) ImportLetter(ctx context.Context, raw []byte) (LetterView, error) {
	// spec: LTR-6, LTR-10
	l, err := party.ParseLetter(raw)
	if err != nil {
		return LetterView{}, err
	}
	if l.Code == n.Config.Code && (l.Origin != n.Keys.Origin() || l.Seal != n.Keys.Seal() || l.TLS != n.Keys.TLSDigest()) {
		return LetterView{}, fault.New(fault.Usage, "LTR-2", "this letter is the own party's, and not one of the keys that are here")
	}
	row := store.Letter{Code: l.Code, Serial: int(l.Serial), Digest: l.Digest, Raw: l.Raw, Status: store.LetterImported}
	err = n.Exchange.Supersede(ctx, func(tx store.Tx) (*party.Closing, error) {
		have, err := tx.Letter(l.Code)
		switch {
		case fault.CodeOf(err) == fault.NotFound:
			if vouched, err := n.vouched(tx, l); err != nil || !vouched {
				return nil, firstError(err, tx.PutLetter(row))
			}
			return nil, n.accept(tx, &row)
		case err != nil:
			return nil, err
		case have.Digest == row.Digest:
			row = have
			return nil, nil
		}
		prev, err := party.ParseLetter(have.Raw)
		if err != nil {
			return nil, err
		}
		if err := party.Succeeds(prev, l); err != nil {
			return nil, err
		}
		return n.supersede(tx, prev, have, l, &row)
	})
	if err != nil {
		return LetterView{}, err
	}
	v, _, err := viewLetter(row, n.Config.Code)
	return v, err
}

func firstError(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

// accept confirms a letter, unless it claims a key by which another confirmed party is known: whoever copies one could take that party's place at the door.
func (n *Node) accept(tx store.Tx, row *store.Letter) error {
	// spec: LTR-3
	l, err := party.ParseLetter(row.Raw)
	if err != nil {
		return err
	}
	var clash, bad error
	err = tx.EachLetter(func(other store.Letter) bool {
		switch {
		case other.Status != store.LetterConfirmed || other.Digest == l.Digest:
			return true
		case other.Code == l.Code: // spec: LTR-6, LTR-8
			clash = fault.New(fault.Inadmissible, "LTR-6", "a letter of %s is confirmed already, and this one does not follow it", l.Code)
			return false
		}
		o, err := party.ParseLetter(other.Raw)
		if err != nil {
			bad = err
		} else if o.TLS == l.TLS || o.Seal == l.Seal {
			clash = fault.New(fault.NotAuthentic, "LTR-3", "the letter of %s claims a key of %s", l.Code, o.Code)
		}
		return bad == nil && clash == nil
	})
	if err := firstError(err, bad, clash); err != nil {
		return err
	}
	row.Status, row.ConfirmedAt = store.LetterConfirmed, statement.TimeOf(n.Now())
	return tx.PutLetter(*row)
}

// supersede puts a letter in the place of the one that it follows. Where it closes a log, what was accepted of that log must agree (LTR-7). Stolen keys may have said
// more since, here first: the letter that revokes them is taken whatever that was, or the thief could keep it away. It gives what stands then, if more was accepted.
func (n *Node) supersede(tx store.Tx, prev *party.Letter, have store.Letter, l *party.Letter, row *store.Letter) (short *party.Closing, err error) {
	// spec: LTR-7, LTR-11
	if l.Closing != nil && l.Code != n.Config.Code {
		newest, err := tx.Newest(prev.Origin)
		switch {
		case fault.CodeOf(err) == fault.NotFound:
		case err != nil:
			return nil, err
		case !l.Revokes:
			if err := l.Closing.Check(newest.Size, newest.Root); err != nil {
				return nil, err
			}
		case newest.Size > l.Closing.Size:
			n.Log.Warn("keys were revoked, and their log is closed below what was accepted of it: what stands above is taken out of its threads",
				"origin", string(prev.Origin), "closed_at", l.Closing.Size, "accepted", newest.Size)
			short = l.Closing
		}
	}
	have.Status = store.LetterSuperseded
	if l.Revokes {
		have.Status = store.LetterRevoked
	}
	return short, firstError(tx.PutLetter(have), n.accept(tx, row))
}

// vouched tells whether the principal of an office vouches for its letter in its own log (LTR-10).
func (n *Node) vouched(tx store.Tx, l *party.Letter) (bool, error) {
	if !l.Code.IsOffice() {
		return false, nil
	}
	row, err := tx.Letter(l.Code.Principal())
	if fault.CodeOf(err) == fault.NotFound {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	logs, err := n.Exchange.Logs(tx, row.Code)
	if err != nil {
		return false, err
	}
	offices := party.Offices{}
	var bad error
	for _, log := range logs {
		err = tx.Scan(log.Origin, "", 0, func(s store.Statement) bool { // in the order of the log: an office may come back
			h, err := statement.ParseHead(s.Head)
			if err == nil && s.Void == "" && log.Stands(s.Index) {
				err = credence.Apply(offices, h)
			}
			bad = err
			return bad == nil
		})
		if err := firstError(err, bad); err != nil {
			return false, err
		}
	}
	return offices.Vouches(l), nil
}

// heard lets a principal's withdrawal of an office take effect at once: its letter is no longer confirmed here.
func (n *Node) heard(tx store.Tx, h *statement.Head) error {
	// spec: LTR-10
	if h.Kind != credence.KindWithdraw {
		return nil
	}
	f, err := thread.Facts[party.WithdrawOfficeFacts](h)
	if err != nil || f.Office.Principal() != h.From || f.Office == n.Config.Code {
		return nil // void; or this node's own letter, which peers judge and not the node itself
	}
	row, err := tx.Letter(f.Office)
	if fault.CodeOf(err) == fault.NotFound {
		return nil
	}
	if err != nil {
		return err
	}
	row.Status = store.LetterRevoked
	return tx.PutLetter(row)
}

// Confirm takes the words that the other party read out, and confirms its letter if they are the letter's.
func (n *Node) Confirm(ctx context.Context, code party.Code, words []string) (LetterView, error) {
	// spec: LTR-8, LTR-9
	var row store.Letter
	err := n.Exchange.Update(ctx, func(tx store.Tx) error {
		found := false
		var bad error
		err := tx.EachLetter(func(r store.Letter) bool {
			if r.Code != code || r.Status != store.LetterImported {
				return true
			}
			found = true
			l, err := party.ParseLetter(r.Raw)
			if err != nil {
				bad = err
				return false
			}
			if bad = l.Confirm(strings.Join(words, " ")); bad == nil {
				row = r
				return false
			}
			return true
		})
		switch {
		case err != nil:
			return err
		case !found:
			return fault.New(fault.NotFound, "LTR-8", "there is no letter of %s that waits to be confirmed", code)
		case row.Raw == nil:
			return bad
		}
		return n.accept(tx, &row)
	})
	if err != nil {
		return LetterView{}, err
	}
	n.Courier.Kick(code)
	v, _, err := viewLetter(row, n.Config.Code)
	return v, err
}

// Reissue writes the node's next letter with other endpoints, names or contacts. Keys stay as they are.
func (n *Node) Reissue(ctx context.Context, change func(*party.Letter)) (*party.Letter, error) {
	// spec: LTR-6
	prev, err := n.OwnLetter(ctx)
	if err != nil {
		return nil, err
	}
	next := *prev
	change(&next)
	next.Serial, next.Previous, next.Issued, next.Closing, next.Revokes = prev.Serial+1, prev.Digest, statement.TimeOf(n.Now()), nil, false
	l, err := succeed(prev, next, n.Keys, nil)
	if err != nil {
		return nil, err
	}
	return l, n.Exchange.Update(ctx, func(tx store.Tx) error {
		have, err := tx.Letter(n.Config.Code)
		if err != nil || have.Digest != prev.Digest {
			return orMeanwhile(err)
		}
		have.Status = store.LetterSuperseded
		row := store.Letter{Code: l.Code, Serial: int(l.Serial), Digest: l.Digest, Raw: l.Raw}
		return firstError(tx.PutLetter(have), n.accept(tx, &row))
	})
}

// succeed signs the letter that comes after prev, and holds it against the rules by which others will.
func succeed(prev *party.Letter, next party.Letter, log, recovery party.Signer) (*party.Letter, error) {
	// spec: LTR-6
	raw, err := party.SignLetter(next, log, recovery)
	if err != nil {
		return nil, err
	}
	l, err := party.ParseLetter(raw)
	if err != nil {
		return nil, err
	}
	return l, party.Succeeds(prev, l)
}
