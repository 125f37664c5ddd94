package statement_test

import (
	"bytes"
	"crypto/rand"
	"crypto/sha256"
	"fmt"
	"strings"
	"testing"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"pgregory.net/rapid"

	"github.com/comity-exchange/comity/fault"
	"github.com/comity-exchange/comity/marking"
	"github.com/comity-exchange/comity/party"
	"github.com/comity-exchange/comity/statement"
)

const nonce = "AAECAwQFBgcICQoLDA0ODw"

var (
	hexA = strings.Repeat("a", 64)
	hexB = strings.Repeat("b", 64)
)

// head is an opener with every member that a head may have but thread and after.
var head = `{"v":1,"nonce":"` + nonce + `","from":"XA","to":["XB","XC"],"kind":"assist.request",` +
	`"agreement":{"id":"` + hexA + `","digest":"` + hexB + `","at":["` + hexA + `"]},` +
	`"marking":{"tlp":"AMBER","pap":"GREEN","handling":["noforn"],"personal_data":"minimised","retain_until":"2027-01-01T00:00:00.000Z"},` +
	`"track":"technical","precedence":"flash","exercise":false,"time":"2026-11-21T08:00:00.000Z",` +
	`"by":{"role":"duty-officer","officer":"0123456789abcdef"},"facts":{"purpose":"respond"},` +
	`"body":{"sha256":"` + hexA + `","size":40,"blobs":1,"blob_bytes":3}}`

var body = `{"nonce":"` + nonce + `","title":"T","text":"Line one\nline two","blobs":[{"name":"a.json","type":"application/json","size":3,"sha256":"` + hexA + `"}],"extra":{"n":1}}`

func wantFault(t *testing.T, err error, code fault.Code, clause string) {
	t.Helper()
	if fault.CodeOf(err) != code || fault.ClauseOf(err) != clause {
		t.Fatalf("got %v, want %s by %s", err, code, clause)
	}
}

// replace changes one place of a text and fails when there is none.
func replace(t *testing.T, text, from, to string) string {
	t.Helper()
	if !strings.Contains(text, from) {
		t.Fatalf("the text lacks %s", from)
	}
	return strings.Replace(text, from, to, 1)
}

func TestParseHead(t *testing.T) {
	t.Parallel()
	// spec: STM-1, STM-2, ENC-3
	h, err := statement.ParseHead([]byte(head))
	if err != nil {
		t.Fatal(err)
	}
	if string(h.Raw) != head || h.ID != sha256.Sum256([]byte(head)) || h.ThreadID() != h.ID || !h.IsOpener() {
		t.Fatal("bytes or id are not those that were written")
	}
	if !h.IsFor("XC") || h.IsFor("XA") || h.Kind.Desk() != "assist" || h.Body.BlobBytes != 3 || h.Agreement.At[0].String() != hexA || h.By.Officer != "0123456789abcdef" {
		t.Fatalf("the head reads otherwise than it was written: %+v", h)
	}
	reply := replace(t, head, `"kind"`, `"thread":"`+hexA+`","after":["`+hexB+`"],"kind"`)
	if h, err = statement.ParseHead([]byte(reply)); err != nil || h.IsOpener() || h.ThreadID().String() != hexA {
		t.Fatalf("a reply: %v", err)
	}
	reordered := `{"kind":"assist.request",` + replace(t, head[1:], `"kind":"assist.request",`, "")
	if h, err = statement.ParseHead([]byte(reordered)); err != nil || string(h.Raw) != reordered {
		t.Fatalf("members may come in any order: %v", err)
	}
}

// ids gives n distinct ids as a JSON array.
func ids(n int) string {
	s := make([]string, n)
	for i := range s {
		s[i] = fmt.Sprintf(`"%064x"`, i+1)
	}
	return "[" + strings.Join(s, ",") + "]"
}

func codes(n int) string {
	s := make([]string, n)
	for i := range s {
		s[i] = fmt.Sprintf(`"X%c%d"`, 'D'+i%20, i)
	}
	return "[" + strings.Join(s, ",") + "]"
}

func TestHeadRefused(t *testing.T) {
	t.Parallel()
	thread := `"thread":"` + hexA + `",`
	cases := []struct {
		name, from, to string
		code           fault.Code
		clause         string
	}{
		// spec: ENC-1
		{"space", `{"v":1`, `{ "v":1`, fault.Malformed, "ENC-1"},
		{"line feed inside", `"track"`, "\n" + `"track"`, fault.Malformed, "ENC-1"},
		{"line feed after", `"blob_bytes":3}}`, `"blob_bytes":3}}` + "\n", fault.Malformed, "ENC-1"},
		{"byte order mark", `{"v":1`, "\ufeff" + `{"v":1`, fault.Malformed, "ENC-1"},
		{"an array", `{"v":1`, `[{"v":1`, fault.Malformed, "ENC-1"},
		// spec: ENC-2
		{"invalid UTF-8", `noforn`, "\xff", fault.Malformed, "ENC-2"},
		{"repeated name", `"v":1,`, `"v":1,"v":1,`, fault.Malformed, "ENC-2"},
		{"repeated name in facts", `{"purpose":"respond"}`, `{"a":[{"b":1,"b":1}]}`, fault.Malformed, "ENC-2"},
		{"cut off", `3}}`, `3}`, fault.Malformed, "ENC-2"},
		{"two texts", `3}}`, `3}}{}`, fault.Malformed, "ENC-2"},
		{"null", `"` + nonce + `"`, `null`, fault.Malformed, "ENC-2"},
		{"null in facts", `"respond"`, `null`, fault.Malformed, "ENC-2"},
		{"fraction in facts", `"respond"`, `1.5`, fault.Malformed, "ENC-2"},
		{"whole fraction in facts", `"respond"`, `1.0`, fault.Malformed, "ENC-2"},
		{"exponent in facts", `"respond"`, `1e3`, fault.Malformed, "ENC-2"},
		{"large number in facts", `"respond"`, `9007199254740992`, fault.Malformed, "ENC-2"},
		{"low number in facts", `"respond"`, `-9007199254740992`, fault.Malformed, "ENC-2"},
		{"unknown member", `"v":1,`, `"v":1,"w":1,`, fault.Malformed, "STM-1"},
		{"unknown member inside", `"tlp"`, `"x":1,"tlp"`, fault.Malformed, "STM-1"},
		// spec: ENC-4
		{"upper-case digest", hexB, strings.ToUpper(hexB), fault.Malformed, "ENC-4"},
		{"short id", hexA, hexA[1:], fault.Malformed, "ENC-4"},
		{"short nonce", nonce, nonce[1:], fault.Malformed, "ENC-4"},
		{"padded nonce", nonce, nonce + "==", fault.Malformed, "ENC-4"},
		{"nonce with loose bits", nonce, nonce[:21] + "x", fault.Malformed, "ENC-4"},
		// spec: ENC-5
		{"no milliseconds", `08:00:00.000Z`, `08:00:00Z`, fault.Malformed, "ENC-5"},
		{"comma", `08:00:00.000Z`, `08:00:00,000Z`, fault.Malformed, "ENC-5"},
		{"offset", `08:00:00.000Z`, `08:00:00.000+00:00`, fault.Malformed, "ENC-5"},
		{"31 November", `2026-11-21T`, `2026-11-31T`, fault.Malformed, "ENC-5"},
		{"leap second", `08:00:00.000Z`, `23:59:60.000Z`, fault.Malformed, "ENC-5"},
		{"2019", `2026-11-21T`, `2019-12-31T`, fault.Malformed, "ENC-5"},
		{"2200", `2026-11-21T`, `2200-01-01T`, fault.Malformed, "ENC-5"},
		// spec: ENC-6, ENC-8
		{"party", `"from":"XA"`, `"from":"Xa"`, fault.Malformed, "ENC-6"},
		{"recipient", `"XB"`, `"XB."`, fault.Malformed, "ENC-6"},
		{"kind", `assist.request`, `assist`, fault.Malformed, "ENC-8"},
		{"kind of three parts", `assist.request`, `assist.request.now`, fault.Malformed, "ENC-8"},
		// spec: STM-1
		{"version", `"v":1`, `"v":2`, fault.Malformed, "STM-1"},
		{"version as text", `"v":1`, `"v":"1"`, fault.Malformed, "STM-1"},
		{"author among recipients", `"XC"]`, `"XA"]`, fault.Malformed, "STM-1"},
		{"recipient twice", `"XC"]`, `"XB"]`, fault.Malformed, "STM-1"},
		{"256 recipients", `["XB","XC"]`, codes(256), fault.Malformed, "STM-1"},
		{"thread without after", `"kind"`, thread + `"kind"`, fault.Malformed, "STM-1"},
		{"after without thread", `"kind"`, `"after":` + ids(1) + `,"kind"`, fault.Malformed, "STM-1"},
		{"17 after", `"kind"`, thread + `"after":` + ids(17) + `,"kind"`, fault.Malformed, "STM-1"},
		{"after twice", `"kind"`, thread + `"after":["` + hexA + `","` + hexA + `"],"kind"`, fault.Malformed, "STM-1"},
		{"zero thread", `"kind"`, `"thread":"` + strings.Repeat("0", 64) + `","kind"`, fault.Malformed, "STM-1"},
		{"empty after", `"kind"`, `"after":[],"kind"`, fault.Malformed, "STM-1"},
		{"agreement without at", `,"at":["` + hexA + `"]`, ``, fault.Malformed, "STM-1"},
		{"agreement at 65", `["` + hexA + `"]`, ids(65), fault.Malformed, "STM-1"},
		{"track", `"technical"`, `"secret"`, fault.Malformed, "STM-1"},
		{"precedence", `"flash"`, `"urgent"`, fault.Malformed, "STM-1"},
		{"role", `"duty-officer"`, `"duty officer"`, fault.Malformed, "STM-1"},
		{"short officer", `"0123456789abcdef"`, `"0123456789abcde"`, fault.Malformed, "STM-1"},
		{"named officer", `"0123456789abcdef"`, `"jane-doe-of-the-desk"`, fault.Malformed, "STM-1"},
		{"empty officer", `"0123456789abcdef"`, `""`, fault.Malformed, "STM-1"},
		{"body without blobs", `,"blobs":1`, ``, fault.Malformed, "STM-1"},
		{"too long", `respond`, strings.Repeat("x", statement.MaxHead), fault.TooLarge, "STM-1"},
		// spec: STM-3
		{"body of one byte", `"size":40`, `"size":1`, fault.Malformed, "STM-3"},
		{"body too large", `"size":40`, `"size":1048577`, fault.Malformed, "STM-3"},
		{"257 blobs", `"blobs":1`, `"blobs":257`, fault.Malformed, "STM-3"},
		{"negative blobs", `"blob_bytes":3`, `"blob_bytes":-3`, fault.Malformed, "STM-3"},
		// spec: STM-4, ENC-9
		{"free text in facts", `"respond"`, `"Please help us."`, fault.Malformed, "STM-4"},
		{"free text deep in facts", `"respond"`, `[{"a":["b c"]}]`, fault.Malformed, "STM-4"},
		{"free text as a name", `{"purpose":`, `{"the purpose":`, fault.Malformed, "STM-4"},
		{"long identifier", `"respond"`, `"` + strings.Repeat("x", 129) + `"`, fault.Malformed, "STM-4"},
		{"facts are a list", `{"purpose":"respond"}`, `["respond"]`, fault.Malformed, "STM-4"},
		{"deep facts", `"respond"`, strings.Repeat("[", 20) + strings.Repeat("]", 20), fault.Malformed, "STM-4"},
		{"long facts", `"respond"`, `[` + strings.Repeat(`1,`, 6200) + `1]`, fault.TooLarge, "STM-4"},
		// spec: STM-5
		{"tlp", `"AMBER"`, `"WHITE"`, fault.Malformed, "STM-5"},
		{"pap", `"GREEN"`, `"WHITE"`, fault.Malformed, "STM-5"},
		{"empty pap", `"GREEN"`, `""`, fault.Malformed, "STM-1"},
		{"handling", `"noforn"`, `"no forn"`, fault.Malformed, "STM-5"},
		{"handling twice", `"noforn"`, `"noforn","noforn"`, fault.Malformed, "STM-5"},
		{"17 handling codes", `["noforn"]`, codes(17), fault.Malformed, "STM-5"},
		{"personal data", `"minimised"`, `"some"`, fault.Malformed, "STM-5"},
		{"retention", `2027-01-01T00:00:00.000Z`, `2027-01-01`, fault.Malformed, "STM-5"},
	}
	for _, name := range []string{"v", "nonce", "from", "to", "kind", "marking", "track", "precedence", "exercise", "time", "by", "facts"} {
		m := map[string]jsontext.Value{}
		if err := json.Unmarshal([]byte(head), &m); err != nil {
			t.Fatal(err)
		}
		cases = append(cases, struct {
			name, from, to string
			code           fault.Code
			clause         string
		}{"no " + name, `"` + name + `":` + string(m[name]) + `,`, ``, fault.Malformed, "STM-1"})
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			_, err := statement.ParseHead([]byte(replace(t, head, c.from, c.to)))
			wantFault(t, err, c.code, c.clause)
		})
	}
}

// TestHeadBounds: what stands exactly at a bound is allowed.
func TestHeadBounds(t *testing.T) {
	t.Parallel()
	// spec: STM-1, STM-4, ENC-2, ENC-5, ENC-9
	for name, c := range map[string][2]string{
		"64 recipients":    {`["XB","XC"]`, codes(64)},
		"no recipient":     {`["XB","XC"]`, `[]`},
		"16 after":         {`"kind"`, `"thread":"` + hexA + `","after":` + ids(16) + `,"kind"`},
		"agreement at 64":  {`["` + hexA + `"]`, ids(64)},
		"largest number":   {`"respond"`, `9007199254740991`},
		"lowest number":    {`"respond"`, `-9007199254740991`},
		"empty in facts":   {`"respond"`, `""`},
		"time in facts":    {`"respond"`, `"2026-11-21T08:00:00.000Z"`},
		"128 bytes":        {`"respond"`, `"` + strings.Repeat("x", 128) + `"`},
		"first moment":     {`2026-11-21T08:00:00.000Z`, `2020-01-01T00:00:00.000Z`},
		"last moment":      {`2026-11-21T08:00:00.000Z`, `2199-12-31T23:59:59.999Z`},
		"the node speaks":  {`,"officer":"0123456789abcdef"`, ``},
		"no body":          {head[strings.Index(head, `,"body"`):], `}`},
		"escaped facts":    {`"respond"`, `"\u0072espond"`},
		"marking, shortly": {`,"pap":"GREEN","handling":["noforn"],"personal_data":"minimised","retain_until":"2027-01-01T00:00:00.000Z"`, ``},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if _, err := statement.ParseHead([]byte(replace(t, head, c[0], c[1]))); err != nil {
				t.Fatal(err)
			}
		})
	}
}

func TestBody(t *testing.T) {
	t.Parallel()
	// spec: STM-3
	b, err := statement.ParseBody([]byte(body))
	if err != nil {
		t.Fatal(err)
	}
	want := statement.BodyRef{SHA256: statement.Sum([]byte(body)), Size: int64(len(body)), Blobs: 1, BlobBytes: 3}
	if string(b.Raw) != body || b.Ref() != want || b.Text != "Line one\nline two" || string(b.Rest["extra"]) != `{"n":1}` {
		t.Fatalf("the body reads otherwise than it was written: %+v", b)
	}
	for name, c := range map[string]struct {
		from, to string
		code     fault.Code
		clause   string
	}{
		"no nonce":           {`"nonce":"` + nonce + `",`, ``, fault.Malformed, "STM-3"},
		"nonce":              {nonce, "x", fault.Malformed, "ENC-4"},
		"title is a number":  {`"T"`, `1`, fault.Malformed, "STM-3"},
		"not compact":        {`"title"`, ` "title"`, fault.Malformed, "ENC-1"},
		"repeated":           {`"title"`, `"nonce":"x","title"`, fault.Malformed, "ENC-2"},
		"path as name":       {`a.json`, `../a.json`, fault.Malformed, "STM-3"},
		"backslash in name":  {`a.json`, `a\\b`, fault.Malformed, "STM-3"},
		"dots as name":       {`"a.json"`, `".."`, fault.Malformed, "STM-3"},
		"empty name":         {`"a.json"`, `""`, fault.Malformed, "STM-3"},
		"control in name":    {`a.json`, `a\u0007`, fault.Malformed, "STM-3"},
		"direction in name":  {`a.json`, `a\u202enosj.exe`, fault.Malformed, "STM-3"},
		"long name":          {`a.json`, strings.Repeat("x", 256), fault.Malformed, "STM-3"},
		"type":               {`application/json`, `json`, fault.Malformed, "STM-3"},
		"negative size":      {`"size":3`, `"size":-3`, fault.Malformed, "STM-3"},
		"blob without hash":  {`,"sha256":"` + hexA + `"`, ``, fault.Malformed, "STM-3"},
		"257 blobs":          {`[{"name"`, `[` + strings.Repeat(`{"name":"a","type":"a/b","size":1,"sha256":"`+hexA+`"},`, 256) + `{"name"`, fault.Malformed, "STM-3"},
		"over a mebibyte":    {`Line one`, strings.Repeat("x", statement.MaxBody), fault.TooLarge, "STM-3"},
		"size as text":       {`"size":3`, `"size":"3"`, fault.Malformed, "STM-3"},
		"unknown blob field": {`"size":3`, `"size":3,"hidden":true`, fault.Malformed, "STM-3"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := statement.ParseBody([]byte(replace(t, body, c.from, c.to)))
			wantFault(t, err, c.code, c.clause)
		})
	}
}

func draft(t testing.TB, b *statement.Body) statement.Head {
	t.Helper()
	n, err := statement.MakeNonce(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	at, err := statement.ParseTime("2026-11-21T08:00:00.000Z")
	if err != nil {
		t.Fatal(err)
	}
	d := statement.Head{
		Nonce: n, From: "XA", To: []party.Code{"XB"}, Kind: "assist.request", Marking: marking.Marking{TLP: marking.Amber},
		Track: statement.Technical, Precedence: statement.Flash, Time: at, By: statement.By{Role: "duty-officer"},
	}
	if b != nil {
		ref := b.Ref()
		d.Body = &ref
	}
	return d
}

func TestMatches(t *testing.T) {
	t.Parallel()
	// spec: STM-3
	b, err := statement.ParseBody([]byte(body))
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		change func(r *statement.BodyRef)
		ok     bool
	}{
		"the same":   {func(*statement.BodyRef) {}, true},
		"digest":     {func(r *statement.BodyRef) { r.SHA256[0] ^= 1 }, false},
		"size":       {func(r *statement.BodyRef) { r.Size++ }, false},
		"blobs":      {func(r *statement.BodyRef) { r.Blobs = 0 }, false},
		"blob bytes": {func(r *statement.BodyRef) { r.BlobBytes-- }, false},
	} {
		d := draft(t, b)
		c.change(d.Body)
		h, err := statement.Compose(d)
		if err != nil {
			t.Fatal(err)
		}
		if err := b.Matches(h); (err == nil) != c.ok {
			t.Errorf("%s: %v", name, err)
		} else if !c.ok {
			wantFault(t, err, fault.NotAuthentic, "STM-3")
		}
	}
	h, err := statement.Compose(draft(t, nil))
	if err != nil {
		t.Fatal(err)
	}
	wantFault(t, b.Matches(h), fault.NotAuthentic, "STM-3")
}

func TestCompose(t *testing.T) {
	t.Parallel()
	// spec: STM-1, ENC-3
	d := draft(t, nil)
	d.To = nil
	d.Agreement = &statement.AgreementRef{ID: statement.ID{1}, Digest: statement.Digest{2}}
	h, err := statement.Compose(d)
	if err != nil {
		t.Fatal(err)
	}
	again, err := statement.ParseHead(h.Raw)
	if err != nil || again.ID != h.ID || string(h.Facts) != "{}" || h.To == nil || h.Agreement.At == nil {
		t.Fatalf("%v\n%s", err, h.Raw)
	}
	if d.Agreement.At != nil {
		t.Fatal("the draft was changed")
	}
	d.By.Role = "duty officer"
	_, err = statement.Compose(d)
	wantFault(t, err, fault.Malformed, "STM-1")
}

func TestDecodeFacts(t *testing.T) {
	t.Parallel()
	// spec: ENC-2, THR-6
	h, err := statement.ParseHead([]byte(head))
	if err != nil {
		t.Fatal(err)
	}
	type known struct {
		Purpose string `json:"purpose"`
	}
	if v, err := statement.DecodeFacts[known](h); err != nil || v.Purpose != "respond" {
		t.Fatalf("%v %v", v, err)
	}
	_, err = statement.DecodeFacts[struct{}](h)
	wantFault(t, err, fault.Malformed, "THR-6")
	_, err = statement.DecodeFacts[struct {
		Purpose statement.Digest `json:"purpose"`
	}](h)
	wantFault(t, err, fault.Malformed, "ENC-4")
}

// TestNonces: whatever 16 bytes come, they read back; and no source, no nonce.
func TestNonces(t *testing.T) {
	t.Parallel()
	// spec: ENC-4
	rapid.Check(t, func(t *rapid.T) {
		b := rapid.SliceOfN(rapid.Byte(), 16, 16).Draw(t, "bytes")
		n, err := statement.MakeNonce(bytes.NewReader(b))
		if err != nil || len(n) != 22 {
			t.Fatalf("%q %v", n, err)
		}
		var back statement.Nonce
		if err := back.UnmarshalText([]byte(n)); err != nil || back != n {
			t.Fatalf("%q: %v", n, err)
		}
	})
	_, err := statement.MakeNonce(bytes.NewReader(make([]byte, 15)))
	wantFault(t, err, fault.Internal, "")
}

func TestPrecedences(t *testing.T) {
	t.Parallel()
	// spec: STM-1
	for i, p := range statement.Precedences() {
		if p.Rank() != i {
			t.Errorf("%s ranks %d", p, p.Rank())
		}
	}
	if statement.Flash.Rank() != 0 || statement.Routine.Rank() != 3 || statement.Precedence("soon").Rank() != -1 {
		t.Error("flash is the fastest, routine the slowest, anything else none")
	}
}

func FuzzHead(f *testing.F) {
	f.Add([]byte(head))
	f.Add([]byte(`{"v":1}`))
	f.Fuzz(func(t *testing.T, raw []byte) {
		h, err := statement.ParseHead(raw)
		if err != nil {
			if c := fault.CodeOf(err); c != fault.Malformed && c != fault.TooLarge {
				t.Fatalf("an input raises %s", c)
			}
			return
		}
		if !bytes.Equal(h.Raw, raw) || h.ID != sha256.Sum256(raw) {
			t.Fatal("the bytes were changed")
		}
		// What a head says can be said again: nothing that was read is lost or refused.
		again, err := statement.Compose(*h)
		if err != nil {
			t.Fatalf("the head cannot be written again: %v", err)
		}
		third, err := statement.Compose(*again)
		if err != nil || third.ID != again.ID {
			t.Fatalf("writing is not stable: %v", err)
		}
	})
}

func FuzzBody(f *testing.F) {
	f.Add([]byte(body))
	f.Add([]byte(`{"nonce":"` + nonce + `"}`))
	f.Fuzz(func(t *testing.T, raw []byte) {
		b, err := statement.ParseBody(raw)
		if err != nil {
			if c := fault.CodeOf(err); c != fault.Malformed && c != fault.TooLarge {
				t.Fatalf("an input raises %s", c)
			}
			return
		}
		if !bytes.Equal(b.Raw, raw) || b.Ref().Size != int64(len(raw)) || b.Ref().SHA256 != sha256.Sum256(raw) {
			t.Fatal("the bytes were changed")
		}
		if _, err := statement.ComposeBody(*b); err != nil && len(raw) < statement.MaxBody/8 {
			t.Fatalf("the body cannot be written again: %v", err)
		}
	})
}
