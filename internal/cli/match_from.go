package cli

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/comity-exchange/comity/fault"
	"github.com/comity-exchange/comity/internal/compression"
	"github.com/comity-exchange/comity/internal/indicator"
	"github.com/comity-exchange/comity/internal/node"
	"github.com/comity-exchange/comity/match"
	"github.com/comity-exchange/comity/misp"
	"github.com/comity-exchange/comity/stix"
	"github.com/comity-exchange/comity/thread"
)

// indicators is what is looked for: where it came from, and how much of what was given is none.
type indicators struct {
	*indicator.Origins
	refused int64
	others  int64 // objects that are no indicators
	wide    int64 // ranges that are held back
}

// indicatorSource feeds indicators into a set.
type indicatorSource func(b *indicator.Builder) error

// indicators compiles files and what is asked of the catalogue, or takes what is compiled.
func (c *matchCmd) indicators(ctx context.Context, s *session, n *node.Node) (*match.Set, *indicators, error) {
	if len(c.Indicators) > 0 {
		set, from, err := readCompiled(c.Indicators, n != nil)
		if set != nil || err != nil {
			return set, &indicators{Origins: from}, err
		}
	}
	var sources []indicatorSource
	for _, name := range c.Indicators {
		sources = append(sources, func(b *indicator.Builder) error { return readList(b, name) })
	}
	if n != nil {
		threads, err := c.threads(ctx, n)
		if err != nil {
			return nil, nil, err
		}
		if err := n.Indexed(ctx); err != nil { // what has come and is not in it yet is to be found as well
			return nil, nil, err
		}
		for _, id := range threads {
			sources = append(sources, func(b *indicator.Builder) error { return b.Catalogue(ctx, n, id) })
		}
	}
	b, err := indicator.NewBuilder()
	if err != nil {
		return nil, nil, err
	}
	b.Wide = c.Wide
	for _, source := range sources {
		if err := source(b); err != nil {
			return nil, nil, err
		}
	}
	from := &indicators{}
	refused, others := b.Refused()
	from.others = others
	for _, r := range refused {
		from.refused += r.Count
		s.note(refusal(r))
	}
	if from.wide = b.HeldBack(); from.wide > 0 {
		s.note(plural(from.wide, "range is", "ranges are") + " wider than /8 (IPv6: /16), would be found on every line, and so not looked for (--wide)")
	}
	set, origins, dropped := b.Build()
	if dropped > 0 {
		s.note(plural(dropped, "line repeats", "lines repeat") + " a value that stands on 256 lines already, and counts no more")
	}
	if from.Origins = origins; n != nil {
		origins.Watch(ctx, n)
		if len(c.Indicators) == 0 && !s.json {
			s.note(plural(set.Len(), "value", "values") + " of the node's catalogue are looked for")
		}
	}
	return set, from, nil
}

// refusal tells of what cannot be looked for.
func refusal(r indicator.Refused) string {
	switch {
	case r.Name == "":
		return fmt.Sprintf("%s of the catalogue cannot be looked for in logs; of the first: %s", plural(r.Count, "indicator", "indicators"), r.Why)
	case isObjects(r.Name):
		return fmt.Sprintf("%s: %s cannot be looked for; the first is object %d: %s", r.Name, plural(r.Count, "object", "objects"), r.First, r.Why)
	}
	return fmt.Sprintf("%s: %s no indicator; the first is line %d: %s", r.Name, plural(r.Count, "line is", "lines are"), r.First, r.Why)
}

// threads are those of the catalogue that are asked for; the zero one is all.
func (c *matchCmd) threads(ctx context.Context, n *node.Node) (all []thread.ID, err error) {
	for _, name := range c.Feed {
		id, err := n.FindThread(ctx, name)
		if err != nil {
			return nil, err
		}
		if _, _, err := n.Intel(ctx, id); err != nil {
			return nil, err
		}
		all = append(all, id)
	}
	for _, name := range c.Source {
		v, err := n.Source(ctx, name)
		if err != nil {
			return nil, err
		}
		all = append(all, v.ID)
	}
	switch {
	case c.Catalogue && len(all) > 0:
		return nil, fault.New(fault.Usage, "", "--catalogue is all of it: leave it out, or --feed and --source")
	case len(all) == 0:
		all = []thread.ID{{}}
	}
	return all, nil
}

// isObjects tells by a name whether a file holds objects.
func isObjects(name string) bool {
	return slices.Contains([]string{".json", ".jsonl", ".stix"}, compression.Ext(name))
}

// readList reads one file of indicators.
func readList(b *indicator.Builder, name string) error {
	in, err := openLog(name, nil)
	if err != nil {
		return err
	}
	defer in.Close()
	if isObjects(name) {
		return readError(readObjects(b, name, bufio.NewReaderSize(in, sniffed)), name)
	}
	return readError(b.List(name, in, csvName(name)), name)
}

// readObjects reads STIX (a bundle, an envelope, an array, or objects one after another), or events of MISP.
func readObjects(b *indicator.Builder, name string, in *bufio.Reader) error {
	if begin, _ := in.Peek(sniffed); !misp.Sniff(begin) {
		return b.Objects(name, stix.NewReader(in, stix.Limits{}).All())
	}
	var open []io.Closer
	defer func() {
		for _, f := range open {
			_ = f.Close() // it was only read
		}
	}()
	return b.Objects(name, misp.Items(func() (io.Reader, error) { // it is read twice
		f, err := openLog(name, nil)
		if err == nil {
			open = append(open, f)
		}
		return f, err
	}, misp.Mapping{}))
}

// readCompiled takes what --compile has written; nil where the first file is something else.
func readCompiled(names []string, beside bool) (*match.Set, *indicator.Origins, error) {
	f, err := openFile(names[0])
	if err != nil {
		return nil, nil, err
	}
	defer f.Close()
	start := make([]byte, 64)
	if n, _ := io.ReadFull(f, start); !match.IsSet(start[:n]) {
		return nil, nil, nil
	}
	if len(names) > 1 || beside {
		return nil, nil, fault.New(fault.Usage, "", "compiled indicators stand alone: compile all lists together")
	}
	info, err := f.Stat()
	if err != nil || info.Size() > 1<<36 {
		return nil, nil, fault.New(fault.TooLarge, "", "%s is too large for compiled indicators", names[0])
	}
	raw, err := os.ReadFile(names[0])
	if err != nil {
		return nil, nil, fault.Wrap(err, fault.Usage, "", "%s cannot be read", names[0])
	}
	return indicator.Read(raw, names[0])
}

const maxAllowList = 256 << 20

func readAllow(names []string, note func(string)) (*match.Allow, error) {
	if len(names) == 0 {
		return nil, nil
	}
	all := match.NewAllow()
	files, err := inFolders(names)
	if err != nil {
		return nil, err
	}
	for _, name := range files {
		in, err := openLog(name, nil)
		if err != nil {
			return nil, err
		}
		raw, err := io.ReadAll(io.LimitReader(in, maxAllowList+1))
		_ = in.Close() // it was only read
		if err != nil {
			return nil, readError(err, name)
		}
		if len(raw) > maxAllowList {
			return nil, fault.New(fault.TooLarge, "", "%s has more than %d bytes", name, maxAllowList)
		}
		skipped, err := all.Add(name, raw)
		if err != nil {
			return nil, fault.Wrap(err, fault.CodeOf(err), "", "%s: %s", name, fault.Show(err))
		}
		if skipped > 0 {
			note(fmt.Sprintf("%s: %s skipped that do not fit the list's type", name, plural(skipped, "value was", "values were")))
		}
	}
	return all, nil
}

// inFolders puts the files of a folder in its place; names that begin with a dot are left out.
func inFolders(names []string) (files []string, err error) {
	for _, name := range names {
		info, err := os.Stat(name)
		if err != nil || !info.IsDir() {
			files = append(files, name) // what is wrong with it is said when it is opened
			continue
		}
		err = filepath.WalkDir(name, func(path string, d fs.DirEntry, err error) error {
			if err == nil && d.Type().IsRegular() && !strings.HasPrefix(d.Name(), ".") {
				files = append(files, path)
			}
			return err
		})
		if err != nil {
			return nil, fault.Wrap(err, fault.Usage, "", "the folder %s cannot be read", name)
		}
	}
	return files, nil
}
