package web

import (
	"net/http"

	"github.com/comity-exchange/comity/fault"
	"github.com/comity-exchange/comity/internal/auth"
	"github.com/comity-exchange/comity/internal/web/page"
)

// settings shows how the node is set up.
func (f *face) settings(w http.ResponseWriter, r *http.Request) error {
	return f.showSettings(w, r, http.StatusOK, nil)
}

func (f *face) showSettings(w http.ResponseWriter, r *http.Request, status int, problem *page.Fault) error {
	ctx := r.Context()
	s := f.shell(r, "settings.title", "settings")
	v := &page.Settings{Fault: problem, May: f.n.Authorize(ctx, auth.ManageKeys, auth.Matter{}) == nil}
	files, err := f.n.CaveatFiles(ctx)
	if err != nil {
		return err
	}
	for _, c := range files {
		v.Caveats = append(v.Caveats, page.CaveatFile{Name: c.Name, Text: c.Text})
	}
	values, err := f.n.Settings(ctx)
	if err != nil && fault.CodeOf(err) != fault.Denied {
		return err
	}
	for _, one := range values {
		v.Rows = append(v.Rows, page.SettingRow{Key: one.Key, Value: one.Text, Own: one.Own, Doc: one.Doc})
	}
	return f.show(w, r, status, page.SettingsPage(s, v))
}

// caveats reads the party's own rules again. Those that do not compile change nothing.
func (f *face) caveats(w http.ResponseWriter, r *http.Request) error {
	if err := f.n.ReloadCaveats(r.Context()); err != nil {
		problem := page.FaultOf(f.shell(r, "settings.title", "settings"), err)
		return f.showSettings(w, r, problem.Status, &problem)
	}
	return see(w, r, "/settings?done=reloaded")
}
