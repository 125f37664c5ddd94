package cli

import (
	"bufio"
	"bytes"
	"context"
	"encoding/csv"
	"fmt"
	"io"
	"iter"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"sync/atomic"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/comity-exchange/comity/fault"
	"github.com/comity-exchange/comity/internal/catalogue"
	"github.com/comity-exchange/comity/internal/compression"
	"github.com/comity-exchange/comity/internal/node"
	"github.com/comity-exchange/comity/marking"
	"github.com/comity-exchange/comity/misp"
	"github.com/comity-exchange/comity/stix"
)

// honest is what a file that is imported may unpack to: somebody else may have packed it.
func honest() compression.Bounds { return compression.Bounds{Times: compression.Honest} }

// openWithin opens a file, of a feed only where it lies within that: a name that leads out of it, as a symbolic link may, would bring in whatever its author points to.
func openWithin(feed *os.Root, name string) (*os.File, error) {
	if feed == nil {
		return openFile(name)
	}
	f, err := feed.Open(filepath.Base(name))
	if err != nil {
		return nil, fault.Wrap(err, fault.Usage, "", "%s cannot be opened, or leads out of the feed's directory", name)
	}
	return f, nil
}

// opened opens a file, or gives the standard input for "-", plain, gzip or zstd. done counts what is read of it, of size bytes; 0: nobody knows how many.
func opened(name string, within *os.Root, stdin io.Reader, done *atomic.Int64) (in io.ReadCloser, size int64, err error) {
	if name == "-" {
		in, err = unpack(&compression.Tally{Reader: stdin, N: done}, func() {}, honest())
		return in, 0, err
	}
	f, err := openWithin(within, name)
	if err != nil {
		return nil, 0, err
	}
	if info, err := f.Stat(); err == nil && info.Mode().IsRegular() {
		size = info.Size()
	}
	in, err = unpack(&compression.Tally{Reader: f, N: done}, func() { _ = f.Close() }, honest()) // it was only read
	return in, size, err
}

// feedDir is a feed of MISP in a directory.
type feedDir struct {
	root    *os.Root // outside of which nothing of it is read
	events  []string // files
	refused []stix.Item
}

// feedIn gives the feed of MISP that a directory has; nil for what is no directory. Whoever has it closes its root.
func feedIn(name string) (*feedDir, error) {
	if info, err := os.Stat(name); name == "-" || err != nil || !info.IsDir() {
		return nil, nil // a file that is not there is told when it is read
	}
	root, err := os.OpenRoot(name)
	if err != nil {
		return nil, fault.Wrap(err, fault.Usage, "", "%s cannot be opened", name)
	}
	feed := &feedDir{root: root}
	if err := feed.list(name); err != nil {
		_ = root.Close() // it was only read
		return nil, err
	}
	return feed, nil
}

func (d *feedDir) list(name string) error {
	f, err := d.root.Open("manifest.json")
	if err != nil {
		return fault.Wrap(err, fault.Usage, "", "%s is a directory without a manifest.json: name the files in it", name)
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, misp.MaxManifestBytes+1))
	if err != nil {
		return fault.Wrap(err, fault.Usage, "", "manifest.json cannot be read")
	}
	m, refused, err := misp.ParseManifest(text)
	if err != nil {
		return err
	}
	for uuid := range m {
		d.events = append(d.events, filepath.Join(name, string(uuid)+".json"))
	}
	slices.Sort(d.events)
	d.refused = refused
	return nil
}

// sniffed is how much of a text is looked at to find out what it is.
const sniffed = 64 << 10

// items reads what a file has as STIX.
func (c *intelImportCmd) items(name string, within *os.Root, in io.Reader, source node.IntelView, m marking.Marking) (iter.Seq2[stix.Item, error], error) {
	form := c.Form
	text := bufio.NewReaderSize(in, sniffed)
	if form == "auto" {
		form = map[string]string{".csv": "csv", ".txt": "list", ".list": "list"}[compression.Ext(name)]
		if form == "" {
			if begin, _ := text.Peek(sniffed); misp.Sniff(begin) {
				form = "misp"
			}
		}
	}
	switch form {
	case "list", "csv":
		return catalogue.FromList(text, form == "csv", source.ID, stix.At(source.Opened.Std())), nil
	case "misp":
		return eventsIn(name, within, text, misp.Mapping{TLP: m.TLP})
	}
	return stix.NewReader(text, stix.Limits{}).All(), nil
}

// eventsIn reads events of MISP. A file is read twice; what comes over the standard input is held.
func eventsIn(name string, within *os.Root, text io.Reader, m misp.Mapping) (iter.Seq2[stix.Item, error], error) {
	if name != "-" {
		return misp.Items(fileTwice(name, within, text), m), nil
	}
	all, err := io.ReadAll(io.LimitReader(text, misp.MaxEventBytes+1))
	if err != nil {
		return nil, fault.Wrap(err, fault.Unavailable, "", "the standard input cannot be read")
	}
	if len(all) > misp.MaxEventBytes {
		return nil, fault.New(fault.TooLarge, "", "over the standard input come at most %d bytes of MISP; write them to a file first", misp.MaxEventBytes)
	}
	return misp.ItemsOf(all, m), nil
}

// fileTwice opens a file again, and then gives what is open already.
func fileTwice(name string, within *os.Root, text io.Reader) func() (io.Reader, error) {
	first := true
	return func() (io.Reader, error) {
		if !first {
			return text, nil
		}
		first = false
		f, _, err := opened(name, within, nil, new(atomic.Int64))
		if err != nil {
			return nil, err
		}
		return &closing{f}, nil
	}
}

// closing is a file that closes itself at its end.
type closing struct{ f io.ReadCloser }

func (c *closing) Read(b []byte) (int, error) {
	n, err := c.f.Read(b)
	if err != nil {
		_ = c.f.Close() // it was only read
	}
	return n, err
}

// eventsOf makes events of what a query finds, and says on the side what a reader of MISP will not see.
func eventsOf(ctx context.Context, s *session, n *node.Node, q catalogue.Query) ([]*misp.Event, error) {
	code := string(n.Config.Code)
	org := &misp.Org{Name: code, UUID: misp.UUID(stix.DeriveID("identity", matchNamespace, []byte(code)).UUID())}
	frame := misp.Frame{UUID: misp.UUID(stix.DeriveID("report", matchNamespace, q.Thread[:]).UUID()), Info: "Intelligence of " + code, Orgc: org, Distribution: misp.OwnOrganisation}
	events, lost, err := n.MISPEvents(ctx, q, frame)
	if err != nil {
		return nil, err
	}
	reasons := map[string]int{}
	for _, l := range lost {
		reasons[l.Reason]++
	}
	for _, r := range slices.Sorted(maps.Keys(reasons)) {
		fmt.Fprintf(s.err, "Not seen in MISP, though it travels along: %s: %s.\n", plural(reasons[r], "object", "objects"), r)
	}
	return events, nil
}

// exportEvents writes one event, or several as MISP answers a search.
func exportEvents(ctx context.Context, s *session, n *node.Node, q catalogue.Query, w io.Writer) error {
	events, err := eventsOf(ctx, s, n, q)
	if err != nil {
		return err
	}
	if len(events) == 1 {
		return writeEvent(w, events[0])
	}
	io.WriteString(w, `{"response":[`)
	for i, e := range events {
		if i > 0 {
			io.WriteString(w, ",")
		}
		if err := writeEvent(w, e); err != nil {
			return err
		}
	}
	_, err = io.WriteString(w, "]}\n")
	return err
}

func writeEvent(w io.Writer, e *misp.Event) error {
	err := json.MarshalWrite(w, map[string]*misp.Event{"Event": e}, jsontext.WithIndent(" "))
	if err != nil {
		return fault.Wrap(err, fault.Unavailable, "", "the event cannot be written")
	}
	return nil
}

// exportFeed writes a feed: the events first, so that the manifest names nothing that is not there.
func exportFeed(ctx context.Context, s *session, n *node.Node, q catalogue.Query, dir string) error {
	events, err := eventsOf(ctx, s, n, q)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return fault.Wrap(err, fault.Usage, "", "%s cannot be made", dir)
	}
	manifest := misp.Manifest{}
	var hashes bytes.Buffer
	lines := csv.NewWriter(&hashes)
	for _, e := range events {
		if err := writeFile(filepath.Join(dir, string(e.UUID)+".json"), true, func(w io.Writer) error { return writeEvent(w, e) }); err != nil {
			return err
		}
		manifest[e.UUID] = e.Entry()
		for h := range e.Hashes() {
			if err := lines.Write([]string{h, string(e.UUID)}); err != nil {
				return fault.Wrap(err, fault.Internal, "", "hashes.csv cannot be made")
			}
		}
	}
	lines.Flush()
	if err := writeFile(filepath.Join(dir, "hashes.csv"), true, func(w io.Writer) error { _, err := w.Write(hashes.Bytes()); return err }); err != nil {
		return err
	}
	return writeFile(filepath.Join(dir, "manifest.json"), true, func(w io.Writer) error {
		if err := json.MarshalWrite(w, manifest, json.Deterministic(true), jsontext.WithIndent(" ")); err != nil {
			return fault.Wrap(err, fault.Unavailable, "", "the manifest cannot be written")
		}
		return nil
	})
}
