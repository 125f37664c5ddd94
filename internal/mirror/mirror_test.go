package mirror

import (
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/comity-exchange/comity/fault"
	"github.com/comity-exchange/comity/internal/config"
	"github.com/comity-exchange/comity/statement"
	"github.com/comity-exchange/comity/stix"
)

func good() Mirror {
	return Mirror{ID: "one", Name: "feeds", Kind: TAXII, URL: "https://feeds.example/api/collections/c1/", Every: 3600}
}

// TestCheck: what cannot be a mirror, and is said so before anything is asked.
func TestCheck(t *testing.T) {
	t.Parallel()
	if m := good(); m.Check() != nil {
		t.Fatal(m.Check())
	}
	for says, change := range map[string]func(*Mirror){
		"the name of a mirror":       func(m *Mirror) { m.Name = "two words" },
		"a collection (taxii)":       func(m *Mirror) { m.Kind = "ftp" },
		"every minute at most":       func(m *Mirror) { m.Every = 59 },
		"every 31 days at least":     func(m *Mirror) { m.Every = 32 * 24 * 3600 },
		"no colon":                   func(m *Mirror) { m.User, m.Sealed = "a:b", []byte("x") },
		"a user has a password":      func(m *Mirror) { m.User = "desk" },
		"given as PEM":               func(m *Mirror) { m.Roots = "none" },
		"is a URL":                   func(m *Mirror) { m.URL = "feeds.example" },
		"at most 2048 bytes":         func(m *Mirror) { m.URL = "https://feeds.example/" + strings.Repeat("a", 2048) },
		"no password in it":          func(m *Mirror) { m.URL = "https://a:b@feeds.example/" },
		"no part after #":            func(m *Mirror) { m.URL = "https://feeds.example/#a" },
		"only https is spoken":       func(m *Mirror) { m.URL = "http://feeds.example/" },
		"URL, like https://feeds.ex": func(m *Mirror) { m.URL = "file:///etc/passwd" },
	} {
		m := good()
		change(&m)
		if err := m.Check(); fault.CodeOf(err) != fault.Usage || !strings.Contains(fault.Show(err), says) {
			t.Errorf("%s: %v", says, err)
		}
	}
	for _, here := range []string{"http://127.0.0.1:8080/", "http://[::1]/", "http://localhost/x?y=1"} {
		if _, err := Address(here); err != nil {
			t.Errorf("%s: %v", here, err)
		}
	}
}

// TestSeal: a credential opens with the node's key, for the server and the user that it was given for, and nowhere else.
func TestSeal(t *testing.T) {
	t.Parallel()
	key := []byte(strings.Repeat("k", 32))
	m := good()
	m.User = "desk"
	if err := m.Seal(key, config.Secret("open sesame")); err != nil {
		t.Fatal(err)
	}
	if strings.Contains(string(m.Sealed), "sesame") {
		t.Error("it lies open")
	}
	m.URL = "https://FEEDS.example:443/elsewhere/on/the/same/server/"
	if s, err := m.Open(key); err != nil || string(s) != "open sesame" || fmt.Sprint(s) == "open sesame" {
		t.Error(err, s)
	}
	for name, change := range map[string]func(*Mirror){
		"another server":    func(m *Mirror) { m.URL = "https://evil.example/" },
		"another port":      func(m *Mirror) { m.URL = "https://feeds.example:8443/" },
		"another user":      func(m *Mirror) { m.User = "root" },
		"another mirror's":  func(m *Mirror) { m.ID = "two" },
		"a changed byte":    func(m *Mirror) { m.Sealed = append([]byte{}, m.Sealed...); m.Sealed[20] ^= 1 },
		"a piece of it":     func(m *Mirror) { m.Sealed = m.Sealed[:5] },
		"an address no one": func(m *Mirror) { m.URL = "https://" },
	} {
		other := m
		change(&other)
		if s, err := other.Open(key); err == nil || s != nil {
			t.Errorf("%s: it opens", name)
		}
	}
	if _, err := m.Open([]byte(strings.Repeat("l", 32))); fault.CodeOf(err) != fault.Locked {
		t.Error(err)
	}
	for _, bad := range []string{"", "two\nlines", "\x00", strings.Repeat("a", maxSecret+1)} {
		if err := m.Seal(key, config.Secret(bad)); fault.CodeOf(err) != fault.Usage {
			t.Errorf("%.10q: %v", bad, err)
		}
	}
	m.Sealed = nil
	if s, err := m.Open(key); s != nil || err != nil {
		t.Error(s, err)
	}
}

// TestState: when a run is due, after a good one, one that failed, one that was told to rest, and a clock that was wrong.
func TestState(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 3, 2, 8, 0, 0, 0, time.UTC)
	const every = 6 * time.Hour
	wait := func(s *State) time.Duration { return s.Next.Std().Sub(now) }
	var s State
	if !s.Due(now, every) {
		t.Error("the first run waits")
	}
	s.Began(now)
	s.Took(Step{Cursor: "c", Tally: Tally{Taken: 3, Refused: 1, Refusals: []Refusal{{"a", "b"}}}})
	s.Ended(now.Add(time.Minute), every, false, nil, 0.5)
	if wait(&s) != every || s.Due(now.Add(every-time.Second), every) || !s.Due(now.Add(every), every) || s.All.Taken != 3 || len(s.Last.Refusals) != 1 || len(s.All.Refusals) != 0 || s.Cursor != "c" {
		t.Errorf("%+v", s)
	}
	// A run that took longer than the period is followed at once, by a clock that goes on.
	s.Ended(now.Add(2*every), every, false, nil, 0)
	if wait(&s) != 2*every {
		t.Errorf("%+v", s)
	}
	// There is more: soon.
	s.Ended(now, every, true, nil, 0)
	if wait(&s) != firstWait || !s.More {
		t.Errorf("%+v", s)
	}
	// Failures: later and later, up to an hour, each with some jitter; never forgotten.
	s.Began(now)
	failed := fault.New(fault.Unavailable, "", "away")
	for i, minutes := range []int{1, 2, 4, 8, 16, 32, 60, 60, 60} {
		s.Ended(now, every, false, failed, 0)
		if wait(&s) != time.Duration(minutes)*time.Minute || s.Failures != i+1 || s.Error != "away" {
			t.Errorf("failure %d: %s", i+1, wait(&s))
		}
	}
	s.Failures = 100
	s.Ended(now, every, false, failed, 0.999)
	if got := wait(&s); got < longestWait || got > longestWait*12/10 {
		t.Error(got)
	}
	// It wants a rest: having given nothing that is a failure, having given something none.
	s = State{}
	s.Began(now)
	rest := fault.Wrap(&Rest{10 * time.Minute}, fault.Unavailable, "", "rest")
	s.Ended(now, every, false, rest, 0)
	if wait(&s) != 10*time.Minute || s.Failures != 1 {
		t.Errorf("%+v", s)
	}
	s.Took(Step{Tally: Tally{Taken: 1}})
	s.Ended(now, every, false, fault.Wrap(&Rest{time.Hour * 24 * 365}, fault.Unavailable, "", "rest"), 0)
	if wait(&s) != longestRest || s.Failures != 1 {
		t.Errorf("%+v", s)
	}
	// A clock that was years ahead does not put a mirror to rest for years.
	s.Next = statement.TimeOf(now.Add(10 * 365 * 24 * time.Hour))
	if !s.Due(now, every) {
		t.Error("it rests for years")
	}
	var many Tally
	for range 100 {
		many.Refuse(Refusal{"x", "y"})
	}
	if many.Refused != 100 || len(many.Refusals) != maxRefusals {
		t.Errorf("%d, %d told", many.Refused, len(many.Refusals))
	}
}

// endless is an Origin without an end.
type endless struct{ page int }

func (e *endless) Close() {}

func (e *endless) Next(context.Context, string) (Page, error) {
	e.page++
	return &leaf{fmt.Sprint(e.page)}, nil
}

type leaf struct{ cursor string }

func (l *leaf) Close()         {}
func (l *leaf) Cursor() string { return l.cursor }
func (l *leaf) More() bool     { return true }
func (l *leaf) Items() iter.Seq2[stix.Item, error] {
	return func(yield func(stix.Item, error) bool) { yield(stix.Item{}, nil) }
}

// TestEndless: a run has an end, whatever there is. Where all of it was known, that is told, and the wait grows.
func TestEndless(t *testing.T) {
	t.Parallel()
	for _, fresh := range []int64{0, 1} {
		noted := ""
		r := Round{
			Origin: &endless{},
			Take: func(_ context.Context, items iter.Seq2[stix.Item, error]) (tally Tally, err error) {
				for _, err := range items {
					if err != nil {
						return tally, err
					}
				}
				return Tally{Taken: fresh}, nil
			},
			Note: func(_ context.Context, s Step) error {
				if s.Before != noted {
					t.Errorf("from %s, and it stood at %s", s.Before, noted)
				}
				noted = s.Cursor
				return nil
			},
		}
		more, err := r.Run(t.Context())
		if !more || noted != fmt.Sprint(maxPages) || (err == nil) != (fresh > 0) {
			t.Errorf("%v, %v, at %s", more, err, noted)
		}
	}
}

// TestSteps: what cannot be committed, or noted, ends a run, and the cursor stays; what a fault of the server cut off is noted as far as it came.
func TestSteps(t *testing.T) {
	t.Parallel()
	full := fault.New(fault.Unavailable, "", "the disk is full")
	all := func(items iter.Seq2[stix.Item, error]) error {
		for _, err := range items {
			if err != nil {
				return err
			}
		}
		return nil
	}
	for name, c := range map[string]struct {
		take func(items iter.Seq2[stix.Item, error]) error
		note error
		want error
	}{
		"cannot be committed":                   {func(items iter.Seq2[stix.Item, error]) error { return errors.Join(all(items), full) }, nil, full},
		"stops in the middle":                   {func(items iter.Seq2[stix.Item, error]) error { return full }, nil, full},
		"cannot be noted":                       {all, full, full},
		"does not read on and says all is well": {func(items iter.Seq2[stix.Item, error]) error { return nil }, nil, nil},
	} {
		noted := 0
		r := Round{
			Origin: &endless{},
			Take: func(_ context.Context, items iter.Seq2[stix.Item, error]) (Tally, error) {
				return Tally{}, c.take(items)
			},
			Note: func(context.Context, Step) error { noted++; return c.note },
		}
		_, err := r.Run(t.Context())
		if err == nil || c.want != nil && !errors.Is(err, c.want) || c.note == nil && noted > 0 {
			t.Errorf("%s: %v, noted %d times", name, err, noted)
		}
	}
}

// TestFile: a file that has not changed is one small request, and one that cannot be read to its end is fetched again.
func TestFile(t *testing.T) {
	t.Parallel()
	body, tag, modified := "one\ntwo\n", `"1"`, ""
	status, kind := 0, "text/plain"
	asked := make(chan http.Header, 100)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked <- r.Header
		if status != 0 {
			w.WriteHeader(status)
			return
		}
		w.Header().Set("Content-Type", kind)
		if tag != "" {
			w.Header().Set("ETag", tag)
		}
		if modified != "" {
			w.Header().Set("Last-Modified", modified)
		}
		if tag != "" && r.Header.Get("If-None-Match") == tag || modified != "" && r.Header.Get("If-Modified-Since") == modified {
			w.WriteHeader(http.StatusNotModified)
			return
		}
		fmt.Fprint(w, body)
	}))
	t.Cleanup(server.Close)
	site, err := NewSite(server.URL+"/list.txt?key=1", "", nil, nil, Bounds{Body: 1000})
	if err != nil {
		t.Fatal(err)
	}
	f := &File{Site: site, Read: func(r io.Reader) iter.Seq2[stix.Item, error] {
		return func(yield func(stix.Item, error) bool) {
			b, err := io.ReadAll(r)
			for range strings.Fields(string(b)) {
				if !yield(stix.Item{}, nil) {
					return
				}
			}
			if err != nil {
				yield(stix.Item{}, err)
			}
		}
	}}
	read := func(cursor string) (n int, to string, err error) {
		p, err := f.Next(t.Context(), cursor)
		if err != nil {
			return 0, cursor, err
		}
		defer p.Close()
		for _, failed := range p.Items() {
			if err = failed; err == nil {
				n++
			}
		}
		if p.More() {
			t.Error("a file has no more than itself")
		}
		return n, p.Cursor(), err
	}
	wants := func(cursor string, objects int) string {
		t.Helper()
		n, to, err := read(cursor)
		if err != nil || n != objects {
			t.Errorf("%d, %v", n, err)
		}
		return to
	}
	at := wants("", 2)
	at = wants(at, 0)
	tag, body = `"2"`, "one\ntwo\nthree\n"
	at = wants(at, 3)
	tag, modified = "", "Sun, 01 Mar 2026 00:00:00 GMT"
	at = wants(at, 3)
	at = wants(at, 0)
	wants("another program's", 3)
	modified = ""
	if at = wants(at, 3); at != "" { // nothing tells versions of it apart
		t.Errorf("at %s", at)
	}
	tag, body = `"3"`, strings.Repeat("long ", 1000)
	if _, to, err := read(at); fault.CodeOf(err) != fault.TooLarge || to != at {
		t.Errorf("%v, at %s", err, to)
	}
	kind = "text/html; charset=utf-8"
	if _, _, err := read(at); fault.CodeOf(err) != fault.Malformed {
		t.Error(err)
	}
	for code, want := range map[int]fault.Code{404: fault.NotFound, 403: fault.Failed, 407: fault.Failed, 500: fault.Unavailable, 409: fault.Failed} {
		status = code
		if _, _, err := read(at); fault.CodeOf(err) != want {
			t.Errorf("%d: %v", code, err)
		}
	}
	site.Close()
}

// TestTLS: who is not the server is not asked: another's certificate ends it, and the one that is pinned does.
func TestTLS(t *testing.T) {
	t.Parallel()
	server := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "x") }))
	t.Cleanup(server.Close)
	for _, trusted := range []bool{false, true} {
		site, err := NewSite(server.URL, "desk", config.Secret("open sesame"), nil, Bounds{})
		if err != nil {
			t.Fatal(err)
		}
		if trusted {
			site.transport.TLSClientConfig.RootCAs = server.Client().Transport.(*http.Transport).TLSClientConfig.RootCAs
		}
		a, err := site.Get(t.Context(), site.At(), nil)
		if trusted != (err == nil) || err != nil && !strings.Contains(fault.Show(err), "certificate") {
			t.Error(err)
		}
		if err == nil {
			a.Discard()
		}
		site.Close()
	}
}
