package match

import (
	"slices"
	"strings"

	"github.com/comity-exchange/comity/stix/pattern"
)

// maxPatternValues bounds the values of one pattern.
const maxPatternValues = 1024

// ParsePattern gives what a STIX pattern (STIX 2.1, 9) looks for, where that is values: one comparison by equality or several joined with OR, each of a kind that logs are searched for, and all forms that
// Pattern writes. A file that is named by its name and by hashes counts as its hashes. Each value comes once; none of a pattern that
// asks more. Error: fault.Malformed, for what is no pattern and for a value that cannot be looked for.
func ParsePattern(text string) ([]Value, error) {
	if kind, value, ok := plainPattern(text); ok {
		v, err := Parse(value, kind)
		if err != nil {
			return nil, err
		}
		return []Value{v}, nil
	}
	p, err := pattern.Parse(text)
	if err != nil {
		return nil, err
	}
	all, ok := p.Alternatives(maxPatternValues)
	if !ok {
		return nil, nil
	}
	var out []Value
	seen := map[string]bool{}
	for _, a := range all {
		found, ok := searched(a)
		if !ok {
			return nil, nil
		}
		for _, v := range found {
			if k := v.Kind.String() + " " + v.Text; !seen[k] {
				seen[k] = true
				out = append(out, v)
			}
		}
	}
	return out, nil
}

// plainPattern takes apart [type:property = 'value'] without the grammar, as most patterns by far are written.
func plainPattern(text string) (kind Kind, value string, ok bool) {
	rest, ok := strings.CutPrefix(text, "[")
	if !ok {
		return 0, "", false
	}
	path, rest, ok := strings.Cut(rest, " = '")
	if kind = kindOfPath(path); !ok || kind == 0 {
		return 0, "", false
	}
	value, ok = strings.CutSuffix(rest, "']")
	return kind, value, ok && !strings.ContainsAny(value, `'\`)
}

// kindOfPath is the kind of what a property holds; 0 for those that logs are not searched for.
func kindOfPath(path string) Kind {
	switch path {
	case "ipv4-addr:value", "ipv6-addr:value":
		return Address
	case "domain-name:value":
		return Domain
	case "url:value":
		return URL
	case "email-addr:value", "email-message:from_ref.value", "email-message:sender_ref.value", "email-message:to_refs[*].value":
		return Mail
	case "file:name":
		return File
	case "network-traffic:extensions.'http-request-ext'.request_value":
		return Path
	}
	for _, holder := range []string{"file:hashes.", "artifact:hashes.", "x509-certificate:hashes."} {
		if strings.HasPrefix(path, holder) {
			return Hash
		}
	}
	return 0
}

// searched is what one way to match looks for.
func searched(a pattern.Alternative) ([]Value, bool) {
	if len(a) > 1 {
		return combined(a)
	}
	t := a[0]
	if t.Literal.Kind != pattern.String {
		return nil, false
	}
	kind, text := kindOfPath(t.Type+":"+t.Property), t.Literal.Text
	switch {
	case t.Op == "ISSUBSET" && kind != Address:
		return nil, false
	case t.Op == "LIKE" && kind == URL:
		var ok bool
		if text, ok = likeURL(text); !ok {
			return nil, false
		}
	case t.Op == "LIKE":
		return nil, false
	case kind == 0 && isPeer(t):
		kind = Address
	}
	if kind == 0 {
		return nil, false
	}
	v, err := Parse(text, kind)
	return []Value{v}, err == nil
}

// isPeer tells whether a test names an end of a connection by its address.
func isPeer(t pattern.Test) bool {
	return t.Type == "network-traffic" && (t.Property == "dst_ref.value" || t.Property == "src_ref.value") && t.Op == "="
}

// likeURL takes the forms in which urlPattern writes a URL without a scheme, and what is below a site.
func likeURL(text string) (string, bool) {
	if rest, ok := strings.CutPrefix(text, "%//"); ok {
		text = "//" + rest
	}
	if site, ok := strings.CutSuffix(text, "/%"); ok {
		_, rest, _ := strings.Cut(site, "//")
		if strings.ContainsAny(rest, "/?") {
			return "", false
		}
		text = site
	}
	for i := range len(text) {
		if text[i] == '%' && (i+2 >= len(text) || shapes[text[i+1]]&hexadecimal == 0 || shapes[text[i+2]]&hexadecimal == 0) {
			return "", false // it stands for anything, and is no escape of the URL's own
		}
	}
	return text, true
}

// combined takes tests that hold together: an address with a port, and a file by name and hashes.
func combined(a pattern.Alternative) (out []Value, ok bool) {
	address, port := "", ""
	var sum []Value
	for _, t := range a {
		path := t.Type + ":" + t.Property
		switch {
		case t.Op != "=":
			return nil, false
		case isPeer(t) && address == "":
			address = t.Literal.Text
		case t.Type == "network-traffic" && (t.Property == "dst_ref.type" || t.Property == "src_ref.type"):
		case (path == "network-traffic:dst_port" || path == "network-traffic:src_port") && port == "":
			port = t.Literal.Text
		case kindOfPath(path) == Hash:
			v, err := Parse(t.Literal.Text, Hash)
			if err != nil {
				return nil, false
			}
			sum = append(sum, v)
		case path == "file:name":
		default:
			return nil, false
		}
	}
	switch {
	case len(sum) > 0 && address == "" && port == "":
		return sum, true
	case len(sum) > 0 || address == "" || slices.ContainsFunc(a, func(t pattern.Test) bool { return t.Type == "file" }):
		return nil, false
	case port == "":
		v, err := Parse(address, Address)
		return []Value{v}, err == nil
	case strings.Contains(address, ":"):
		address = "[" + address + "]"
	}
	v, err := Parse(address+":"+port, Endpoint)
	return []Value{v}, err == nil && v.Kind == Endpoint
}
