package party

import (
	"regexp"
	"strconv"
	"strings"
	"unicode"

	"filippo.io/age"

	"github.com/comity-exchange/comity/fault"
	"github.com/comity-exchange/comity/wire"
)

var (
	languagePattern = regexp.MustCompile(`^[a-z]{2,3}(-[A-Za-z0-9]{2,8}){0,3}$`) // RFC 5646, the forms in use
	endpointPattern = regexp.MustCompile(`^https://(\[[0-9a-f:.]{2,45}\]|[A-Za-z0-9]([A-Za-z0-9.-]{0,251}[A-Za-z0-9])?):([1-9][0-9]{0,4})$`)
)

// checkMembers refuses a letter line that lacks a member, or that spells out what an absent one says.
func checkMembers(line []byte) error {
	// spec: LTR-3
	m, err := wire.Members(line)
	if err != nil {
		return err
	}
	for _, name := range []string{"v", "code", "names", "serial", "origin", "log", "witness", "seal", "tls", "endpoints", "contacts", "recovery", "issued"} {
		if _, ok := m[name]; !ok {
			return fault.New(fault.Malformed, "LTR-3", "the letter lacks %q", name)
		}
	}
	if v, ok := m["revokes"]; ok && string(v) != "true" {
		return fault.New(fault.Malformed, "LTR-3", "revokes is true or absent")
	}
	return nil
}

// check holds what the types do not: bounds and relations between members.
func (l *Letter) check() error {
	// spec: LTR-3
	bad := func(format string, args ...any) error { return fault.New(fault.Malformed, "LTR-3", format, args...) }
	switch {
	case l.V != 1:
		return bad("the letter's version is not 1")
	case l.Serial < 1 || l.Serial > 1<<53-1:
		return bad("a letter's serial counts from 1")
	case (l.Serial == 1) != l.Previous.IsZero():
		return bad("every letter but the first names the digest of the one before")
	case l.Origin.Code() != l.Code:
		return bad("the letter's origin is another party's")
	case !isWitnessName(l.Witness.Name, l.Code):
		return bad("the witness is named like XA/witness/1")
	case l.TLS.IsZero() || l.Recovery.IsZero():
		return bad("a digest of a key is empty")
	case l.Issued.IsZero():
		return bad("the letter has no time of issue")
	}
	if err := l.checkKeys(); err != nil {
		return err
	}
	if err := l.checkPeople(); err != nil {
		return err
	}
	return l.checkClosing()
}

func (l *Letter) checkKeys() error {
	// spec: LTR-3
	if err := l.Log.Check(); err != nil {
		return err
	}
	if err := l.Witness.Check(); err != nil {
		return err
	}
	if l.Log.shares(l.Witness.PublicKeys) || l.Recovery == RecoveryCommitment(l.Log) || l.Recovery == RecoveryCommitment(l.Witness.PublicKeys) {
		return fault.New(fault.Malformed, "LTR-3", "log, witness and recovery have keys of their own")
	}
	if !strings.HasPrefix(l.Seal, "age1pq1") {
		return fault.New(fault.Malformed, "LTR-3", "the sealing key is an age recipient that begins with age1pq1")
	}
	if _, err := age.ParseHybridRecipient(l.Seal); err != nil {
		return fault.New(fault.Malformed, "LTR-3", "the sealing key is no age recipient") // age's own text quotes the input
	}
	return nil
}

func (l *Letter) checkPeople() error {
	// spec: LTR-3
	bad := func(format string, args ...any) error { return fault.New(fault.Malformed, "LTR-3", format, args...) }
	if len(l.Names) == 0 {
		return bad("a letter names its party in one language at least")
	}
	for tag, name := range l.Names {
		if !languagePattern.MatchString(tag) || name == "" || !isText(name) {
			return bad("a name is keyed by a language tag and has 1 to %d bytes without control characters", MaxText)
		}
	}
	if len(l.Endpoints) > MaxEndpoints {
		return bad("at most %d endpoints", MaxEndpoints)
	}
	for _, e := range l.Endpoints {
		if !isEndpoint(e) {
			return bad("an endpoint is like https://node.example:8443, without a path")
		}
	}
	if len(l.Contacts) > MaxContacts {
		return bad("at most %d points of contact", MaxContacts)
	}
	for _, c := range l.Contacts {
		if err := c.check(); err != nil {
			return err
		}
	}
	return nil
}

func (c Contact) check() error {
	// spec: LTR-3
	switch c.Role {
	case ContactTechnical, ContactDiplomatic, ContactLawEnforcement, ContactLeadership:
	default:
		return fault.New(fault.Malformed, "LTR-3", "a point of contact is technical, diplomatic, law-enforcement or leadership")
	}
	for _, s := range []string{c.Name, c.Email, c.Phone, c.Hours} {
		if !isText(s) {
			return fault.New(fault.Malformed, "LTR-3", "a contact's detail has at most %d bytes without control characters", MaxText)
		}
	}
	for _, tag := range c.Languages {
		if !languagePattern.MatchString(tag) {
			return fault.New(fault.Malformed, "LTR-3", "a contact's language is a language tag")
		}
	}
	return nil
}

func (l *Letter) checkClosing() error {
	// spec: LTR-3, LTR-7
	bad := func(format string, args ...any) error { return fault.New(fault.Malformed, "LTR-7", format, args...) }
	c := l.Closing
	switch {
	case c == nil && l.Revokes:
		return bad("only a letter that closes an origin revokes its keys")
	case c == nil:
		return nil
	case l.Serial == 1:
		return bad("a first letter closes nothing")
	case c.Origin.Code() != l.Code || c.Origin.Serial()+1 != l.Origin.Serial():
		return bad("the closed origin is the one before the letter's own")
	case c.Size < 0 || c.Size > MaxLeaves:
		return bad("the closed log's size is out of bounds")
	case len(c.Root) != 32:
		return bad("the closed log's root has 32 bytes")
	}
	return nil
}

func isWitnessName(name string, code Code) bool {
	serial, ok := strings.CutPrefix(name, string(code)+"/witness/")
	n, err := strconv.Atoi(serial)
	return ok && err == nil && n >= 1 && n <= 9999 && strconv.Itoa(n) == serial
}

func isEndpoint(s string) bool {
	m := endpointPattern.FindStringSubmatch(s)
	if m == nil {
		return false
	}
	port, err := strconv.Atoi(m[3])
	return err == nil && port <= 65535
}

// isText tells what may be shown as one line: no control characters and none that turn the direction of what follows.
func isText(s string) bool {
	return len(s) <= MaxText && strings.IndexFunc(s, func(r rune) bool {
		return unicode.IsControl(r) || r >= 0x202A && r <= 0x202E || r >= 0x2066 && r <= 0x2069 || r == 0x2028 || r == 0x2029
	}) < 0
}
