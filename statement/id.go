package statement

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"

	"github.com/comity-exchange/comity/wire"
)

// Digest is a SHA-256 value. In text it is 64 lower-case hexadecimal digits (ENC-4).
type Digest = wire.Digest

// ID identifies a statement: SHA-256 of its head's bytes (STM-2). It also names the thread that the statement opens
// and the agreement that is made in that thread: thread.ID and agreement.ID are this type.
type ID [sha256.Size]byte

// Sum is the digest of b.
func Sum(b []byte) Digest { return sha256.Sum256(b) }

// IDOf is the id of the head with these bytes.
func IDOf(head []byte) ID { return sha256.Sum256(head) } // spec: STM-2

// ParseID reads 64 lower-case hexadecimal digits.
func ParseID(s string) (ID, error) {
	d, err := wire.ParseDigest(s)
	return ID(d), err
}

// ParseDigest reads 64 lower-case hexadecimal digits.
func ParseDigest(s string) (Digest, error) { return wire.ParseDigest(s) }

func (i ID) String() string { return hex.EncodeToString(i[:]) }

// Short is the first 10 digits, for people.
func (i ID) Short() string { return i.String()[:10] }

// IsZero tells the absent id.
func (i ID) IsZero() bool { return i == ID{} }

// Compare orders ids as bytes (THR-3).
func (i ID) Compare(o ID) int { return bytes.Compare(i[:], o[:]) }

// MarshalText writes hexadecimal digits.
func (i ID) MarshalText() ([]byte, error) { return []byte(i.String()), nil }

// UnmarshalText reads them.
func (i *ID) UnmarshalText(b []byte) (err error) {
	*i, err = ParseID(string(b))
	return err
}
