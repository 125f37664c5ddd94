package misp

import (
	"strconv"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/comity-exchange/comity/fault"
)

// Word is a short value that instances write now as a string, now as a number or a flag: "3", 3, true. It is written as a string.
type Word string

// UnmarshalJSONFrom reads a string, a number, true, false or null.
func (w *Word) UnmarshalJSONFrom(dec *jsontext.Decoder) error {
	s, err := scalar(dec)
	*w = Word(s)
	return err
}

// UUID identifies an event, attribute, object, report or organisation; "" where there is none.
type UUID string

// UnmarshalJSONFrom reads a string or null.
func (u *UUID) UnmarshalJSONFrom(dec *jsontext.Decoder) error {
	s, err := scalar(dec)
	*u = UUID(s)
	return err
}

// Valid tells whether u is 8-4-4-4-12 hexadecimal digits.
func (u UUID) Valid() bool {
	if len(u) != 36 {
		return false
	}
	for i, c := range []byte(u) {
		if i == 8 || i == 13 || i == 18 || i == 23 {
			if c != '-' {
				return false
			}
		} else if (c < '0' || c > '9') && (c|0x20 < 'a' || c|0x20 > 'f') {
			return false
		}
	}
	return true
}

// bytes is the UUID without its text; of what is none anything.
func (u UUID) bytes() (b [16]byte) {
	n := 0
	for _, c := range []byte(u) {
		switch {
		case n == 32 || c == '-':
			continue
		case c >= 'a':
			c -= 'a' - 10
		case c >= 'A':
			c -= 'A' - 10
		default:
			c -= '0'
		}
		b[n/2] = b[n/2]<<4 | c&15
		n++
	}
	return b
}

// Seconds is a time as MISP writes it: decimal seconds since 1970, in a string as a rule. "" and "0" are no time.
type Seconds string

// UnmarshalJSONFrom reads a string, a number or null.
func (s *Seconds) UnmarshalJSONFrom(dec *jsontext.Decoder) error {
	t, err := scalar(dec)
	*s = Seconds(t)
	return err
}

// SecondsOf writes t, cut to the second.
func SecondsOf(t time.Time) Seconds { return Seconds(strconv.FormatInt(t.Unix(), 10)) }

// latest is the last second that STIX can write: the end of the year 9999.
const latest = 253402300799

// Time is the instant; ok is false for no time, and for what is none: not decimal, negative, or after the year 9999.
func (s Seconds) Time() (t time.Time, ok bool) {
	n, err := strconv.ParseInt(string(s), 10, 64)
	if err != nil || n <= 0 || n > latest {
		return time.Time{}, false
	}
	return time.Unix(n, 0).UTC(), true
}

// Compare orders by instant; no time comes first.
func (s Seconds) Compare(o Seconds) int {
	a, _ := s.Time()
	b, _ := o.Time()
	return a.Compare(b)
}

// Flag is a boolean that instances write as true, 1 or "1" too.
type Flag bool

// UnmarshalJSONFrom reads a flag in any of these ways, or null.
func (f *Flag) UnmarshalJSONFrom(dec *jsontext.Decoder) error {
	s, err := scalar(dec)
	if err != nil {
		return err
	}
	switch s {
	case "true", "1":
		*f = true
	case "false", "0", "":
		*f = false
	default:
		return fault.New(fault.Malformed, "", "a flag is true or false")
	}
	return nil
}

// scalar gives the text of a string, number or flag, "" for null.
func scalar(dec *jsontext.Decoder) (string, error) {
	t, err := dec.ReadToken()
	if err != nil {
		return "", err
	}
	switch t.Kind() {
	case '{', '[':
		return "", fault.New(fault.Malformed, "", "a list or an object stands where a single value belongs")
	case 'n':
		return "", nil
	}
	return t.String(), nil
}

// Distribution is how far an instance passes something on by itself.
type Distribution Word

// The distributions.
const (
	OwnOrganisation Distribution = "0"
	ThisCommunity   Distribution = "1"
	Connected       Distribution = "2" // this community and those connected to it
	Everybody       Distribution = "3"
	SharingGroup    Distribution = "4" // as the sharing group says
	Inherited       Distribution = "5" // as the event, or the object, says
)

// UnmarshalJSONFrom reads a string, a number or null.
func (d *Distribution) UnmarshalJSONFrom(dec *jsontext.Decoder) error {
	s, err := scalar(dec)
	*d = Distribution(s)
	return err
}

// Pulled is what an instance that pulls makes of d: connected communities become this community, this community its own organisation.
func (d Distribution) Pulled() Distribution {
	switch d {
	case Connected:
		return ThisCommunity
	case ThisCommunity:
		return OwnOrganisation
	}
	return d
}
