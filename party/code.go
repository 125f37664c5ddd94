package party

import (
	"strconv"
	"strings"

	"github.com/comity-exchange/comity/fault"
)

// Code names a party: a State ("XA"), an organisation, or an office of one ("XA.cert").
type Code string

// ParseCode reads a party code (ENC-6): 2 to 12 capitals and digits that begin with a capital, then up to two offices, each a dot and 1 to 16 small letters,
// digits and hyphens that begin with a letter.
func ParseCode(s string) (Code, error) {
	// spec: ENC-6
	state, offices, rest := strings.Cut(s, ".")
	if !isState(state) {
		return "", notCode()
	}
	for n := 0; rest; n++ {
		var office string
		if office, offices, rest = strings.Cut(offices, "."); n == 2 || !isOffice(office) {
			return "", notCode()
		}
	}
	return Code(s), nil
}

func notCode() error {
	return fault.New(fault.Malformed, "ENC-6", "a party code is like XA or XA.cert")
}

func isState(s string) bool {
	for i := range len(s) {
		if c := s[i]; (c < 'A' || c > 'Z') && (i == 0 || c < '0' || c > '9') {
			return false
		}
	}
	return len(s) >= 2 && len(s) <= 12
}

func isOffice(s string) bool {
	for i := range len(s) {
		if c := s[i]; (c < 'a' || c > 'z') && (i == 0 || (c < '0' || c > '9') && c != '-') {
			return false
		}
	}
	return s != "" && len(s) <= 16
}

// Principal is the State or organisation that an office belongs to; the code itself when it is no office.
func (c Code) Principal() Code {
	p, _, _ := strings.Cut(string(c), ".")
	return Code(p)
}

// IsOffice tells whether the code names an office.
func (c Code) IsOffice() bool { return strings.Contains(string(c), ".") }

// UnmarshalText checks while decoding, so that a Code that came from JSON is a valid one.
func (c *Code) UnmarshalText(b []byte) error {
	v, err := ParseCode(string(b))
	if err != nil {
		return err
	}
	*c = v
	return nil
}

// Origin names one log of a party: "XA/1". A party has one open origin at a time (LTR-8).
type Origin string

// ParseOrigin reads a log origin (ENC-7).
func ParseOrigin(s string) (Origin, error) {
	// spec: ENC-7
	code, serial, ok := strings.Cut(s, "/")
	n, err := strconv.Atoi(serial)
	if !ok || err != nil || n < 1 || n > 9999 || strconv.Itoa(n) != serial {
		return "", fault.New(fault.Malformed, "ENC-7", "a log origin is a party code, a slash and a serial, like XA/1")
	}
	if _, err := ParseCode(code); err != nil {
		return "", fault.New(fault.Malformed, "ENC-7", "a log origin is a party code, a slash and a serial, like XA/1")
	}
	return Origin(s), nil
}

// MakeOrigin is the origin of a code's log with that serial.
func MakeOrigin(c Code, serial int) Origin { return Origin(string(c) + "/" + strconv.Itoa(serial)) }

// Code is the party whose log it is.
func (o Origin) Code() Code {
	c, _, _ := strings.Cut(string(o), "/")
	return Code(c)
}

// Serial counts a party's logs from 1.
func (o Origin) Serial() int {
	_, s, _ := strings.Cut(string(o), "/")
	n, _ := strconv.Atoi(s)
	return n
}

// UnmarshalText checks while decoding.
func (o *Origin) UnmarshalText(b []byte) error {
	v, err := ParseOrigin(string(b))
	if err != nil {
		return err
	}
	*o = v
	return nil
}
