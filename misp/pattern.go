package misp

import (
	"strings"
)

// custom is the type of object under which a pattern looks for what STIX has no place for.
const custom = "x-misp-attribute"

// patternOf is the STIX pattern for one attribute.
func patternOf(facts []fact) string {
	var b strings.Builder
	b.WriteByte('[')
	for i, f := range facts {
		if i > 0 {
			b.WriteString(" AND ")
		}
		f.compare(&b)
	}
	b.WriteByte(']')
	return b.String()
}

func customFacts(a *Attribute) []fact {
	return []fact{{path: custom + ":type", value: a.Type}, {path: custom + ":value", value: string(a.Value)}}
}

func (f *fact) compare(b *strings.Builder) {
	b.WriteString(f.path)
	switch f.form {
	case number:
		b.WriteString(" = " + f.value)
		return
	case within:
		b.WriteString(" ISSUBSET '")
	default:
		b.WriteString(" = '")
	}
	b.WriteString(escaped(f.value))
	b.WriteByte('\'')
}

func escaped(v string) string {
	if strings.ContainsAny(v, `\'`) {
		v = strings.NewReplacer(`\`, `\\`, `'`, `\'`).Replace(v)
	}
	return v
}

// combined is the pattern for the attributes of one object: values of the same property are alternatives, and so are hashes, each of which
// names the file by itself; different properties hold together.
func combined(attributes [][]fact) string {
	var order []string
	alternatives := map[string][]string{}
	for _, facts := range attributes {
		var key, text strings.Builder
		for i := range facts {
			path, _, _ := strings.Cut(facts[i].path, ":hashes.")
			key.WriteString(path + " ")
			if i > 0 {
				text.WriteString(" AND ")
			}
			facts[i].compare(&text)
		}
		t := text.String()
		if len(facts) > 1 {
			t = "(" + t + ")"
		}
		k := key.String()
		if alternatives[k] == nil {
			order = append(order, k)
		}
		alternatives[k] = append(alternatives[k], t)
	}
	var b strings.Builder
	for i, k := range order {
		if i > 0 {
			b.WriteString(" AND ")
		}
		t := strings.Join(alternatives[k], " OR ")
		if len(alternatives[k]) > 1 && len(order) > 1 {
			t = "(" + t + ")"
		}
		b.WriteString(t)
	}
	return "[" + b.String() + "]"
}
