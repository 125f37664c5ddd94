package fedtest

import (
	"bytes"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/comity-exchange/comity/desk/assist"
	"github.com/comity-exchange/comity/fault"
	"github.com/comity-exchange/comity/internal/exchange"
	"github.com/comity-exchange/comity/transparency"
)

// What is told to the public is counted from the node's own threads, and holds nothing of any one of them.
func TestTransparency(t *testing.T) {
	t.Parallel()
	// spec: TRR-1, TRR-2
	f := New(t, "XA", "XB")
	xa, xb := f.At("XA"), f.At("XB")
	agreed := f.Agree(Pact("XA", "XB"), "XA")
	var traces []string
	for n := range 7 {
		f.Clock.Pass(time.Hour)
		said := xa.Ask(agreed, exchange.Draft{Title: "The walnut list", Text: "Names of quinces."}, "XB")
		xb.Has(said.ID)
		if n < 6 {
			xb.Say(exchange.Draft{Thread: said.ID, Kind: assist.KindRefuse, Text: "No hazelnuts."}, assist.Refuse{Grounds: []string{"sovereignty"}})
		}
		traces = append(traces, said.ID.String()[:8], said.Time.String(), said.Time.String()[:10], said.Time.Std().Format("15:04"))
	}
	f.Quiet()
	march := time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)
	if _, err := xa.Transparency(t.Context(), march, march.AddDate(0, 1, 0), transparency.ByMonth); fault.ClauseOf(err) != "TRR-1" {
		t.Errorf("a month that has not ended: %v", err)
	}
	f.Clock.Pass(31 * 24 * time.Hour)
	officer := xa.By("duty-officer", "one")
	traces = append(traces, agreed.String()[:8], "walnut", "quince", "hazelnut", "Assistance", officer.Officer[:8], officer.Role, string(assist.KindRequest))
	for _, p := range []*Party{xa, xb} {
		r, err := p.Transparency(t.Context(), march, march.AddDate(0, 1, 0), transparency.ByMonth)
		f.must(err)
		direction := map[*Party]transparency.Direction{xa: transparency.Made, xb: transparency.Received}[p]
		i := slices.IndexFunc(r.Rows, func(row transparency.Row) bool { return row.Agreement == "XA, XB" && row.Direction == direction })
		if row := r.Rows[i]; row.Requests != ">=6" || row.Outcomes[transparency.Refused] != "6" || row.Outcomes[transparency.Unsettled] != "<5" || row.Grounds["sovereignty"] != "6" {
			t.Errorf("%s: %+v", p.Code, row)
		}
		all, err := r.Marshal()
		f.must(err)
		lines, err := r.CSV()
		f.must(err)
		all = append(all, lines...)
		for _, trace := range traces {
			if bytes.Contains(all, []byte(trace)) || strings.Contains(strings.ToLower(string(all)), trace) {
				t.Errorf("%s tells the public %q", p.Code, trace)
			}
		}
	}
}
