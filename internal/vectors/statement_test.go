package vectors

import (
	"strings"
	"testing"

	"github.com/comity-exchange/comity/statement"
)

// sample is a good head that failures are made of by changing its text.
func sample(t *testing.T) *statement.Head {
	t.Helper()
	return compose(t, draftHead(t, "XA", 1, "assist.request", object{"type": "information"}, to("XB"), with(bodyOf(t, "Which hosts?"))))
}

// swap changes a text once, and fails where there is nothing to change.
func swap(t *testing.T, s []byte, old, new string) string {
	t.Helper()
	if !strings.Contains(string(s), old) {
		t.Fatalf("%s has no %s", s, old)
	}
	return strings.Replace(string(s), old, new, 1)
}

func statements(t *testing.T) []vector {
	raw := sample(t).Raw
	id := strings.Repeat("0a", 32)
	v := []vector{
		{"opener", "a request of XA to XB", []string{"STM-1", "STM-2", "ENC-1", "ENC-3"}, object{"head": string(raw)}, ok()},
		{"local-record", "no recipient: it never leaves", []string{"STM-1", "THR-9"}, object{"head": swap(t, raw, `"to":["XB"]`, `"to":[]`)}, ok()},
		{"escaped", "the id is over the bytes as written, however a string is spelled", []string{"ENC-3", "STM-2"},
			object{"head": swap(t, raw, `"duty-officer"`, `"duty\u002dofficer"`)}, ok()},
		{"every-member", "all that a head can have", []string{"STM-1", "STM-5"}, object{"head": string(compose(t, draftHead(t, "XA.cert", 2,
			"assist.supplement", object{"for": id}, to("XB", "XB.cert.ops"), with(bodyOf(t, "More.")), func(h *statement.Head) {
				h.Thread, h.After = statement.ID{1}, []statement.ID{{2}, {3}}
				h.Agreement = &statement.AgreementRef{ID: statement.ID{4}, Digest: statement.Digest{5}, At: []statement.ID{{6}}}
				h.Marking.PAP, h.Marking.Handling, h.Marking.PersonalData = "AMBER", []string{"XA:no-onward", "energy"}, "minimised"
				h.Marking.RetainUntil = after(0).String()
				h.Exercise, h.Precedence, h.Track = true, statement.Flash, statement.Leadership
			})).Raw)}, ok()},
	}
	for _, c := range []struct{ name, about, clause, old, new string }{
		{"not-compact", "white space outside strings", "ENC-1", `"v":1`, `"v": 1`},
		{"duplicate-names", "two parsers would see two heads", "ENC-2", `"v":1`, `"v":1,"v":1`},
		{"duplicate-names-escaped", "one name in two spellings", "ENC-2", `"v":1`, `"v":1,"\u0076":1`},
		{"duplicate-names-in-facts", "at any depth", "ENC-2", `"facts":{`, `"facts":{"a":{"b":1,"b":1},`},
		{"null-member", "a member without a value is left out", "ENC-2", `"exercise":false`, `"exercise":false,"thread":null`},
		{"lone-surrogate", "half a character", "ENC-2", `"duty-officer"`, `"\ud800"`},
		{"cut-short", "no JSON", "ENC-2", `"blob_bytes":0}}`, `"blob_bytes":0}`},
		{"unknown-member", "this version does not define it", "STM-1", `"v":1`, `"v":1,"w":1`},
		{"missing-exercise", "a member that every head has", "STM-1", `"exercise":false,`, ``},
		{"version-2", "another protocol", "STM-1", `"v":1`, `"v":2`},
		{"fraction", "a number is an integer", "STM-1", `"v":1`, `"v":1.0`},
		{"nonce-short", "15 bytes", "ENC-4", string(sample(t).Nonce), "AAAAAAAAAAAAAAAAAAAA"},
		{"nonce-second-spelling", "bits that are left over are zero", "ENC-4", string(sample(t).Nonce), "AAAAAAAAAAAAAAAAAAAAAB"},
		{"digest-upper-case", "one spelling of a digest", "ENC-4", sample(t).Body.SHA256.String(), strings.ToUpper(sample(t).Body.SHA256.String())},
		{"time-without-milliseconds", "one spelling of a time", "ENC-5", `12:00:01.000Z`, `12:00:01Z`},
		{"time-30-february", "no such day", "ENC-5", `2026-11-21T`, `2026-02-30T`},
		{"time-2019", "before the protocol's years", "ENC-5", `2026-11-21T`, `2019-11-21T`},
		{"code-lower-case", "no party code", "ENC-6", `"from":"XA"`, `"from":"xa"`},
		{"kind-without-verb", "no kind", "ENC-8", `"assist.request"`, `"assist"`},
		{"to-itself", "the author is no recipient", "STM-1", `"to":["XB"]`, `"to":["XB","XA"]`},
		{"to-twice", "recipients are distinct", "STM-1", `"to":["XB"]`, `"to":["XB","XB"]`},
		{"after-in-opener", "an opener comes after nothing", "STM-1", `"by":`, `"after":["` + id + `"],"by":`},
		{"thread-without-after", "a head of a thread names what it comes after", "STM-1", `"time":`, `"thread":"` + id + `","time":`},
		{"track-unknown", "none of the three", "STM-1", `"track":"technical"`, `"track":"secret"`},
		{"officer-named", "a pseudonym, not a name", "STM-1", `"0011223344556677"`, `"A. Person"`},
		{"pap-empty", "what is absent is left out", "STM-1", `"tlp":"AMBER"`, `"tlp":"AMBER","pap":""`},
		{"tlp-white", "TLP 1 had it", "STM-5", `"tlp":"AMBER"`, `"tlp":"WHITE"`},
		{"free-text-in-facts", "free text belongs in the body", "STM-4", `"information"`, `"please hurry"`},
		{"free-text-as-a-name-in-facts", "names of members too", "STM-4", `"facts":{`, `"facts":{"please hurry":1,`},
		{"fraction-in-facts", "numbers in facts are integers", "ENC-2", `"facts":{`, `"facts":{"a":0.5,`},
		{"number-beyond-2^53", "others could not read it", "ENC-2", `"facts":{`, `"facts":{"a":9007199254740992,`},
		{"facts-17-deep", "at most 16", "STM-4", `"facts":{`, `"facts":{"a":` + strings.Repeat("[", 16) + strings.Repeat("]", 16) + `,`},
		{"body-of-no-size", "a body has two bytes at least", "STM-3", `"size":56`, `"size":1`},
	} {
		v = append(v, vector{c.name, c.about, []string{c.clause}, object{"head": swap(t, raw, c.old, c.new)}, no(c.clause)})
	}
	v = append(v, vector{"minus-zero", "an integer, if an odd one", []string{"ENC-2"}, object{"head": swap(t, raw, `"facts":{`, `"facts":{"a":-0,`)}, ok()},
		vector{"facts-16-deep", "the facts themselves counted", []string{"STM-4"},
			object{"head": swap(t, raw, `"facts":{`, `"facts":{"a":`+strings.Repeat("[", 15)+strings.Repeat("]", 15)+`,`)}, ok()})
	front, back, _ := strings.Cut(swap(t, raw, `"facts":{`, `"facts":{"a":[],`), `"a":[]`)
	const item = `"aaaaaaaaaaaaaa",`
	return append(v,
		vector{"not-utf-8", "a byte that begins no character", []string{"ENC-2"}, object{"head": inBase64([]byte(swap(t, raw, `"duty-officer"`, "\"duty\xff\"")))}, no("ENC-2")},
		vector{"byte-order-mark", "nothing stands before the object", []string{"ENC-1"}, object{"head": "\ufeff" + string(raw)}, no("ENC-1")},
		vector{"line-feed", "the line feed is no part of the text", []string{"ENC-1"}, object{"head": string(raw) + "\n"}, no("ENC-1")},
		vector{"array", "a text is an object", []string{"ENC-1"}, object{"head": "[" + string(raw) + "]"}, no("ENC-1")},
		vector{"oversize", "more than 16,384 bytes", []string{"STM-1"}, object{"head": repeated(front+`"a":[`, 1, item, 1000, `"a"]`+back, 1)}, no("STM-1")},
		vector{"facts-oversize", "more than 12,288 bytes", []string{"STM-4"}, object{"head": repeated(front+`"a":[`, 1, item, 750, `"a"]`+back, 1)}, no("STM-4")},
	)
}

func bodies(t *testing.T) []vector {
	b := bodyOf(t, "Which hosts?", statement.Blob{Name: "list.csv", Type: "text/csv", Size: 3, SHA256: statement.Sum([]byte("a,b"))})
	// of gives a head that names this body as it is.
	of := func(raw string, blobs int, bytes int64) object {
		h := compose(t, draftHead(t, "XA", 1, "assist.request", object{"type": "information"}, to("XB"), func(h *statement.Head) {
			h.Body = &statement.BodyRef{SHA256: statement.Sum([]byte(raw)), Size: int64(len(raw)), Blobs: blobs, BlobBytes: bytes}
		}))
		return object{"head": string(h.Raw), "body": raw}
	}
	other := of(string(b.Raw), 1, 3)
	other["body"] = swap(t, b.Raw, "Which hosts?", "Which hosts!")
	none := of(string(b.Raw), 1, 3)
	none["head"] = string(compose(t, draftHead(t, "XA", 1, "assist.request", object{"type": "information"}, to("XB"))).Raw)
	v := []vector{
		{"one-blob", "text and an attachment", []string{"STM-3"}, of(string(b.Raw), 1, 3), ok()},
		{"own-member", "a member of its kind, with a fraction", []string{"STM-3", "ENC-2"}, of(swap(t, b.Raw, `"nonce":`, `"share":0.5,"nonce":`), 1, 3), ok()},
		{"wrong-digest", "another text under the same head", []string{"STM-3"}, other, no("STM-3")},
		{"no-body-named", "a body where the head has none", []string{"STM-3"}, none, no("STM-3")},
		{"wrong-count", "the head counts two blobs", []string{"STM-3"}, of(string(b.Raw), 2, 3), no("STM-3")},
		{"wrong-bytes", "the head sums otherwise", []string{"STM-3"}, of(string(b.Raw), 1, 4), no("STM-3")},
	}
	for _, c := range []struct{ name, about, clause, old, new string }{
		{"no-nonce", "what was said could be guessed from its digest", "STM-3", `"nonce":`, `"ounce":`},
		{"null-text", "a member without a value is left out", "ENC-2", `"text":"Which hosts?"`, `"text":null`},
		{"name-with-path", "an attachment names no folder", "STM-3", `list.csv`, `../list.csv`},
		{"name-dot-dot", "nor one by itself", "STM-3", `list.csv`, `..`},
		{"name-turned-round", "a name that shows as another", "STM-3", `list.csv`, `list\u202evsc`},
		{"type-unknown-form", "no media type", "STM-3", `text/csv`, `csv`},
		{"title-number", "a title is a string", "STM-3", `"text":`, `"title":1,"text":`},
	} {
		raw := swap(t, b.Raw, c.old, c.new)
		v = append(v, vector{c.name, c.about, []string{c.clause}, of(raw, 1, 3), no(c.clause)})
	}
	front := `{"nonce":"AAAAAAAAAAAAAAAAAAAAAA","text":"`
	size := int64(1<<20 + 1)
	raw := front + strings.Repeat("x", int(size)-len(front)-2) + `"}`
	big := of(`{}`, 0, 0)
	big["head"] = string(compose(t, draftHead(t, "XA", 1, "assist.request", object{"type": "information"}, to("XB"), func(h *statement.Head) {
		h.Body = &statement.BodyRef{SHA256: statement.Sum([]byte(raw)), Size: 1 << 20}
	})).Raw)
	big["body"] = repeated(front, 1, "x", int(size)-len(front)-2, `"}`, 1)
	deep := func(n int) string {
		return swap(t, b.Raw, `"nonce":`, `"deep":`+strings.Repeat("[", n)+strings.Repeat("]", n)+`,"nonce":`)
	}
	v = append(v, vector{"deep", "nested 10,000 deep", []string{"ENC-2"}, of(deep(9999), 1, 3), ok()},
		vector{"too-deep", "and one more", []string{"ENC-2"}, of(deep(10000), 1, 3), no("ENC-2")})
	return append(v, vector{"oversize", "more than 1,048,576 bytes", []string{"STM-3"}, big, no("STM-3")})
}
