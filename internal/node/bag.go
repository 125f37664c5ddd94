package node

import (
	"bytes"
	"context"
	"io"

	"github.com/comity-exchange/comity/fault"
	"github.com/comity-exchange/comity/internal/exchange"
	"github.com/comity-exchange/comity/packet"
	"github.com/comity-exchange/comity/party"
	"github.com/comity-exchange/comity/statement"
)

// Pack writes the next packet for a peer: the same bytes that would go over the wire, for a file. It reports how many heads and blob parts are in it;
// zero of both means that the peer has everything, and nothing was written. What is packed stays queued until its receipts come back.
func (n *Node) Pack(ctx context.Context, peer party.Code, w io.Writer) (heads, blobs int, err error) {
	// spec: NET-5
	return n.Courier.Pack(ctx, peer, nil, w)
}

// PackAfter is Pack for one of a series of packets that are to be opened in order. have is empty for the first, and the same map for each that follows.
func (n *Node) PackAfter(ctx context.Context, peer party.Code, have map[statement.Digest]int64, w io.Writer) (heads, blobs int, err error) {
	// spec: NET-5
	return n.Courier.PackAfter(ctx, peer, have, w)
}

// Unpack takes a packet that came as a file, and writes the packet with the receipts for it to reply. Nothing is written where there is nothing to receipt.
func (n *Node) Unpack(ctx context.Context, r io.Reader, reply io.Writer) (exchange.Received, error) {
	got, err := n.Exchange.Receive(ctx, "", r)
	if err != nil || len(got.Receipts) == 0 {
		return got, err
	}
	_, _, err = n.Courier.Pack(ctx, got.Author, got.Receipts, reply)
	return got, err
}

// PackSeries packs all that waits for a peer, attachments too, into packets that are to be opened in this order, each at most 16 MiB. Where nothing waits, each is not
// called. What is packed stays queued until its receipts come back.
func (n *Node) PackSeries(ctx context.Context, peer party.Code, each func(packet []byte, heads, blobs int) error) error {
	// spec: NET-5
	have := map[statement.Digest]int64{}
	for first := true; ; first = false {
		var b bytes.Buffer
		before := total(have)
		heads, blobs, err := n.PackAfter(ctx, peer, have, &b)
		if err != nil || b.Len() == 0 || !first && total(have) == before {
			return err
		}
		if err := each(b.Bytes(), heads, blobs); err != nil || blobs == 0 {
			return err
		}
	}
}

func total(have map[statement.Digest]int64) (n int64) {
	for _, bytes := range have {
		n += bytes
	}
	return n
}

// MirrorSeries gives all that this node holds of a party's log from a leaf on, in packets sealed to that party, in this order; see GiveBack.
func (n *Node) MirrorSeries(ctx context.Context, code party.Code, from int64, each func(page []byte) error) error {
	// spec: NET-11
	for {
		var b bytes.Buffer
		next, err := n.GiveBack(ctx, code, from, &b)
		if err != nil {
			return err
		}
		if err := each(b.Bytes()); err != nil || next <= from {
			return err
		}
		from = next
	}
}

// Brought is a statement that was not here before.
type Brought struct {
	ID    statement.ID   `json:"id"`
	Kind  statement.Kind `json:"kind"`
	Title string         `json:"title,omitzero"`
}

// Unpacked is what came of a packet, as far as whoever took it may see that.
type Unpacked struct {
	exchange.Received
	Said []Brought `json:"said"`
}

// Take is Unpack for an officer: what a packet brought is told as far as the officer may see it.
func (n *Node) Take(ctx context.Context, r io.Reader, reply io.Writer) (Unpacked, error) {
	got, err := n.Unpack(ctx, r, reply)
	out := Unpacked{Received: got, Said: []Brought{}}
	if err != nil {
		return out, err
	}
	out.New, out.Dropped, out.Refused = []statement.ID{}, nil, nil
	for _, id := range got.New {
		one, err := n.Statement(ctx, id)
		if hidden(err) {
			continue
		}
		if err != nil {
			return out, err
		}
		out.New, out.Said = append(out.New, id), append(out.Said, Brought{id, one.Kind, heading(one.Title)})
		if clause, ok := got.Refused[id]; ok {
			if out.Refused == nil {
				out.Refused = map[statement.ID]string{}
			}
			out.Refused[id] = clause
		}
	}
	for _, id := range got.Dropped {
		if err := n.Sees(ctx, id); err == nil {
			out.Dropped = append(out.Dropped, id)
		} else if !hidden(err) {
			return out, err
		}
	}
	return out, nil
}

// hidden tells whether err says that something is not for whoever asks.
func hidden(err error) bool {
	switch fault.CodeOf(err) {
	case fault.Denied, fault.Withheld, fault.NotFound:
		return true
	}
	return false
}

// Inspect lists what a packet holds, without taking it.
func (n *Node) Inspect(r io.Reader) ([]packet.Member, error) {
	return n.Codec.Inspect(r, n.Keys.Identity())
}
