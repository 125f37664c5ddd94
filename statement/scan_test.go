package statement

import (
	"bytes"
	"encoding/base64"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"pgregory.net/rapid"

	"github.com/comity-exchange/comity/marking"
	"github.com/comity-exchange/comity/party"
	"github.com/comity-exchange/comity/wire"
)

// anyHead draws heads as nodes write them, with every member present or absent.
func anyHead(t *rapid.T) Head {
	id := rapid.Custom(func(t *rapid.T) ID { return ID(rapid.SliceOfN(rapid.Byte(), 32, 32).Draw(t, "id")) }).Filter(func(i ID) bool { return !i.IsZero() })
	ids := rapid.SliceOfNDistinct(id, 1, 16, rapid.ID[ID])
	code := rapid.SampledFrom([]party.Code{"XB", "XC", "XD.cert", "XE.mfa.a-1"})
	h := Head{
		V: 1, From: "XA", To: rapid.SliceOfDistinct(code, rapid.ID[party.Code]).Draw(t, "to"), Kind: "assist.ask-use",
		Nonce:      Nonce(base64.RawURLEncoding.EncodeToString(rapid.SliceOfN(rapid.Byte(), 16, 16).Draw(t, "nonce"))),
		Marking:    marking.Marking{TLP: rapid.SampledFrom(marking.TLPs()).Draw(t, "tlp")},
		Track:      Diplomatic,
		Precedence: rapid.SampledFrom(Precedences()).Draw(t, "precedence"),
		Exercise:   rapid.Bool().Draw(t, "exercise"),
		By:         By{Role: "duty-officer"},
		Facts: jsontext.Value(rapid.SampledFrom([]string{
			`{}`, `{"a":1,"b":[true,false,"x"],"c":{"d":-7}}`, `{"n":900719925474099}`, `{"a":""}`, `{"time":"2026-03-02T08:00:00.000Z"}`,
		}).Draw(t, "facts")),
	}
	h.Time, _ = ParseTime("2026-03-02T08:00:00.123Z")
	if rapid.Bool().Draw(t, "follows") {
		h.Thread, h.After = id.Draw(t, "thread"), ids.Draw(t, "after")
	}
	if rapid.Bool().Draw(t, "agreed") {
		h.Agreement = &AgreementRef{ID: id.Draw(t, "agreement"), Digest: Digest(id.Draw(t, "digest")), At: ids.Draw(t, "at")}
	}
	if rapid.Bool().Draw(t, "marked") {
		h.Marking.PAP, h.Marking.PersonalData, h.Marking.Handling = marking.PAPAmber, marking.PersonalNone, []string{"a:b", "c"}
		h.Marking.RetainUntil = "2027-03-02T08:00:00.000Z"
	}
	if rapid.Bool().Draw(t, "officer") {
		h.By.Officer = "00112233445566778899aabbccddeeff"
	}
	if rapid.Bool().Draw(t, "bodied") {
		h.Body = &BodyRef{SHA256: Digest(id.Draw(t, "sha256")), Size: 17, Blobs: 2, BlobBytes: 1 << 40}
	}
	return h
}

// TestPlainForm holds the quick reader and writer against the general ones.
func TestPlainForm(t *testing.T) {
	t.Parallel()
	// spec: STM-1
	rapid.Check(t, func(t *rapid.T) {
		draft := anyHead(t)
		want, err := json.Marshal(draft, json.Deterministic(true))
		if err != nil {
			t.Fatal(err)
		}
		got, plain := appendHead(nil, &draft)
		if !plain || !bytes.Equal(got, want) {
			t.Fatalf("written\n%s, not\n%s", got, want)
		}
		agree(t, want, true)
		// Whatever one change makes of it: what the quick reader takes is what the general one takes.
		at := rapid.IntRange(0, len(want)-1).Draw(t, "at")
		piece := rapid.SampledFrom([]string{"", `"`, "0", "1", "-", "a", "A", " ", `\u0041`, "{", "}", "[", "]", ",", ":", "null", "true", "é", "\x00", `,"v":1`, `"x":{},`, "9999999999999999"}).Draw(t, "piece")
		cut := rapid.IntRange(0, 4).Draw(t, "cut")
		agree(t, slices.Concat(want[:at], []byte(piece), want[min(len(want), at+cut):]), false)
	})
}

type fataler interface {
	Helper()
	Fatalf(format string, args ...any)
}

// agree fails when the quick reader takes what the general one does not, or takes it otherwise; with must, also when it leaves it.
func agree(t fataler, raw []byte, must bool) {
	t.Helper()
	quick, ok := plainHead(raw)
	if !ok {
		if must {
			t.Fatalf("the quick reader leaves %s", raw)
		}
		return
	}
	whole, err := decodeHead(raw)
	if err != nil {
		t.Fatalf("%v, but the quick reader takes %s", err, raw)
	}
	if again, err := Reread(IDOf(raw), raw); err != nil || !reflect.DeepEqual(again, whole) {
		t.Fatalf("%v: read again as %+v", err, again)
	}
	if !reflect.DeepEqual(quick, whole) {
		t.Fatalf("%+v, not %+v", quick, whole)
	}
}

// TestPlainBody holds the quick reader and writer of bodies against the general ones.
func TestPlainBody(t *testing.T) {
	t.Parallel()
	// spec: STM-3
	rapid.Check(t, func(t *rapid.T) {
		words := rapid.OneOf(rapid.StringMatching(`[ -~]{0,40}`), rapid.String())
		draft := Body{Nonce: "AAAAAAAAAAAAAAAAAAAAAA", Title: words.Draw(t, "title"), Text: words.Draw(t, "text")}
		want, err := json.Marshal(draft, json.Deterministic(true))
		if err != nil {
			return // no valid UTF-8
		}
		if got, plain := appendBody(nil, &draft); plain && !bytes.Equal(got, want) {
			t.Fatalf("written\n%s, not\n%s", got, want)
		}
		at := rapid.IntRange(0, len(want)-1).Draw(t, "at")
		piece := rapid.SampledFrom([]string{"", `"`, "{", "}", ",", `,"blobs":[]`, `,"text":"x"`, "\n", `\n`, "é"}).Draw(t, "piece")
		for _, raw := range [][]byte{want, slices.Concat(want[:at], []byte(piece), want[at:])} {
			var quick Body
			if !scanBody(raw, &quick) {
				continue
			}
			whole, err := decodeBody(raw)
			if err != nil {
				t.Fatalf("%v, but the quick reader takes %s", err, raw)
			}
			if quick.Raw = raw; !reflect.DeepEqual(&quick, whole) {
				t.Fatalf("%+v, not %+v", quick, whole)
			}
		}
	})
	draft := Body{Nonce: "AAAAAAAAAAAAAAAAAAAAAA", Title: "Measured", Text: "a text"}
	if raw, plain := appendBody(nil, &draft); !plain || !scanBody(raw, &Body{}) {
		t.Error("the quick way is not taken")
	}
}

func FuzzPlainHead(f *testing.F) {
	f.Add([]byte(`{"v":1,"nonce":"AAAAAAAAAAAAAAAAAAAAAA","from":"XA","to":["XB"],"kind":"assist.request","marking":{"tlp":"AMBER"},"track":"technical","precedence":"routine","exercise":false,"time":"2026-03-02T08:00:00.000Z","by":{"role":"node"},"facts":{"type":"information"}}`))
	f.Fuzz(func(t *testing.T, raw []byte) { agree(t, raw, false) })
}

// TestForms holds the forms that are checked by hand against the patterns of the specification.
func TestForms(t *testing.T) {
	t.Parallel()
	// spec: ENC-4, ENC-6, ENC-8, ENC-9
	forms := []struct {
		name, pattern string
		most          int
		is            func(string) bool
	}{
		{"identifier", `^[A-Za-z0-9][A-Za-z0-9+._:/-]{0,127}$`, 128, wire.IsIdentifier},
		{"code", `^[A-Z][A-Z0-9]{1,11}(\.[a-z][a-z0-9-]{0,15}){0,2}$`, 46, func(s string) bool { _, err := party.ParseCode(s); return err == nil }},
		{"kind", `^[a-z]{2,16}\.[a-z]{2,16}(-[a-z]{2,16}){0,2}$`, 64, func(s string) bool { _, err := ParseKind(s); return err == nil }},
		{"nonce", `^[A-Za-z0-9_-]{21}[AQgw]$`, 22, func(s string) bool { return new(Nonce).UnmarshalText([]byte(s)) == nil }},
	}
	drawn := rapid.OneOf(rapid.StringMatching(`[A-Za-z0-9+._:/é -]{0,60}`), rapid.StringMatching(`[A-Z][A-Z0-9]{0,12}(\.[a-z0-9-]{0,17}){0,3}`),
		rapid.StringMatching(`[a-z]{1,17}\.[a-z]{1,17}(-[a-z]{1,17}){0,3}`), rapid.StringMatching(`[A-Za-z0-9_-]{21}[A-Za-z_-]`), rapid.StringMatching(`[a-z]{120,130}`))
	for _, f := range forms {
		t.Run(f.name, func(t *testing.T) {
			t.Parallel()
			pattern := regexp.MustCompile(f.pattern)
			rapid.Check(t, func(t *rapid.T) {
				s := drawn.Draw(t, "s")
				if want := len(s) <= f.most && pattern.MatchString(s) && !strings.HasSuffix(s, "\n"); f.is(s) != want {
					t.Fatalf("%q: %v", s, !want)
				}
			})
		})
	}
}

func BenchmarkParseHead(b *testing.B) {
	raw := []byte(`{"v":1,"nonce":"AAAAAAAAAAAAAAAAAAAAAA","from":"XA","to":["XB"],"thread":"` + strings.Repeat("ab", 32) + `","after":["` + strings.Repeat("cd", 32) +
		`"],"kind":"assist.supplement","agreement":{"id":"` + strings.Repeat("01", 32) + `","digest":"` + strings.Repeat("23", 32) + `","at":["` + strings.Repeat("45", 32) + `","` + strings.Repeat("67", 32) +
		`"]},"marking":{"tlp":"AMBER"},"track":"technical","precedence":"routine","exercise":false,"time":"2026-03-02T08:00:00.000Z","by":{"role":"duty-officer","officer":"` + strings.Repeat("89", 16) +
		`"},"facts":{},"body":{"sha256":"` + strings.Repeat("ef", 32) + `","size":152,"blobs":0,"blob_bytes":0}}`)
	b.Run("plain", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if _, err := ParseHead(raw); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("general", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if _, err := decodeHead(raw); err != nil {
				b.Fatal(err)
			}
		}
	})
}
