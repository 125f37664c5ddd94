package statement

import (
	"bytes"
	"encoding/base64"
	"io"
	"regexp"
	"strings"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/comity-exchange/comity/fault"
)

const timeForm = "2006-01-02T15:04:05.000Z"

// Time is an instant with milliseconds, as the protocol writes it (ENC-5). The zero value is the absent time.
type Time struct{ t time.Time }

// TimeOf rounds t down to the millisecond.
func TimeOf(t time.Time) Time { return Time{t.UTC().Truncate(time.Millisecond)} }

// ParseTime reads the protocol's form and no other.
func ParseTime(s string) (Time, error) {
	// spec: ENC-5
	t, err := time.Parse(timeForm, s)
	if err != nil || t.Format(timeForm) != s || t.Year() < 2020 || t.Year() > 2199 {
		return Time{}, fault.New(fault.Malformed, "ENC-5", "a time is like 2026-11-21T08:00:00.000Z, from 2020 to 2199")
	}
	return Time{t}, nil
}

// Std is the time as package time has it, in UTC.
func (t Time) Std() time.Time { return t.t }

// IsZero tells the absent time.
func (t Time) IsZero() bool { return t.t.IsZero() }

// Add moves the time.
func (t Time) Add(d time.Duration) Time { return Time{t.t.Add(d)} }

// Compare is −1, 0 or 1.
func (t Time) Compare(o Time) int { return t.t.Compare(o.t) }

// Before tells whether t is earlier than o.
func (t Time) Before(o Time) bool { return t.t.Before(o.t) }

func (t Time) String() string {
	if t.IsZero() {
		return ""
	}
	return t.t.Format(timeForm)
}

// MarshalText writes the protocol's form; the absent time is empty.
func (t Time) MarshalText() ([]byte, error) { return []byte(t.String()), nil }

// UnmarshalText reads it.
func (t *Time) UnmarshalText(b []byte) (err error) {
	*t, err = ParseTime(string(b))
	return err
}

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

// UnmarshalText checks while decoding.
func (n *Nonce) UnmarshalText(b []byte) error {
	// spec: ENC-4
	d, err := base64.RawURLEncoding.Strict().DecodeString(string(b))
	if err != nil || len(d) != 16 {
		return fault.New(fault.Malformed, "ENC-4", "a nonce is 16 bytes in base64url without padding")
	}
	*n = Nonce(b)
	return nil
}

var (
	identifierPattern = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9+._:/-]{0,127}$`)                            // spec: ENC-9
	kindPattern       = regexp.MustCompile(`^[a-z]{2,16}\.[a-z]{2,16}(-[a-z]{2,16}){0,2}$`)                    // spec: ENC-8
	mediaTypePattern  = regexp.MustCompile(`^[a-z0-9][a-z0-9!#$&^_.+-]{0,63}/[a-zA-Z0-9!#$&^_.+;= -]{1,127}$`) // RFC 6838
)

// IsIdentifier tells whether s may stand where the protocol wants an identifier (ENC-9).
func IsIdentifier(s string) bool { return len(s) <= 128 && identifierPattern.MatchString(s) }

// Kind is what a statement does: "assist.request" (ENC-8).
type Kind string

// ParseKind reads desk.verb.
func ParseKind(s string) (Kind, error) {
	if len(s) > 64 || !kindPattern.MatchString(s) {
		return "", fault.New(fault.Malformed, "ENC-8", "a kind is like assist.request")
	}
	return Kind(s), nil
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

// CheckJSON holds raw against ENC-1 and ENC-2: one compact JSON object in valid UTF-8 of at most max bytes, no repeated names. It does not allocate a tree.
func CheckJSON(raw []byte, max int) error {
	if len(raw) > max {
		return fault.New(fault.TooLarge, "", "the text has %d bytes, at most %d are allowed", len(raw), max)
	}
	// spec: ENC-1
	if len(raw) == 0 || raw[0] != '{' {
		return fault.New(fault.Malformed, "ENC-1", "not a JSON object")
	}
	// spec: ENC-2 (the decoder refuses repeated names and invalid UTF-8)
	v := jsontext.Value(raw)
	if !v.IsValid() {
		return fault.New(fault.Malformed, "ENC-2", "not valid JSON, or a member name is repeated")
	}
	c := bytes.Clone(raw)
	v = jsontext.Value(c)
	if err := v.Compact(); err != nil || len(v) != len(raw) || bytes.IndexByte(raw, '\n') >= 0 {
		return fault.New(fault.Malformed, "ENC-1", "the JSON text is not compact")
	}
	return nil
}
