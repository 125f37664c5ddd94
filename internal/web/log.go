package web

import (
	"bytes"
	"context"
	"encoding/csv"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/comity-exchange/comity/fault"
	"github.com/comity-exchange/comity/internal/auth"
	"github.com/comity-exchange/comity/internal/node"
	"github.com/comity-exchange/comity/internal/web/page"
)

// checkpointsPerPage is how many checkpoints the page of the log lists.
const checkpointsPerPage = 25

// log shows how the own log stands.
func (f *face) log(w http.ResponseWriter, r *http.Request) error { return f.showLog(w, r, nil, false) }

// verify recomputes the log. It is a POST because it costs as much as the log is long.
func (f *face) verify(w http.ResponseWriter, r *http.Request) error {
	if err := f.n.Authorize(r.Context(), auth.ReadLog, auth.Matter{}); err != nil {
		return err
	}
	report, err := f.n.VerifyLog(r.Context())
	if err != nil {
		return err
	}
	return f.showLog(w, r, report.Problems, true)
}

func (f *face) showLog(w http.ResponseWriter, r *http.Request, problems []string, checked bool) error {
	ctx := r.Context()
	s := f.shell(r, "nav.log", "log")
	s.Live = true
	v := &page.LogBook{Problems: problems, Checked: checked}
	var err error
	if v.Growth, err = f.growth(ctx, s); err != nil {
		return err
	}
	l, err := f.n.LogHealth(ctx)
	if err != nil {
		return err
	}
	v.Log = f.logOf(s, l)
	worries, err := f.n.Worries(ctx)
	if err != nil {
		return err
	}
	for _, x := range worries {
		v.Worries = append(v.Worries, page.Worry{Check: x.Check, Bad: x.Health == node.Bad, Says: x.Says, Do: x.Do})
	}
	if err := f.checkpoints(r, v); err != nil {
		return err
	}
	return f.show(w, r, http.StatusOK, page.LogPage(s, v))
}

// checkpoints puts a page of them onto the log's.
func (f *face) checkpoints(r *http.Request, v *page.LogBook) error {
	below, err := size(r.URL.Query().Get("below"))
	if err != nil {
		return err
	}
	list, err := f.n.LogCheckpoints(r.Context(), below, checkpointsPerPage)
	if err != nil {
		return err
	}
	if len(list.Checkpoints) > 0 && f.n.Authorize(r.Context(), auth.ExportEvidence, auth.Matter{}) == nil {
		v.Evidence = "/log/evidence"
	}
	for _, c := range list.Checkpoints {
		row := page.CheckpointRow{Size: c.Size, Time: moment(c.Time), Cosigners: cosigners(c.Cosigners)}
		if v.Evidence != "" && c.Size < v.Size {
			row.Evidence = v.Evidence + "?since=" + strconv.FormatInt(c.Size, 10)
		}
		v.Checkpoints = append(v.Checkpoints, row)
	}
	if list.Next > 0 {
		v.Next = "/log?below=" + strconv.FormatInt(list.Next, 10) + "#checkpoints"
	}
	if below > 0 {
		v.First = "/log#checkpoints"
	}
	return nil
}

// cosigners are the parties whose witnesses these are: XB/witness/1 is XB's.
func cosigners(names []string) (out []string) {
	for _, name := range names {
		if code, _, _ := strings.Cut(name, "/"); !slices.Contains(out, code) {
			out = append(out, code)
		}
	}
	return out
}

// size reads a size of the log out of an address; "" is 0.
func size(text string) (int64, error) {
	if text == "" {
		return 0, nil
	}
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil || n < 1 {
		return 0, fault.New(fault.Usage, "", "a size of the log is a whole number")
	}
	return n, nil
}

// growth is the picture of how the log grew; nil where it has less than two points.
func (f *face) growth(ctx context.Context, s *page.Shell) (*page.Growth, error) {
	all, err := f.n.LogGrowth(ctx)
	if err != nil || len(all) < 2 {
		return nil, err
	}
	first, last := all[0], all[len(all)-1]
	g := &page.Growth{
		ID: "growth", Title: s.T("log.growth.title"), CSV: "/log.csv", Under: []string{s.When(first.Time.Std(), s.Now), s.When(last.Time.Std(), s.Now)},
		Means: s.T("log.growth.means", last.Size, s.Time(first.Time.Std()), s.Time(last.Time.Std())),
	}
	for _, p := range all {
		g.Points = append(g.Points, page.GrowthPoint{Time: p.Time.Std(), Size: p.Size, Tip: s.T("log.growth.point", p.Size, s.When(p.Time.Std(), s.Now))})
	}
	return g, nil
}

// logCSV is the numbers of that picture for other programs.
func (f *face) logCSV(w http.ResponseWriter, r *http.Request) error {
	all, err := f.n.LogGrowth(r.Context())
	if err != nil {
		return err
	}
	var b bytes.Buffer
	out := csv.NewWriter(&b)
	rows := [][]string{{"time", "size"}}
	for _, p := range all {
		rows = append(rows, []string{p.Time.String(), strconv.FormatInt(p.Size, 10)})
	}
	if err := out.WriteAll(rows); err != nil {
		return fault.Wrap(err, fault.Internal, "", "the table cannot be written")
	}
	return download(w, "text/csv; charset=utf-8", fmt.Sprintf("log-%s.csv", f.n.Config.Code), b.Bytes())
}

// logEvidence sends what shows a third party that the log has only grown.
func (f *face) logEvidence(w http.ResponseWriter, r *http.Request) error {
	since, err := size(r.URL.Query().Get("since"))
	if err != nil {
		return err
	}
	raw, err := f.n.LogEvidence(r.Context(), since)
	if err != nil {
		return err
	}
	return download(w, "application/zip", fmt.Sprintf("log-%s-evidence.zip", f.n.Config.Code), raw)
}
