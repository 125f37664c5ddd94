package fedtest

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/comity-exchange/comity/desk/instrument"
	"github.com/comity-exchange/comity/fault"
	"github.com/comity-exchange/comity/internal/exchange"
	"github.com/comity-exchange/comity/marking"
	"github.com/comity-exchange/comity/statement"
)

// A text is for everybody from the time that the chair has set, put off once: on every node alike, beside its log, and whoever has it may pass it on.
func TestPublished(t *testing.T) {
	t.Parallel()
	// spec: AGR-16, ONW-2
	f := New(t, "XA", "XB")
	m := &making{f, f.Agree(Pact("XA", "XB"), "XA")}
	xa, xb := f.At("XA"), f.At("XB")
	digest := agreementView(xa, m.id).Digest
	at := func(d time.Duration) statement.Time { return statement.TimeOf(xa.Now().Add(d)) }
	m.all("XA", instrument.KindPublish, instrument.Publish{Digest: digest, At: at(time.Hour)})
	m.all("XA", instrument.KindPublish, instrument.Publish{Digest: digest, At: at(2 * time.Hour)})

	door := httptest.NewServer(xb.LogHandler())
	t.Cleanup(door.Close)
	read := func(path string) (int, string) {
		t.Helper()
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, door.URL+path, nil)
		f.must(err)
		resp, err := http.DefaultClient.Do(req)
		f.must(err)
		defer resp.Body.Close()
		body, err := io.ReadAll(io.LimitReader(resp.Body, 1<<20))
		f.must(err)
		return resp.StatusCode, string(body)
	}
	text := "/published/" + digest.String()
	f.Clock.Pass(90 * time.Minute)
	if status, body := read("/published"); status != http.StatusOK || strings.Contains(body, digest.String()) {
		t.Errorf("before: %d %s", status, body)
	}
	if status, _ := read(text); status != http.StatusNotFound {
		t.Errorf("the text before: %d", status)
	}
	if err := xb.MayShow(t.Context(), m.id, "", false); fault.CodeOf(err) != fault.Denied {
		t.Errorf("passed on before: %v", err)
	}
	f.Clock.Pass(time.Hour)
	if status, body := read("/published"); status != http.StatusOK || !strings.Contains(body, digest.String()) {
		t.Errorf("after: %d %s", status, body)
	}
	if status, body := read(text); status != http.StatusOK || body != Pact("XA", "XB") {
		t.Errorf("the text after: %d %s", status, body)
	}
	f.must(xb.MayShow(t.Context(), m.id, "", false))
	for _, path := range []string{"/published/", "/published/../letter", "/published/" + strings.Repeat("0", 64), text + "/x"} {
		if status, _ := read(path); status != http.StatusNotFound {
			t.Errorf("%s: %d", path, status)
		}
	}
}

// Where something was said under TLP:RED nobody is admitted, and who is admitted all the same does not get it.
func TestRedStays(t *testing.T) {
	t.Parallel()
	// spec: THR-8
	f := New(t, "XA", "XB", "XC")
	xa, xb := f.At("XA"), f.At("XB")
	propose := func() *making {
		said, err := xa.Propose(t.Context(), []byte(Pact("XA", "XB")), nil, "", xa.By("legal-adviser", "first"))
		f.must(err)
		xb.Has(said.ID)
		return &making{f, said.ID}
	}
	m := propose()
	f.Cut("XA", "XB")
	red, err := xb.Exchange.Submit(t.Context(), exchange.Draft{
		Thread: m.id, Kind: instrument.KindComment, Marking: marking.Marking{TLP: marking.Red}, By: xb.By("legal-adviser", "first"),
		Facts: []byte(`{"digest":"` + agreementView(xb, m.id).Digest.String() + `"}`), Text: "Our own law is about to change.",
	})
	f.must(err)
	admitted, err := xa.Admit(t.Context(), m.id, "XC", xa.By("legal-adviser", "first")) // it has not heard of that
	f.must(err)
	f.Mend("XA", "XB")
	xa.Has(red.ID)
	xb.Has(admitted.ID)
	f.Quiet()
	if xc := f.At("XC"); !xc.here(m.id) || xc.here(red.ID) {
		t.Errorf("XC has the draft: %v; what is TLP:RED: %v", xc.here(m.id), xc.here(red.ID))
	}
	other := propose()
	_, err = xb.Exchange.Submit(t.Context(), exchange.Draft{
		Thread: other.id, Kind: instrument.KindComment, Marking: marking.Marking{TLP: marking.Red}, By: xb.By("legal-adviser", "first"),
		Facts: []byte(`{"digest":"` + agreementView(xb, other.id).Digest.String() + `"}`), Text: "Between us.",
	})
	f.must(err)
	_, err = xb.Admit(t.Context(), other.id, "XC", xb.By("legal-adviser", "first"))
	other.refused(err, fault.Inadmissible, "TLP:RED")
}
