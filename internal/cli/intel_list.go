package cli

import (
	"bufio"
	"context"
	"crypto/sha256"
	"io"
	"time"

	"github.com/comity-exchange/comity/fault"
	"github.com/comity-exchange/comity/internal/catalogue"
	"github.com/comity-exchange/comity/internal/indicator"
	"github.com/comity-exchange/comity/internal/node"
	"github.com/comity-exchange/comity/match"
	"github.com/comity-exchange/comity/stix"
	"github.com/comity-exchange/comity/thread"
)

// listing writes the indicators of a catalogue that look for values, as a list.
type listing struct {
	ctx    context.Context
	n      *node.Node
	viewer catalogue.Viewer
	of     thread.ID
	now    time.Time
	defang bool
	names  map[thread.ID]string // of sources, feeds and shares

	strict  *strictest
	parser  stix.Parser
	seen    map[[16]byte]struct{} // values of a plain list that are written
	left    int64                 // objects that look for no values
	past    int64                 // indicators that do not stand now
	unnamed int64                 // files' names, which a plain list cannot say to be that
}

// export writes them: as CSV each by itself, whoever gave it, or as a plain list each value once.
func (l *listing) export(s *session, csv bool, w io.Writer) error {
	out := bufio.NewWriter(w)
	if csv {
		if _, err := out.WriteString(match.Heading("id", "version", "party", "source", "tlp")); err != nil {
			return unwritten(err)
		}
	} else {
		l.seen = map[[16]byte]struct{}{}
	}
	err := l.n.Catalogue.EachParcel(l.ctx, l.viewer, l.of, func(t catalogue.Text) error { return l.parcel(t, csv, out) })
	if err == nil {
		err = unwritten(out.Flush())
	}
	if l.left > 0 {
		s.note(plural(l.left, "object looks", "objects look") + " for no value: not in the list")
	}
	if l.past > 0 {
		s.note(plural(l.past, "indicator is", "indicators are") + " revoked or not valid now: not in the list")
	}
	if l.unnamed > 0 {
		s.note(plural(l.unnamed, "name of a file is", "names of files are") + " not in the list, which could not say that they are names of files: --format csv does")
	}
	return err
}

func unwritten(err error) error {
	if err == nil {
		return nil
	}
	return fault.Wrap(err, fault.Unavailable, "", "the output cannot be written")
}

// parcel writes what is in one parcel.
func (l *listing) parcel(t catalogue.Text, csv bool, out *bufio.Writer) error {
	var doubtful []int
	t.Lines(func(n int, _ []byte) bool {
		if t.Shared.Has(n) {
			doubtful = append(doubtful, n)
		}
		return true
	})
	last := map[int]catalogue.Entry{}
	var err error
	if len(doubtful) > 0 {
		if last, err = l.n.Catalogue.At(l.ctx, l.viewer, t.No, doubtful...); err != nil {
			return err
		}
	}
	name, err := l.name(t.Thread)
	if err != nil {
		return err
	}
	t.Lines(func(n int, line []byte) bool {
		if _, ok := last[n]; t.Shared.Has(n) && !ok {
			return true // a later version came under another marking
		}
		err = l.line(t, name, line, csv, out)
		return err == nil
	})
	return err
}

// line writes one object's values.
func (l *listing) line(t catalogue.Text, source string, raw []byte, csv bool, out *bufio.Writer) error {
	o, err := l.parser.Parse(raw)
	if err != nil {
		return nil // it is hidden by now
	}
	if o.Type != "indicator" {
		l.left++
		return nil
	}
	values, row, err := indicator.Values(o)
	if err != nil {
		l.left++
		return nil
	}
	if !csv && !row.Valid(l.now) {
		l.past++
		return nil
	}
	for _, v := range values {
		var text []byte
		switch {
		case csv:
			text = match.AppendListed(nil, v, row, string(o.ID), string(o.Version()), string(t.Head.From), source, string(t.Head.Marking.TLP))
		case v.Kind == match.File:
			l.unnamed++
			continue
		default:
			sum := sha256.Sum256([]byte(v.Kind.String() + " " + v.Text))
			if _, twice := l.seen[[16]byte(sum[:])]; twice {
				continue
			}
			l.seen[[16]byte(sum[:])] = struct{}{}
			if text = []byte(v.Text); l.defang {
				text = []byte(v.Defanged())
			}
			text = append(text, '\n')
		}
		l.strict.add(t.Head.Marking.TLP)
		if _, err := out.Write(text); err != nil {
			return unwritten(err)
		}
	}
	return nil
}

// name is what a source, feed or share is called, or the beginning of its id.
func (l *listing) name(id thread.ID) (string, error) {
	if name, ok := l.names[id]; ok {
		return name, nil
	}
	v, _, err := l.n.Intel(l.ctx, id)
	if err != nil && fault.CodeOf(err) != fault.NotFound {
		return "", err
	}
	if v.Name == "" {
		v.Name = id.Short()
	}
	l.names[id] = v.Name
	return v.Name, nil
}
