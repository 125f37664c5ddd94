package wire

import (
	"crypto/sha256"
	"encoding/hex"
	"time"

	"github.com/comity-exchange/comity/fault"
)

// Digest is a SHA-256 value. In text it is 64 lower-case hexadecimal digits (ENC-4).
type Digest [sha256.Size]byte

// ParseDigest reads 64 lower-case hexadecimal digits.
func ParseDigest(s string) (d Digest, err error) {
	// spec: ENC-4
	if len(s) != 2*len(d) || !IsHex(s) {
		return d, fault.New(fault.Malformed, "ENC-4", "an id or digest is 64 lower-case hexadecimal digits")
	}
	_, err = hex.Decode(d[:], []byte(s))
	return d, err
}

// IsHex tells whether s is made of lower-case hexadecimal digits alone.
func IsHex(s string) bool {
	for _, c := range []byte(s) {
		if (c < '0' || c > '9') && (c < 'a' || c > 'f') {
			return false
		}
	}
	return true
}

func (d Digest) String() string { return hex.EncodeToString(d[:]) }

// IsZero tells the absent digest.
func (d Digest) IsZero() bool { return d == Digest{} }

// MarshalText writes hexadecimal digits.
func (d Digest) MarshalText() ([]byte, error) { return []byte(d.String()), nil }

// UnmarshalText reads them.
func (d *Digest) UnmarshalText(b []byte) (err error) {
	*d, err = ParseDigest(string(b))
	return err
}

const timeForm = "2006-01-02T15:04:05.000Z"

// Time is an instant with milliseconds, as the protocol writes it (ENC-5). The zero value is the absent time.
type Time struct{ t time.Time }

// TimeOf rounds t down to the millisecond.
func TimeOf(t time.Time) Time { return Time{t.UTC().Truncate(time.Millisecond)} }

// ParseTime reads the protocol's form and no other.
func ParseTime(s string) (Time, error) {
	// spec: ENC-5
	if t, ok := parseTime(s); ok {
		return t, nil
	}
	return Time{}, fault.New(fault.Malformed, "ENC-5", "a time is like 2026-11-21T08:00:00.000Z, from 2020 to 2199")
}

// parseTime reads timeForm by hand: there is one in every head.
func parseTime(s string) (Time, bool) {
	if len(s) != len(timeForm) {
		return Time{}, false
	}
	ok := true
	number := func(from, to int) (n int) {
		for _, c := range []byte(s[from:to]) {
			ok = ok && c >= '0' && c <= '9'
			n = n*10 + int(c-'0')
		}
		return n
	}
	year, month, day := number(0, 4), number(5, 7), number(8, 10)
	hour, minute, second, milli := number(11, 13), number(14, 16), number(17, 19), number(20, 23)
	ok = ok && s[4] == '-' && s[7] == '-' && s[10] == 'T' && s[13] == ':' && s[16] == ':' && s[19] == '.' && s[23] == 'Z'
	if !ok || year < 2020 || year > 2199 || month < 1 || month > 12 || hour > 23 || minute > 59 || second > 59 {
		return Time{}, false
	}
	t := time.Date(year, time.Month(month), day, hour, minute, second, milli*int(time.Millisecond), time.UTC)
	return Time{t}, t.Day() == day // a day that the month does not have would be one of the next
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

// IsIdentifier tells whether s may stand where the protocol wants an identifier (ENC-9): a letter or digit, then up to 127 letters, digits and +._:/-
func IsIdentifier(s string) bool {
	// spec: ENC-9
	for i := range len(s) {
		switch c := s[i]; {
		case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c >= '0' && c <= '9':
		case i == 0, c != '+' && c != '.' && c != '_' && c != ':' && c != '/' && c != '-':
			return false
		}
	}
	return s != "" && len(s) <= 128
}
