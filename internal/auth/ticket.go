package auth

import (
	"crypto/rand"
	"encoding/base64"
	"encoding/binary"
	"time"

	"golang.org/x/crypto/chacha20poly1305"

	"github.com/comity-exchange/comity/fault"
	"github.com/comity-exchange/comity/internal/store"
	"github.com/comity-exchange/comity/statement"
)

// Ticket is what a browser keeps for the node between two steps of signing in, sealed, so that whoever only begins costs the node nothing. It is good once: who
// is let in by it spends it in the same transaction.
type Ticket struct {
	Data []byte

	hash    statement.Digest
	expires statement.Time
}

const ticketLife = 5 * time.Minute

// Seal makes a ticket for one purpose, as text for a cookie.
func (r *Registry) Seal(purpose string, data []byte, now statement.Time) (string, error) {
	key := r.mark("ticket")
	aead, err := chacha20poly1305.NewX(key[:])
	if err != nil {
		return "", fault.Wrap(err, fault.Internal, "", "a ticket cannot be sealed")
	}
	nonce := make([]byte, aead.NonceSize())
	rand.Read(nonce) // never fails
	plain := binary.BigEndian.AppendUint64(nil, uint64(now.Add(ticketLife).Std().UnixMilli()))
	return base64.RawURLEncoding.EncodeToString(aead.Seal(nonce, nonce, append(plain, data...), []byte(purpose))), nil
}

// Unseal opens a ticket of that purpose. What is wrong with one that does not open is not told.
func (r *Registry) Unseal(purpose, text string, now statement.Time) (Ticket, error) {
	no := fault.New(fault.Denied, "", "this took too long, or was begun elsewhere: begin again")
	key := r.mark("ticket")
	aead, err := chacha20poly1305.NewX(key[:])
	if err != nil {
		return Ticket{}, fault.Wrap(err, fault.Internal, "", "a ticket cannot be opened")
	}
	raw, err := base64.RawURLEncoding.Strict().DecodeString(text)
	if err != nil || len(raw) < aead.NonceSize() {
		return Ticket{}, no
	}
	nonce, sealed := raw[:aead.NonceSize()], raw[aead.NonceSize():]
	plain, err := aead.Open(nil, nonce, sealed, []byte(purpose))
	if err != nil || len(plain) < 8 {
		return Ticket{}, no
	}
	t := Ticket{Data: plain[8:], hash: r.mark("spent", nonce), expires: statement.TimeOf(time.UnixMilli(int64(binary.BigEndian.Uint64(plain))))}
	if !now.Before(t.expires) || now.Add(ticketLife).Before(t.expires) {
		return Ticket{}, no
	}
	return t, nil
}

// Spend makes the ticket good for nothing. Error: fault.Denied when it was spent already.
func (t Ticket) Spend(tx store.Tx) error {
	err := tx.Spend(t.hash, t.expires)
	if fault.CodeOf(err) == fault.Exists {
		return fault.New(fault.Denied, "", "this was used already: begin again")
	}
	return err
}
