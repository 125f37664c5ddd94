package fedtest

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/comity-exchange/comity/internal/auth"
	"github.com/comity-exchange/comity/internal/catalogue"
	"github.com/comity-exchange/comity/internal/mirror"
	"github.com/comity-exchange/comity/internal/misp"
	"github.com/comity-exchange/comity/internal/node"
	"github.com/comity-exchange/comity/marking"
	kernel "github.com/comity-exchange/comity/misp"
)

// XB publishes what it gathers as a MISP feed, and XA mirrors it: all comes, as the events that they are; with nothing new one request is made; of what is new only that is fetched.
func TestMirrorFeed(t *testing.T) {
	t.Parallel()
	f := New(t, "XA", "XB")
	xa, xb := f.At("XA"), f.At("XB")
	const v1 = "2026-11-02T00:00:00.000Z"
	sensors, _ := xb.gathers("sensors", marking.Green, indicator(1, v1, ""), indicator(2, v1, ""))
	walnut := `{"Event":{"uuid":"11111111-0000-4000-8000-000000000001","info":"walnut","date":"2026-11-19","timestamp":"1795000100","published":true,"Tag":[{"name":"tlp:green"}],` +
		`"Attribute":[{"uuid":"22222222-0000-4000-8000-000000000001","type":"domain","category":"Network activity","to_ids":true,"timestamp":"1795000000","value":"walnut.example"}]}}`
	o := xb.servesTAXII()
	var mu sync.Mutex
	asked := []string{}
	handler := misp.Handler(t.Context(), xb.Node, misp.Options{Burst: 1_000_000})
	server := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		asked = append(asked, r.URL.Path[strings.LastIndexByte(r.URL.Path, '/')+1:])
		mu.Unlock()
		handler.ServeHTTP(w, r)
	}))
	t.Cleanup(server.Close)
	requests := func() string {
		mu.Lock()
		defer mu.Unlock()
		defer func() { asked = nil }()
		return strings.Join(asked, " ")
	}
	o.server = server
	access := o.access()
	access.URL = server.URL + "/misp/feed/all"
	v, err := xa.AddMirror(t.Context(), node.NewMirror{Access: access, Name: "xb-feed", Kind: mirror.MISP, Every: time.Hour, Marking: marking.Marking{TLP: marking.Green}})
	f.must(err)
	xa.Until("the node has fetched it by itself", func() bool {
		v, err = xa.Mirror(t.Context(), "xb-feed")
		f.must(err)
		return !v.State.Succeeded.IsZero()
	})
	run := func() {
		t.Helper()
		_, err := xa.runs("xb-feed", false)
		f.must(err)
	}
	xa.shows(v.Source)
	if page, err := xa.Objects(t.Context(), queryOf(v.Source)); err != nil || !strings.Contains(joined(page), "host1.example") || !strings.Contains(joined(page), "host2.example") {
		t.Fatalf("%v: %s %+v", err, joined(page), v.State)
	}
	requests()
	run()
	if got := requests(); got != "manifest.json" {
		t.Errorf("with nothing new: %s", got)
	}
	ana := auth.With(t.Context(), auth.Claim{Token: auth.Typed(o.token)})
	_, err = xb.Import(ana, catalogue.Source{Thread: sensors, Marking: marking.Marking{TLP: marking.Green}}, kernel.ItemsOf([]byte(walnut), kernel.Mapping{}), catalogue.ImportOptions{})
	f.must(err)
	f.must(xb.Catalogued(t.Context()))
	run()
	if got := requests(); got != "manifest.json 11111111-0000-4000-8000-000000000001.json" {
		t.Errorf("with an event that is new: %s", got)
	}
	xa.shows(v.Source)
	if page, err := xa.Objects(t.Context(), queryOf(v.Source)); err != nil || !strings.Contains(joined(page), "walnut.example") {
		t.Errorf("%v: %s %+v", err, joined(page), v.State)
	}
}

func joined(p catalogue.Page) string {
	var b strings.Builder
	for _, o := range p.Objects {
		b.Write(o.Raw)
	}
	return b.String()
}
