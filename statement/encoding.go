package statement

import (
	"encoding/base64"
	"io"
	"regexp"
	"strings"
	"time"

	"github.com/comity-exchange/comity/fault"
	"github.com/comity-exchange/comity/wire"
)

// Time is an instant with milliseconds, as the protocol writes it (ENC-5). The zero value is the absent time.
type Time = wire.Time

// TimeOf rounds t down to the millisecond.
func TimeOf(t time.Time) Time { return wire.TimeOf(t) }

// ParseTime reads the protocol's form and no other.
func ParseTime(s string) (Time, error) { return wire.ParseTime(s) }

// Nonce is 16 random bytes in base64url (ENC-4).
type Nonce string

// MakeNonce reads 16 bytes from r, which must be a cryptographic source.
func MakeNonce(r io.Reader) (Nonce, error) {
	var b [16]byte
	if _, err := io.ReadFull(r, b[:]); err != nil {
		return "", fault.Wrap(err, fault.Internal, "", "no randomness")
	}
	return Nonce(base64.RawURLEncoding.EncodeToString(b[:])), nil
}

// ParseNonce reads what MakeNonce wrote.
func ParseNonce(s string) (Nonce, error) {
	// spec: ENC-4
	// 22 digits are 132 bits: the last 4 are not used, and are zero.
	ok := len(s) == 22 && strings.IndexByte("AQgw", s[21]) >= 0
	for i := range len(s) {
		c := s[i]
		ok = ok && (c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '-' || c == '_')
	}
	if !ok {
		return "", fault.New(fault.Malformed, "ENC-4", "a nonce is 16 bytes in base64url without padding")
	}
	return Nonce(s), nil
}

// UnmarshalText checks while decoding.
func (n *Nonce) UnmarshalText(b []byte) (err error) {
	*n, err = ParseNonce(string(b))
	return err
}

var mediaTypePattern = regexp.MustCompile(`^[a-z0-9][a-z0-9!#$&^_.+-]{0,63}/[a-zA-Z0-9!#$&^_.+;= -]{1,127}$`) // RFC 6838

// IsIdentifier tells whether s may stand where the protocol wants an identifier (ENC-9).
func IsIdentifier(s string) bool { return wire.IsIdentifier(s) }

// Kind is what a statement does: "assist.request" (ENC-8).
type Kind string

// ParseKind reads desk.verb.
func ParseKind(s string) (Kind, error) {
	// spec: ENC-8
	desk, verb, ok := strings.Cut(s, ".")
	ok = ok && len(s) <= 64 && isWord(desk) && strings.Count(verb, "-") <= 2
	for part := range strings.SplitSeq(verb, "-") {
		ok = ok && isWord(part)
	}
	if !ok {
		return "", fault.New(fault.Malformed, "ENC-8", "a kind is like assist.request")
	}
	return Kind(s), nil
}

// isWord tells 2 to 16 small letters.
func isWord(s string) bool {
	for i := range len(s) {
		if s[i] < 'a' || s[i] > 'z' {
			return false
		}
	}
	return len(s) >= 2 && len(s) <= 16
}

// Desk is the part before the dot.
func (k Kind) Desk() string {
	d, _, _ := strings.Cut(string(k), ".")
	return d
}

// UnmarshalText checks while decoding.
func (k *Kind) UnmarshalText(b []byte) (err error) {
	*k, err = ParseKind(string(b))
	return err
}

// CheckJSON holds raw against ENC-1 and ENC-2: one compact JSON object in valid UTF-8 of at most max bytes, no repeated names, no null.
func CheckJSON(raw []byte, max int) error { return wire.CheckJSON(raw, max) }
