package cli

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"github.com/comity-exchange/comity/internal/exchange"
	"github.com/comity-exchange/comity/internal/node"
	"github.com/comity-exchange/comity/party"
	"github.com/comity-exchange/comity/statement"
)

type packetCmd struct {
	Pack    packetPackCmd    `cmd:"" help:"Write the next packet for a peer to a file."`
	Open    packetOpenCmd    `cmd:"" help:"Take a packet that came as a file, and write its receipts."`
	Inspect packetInspectCmd `cmd:"" help:"List what a packet for this node holds, without taking it."`
	Mirror  packetMirrorCmd  `cmd:"" help:"Write what is here of a peer's own log, for a peer that has lost it."`
}

type packetPackCmd struct {
	Peer   party.Code `arg:"" help:"For whom."`
	Output string     `required:"" short:"o" placeholder:"FILE" help:"Where to; - is the standard output."`
}

func (packetPackCmd) Help() string {
	return `The same bytes that would go over the wire, sealed to the peer: any medium may carry them. What is packed stays queued until its receipts come back.
A packet holds at most 8 MiB; large attachments, which go once their statement is receipted, become a series of files, FILE, FILE.2, FILE.3, to be opened in
this order. Where nothing waits, no file is written.
  comity packet pack XB -o to-xb.packet`
}

// packed is what came of packing.
type packed struct {
	Peer  party.Code `json:"peer"`
	Files []string   `json:"files"` // to be opened in this order; none: nothing to send
	Heads int        `json:"heads"`
	Blobs int        `json:"blobs"`
	Bytes int64      `json:"bytes"`
}

func (c *packetPackCmd) Run(ctx context.Context, s *session) error {
	return s.with(ctx, func(n *node.Node) error {
		stop := s.working("packing")
		out := packed{Peer: c.Peer, Files: []string{}}
		err := c.series(ctx, s, n, &out)
		stop()
		if err != nil || c.Output == "-" {
			return err
		}
		return s.show(out, out.write)
	})
}

// series writes packets until one has no part of an attachment any more.
func (c *packetPackCmd) series(ctx context.Context, s *session, n *node.Node, out *packed) error {
	if c.Output == "-" { // one packet: a stream has no second file
		var b bytes.Buffer
		if _, _, err := n.PackAfter(ctx, c.Peer, map[statement.Digest]int64{}, &b); err != nil || b.Len() == 0 {
			return err
		}
		return s.print(b.Bytes())
	}
	return n.PackSeries(ctx, c.Peer, func(raw []byte, heads, blobs int) error {
		name := c.Output
		if i := len(out.Files); i > 0 {
			name = fmt.Sprintf("%s.%d", c.Output, i+1)
		}
		if err := writeFile(name, false, writing(raw)); err != nil {
			return advise(err, "-o names another file")
		}
		out.Files = append(out.Files, name)
		out.Heads, out.Blobs, out.Bytes = max(out.Heads, heads), out.Blobs+blobs, out.Bytes+int64(len(raw))
		return nil
	})
}

func (o packed) write(p *page) {
	if len(o.Files) == 0 {
		p.say("Nothing waits for %s.", o.Peer)
		return
	}
	what := "what is known of logs, no statement"
	switch {
	case o.Heads > 0 && o.Blobs > 0:
		what = plural(o.Heads, "statement", "statements") + ", " + plural(o.Blobs, "part of attachments", "parts of attachments")
	case o.Heads > 0:
		what = plural(o.Heads, "statement", "statements")
	case o.Blobs > 0:
		what = plural(o.Blobs, "part of attachments", "parts of attachments")
	}
	p.say("For %s: %s, %s.", o.Peer, what, size(o.Bytes))
	for _, f := range o.Files {
		p.say("    %s", f)
	}
	if len(o.Files) > 1 {
		p.say("Open them in this order.")
	}
}

type packetOpenCmd struct {
	File  string `arg:"" help:"The packet; - is the standard input."`
	Reply string `placeholder:"FILE" help:"Write the packet with the receipts here, to be carried back. Without it they go with the next packet for its author."`
}

func (packetOpenCmd) Help() string {
	return `Taking a packet twice does no harm. Until its receipts are back its author has to go on as if nothing had arrived.
  comity packet open from-xa.packet --reply to-xa.packet`
}

// taken is what came of a packet.
type taken struct {
	node.Unpacked
	Reply string `json:"reply,omitzero"` // file with the receipts
}

// input opens a packet's file; - is the standard input, which is left open.
func (s *session) input(name string) (r io.Reader, done func(), err error) {
	if name == "-" {
		return s.in, func() {}, nil
	}
	f, err := openFile(name)
	if err != nil {
		return nil, nil, err
	}
	return f, func() { _ = f.Close() }, nil
}

func (c *packetOpenCmd) Run(ctx context.Context, s *session) error {
	r, done, err := s.input(c.File)
	if err != nil {
		return err
	}
	defer done()
	return s.with(ctx, func(n *node.Node) error {
		stop := s.working("opening")
		var reply bytes.Buffer
		got, err := n.Take(ctx, r, &reply)
		stop()
		if err != nil {
			return err
		}
		out := taken{Unpacked: got}
		if reply.Len() > 0 && c.Reply != "" {
			if err := writeFile(c.Reply, false, writing(reply.Bytes())); err != nil {
				return advise(err, "the packet was taken; open it again with another --reply to get its receipts")
			}
			out.Reply = c.Reply
		}
		return s.show(out, func(p *page) { writeTaken(p, out, reply.Len() > 0) })
	})
}

func writeTaken(p *page, t taken, receipts bool) {
	what := orNothing(len(t.Said), "new statement", "new statements")
	if n := t.Taken; n > 0 {
		receipts := plural(n, "receipt", "receipts") + " for what was sent"
		if len(t.Said) == 0 {
			what = receipts
		} else {
			what += " and " + receipts
		}
	}
	p.say("Packet of %s: %s.", p.bold(string(t.Author)), what)
	for i, one := range t.Said {
		if i == mostListed {
			p.say("    and %s more", number(len(t.Said)-i))
			break
		}
		text := strings.TrimRight(fmt.Sprintf("%s  %s  %s", one.ID.Short(), one.Kind, line(one.Title)), " ")
		if clause, ok := t.Refused[one.ID]; ok {
			text += "  " + p.warn("refused ("+clause+"): its body was dropped")
		}
		p.say("    %s", text)
	}
	for _, sum := range slices.SortedFunc(maps.Keys(t.Blobs), func(a, b statement.Digest) int { return bytes.Compare(a[:], b[:]) }) {
		if here := t.Blobs[sum]; here == exchange.Dropped {
			p.say("    attachment %.10s was erased here and is not taken again", sum)
		} else {
			p.say("    attachment %.10s: %s here so far", sum, size(here))
		}
	}
	switch {
	case t.Reply != "":
		p.say("Its receipts are in %s: carry it back to %s.", t.Reply, t.Author)
	case receipts:
		p.say("Its receipts are not on their way yet: open it again with --reply FILE, or let the node be served.")
	}
}

// mostListed is how many new statements are listed one by one.
const mostListed = 20

func orNothing(n int, one, many string) string {
	if n == 0 {
		return "nothing new"
	}
	return plural(n, one, many)
}

type packetInspectCmd struct {
	File string `arg:"" help:"The packet; - is the standard input."`
}

func (packetInspectCmd) Help() string {
	return `It says what is in the packet, not whether it is authentic.
  comity packet inspect from-xa.packet`
}

func (c *packetInspectCmd) Run(ctx context.Context, s *session) error {
	r, done, err := s.input(c.File)
	if err != nil {
		return err
	}
	defer done()
	return s.with(ctx, func(n *node.Node) error {
		members, err := n.Inspect(r)
		if err != nil {
			return err
		}
		out := []memberView{}
		for _, m := range members {
			out = append(out, memberView(m))
		}
		return s.show(out, func(p *page) {
			t := newTable("member", ">bytes", ">lines")
			for _, m := range out {
				lines := ""
				if m.Lines > 0 {
					lines = number(m.Lines)
				}
				t.add(m.Name, number(m.Size), lines)
			}
			p.table(t)
		})
	})
}

// memberView is a member of a packet as it is shown.
type memberView struct {
	Name  string `json:"name"`
	Size  int64  `json:"size"`
	Lines int    `json:"lines,omitzero"`
}
