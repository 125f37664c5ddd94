package taxii

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/comity-exchange/comity/marking"
)

// TestPending: many objects are taken at once and can be fetched a little later; the status says which it is, over a new start.
func TestPending(t *testing.T) {
	t.Parallel()
	h := newHouse(t, Options{})
	at := h.at(h.source) + "objects/"
	const n = maxAtOnce + 50
	var all []string
	for i := range n {
		all = append(all, indicator(i, "n", v1, []marking.TLP{"", marking.Green, marking.Amber, marking.Red}[i%4]))
	}
	h.xa.Catalogue.Yield()
	done := h.xa.Catalogue.Arrives() // while something arrives, and the clock stands still, the node does not index
	// 5.5, 4.3: a POST is answered while its objects are pending. The counts add up to the total.
	a := h.ask("ana", post, at, posted(append(all[:n:n], `{"type":"x"}`)...))
	r := a.read(t)
	if a.status != 202 || r.Status != "pending" || r.Total != n+1 || r.Success != 0 || *r.Failure != 1 || *r.Pending != n || len(r.Failures) != 1 {
		t.Fatalf("%d %.300s", a.status, a.body)
	}
	status := apiRoot + "status/" + r.ID + "/"
	if s := h.gets(200, status); s.body != a.body {
		t.Errorf("%.300s", s.body)
	}
	done()
	h.xa.Restart(nil)
	h.serve(Options{})
	h.must(h.xa.Catalogued(h.ctx))
	s := h.gets(200, status).read(t)
	if s.Status != "complete" || *s.Pending != 0 || s.Success != n || len(s.Successes) != n || *s.Failure != 1 {
		t.Errorf("%.500s", fmt.Sprint(s))
	}
	for i := range n {
		if !slices.Contains(s.Successes, detail{ID: indicatorID(i), Version: v1}) {
			t.Fatalf("object %d is not listed", i)
		}
	}
	// What is marked more strictly than the token may see is a success, too, and is not shown.
	if r := h.gets(200, at).read(t); len(r.Objects) != n-n/4 {
		t.Errorf("%d objects", len(r.Objects))
	}
	// The same once more, with something new among it: duplicates are successes, are listed, and come once.
	all = append(all, indicator(n, "new", v1, ""))
	r = h.ask("ana", post, at, posted(all...)).read(t)
	h.must(h.xa.Catalogued(h.ctx))
	if r = h.gets(200, apiRoot+"status/"+r.ID+"/").read(t); r.Status != "complete" || r.Success != n+1 || len(r.Successes) != n+1 {
		t.Errorf("%+v", r)
	}
	told := 0
	for _, d := range r.Successes {
		if strings.Contains(d.Message, "was here before") {
			told++
		}
	}
	if told != n {
		t.Errorf("%d are told to have been here", told)
	}
	if r := h.gets(200, at).read(t); len(r.Objects) != n-n/4+1 {
		t.Errorf("%d objects", len(r.Objects))
	}
	// Where objects are brought again in a way that is not noticed at once, they come once all the same.
	var few []string
	for i := range 400 {
		few = append(few, indicator(1000+i, "m", v1, ""))
	}
	few[3] = all[1]
	h.ask("ana", post, at, posted(few...))
	h.must(h.xa.Catalogued(h.ctx))
	count := 0
	for _, o := range h.gets(200, at).read(t).Objects {
		if o["id"] == indicatorID(1) {
			count++
		}
	}
	if count != 1 {
		t.Errorf("an object that came twice is given %d times", count)
	}
}
