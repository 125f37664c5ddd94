package web

import (
	"context"
	"net/http"

	"github.com/comity-exchange/comity/desk/recall"
	"github.com/comity-exchange/comity/internal/auth"
	"github.com/comity-exchange/comity/internal/web/page"
	"github.com/comity-exchange/comity/thread"
)

// recallTable is who has answered a recall. Who is asked, and may erase, can do so there.
func (f *face) recallTable(ctx context.Context, href string, id thread.ID) (*page.RecallTable, error) {
	// spec: RCL-6
	r, err := f.n.RecallOf(ctx, id)
	if err != nil {
		return nil, err
	}
	v := &page.RecallTable{}
	for _, l := range r.Lines {
		row := page.RecallRow{
			Party: string(l.Party), Short: l.Statement.Short(), Outcome: string(l.Outcome), Ground: string(l.Ground), At: moment(l.At), Arrived: moment(l.Arrived),
			Due: moment(l.Due),
		}
		if l.Outcome == recall.Pending {
			row.Outcome = "pending"
			if l.Party == f.n.Config.Code && f.n.Authorize(ctx, auth.Erase, auth.Matter{}) == nil {
				v.Erase = href + "/erase"
			}
		}
		v.Lines = append(v.Lines, row)
	}
	return v, nil
}

// erase erases here what a recall asks for, and says so.
func (f *face) erase(w http.ResponseWriter, r *http.Request) error {
	// spec: RCL-7
	id, err := idOf(r, "id")
	if err != nil {
		return err
	}
	if err := parse(w, r); err != nil {
		return err
	}
	if _, err := f.n.ConfirmRecall(r.Context(), id, false, f.n.By("", "")); err != nil {
		return err
	}
	return see(w, r, "/threads/"+id.String()+"?done=erased")
}
