package node

import (
	"context"
	"io"

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

// Inspect lists what a packet holds, without taking it.
func (n *Node) Inspect(r io.Reader) ([]packet.Member, error) {
	return n.Codec.Inspect(r, n.Keys.Identity())
}
