package web

import (
	"cmp"
	"crypto/rand"
	"io"
	"maps"
	"net/http"
	"slices"
	"strings"

	"github.com/comity-exchange/comity/desk/intel"
	"github.com/comity-exchange/comity/fault"
	"github.com/comity-exchange/comity/internal/catalogue"
	"github.com/comity-exchange/comity/internal/compression"
	drafts "github.com/comity-exchange/comity/internal/draft"
	"github.com/comity-exchange/comity/internal/web/page"
	"github.com/comity-exchange/comity/marking"
	"github.com/comity-exchange/comity/misp"
	"github.com/comity-exchange/comity/thread"
)

// The forms in which a file comes.
const (
	formAuto = "auto"
	formSTIX = "stix"
	formList = "list"
	formCSV  = "csv"
	formMISP = "misp"
)

// Bounds of the pages of imports.
const (
	shownImports  = 50
	shownFailures = 100
)

// importsPage is where files are imported and sources opened, and what was imported.
func (f *face) importsPage(w http.ResponseWriter, r *http.Request) error {
	return f.showImports(w, r, http.StatusOK, nil, nil)
}

// showImports shows it with what is wrong: with a file, or with a new source.
func (f *face) showImports(w http.ResponseWriter, r *http.Request, status int, file, source *page.Fault) error {
	ctx := r.Context()
	all, err := f.n.Intelligence(ctx)
	if err != nil {
		return err
	}
	s := f.shell(r, "intel.imports", "intelligence")
	v := &page.Imports{Fault: file, SourceFault: source, May: f.mayImport(ctx), Once: rand.Text(), MaxSize: s.Size(f.MaxUpload), MaxUnpacked: s.Size(f.MaxUnpacked)}
	chosen := cmp.Or(r.FormValue("source"), r.URL.Query().Get("source"))
	for _, one := range all {
		if one.Form == intel.ASource && one.Status == intel.Open {
			v.Sources = append(v.Sources, page.Choice{Value: one.ID.String(), Label: intelName(s, one), Chosen: one.ID.String() == chosen})
		}
	}
	v.Forms = choices([]string{formAuto, formSTIX, formMISP, formList, formCSV}, formAuto, func(form string) string { return s.T("intel.form-of." + form) })
	v.TLP = append([]page.Choice{{Label: s.T("intel.import.tlp.source")}}, labels(s, "")...)
	v.SourceTLP = labels(s, cmp.Or(r.FormValue("tlp"), string(marking.Amber)))
	v.Name = r.FormValue("name")
	imports, err := f.n.Imports(ctx, shownImports)
	if err != nil {
		return err
	}
	v.Rows = f.importRows(s, imports)
	officer, err := f.n.Whoami(ctx)
	if err != nil {
		return err
	}
	v.Running = f.importsOf(s, officer.ID)
	return f.show(w, r, status, page.ImportsPage(s, v))
}

// importsOf are an officer's own imports that this process knows.
func (f *face) importsOf(s *page.Shell, officer string) (out []page.ImportRow) {
	f.imports.mu.Lock()
	mine := slices.DeleteFunc(slices.Clone(f.imports.all), func(i *importation) bool { return i.officer != officer })
	f.imports.mu.Unlock()
	for _, i := range slices.Backward(mine) {
		st, report, _ := i.state()
		out = append(out, page.ImportRow{
			Href: "/intelligence/imports/" + i.id, Title: i.file.Name, Source: intelName(s, i.source), SourceHref: intelHref(i.source.ID), Time: i.begun, Objects: report.Objects, Stage: string(st),
		})
	}
	return out
}

// openSource opens a source.
func (f *face) openSource(w http.ResponseWriter, r *http.Request) error {
	if err := page.Read(w, r, page.MaxForm); err != nil {
		return err
	}
	form := f.visitor(r).Session + "\n" + r.PostForm.Get("once")
	led, again := f.once.begin(form)
	if again {
		return twice(w, r, led)
	}
	to := ""
	defer func() { f.once.end(form, to) }()
	name, m := strings.TrimSpace(r.PostForm.Get("name")), marking.Marking{TLP: marking.TLP(r.PostForm.Get("tlp"))}
	err := m.Check()
	if name == "" {
		err = fault.New(fault.Usage, "INT-1", "a source has a name")
	}
	var id thread.ID
	if err == nil {
		of := intel.Source{Name: name, Format: strings.TrimSpace(r.PostForm.Get("format")), Own: r.PostForm.Get("own") != ""}
		id, err = f.n.OpenSource(r.Context(), of, m, f.n.By("", ""))
	}
	if err != nil {
		s := f.shell(r, "intel.imports", "intelligence")
		p := page.FaultOf(s, err)
		return f.showImports(w, r, p.Status, nil, &p)
	}
	to = "/intelligence/imports?source=" + id.String() + "&done=opened"
	return see(w, r, to)
}

// importFile takes a file, and finds out what would come of it.
func (f *face) importFile(w http.ResponseWriter, r *http.Request) error {
	in, err := f.take(w, r)
	if err != nil {
		return err
	}
	i, err := f.importation(r, in)
	if err == nil {
		var forgotten []*importation
		forgotten, err = f.imports.add(i)
		for _, old := range forgotten {
			in.files = append(in.files, old.file)
		}
		if err == nil {
			if err = f.start(r.Context(), i, true); err != nil {
				f.imports.drop(i)
			} else {
				in.files = slices.DeleteFunc(in.files, func(file drafts.File) bool { return file.Upload == i.file.Upload })
			}
		}
	}
	f.n.DropUploads(in.files)
	if err != nil {
		s := f.shell(r, "intel.imports", "intelligence")
		p := page.FaultOf(s, err)
		r.Form = in.Values // what was chosen is shown again
		return f.showImports(w, r, p.Status, &p, nil)
	}
	return see(w, r, "/intelligence/imports/"+i.id)
}

// importation is what a form asks to be imported.
func (f *face) importation(r *http.Request, in filled) (*importation, error) {
	ctx := r.Context()
	if len(in.files) != 1 {
		return nil, fault.New(fault.Usage, "", "choose one file")
	}
	source, err := f.n.Source(ctx, in.Get("source"))
	if err != nil {
		return nil, err
	}
	m, err := f.n.SourceMarking(ctx, source.ID)
	if err != nil {
		return nil, err
	}
	if given := in.Get("tlp"); given != "" {
		m.TLP = marking.TLP(given)
		if err := m.Check(); err != nil {
			return nil, fault.Wrap(err, fault.Usage, "", "choose one of the labels")
		}
	}
	form := in.Get("form")
	if form == "" || form == formAuto {
		form = map[string]string{".csv": formCSV, ".txt": formList, ".list": formList}[compression.Ext(in.files[0].Name)]
		if form = cmp.Or(form, formSTIX); form == formSTIX && f.isMISP(in.files[0]) {
			form = formMISP
		}
	}
	if !slices.Contains([]string{formSTIX, formMISP, formList, formCSV}, form) {
		return nil, fault.New(fault.Usage, "", "choose one of the forms of files")
	}
	officer, err := f.n.Whoami(ctx)
	if err != nil {
		return nil, err
	}
	return f.newImportation(officer.ID, source, in.files[0], form, m, in.Get("strict") != "", f.n.Now()), nil
}

// sniffed is how much of a file is looked at to find out what it is.
const sniffed = 64 << 10

// isMISP tells whether a file begins as events of MISP do. What cannot be read says so once it is looked at.
func (f *face) isMISP(file drafts.File) bool {
	in, err := f.n.OpenUpload(file)
	if err != nil {
		return false
	}
	defer in.Close()
	text, err := f.unpacked(in)
	if err != nil {
		return false
	}
	defer text.Close()
	begin, err := io.ReadAll(io.LimitReader(text, sniffed))
	return err == nil && misp.Sniff(begin)
}

// ownImport is the import that a path names, of whoever asks.
func (f *face) ownImport(r *http.Request) (*importation, error) {
	officer, err := f.n.Whoami(r.Context())
	if err != nil {
		return nil, err
	}
	return f.imports.find(r.PathValue("id"), officer.ID)
}

// importPage shows how far an import has come.
func (f *face) importPage(w http.ResponseWriter, r *http.Request) error {
	i, err := f.ownImport(r)
	if err != nil {
		return err
	}
	return f.showImport(w, r, http.StatusOK, i, nil)
}

func (f *face) showImport(w http.ResponseWriter, r *http.Request, status int, i *importation, problem error) error {
	s := f.shell(r, "intel.import", "intelligence")
	st, report, failed := i.state()
	v := &page.OneImport{
		ID: i.id, File: i.file.Name, Size: s.Size(i.file.Size), Source: intelName(s, i.source), SourceHref: intelHref(i.source.ID), Form: s.T("intel.form-of." + i.form), TLP: string(i.from.Marking.TLP),
		Strict: i.from.Strict, Stage: string(st), Busy: st == looking || st == importing, Objects: report.Objects, Refused: report.Refused, Duplicates: report.Duplicates,
		Found: "/intelligence/search?source=" + i.source.ID.String(), May: f.mayImport(r.Context()),
	}
	if i.file.Size > 0 {
		v.Percent = min(100, int(i.read.Load()*100/i.file.Size))
	}
	s.Marked(v.TLP)
	v.Types = amounts(report.Types, func(t string) string { return s.Word("stix", t) })
	v.Markings = amounts(report.Markings, func(l string) string { return l })
	for _, m := range v.Markings {
		s.Marked(m.Name)
	}
	v.Failures, v.Unsought, v.UnsoughtFirst = failureRows(report.Failures), report.Unsought, failureRows(report.UnsoughtFirst)
	for _, err := range []error{failed, problem} {
		if err != nil {
			p := page.FaultOf(s, err)
			v.Fault = &p
		}
	}
	return f.show(w, r, status, page.ImportPage(s, v))
}

// failureRows are the first objects of which something is told, by their place.
func failureRows(all []catalogue.Refused) (rows []page.FailureRow) {
	for _, bad := range all[:min(len(all), shownFailures)] {
		rows = append(rows, page.FailureRow{Place: int64(bad.Index) + 1, Offset: bad.Offset, Reason: bad.Reason})
	}
	return rows
}

// amounts are counts by name, the greatest first.
func amounts(counts map[string]int64, word func(string) string) (out []page.Amount) {
	for _, name := range slices.Sorted(maps.Keys(counts)) {
		out = append(out, page.Amount{Name: word(name), Objects: counts[name]})
	}
	slices.SortStableFunc(out, func(a, b page.Amount) int { return cmp.Compare(b.Objects, a.Objects) })
	return out
}

// decideImport takes what was looked at into its source, or drops it.
func (f *face) decideImport(w http.ResponseWriter, r *http.Request) error {
	if err := page.Read(w, r, page.MaxForm); err != nil {
		return err
	}
	i, err := f.ownImport(r)
	if err != nil {
		return err
	}
	st, _, _ := i.state()
	switch do := r.PostForm.Get("do"); {
	case do == "drop" && st != looking && st != importing:
		f.imports.drop(i)
		f.n.DropUploads([]drafts.File{i.file})
		return see(w, r, "/intelligence/imports?done=let-go")
	case do == "import" && st == looked:
		if err := f.start(r.Context(), i, false); err != nil {
			return f.showImport(w, r, fault.HTTP(fault.CodeOf(err)), i, err)
		}
	case do != "import" && do != "drop":
		return fault.New(fault.Usage, "", "import it, or let it go")
	}
	return see(w, r, "/intelligence/imports/"+i.id)
}
