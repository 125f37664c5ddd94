package wire_test

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/go-json-experiment/json/jsontext"
	"pgregory.net/rapid"

	"github.com/comity-exchange/comity/fault"
	"github.com/comity-exchange/comity/wire"
)

func wantFault(t *testing.T, err error, code fault.Code, clause string) {
	t.Helper()
	if fault.CodeOf(err) != code || fault.ClauseOf(err) != clause {
		t.Fatalf("got %v, want %s by %q", err, code, clause)
	}
}

func TestCheckJSON(t *testing.T) {
	t.Parallel()
	// spec: ENC-1, ENC-2
	for _, c := range []struct {
		raw    string
		code   fault.Code
		clause string
	}{
		{`{}`, "", ""},
		{`{"a":"b c\t\" null \n"}`, "", ""},
		{`{"a\\":[true,false,-1,{"b":{}}]}`, "", ""},
		{`{"a":"é","b":"\u00e9"}`, "", ""},
		{``, fault.Malformed, "ENC-1"},
		{`[]`, fault.Malformed, "ENC-1"},
		{`"x"`, fault.Malformed, "ENC-1"},
		{` {}`, fault.Malformed, "ENC-1"},
		{"{}\n", fault.Malformed, "ENC-1"},
		{"{}\r", fault.Malformed, "ENC-1"},
		{"{\t}", fault.Malformed, "ENC-1"},
		{`{"a": 1}`, fault.Malformed, "ENC-1"},
		{`{"a\\": 1}`, fault.Malformed, "ENC-1"},
		{"\xef\xbb\xbf{}", fault.Malformed, "ENC-1"},
		{`{"a":1`, fault.Malformed, "ENC-2"},
		{`{"a":1}}`, fault.Malformed, "ENC-2"},
		{`{"a":1,}`, fault.Malformed, "ENC-2"},
		{`{"a":01}`, fault.Malformed, "ENC-2"},
		{`{"a":NaN}`, fault.Malformed, "ENC-2"},
		{`{"a":1,"a":2}`, fault.Malformed, "ENC-2"},
		{`{"a":1,"\u0061":2}`, fault.Malformed, "ENC-2"},
		{`{"x":[{"a":1,"a":2}]}`, fault.Malformed, "ENC-2"},
		{"{\"a\":\"\xff\"}", fault.Malformed, "ENC-2"},
		{`{"a":"\ud800"}`, fault.Malformed, "ENC-2"},
		{"{\"a\":\"\n\"}", fault.Malformed, "ENC-2"},
		{`{"a":null}`, fault.Malformed, "ENC-2"},
		{`{"a":[1,null]}`, fault.Malformed, "ENC-2"},
		{`{"a":"` + strings.Repeat("x", 100) + `"}`, fault.TooLarge, ""},
	} {
		wantFault(t, wire.CheckJSON([]byte(c.raw), 64), c.code, c.clause)
	}
}

// FuzzCheckJSON holds the scan against the library's own idea of a compact text.
func FuzzCheckJSON(f *testing.F) {
	f.Add([]byte(`{"a":"b \" c","d":[1,true,{}]}`))
	f.Add([]byte(`{"a": null}`))
	f.Fuzz(func(t *testing.T, raw []byte) {
		err := wire.CheckJSON(raw, 1<<16)
		v := jsontext.Value(bytes.Clone(raw))
		compact := len(raw) <= 1<<16 && v.Kind() == '{' && v.IsValid() && v.Compact() == nil && bytes.Equal(v, raw)
		if err == nil && !compact {
			t.Fatal("a text was let through")
		}
		if err != nil && compact && !bytes.Contains(raw, []byte("null")) {
			t.Fatalf("a text was refused: %v", err)
		}
		if err == nil {
			if _, err := wire.Members(raw); err != nil {
				t.Fatalf("a checked text does not decode: %v", err)
			}
		}
	})
}

func TestDecode(t *testing.T) {
	t.Parallel()
	// spec: ENC-2
	var v struct {
		D wire.Digest `json:"d"`
		N int         `json:"n"`
	}
	if err := wire.Decode([]byte(`{"d":"`+strings.Repeat("0a", 32)+`","n":3}`), &v, "STM-1", "wrong"); err != nil || v.N != 3 || v.D[31] != 10 {
		t.Fatalf("%v %v", v, err)
	}
	wantFault(t, wire.Decode([]byte(`{"x":1}`), &v, "STM-1", "wrong"), fault.Malformed, "STM-1")
	wantFault(t, wire.Decode([]byte(`{"n":"1"}`), &v, "STM-1", "wrong"), fault.Malformed, "STM-1")
	wantFault(t, wire.Decode([]byte(`{"d":"x"}`), &v, "STM-1", "wrong"), fault.Malformed, "ENC-4")
	if err := wire.Decode([]byte(`{"n":"secret"}`), &v, "STM-1", "wrong"); strings.Contains(fault.Show(err), "secret") {
		t.Fatal("the message quotes the input")
	}
}

func TestLines(t *testing.T) {
	t.Parallel()
	// spec: ENC-1
	for text, want := range map[string]int{"": 0, "a\n": 1, "a\nb\n": 2} {
		if lines, err := wire.Lines([]byte(text)); err != nil || len(lines) != want {
			t.Errorf("%q: %d lines, %v", text, len(lines), err)
		}
	}
	for _, text := range []string{"a", "\n", "a\n\n", "a\nb"} {
		_, err := wire.Lines([]byte(text))
		wantFault(t, err, fault.Malformed, "ENC-1")
	}
}

func TestDigest(t *testing.T) {
	t.Parallel()
	// spec: ENC-4
	rapid.Check(t, func(t *rapid.T) {
		d := wire.Digest(rapid.SliceOfN(rapid.Byte(), 32, 32).Draw(t, "digest"))
		back, err := wire.ParseDigest(d.String())
		if err != nil || back != d {
			t.Fatalf("%s: %v", d, err)
		}
	})
	good := strings.Repeat("0f", 32)
	for _, s := range []string{"", good[1:], good + "0", strings.ToUpper(good), good[:63] + "g", " " + good[1:]} {
		_, err := wire.ParseDigest(s)
		wantFault(t, err, fault.Malformed, "ENC-4")
	}
	if !(wire.Digest{}).IsZero() || (wire.Digest{1}).IsZero() {
		t.Error("only the absent digest is zero")
	}
}

func TestTime(t *testing.T) {
	t.Parallel()
	// spec: ENC-5
	from, to := time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC), time.Date(2200, 1, 1, 0, 0, 0, 0, time.UTC)
	rapid.Check(t, func(t *rapid.T) {
		at := time.Unix(0, rapid.Int64Range(from.UnixNano(), to.UnixNano()-1).Draw(t, "nanoseconds"))
		w := wire.TimeOf(at)
		back, err := wire.ParseTime(w.String())
		if err != nil || back.Compare(w) != 0 || len(w.String()) != 24 {
			t.Fatalf("%s: %v", w, err)
		}
		if lost := at.Sub(w.Std()); lost < 0 || lost >= time.Millisecond {
			t.Fatalf("%v was lost", lost)
		}
		if !w.Before(w.Add(time.Millisecond)) || w.Before(w) {
			t.Fatal("order")
		}
	})
	for _, s := range []string{
		"", "2026-11-21", "2026-11-21T08:00:00Z", "2026-11-21T08:00:00.00Z", "2026-11-21T08:00:00.0000Z", "2026-11-21T08:00:00,000Z", "2026-11-21 08:00:00.000Z",
		"2026-11-21t08:00:00.000z", "2026-11-21T08:00:00.000+00:00", "2026-11-21T24:00:00.000Z", "2026-02-29T08:00:00.000Z", "2019-12-31T23:59:59.999Z", "2200-01-01T00:00:00.000Z",
	} {
		_, err := wire.ParseTime(s)
		wantFault(t, err, fault.Malformed, "ENC-5")
	}
	var absent wire.Time
	if b, err := absent.MarshalText(); err != nil || len(b) != 0 || !absent.IsZero() {
		t.Error("the absent time is empty")
	}
}

func TestIsIdentifier(t *testing.T) {
	t.Parallel()
	// spec: ENC-9
	for s, want := range map[string]bool{
		"a": true, "0": true, "duty-officer": true, "TLP:AMBER+STRICT": true, "a/b.c_d:e+f-g": true, strings.Repeat("x", 128): true,
		"": false, "-a": false, ".a": false, "a b": false, "a\n": false, "é": false, "a\x00": false, "a@b": false, strings.Repeat("x", 129): false,
	} {
		if wire.IsIdentifier(s) != want {
			t.Errorf("%q", s)
		}
	}
}
