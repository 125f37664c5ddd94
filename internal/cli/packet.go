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
}

type packetPackCmd struct {
	Peer   party.Code `arg:"" help:"For whom."`
	Output string     `required:"" short:"o" placeholder:"FILE" help:"Where to; - is the standard output."`
}

func (packetPackCmd) Help() string {
	return `The same bytes that would go over the wire, sealed to the peer: any medium may carry them. What is packed stays queued until its receipts come back.
A packet holds at most 8 MiB; when more waits, pack again after the receipts are here. Where nothing waits, no file is written.
  comity packet pack XB -o to-xb.packet`
}

// packed is what came of packing.
type packed struct {
	Peer  party.Code `json:"peer"`
	File  string     `json:"file,omitzero"` // absent: nothing to send
	Heads int        `json:"heads"`
	Blobs int        `json:"blobs"`
	Bytes int        `json:"bytes"`
}

func (c *packetPackCmd) Run(ctx context.Context, s *session) error {
	return s.with(ctx, func(n *node.Node) error {
		stop := s.working("packing")
		var b bytes.Buffer
		heads, blobs, err := n.Pack(ctx, c.Peer, &b)
		stop()
		if err != nil {
			return err
		}
		out := packed{Peer: c.Peer, Heads: heads, Blobs: blobs, Bytes: b.Len()}
		if b.Len() > 0 {
			if c.Output == "-" {
				return s.print(b.Bytes())
			}
			if err := writeFile(c.Output, false, writing(b.Bytes())); err != nil {
				return advise(err, "-o names another file")
			}
			out.File = c.Output
		}
		return s.show(out, func(p *page) {
			if out.File == "" {
				p.say("Nothing waits for %s.", c.Peer)
				return
			}
			p.say("%s in %s for %s: %s, %s.", size(int64(out.Bytes)), c.Output, c.Peer, plural(heads, "statement", "statements"),
				plural(blobs, "part of an attachment", "parts of attachments"))
		})
	})
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
	exchange.Received
	Said  []newlySaid `json:"said"`
	Reply string      `json:"reply,omitzero"` // file with the receipts
}

// newlySaid is a statement that was not here before.
type newlySaid struct {
	ID    statement.ID   `json:"id"`
	Kind  statement.Kind `json:"kind"`
	Title string         `json:"title,omitzero"`
}

func (c *packetOpenCmd) Run(ctx context.Context, s *session) error {
	var r io.Reader = s.in
	if c.File != "-" {
		f, err := openFile(c.File)
		if err != nil {
			return err
		}
		defer f.Close()
		r = f
	}
	return s.with(ctx, func(n *node.Node) error {
		stop := s.working("opening")
		var reply bytes.Buffer
		got, err := n.Unpack(ctx, r, &reply)
		stop()
		if err != nil {
			return err
		}
		out := taken{Received: got}
		if reply.Len() > 0 && c.Reply != "" {
			if err := writeFile(c.Reply, false, writing(reply.Bytes())); err != nil {
				return advise(err, "the packet was taken; open it again with another --reply to get its receipts")
			}
			out.Reply = c.Reply
		}
		for _, id := range got.New {
			one, err := n.Statement(ctx, id)
			if err != nil {
				return err
			}
			out.Said = append(out.Said, newlySaid{id, one.Kind, line(one.Title)})
		}
		return s.show(out, func(p *page) { writeTaken(p, out, reply.Len() > 0) })
	})
}

func writeTaken(p *page, t taken, receipts bool) {
	p.say("Packet of %s: %s.", p.bold(string(t.Author)), orNothing(len(t.New), "new statement", "new statements"))
	for i, one := range t.Said {
		if i == mostListed {
			p.say("    and %s more", number(len(t.Said)-i))
			break
		}
		text := strings.TrimRight(fmt.Sprintf("%s  %s  %s", one.ID.Short(), one.Kind, one.Title), " ")
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
	var r io.Reader = s.in
	if c.File != "-" {
		f, err := openFile(c.File)
		if err != nil {
			return err
		}
		defer f.Close()
		r = f
	}
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
