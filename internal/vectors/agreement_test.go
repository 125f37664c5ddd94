package vectors

import (
	"os"
	"strings"
	"testing"
	"time"

	"github.com/comity-exchange/comity/agreement"
	"github.com/comity-exchange/comity/party"
	"github.com/comity-exchange/comity/statement"
)

const document = "agreements/assistance.json"

func readDocument(t *testing.T) []byte {
	t.Helper()
	raw, err := os.ReadFile("testdata/assistance.json")
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

func agreements(t *testing.T, f files) []vector {
	raw := readDocument(t)
	f[document] = raw
	v := []vector{{"assistance", "an arrangement between XA, XB and the office XC.cert", []string{"AGR-1", "AGR-2", "AGR-3", "AGR-4", "AGR-5"},
		object{"document": inFile(document)}, ok()}}
	for _, c := range []struct{ name, about, clause, old, new string }{
		{"duplicate-names", "two parsers would see two agreements", "ENC-2", `"v": 1`, `"v": 1, "v": 1`},
		{"one-party", "an agreement is between two at least", "AGR-1", `"parties": ["XA", "XB", "XC.cert"]`, `"parties": ["XA"]`},
		{"unknown-member", "one that is not defined", "AGR-1", `"v": 1`, `"v": 1, "w": 1`},
		{"number-twice", "articles have numbers of their own", "AGR-2", `"number": "2"`, `"number": "1"`},
		{"language-missing", "each article has its text in all languages", "AGR-2", `, "fr": "Les délais et motifs."`, ``},
		{"stranger-named", "a rule names parties and their offices", "AGR-3", `"to": ["XC.cert"]`, `"to": ["XD"]`},
		{"empty-list", "a condition that is not there is left out", "AGR-3", `"to": ["XC.cert"]`, `"to": []`},
		{"never-holds", "the least is above the most", "AGR-3", `"tlp_max": "AMBER"`, `"tlp_max": "AMBER", "tlp_min": "RED"`},
		{"clock-too-long", "to acknowledge takes longer than to answer", "AGR-4", `"acknowledge": 3600`, `"acknowledge": 90000`},
		{"ground-twice", "values are distinct", "AGR-5", `"grounds": ["`, `"grounds": ["legal", "legal", "`},
	} {
		v = append(v, vector{c.name, c.about, []string{c.clause}, object{"document": swap(t, raw, c.old, c.new)}, no(c.clause)})
	}
	return append(v, articleAgreements(t, f)...)
}

// making is the thread that puts the document into force an hour after noon.
func making(t *testing.T) *talk {
	t.Helper()
	d, err := agreement.Parse(readDocument(t))
	if err != nil {
		t.Fatal(err)
	}
	k := open(t, "instrument.deposit", d.Terms(), to("XB", "XC.cert"))
	for _, c := range d.Parties {
		k.say(c, "instrument.sign", object{"digest": d.Digest}, at(time.Hour))
	}
	return k
}

// sized makes a head name a body with a blob, of so many bytes together.
func sized(n int64) edit {
	return func(h *statement.Head) {
		h.Body = &statement.BodyRef{SHA256: statement.Digest{1}, Size: 100, Blobs: 1, BlobBytes: n - 100}
	}
}

func decisions(t *testing.T) []vector {
	k := making(t)
	d, err := agreement.Parse(readDocument(t))
	if err != nil {
		t.Fatal(err)
	}
	last := k.heads[len(k.heads)-1]
	under := func(h *statement.Head) {
		h.Agreement = &statement.AgreementRef{ID: k.heads[0].ID, Digest: d.Digest, At: []statement.ID{last.ID}}
	}
	// in puts a head of XA, or of from, two hours after noon.
	in := func(from party.Code, kind statement.Kind, facts any, edits ...edit) object {
		h := compose(t, draftHead(t, from, 7, kind, facts, append([]edit{to("XB"), at(2 * time.Hour), under}, edits...)...))
		return object{"document": inFile(document), "making": raws(k.heads), "head": string(h.Raw)}
	}
	request := func(edits ...edit) object { return in("XA", "assist.request", object{"type": "information"}, edits...) }
	tlp := func(h *statement.Head) { h.Marking.TLP = "RED" }
	clocked := func(p statement.Precedence, acknowledge, answer any) object {
		return in("XA", "assist.request", object{"type": "information", "clock": object{"acknowledge": acknowledge, "answer": answer}}, precedence(p))
	}
	refusal := func(grounds any) object {
		return in("XB", "assist.refuse", object{"grounds": grounds}, to("XA"), func(h *statement.Head) { h.Thread, h.After = statement.ID{1}, []statement.ID{{1}} })
	}
	charter := func(kind statement.Kind, edits ...edit) object {
		o := in("XA", kind, object{}, append(edits, func(h *statement.Head) { h.Agreement = nil })...)
		delete(o, "document")
		delete(o, "making")
		return o
	}
	denied := func(clause string, articles ...string) object {
		w := no(clause)
		w["articles"] = append([]string{}, articles...)
		return w
	}
	part := request()
	part["making"] = raws(k.heads[:len(k.heads)-1])
	other := request()
	other["document"] = swap(t, readDocument(t), "assistance", "Assistance")
	receipt := in("XB", "receipt.refused", object{"id": last.ID, "clause": "DEC-1", "reason": "denied"}, to("XA"))
	return []vector{
		{"request", "article 1 permits it", []string{"DEC-1", "DEC-2", "DEC-3", "AGR-8"}, request(), ok()},
		{"too-red", "nothing permits it above AMBER", []string{"DEC-1"}, request(tlp), denied("DEC-1")},
		{"unknown-kind", "a kind that the document does not name", []string{"DEC-1"}, in("XA", "weather.report", object{}), denied("DEC-1")},
		{"forbidden", "article 3 forbids personal data to XC.cert, which article 1 permits: forbid wins", []string{"DEC-1"},
			request(to("XC.cert"), func(h *statement.Head) { h.Marking.PersonalData = "minimised" }), denied("DEC-1", "3")},
		{"one-of-two-forbidden", "every recipient must be permitted", []string{"DEC-1"},
			request(to("XB", "XC.cert"), func(h *statement.Head) { h.Marking.PersonalData = "allowed" }), denied("DEC-1", "3")},
		{"energy-red", "article 4: a sector of its own", []string{"AGR-3"}, in("XA", "assist.request", object{"type": "analysis", "sector": "energy"}, tlp), ok()},
		{"energy-red-other-type", "which is not about other types", []string{"AGR-3"}, in("XA", "assist.request", object{"type": "takedown", "sector": "energy"}, tlp), denied("DEC-1")},
		{"two-articles", "both are named", []string{"DEC-1"}, in("XA", "assist.request", object{"type": "analysis", "sector": "energy"}), ok()},
		{"office-named", "article 5: XB.* is XB and its offices", []string{"DEC-2", "AGR-3"}, in("XA", "assist.request", object{"type": "information"}, to("XB.cert"), func(h *statement.Head) { h.Exercise = true }), ok()},
		{"office-not-permitted", "but in exercises alone", []string{"DEC-1"}, in("XA", "assist.request", object{"type": "information"}, to("XB.cert")), denied("DEC-1")},
		{"office-not-named", "no permitting rule names XA.mfa as an author", []string{"DEC-2"}, in("XA.mfa", "assist.request", object{"type": "information"}), denied("DEC-2")},
		{"stranger", "XD is no party", []string{"DEC-2"}, request(to("XD")), no("DEC-2")},
		{"principal-of-a-party", "XC.cert signed, XC did not", []string{"DEC-2"}, request(to("XC")), no("DEC-2")},
		{"not-in-force-yet", "said before the last signature", []string{"DEC-2", "AGR-8"}, request(at(59 * time.Minute)), no("DEC-2")},
		{"not-all-signed", "as made by heads that do not put it into force", []string{"DEC-2"},
			request(func(h *statement.Head) { h.Agreement.At = []statement.ID{k.heads[2].ID} }), no("DEC-2")},
		{"making-unknown", "a head of the making is not here: parked", []string{"DEC-2"}, part, no("DEC-2")},
		{"other-digest", "another text than the one that was signed", []string{"DEC-2"}, request(func(h *statement.Head) { h.Agreement.Digest[0] ^= 1 }), no("DEC-2")},
		{"other-document", "the text that is shown is another", []string{"AGR-7"}, other, no("DEC-2")},
		{"clock-as-agreed", "flash: an hour and a day", []string{"DEC-6", "AST-3"}, clocked("flash", 3600, 86400), ok()},
		{"clock-longer", "the asker may give more time", []string{"DEC-6"}, clocked("flash", 3601, 86401), ok()},
		{"clock-shorter", "but not less", []string{"DEC-6"}, clocked("flash", 3599, 86400), denied("DEC-6", "2")},
		{"clock-of-no-form", "counts as no time", []string{"DEC-6"}, clocked("flash", "soon", 86400), denied("DEC-6", "2")},
		{"clock-not-set", "nothing is asked of the other side", []string{"DEC-6"}, request(precedence("flash")), ok()},
		{"clock-free", "the document has no clock for routine", []string{"DEC-6", "AGR-4"}, clocked("routine", 1, 1), ok()},
		{"ground-listed", "article 2 lists it", []string{"DEC-6", "AGR-5"}, refusal([]string{"national-security"}), ok()},
		{"ground-other", "always allowed", []string{"AGR-5"}, refusal([]string{"other"}), ok()},
		{"ground-not-listed", "the list is closed", []string{"DEC-6"}, refusal([]string{"national-security", "no-time"}), denied("DEC-6")},
		{"grounds-of-no-form", "count as a ground that is not listed", []string{"DEC-6"}, refusal("other"), denied("DEC-6")},
		{"charter-deposit", "agreements are made before there is one", []string{"CHR-1"}, charter("instrument.deposit", tlp), ok()},
		{"charter-1-MiB", "with all attachments", []string{"CHR-1"}, charter("instrument.deposit", sized(1<<20)), ok()},
		{"charter-above-1-MiB", "what needs no agreement stays small", []string{"CHR-1"}, charter("instrument.deposit", sized(1<<20+1)), denied("DEC-1")},
		{"charter-request", "the charter permits no requests", []string{"CHR-1", "DEC-2"}, charter("assist.request"), denied("DEC-1")},
		{"local-record", "needs no permission", []string{"CHR-2"}, charter("assist.request", to()), ok()},
		{"receipt-under-an-agreement", "decided under the charter whatever it names", []string{"DEC-5", "CHR-1"}, receipt, ok()},
	}
}

// hold the document to what the vectors say of it
func TestDocumentNames(t *testing.T) {
	t.Parallel()
	if s := string(readDocument(t)); !strings.Contains(s, `"number": "5"`) {
		t.Error("the sample has five articles")
	}
}
