package stix_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/comity-exchange/comity/fault"
	"github.com/comity-exchange/comity/stix"
)

// TestBrokenObjects: what Parse refuses, with the byte and the reason.
func TestBrokenObjects(t *testing.T) {
	t.Parallel()
	const head = `{"type":"x-a","id":"x-a--00000000-0000-4000-8000-000000000001"` // 63 bytes, a brace open
	for _, c := range []struct{ text, want string }{
		{``, "at byte 0: a STIX object is a JSON object"},
		{`[]`, "at byte 0: a STIX object is a JSON object"},
		{`{}`, "at byte 0: the object has no type"},
		{`{"type":"x-a"}`, "at byte 0: the object has no id"},
		{`{"type":5}`, "at byte 8: type is not a string"},
		{`{"type":"X"}`, "at byte 8: type is not the name of a type: 3 to 250 lower-case letters, digits and hyphens"},
		{`{"type":"ab","id":"ab--00000000-0000-4000-8000-000000000001"}`, "at byte 8: type is not the name of a type: 3 to 250 lower-case letters, digits and hyphens"},
		{`{"type":"x-a","id":"x-a"}`, "at byte 19: id is not a type, two hyphens and a UUID"},
		{`{"type":"x-a","id":"x-a--00000000-0000-4000-8000-00000000000g"}`, "at byte 19: id is not a type, two hyphens and a UUID"},
		{`{"type":"x-a","id":"x-a--000000000000-4000-8000-0000-00000001"}`, "at byte 19: id is not a type, two hyphens and a UUID"},
		{`{"type":"x-a","id":"x-b--00000000-0000-4000-8000-000000000001"}`, "at byte 19: id and type do not agree"},
		{`{"type":"bundle","id":"bundle--00000000-0000-4000-8000-000000000001"}`, "at byte 8: a bundle is not an object: read what is in it"},
		{head, "at byte 62: a comma or a closing brace is missing"},
		{head + `}}`, "at byte 63: something follows the object"},
		{head + `,}`, "at byte 63: a property name is missing"},
		{head + `,"a"}`, "at byte 66: a colon is missing"},
		{head + `,"a":}`, "at byte 67: a value is missing"},
		{head + `,"a":tru}`, "at byte 67: a value is missing"},
		{head + `,"a":01}`, "at byte 68: a comma or a closing brace is missing"},
		{head + `,"a":-}`, "at byte 67: a number is broken"},
		{head + `,"a":1.}`, "at byte 67: a number is broken"},
		{head + `,"a":1e}`, "at byte 67: a number is broken"},
		{head + `,"a":[1 2]}`, "at byte 70: a comma or a closing bracket is missing"},
		{head + `,"a":[1,]}`, "at byte 70: a value is missing"},
		{head + `,"a":"x}`, "at byte 70: a string does not end"},
		{head + `,"a":"\u00"}`, "at byte 68: a string has a broken escape"},
		{head + `,"a":"\ud800"}`, "at byte 68: a string has a broken escape"},
		{head + `,"a":"\udc00\ud800"}`, "at byte 68: a string has a broken escape"},
		{head + `,"a":"\ud800A"}`, "at byte 68: a string has a broken escape"},
		{head + ",\"a\":\"\t\"}", "at byte 68: a string has a bare control character"},
		{head + ",\"a\":\"abcdefgh\x1f\"}", "at byte 76: a string has a bare control character"},
		{head + ",\"a\":\"é\xff\"}", "at byte 70: a string is not UTF-8"},
		{head + `,"id":5}`, "at byte 63: a property name occurs twice"},
		{head + `,"\u0069d":5}`, "at byte 63: a property name occurs twice"},
		{head + `,"a":[{"b":1,"c":{"b":1},"b":2}]}`, "at byte 87: a property name occurs twice"},
		{head + `,"created":5}`, "at byte 73: created is not a timestamp such as 2026-11-21T08:00:00.000Z"},
		{head + `,"created":"2026-11-21"}`, "at byte 73: created is not a timestamp such as 2026-11-21T08:00:00.000Z"},
		{head + `,"created":"2026-02-29T00:00:00Z"}`, "at byte 73: created is not a timestamp such as 2026-11-21T08:00:00.000Z"},
		{head + `,"modified":"2026-11-21T08:00:00+00:00"}`, "at byte 74: modified is not a timestamp such as 2026-11-21T08:00:00.000Z"},
		{head + `,"modified":"2026-11-21T08:00:00.Z"}`, "at byte 74: modified is not a timestamp such as 2026-11-21T08:00:00.000Z"},
		{head + `,"created_by_ref":"XA"}`, "at byte 80: created_by_ref is not an identifier"},
		{head + `,"revoked":"true"}`, "at byte 73: revoked is not true or false"},
		{head + `,"confidence":101}`, "at byte 76: confidence is not a whole number from 0 to 100"},
		{head + `,"confidence":-1}`, "at byte 76: confidence is not a whole number from 0 to 100"},
		{head + `,"confidence":5.0}`, "at byte 76: confidence is not a whole number from 0 to 100"},
		{head + `,"lang":null}`, "at byte 70: lang is not a string"},
		{head + `,"labels":"a"}`, "at byte 72: labels is not a list of strings"},
		{head + `,"labels":["a",5]}`, "at byte 72: labels is not a list of strings"},
		{head + `,"object_marking_refs":["TLP:RED"]}`, "at byte 85: object_marking_refs is not a list of identifiers"},
		{head + `,"granular_markings":[{"selectors":[],"lang":"en"}]}`, "at byte 83: granular_markings is not a list of granular markings, each with selectors and a marking_ref or a lang"},
		{head + `,"granular_markings":[{"selectors":["id"]}]}`, "at byte 83: granular_markings is not a list of granular markings, each with selectors and a marking_ref or a lang"},
		{head + `,"external_references":[{"url":"x:y"}]}`, "at byte 85: external_references is not a list of objects, each with a source_name"},
	} {
		o, err := stix.Parse([]byte(c.text))
		if fault.CodeOf(err) != fault.Malformed || fault.Show(err) != c.want {
			t.Errorf("%s\n got %v %q\nwant %q", c.text, o, fault.Show(err), c.want)
		}
	}
}

func TestObjectBounds(t *testing.T) {
	t.Parallel()
	const head = `{"type":"x-a","id":"x-a--00000000-0000-4000-8000-000000000001","a":`
	var wide strings.Builder
	for i := range 300 {
		fmt.Fprintf(&wide, `"n%d":1,`, i)
	}
	p := stix.Parser{Limits: stix.Limits{Size: 10_000, Depth: 5, Names: 400}}
	for _, c := range []struct {
		name, text string
		good       bool
	}{
		{"size", head + `"` + strings.Repeat("x", 10_000) + `"}`, false},
		{"depth", head + `[[[[1]]]]}`, true}, {"too deep", head + `[[[[[1]]]]]}`, false}, {"too deep, objects", head + `{"a":[{"a":[{}]}]}}`, false},
		{"names", head + `{` + wide.String() + `"z":1}}`, true}, {"too many names", head + `[{` + wide.String() + `"z":1},{` + wide.String() + `"z":1}]}`, false},
	} {
		_, err := p.Parse([]byte(c.text))
		if c.good && err != nil || !c.good && fault.CodeOf(err) != fault.TooLarge {
			t.Errorf("%s: %v", c.name, err)
		}
	}
	// In a wide object names are looked up in a table: a name that comes again is found there too.
	if _, err := p.Parse([]byte(head + `{` + wide.String() + `"n299":1}}`)); fault.CodeOf(err) != fault.Malformed {
		t.Errorf("a name twice among many: %v", err)
	}
}

// badObjects break one rule each: rest stands behind type, spec_version, id, created and modified. A place in want counts from where rest begins;
// a minus sign stands for what is before, or missing.
var badObjects = []struct{ typ, rest, want string }{
	// common
	{"campaign", ``, "- name is missing"},
	{"campaign", `,"name":5`, "8 name is not a string"},
	{"campaign", `,"name":null`, "8 name is null: a property without a value is left out"},
	{"campaign", `,"name":"n","aliases":[]`, "22 aliases is an empty list: it is left out"},
	{"campaign", `,"name":"n","aliases":["a",5]`, "27 aliases[1] is not a string"},
	{"campaign", `,"name":"n","x_a":[ ]`, "18 is an empty list: it is left out"},
	{"campaign", `,"name":"n","X":1`, "16 the name of a custom property is not 3 to 250 lower-case letters, digits and underscores, a letter first"},
	{"campaign", `,"name":"n","ab":1`, "17 the name of a custom property is not 3 to 250 lower-case letters, digits and underscores, a letter first"},
	{"campaign", `,"name":"n","severity":1`, "23 severity is a reserved name"},
	{"campaign", `,"name":"n","created_by_ref":"campaign--00000000-0000-4000-8000-000000000001"`, "29 created_by_ref refers to another type than: identity"},
	{"campaign", `,"name":"n","object_marking_refs":["campaign--00000000-0000-4000-8000-000000000001"]`, "35 object_marking_refs[0] refers to another type than: marking-definition"},
	{"campaign", `,"name":"n","external_references":[{"source_name":"s"}]`, "35 external_references[0] has none of: description, url, external_id"},
	{"campaign", `,"name":"n","external_references":[{"source_name":"s","url":"a b"}]`, "60 external_references[0].url is not a URI with a scheme"},
	{"campaign", `,"name":"n","external_references":[{"source_name":"cve","external_id":"2026-1"}]`, "35 external_references[0].external_id has not the form that its source gives its identifiers"},
	{"campaign", `,"name":"n","external_references":[{"source_name":"s","url":"x:y","hashes":{"MD5":"0"}}]`, "75 external_references[0].hashes holds a MD5 that is not 32 hexadecimal digits"},
	{"campaign", `,"name":"n","granular_markings":[{"selectors":["nothing"],"lang":"en"}]`, "32 granular_markings[0].selectors has a selector that names nothing in the object"},
	{"campaign", `,"name":"n","granular_markings":[{"selectors":["name"],"lang":"en","marking_ref":"marking-definition--5e57c739-391a-4eb3-b6be-7d15ca92d5ed"}]`, "32 granular_markings[0] has both marking_ref and lang"},
	{"campaign", `,"name":"n","granular_markings":[{"selectors":["name"],"lang":"english please"}]`, "32 granular_markings[0].lang is not a language tag of RFC 5646, such as de or pt-BR"},
	{"campaign", `,"name":"n","lang":"1"`, "19 lang is not a language tag of RFC 5646, such as de or pt-BR"},
	{"campaign", `,"name":"n","extensions":{}`, "25 extensions is not an object with members"},
	{"campaign", `,"name":"n","extensions":{"x":{"a":1}}`, "30 extensions has a name that is neither of the standard nor the id of an extension-definition"},
	{"campaign", `,"name":"n","extensions":{"x-a-ext":5}`, "36 extensions holds what is no object with members"},
	{"campaign", `,"name":"n","extensions":{"extension-definition--60a3c5c5-0d10-413e-aab3-9e08dde9e88d":{"a":1}}`, "87 extensions holds an extension without extension_type"},
	{"campaign", `,"name":"n","extensions":{"extension-definition--60a3c5c5-0d10-413e-aab3-9e08dde9e88d":{"extension_type":"new"}}`, "105 extensions has an extension_type that the standard does not know"},
	{"campaign", `,"name":"n","defanged":"yes"`, "23 defanged is not true or false"},
	// types
	{"campaign", `,"name":"n","first_seen":"2026"`, "25 first_seen is not a timestamp such as 2026-11-21T08:00:00.000Z"},
	{"campaign", `,"name":"n","first_seen":"2026-11-21T08:00:00Z","last_seen":"2026-11-21T07:59:59.9Z"`, "60 last_seen is before first_seen"},
	{"grouping", `,"context":"c"`, "- object_refs is missing"},
	{"indicator", `,"pattern":"p","valid_from":"2026-11-21T08:00:00Z"`, "- pattern_type is missing"},
	{"indicator", `,"pattern":"p","pattern_type":"yara","valid_from":"2026-11-21T08:00:00Z","valid_until":"2026-11-21T08:00:00.0Z"`, "87 valid_until is not after valid_from"},
	{"infrastructure", `,"name":"n","kill_chain_phases":[{"phase_name":"p"}]`, "33 kill_chain_phases[0].kill_chain_name is missing"},
	{"infrastructure", `,"name":"n","kill_chain_phases":["p"]`, "33 kill_chain_phases[0] is not an object"},
	{"location", `,"name":"n"`, "- the location has none of: region, country, latitude and longitude"},
	{"location", `,"latitude":5`, "12 latitude stands without longitude"},
	{"location", `,"latitude":90.5,"longitude":0`, "12 latitude is not between -90 and 90"},
	{"location", `,"region":"r","precision":5`, "26 precision stands without latitude"},
	{"malware", `,"name":"n"`, "- is_family is missing"},
	{"malware", `,"is_family":true`, "- name is missing; a family has one"},
	{"malware", `,"is_family":false,"sample_refs":["url--00000000-0000-4000-8000-000000000001"]`, "34 sample_refs[0] refers to another type than: artifact file"},
	{"malware-analysis", `,"product":"p"`, "- has none of: result, analysis_sco_refs"},
	{"note", `,"content":"c","object_refs":["x"]`, "30 object_refs[0] is not an identifier"},
	{"observed-data", `,"first_observed":"2026-11-21T08:00:00Z","last_observed":"2026-11-21T08:00:00Z","number_observed":0,"object_refs":["url--00000000-0000-4000-8000-000000000001"]`, "98 number_observed is not between 1 and 999999999"},
	{"observed-data", `,"first_observed":"2026-11-21T08:00:00Z","last_observed":"2026-11-21T08:00:00Z","number_observed":1`, "- has none of: objects, object_refs"},
	{"observed-data", `,"first_observed":"2026-11-21T08:00:00Z","last_observed":"2026-11-21T08:00:00Z","number_observed":1,"objects":{"0":{}},"object_refs":["url--00000000-0000-4000-8000-000000000001"]`, "133 object_refs stands beside objects: only one of them may"},
	{"opinion", `,"opinion":"yes","object_refs":["url--00000000-0000-4000-8000-000000000001"]`, "11 opinion is not one of: strongly-disagree disagree neutral agree strongly-agree"},
	{"relationship", `,"relationship_type":"Uses","source_ref":"tool--00000000-0000-4000-8000-000000000001","target_ref":"tool--00000000-0000-4000-8000-000000000001"`, "21 relationship_type is not lower-case letters, digits and hyphens"},
	{"relationship", `,"relationship_type":"uses","source_ref":"sighting--00000000-0000-4000-8000-000000000001","target_ref":"tool--00000000-0000-4000-8000-000000000001"`, "41 source_ref refers to a type that it must not: relationship sighting bundle marking-definition language-content"},
	{"sighting", `,"sighting_of_ref":"tool--00000000-0000-4000-8000-000000000001","count":1000000000`, "72 count is not between 0 and 999999999"},
	{"sighting", `,"sighting_of_ref":"tool--00000000-0000-4000-8000-000000000001","where_sighted_refs":["tool--00000000-0000-4000-8000-000000000001"]`, "86 where_sighted_refs[0] refers to another type than: identity location"},
	{"language-content", `,"object_ref":"bundle--00000000-0000-4000-8000-000000000001","contents":{"de":{"name":"n"}}`, "14 object_ref refers to a type that it must not: bundle language-content"},
	{"language-content", `,"object_ref":"tool--00000000-0000-4000-8000-000000000001","contents":{"de":"n"}`, "76 contents holds what is no object with members"},
	{"language-content", `,"object_ref":"tool--00000000-0000-4000-8000-000000000001","contents":{"the_name":{"name":"n"}}`, "82 contents has a key that is not a language tag of RFC 5646, such as de or pt-BR"},
	{"extension-definition", `,"name":"n","schema":"s","version":"1","extension_types":["new-sdo"]`, "- created_by_ref is missing"},
	{"extension-definition", `,"created_by_ref":"identity--00000000-0000-4000-8000-000000000001","name":"n","schema":"s","version":"1","extension_types":["new"]`, "124 extension_types[0] is not one of: new-sdo new-sco new-sro property-extension toplevel-property-extension"},
	{"extension-definition", `,"created_by_ref":"identity--00000000-0000-4000-8000-000000000001","name":"n","schema":"s","version":"1","extension_types":["new-sdo"],"extension_properties":["a_b"]`, "158 extension_properties is for extensions of top-level properties only"},
	{"marking-definition", `,"definition_type":"statement"`, "- definition and definition_type stand together or not at all"},
	{"marking-definition", `,"name":"n"`, "- definition is missing, and there is no extension in its place"},
	{"marking-definition", `,"definition_type":"statement","definition":{}`, "44 definition has no statement"},
	{"marking-definition", `,"definition_type":"tlp","definition":{"tlp":"red"}`, "- id is not that of a TLP marking: those are fixed"},
	// observables
	{"artifact", `,"payload_bin":"a"`, "15 payload_bin is not base64"},
	{"artifact", `,"url":"http://a.example/"`, "7 url stands without hashes"},
	{"artifact", `,"payload_bin":"YQ==","encryption_algorithm":"rot13"`, "45 encryption_algorithm is not one of: AES-256-GCM ChaCha20-Poly1305 mime-type-indicated"},
	{"artifact", `,"payload_bin":"YQ==","decryption_key":"k"`, "39 decryption_key stands without encryption_algorithm"},
	{"autonomous-system", `,"number":"5"`, "10 number is not a whole number"},
	{"autonomous-system", `,"number":4294967296`, "10 number is not between 0 and 4294967295"},
	{"directory", `,"path":"/","contains_refs":["url--00000000-0000-4000-8000-000000000001"]`, "29 contains_refs[0] refers to another type than: file directory"},
	{"domain-name", `,"value":"a..b"`, "9 value is not a domain name"},
	{"domain-name", `,"value":"a b.example"`, "9 value is not a domain name"},
	{"email-addr", `,"value":"a"`, "9 value is not a mail address without a display name"},
	{"email-message", `,"subject":"s"`, "- is_multipart is missing"},
	{"email-message", `,"is_multipart":true,"body":"b"`, "28 body is not for a message of several parts"},
	{"email-message", `,"is_multipart":false,"body_multipart":[{"body":"b"}]`, "39 body_multipart is for a message of several parts only"},
	{"email-message", `,"is_multipart":true,"body_multipart":[{"content_type":"t"}]`, "39 body_multipart[0] has none of: body, body_raw_ref"},
	{"file", `,"size":5`, "- has none of: hashes, name"},
	{"file", `,"hashes":{"SHA-256":"abc"}`, "10 hashes holds a SHA-256 that is not 64 hexadecimal digits"},
	{"file", `,"hashes":{"ä":"abc"}`, "10 hashes has a key that is not at most 250 letters, digits, hyphens and underscores"},
	{"file", `,"name":"n","magic_number_hex":"abc"`, "31 magic_number_hex is not an even number of hexadecimal digits"},
	{"file", `,"name":"n","size":-1`, "19 size is not between 0 and 9007199254740991"},
	{"file", `,"name":"n","extensions":{"archive-ext":{"comment":"c"}}`, "40 extensions.archive-ext.contains_refs is missing"},
	{"file", `,"name":"n","extensions":{"windows-pebinary-ext":{"pe_type":"exe","sections":[{"name":"s","entropy":"7"}]}}`, "100 extensions.windows-pebinary-ext.sections[0].entropy is not a number"},
	{"file", `,"hashes":{"x-own":"a"},"name_enc":"latin1"`, "35 name_enc stands without name"},
	{"process", `,"pid":9007199254740992`, "7 pid is not between -9007199254740991 and 9007199254740991"},
	{"file", `,"name":"n","extensions":{"windows-pebinary-ext":{"pe_type":"exe"}}`, "49 extensions.windows-pebinary-ext has none of: imphash, machine_hex, number_of_sections, time_date_stamp …"},
	{"ipv4-addr", `,"value":"198.51.100.256"`, "9 value is not an IPv4 address or CIDR range"},
	{"ipv4-addr", `,"value":"198.51.100.01"`, "9 value is not an IPv4 address or CIDR range"},
	{"ipv4-addr", `,"value":"198.51.100.1/33"`, "9 value is not an IPv4 address or CIDR range"},
	{"ipv6-addr", `,"value":"2001:db8::1::2"`, "9 value is not an IPv6 address or CIDR range"},
	{"ipv6-addr", `,"value":"2001:db8:1:2:3:4:5"`, "9 value is not an IPv6 address or CIDR range"},
	{"mac-addr", `,"value":"00:00:5E:00:53:01"`, "9 value is not six pairs of lower-case hexadecimal digits with colons between them"},
	{"mutex", `,"value":"m"`, "- name is missing"},
	{"network-traffic", `,"protocols":["tcp"]`, "- has none of: src_ref, dst_ref"},
	{"network-traffic", `,"protocols":["tcp"],"src_ref":"url--00000000-0000-4000-8000-000000000001"`, "31 src_ref refers to another type than: ipv4-addr ipv6-addr mac-addr domain-name"},
	{"network-traffic", `,"protocols":["tcp"],"src_ref":"ipv4-addr--00000000-0000-4000-8000-000000000001","dst_port":65536`, "92 dst_port is not between 0 and 65535"},
	{"network-traffic", `,"protocols":["tcp"],"src_ref":"ipv4-addr--00000000-0000-4000-8000-000000000001","is_active":true,"end":"2026-11-21T08:00:00Z"`, "104 end is not for traffic that goes on"},
	{"process", `,"x_a":1`, "- has none of: extensions, is_hidden, pid, created_time …"},
	{"software", `,"vendor":"v"`, "- name is missing"},
	{"url", `,"value":"a.example/x"`, "9 value is not a URI with a scheme"},
	{"user-account", `,"extensions":{"unix-account-ext":{"x_a":1}}`, "34 extensions.unix-account-ext has none of: gid, groups, home_dir, shell"},
	{"windows-registry-key", `,"key":"hklm\\a"`, "7 key abbreviates its hive"},
	{"windows-registry-key", `,"values":[{"data_type":"REG_X"}]`, "24 values[0].data_type is not one of: REG_NONE REG_SZ REG_EXPAND_SZ REG_BINARY REG_DWORD REG_DWORD_BIG_ENDIAN REG_DWORD_LITTLE_ENDIAN REG_LINK REG_MULTI_SZ REG_RESOURCE_LIST REG_FULL_RESOURCE_DESCRIPTION REG_RESOURCE_REQUIREMENTS_LIST REG_QWORD REG_INVALID_TYPE"},
	{"x509-certificate", `,"x_a":1`, "- has none of: is_self_signed, hashes, version, serial_number …"},
}

func TestBadObjects(t *testing.T) {
	t.Parallel()
	for _, c := range badObjects {
		text := fmt.Sprintf(`{"type":%q,"spec_version":"2.1","id":"%s--00000000-0000-4000-8000-00000000000a","created":"2026-11-21T08:00:00.000Z"`, c.typ, c.typ)
		if c.typ != "marking-definition" {
			text += `,"modified":"2026-11-21T08:00:00.000Z"`
		}
		o, err := stix.Parse([]byte(text + c.rest + "}"))
		if err != nil {
			t.Errorf("%s%s: %v", c.typ, c.rest, err)
			continue
		}
		var got []string
		for _, d := range o.Check() {
			_, what, _ := strings.Cut(d.String(), ": ")
			place := "-"
			if d.Offset > 0 && d.Offset >= len(text) {
				place = fmt.Sprint(d.Offset - len(text))
			}
			got = append(got, place+" "+what)
			if err := d.Fault(); fault.CodeOf(err) != fault.Malformed || fault.Show(err) != d.String() {
				t.Errorf("as a fault: %v", err)
			}
		}
		if s := strings.Join(got, " | "); s != c.want {
			t.Errorf("%s%s\n got %s\nwant %s", c.typ, c.rest, s, c.want)
		}
	}
}

// TestBadHeads: rules on what every object has.
func TestBadHeads(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ text, want string }{
		{`{"type":"tool","spec_version":"2.1","id":"tool--00000000-0000-4000-8000-000000000001","name":"n"}`, "[at byte 0: created is missing at byte 0: modified is missing]"},
		{`{"type":"tool","id":"tool--00000000-0000-4000-8000-000000000001","name":"n","created":"2026-11-21T08:00:00.000Z","modified":"2026-11-21T08:00:00.000Z"}`, "[at byte 0: spec_version is missing; without it the object is of STIX 2.0]"},
		{`{"type":"tool","spec_version":"2.0","id":"tool--00000000-0000-4000-8000-000000000001","name":"n","created":"2026-11-21T08:00:00.000Z","modified":"2026-11-21T08:00:00.000Z"}`, "[at byte 30: spec_version is not 2.1]"},
		{`{"type":"tool","spec_version":"2.1","id":"tool--00000000-0000-7000-8000-000000000001","name":"n","created":"2026-11-21T08:00:00.000Z","modified":"2026-11-21T08:00:00.000Z"}`, "[at byte 41: id has no UUID of RFC 4122, version 1 to 5]"},
		{`{"type":"tool","spec_version":"2.1","id":"tool--00000000-0000-4000-c000-000000000001","name":"n","created":"2026-11-21T08:00:00.000Z","modified":"2026-11-21T08:00:00.000Z"}`, "[at byte 41: id has no UUID of RFC 4122, version 1 to 5]"},
		{`{"type":"tool","spec_version":"2.1","id":"tool--00000000-0000-4000-8000-000000000001","name":"n","created":"2026-11-21T08:00:00Z","modified":"2026-11-21T08:00:00.000Z"}`, "[at byte 107: created has not the three digits of a fraction that a version needs]"},
		{`{"type":"tool","spec_version":"2.1","id":"tool--00000000-0000-4000-8000-000000000001","name":"n","created":"2026-11-21T08:00:00.001Z","modified":"2026-11-21T08:00:00.000Z"}`, "[at byte 145: modified is before created]"},
		{`{"type":"url","id":"url--00000000-0000-4000-8000-000000000001","value":"x:y"}`, "[]"},
		{`{"type":"process","id":"process--00000000-0000-5000-8000-000000000001","pid":5}`, "[at byte 23: id is not random, and nothing in the object makes another: its UUID is of version 4]"},
		{`{"type":"x-a","id":"x-a--00000000-0000-4000-8000-000000000001","value":{"any":[]}}`, "[]"},
		{`{"type":"x-a","id":"x-a--00000000-0000-4000-8000-000000000001","created":"2026-11-21T08:00:00.000Z"}`, "[at byte 0: spec_version is missing; without it the object is of STIX 2.0 at byte 0: modified is missing]"},
		{`{"type":"action","id":"action--00000000-0000-4000-8000-000000000001","value":1}`, "[at byte 8: type is a reserved name]"},
		{`{"type":"marking-definition","spec_version":"2.1","id":"marking-definition--5e57c739-391a-4eb3-b6be-7d15ca92d5ed","created":"2017-01-20T00:00:00.000Z","definition_type":"tlp","definition":{"tlp":"green"}}`, "[at byte 55: id is that of a TLP marking which says something else]"},
		{`{"type":"marking-definition","spec_version":"2.1","id":"marking-definition--00000000-0000-4000-8000-000000000001","created":"2017-01-20T00:00:00.000Z","definition_type":"x","definition":{},"object_marking_refs":["marking-definition--00000000-0000-4000-8000-000000000001"]}`, "[at byte 211: object_marking_refs marks a marking with itself]"},
	} {
		o, err := stix.Parse([]byte(c.text))
		if err != nil {
			t.Errorf("%s: %v", c.text, err)
			continue
		}
		if got := fmt.Sprint(o.Check()); got != c.want {
			t.Errorf("%s\n got %s\nwant %s", c.text, got, c.want)
		}
	}
	many, err := stix.Parse([]byte(`{"type":"x-a","id":"x-a--00000000-0000-4000-8000-000000000001","a":1` + strings.Repeat(` `, 5) + func() (s string) {
		for i := range 100 {
			s += fmt.Sprintf(`,"B%d":1`, i)
		}
		return s
	}() + `}`))
	if err != nil || len(many.Check()) != 32 {
		t.Errorf("%v: not bounded", err)
	}
}
