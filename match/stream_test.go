package match

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/comity-exchange/comity/fault"
)

// found gives what a log holds, a line each.
func found(t testing.TB, set *Set, log string, o Options) (all []Occurrence, stats Stats) {
	t.Helper()
	stats, err := Scan(context.Background(), strings.NewReader(log), set, o, func(f Occurrence) error {
		all = append(all, f)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return all, stats
}

func TestFormats(t *testing.T) {
	t.Parallel()
	set := built(t, "evil.example", "192.0.2.9:443", "http://evil.example/gate.php", "http://192.0.2.7/x", "2001:db8::1", "user@evil.example", "https://tls.example:8443/v", "//any.example/p")
	zeek := "#separator \\x09\n#set_separator\t,\n#unset_field\t-\n#path\tconn\n#fields\tts\tuid\tid.orig_h\tid.orig_p\tid.resp_h\tid.resp_p\tquery\n"
	http := "#fields\tts\tuid\tid.orig_h\tid.orig_p\tid.resp_h\tid.resp_p\thost\turi\n"
	for _, c := range []struct {
		name, log string
		format    Format
		want      []string // line, kind, value, field, uid, time
	}{
		{"zeek", zeek + "1521911720.865716\tC1\t192.0.2.9\t80\t2001:db8::1\t443\tevil.example\n1521911721.5\tC2\t10.0.0.1\t1\t192.0.2.9\t443\t-\n", Auto, []string{
			"6 address 2001:db8::1 id.resp_h C1 17:15:20.865716", "6 domain evil.example query C1 17:15:20.865716", "7 endpoint 192.0.2.9:443 id.resp_h C2 17:15:21.5",
		}},
		{"zeek, another log behind it", zeek + "1521911720\tC1\t-\t-\t-\t-\t-\n" + http + "1521911722\tC3\t10.0.0.1\t1\t10.0.0.2\t80\tevil.example\t/gate.php?a=b\n", Zeek, []string{
			"8 domain evil.example host C3 17:15:22", "8 url http://evil.example/gate.php host C3 17:15:22",
		}},
		{"zeek, a host that is an address, twice", http + "1521911722\tC3\t10.0.0.1\t1\t192.0.2.7\t80\t192.0.2.7\t/x\n", Auto, []string{"2 url http://192.0.2.7/x id.resp_h C3 17:15:22", "2 url http://192.0.2.7/x host C3 17:15:22"}},
		{"zeek, a broken line is text", zeek + "1521911720\tevil.example\n", Auto, []string{"6 domain evil.example   17:15:20"}},
		{"zeek's json", `{"ts":"2018-03-24T17:15:20.865716Z","uid":"C1","id.orig_h":"192.0.2.9","id.orig_p":443,"query":"evil.example","answers":["a","x.evil.example"]}` + "\n", Auto, []string{
			"1 endpoint 192.0.2.9:443 id.orig_h C1 17:15:20.865716", "1 domain evil.example query C1 17:15:20.865716", "1 domain evil.example answers C1 17:15:20.865716",
		}},
		{"eve", `{"timestamp":"2017-03-24T14:56:38.123456-0600","flow_id":77,"src_ip":"10.0.0.1","src_port":1,"dest_ip":"192.0.2.9","dest_port":443,"http":{"hostname":"evil.example","url":"\/gate.php"}}` + "\n", JSON, []string{
			"1 endpoint 192.0.2.9:443 dest_ip 77 20:56:38.123456", "1 domain evil.example http.hostname 77 20:56:38.123456",
			"1 url http://evil.example/gate.php http.hostname 77 20:56:38.123456",
		}},
		{"eve, https on another port", `{"dest_port":8443,"http":{"hostname":"tls.example","url":"/v?x"}}`, Auto, []string{"1 url https://tls.example:8443/v http.hostname  "}},
		{"json with escapes", `{"time":1521911720865,"text":"line\nevil.example user@evil.example http:\/\/evil.example\/gate.php"}`, Auto, []string{
			"1 domain evil.example text  17:15:20.865", "1 mail user@evil.example text  17:15:20.865", "1 domain evil.example text  17:15:20.865",
			"1 url http://evil.example/gate.php text  17:15:20.865", "1 domain evil.example text  17:15:20.865",
		}},
		{"squid", "1521911720.865 90 10.0.0.1 TCP_MISS/200 512 GET http://evil.example/gate.php - DIRECT/192.0.2.9 text/html\n", Auto, []string{
			"1 url http://evil.example/gate.php   17:15:20.865", "1 domain evil.example   17:15:20.865",
		}},
		{"a web server", "10.0.0.1 - - [24/Mar/2018:18:15:20 +0100] \"GET http://any.example/p?q HTTP/1.1\" 200 5\n", Auto, []string{"1 url //any.example/p   17:15:20"}},
		{"syslog", "2018-03-24T17:15:20+00:00 gw fw: SRC=192.0.2.9 DST=10.0.0.1 query=evil.example.\n", Plain, []string{"1 domain evil.example query  17:15:20"}},
		{"bind", "2018-03-24 17:15:20.100 client 192.0.2.9#443 (evil.example): query\n", Plain, []string{"1 endpoint 192.0.2.9:443   17:15:20.1", "1 domain evil.example   17:15:20.1"}},
		{"a list of alerts over many lines", "[\n  {\n    \"src_ip\": \"2001:db8::1\",\n", Auto, []string{"3 address 2001:db8::1 src_ip  "}},
		{"a list of alerts over many lines, whole", "[\n  {\n    \"timestamp\": \"2018-03-24T17:15:20\",\n    \"flow_id\": 8,\n    \"http\": {\n      \"hostname\": \"evil.example\",\n      \"url\": \"/gate.php\"\n    }\n  },\n" +
			"  {\n    \"list\": [\n      {\n        \"dest_ip\": \"192.0.2.9\",\n        \"dest_port\": 443\n      }\n    ],\n    \"timestamp\": \"2018-03-24T17:15:21\"\n  }\n]\n", Auto, []string{
			"6 domain evil.example http.hostname 8 17:15:20", "6 url http://evil.example/gate.php http.hostname 8 17:15:20", "13 endpoint 192.0.2.9:443 list.dest_ip  17:15:21",
		}},
		{"objects over many lines", "{\n \"ts\": 1521911720,\n \"q\": \"evil.example\"\n}\n{\n \"ts\": 1521911721,\n \"q\": \"evil.example\"\n}\n", JSON, []string{"3 domain evil.example q  17:15:20", "7 domain evil.example q  17:15:21"}},
		{"windows lines", "x\r\nevil.example\r\n", Plain, []string{"2 domain evil.example   "}},
	} {
		all, _ := found(t, set, c.log, Options{Format: c.format})
		var got []string
		for _, f := range all {
			at := ""
			if !f.Time.IsZero() {
				at = f.Time.Format("15:04:05.999999999")
			}
			got = append(got, fmt.Sprintf("%d %s %s %s %s %s", f.Line, f.Kind, f.Value, f.Field, f.UID, at))
			if !strings.HasPrefix(c.log[f.Offset:], f.Written) {
				t.Errorf("%s: %q is not at %d", c.name, f.Written, f.Offset)
			}
		}
		if !slices.Equal(got, c.want) {
			t.Errorf("%s:\nfound %q\nwant  %q", c.name, got, c.want)
		}
	}
}

func TestValidity(t *testing.T) {
	t.Parallel()
	day := func(n int) time.Time { return time.Date(2026, 5, n, 0, 0, 0, 0, time.UTC) }
	b := NewBuilder(Key{1}, 0)
	for _, r := range []struct {
		text string
		Row
	}{
		{"evil.example", Row{ID: 1, From: day(3), Until: day(5)}}, {"evil.example", Row{ID: 2, From: day(4)}}, {"gone.example", Row{ID: 3, Revoked: true}}, {"192.0.2.0/24", Row{ID: 4, Until: day(4)}},
	} {
		v, err := Parse(r.text, 0)
		if err != nil {
			t.Fatal(err)
		}
		if err := b.Add(v, r.Row); err != nil {
			t.Fatal(err)
		}
	}
	set, _ := b.Build()
	var log strings.Builder
	for d := 1; d < 7; d++ {
		fmt.Fprintf(&log, "2026-05-%02dT00:00:00Z evil.example gone.example 192.0.2.1\n", d)
	}
	log.WriteString("no time evil.example\n")
	show := func(o Options) (out []string, stats Stats) {
		all, stats := found(t, set, log.String(), o)
		for _, f := range all {
			out = append(out, fmt.Sprintf("%d %s %v", f.Line, f.Value, f.IDs))
		}
		return out, stats
	}
	got, stats := show(Options{At: day(4)})
	want := []string{"1 192.0.2.0/24 [4]", "2 192.0.2.0/24 [4]", "3 evil.example [1]", "3 192.0.2.0/24 [4]", "4 evil.example [1 2]", "5 evil.example [2]", "6 evil.example [2]", "7 evil.example [1 2]"}
	if !slices.Equal(got, want) || stats.Found != 8 || stats.Void != 11 {
		t.Errorf("found %q, %+v", got, stats)
	}
	if got, _ := show(Options{At: day(1)}); slices.Contains(got, "7 evil.example [1 2]") {
		t.Error("a record without a time is not judged by the time given")
	}
	if _, stats := show(Options{Always: true}); stats.Found != 19 || stats.Void != 0 {
		t.Errorf("without validity: %+v", stats)
	}
}

func TestAllow(t *testing.T) {
	t.Parallel()
	a := NewAllow()
	for name, list := range map[string]string{
		"hosts":   `{"name":"hosts","type":"hostname","list":["shared.example",".dotted.example"]}`,
		"cidrs":   `{"name":"cidrs","type":"cidr","list":["192.0.2.0/24","2001:DB8::/32","198.51.100.7"],"matching_attributes":["ip-src","domain|ip"]}`,
		"strings": `{"name":"strings","type":"string","list":["exact.example",".google.example","D41D8CD98F00B204E9800998ECF8427E"]}`,
		"parts":   `{"name":"parts","type":"substring","list":["Throwaway"],"matching_attributes":["email-src"]}`,
		"regex":   `{"name":"regex","type":"regex","list":["/^ads[0-9]+\\./i","(?=lookahead)"]}`,
		"plain":   "# ours\nours.example\n203.0.113.0/24\n",
	} {
		skipped, err := a.Add(name, []byte(list))
		if err != nil || skipped != map[string]int{"regex": 1}[name] {
			t.Errorf("%s: %d skipped, %v", name, skipped, err)
		}
	}
	for value, want := range map[string]string{
		"shared.example": "hosts", "x.shared.example": "hosts", "notshared.example": "", "dotted.example": "hosts",
		"192.0.2.5": "cidrs", "192.0.2.128/25": "cidrs", "192.0.0.0/16": "", "2001:db8:5::1": "cidrs", "198.51.100.7": "cidrs", "198.51.100.8": "", "192.0.2.5:443": "cidrs", "http://192.0.2.5": "cidrs",
		"http://192.0.2.5/x": "", "http://shared.example": "hosts", "https://shared.example/u/evil.exe": "", "user@shared.example": "",
		"exact.example": "strings", "x.exact.example": "", "www.google.example": "strings", "d41d8cd98f00b204e9800998ecf8427e": "strings",
		"a@throwaway.example": "parts", "throwaway.example": "", "ads12.example": "regex", "ADS1.example": "regex", "xads12.example": "", "ours.example": "plain", "203.0.113.9": "plain",
	} {
		v, err := Parse(value, 0)
		if err != nil {
			t.Fatal(err)
		}
		if got, ok := a.Covers(v.Kind, v.Text); got != want || ok != (want != "") {
			t.Errorf("%s: %q, want %q", value, got, want)
		}
	}
	set := built(t, "shared.example", "evil.example", "192.0.0.0/16", "https://shared.example/bad")
	all, stats := found(t, set, "www.shared.example evil.example x.ours.example 192.0.2.1 192.0.3.1 https://shared.example/bad\n", Options{Allow: a})
	got := map[string]string{}
	for _, f := range all {
		got[f.Written] = f.Allowed
	}
	if want := (Stats{Bytes: 94, Lines: 1, Found: 3, Allowed: 3}); stats != want {
		t.Errorf("counted %+v, want %+v", stats, want)
	}
	if got["192.0.2.1"] != "cidrs" || got["192.0.3.1"] != "" || got["https://shared.example/bad"] != "" || got["evil.example"] != "" {
		t.Errorf("%q", got)
	}
}

// TestAllowBounds: what a list may ask for is bounded.
func TestAllowBounds(t *testing.T) {
	t.Parallel()
	for name, list := range map[string]string{
		"a long expression": `{"type":"regex","list":["` + strings.Repeat("a?", 600) + `"]}`,
		"many expressions":  `{"type":"regex","list":[` + strings.Repeat(`"a",`, maxExpressions) + `"a"]}`,
		"an unknown type":   `{"type":"fuzzy","list":["a"]}`,
		"a broken list":     `{"type":"cidr","list":["a"`,
	} {
		if _, err := NewAllow().Add(name, []byte(list)); fault.CodeOf(err) != fault.Malformed && fault.CodeOf(err) != fault.TooLarge {
			t.Errorf("%s: %v", name, err)
		}
	}
	a := NewAllow()
	if _, err := a.Add("hostile", []byte(`{"type":"regex","list":["^(a+)+$"]}`)); err != nil {
		t.Fatal(err)
	}
	if _, ok := a.Covers(Path, "/"+strings.Repeat("a", 2000)+"!"); ok {
		t.Error("an expression matches what it does not")
	}
}

// TestWarninglists takes the real lists.
func TestWarninglists(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("../../shared/data/warninglists/*.json.gz")
	if err != nil || len(files) == 0 {
		t.Skip("SKIPPED, LOUDLY: there are no warninglists in ../shared/data")
	}
	a := NewAllow()
	for _, name := range files {
		raw := unzipped(t, name)
		if !bytes.HasSuffix(bytes.TrimSpace(raw), []byte("}")) {
			continue // one file ends early
		}
		if skipped, err := a.Add(filepath.Base(name), raw); err != nil || skipped > 0 && !strings.HasPrefix(filepath.Base(name), "empty") {
			t.Errorf("%s: %d values skipped, %v", name, skipped, err)
		}
	}
	for value, want := range map[string]bool{"8.8.8.8": true, "10.1.2.3": true, "www.google.com": true, "evil-and-new.example": false, "198.51.100.7": true, "d41d8cd98f00b204e9800998ecf8427e": true} {
		v, _ := Parse(value, 0)
		if list, ok := a.Covers(v.Kind, v.Text); ok != want {
			t.Errorf("%s is covered: %v (%s)", value, ok, list)
		}
	}
}

func unzipped(t testing.TB, name string) []byte {
	t.Helper()
	f, err := os.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	raw, err := io.ReadAll(z)
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

// TestRealLogs plants known values into real logs and finds each of them, in its field.
func TestRealLogs(t *testing.T) {
	t.Parallel()
	name := "../../shared/data/logs/zeek-dns.log.gz"
	if _, err := os.Stat(name); err != nil {
		t.Skip("SKIPPED, LOUDLY: there are no logs in ../shared/data")
	}
	raw := unzipped(t, name)
	lines := bytes.SplitAfter(raw, []byte("\n"))
	var want []string
	for i := 100; i < len(lines)-1; i += 997 {
		cols := bytes.Split(lines[i], []byte("\t"))
		if len(cols) < 20 {
			continue
		}
		cols[9] = fmt.Appendf(nil, "h%d.Planted.Example", i)
		lines[i] = bytes.Join(cols, []byte("\t"))
		want = append(want, fmt.Sprintf("%d query planted.example", i+1))
	}
	all, _ := found(t, built(t, "planted.example"), string(bytes.Join(lines, nil)), Options{Workers: 2})
	var got []string
	for _, f := range all {
		if f.Time.Year() != 2018 || f.UID == "" {
			t.Errorf("line %d: %v, %q", f.Line, f.Time, f.UID)
		}
		got = append(got, fmt.Sprintf("%d %s %s", f.Line, f.Field, f.Value))
	}
	if !slices.Equal(got, want) {
		t.Errorf("found %d of %d", len(got), len(want))
	}
}

// endless is a line of a gigabyte without its end, with a value at its very end.
type endless struct {
	left int
	most int // that was asked for at once
}

func (e *endless) Read(b []byte) (int, error) {
	if e.left <= 0 {
		return 0, io.EOF
	}
	n := min(len(b), e.left)
	e.most = max(e.most, len(b))
	e.left -= n
	for i := range b[:n] {
		b[i] = "abc/ "[i%5]
	}
	if tail := " evil.example"; e.left == 0 && n > len(tail) {
		copy(b[n-len(tail):], tail)
	}
	return n, nil
}

// TestEndlessLine: a line without an end costs bounded memory, and what stands in it is found.
func TestEndlessLine(t *testing.T) {
	t.Parallel()
	size, set := 64<<20, built(t, "evil.example", "/gate.php", "2001:db8::1")
	if testing.Short() {
		size = 8 << 20
	}
	log := &endless{left: size}
	var all []Occurrence
	if _, err := Scan(t.Context(), log, set, Options{Workers: 2}, func(f Occurrence) error { all = append(all, f); return nil }); err != nil {
		t.Error(err)
	}
	if len(all) != 1 || all[0].Line != 1 || all[0].Offset != int64(size-12) {
		t.Errorf("found %+v", all)
	}
	if log.most > window {
		t.Errorf("a window has grown to %d bytes", log.most)
	}
}

// TestEnds: who reads ends a scan by an error, by the context, or by an error of the log, and gets that.
func TestEnds(t *testing.T) {
	t.Parallel()
	set := built(t, "evil.example")
	log := strings.Repeat("evil.example\n", 200_000)
	stop := errors.New("enough")
	n := 0
	if _, err := Scan(t.Context(), strings.NewReader(log), set, Options{Workers: 2}, func(Occurrence) error {
		n++
		if n == 5 {
			return stop
		}
		return nil
	}); err != stop || n != 5 {
		t.Errorf("%v after %d", err, n)
	}
	ctx, cancel := context.WithCancel(t.Context())
	if _, err := Scan(ctx, strings.NewReader(log), set, Options{}, func(Occurrence) error { cancel(); return nil }); fault.CodeOf(err) != fault.Canceled {
		t.Errorf("canceled: %v", err)
	}
	broken := io.MultiReader(strings.NewReader(log), iotestErr{stop})
	if _, err := Scan(t.Context(), broken, set, Options{}, func(Occurrence) error { return nil }); err != stop {
		t.Errorf("a broken log: %v", err)
	}
}

type iotestErr struct{ error }

func (e iotestErr) Read([]byte) (int, error) { return 0, e.error }

// TestLive: of a log that grows, a line is looked at as soon as it is there.
func TestLive(t *testing.T) {
	t.Parallel()
	set := built(t, "evil.example")
	r, w := io.Pipe()
	seen, ended := make(chan string), make(chan error)
	go func() {
		_, err := Scan(t.Context(), r, set, Options{Live: true, Workers: 2}, func(f Occurrence) error { seen <- f.Written; return nil })
		ended <- err
	}()
	for range 3 {
		if _, err := io.WriteString(w, "a evil.example b\nthe next li"); err != nil {
			t.Fatal(err)
		}
		if got := <-seen; got != "evil.example" {
			t.Errorf("%q", got)
		}
		if _, err := io.WriteString(w, "ne\n"); err != nil {
			t.Fatal(err)
		}
	}
	w.Close()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}

// TestRealAlerts: alerts that go over many lines keep their times and ids, wherever the log is cut.
func TestRealAlerts(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("../../shared/data/logs/eve-*.json.gz")
	if err != nil || len(files) == 0 {
		t.Skip("SKIPPED, LOUDLY: there are no alerts in ../shared/data")
	}
	set := built(t, "0.0.0.0/0")
	for _, name := range files {
		raw := unzipped(t, name)
		all, _ := found(t, set, string(raw), Options{Window: least, Workers: 2})
		ports := 0
		for _, f := range all {
			if f.Time.IsZero() || f.UID == "" || f.Field == "" {
				t.Fatalf("%s, line %d: %+v", filepath.Base(name), f.Line, f)
			}
			if f.Field == "src_ip" || f.Field == "dest_ip" {
				ports++
			}
		}
		if want := bytes.Count(raw, []byte(`"src_ip"`)) + bytes.Count(raw, []byte(`"dest_ip"`)); ports < want*9/10 || ports > want { // some are IPv6
			t.Errorf("%s: %d of %d addresses", filepath.Base(name), ports, want)
		}
	}
}
