package fedtest

import (
	"context"
	"encoding/pem"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-json-experiment/json"

	"github.com/comity-exchange/comity/fault"
	"github.com/comity-exchange/comity/internal/auth"
	"github.com/comity-exchange/comity/internal/catalogue"
	"github.com/comity-exchange/comity/internal/mirror"
	"github.com/comity-exchange/comity/internal/node"
	"github.com/comity-exchange/comity/internal/store"
	"github.com/comity-exchange/comity/internal/taxii"
	"github.com/comity-exchange/comity/marking"
	"github.com/comity-exchange/comity/statement"
	"github.com/comity-exchange/comity/stix"
	"github.com/comity-exchange/comity/thread"
)

// outside is a party's TAXII server, and a token that reads it.
type outside struct {
	server *httptest.Server
	token  string
	asked  atomic.Int64 // requests for objects
}

// servesTAXII has a party serve its catalogue to whoever shows the token.
func (p *Party) servesTAXII() *outside {
	p.F.T.Helper()
	ctx := p.F.T.Context()
	p.F.must(p.AddOfficer(ctx, auth.Person{ID: "root", Name: "Administrator", Roles: []auth.Role{auth.Administrator}}))
	until := statement.TimeOf(p.now().Add(30 * 24 * time.Hour))
	root, err := p.MakeToken(ctx, "root", nil, until)
	p.F.must(err)
	as := auth.With(ctx, auth.Claim{Token: root})
	p.F.must(p.AddOfficer(as, auth.Person{ID: "ana", Name: "Analyst", Roles: []auth.Role{auth.Analyst}}))
	ana, err := p.MakeToken(as, "ana", nil, until)
	p.F.must(err)
	o := &outside{token: ana.Reveal()}
	handler := taxii.Handler(p.Node, taxii.Options{Burst: 1_000_000})
	o.server = httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasSuffix(r.URL.Path, "/objects/") {
			o.asked.Add(1)
		}
		handler.ServeHTTP(w, r)
	}))
	p.F.T.Cleanup(o.server.Close)
	return o
}

// access is what a mirror of it is given.
func (o *outside) access() node.Access {
	roots := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: o.server.Certificate().Raw})
	return node.Access{URL: o.server.URL + "/taxii2/", User: "any", Secret: []byte(o.token), Roots: string(roots)}
}

// gathered counts what was said in a source, doubles too.
func (p *Party) gathered(id thread.ID) int64 {
	p.F.T.Helper()
	v, _, err := p.Intel(p.F.T.Context(), id)
	p.F.must(err)
	return v.Objects
}

func markedBy(n int, version, definition string) string {
	return indicator(n, version, `,"object_marking_refs":["`+definition+`"]`)
}

// XB serves what it gathers by TAXII, and XA mirrors it: all comes with its markings, marked at least as the source is; with nothing new one request is made and nothing is said; what is
// new comes next time. State and credential survive a restart, and the credential is in no list.
func TestMirror(t *testing.T) {
	t.Parallel()
	// spec: INT-2, INT-3
	f := New(t, "XA", "XB")
	xa, xb := f.At("XA"), f.At("XB")
	const v1, v2 = "2026-11-02T00:00:00.000Z", "2026-11-03T00:00:00.123456Z"
	const terms = "marking-definition--00000000-0000-4000-8000-000000000001"
	definition := `{"type":"marking-definition","spec_version":"2.1","id":"` + terms + `","created":"2026-11-01T00:00:00.000Z","definition_type":"statement","definition":{"statement":"for the desk"}}`
	var objects []string
	for i := range 1500 {
		objects = append(objects, indicator(i, v1, []string{"", tlp(marking.Green), tlp(marking.Amber)}[i%3]))
	}
	source, _ := xb.gathers("sensors", marking.Green, append(objects, markedBy(2001, v1, terms), definition, markedBy(2000, v1, terms))...)
	o := xb.servesTAXII()

	found, err := xa.LookOutside(t.Context(), o.access())
	f.must(err)
	if len(found) != 2 || !found[0].CanRead {
		t.Fatalf("%+v", found)
	}
	if _, err := xa.AddMirror(t.Context(), node.NewMirror{Access: o.access(), Name: "other", Collection: "nothing of that name", Every: time.Hour}); fault.CodeOf(err) != fault.NotFound {
		t.Error(err)
	}
	v, err := xa.AddMirror(t.Context(), node.NewMirror{Access: o.access(), Name: "xb-sensors", Collection: "Source: sensors", Every: time.Hour, Marking: marking.Marking{TLP: marking.Green, Handling: []string{"desk-only"}}})
	f.must(err)
	if fmt.Sprintf("%+v", v) == "" || strings.Contains(fmt.Sprintf("%+v", v), o.token) || !v.Credential || !v.Pinned {
		t.Errorf("%+v", v)
	}
	xa.Until("the node has fetched it by itself", func() bool {
		v, err = xa.Mirror(t.Context(), "xb-sensors")
		f.must(err)
		return !v.State.Succeeded.IsZero()
	})
	if n := xa.shows(v.Source); n != 1503 || v.State.Last.Taken != 1503 || v.State.Last.Refused != 0 || v.State.Failures != 0 {
		t.Fatalf("%d objects: %+v", n, v.State)
	}
	page, err := xa.Objects(t.Context(), queryOf(v.Source))
	f.must(err)
	var all []statement.ID
	labels := map[string]int{}
	for _, one := range page.Objects {
		all = append(all, one.Parcel.Content.Statement)
	}
	for _, id := range all {
		h := xa.headOf(id)
		if len(h.Marking.Handling) == 0 || h.Marking.Handling[0] != "desk-only" || h.From != "XA" || len(h.To) != 0 {
			t.Fatalf("%+v", h)
		}
		labels[string(h.Marking.TLP)]++
	}
	if labels["GREEN"] == 0 || labels["AMBER"] == 0 || labels["RED"] != 0 {
		t.Errorf("%v", labels)
	}

	// Nothing new: one request, and nothing is said. Over a restart, too.
	xa.Restart(nil)
	before, asked := xa.LogSize(), o.asked.Load()
	f.Clock.Pass(61 * time.Minute)
	last := v.State.Ran
	xa.Until("it was fetched again", func() bool {
		v, err = xa.Mirror(t.Context(), "xb-sensors")
		f.must(err)
		return v.State.Succeeded.Std().After(last.Std())
	})
	if got := o.asked.Load() - asked; got != 1 || xa.LogSize() != before || v.State.Last.Taken+v.State.Last.Duplicates != 0 {
		t.Errorf("%d requests, %d statements, %+v", got, xa.LogSize()-before, v.State)
	}

	// A new version, and a revocation, follow.
	bare := auth.With(t.Context(), auth.Claim{Token: auth.Typed(o.token)})
	f.must(xb.brings(bare, source, indicator(1, v2, tlp(marking.Green)), indicator(2, v2, `,"revoked":true`)))
	v, err = xa.runs("xb-sensors", false)
	f.must(err)
	if v.State.Last.Taken != 2 || v.State.All.Taken != 1505 {
		t.Errorf("%+v", v.State)
	}
	// From the beginning: all is known.
	size := xa.gathered(v.Source)
	v, err = xa.runs("xb-sensors", true)
	f.must(err)
	if v.State.Last.Taken != 0 || v.State.Last.Duplicates < 1503 || xa.gathered(v.Source) != size {
		t.Errorf("%+v", v.State)
	}

	// A token that is no good any more: told in words, tried again later and later, and set right.
	f.must(xa.SetMirrorSecret(t.Context(), "xb-sensors", "any", []byte("comity_token_bad")))
	if v, err = xa.RunMirror(t.Context(), "xb-sensors", false); fault.CodeOf(err) != fault.Failed && fault.CodeOf(err) != fault.Unavailable {
		t.Error(err)
	}
	xa.Until("it has failed", func() bool {
		v, err = xa.Mirror(t.Context(), "xb-sensors")
		f.must(err)
		return v.State.Failures > 0
	})
	if !strings.Contains(v.State.Error, "look at the credential") || v.State.Next.IsZero() {
		t.Errorf("%+v", v.State)
	}
	f.must(xa.SetMirrorSecret(t.Context(), "xb-sensors", "any", []byte(o.token)))
	xa.Until("it does again", func() bool {
		v, err = xa.Mirror(t.Context(), "xb-sensors")
		f.must(err)
		return v.State.Failures == 0 && v.State.Error == ""
	})
	// Paused, it is left alone; removed, it is gone, and what it brought stays.
	f.must(xa.PauseMirror(t.Context(), "xb-sensors", true))
	asked = o.asked.Load()
	f.Clock.Pass(3 * time.Hour)
	f.must(xa.RemoveMirror(t.Context(), "xb-sensors"))
	if all, err := xa.Mirrors(t.Context()); err != nil || len(all) != 0 || o.asked.Load() != asked {
		t.Error(err, all)
	}
	if n := xa.shows(v.Source); n != 1503 {
		t.Errorf("%d objects", n)
	}
}

// paged is a server outside with so many objects, a hundred a page, a microsecond after each other. held is told of each request for a page before it is answered.
func paged(t *testing.T, objects int, held func(r *http.Request, n int64)) *httptest.Server {
	t.Helper()
	const form = "2006-01-02T15:04:05.000000Z"
	first, asked := time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC), atomic.Int64{}
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		held(r, asked.Add(1))
		from := 0
		if after, err := time.Parse(time.RFC3339Nano, r.URL.Query().Get("added_after")); err == nil {
			from = max(0, int(after.Sub(first).Microseconds())+1)
		}
		to := min(objects, from+100)
		var page []string
		for i := from; i < to; i++ {
			page = append(page, indicator(i, "2026-11-02T00:00:00.000Z", ""))
		}
		w.Header().Set("Content-Type", "application/taxii+json;version=2.1")
		if len(page) == 0 {
			fmt.Fprint(w, "{}")
			return
		}
		w.Header().Set("X-TAXII-Date-Added-Last", first.Add(time.Duration(to-1)*time.Microsecond).Format(form))
		fmt.Fprintf(w, `{"more":%t,"objects":[%s]}`, to < objects, strings.Join(page, ","))
	}))
	t.Cleanup(s.Close)
	return s
}

// A node that is ended in the middle of a run, in any of its steps, five times over: nothing is lost and nothing comes twice.
func TestMirrorRestarts(t *testing.T) {
	t.Parallel()
	f := New(t, "XA")
	xa := f.At("XA")
	const objects = 2900
	reached := make(chan bool, 100)
	server := paged(t, objects, func(r *http.Request, n int64) {
		switch n {
		case 1, 2, 4, 11, 22:
			reached <- true // the node is ended while it waits for this page
			<-r.Context().Done()
		}
	})
	v, err := xa.AddMirror(t.Context(), node.NewMirror{Access: node.Access{URL: server.URL + "/api/collections/c/"}, Name: "xb", Every: time.Hour})
	f.must(err)
	for range 5 {
		select {
		case <-reached:
			xa.Restart(nil)
		case <-time.After(Patience):
			t.Fatal("it has not gone on")
		}
	}
	xa.Until("all is here", func() bool {
		v, err = xa.Mirror(t.Context(), "xb")
		f.must(err)
		return !v.State.Succeeded.IsZero() && !v.State.More
	})
	if n := xa.shows(v.Source); n != objects || xa.gathered(v.Source) != objects || v.State.Failures != 0 {
		t.Errorf("%d objects, of %d that were said: %+v", n, xa.gathered(v.Source), v.State)
	}
}

// runs has a mirror make a run once that of its schedule has ended, and waits for it.
func (p *Party) runs(name string, again bool) (v node.MirrorView, err error) {
	p.F.T.Helper()
	p.Until("the run before has ended", func() bool {
		v, err = p.RunMirror(p.F.T.Context(), name, again)
		return fault.CodeOf(err) != fault.Unavailable
	})
	return v, err
}

// What was committed, and not noted because the node died in between, is known when it comes again.
func TestMirrorDiesBetween(t *testing.T) {
	t.Parallel()
	f := New(t, "XA")
	xa := f.At("XA")
	server := paged(t, 450, func(*http.Request, int64) {})
	_, err := xa.AddMirror(t.Context(), node.NewMirror{Access: node.Access{URL: server.URL + "/api/collections/c/"}, Name: "xb", Kind: mirror.TAXII, Every: time.Hour})
	f.must(err)
	var v node.MirrorView
	xa.Until("it was fetched", func() bool {
		v, err = xa.Mirror(t.Context(), "xb")
		f.must(err)
		return !v.State.Succeeded.IsZero()
	})
	for range 3 {
		f.must(xa.forgetsCursor("xb", ""))
		v, err = xa.runs("xb", false)
		f.must(err)
	}
	if n := xa.shows(v.Source); n != 450 || xa.gathered(v.Source) != 450 || v.State.Last.Taken != 0 || v.State.Last.Duplicates < 450 {
		t.Errorf("%d objects, of %d that were said: %+v", n, xa.gathered(v.Source), v.State)
	}
}

// A server that hangs holds up no other, nor the end of the node.
func TestMirrorHangs(t *testing.T) {
	t.Parallel()
	f := New(t, "XA", "XB")
	xa, xb := f.At("XA"), f.At("XB")
	asked := make(chan bool, 100)
	hangs := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		asked <- true
		<-r.Context().Done()
	}))
	t.Cleanup(hangs.Close)
	for i := range 5 {
		_, err := xa.AddMirror(t.Context(), node.NewMirror{Access: node.Access{URL: hangs.URL + fmt.Sprintf("/api/collections/%d/", i)}, Name: fmt.Sprintf("a%d", i), Every: time.Minute})
		f.must(err)
	}
	for range 5 {
		<-asked
	}
	// One of the processes that share the store makes a run, and no other makes the same.
	other, err := node.Open(t.Context(), xa.Dir, node.Options{Now: xa.now})
	f.must(err)
	if _, err := other.RunMirror(t.Context(), "a0", false); fault.CodeOf(err) != fault.Unavailable || !strings.Contains(fault.Show(err), "under way already") {
		t.Error(err)
	}
	xb.gathers("sensors", marking.Green, indicator(1, "2026-11-02T00:00:00.000Z", ""))
	_, err = xa.AddMirror(t.Context(), node.NewMirror{Access: xb.servesTAXII().access(), Name: "xb", Collection: "Source: sensors", Every: time.Hour})
	f.must(err)
	xa.Until("the one that answers is fetched", func() bool {
		v, err := xa.Mirror(t.Context(), "xb")
		f.must(err)
		return v.State.Last.Taken == 1
	})
	xa.Stop()
	// A process that ends gives the run up, and another goes on with it.
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		<-asked
		cancel()
	}()
	if _, err := other.RunMirror(ctx, "a0", false); fault.CodeOf(err) != fault.Canceled || len(asked) > 0 {
		t.Error(err)
	}
	f.must(other.Close())
}

// Who may: an administrator sets up; who reads looks; others see nothing of it. What it brings goes in by itself, whoever has no right to say it.
func TestMirrorOffice(t *testing.T) {
	t.Parallel()
	f := New(t, "XA")
	xa := f.At("XA")
	files := http.NewServeMux()
	requests := atomic.Int64{}
	files.HandleFunc("/iocs.txt", func(w http.ResponseWriter, r *http.Request) {
		requests.Add(1)
		w.Header().Set("ETag", `"one"`)
		if r.Header.Get("If-None-Match") == `"one"` {
			w.WriteHeader(http.StatusNotModified)
			return
		}
		fmt.Fprint(w, "198.51.100[.]7\nnot one\nhxxp://evil.example/a\n")
	})
	server := httptest.NewServer(files)
	t.Cleanup(server.Close)
	f.must(xa.AddOfficer(t.Context(), auth.Person{ID: "root", Name: "Administrator", Roles: []auth.Role{auth.Administrator}}))
	until := statement.TimeOf(xa.now().Add(time.Hour))
	secret, err := xa.MakeToken(t.Context(), "root", nil, until)
	f.must(err)
	root := auth.With(t.Context(), auth.Claim{Token: secret})
	f.must(xa.AddOfficer(root, auth.Person{ID: "ana", Name: "Analyst", Roles: []auth.Role{auth.Analyst}}))
	secret, err = xa.MakeToken(root, "ana", nil, until)
	f.must(err)
	ana := auth.With(t.Context(), auth.Claim{Token: secret})

	in := node.NewMirror{Access: node.Access{URL: server.URL + "/iocs.txt"}, Name: "lists", Kind: mirror.List, Every: time.Minute}
	for _, who := range []struct {
		name string
		does error
	}{
		{"an analyst", last(xa.AddMirror(ana, in))}, {"nobody", last(xa.AddMirror(t.Context(), in))}, {"an analyst looks outside", last(xa.LookOutside(ana, in.Access))},
		{"nobody looks", last(xa.Mirrors(t.Context()))}, {"an analyst removes", xa.RemoveMirror(ana, "lists")}, {"an analyst wakes", xa.WakeMirror(ana, "lists", true)},
		{"an analyst pauses", xa.PauseMirror(ana, "lists", true)}, {"an analyst gives a credential", xa.SetMirrorSecret(ana, "lists", "", nil)},
	} {
		if fault.CodeOf(who.does) != fault.Denied {
			t.Errorf("%s: %v", who.name, who.does)
		}
	}
	_, err = xa.AddMirror(root, in)
	f.must(err)
	if _, err := xa.AddMirror(root, in); fault.CodeOf(err) != fault.Exists {
		t.Error(err)
	}
	var v node.MirrorView
	xa.Until("it is fetched", func() bool {
		v, err = xa.Mirror(ana, "lists")
		f.must(err)
		return v.State.Last.Taken == 2 && !v.State.Succeeded.IsZero()
	})
	if v.State.Last.Refused != 1 || len(v.State.Last.Refusals) != 1 || !strings.Contains(v.State.Last.Refusals[0].Reason, "a domain has two labels") {
		t.Errorf("%+v", v.State)
	}
	// What has not changed is one small request.
	before, ran := xa.LogSize(), v.State.Ran
	f.Clock.Pass(2 * time.Minute)
	xa.Until("it was asked again", func() bool {
		v, err = xa.Mirror(ana, "lists")
		f.must(err)
		return v.State.Succeeded.Std().After(ran.Std())
	})
	if requests.Load() != 2 || xa.LogSize() != before || v.State.Last.Taken+v.State.Last.Duplicates != 0 {
		t.Errorf("%d requests, %+v", requests.Load(), v.State)
	}
}

// brings imports objects as an officer.
func (p *Party) brings(ctx context.Context, source thread.ID, objects ...string) error {
	r := stix.NewReader(strings.NewReader(strings.Join(objects, "\n")), stix.Limits{})
	if _, err := p.Import(ctx, catalogue.Source{Thread: source, Marking: marking.Marking{TLP: marking.Green}}, r.All(), catalogue.ImportOptions{}); err != nil {
		return err
	}
	return p.Catalogued(ctx)
}

// shows counts the objects of a source that whoever looks is shown.
func (p *Party) shows(source thread.ID) int {
	p.F.T.Helper()
	p.F.must(p.Catalogued(p.F.T.Context()))
	return len(p.pages(queryOf(source)))
}

// queryOf asks for all of a source.
func queryOf(source thread.ID) catalogue.Query { return catalogue.Query{Thread: source} }

// headOf is a head as it is kept.
func (p *Party) headOf(id statement.ID) (h *statement.Head) {
	p.F.T.Helper()
	p.F.must(p.Store.View(p.F.T.Context(), func(tx store.Tx) error {
		row, err := tx.Statement(id)
		if err == nil {
			h, err = statement.Reread(row.ID, row.Head)
		}
		return err
	}))
	return h
}

// forgetsCursor takes a mirror's cursor back, as if the node had died before it noted the one of now.
func (p *Party) forgetsCursor(name, cursor string) error {
	return p.Exchange.Update(p.F.T.Context(), func(tx store.Tx) error {
		raw, err := tx.Meta("mirrors")
		if err != nil {
			return err
		}
		var all []mirror.Mirror
		if err := json.Unmarshal([]byte(raw), &all); err != nil {
			return err
		}
		for _, m := range all {
			if m.Name != name {
				continue
			}
			raw, err := tx.Meta("mirror:" + m.ID)
			if err != nil {
				return err
			}
			var s mirror.State
			if err := json.Unmarshal([]byte(raw), &s); err != nil {
				return err
			}
			s.Cursor = cursor
			b, err := json.Marshal(s)
			if err != nil {
				return err
			}
			return tx.SetMeta("mirror:"+m.ID, string(b))
		}
		return errors.New("there is no such mirror")
	})
}

func last[T any](_ T, err error) error { return err }
