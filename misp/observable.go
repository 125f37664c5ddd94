package misp

import (
	"crypto/sha256"
	"slices"
	"strconv"
	"strings"

	"github.com/comity-exchange/comity/stix"
)

// builder puts observables together from facts.
type builder struct {
	facts    []fact
	markings []stix.ID
	seed     string // of identifiers that STIX wants random
	out      []*stix.Object
}

// observables gives the objects that facts are about, those that others refer to first; nil where STIX cannot say them as objects.
func observables(facts []fact, markings []stix.ID, seed string) []*stix.Object {
	b := builder{facts: facts, markings: markings, seed: seed}
	if len(facts) == 1 {
		// The common case: an address, a name, a hash.
		if t, ok := strings.CutSuffix(facts[0].path, ":value"); ok {
			b.add(stix.Type(t), stix.Property{Name: "value", Value: facts[0].value})
			return b.out
		}
	}
	for _, t := range []stix.Type{"ipv4-addr", "ipv6-addr", "url", "email-addr", "mac-addr"} {
		b.each(t, "value")
	}
	b.each("mutex", "name")
	b.each("directory", "path")
	b.domains()
	b.files()
	b.traffic()
	b.message()
	b.registry()
	b.plain("autonomous-system", "number", "name")
	b.plain("software", "name", "cpe", "version", "vendor")
	b.plain("user-account", "user_id", "account_login", "account_type", "display_name")
	b.process()
	b.certificate()
	return b.out
}

// all gives the values at a path.
func (b *builder) all(path string) (values []string) {
	for _, f := range b.facts {
		if f.path == path && !slices.Contains(values, f.value) {
			values = append(values, f.value)
		}
	}
	return values
}

// one gives the first value at a path, as STIX writes it; nil where there is none.
func (b *builder) one(path string) any {
	for _, f := range b.facts {
		if f.path == path {
			return f.json()
		}
	}
	return nil
}

func (f fact) json() any {
	if f.form == number {
		if n, err := strconv.ParseUint(f.value, 10, 53); err == nil {
			return n
		}
	}
	return f.value
}

// add makes one object and gives its id, "" where STIX does not take it.
func (b *builder) add(t stix.Type, properties ...stix.Property) stix.ID {
	o, err := stix.Observable{Type: t, Markings: b.markings, Properties: properties}.Object()
	if err != nil {
		sum := sha256.Sum256([]byte(string(t) + " " + strconv.Itoa(len(b.out)) + " " + b.seed))
		o, err = stix.Observable{ID: stix.NewID(t, [16]byte(sum[:16])), Type: t, Markings: b.markings, Properties: properties}.Object()
	}
	if err != nil {
		return ""
	}
	if !slices.ContainsFunc(b.out, func(x *stix.Object) bool { return x.ID == o.ID }) {
		b.out = append(b.out, o)
	}
	return o.ID
}

// each makes an object of each value at t's property.
func (b *builder) each(t stix.Type, property string) (ids []stix.ID) {
	for _, v := range b.all(string(t) + ":" + property) {
		if id := b.add(t, stix.Property{Name: property, Value: v}); id != "" {
			ids = append(ids, id)
		}
	}
	return ids
}

// plain makes one object of type t of those properties for which there are values.
func (b *builder) plain(t stix.Type, names ...string) {
	var list []stix.Property
	for _, n := range names {
		if v := b.one(string(t) + ":" + n); v != nil {
			list = append(list, stix.Property{Name: n, Value: v})
		}
	}
	if len(list) == 0 {
		return
	}
	if t == "software" && list[0].Name == "cpe" {
		list = append([]stix.Property{{Name: "name", Value: list[0].Value}}, list...)
	}
	b.add(t, list...)
}

// host makes the object of an address or a name.
func (b *builder) host(v string) stix.ID {
	t := stix.Type(familyOf(v))
	if t == "" {
		t = "domain-name"
	}
	return b.add(t, stix.Property{Name: "value", Value: v})
}

func (b *builder) hosts(path string) (ids []stix.ID) {
	for _, v := range b.all(path) {
		if id := b.host(v); id != "" {
			ids = append(ids, id)
		}
	}
	return ids
}

func (b *builder) domains() {
	resolved := b.hosts("domain-name:resolves_to_refs[*].value")
	for _, v := range b.all("domain-name:value") {
		b.add("domain-name", stix.Property{Name: "value", Value: v}, stix.Property{Name: "resolves_to_refs", Value: resolved})
	}
}

// hashes gives the first value of each hash of an object.
func (b *builder) hashes(object string) map[string]string {
	found := map[string]string{}
	for _, f := range b.facts {
		if name, ok := strings.CutPrefix(f.path, object+":hashes."); ok {
			if name = strings.Trim(name, "'"); found[name] == "" {
				found[name] = f.value
			}
		}
	}
	return found
}

// files makes one file of the first name and hashes, and one of each name beyond the first.
func (b *builder) files() {
	names, hashes := b.all("file:name"), b.hashes("file")
	if len(names) == 0 && len(hashes) == 0 {
		return
	}
	list := []stix.Property{{Name: "hashes", Value: hashes}, {Name: "size", Value: b.one("file:size")}, {Name: "name", Value: b.one("file:name")},
		{Name: "mime_type", Value: b.one("file:mime_type")}}
	if v := b.one("file:parent_directory_ref.path"); v != nil {
		if id := b.add("directory", stix.Property{Name: "path", Value: v}); id != "" {
			list = append(list, stix.Property{Name: "parent_directory_ref", Value: id})
		}
	}
	b.add("file", list...)
	for i, n := range names {
		if i > 0 {
			b.add("file", stix.Property{Name: "name", Value: n})
		}
	}
}

// traffic makes one connection, which has at least one end.
func (b *builder) traffic() {
	var list []stix.Property
	var protocols []string
	for _, end := range []string{"src_ref", "dst_ref"} {
		if ids := b.hosts("network-traffic:" + end + ".value"); len(ids) > 0 {
			list = append(list, stix.Property{Name: end, Value: ids[0]})
			p := "ip"
			if t := ids[0].Type(); t != "domain-name" {
				p = strings.TrimSuffix(string(t), "-addr")
			}
			protocols = []string{p}
		}
	}
	if len(list) == 0 {
		return
	}
	for _, p := range []string{"src_port", "dst_port"} {
		list = append(list, stix.Property{Name: p, Value: b.one("network-traffic:" + p)})
	}
	if named := b.all("network-traffic:protocols[*]"); len(named) > 0 {
		protocols = named
	}
	b.add("network-traffic", append(list, stix.Property{Name: "protocols", Value: protocols})...)
}

// mailboxes makes the objects of mail addresses.
func (b *builder) mailboxes(path string) (ids []stix.ID) {
	for _, v := range b.all(path) {
		if id := b.add("email-addr", stix.Property{Name: "value", Value: v}); id != "" {
			ids = append(ids, id)
		}
	}
	return ids
}

func (b *builder) message() {
	list := []stix.Property{{Name: "is_multipart", Value: false}}
	if ids := b.mailboxes("email-message:from_ref.value"); len(ids) > 0 {
		list = append(list, stix.Property{Name: "from_ref", Value: ids[0]})
	}
	for _, n := range []string{"to_refs", "cc_refs", "bcc_refs"} {
		if ids := b.mailboxes("email-message:" + n + "[*].value"); len(ids) > 0 {
			list = append(list, stix.Property{Name: n, Value: ids})
		}
	}
	for _, n := range []string{"message_id", "subject", "body"} {
		if v := b.one("email-message:" + n); v != nil {
			list = append(list, stix.Property{Name: n, Value: v})
		}
	}
	headers := map[string]any{} // a text, or two texts and more
	for _, f := range b.facts {
		if name, ok := strings.CutPrefix(f.path, mailHeader); ok {
			name = strings.Trim(name, "'")
			switch old := headers[name].(type) {
			case nil:
				headers[name] = f.value
			case string:
				headers[name] = []string{old, f.value}
			case []string:
				headers[name] = append(old, f.value)
			}
		}
	}
	if len(headers) > 0 {
		list = append(list, stix.Property{Name: "additional_header_fields", Value: headers})
	}
	if len(list) > 1 {
		b.add("email-message", list...)
	}
}

func (b *builder) registry() {
	const values = "windows-registry-key:values[*]."
	keys := b.all("windows-registry-key:key")
	var value []map[string]any
	if name, data := b.one(values+"name"), b.one(values+"data"); name != nil || data != nil {
		v := map[string]any{}
		for n, x := range map[string]any{"name": name, "data": data} {
			if x != nil {
				v[n] = x
			}
		}
		value = append(value, v)
	}
	for i, k := range keys {
		list := []stix.Property{{Name: "key", Value: k}}
		if i == 0 && value != nil {
			list = append(list, stix.Property{Name: "values", Value: value})
		}
		b.add("windows-registry-key", list...)
	}
}

func (b *builder) process() {
	var list []stix.Property
	for _, n := range []string{"pid", "cwd", "command_line"} {
		if v := b.one("process:" + n); v != nil {
			list = append(list, stix.Property{Name: n, Value: v})
		}
	}
	svc := map[string]any{}
	for _, n := range []string{"service_name", "display_name"} {
		if v := b.one(service + n); v != nil {
			svc[n] = v
		}
	}
	if len(svc) > 0 {
		list = append(list, stix.Property{Name: "extensions", Value: map[string]any{"windows-service-ext": svc}})
	}
	if len(list) > 0 {
		b.add("process", list...)
	}
}

func (b *builder) certificate() {
	list := []stix.Property{}
	if h := b.hashes("x509-certificate"); len(h) > 0 {
		list = append(list, stix.Property{Name: "hashes", Value: h})
	}
	for _, n := range []string{"version", "serial_number", "signature_algorithm", "issuer", "subject"} {
		if v := b.one("x509-certificate:" + n); v != nil {
			list = append(list, stix.Property{Name: n, Value: v})
		}
	}
	if len(list) > 0 {
		b.add("x509-certificate", list...)
	}
}
