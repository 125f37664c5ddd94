package stix

import (
	"strings"
	"time"

	"github.com/comity-exchange/comity/fault"
)

// Type is the type of an object, such as "indicator" or a custom "x-acme-lead" (§3.1: 3 to 250 characters of a–z, 0–9 and hyphen).
type Type string

// valid tells whether t has the form of a type: lower-case letters, digits and hyphens, a letter first, 3 to 250 of them.
func (t Type) valid() bool {
	if len(t) < 3 || len(t) > 250 || t[0] < 'a' || t[0] > 'z' {
		return false
	}
	for i := 1; i < len(t); i++ {
		if c := t[i]; (c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '-' {
			return false
		}
	}
	return true
}

// ID is the identifier of an object: its type, two hyphens, a UUID (§2.9).
type ID string

// uuidLen is the length of a UUID in text.
const uuidLen = 36

// ParseID reads an identifier. Error: fault.Malformed.
func ParseID(s string) (ID, error) {
	if !ID(s).valid() {
		return "", fault.New(fault.Malformed, "", "a STIX identifier is a type, two hyphens and a UUID")
	}
	return ID(s), nil
}

// Type is what stands before the UUID, "" when id has not the form of an identifier.
func (id ID) Type() Type {
	n := len(id) - uuidLen - 2
	if n < 0 || id[n:n+2] != "--" {
		return ""
	}
	return Type(id[:n])
}

// UUID is the last part, "" when id has not the form of an identifier.
func (id ID) UUID() string {
	if id.Type() == "" {
		return ""
	}
	return string(id[len(id)-uuidLen:])
}

// valid tells whether id has the form. The UUID's version and variant are Check's to judge: what is indexed need not know them.
func (id ID) valid() bool { return id.Type().valid() && isUUID(id.UUID()) }

// isUUID tells whether s is 8-4-4-4-12 hexadecimal digits, of either case.
func isUUID(s string) bool {
	if len(s) != uuidLen {
		return false
	}
	if s[8] != '-' || s[13] != '-' || s[18] != '-' || s[23] != '-' {
		return false
	}
	hyphens := 0
	for _, c := range []byte(s) {
		if !isHex(c) {
			hyphens++ // or something worse
		}
	}
	return hyphens == 4
}

func isHex(c byte) bool { return c-'0' < 10 || c|0x20-'a' < 6 }

// standardUUID tells whether id's UUID is one of RFC 4122, versions 1 to 5, as §2.9 demands.
func (id ID) standardUUID() bool {
	u := id.UUID()
	return u != "" && u[14] >= '1' && u[14] <= '5' && strings.IndexByte("89abAB", u[19]) >= 0
}

// Timestamp is a time exactly as an object writes it: RFC 3339 in UTC with Z and a fraction of any length (§2.16). A version is
// named by its timestamp, so it is kept as text; Compare orders without losing digits. "" is the absent time.
type Timestamp string

const wholeSeconds = len("2006-01-02T15:04:05")

// ParseTimestamp reads one. Error: fault.Malformed.
func ParseTimestamp(s string) (Timestamp, error) {
	if !Timestamp(s).valid() {
		return "", fault.New(fault.Malformed, "", "a timestamp is like 2026-11-21T08:00:00.000Z")
	}
	return Timestamp(s), nil
}

// At writes t as STIX wants what it emits: UTC, milliseconds, rounded down.
func At(t time.Time) Timestamp { return Timestamp(t.UTC().Format("2006-01-02T15:04:05.000Z")) }

// Time is the instant, cut to nanoseconds; a leap second is its predecessor's last nanosecond. The zero time for "".
func (t Timestamp) Time() time.Time {
	if len(t) <= wholeSeconds {
		return time.Time{}
	}
	num := func(from, to int) (n int) {
		for _, c := range []byte(t[from:to]) {
			n = n*10 + int(c-'0')
		}
		return n
	}
	nanos, scale := 0, int(time.Second)
	for _, c := range []byte(t.fraction()) {
		scale /= 10
		nanos += int(c-'0') * scale
	}
	second := num(17, 19)
	if second == 60 {
		second, nanos = 59, int(time.Second)-1
	}
	return time.Date(num(0, 4), time.Month(num(5, 7)), num(8, 10), num(11, 13), num(14, 16), second, nanos, time.UTC)
}

// fraction is the digits after the point, without the zeros at their end.
func (t Timestamp) fraction() string {
	if len(t) <= wholeSeconds+1 || t[wholeSeconds] != '.' {
		return ""
	}
	return strings.TrimRight(string(t[wholeSeconds+1:len(t)-1]), "0")
}

// Compare orders by instant: −1, 0 or 1. Two spellings of one instant, such as .5Z and .500Z, are equal. The absent time comes first.
func (t Timestamp) Compare(o Timestamp) int {
	if len(t) < wholeSeconds || len(o) < wholeSeconds {
		return strings.Compare(string(t), string(o))
	}
	// The form is of fixed width down to the second, so text orders as time does.
	if c := strings.Compare(string(t[:wholeSeconds]), string(o[:wholeSeconds])); c != 0 {
		return c
	}
	return strings.Compare(t.fraction(), o.fraction())
}

// valid tells whether t is a timestamp of §2.16 that names a day which exists.
func (t Timestamp) valid() bool {
	const form = "0000-00-00T00:00:00"
	if len(t) < len(form)+1 || len(t) > 64 || t[len(t)-1] != 'Z' {
		return false
	}
	for i := range len(form) {
		if form[i] == '0' {
			if t[i] < '0' || t[i] > '9' {
				return false
			}
		} else if t[i] != form[i] {
			return false
		}
	}
	two := func(i int) int { return int(t[i]-'0')*10 + int(t[i+1]-'0') }
	month, day := two(5), two(8)
	if month < 1 || month > 12 || day < 1 || day > daysIn(two(0)*100+two(2), month) || two(11) > 23 || two(14) > 59 || two(17) > 60 {
		return false
	}
	rest := t[len(form) : len(t)-1]
	if rest == "" {
		return true
	}
	if rest[0] != '.' || len(rest) == 1 {
		return false
	}
	for _, c := range []byte(rest[1:]) {
		if c < '0' || c > '9' {
			return false
		}
	}
	return true
}

func daysIn(year, month int) int {
	switch month {
	case 4, 6, 9, 11:
		return 30
	case 2:
		if year%4 == 0 && (year%100 != 0 || year%400 == 0) {
			return 29
		}
		return 28
	}
	return 31
}
