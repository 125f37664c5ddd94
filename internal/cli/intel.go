package cli

import (
	"cmp"
	"context"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/comity-exchange/comity/desk/intel"
	"github.com/comity-exchange/comity/fault"
	"github.com/comity-exchange/comity/internal/catalogue"
	"github.com/comity-exchange/comity/internal/node"
	"github.com/comity-exchange/comity/marking"
	"github.com/comity-exchange/comity/stix"
	"github.com/comity-exchange/comity/thread"
)

type intelCmd struct {
	List   intelListCmd   `cmd:"" default:"withargs" help:"List sources, feeds and shares, and how far each has come."`
	Source intelSourceCmd `cmd:"" help:"Open a source, in which what comes from one place is gathered."`
	Import intelImportCmd `cmd:"" help:"Take objects into a source: STIX, events of MISP, or a list of indicators."`
	Search intelSearchCmd `cmd:"" help:"Find objects by value, word, type, source or time."`
	Show   intelShowCmd   `cmd:"" help:"Show what each party has said of an object, side by side."`
	Export intelExportCmd `cmd:"" help:"Write objects as a STIX bundle, as events of MISP, or as a list of indicators."`
	Sight  intelSightCmd  `cmd:"" help:"Tell who gave an indicator that it was seen, of what comity match found."`
	Mirror intelMirrorCmd `cmd:"" help:"Outside collections that are fetched again and again."`
}

func (intelCmd) Help() string {
	return `Objects are STIX 2.1, kept as their source wrote them. A feed is offered to a party under an agreement, and sent as it grows once that party has subscribed. What may not pass is
held back, and counted with the reason.
  comity send --kind intel.offer --to XB --tlp GREEN --fact feed=ransomware --fact types=indicator --fact types=malware
  comity send --thread 3f2a1b --kind subscribe
  comity send --thread 3f2a1b --kind sighting --fact objects=0 --fact count=3 --text "The second address, on Tuesday."`
}

// withCatalogue is with, once what has come by packets that were carried as files is in the catalogue.
func (s *session) withCatalogue(ctx context.Context, f func(n *node.Node) error) error {
	return s.with(ctx, func(n *node.Node) error {
		if err := n.Indexed(ctx); err != nil {
			return err
		}
		return f(n)
	})
}

type intelListCmd struct{}

func (intelListCmd) Help() string { return `  comity intel list` }

func (c *intelListCmd) Run(ctx context.Context, s *session) error {
	return s.with(ctx, func(n *node.Node) error {
		lines, err := n.Intelligence(ctx)
		if err != nil {
			return err
		}
		return s.show(slices.Concat([]node.IntelView{}, lines), func(p *page) {
			if len(lines) == 0 {
				p.say("Nothing yet. comity intel source opens a source of your own.")
				return
			}
			t := newTable("id", "form", "name", "by", "to", "status", ">objects", "held back", "seen by")
			for _, l := range lines {
				var held []string
				for _, h := range l.Held {
					held = append(held, number(int(h.Objects))+" by "+string(h.Reason))
				}
				var seen []string
				for _, by := range l.Seen {
					seen = append(seen, string(by.Party)+": "+number(by.Count))
				}
				form := string(l.Form)
				if l.Own {
					form = "own source"
				}
				t.add(l.ID.Short(), form, l.Name, string(l.By), codes(l.To), string(l.Status), number(int(l.Objects)), strings.Join(held, ", "), strings.Join(seen, ", "))
			}
			p.table(t)
		})
	})
}

type intelSourceCmd struct {
	Name   string      `arg:"" help:"What you call it: letters, digits, dots and dashes."`
	Format string      `default:"stix" placeholder:"WORD" help:"The form in which it comes, such as stix, misp, csv."`
	TLP    marking.TLP `default:"AMBER" placeholder:"LABEL" help:"The label of the record, and of objects that name none."`
	Own    bool        `help:"What it brings this party has seen or written itself, and may pass on as it likes. Without it others have said it: what is TLP:AMBER or no-onward stays here."`
	speaker
}

func (intelSourceCmd) Help() string {
	return `  comity intel source sensors --own
  comity intel source partner-list --format csv --tlp GREEN`
}

func (c *intelSourceCmd) Run(ctx context.Context, s *session) error {
	if _, err := oneOf("--tlp", string(c.TLP), marking.TLPs()...); err != nil {
		return err
	}
	return s.with(ctx, func(n *node.Node) error {
		id, err := n.OpenSource(ctx, intel.Source{Name: c.Name, Format: c.Format, Own: c.Own}, marking.Marking{TLP: c.TLP}, c.by(n))
		if err != nil {
			return err
		}
		return s.show(map[string]any{"source": id, "name": c.Name}, func(p *page) {
			p.say("The source %s is %s. comity intel import %s FILE takes objects into it.", c.Name, p.bold(id.Short()), c.Name)
		})
	})
}

type intelImportCmd struct {
	Source  string      `arg:"" help:"The source: its name, or its id."`
	Files   []string    `arg:"" name:"file" help:"What is imported, plain, gzip or zstd; - reads the standard input; a directory is a feed of MISP."`
	Form    string      `default:"auto" placeholder:"FORM" help:"stix (bundle, envelope, array or lines), misp (an event or several), list (an indicator a line, defanged or not), csv (value,kind,valid_from,valid_until,revoked); auto goes by the name: .csv, .txt, else by what it begins with: stix or misp."`
	TLP     marking.TLP `placeholder:"LABEL" help:"At least this label, and that of objects that name none. Without it: the source's."`
	Preview bool        `help:"Only tell what would come of it; import nothing."`
	Strict  bool        `help:"Refuse objects that break a rule of STIX 2.1, not only what is no object."`
	speaker
}

func (intelImportCmd) Help() string {
	return `An object that cannot be read is told by its place, and the others go in. An import that broke off is repeated: what is here already is not taken again.
  comity intel import sensors bundle.json
  comity intel import sensors iocs.txt --tlp GREEN --preview
  comity intel import partner event.misp.json
  comity intel import sensors - --form stix < feed.json`
}

func (c *intelImportCmd) Run(ctx context.Context, s *session) error {
	if c.TLP != "" {
		if _, err := oneOf("--tlp", string(c.TLP), marking.TLPs()...); err != nil {
			return err
		}
	}
	if _, err := oneOf("--form", c.Form, "auto", "stix", "misp", "list", "csv"); err != nil {
		return err
	}
	return s.withCatalogue(ctx, func(n *node.Node) error { // what an import that broke off has committed is known then
		source, err := n.Source(ctx, c.Source)
		if err != nil {
			return err
		}
		m, err := n.SourceMarking(ctx, source.ID)
		if err != nil {
			return err
		}
		if c.TLP != "" {
			m.TLP = c.TLP
		}
		var all imported
		for _, name := range c.Files {
			err := c.one(ctx, s, n, name, source, m, &all)
			if err != nil && all.Objects > 0 && !c.Preview {
				err = advise(err, "what came before is in the catalogue: "+plural(int(all.Objects), "object", "objects"))
			}
			if err != nil {
				return err
			}
		}
		if !c.Preview {
			if err := n.Catalogued(ctx); err != nil {
				return err
			}
		}
		return s.show(all, func(p *page) { c.tell(p, all) })
	})
}

// one imports one file, or the feed in a directory, and adds to all what came of it.
func (c *intelImportCmd) one(ctx context.Context, s *session, n *node.Node, name string, source node.IntelView, m marking.Marking, all *imported) error {
	feed, err := feedIn(name)
	if err != nil {
		return err
	}
	if feed == nil {
		return c.file(ctx, s, n, name, nil, source, m, all)
	}
	defer feed.root.Close()
	all.refuse(filepath.Join(name, "manifest.json"), feed.refused)
	for _, event := range feed.events {
		if err := c.file(ctx, s, n, event, feed.root, source, m, all); err != nil {
			return err
		}
	}
	return nil
}

// file imports one file, of a feed only where it lies within that.
func (c *intelImportCmd) file(ctx context.Context, s *session, n *node.Node, name string, within *os.Root, source node.IntelView, m marking.Marking, all *imported) error {
	var done atomic.Int64
	in, size, err := opened(name, within, s.in, &done)
	if err != nil {
		return err
	}
	defer in.Close()
	stop := s.progressOf("importing "+line(filepath.Base(name)), &done, size)
	defer stop()
	items, err := c.items(name, within, in, source, m)
	if err != nil {
		return err
	}
	from := catalogue.Source{Thread: source.ID, By: c.by(n), Marking: m, Strict: c.Strict, Title: filepath.Base(name)}
	if name == "-" {
		from.Title = ""
	}
	report, err := n.Import(ctx, from, items, catalogue.ImportOptions{Preview: c.Preview})
	all.add(name, report)
	if err != nil && len(c.Files) > 1 {
		err = advise(err, "this was "+line(name)+"; those after it were not read")
	}
	return err
}

// imported is what came of all files, and what was not understood in which.
type imported struct {
	catalogue.Report `json:",embed"`
	Files            []importedFile `json:"files"`
	Failures         []misread      `json:"failures,omitempty"`       // in the place of the report's
	UnsoughtFirst    []misread      `json:"unsought_first,omitempty"` // likewise
}

// importedFile is what came of one file.
type importedFile struct {
	File       string `json:"file"`
	Objects    int64  `json:"objects"`
	Duplicates int64  `json:"duplicates"`
	Refused    int64  `json:"refused"`
}

// misread is a place in a file that was not understood.
type misread struct {
	File              string `json:"file"`
	catalogue.Refused `json:",embed"`
}

// refuse adds what a manifest lists that is no event. As many are told one by one as of a file.
func (all *imported) refuse(name string, items []stix.Item) {
	if len(items) == 0 {
		return
	}
	r := catalogue.Report{Refused: int64(len(items))}
	for _, it := range items[:min(len(items), maxToldOfManifest)] {
		r.Failures = append(r.Failures, catalogue.Refused{Index: it.Index, Reason: fault.Of(it.Err).Msg})
	}
	all.add(name, r)
}

const maxToldOfManifest = 1000

func (all *imported) add(name string, r catalogue.Report) {
	all.Files = append(all.Files, importedFile{name, r.Objects, r.Duplicates, r.Refused})
	for _, f := range r.Failures {
		all.Failures = append(all.Failures, misread{name, f})
	}
	for _, f := range r.UnsoughtFirst {
		all.UnsoughtFirst = append(all.UnsoughtFirst, misread{name, f})
	}
	all.Unsought += r.Unsought
	all.Objects, all.Refused, all.Duplicates = all.Objects+r.Objects, all.Refused+r.Refused, all.Duplicates+r.Duplicates
	all.Said = append(all.Said, r.Said...)
	if all.Types == nil {
		all.Types, all.Markings = map[string]int64{}, map[string]int64{}
	}
	for t, n := range r.Types {
		all.Types[t] += n
	}
	for label, n := range r.Markings {
		all.Markings[label] += n
	}
}

const (
	shownFailures = 20
	shownUnsought = 3
)

func (c *intelImportCmd) tell(p *page, r imported) {
	did := "Imported"
	if c.Preview {
		did = "Would import"
	}
	var types []string
	for _, t := range slices.Sorted(maps.Keys(r.Types)) {
		types = append(types, number(int(r.Types[t]))+" "+t)
	}
	p.say("%s %s.", did, plural(int(r.Objects), "object", "objects"))
	if len(types) > 0 {
		p.say("  %s", strings.Join(types, ", "))
	}
	var marked []string
	for _, label := range slices.Sorted(maps.Keys(r.Markings)) {
		marked = append(marked, number(int(r.Markings[label]))+" TLP:"+label)
	}
	if len(marked) > 0 {
		p.say("  marked %s", strings.Join(marked, ", "))
	}
	if r.Duplicates > 0 {
		p.say("Here already: %s.", number(int(r.Duplicates)))
	}
	several := len(r.Files) > 1
	if r.Unsought > 0 {
		p.say("%s cannot be looked for in logs, and %s kept for others. First:", plural(r.Unsought, "indicator", "indicators"), map[bool]string{true: "is", false: "are"}[r.Unsought == 1])
		tellPlaces(p, r.UnsoughtFirst, shownUnsought, several)
	}
	if r.Refused == 0 {
		return
	}
	if p.say("Not understood: %s.", number(int(r.Refused))); several {
		for _, file := range r.Files {
			if file.Refused > 0 {
				p.say("  %s: %s", line(file.File), number(int(file.Refused)))
			}
		}
	}
	tellPlaces(p, r.Failures, shownFailures, several)
}

// tellPlaces tells of places in files, at most so many.
func tellPlaces(p *page, all []misread, most int, several bool) {
	for i, f := range all {
		if i == most {
			p.say("  … (--json lists more)")
			break
		}
		text := f.String()
		if several {
			text = line(filepath.Base(f.File)) + ", " + text
		}
		p.say("  %s", text)
	}
}

type intelSearchCmd struct {
	Value  string    `arg:"" optional:"" help:"An address, name, URL, hash or external id; defanged or not."`
	Text   string    `placeholder:"WORDS" help:"Words of names, descriptions and labels."`
	Type   stix.Type `placeholder:"TYPE" help:"Objects of this type."`
	Thread string    `placeholder:"ID" help:"What came with this source, feed or share alone: its id, or a source's name."`
	From   string    `placeholder:"TIME" help:"What came then or later."`
	To     string    `placeholder:"TIME" help:"What came before it."`
	Limit  int       `default:"50" placeholder:"N" help:"At most so many."`
}

func (intelSearchCmd) Help() string {
	return `  comity intel search 198.51.100[.]7
  comity intel search --text "walnut loader" --type malware
  comity intel search --type indicator --thread 3f2a1b --from 2026-11-01`
}

func (c *intelSearchCmd) Run(ctx context.Context, s *session) error {
	if c.Limit < 1 || c.Limit > catalogue.MaxPage {
		return fault.New(fault.Usage, "", "--limit: from 1 to %d", catalogue.MaxPage)
	}
	search := catalogue.Search{Value: c.Value, Text: c.Text, Type: c.Type}
	for flag, into := range map[string]*time.Time{"--from": &search.From, "--to": &search.Until} {
		text := map[string]string{"--from": c.From, "--to": c.To}[flag]
		if text == "" {
			continue
		}
		at, err := s.moment(flag, text)
		if err != nil {
			return err
		}
		*into = at.Std()
	}
	return s.withCatalogue(ctx, func(n *node.Node) error {
		if c.Thread != "" {
			var err error
			if search.Thread, err = gathered(ctx, n, c.Thread); err != nil {
				return err
			}
		}
		views := []node.ObjectView{}
		hits := catalogue.Hits{More: true}
		for hits.More && len(views) < c.Limit { // a page may be short
			var err error
			search.After, search.Limit = hits.Next, c.Limit-len(views)
			if hits, err = n.FindObjects(ctx, search); err != nil {
				return err
			}
			views = append(views, node.ViewHits(hits)...)
		}
		return s.show(views, func(p *page) {
			if len(views) == 0 {
				p.say("Nothing is found.")
				return
			}
			t := newTable("object", "name", "version", "", "came with")
			for _, v := range views {
				var notes []string
				switch {
				case v.Revoked:
					notes = append(notes, "revoked")
				case v.Older:
					notes = append(notes, "older")
				}
				if v.Covers != "" {
					notes = append(notes, "covers it: "+v.Covers)
				}
				t.add(string(v.ID), clipped(v.Name), string(v.Modified), strings.Join(notes, ", "), v.With.Short())
			}
			p.table(t)
			if hits.More {
				p.say("There are more: --limit.")
			}
		})
	})
}

// gathered finds an open source by its name, or a source, feed or share by the beginning of its id.
func gathered(ctx context.Context, n *node.Node, name string) (thread.ID, error) {
	v, err := n.Source(ctx, name)
	if fault.CodeOf(err) == fault.NotFound {
		return n.FindThread(ctx, name)
	}
	return v.ID, err
}

// clipped is a text as a table has room for it.
func clipped(text string) string {
	const most = 60
	if r := []rune(text); len(r) > most {
		return string(r[:most-1]) + "…"
	}
	return text
}

type intelShowCmd struct {
	ID stix.ID `arg:"" help:"The object's id, such as malware--…"`
}

func (intelShowCmd) Help() string {
	return `  comity intel show indicator--8e2e2d2b-17d4-4cbf-938f-98ee46b3cd3f`
}

func (c *intelShowCmd) Run(ctx context.Context, s *session) error {
	id, err := stix.ParseID(string(c.ID))
	if err != nil {
		return fault.Wrap(err, fault.Usage, "", "an object's id is its type, two dashes, and a UUID")
	}
	return s.withCatalogue(ctx, func(n *node.Node) error {
		v, err := n.Object(ctx, id)
		if err != nil {
			return err
		}
		views := []node.ObjectView{}
		for _, e := range v.Entries {
			views = append(views, node.ViewEntry(e))
		}
		seen, more, err := n.SightingsOf(ctx, id)
		if err != nil {
			return err
		}
		return s.show(views, func(p *page) {
			for _, e := range views {
				p.say("%s, from %s under TLP:%s, in %s", cmp.Or(string(e.Modified), "without a version"), e.From, e.TLP, e.With.Short())
				p.say("  %s", escaped([]byte(e.Object)))
			}
			for _, by := range seen {
				p.say("Seen by %s: %s%s", by.Party, plural(by.Count, "time", "times"), between(by.First, by.Last))
			}
			if more {
				p.say("There are more sightings than are counted here.")
			}
			for _, about := range v.About {
				if about.Parsed.Type != "sighting" || about.Parsed.SightingOf != id {
					p.say("%s, from %s", aboutObject(about.Parsed), about.Statement.From)
				}
			}
		})
	})
}

// aboutObject names an object that refers to another; a relationship says what it says of which.
func aboutObject(o *stix.Object) string {
	if o.Type != "relationship" {
		return string(o.ID)
	}
	return string(o.SourceRef) + " " + line(o.RelationshipType) + " " + string(o.TargetRef)
}

// between is a span of time for a sentence.
func between(first, last stix.Timestamp) string {
	switch {
	case first == "":
		return ""
	case first == last:
		return ", at " + string(first)
	}
	return ", from " + string(first) + " to " + string(last)
}
