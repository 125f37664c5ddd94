package cli

import (
	"cmp"
	"context"
	"io"
	"slices"
	"strings"

	"github.com/comity-exchange/comity/fault"
	"github.com/comity-exchange/comity/internal/catalogue"
	"github.com/comity-exchange/comity/internal/exchange"
	"github.com/comity-exchange/comity/internal/node"
	"github.com/comity-exchange/comity/marking"
	"github.com/comity-exchange/comity/party"
	"github.com/comity-exchange/comity/statement"
	"github.com/comity-exchange/comity/stix"
	"github.com/comity-exchange/comity/thread"
)

type intelExportCmd struct {
	Thread string      `placeholder:"ID" help:"Of this source, feed or share alone: its id, or a source's name."`
	TLP    marking.TLP `placeholder:"LABEL" help:"What came under this label or a less strict one. With --for and without it: CLEAR for outside, AMBER for a party."`
	For    string      `placeholder:"PARTY" help:"What may be passed on to this party, or, with the word outside, to who is no party: as the markings and the agreements under which it came decide."`
	Type   []stix.Type `sep:"none" placeholder:"TYPE" help:"Objects of this type alone; may be repeated."`
	Format string      `default:"stix" placeholder:"FORM" help:"stix (a bundle), misp (an event, or several), misp-feed (a directory with manifest.json, an event a file, and hashes.csv), csv (indicators by value, a line for each that somebody gave), list (the values that stand now, one a line: it has no room for a marking, and loses it)."`
	Defang bool        `help:"With list: as nobody clicks on them by mistake."`
	Output string      `short:"o" placeholder:"FILE" help:"Write to this new file, or into this directory. Without it, or with -: the standard output."`
}

func (intelExportCmd) Help() string {
	return `Writes the last version of everything that is here, as it came, or with --tlp, --for and --type what of it is asked for. What is marked stays marked, but in a plain list; the strictest label
of what was written is said on standard error.
  comity intel export --thread 3f2a1b -o feed.json
  comity intel export --for XB --type indicator --type malware -o for-xb.json
  comity intel export --format misp-feed -o feed
  comity intel export --format csv --tlp GREEN -o indicators.csv
  comity intel export --format list --for outside --defang -o indicators.txt`
}

func (c *intelExportCmd) Run(ctx context.Context, s *session) error {
	if _, err := oneOf("--format", c.Format, "stix", "misp", "misp-feed", "csv", "list"); err != nil {
		return err
	}
	if c.Output == "-" {
		c.Output = ""
	}
	lists := c.Format == "csv" || c.Format == "list"
	switch {
	case c.Format == "misp-feed" && c.Output == "":
		return fault.New(fault.Usage, "", "a feed is a directory: -o DIR")
	case c.Defang && c.Format != "list":
		return fault.New(fault.Usage, "", "--defang is for --format list")
	case lists && len(c.Type) > 0 && !slices.Contains(c.Type, "indicator"):
		return fault.New(fault.Usage, "", "--format %s has indicators alone: --type indicator, or none", c.Format)
	}
	return s.withCatalogue(ctx, func(n *node.Node) error {
		q := catalogue.Query{Types: c.Type}
		var err error
		if q.For, err = c.viewer(ctx, n); err != nil {
			return err
		}
		if c.Thread != "" {
			if q.Thread, err = gathered(ctx, n, c.Thread); err != nil {
				return err
			}
		}
		var strict strictest
		write := func(w io.Writer) error { return export(ctx, n, q, &strict, w) }
		switch {
		case lists:
			l := listing{ctx: ctx, n: n, viewer: q.For, of: q.Thread, now: s.now(), defang: c.Defang, names: map[thread.ID]string{}, strict: &strict}
			write = func(w io.Writer) error { return l.export(s, c.Format == "csv", w) }
		case c.Format == "misp":
			write = func(w io.Writer) error { return exportEvents(ctx, s, n, q, w) }
		}
		if strings.HasPrefix(c.Format, "misp") {
			if err := strict.all(ctx, n, q); err != nil {
				return err
			}
		}
		switch {
		case c.Format == "misp-feed":
			err = exportFeed(ctx, s, n, q, c.Output)
		case c.Output == "":
			err = write(s.out)
		default:
			err = writeFile(c.Output, false, write)
		}
		if err == nil {
			s.note(strict.tell(q.For))
		}
		return err
	})
}

// viewer is for whom it is. This party's own may go wherever an officer sends it, so without --tlp no more of it goes out than a reader of its label would expect.
func (c *intelExportCmd) viewer(ctx context.Context, n *node.Node) (v catalogue.Viewer, err error) {
	// spec: INT-9
	if c.TLP, err = oneOf("--tlp", string(c.TLP), marking.TLPs()...); err != nil {
		return v, err
	}
	if v, err = n.AtDesk(ctx); err != nil {
		return v, err
	}
	v.Max = c.TLP
	if c.For == "" {
		return v, nil
	}
	v.Officer = false
	if c.For == "outside" {
		v.Party, v.Max = exchange.Outside, cmp.Or(c.TLP, marking.Clear)
		return v, nil
	}
	if v.Party, err = party.ParseCode(c.For); err != nil {
		return v, fault.Wrap(err, fault.Usage, "", "--for names a party by its code, such as XB, or says outside")
	}
	v.Max = cmp.Or(c.TLP, marking.Amber)
	return v, nil
}

// strictest is the strictest label of what is written.
type strictest struct {
	label marking.TLP
	known map[statement.ID]bool
}

func (x *strictest) add(label marking.TLP) {
	if label.Rank() > x.label.Rank() {
		x.label = label
	}
}

// with adds the label of a statement with which something came.
func (x *strictest) with(ctx context.Context, n *node.Node, id statement.ID) error {
	if x.known[id] {
		return nil
	}
	if x.known == nil {
		x.known = map[statement.ID]bool{}
	}
	m, err := n.MarkingOf(ctx, id)
	x.known[id] = err == nil
	x.add(m.TLP)
	return err
}

// all adds the labels of all that a query finds.
func (x *strictest) all(ctx context.Context, n *node.Node, q catalogue.Query) error {
	return n.EachObject(ctx, q, func(o catalogue.Object) error { return x.with(ctx, n, o.Parcel.Content.Statement) })
}

// tell is what is said of it to whoever exports for a viewer.
func (x *strictest) tell(v catalogue.Viewer) string {
	switch {
	case x.label == "" && v.Max != "":
		return "nothing of what was asked for may go there, or is under TLP:" + string(v.Max) + " (--tlp)"
	case x.label == "":
		return "there is nothing of what was asked for"
	}
	return "the strictest of what is written came under TLP:" + string(x.label)
}

// export writes all pages of a query as one bundle, whose id is that of what was asked for.
func export(ctx context.Context, n *node.Node, q catalogue.Query, strict *strictest, w io.Writer) error {
	out, err := stix.NewWriter(w, stix.Bundle, stix.DeriveID("bundle", matchNamespace, q.Thread[:]))
	if err != nil {
		return err
	}
	err = n.EachObject(ctx, q, func(o catalogue.Object) error {
		if err := strict.with(ctx, n, o.Parcel.Content.Statement); err != nil {
			return err
		}
		p, err := stix.Parse(o.Raw)
		if err != nil {
			return err
		}
		return out.Write(p)
	})
	if err != nil {
		return err
	}
	return out.Close()
}
