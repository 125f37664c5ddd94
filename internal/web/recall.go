package web

import (
	"context"
	"net/http"

	"github.com/comity-exchange/comity/desk/recall"
	"github.com/comity-exchange/comity/fault"
	"github.com/comity-exchange/comity/internal/auth"
	"github.com/comity-exchange/comity/internal/node"
	"github.com/comity-exchange/comity/internal/web/page"
	"github.com/comity-exchange/comity/statement"
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
		row := recallRow(l)
		if l.Outcome == recall.Pending {
			if l.Party == f.n.Config.Code && f.n.Authorize(ctx, auth.Erase, auth.Matter{}) == nil {
				v.Erase = href + "/erase"
			}
		}
		v.Lines = append(v.Lines, row)
	}
	return v, nil
}

// recallRow is one party's answer.
func recallRow(l node.RecallLine) page.RecallRow {
	row := page.RecallRow{
		Party: string(l.Party), Short: l.Statement.Short(), Outcome: string(l.Outcome), Ground: string(l.Ground), At: moment(l.At), Arrived: moment(l.Arrived),
		Due: moment(l.Due),
	}
	if l.Outcome == recall.Pending {
		row.Outcome = "pending"
	}
	return row
}

// recalledNotes puts onto a thread's page which of its statements were recalled, by whom and with what answers.
func (f *face) recalledNotes(ctx context.Context, v *page.Thread, said []node.SaidView) error {
	// spec: RCL-6
	ids, at := make([]statement.ID, 0, len(said)), make(map[string]statement.ID, len(said))
	for _, one := range said {
		ids = append(ids, one.ID)
		at[one.ID.String()] = one.ID
	}
	recalls, err := f.n.RecallsOf(ctx, ids)
	if fault.CodeOf(err) == fault.Denied {
		return nil
	}
	if err != nil {
		return err
	}
	for i := range v.Said {
		u := &v.Said[i]
		for _, r := range recalls[at[u.ID]] {
			note := page.RecalledNote{By: string(r.By), Ours: r.Own, At: moment(r.Asked), Reason: string(r.Reason), Href: "/threads/" + r.ID.String()}
			for _, l := range r.Lines {
				note.Lines = append(note.Lines, recallRow(l))
			}
			u.Recalled = append(u.Recalled, note)
			if r.Own {
				u.Recall = "" // it was asked for already
			}
		}
	}
	return nil
}

// erase erases here what a recall asks for, and says so.
func (f *face) erase(w http.ResponseWriter, r *http.Request) error {
	// spec: RCL-7
	id, err := idOf(r, "id")
	if err != nil {
		return err
	}
	if err := page.Read(w, r, page.MaxForm); err != nil {
		return err
	}
	if _, err := f.n.ConfirmRecall(r.Context(), id, false, f.n.By("", "")); err != nil {
		return err
	}
	return see(w, r, "/threads/"+id.String()+"?done=erased")
}
