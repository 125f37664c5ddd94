package stix

import (
	"slices"
	"strconv"
	"strings"

	"github.com/comity-exchange/comity/fault"
)

// Defect is one rule of the standard that an object breaks.
type Defect struct {
	Offset   int    // of the value, or of the object that lacks one, in Raw
	Property string // path of a property that the standard names, such as "external_references[1].url"; "" for any other
	Reason   string // safe to show: it quotes nothing
}

func (d Defect) String() string {
	s := "at byte " + strconv.Itoa(d.Offset) + ": "
	if d.Property != "" {
		s += d.Property + " "
	}
	return s + d.Reason
}

// Fault is the defect as an error.
func (d Defect) Fault() error { return fault.New(fault.Malformed, "", "%s", d.String()) }

// maxDefects is how many Check tells of one object: who sent it will want to know why, not everything.
const maxDefects = 32

// Check holds the object against what STIX 2.1 says a producer MUST do, as far as one object shows it, and gives what is wrong in the
// order in which it was found; nil when nothing is. An object of a custom type is held to the rules that all objects share.
// Patterns are not read: pattern.Parse says more about them than a defect could.
func (o *Object) Check() []Defect {
	c := checker{o: o}
	r, _ := ruleOf(o.Type)
	for i := range o.members {
		m := &o.members[i]
		p, ok := commonRules[m.name]
		if !ok {
			p, ok = r.properties[m.name]
		}
		c.name(m, ok)
		c.property(m.at(), m.in(o.Raw), p, m.name, ok)
	}
	c.common(o.class())
	c.present(0, "", r, func(name string) bool { return o.member(name) != nil })
	c.extensions()
	c.granular()
	c.crossed()
	return c.found
}

func ruleOf(t Type) (rule, bool) {
	if r, ok := rules[t]; ok {
		return r, true
	}
	r, ok := observables[t]
	return r, ok
}

// Observable tells whether t is a type of cyber observable that the standard names.
func (t Type) Observable() bool { _, ok := observables[t]; return ok }

type checker struct {
	o     *Object
	found []Defect
}

func (c *checker) add(at int, path, reason string) {
	if len(c.found) < maxDefects {
		c.found = append(c.found, Defect{at, path, reason})
	}
}

// addOf adds a defect of a top-level property, or of the object if that is absent.
func (c *checker) addOf(name, reason string) {
	at, _ := c.o.place(name)
	c.add(at, name, reason)
}

// name holds a property name against §3.1, §3.8 and §11.1.
func (c *checker) name(m *member, known bool) {
	if known {
		return
	}
	good := len(m.name) >= 3 && len(m.name) <= 250
	for i := 0; i < len(m.name) && good; i++ {
		b := m.name[i]
		good = b >= 'a' && b <= 'z' || i > 0 && (b >= '0' && b <= '9' || b == '_')
	}
	switch m.name {
	case "severity", "action", "username", "phone_numbers":
		c.add(m.at(), m.name, "is a reserved name")
	default:
		if !good {
			c.add(m.at(), "", "the name of a custom property is not 3 to 250 lower-case letters, digits and underscores, a letter first")
		}
	}
}

// property holds a value against p. Of a property that the standard does not know, only what holds for all is asked.
func (c *checker) property(at int, v string, p property, path string, known bool) {
	shown := path
	if !known {
		shown = ""
	}
	switch {
	case v == "null":
		c.add(at, shown, "is null: a property without a value is left out")
	case v[0] == '[' && isEmpty(v):
		c.add(at, shown, "is an empty list: it is left out")
	case known:
		if why := c.fits(at, v, p, path); why != "" {
			c.add(at, path, why)
		}
	}
}

func isEmpty(v string) bool { return strings.Trim(v[1:len(v)-1], " \t\r\n") == "" }

// common holds the object against §3.2: what every object of its class has.
func (c *checker) common(k class) {
	o := c.o
	if o.Type == "action" {
		c.addOf("type", "is a reserved name")
	}
	switch {
	case o.SpecVersion == "2.1":
	case o.SpecVersion != "":
		c.addOf("spec_version", "is not 2.1")
	case k != observable:
		c.add(0, "spec_version", "is missing; without it the object is of STIX 2.0")
	}
	if !o.ID.standardUUID() {
		c.addOf("id", "has no UUID of RFC 4122, version 1 to 5")
	} else if o.Type.Observable() && o.ID.UUID()[14] != '4' && !slices.ContainsFunc(contributing[o.Type], c.has) {
		c.addOf("id", "is not random, and nothing in the object makes another: its UUID is of version 4")
	}
	if k != observable && o.Created == "" {
		c.add(0, "created", "is missing")
	}
	if k == domain && o.Modified == "" {
		c.add(0, "modified", "is missing")
	}
	if k != observable {
		c.precise("created", o.Created)
		c.precise("modified", o.Modified)
	}
	if o.Created != "" && o.Modified != "" && o.Modified.Compare(o.Created) < 0 {
		c.addOf("modified", "is before created")
	}
	if c.has("lang") && !isLanguage(o.Lang) {
		c.addOf("lang", notLanguage)
	}
	for _, m := range o.Markings {
		if m == o.ID {
			c.addOf("object_marking_refs", "marks a marking with itself")
		}
	}
}

// precise asks for the milliseconds that versions are told apart by.
func (c *checker) precise(name string, t Timestamp) {
	if t != "" && len(t) < len("2006-01-02T15:04:05.000Z") {
		c.addOf(name, "has not the three digits of a fraction that a version needs")
	}
}

// present asks for the properties that r demands.
func (c *checker) present(at int, path string, r rule, has func(string) bool) {
	for _, name := range r.need {
		if !has(name) {
			c.add(at, path+name, "is missing")
		}
	}
	if len(r.oneOf) == 0 {
		return
	}
	for _, name := range r.oneOf {
		if has(name) {
			return
		}
	}
	list := strings.Join(r.oneOf, ", ")
	if len(r.oneOf) > 4 {
		list = strings.Join(r.oneOf[:4], ", ") + " …"
	}
	c.add(at, strings.TrimSuffix(path, "."), "has none of: "+list)
}

// inner holds an object inside the object against the rule of its kind.
func (c *checker) inner(at int, v, kind, path string) {
	if v[0] != '{' {
		c.add(at, path, "is not an object")
		return
	}
	r := inners[kind]
	seen := map[string]bool{}
	for m := range properties(v) {
		seen[m.name] = true
		p, ok := r.properties[m.name]
		c.property(at+m.at(), m.in(v), p, path+"."+m.name, ok)
	}
	c.present(at, path+".", r, func(name string) bool { return seen[name] })
	if kind == "external-reference" {
		c.reference(at, v, path)
	}
}

// reference holds the identifiers of well-known sources against their form (§2.5).
func (c *checker) reference(at int, v, path string) {
	r, _ := referenceOf(v)
	var prefix string
	switch r.SourceName {
	case "cve":
		prefix = "CVE-"
	case "capec":
		prefix = "CAPEC-"
	default:
		return
	}
	if r.ExternalID != "" && !strings.HasPrefix(r.ExternalID, prefix) {
		c.add(at, path+".external_id", "has not the form that its source gives its identifiers")
	}
}

// extensions holds the names and values of extensions against §7.3 and, for those that §6 defines, against its tables.
func (c *checker) extensions() {
	m := c.o.member("extensions")
	if m == nil {
		return
	}
	v := m.in(c.o.Raw)
	if v[0] != '{' || isEmpty(v) {
		c.add(m.at(), "extensions", "is not an object with members")
		return
	}
	for e := range properties(v) {
		at, x := m.at()+e.at(), e.in(v)
		_, predefined := inners[e.name]
		switch {
		case x[0] != '{' || isEmpty(x):
			c.add(at, "extensions", "holds what is no object with members")
		case predefined && strings.HasSuffix(e.name, "-ext"):
			c.inner(at, x, e.name, "extensions."+e.name)
		case ID(e.name).Type() == "extension-definition" && ID(e.name).valid():
			c.extension(at, x)
		case strings.HasSuffix(e.name, "-ext") && Type(e.name).valid():
			// The older way to name a custom extension, still allowed.
		default:
			c.add(at, "extensions", "has a name that is neither of the standard nor the id of an extension-definition")
		}
	}
}

func (c *checker) extension(at int, v string) {
	for m := range properties(v) {
		if m.name == "extension_type" {
			if s, _ := textOf[string](m.in(v)); !oneWord(exts, s) {
				c.add(at+m.at(), "extensions", "has an extension_type that the standard does not know")
			}
			return
		}
	}
	c.add(at, "extensions", "holds an extension without extension_type")
}

// oneWord tells whether word is one of list, which has a space before and behind each.
func oneWord(list, word string) bool {
	return word != "" && !strings.Contains(word, " ") && strings.Contains(list, " "+word+" ")
}
