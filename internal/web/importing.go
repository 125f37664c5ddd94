package web

import (
	"context"
	"crypto/rand"
	"io"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/comity-exchange/comity/fault"
	"github.com/comity-exchange/comity/internal/catalogue"
	"github.com/comity-exchange/comity/internal/compression"
	drafts "github.com/comity-exchange/comity/internal/draft"
	"github.com/comity-exchange/comity/internal/node"
	"github.com/comity-exchange/comity/marking"
	"github.com/comity-exchange/comity/misp"
	"github.com/comity-exchange/comity/stix"
)

// Bounds of imports by pages, of one process.
const (
	maxImports   = 64 // that are remembered
	maxImporting = 2  // that run at once
	importLife   = time.Hour
)

// How far an import has come.
type stage string

const (
	looking   stage = "looking"   // it is found out what would come of it
	looked    stage = "looked"    // it waits to be decided on
	importing stage = "importing" // it is taken into the source
	imported  stage = "imported"
	broken    stage = "broken" // it could not be read on, or was refused
)

// importation is a file on its way into a source. What is under way goes on when nobody looks; it is lost with the process, and repeated then: what was taken is not taken again.
type importation struct {
	id      string
	officer string // whose it is; "" for the operator
	source  node.IntelView
	file    drafts.File
	form    string
	from    catalogue.Source
	begun   time.Time

	read atomic.Int64 // bytes

	mu     sync.Mutex
	stage  stage            // guarded by mu
	report catalogue.Report // of the look, then of the import; guarded by mu
	failed error            // guarded by mu
}

// state is how far it has come.
func (i *importation) state() (stage, catalogue.Report, error) {
	i.mu.Lock()
	defer i.mu.Unlock()
	return i.stage, i.report, i.failed
}

func (i *importation) become(st stage, r catalogue.Report, err error) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.stage, i.report, i.failed = st, r, err
}

// decided has it go from what was looked at to being taken, once.
func (i *importation) decided() bool {
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.stage != looked {
		return false
	}
	i.stage, i.report, i.failed = importing, catalogue.Report{}, nil
	return true
}

// importations are those of this process. It is safe for concurrent use.
type importations struct {
	mu      sync.Mutex
	all     []*importation // the oldest first; guarded by mu
	running int            // guarded by mu
}

// add remembers one more; dropped are those that are forgotten for it.
func (m *importations) add(i *importation) (dropped []*importation, err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.all = slices.DeleteFunc(m.all, func(o *importation) bool {
		st, _, _ := o.state()
		old := st != looking && st != importing && i.begun.Sub(o.begun) > importLife
		if old {
			dropped = append(dropped, o)
		}
		return old
	})
	if len(m.all) >= maxImports {
		return dropped, fault.New(fault.Quota, "", "%d imports are not finished or dropped: finish some of them first", len(m.all))
	}
	m.all = append(m.all, i)
	return dropped, nil
}

// find gives an officer's own import.
func (m *importations) find(id, officer string) (*importation, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, i := range m.all {
		if i.id == id && i.officer == officer {
			return i, nil
		}
	}
	return nil, fault.New(fault.NotFound, "", "this import is not known any more: what it had taken is in its source, and the same file can be imported again")
}

func (m *importations) drop(i *importation) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.all = slices.DeleteFunc(m.all, func(o *importation) bool { return o == i })
}

// begin lets one run where not too many do. Error: fault.Unavailable.
func (m *importations) begin() error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.running >= maxImporting {
		return fault.New(fault.Unavailable, "", "%d imports are under way: wait until one has ended, and press again", m.running)
	}
	m.running++
	return nil
}

func (m *importations) end() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.running--
}

// start has an import run on its own, first to find out what would come of it, or to take it.
func (f *face) start(ctx context.Context, i *importation, preview bool) error {
	if err := f.imports.begin(); err != nil {
		return err
	}
	then := imported
	if preview {
		then = looked
	} else if !i.decided() { // the button was pressed twice
		f.imports.end()
		return nil
	}
	i.read.Store(0)
	ctx = context.WithoutCancel(ctx) // it goes on when the page is closed
	go func() {
		defer f.imports.end()
		report, err := f.run(ctx, i, preview)
		switch {
		case err != nil:
			i.become(broken, report, err)
			if fault.CodeOf(err) == fault.Internal {
				f.Log.Error("an import failed", "source", i.source.ID.Short(), "err", err)
			}
		default:
			i.become(then, report, nil)
		}
		if !preview {
			f.n.DropUploads([]drafts.File{i.file})
		}
	}()
	return nil
}

// run imports, or finds out what would come of it.
func (f *face) run(ctx context.Context, i *importation, preview bool) (catalogue.Report, error) {
	if err := f.n.Indexed(ctx); err != nil { // what an import that broke off has committed is known then
		return catalogue.Report{}, err
	}
	file, err := f.n.OpenUpload(i.file)
	if err != nil {
		return catalogue.Report{}, err
	}
	defer file.Close()
	in, err := f.unpacked(&compression.Tally{Reader: file, N: &i.read})
	if err != nil {
		return catalogue.Report{}, err
	}
	defer in.Close()
	reading, done := context.WithCancel(ctx)
	defer done()
	items := stix.NewReader(in, stix.Limits{}).All()
	switch i.form {
	case formMISP: // it is read twice
		items = misp.Items(func() (io.Reader, error) {
			again, err := f.n.OpenUpload(i.file)
			if err != nil {
				return nil, err
			}
			in, err := f.unpacked(again)
			context.AfterFunc(reading, func() {
				if err == nil {
					_ = in.Close()
				}
				_ = again.Close()
			})
			return in, err
		}, misp.Mapping{TLP: i.from.Marking.TLP})
	case formList, formCSV:
		items = catalogue.FromList(in, i.form == formCSV, i.source.ID, stix.At(i.source.Opened.Std()))
	}
	return f.n.Import(ctx, i.from, items, catalogue.ImportOptions{Preview: preview, Progress: func(r catalogue.Report) {
		i.become(importing, catalogue.Report{Objects: r.Objects, Refused: r.Refused, Duplicates: r.Duplicates}, nil)
	}})
}

// unpacked reads an upload that may be packed: whoever sends it may have somebody else's file.
func (f *face) unpacked(r io.Reader) (*compression.Reader, error) {
	return compression.Open(r, compression.Bounds{Bytes: f.MaxUnpacked, Times: compression.Honest})
}

// newImportation is a file that is to go into a source.
func (f *face) newImportation(officer string, source node.IntelView, file drafts.File, form string, m marking.Marking, strict bool, now time.Time) *importation {
	return &importation{
		id: rand.Text(), officer: officer, source: source, file: file, form: form, begun: now, stage: looking,
		from: catalogue.Source{Thread: source.ID, By: f.n.By("", ""), Marking: m, Strict: strict, Title: file.Name},
	}
}
