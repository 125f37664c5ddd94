package cli

import (
	"context"
	"io"

	"github.com/comity-exchange/comity/fault"
	"github.com/comity-exchange/comity/internal/catalogue"
	"github.com/comity-exchange/comity/internal/node"
	"github.com/comity-exchange/comity/stix"
	"github.com/comity-exchange/comity/thread"
)

type intelExportCmd struct {
	Thread string `placeholder:"ID" help:"Of this source, feed or share alone: its id, or a source's name."`
	Format string `default:"stix" placeholder:"FORM" help:"stix (a bundle), misp (an event, or several), misp-feed (a directory with manifest.json, an event a file, and hashes.csv), csv (indicators by value, a line for each that somebody gave), list (the values that stand now, one a line)."`
	Defang bool   `help:"With list: as nobody clicks on them by mistake."`
	Output string `short:"o" placeholder:"FILE" help:"Write to this new file, or into this directory. Without it: the standard output."`
}

func (intelExportCmd) Help() string {
	return `Writes the last version of everything that is here, as it came. It is for your own use: what is marked stays marked.
  comity intel export --thread 3f2a1b -o feed.json
  comity intel export --format misp-feed -o feed
  comity intel export --format csv -o indicators.csv
  comity intel export --format list --defang -o indicators.txt`
}

func (c *intelExportCmd) Run(ctx context.Context, s *session) error {
	if _, err := oneOf("--format", c.Format, "stix", "misp", "misp-feed", "csv", "list"); err != nil {
		return err
	}
	switch {
	case c.Format == "misp-feed" && c.Output == "":
		return fault.New(fault.Usage, "", "a feed is a directory: -o DIR")
	case c.Defang && c.Format != "list":
		return fault.New(fault.Usage, "", "--defang is for --format list")
	}
	return s.withCatalogue(ctx, func(n *node.Node) error {
		q := catalogue.Query{}
		if c.Thread != "" {
			var err error
			if q.Thread, err = gathered(ctx, n, c.Thread); err != nil {
				return err
			}
		}
		write := func(w io.Writer) error { return export(ctx, n, q, w) }
		switch c.Format {
		case "misp-feed":
			return exportFeed(ctx, s, n, q, c.Output)
		case "misp":
			write = func(w io.Writer) error { return exportEvents(ctx, s, n, q, w) }
		case "csv", "list":
			l := listing{ctx: ctx, n: n, of: q.Thread, now: s.now(), defang: c.Defang, names: map[thread.ID]string{}}
			write = func(w io.Writer) error { return l.export(s, c.Format == "csv", w) }
		}
		if c.Output == "" {
			return write(s.out)
		}
		return writeFile(c.Output, false, write)
	})
}

// export writes all pages of a query as one bundle, whose id is that of what was asked for.
func export(ctx context.Context, n *node.Node, q catalogue.Query, w io.Writer) error {
	out, err := stix.NewWriter(w, stix.Bundle, stix.DeriveID("bundle", matchNamespace, q.Thread[:]))
	if err != nil {
		return err
	}
	for more := true; more; {
		page, err := n.Objects(ctx, q)
		if err != nil {
			return err
		}
		for _, o := range page.Objects {
			p, err := stix.Parse(o.Raw)
			if err != nil {
				return err
			}
			if err := out.Write(p); err != nil {
				return err
			}
		}
		q.Added, more = page.Next, page.More
	}
	return out.Close()
}
