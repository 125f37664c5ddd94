package client

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/comity-exchange/comity/fault"
	"github.com/comity-exchange/comity/internal/mirror"
)

// TestFetching: whatever a server gives to go on with, all comes, and with nothing new one request does.
func TestFetching(t *testing.T) {
	t.Parallel()
	for name, script := range map[string]func(o *outside){
		"as the standard has it":                func(*outside) {},
		"pages smaller than asked for":          func(o *outside) { o.most = 7 },
		"no next: by the date of the last":      func(o *outside) { o.most, o.next = 100, false },
		"neither next nor dates: by a manifest": func(o *outside) { o.most, o.next, o.headers = 100, false, false },
		"next, and no dates":                    func(o *outside) { o.most, o.headers = 100, false },
		"nothing yet":                           func(o *outside) { o.objects = nil },
		"dates with an offset": func(o *outside) {
			o.dates(func(i int) string {
				return epoch.Add(time.Duration(i) * time.Microsecond).Format("2006-01-02T15:04:05.000000+00:00")
			})
		},
		"dates in seconds, several objects each": func(o *outside) {
			o.most, o.next = 100, false
			o.dates(func(i int) string { return date(i / 40 * 1_000_000)[:19] + "Z" })
		},
		"dates in milliseconds": func(o *outside) {
			o.most, o.next = 100, false
			o.dates(func(i int) string { return date(i / 3 * 1000)[:23] + "Z" })
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := newOutside(t, 1234)
			script(o)
			n := newInside(t, o)
			n.wholly()
			before := len(o.requests())
			n.wholly()
			wants := 1
			if !o.headers { // it does not say how far it has come: the manifest does
				wants = 2
			}
			if got := len(o.requests()) - before; got != wants {
				t.Errorf("%d requests with nothing new: %v", got, o.requests()[before:])
			}
			o.mu.Lock()
			for i := range 5 { // later than all others, two at one moment
				o.objects = append(o.objects, added{indicator(5000 + i), date(60_000_000 + i/2)})
			}
			o.mu.Unlock()
			doubles := n.doubles
			n.wholly()
			if o.headers && n.doubles > doubles+50 {
				t.Errorf("%d objects were fetched again for 5 new ones", n.doubles-doubles)
			}
		})
	}
}

// dates gives each object a date by its number.
func (o *outside) dates(of func(i int) string) {
	for i := range o.objects {
		o.objects[i].date = of(i)
	}
}

// TestTies: objects with one date lie on both sides of a page's end, and come all the same.
func TestTies(t *testing.T) {
	t.Parallel()
	for _, next := range []bool{true, false} {
		o := newOutside(t, 300)
		o.most, o.next = 100, next
		o.dates(func(i int) string { return date((i + 50) / 90) }) // 40…129, 130…219 have one date
		newInside(t, o).wholly()
	}
	// More of them than a page holds: a larger page is asked for.
	o := newOutside(t, 2500)
	o.most, o.next = 1_000_000, false
	o.dates(func(i int) string { return date(i / 2400) })
	newInside(t, o).wholly()
	// A server that gives no larger one is told of: what is behind is not fetched over a gap.
	o = newOutside(t, 2500)
	o.next = false
	o.dates(func(i int) string { return date(i / 2400) })
	n := newInside(t, o)
	if _, err := n.run(); fault.CodeOf(err) != fault.Failed || !strings.Contains(fault.Show(err), "at one moment") {
		t.Error(err)
	}
	if len(n.order) != 1000 || len(n.has) != 1000 {
		t.Errorf("%d objects", len(n.order))
	}
	// What was added at the very moment at which the last run ended, after it, comes with the next.
	o = newOutside(t, 10)
	o.dates(func(int) string { return date(7) })
	n = newInside(t, o)
	n.wholly()
	o.mu.Lock()
	o.objects = append(o.objects, added{indicator(77), date(7)})
	o.mu.Unlock()
	n.wholly()
	if n.doubles != 0 {
		t.Errorf("%d objects that are known by their bytes were given again", n.doubles)
	}
}

// TestKilled: a run that is killed at any place, again and again, loses nothing and doubles nothing.
func TestKilled(t *testing.T) {
	t.Parallel()
	for _, next := range []bool{true, false} {
		o := newOutside(t, 3000)
		o.most, o.next = 90, next
		n := newInside(t, o)
		for _, after := range []int{1, 89, 91, 850, 1400} {
			n.die = after
			if _, err := n.run(); !errors.Is(err, errDead) {
				t.Fatal(err)
			}
			n.die = 0
			if next {
				o.mu.Lock()
				clear(o.tokens) // its server was started anew, too, and has forgotten what it gave
				o.mu.Unlock()
			}
		}
		n.wholly()
	}
}

// TestDeleted: what is deleted between two pages moves nothing else out of sight.
func TestDeleted(t *testing.T) {
	t.Parallel()
	for _, next := range []bool{true, false} {
		o := newOutside(t, 500)
		o.most, o.next = 100, next
		o.before = func(w http.ResponseWriter, _ *http.Request, n int) bool {
			o.mu.Lock()
			defer o.mu.Unlock()
			switch n {
			case 2: // the page that was given, with the object by whose date is gone on
				o.objects = o.objects[100:]
				if next { // and next is known no more
					clear(o.tokens)
					w.WriteHeader(http.StatusNotFound)
					return true
				}
			case 4:
				o.objects = o.objects[:len(o.objects)-20]
			}
			return false
		}
		newInside(t, o).wholly()
	}
	// The collection itself is gone.
	o := newOutside(t, 10)
	o.before = func(w http.ResponseWriter, _ *http.Request, _ int) bool {
		w.WriteHeader(http.StatusNotFound)
		return true
	}
	if _, err := newInside(t, o).run(); fault.CodeOf(err) != fault.NotFound {
		t.Error(err)
	}
}

// TestRefusals: what a server may answer with instead of a page, and what is made of it.
func TestRefusals(t *testing.T) {
	t.Parallel()
	status := func(code int, headers ...string) func(http.ResponseWriter, *http.Request, int) bool {
		return func(w http.ResponseWriter, _ *http.Request, _ int) bool {
			for i := 0; i < len(headers); i += 2 {
				w.Header().Set(headers[i], headers[i+1])
			}
			w.WriteHeader(code)
			return true
		}
	}
	text := func(kind, body string) func(http.ResponseWriter, *http.Request, int) bool {
		return func(w http.ResponseWriter, _ *http.Request, _ int) bool {
			w.Header().Set("Content-Type", kind)
			fmt.Fprint(w, body)
			return true
		}
	}
	const taxii = "application/taxii+json;version=2.1"
	for _, c := range []struct {
		name   string
		before func(http.ResponseWriter, *http.Request, int) bool
		code   fault.Code
		says   string
	}{
		{"nobody is let in", status(401), fault.Failed, "look at the credential"},
		{"another name", status(421), fault.Failed, "web_url"},
		{"it is not for this user", status(403), fault.Failed, "look at the credential"},
		{"too fast", status(429, "Retry-After", "120"), fault.Unavailable, "left alone for 2m0s"},
		{"busy until a date", status(503, "Retry-After", "Sun, 01 Nov 2026 00:10:00 GMT", "Date", "Sun, 01 Nov 2026 00:00:00 GMT"), fault.Unavailable, "left alone for 10m0s"},
		{"busy", status(503), fault.Unavailable, "busy"},
		{"in trouble", status(500), fault.Unavailable, "in trouble"},
		{"no media type of ours", status(406), fault.Failed, "answers 406"},
		{"a teapot", status(418), fault.Failed, "answers 418"},
		{"a page to sign in", text("text/html", "<html>"), fault.Malformed, "no TAXII server"},
		{"TAXII 2.0", text("application/vnd.oasis.taxii+json; version=2.0", "{}"), fault.Malformed, "another version"},
		{"STIX of 2.0", text("application/vnd.oasis.stix+json; version=2.0", "{}"), fault.Malformed, "another version"},
		{"garbage", text(taxii, "\x00\x01 not json"), fault.Malformed, "neither a bundle"},
		{"it breaks off", text(taxii, `{"objects":[`+indicator(1)+`,{"type":`), fault.Malformed, ""},
		{"more, and nothing to go on with", text(taxii, `{"more":true,"objects":[`+indicator(1)+`]}`), fault.Malformed, "neither by what to ask"},
		{"a next without end", text(taxii, `{"more":true,"next":"`+strings.Repeat("n", maxNext+1)+`","objects":[`+indicator(1)+`]}`), fault.TooLarge, "to go on with"},
		{"the same next for ever", text(taxii, `{"more":true,"next":"a","objects":[`+indicator(1)+`]}`), fault.Malformed, "in circles"},
		{"more, and nothing", func(w http.ResponseWriter, _ *http.Request, n int) bool {
			w.Header().Set("Content-Type", taxii)
			fmt.Fprintf(w, `{"more":true,"next":"%d"}`, n)
			return true
		}, fault.Malformed, "nothing in them"},
		{"a loop of two", func(w http.ResponseWriter, r *http.Request, _ int) bool {
			w.Header().Set("Content-Type", taxii)
			next := "a"
			if r.URL.Query().Get("next") == "a" {
				next = "b"
			}
			fmt.Fprintf(w, `{"more":true,"next":"%s","objects":[%s]}`, next, indicator(1))
			return true
		}, fault.Malformed, "in circles"},
		{"a redirect that points to itself", func(w http.ResponseWriter, r *http.Request, _ int) bool {
			http.Redirect(w, r, r.URL.RequestURI(), http.StatusFound)
			return true
		}, fault.Malformed, "from one address to the next"},
		{"the connection breaks", func(http.ResponseWriter, *http.Request, int) bool { panic(http.ErrAbortHandler) }, fault.Unavailable, "cannot be reached"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			o := newOutside(t, 3)
			o.before = c.before
			n := newInside(t, o)
			_, err := n.run()
			if fault.CodeOf(err) != c.code || !strings.Contains(fault.Show(err), c.says) {
				t.Fatal(err)
			}
			if len(n.order) > 1 || len(o.requests()) > 2*maxEmpty {
				t.Errorf("%d objects, %d requests", len(n.order), len(o.requests()))
			}
			// Whatever it was, the next run goes on as if it had not been.
			o.mu.Lock()
			o.before = nil
			o.mu.Unlock()
			n.wholly()
		})
	}
}

const maxEmpty = 100

// TestLeftAlone: a server that gives something and then wants a rest has not failed.
func TestLeftAlone(t *testing.T) {
	t.Parallel()
	o := newOutside(t, 300)
	o.most = 100
	o.before = func(w http.ResponseWriter, _ *http.Request, n int) bool {
		if n == 2 {
			w.Header().Set("Retry-After", "90")
			w.WriteHeader(http.StatusTooManyRequests)
		}
		return n == 2
	}
	n := newInside(t, o)
	var rest *mirror.Rest
	if _, err := n.run(); !errors.As(err, &rest) || rest.For != 90*time.Second || len(n.order) != 100 {
		t.Fatal(err, len(n.order))
	}
	n.wholly()
}

// TestQuirks: what servers do beside the standard, and what is taken of it.
func TestQuirks(t *testing.T) {
	t.Parallel()
	ask := func(o *outside, f func(w http.ResponseWriter, r *http.Request, n int) bool) { o.before = f }
	for name, script := range map[string]func(o *outside){
		// Some know the media type only as they spell it themselves.
		"a blank in the media type": func(o *outside) {
			ask(o, func(w http.ResponseWriter, r *http.Request, _ int) bool {
				if r.Header.Get("Accept") != "application/taxii+json; version=2.1" {
					w.WriteHeader(http.StatusNotAcceptable)
					return true
				}
				return false
			})
		},
		"a media type without a version": func(o *outside) {
			ask(o, func(w http.ResponseWriter, r *http.Request, _ int) bool {
				if r.Header.Get("Accept") != "application/taxii+json" {
					w.WriteHeader(http.StatusUnsupportedMediaType)
					return true
				}
				return false
			})
		},
		// A limit above what a server likes is refused, and not cut.
		"limit up to a hundred": func(o *outside) {
			ask(o, func(w http.ResponseWriter, r *http.Request, _ int) bool {
				if r.URL.Query().Get("limit") == "1000" {
					w.WriteHeader(http.StatusBadRequest)
					return true
				}
				return false
			})
		},
		"no limit at all": func(o *outside) {
			o.most = 50
			ask(o, func(w http.ResponseWriter, r *http.Request, _ int) bool {
				if r.URL.Query().Has("limit") {
					w.WriteHeader(http.StatusBadRequest)
					return true
				}
				return false
			})
		},
		// Beyond the last page some answer 416, as TAXII 2.0 did, others 404 or nothing.
		"416 beyond the end": func(o *outside) { endsWith(o, http.StatusRequestedRangeNotSatisfiable) },
		"204 beyond the end": func(o *outside) { endsWith(o, http.StatusNoContent) },
		// Where nothing fits, some answer that there is nothing, although the collection is there.
		"404 beyond the end": func(o *outside) {
			endsWith(o, http.StatusNotFound)
			end := o.before
			o.before = func(w http.ResponseWriter, r *http.Request, n int) bool {
				if r.URL.Path == collection {
					w.Header().Set("Content-Type", "application/taxii+json;version=2.1")
					fmt.Fprint(w, `{"id":"9cb00a4f-0000-4000-8000-000000000001","title":"x","can_read":true,"can_write":false}`)
					return true
				}
				return end(w, r, n)
			}
		},
		"next that is never taken back": func(o *outside) {
			o.most = 100
			ask(o, func(w http.ResponseWriter, r *http.Request, _ int) bool {
				if r.URL.Query().Has("next") {
					w.WriteHeader(http.StatusBadRequest)
					return true
				}
				return false
			})
		},
		"a redirect on the same server": func(o *outside) {
			ask(o, func(w http.ResponseWriter, r *http.Request, _ int) bool {
				if r.URL.Query().Has("moved") {
					return false
				}
				http.Redirect(w, r, r.URL.RequestURI()+"&moved=1", http.StatusTemporaryRedirect)
				return true
			})
		},
		// A date of the year 9999 would hide all that comes after it.
		"a date that cannot be": func(o *outside) {
			o.most = 100
			ask(o, func(w http.ResponseWriter, _ *http.Request, _ int) bool {
				return false
			})
			o.objects[150].date = "9999-01-01T00:00:00.000000Z"
			o.objects = append(o.objects[:150:150], append(o.objects[151:], o.objects[150])...)
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := newOutside(t, 250)
			script(o)
			n := newInside(t, o)
			n.wholly()
			n.wholly() // with nothing new, too
			o.mu.Lock()
			o.objects = append(o.objects, added{indicator(9000), date(90_000_000)})
			o.mu.Unlock()
			n.wholly()
		})
	}
}

// endsWith has a server answer so where nothing comes after what is asked for.
func endsWith(o *outside, status int) {
	o.before = func(w http.ResponseWriter, r *http.Request, _ int) bool {
		o.mu.Lock()
		defer o.mu.Unlock()
		last := o.objects[len(o.objects)-1].date
		if compare(r.URL.Query().Get("added_after"), behind(last)) >= 0 && len(o.objects) == 250 {
			w.WriteHeader(status)
			return true
		}
		return false
	}
}

// TestBroken: an object that is none costs the others nothing.
func TestBroken(t *testing.T) {
	t.Parallel()
	o := newOutside(t, 30)
	o.before = func(w http.ResponseWriter, _ *http.Request, n int) bool {
		if n > 1 {
			return false
		}
		w.Header().Set("Content-Type", "application/json") // some say no more than that
		w.Header().Set("X-TAXII-Date-Added-Last", date(2))
		fmt.Fprintf(w, `{"more":true,"objects":[%s,{"type":"indicator"},17,%s]}`, indicator(0), indicator(1))
		return true
	}
	n := newInside(t, o)
	n.wholly()
	if n.broken != 2 {
		t.Errorf("%d broken", n.broken)
	}
}

// TestHeavy: a page that is too much is asked for in smaller parts, and no more of an answer is read than is bounded.
func TestHeavy(t *testing.T) {
	t.Parallel()
	o := newOutside(t, 400)
	n := newInside(t, o)
	n.bounds.Body = 50_000 // some 130 objects
	for range 2 {
		if _, err := n.run(); fault.CodeOf(err) == fault.TooLarge {
			continue
		} else if err != nil {
			t.Fatal(err)
		}
	}
	for range 20 { // where pages grow again, one may be too much again
		if more, err := n.run(); err == nil && !more {
			break
		}
	}
	n.holds()
	// One that never ends is cut, however small the pages.
	o.before = func(w http.ResponseWriter, r *http.Request, _ int) bool {
		w.Header().Set("Content-Type", "application/taxii+json")
		fmt.Fprint(w, `{"objects":[`)
		blanks := strings.Repeat(" ", 32<<10)
		for r.Context().Err() == nil {
			if _, err := fmt.Fprint(w, blanks); err != nil {
				break
			}
		}
		return true
	}
	if _, err := n.run(); fault.CodeOf(err) != fault.TooLarge {
		t.Error(err)
	}
}

// TestSlow: a server that answers byte by byte, or not at all, is given up.
func TestSlow(t *testing.T) {
	t.Parallel()
	stand := func(w http.ResponseWriter, r *http.Request, begin bool) bool {
		if begin {
			w.Header().Set("Content-Type", "application/taxii+json")
			fmt.Fprint(w, `{"objects":[`)
			_ = http.NewResponseController(w).Flush()
		}
		<-r.Context().Done()
		return true
	}
	drip := func(w http.ResponseWriter, r *http.Request) bool {
		w.Header().Set("Content-Type", "application/taxii+json")
		tick := time.NewTicker(5 * time.Millisecond)
		defer tick.Stop()
		for {
			fmt.Fprint(w, " ")
			_ = http.NewResponseController(w).Flush()
			select {
			case <-r.Context().Done():
				return true
			case <-tick.C:
			}
		}
	}
	for name, c := range map[string]struct {
		bounds mirror.Bounds
		before func(w http.ResponseWriter, r *http.Request, n int) bool
	}{
		"never begins":    {mirror.Bounds{Begin: 50 * time.Millisecond}, func(w http.ResponseWriter, r *http.Request, _ int) bool { return stand(w, r, false) }},
		"stands still":    {mirror.Bounds{Idle: 50 * time.Millisecond}, func(w http.ResponseWriter, r *http.Request, _ int) bool { return stand(w, r, true) }},
		"byte after byte": {mirror.Bounds{Whole: 100 * time.Millisecond}, func(w http.ResponseWriter, r *http.Request, _ int) bool { return drip(w, r) }},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := newOutside(t, 3)
			o.before = c.before
			n := newInside(t, o)
			n.bounds = c.bounds
			if _, err := n.run(); fault.CodeOf(err) != fault.Unavailable {
				t.Error(err)
			}
		})
	}
}

// TestElsewhere: nobody goes where no administrator has said, and no credential gets there.
func TestElsewhere(t *testing.T) {
	t.Parallel()
	called := make(chan string, 10)
	other := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { called <- r.Header.Get("Authorization") }))
	t.Cleanup(other.Close)
	for _, user := range []string{"", "mirror"} {
		o := newOutside(t, 3)
		o.before = func(w http.ResponseWriter, r *http.Request, n int) bool {
			if n == 1 {
				http.Redirect(w, r, other.URL+collection+"objects/", http.StatusFound)
			}
			return n == 1
		}
		n := newInside(t, o)
		n.user, n.secret = user, []byte("open sesame")
		if _, err := n.run(); fault.CodeOf(err) != fault.Failed || !strings.Contains(fault.Show(err), "another server") || strings.Contains(err.Error(), "sesame") {
			t.Error(err)
		}
		n.wholly()
		want := "Bearer open sesame"
		if user != "" {
			want = "Basic bWlycm9yOm9wZW4gc2VzYW1l"
		}
		for _, a := range o.auth {
			if a != want {
				t.Errorf("it shows %q", a)
			}
		}
	}
	if len(called) > 0 {
		t.Errorf("another server was asked, with %q", <-called)
	}
	// API roots on other servers are told of, and not asked.
	o := newOutside(t, 0)
	o.before = func(w http.ResponseWriter, _ *http.Request, _ int) bool {
		w.Header().Set("Content-Type", "application/taxii+json")
		fmt.Fprintf(w, `{"title":"x","default":"%s/api/","api_roots":["%s/api/"]}`, other.URL, other.URL)
		return true
	}
	site, err := mirror.NewSite(o.server.URL+"/taxii2/", "", nil, nil, mirror.Bounds{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Find(t.Context(), site); fault.CodeOf(err) != fault.NotFound || !strings.Contains(fault.Show(err), "other servers") || len(called) > 0 {
		t.Error(err, len(called))
	}
}

// TestDefinitions: what objects are marked by, and the collection has elsewhere, comes before them; what it has not is asked for once.
func TestDefinitions(t *testing.T) {
	t.Parallel()
	const there, absent = "marking-definition--00000000-0000-4000-8000-000000000001", "marking-definition--00000000-0000-4000-8000-000000000002"
	marked := func(n int, by string) string {
		return strings.Replace(indicator(n), `"spec_version"`, `"object_marking_refs":["`+by+`"],"spec_version"`, 1)
	}
	o := newOutside(t, 0)
	o.most = 10
	for i := range 15 {
		o.objects = append(o.objects, added{marked(i, []string{there, absent}[i%2]), date(i)})
	}
	o.objects = append(o.objects, added{`{"type":"marking-definition","spec_version":"2.1","id":"` + there + `","created":"2026-11-01T00:00:00.000Z","definition_type":"statement","definition":{"statement":"x"}}`, date(100)})
	n := newInside(t, o)
	n.wholly()
	if !strings.Contains(n.order[0], there) || !strings.Contains(n.order[0], `"definition"`) {
		t.Errorf("first came %s", n.order[0])
	}
	asked := 0
	for _, r := range o.requests() {
		if strings.Contains(r, "match") {
			asked++
		}
	}
	if asked != 1 || n.doubles != 1 { // the definition comes again in its own place
		t.Errorf("asked %d times, %d came twice", asked, n.doubles)
	}
	// Where the server cannot be asked for it now, what waits for it waits, and is not taken as strict as can be.
	o.before = func(w http.ResponseWriter, r *http.Request, _ int) bool {
		if r.URL.Query().Has("match[id]") {
			w.WriteHeader(http.StatusServiceUnavailable)
			return true
		}
		return false
	}
	n = newInside(t, o)
	if _, err := n.run(); fault.CodeOf(err) != fault.Unavailable || len(n.order) != 0 {
		t.Errorf("%v, %d objects", err, len(n.order))
	}
	o.mu.Lock()
	o.before = nil
	o.mu.Unlock()
	n.wholly()
}

// TestBrokenOff: whoever ends the process ends a run at once, and it goes on where it was.
func TestBrokenOff(t *testing.T) {
	t.Parallel()
	o := newOutside(t, 3)
	site, err := mirror.NewSite(o.server.URL+collection, "", nil, nil, mirror.Bounds{})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	o.before = func(_ http.ResponseWriter, r *http.Request, _ int) bool {
		cancel()
		<-r.Context().Done()
		return true
	}
	if _, err := NewOrigin(site, Options{}).Next(ctx, ""); fault.CodeOf(err) != fault.Canceled {
		t.Error(err)
	}
}
