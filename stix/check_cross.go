package stix

import "strings"

// crossed holds properties of one object against each other and values against their own forms, type by type.
func (c *checker) crossed() {
	o := c.o
	switch o.Type {
	case "campaign", "infrastructure", "intrusion-set", "malware", "threat-actor", "sighting":
		c.order("first_seen", "last_seen", false)
		if o.Type == "malware" && c.is("is_family", "true") && !c.has("name") {
			c.add(0, "name", "is missing; a family has one")
		}
	case "indicator":
		c.order("valid_from", "valid_until", true)
	case "relationship":
		c.order("start_time", "stop_time", true)
		if strings.Trim(o.RelationshipType, "abcdefghijklmnopqrstuvwxyz0123456789-") != "" || o.RelationshipType == "" && c.has("relationship_type") {
			c.addOf("relationship_type", "is not lower-case letters, digits and hyphens")
		}
	case "observed-data":
		c.order("first_observed", "last_observed", false)
		c.notBoth("objects", "object_refs")
	case "location":
		c.location()
	case "marking-definition":
		c.definition()
	case "extension-definition":
		if types, _ := o.Property("extension_types"); !strings.Contains(types, `"toplevel-property-extension"`) {
			c.without("extension_properties", "is for extensions of top-level properties only")
		}
	case "directory":
		c.needs("path_enc", "path")
	case "file":
		c.needs("name_enc", "name")
	case "language-content":
		c.translations()
	case "artifact":
		c.notBoth("payload_bin", "url")
		c.needs("url", "hashes")
		c.needs("decryption_key", "encryption_algorithm")
	case "email-message":
		if c.is("is_multipart", "true") {
			c.without("body", "is not for a message of several parts")
		} else {
			c.without("body_multipart", "is for a message of several parts only")
		}
	case "network-traffic":
		c.order("start", "end", true)
		if c.is("is_active", "true") {
			c.without("end", "is not for traffic that goes on")
		}
	default:
		c.value()
	}
}

// value holds the observables that are one value against its form.
func (c *checker) value() {
	v := c.o.Value
	switch c.o.Type {
	case "ipv4-addr":
		if !isIPv4(v) {
			c.addOf("value", "is not an IPv4 address or CIDR range")
		}
	case "ipv6-addr":
		if !isIPv6(v) {
			c.addOf("value", "is not an IPv6 address or CIDR range")
		}
	case "mac-addr":
		if !isMAC(v) {
			c.addOf("value", "is not six pairs of lower-case hexadecimal digits with colons between them")
		}
	case "domain-name":
		if !isDomain(v) {
			c.addOf("value", "is not a domain name")
		}
	case "email-addr":
		if at := strings.LastIndexByte(v, '@'); at < 1 || at == len(v)-1 || strings.ContainsAny(v, "<>\r\n") {
			c.addOf("value", "is not a mail address without a display name")
		}
	case "windows-registry-key":
		hive, _, _ := strings.Cut(strings.ToUpper(c.o.Text("key")), `\`)
		if oneWord(" HKLM HKCC HKCR HKCU HKU ", hive) {
			c.addOf("key", "abbreviates its hive")
		}
	}
}

func (c *checker) has(name string) bool { return c.o.member(name) != nil }

func (c *checker) is(name, text string) bool {
	v, _ := c.o.Property(name)
	return v == text
}

// order asks that the first of two times is not after the second, or is before it where strict.
func (c *checker) order(first, second string, strict bool) {
	a, b := c.time(first), c.time(second)
	if a == "" || b == "" {
		return
	}
	switch n := b.Compare(a); {
	case n < 0:
		c.addOf(second, "is before "+first)
	case n == 0 && strict:
		c.addOf(second, "is not after "+first)
	}
}

func (c *checker) time(name string) Timestamp {
	if v, ok := c.o.Property(name); ok {
		t, _ := timeOf(v)
		return t
	}
	return ""
}

func (c *checker) notBoth(a, b string) {
	if c.has(a) && c.has(b) {
		c.addOf(b, "stands beside "+a+": only one of them may")
	}
}

func (c *checker) needs(a, b string) {
	if c.has(a) && !c.has(b) {
		c.addOf(a, "stands without "+b)
	}
}

func (c *checker) without(name, why string) {
	if c.has(name) {
		c.addOf(name, why)
	}
}

func (c *checker) location() {
	c.needs("latitude", "longitude")
	c.needs("longitude", "latitude")
	c.needs("precision", "latitude")
	if !c.has("region") && !c.has("country") && !c.has("latitude") {
		c.add(0, "", "the location has none of: region, country, latitude and longitude")
	}
}

// definition holds a marking-definition against §7.2.1. Those of TLP are the standard's own and cannot be redefined.
func (c *checker) definition() {
	o := c.o
	kind, typed := o.Property("definition_type")
	body, defined := o.Property("definition")
	switch {
	case typed != defined:
		c.add(0, "definition", "and definition_type stand together or not at all")
	case !typed && !c.has("extensions"):
		c.add(0, "definition", "is missing, and there is no extension in its place")
	case defined && body[0] != '{':
		c.addOf("definition", "is not an object")
	case kind == `"statement"` && statementOf(body) == "":
		c.addOf("definition", "has no statement")
	}
	if t, ok := tlpOf(o.ID); ok {
		if d := ParseDefinition(o); d.TLP != t {
			c.addOf("id", "is that of a TLP marking which says something else")
		}
	} else if kind == `"tlp"` {
		c.addOf("id", "is not that of a TLP marking: those are fixed")
	}
}

// translations holds the keys of contents against §7.1.1: languages, and for each an object.
func (c *checker) translations() {
	m := c.o.member("contents")
	if m == nil || c.o.Raw[m.at()] != '{' {
		return
	}
	v := m.in(c.o.Raw)
	for l := range properties(v) {
		if !isLanguage(l.name) {
			c.add(m.at()+l.at(), "contents", "has a key that is not a language tag of RFC 5646, such as de or pt-BR")
		}
		if v[l.at()] != '{' || isEmpty(l.in(v)) {
			c.add(m.at()+l.at(), "contents", "holds what is no object with members")
		}
	}
}
