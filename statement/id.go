package statement

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"

	"github.com/comity-exchange/comity/fault"
)

// Digest is a SHA-256 value. In text it is 64 lower-case hexadecimal digits (ENC-4).
type Digest [sha256.Size]byte

// ID identifies a statement: SHA-256 of its head's bytes (STM-2). It also names the thread that the statement opens
// and the agreement that is made in that thread: thread.ID and agreement.ID are this type.
type ID [sha256.Size]byte

// Sum is the digest of b.
func Sum(b []byte) Digest { return sha256.Sum256(b) }

// IDOf is the id of the head with these bytes.
func IDOf(head []byte) ID { return sha256.Sum256(head) } // spec: STM-2

// ParseID reads 64 lower-case hexadecimal digits.
func ParseID(s string) (ID, error) {
	d, err := parseHex(s)
	return ID(d), err
}

// ParseDigest reads 64 lower-case hexadecimal digits.
func ParseDigest(s string) (Digest, error) {
	d, err := parseHex(s)
	return Digest(d), err
}

func parseHex(s string) (d [32]byte, err error) {
	// spec: ENC-4
	bad := fault.New(fault.Malformed, "ENC-4", "an id or digest is 64 lower-case hexadecimal digits")
	if len(s) != 64 {
		return d, bad
	}
	for _, c := range []byte(s) {
		if (c < '0' || c > '9') && (c < 'a' || c > 'f') {
			return d, bad
		}
	}
	_, err = hex.Decode(d[:], []byte(s))
	return d, err
}

func (i ID) String() string     { return hex.EncodeToString(i[:]) }
func (d Digest) String() string { return hex.EncodeToString(d[:]) }

// Short is the first 10 digits, for people.
func (i ID) Short() string { return i.String()[:10] }

// IsZero tells the absent id.
func (i ID) IsZero() bool { return i == ID{} }

// IsZero tells the absent digest.
func (d Digest) IsZero() bool { return d == Digest{} }

// Compare orders ids as bytes (THR-3).
func (i ID) Compare(o ID) int { return bytes.Compare(i[:], o[:]) }

// MarshalText writes hexadecimal digits.
func (i ID) MarshalText() ([]byte, error) { return []byte(i.String()), nil }

// UnmarshalText reads them.
func (i *ID) UnmarshalText(b []byte) (err error) {
	*i, err = ParseID(string(b))
	return err
}

// MarshalText writes hexadecimal digits.
func (d Digest) MarshalText() ([]byte, error) { return []byte(d.String()), nil }

// UnmarshalText reads them.
func (d *Digest) UnmarshalText(b []byte) (err error) {
	*d, err = ParseDigest(string(b))
	return err
}
