package auth

import (
	"slices"
	"strings"

	"github.com/comity-exchange/comity/fault"
)

// Role is a set of permissions that an officer may have.
type Role string

// The roles.
const (
	Analyst          Role = "analyst"
	DutyOfficer      Role = "duty-officer"
	ReleasingOfficer Role = "releasing-officer"
	LegalAdviser     Role = "legal-adviser"
	Auditor          Role = "auditor"
	Administrator    Role = "administrator"
)

// Roles lists them.
func Roles() []Role {
	return []Role{Analyst, DutyOfficer, ReleasingOfficer, LegalAdviser, Auditor, Administrator}
}

// ParseRoles reads roles and gives them in the order of Roles, each once. Error: fault.Usage.
func ParseRoles(names []string) ([]Role, error) {
	var out []Role
	for _, r := range Roles() {
		if slices.Contains(names, string(r)) {
			out = append(out, r)
		}
	}
	for _, n := range names {
		if !slices.Contains(Roles(), Role(n)) {
			return nil, fault.New(fault.Usage, "", "the roles are %s", and(texts(Roles())))
		}
	}
	return out, nil
}

// String is the role as people say it: "duty officer".
func (r Role) String() string { return strings.ReplaceAll(string(r), "-", " ") }

// one is the role with its article.
func (r Role) one() string {
	if strings.ContainsRune("aeiou", rune(r[0])) {
		return "an " + r.String()
	}
	return "a " + r.String()
}

func texts(roles []Role) []string {
	out := make([]string, len(roles))
	for i, r := range roles {
		out[i] = string(r)
	}
	return out
}

// known takes roles from the store. One that this version does not know permits nothing.
func known(names []string) []Role {
	out := make([]Role, 0, len(names))
	for _, n := range names {
		if slices.Contains(Roles(), Role(n)) {
			out = append(out, Role(n))
		}
	}
	return out
}

func and(words []string) string { return joined(words, "and") }
func or(words []string) string  { return joined(words, "or") }

func joined(words []string, last string) string {
	if n := len(words); n > 1 {
		return strings.Join(words[:n-1], ", ") + " " + last + " " + words[n-1]
	}
	return strings.Join(words, "")
}
