package match

import (
	"bytes"
	"regexp"
	"strings"

	"github.com/go-json-experiment/json"

	"github.com/comity-exchange/comity/fault"
)

// Bounds of what allow-lists may cost. An expression is RE2's: its time is linear in what it reads.
const (
	maxExpression  = 1000 // bytes of one
	maxExpressions = 1000
	maxSubstrings  = 100_000
)

// Allow holds values that are well known and harmless, or shared by so many that finding one says nothing: lists in the format of the MISP
// warninglists. It is filled, then only read; any number of goroutines may read it.
type Allow struct {
	names []string
	exact map[string]allowed // values as they are
	hosts map[string]allowed // domains, with what is below them
	cidrs map[string]allowed // ranges by their key
	len4  [33]bool
	len6  [129]bool
	parts []part
	exprs []expr
}

// allowed says which list has a value, and of what kinds.
type allowed struct {
	list  int32
	kinds uint16
}

func (a allowed) of(k Kind) bool { return a.kinds&(1<<k) != 0 }

type part struct {
	text string
	allowed
}

type expr struct {
	re *regexp.Regexp
	allowed
}

// NewAllow makes an empty one.
func NewAllow() *Allow {
	return &Allow{exact: map[string]allowed{}, hosts: map[string]allowed{}, cidrs: map[string]allowed{}}
}

// Len is how many lists there are.
func (a *Allow) Len() int { return len(a.names) }

// Add takes one list: a warninglist's JSON, or text with a value a line, which counts like type "hostname" for names and "cidr" for addresses.
// skipped counts values that do not fit the list's type. Errors are fault.Malformed and fault.TooLarge.
func (a *Allow) Add(name string, raw []byte) (skipped int, err error) {
	list := struct {
		Name  string   `json:"name"`
		Type  string   `json:"type"`
		List  []string `json:"list"`
		Kinds []string `json:"matching_attributes"`
	}{Name: name, Type: "hostname"}
	if trimmed := bytes.TrimSpace(raw); len(trimmed) > 0 && trimmed[0] == '{' {
		if err := json.Unmarshal(raw, &list); err != nil {
			return 0, fault.Wrap(err, fault.Malformed, "", "an allow-list is a MISP warninglist in JSON, or text with a value a line")
		}
	} else {
		for l := range strings.Lines(string(raw)) {
			if l = strings.TrimSpace(l); l != "" && l[0] != '#' {
				list.List = append(list.List, l)
			}
		}
	}
	if list.Type == "" {
		list.Type = "string"
	}
	own := allowed{list: int32(len(a.names)), kinds: kindsOf(list.Kinds)}
	a.names = append(a.names, list.Name)
	for _, v := range list.List {
		ok, err := a.take(list.Type, v, own)
		if err != nil {
			return skipped, err
		}
		if !ok {
			skipped++
		}
	}
	return skipped, nil
}

// kindsOf gives the kinds that MISP attribute types stand for; all when none is named.
func kindsOf(attributes []string) (kinds uint16) {
	for _, a := range attributes {
		switch k := KindOf(a); {
		case k == Address || k == Endpoint || k == Range || a == "domain|ip":
			kinds |= 1<<Address | 1<<Range | 1<<Endpoint | 1<<URL
		case k == URL:
			kinds |= 1<<URL | 1<<Path
		case strings.HasPrefix(a, "email"), strings.HasSuffix(a, "-email"):
			kinds |= 1 << Mail
		case k != 0:
			kinds |= 1 << k
		}
		if a == "domain|ip" {
			kinds |= 1 << Domain
		}
	}
	if kinds == 0 {
		kinds = ^uint16(0)
	}
	return kinds
}

// take takes one value of a list.
func (a *Allow) take(kind, v string, own allowed) (ok bool, err error) {
	v = strings.TrimSpace(v)
	switch {
	case v == "" || len(v) > maxText:
		return false, nil
	case kind == "cidr" || kind == "hostname" && looksNumeric(v):
		return a.takeRange(v, own), nil
	case kind == "hostname", kind == "string" && v[0] == '.':
		name := strings.ToLower(strings.Trim(strings.TrimPrefix(v, "*"), "."))
		if canonical, ok := canonicalDomain([]byte(name)); ok {
			name = string(canonical)
		}
		add(a.hosts, name, own)
	case kind == "string":
		for _, text := range canonicalTexts(v) {
			add(a.exact, text, own)
		}
	case kind == "substring":
		if len(a.parts) == maxSubstrings {
			return false, fault.New(fault.TooLarge, "", "allow-lists have at most %d substrings", maxSubstrings)
		}
		a.parts = append(a.parts, part{strings.ToLower(v), own})
	case kind == "regex":
		return a.takeExpression(v, own)
	default:
		return false, fault.New(fault.Malformed, "", "an allow-list's type is cidr, string, hostname, substring or regex")
	}
	return true, nil
}

func looksNumeric(v string) bool {
	k := guess([]byte(v))
	return k == Address || k == Range
}

// add keeps the first list that has a value, for all kinds that any list has it for.
func add(m map[string]allowed, v string, own allowed) {
	if old, ok := m[v]; ok {
		own = allowed{old.list, old.kinds | own.kinds}
	}
	m[v] = own
}

// canonicalTexts are the texts under which a value may be asked for.
func canonicalTexts(v string) []string {
	texts := []string{strings.ToLower(v)}
	if p, err := Parse(v, 0); err == nil && p.Text != texts[0] {
		texts = append(texts, p.Text)
	}
	return texts
}

func (a *Allow) takeRange(v string, own allowed) bool {
	p, err := Parse(v, Range)
	if err != nil || p.Kind == Endpoint {
		return false
	}
	at, length := p.at, p.end
	if p.Kind == Address {
		at, _ = parseAddr([]byte(p.Text))
		length = 8 * at.n
	}
	if at.n == 4 {
		a.len4[length] = true
	} else {
		a.len6[length] = true
	}
	add(a.cidrs, string(append(at.bytes(), byte(length))), own)
	return true
}

// takeExpression takes an expression as PHP has it, between slashes with flags, or bare. What RE2 does not have is skipped.
func (a *Allow) takeExpression(v string, own allowed) (bool, error) {
	if len(a.exprs) == maxExpressions || len(v) > maxExpression {
		return false, fault.New(fault.TooLarge, "", "allow-lists have at most %d regular expressions of at most %d bytes", maxExpressions, maxExpression)
	}
	if end := strings.LastIndexByte(v, '/'); v[0] == '/' && end > 0 {
		v = v[1:end]
	}
	re, err := regexp.Compile("(?i)" + v)
	if err != nil {
		return false, nil
	}
	a.exprs = append(a.exprs, expr{re, own})
	return true, nil
}

// Covers tells which list, if any, makes an indicator or what was found of it harmless. A URL with a path is its own: it is not harmless for standing
// on a host that is.
func (a *Allow) Covers(kind Kind, value string) (list string, ok bool) {
	found := func(x allowed, there bool) bool {
		if there && x.of(kind) {
			list, ok = a.names[x.list], true
		}
		return ok
	}
	text := strings.ToLower(value)
	if kind == Path || kind == URL {
		text = value
	}
	if x, there := a.exact[text]; found(x, there) {
		return list, true
	}
	if host := hostIn(kind, value); host != "" {
		if at, isAddr := parseAddr([]byte(host)); isAddr {
			if a.coversAddr(at, 8*at.n, found) {
				return list, true
			}
		} else if a.coversName(host, found) {
			return list, true
		}
	}
	if kind == Range {
		if p, err := Parse(value, Range); err == nil && p.Kind == Range && a.coversAddr(p.at, p.end, found) {
			return list, true
		}
	}
	for i := range a.parts {
		if strings.Contains(text, a.parts[i].text) && found(a.parts[i].allowed, true) {
			return list, true
		}
	}
	for i := range a.exprs {
		if a.exprs[i].of(kind) && a.exprs[i].re.MatchString(value) && found(a.exprs[i].allowed, true) {
			return list, true
		}
	}
	return "", false
}

// hostIn is the host by which a value may be judged; "" when it is not judged so.
func hostIn(kind Kind, value string) string {
	switch kind {
	case Address, Domain:
		return value
	case Endpoint:
		return value[:strings.LastIndexByte(value, ':')]
	case URL:
		_, host, _ := strings.Cut(value, "//")
		if strings.ContainsAny(host, "/?") {
			return ""
		}
		name, _ := cutHost([]byte(host + "/"))
		return string(name)
	}
	return ""
}

// coversName walks over the suffixes of a name, at most 127.
func (a *Allow) coversName(name string, found func(allowed, bool) bool) bool {
	for {
		if x, there := a.hosts[name]; found(x, there) {
			return true
		}
		i := strings.IndexByte(name, '.')
		if i < 0 {
			return false
		}
		name = name[i+1:]
	}
}

// coversAddr looks for a range that holds all addresses with these first bits.
func (a *Allow) coversAddr(at addr, length int, found func(allowed, bool) bool) bool {
	lengths := a.len4[:]
	if at.n == 16 {
		lengths = a.len6[:]
	}
	for n := range length + 1 {
		if !lengths[n] {
			continue
		}
		m := at.masked(n)
		if x, there := a.cidrs[string(append(m.bytes(), byte(n)))]; found(x, there) {
			return true
		}
	}
	return false
}
