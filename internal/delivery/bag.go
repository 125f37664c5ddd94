package delivery

import (
	"context"
	"io"

	"github.com/comity-exchange/comity/fault"
	"github.com/comity-exchange/comity/party"
	"github.com/comity-exchange/comity/statement"
)

// Pack writes a peer's next packet to w, for a file; with only, exactly these own statements. It reports what is in it; when there is
// nothing to send, nothing is written.
func (c *Courier) Pack(ctx context.Context, to party.Code, only []statement.ID, w io.Writer) (heads, blobs int, err error) {
	return c.packFile(ctx, to, only, nil, w)
}

// PackAfter is Pack for one of a series of files that are opened in order. have says how many bytes of which blobs the peer will have by then, and
// grows by what is in the packet, so that a blob that needs many packets is packed before any of them comes back.
func (c *Courier) PackAfter(ctx context.Context, to party.Code, have map[statement.Digest]int64, w io.Writer) (heads, blobs int, err error) {
	return c.packFile(ctx, to, nil, have, w)
}

func (c *Courier) packFile(ctx context.Context, to party.Code, only []statement.ID, have map[statement.Digest]int64, w io.Writer) (heads, blobs int, err error) {
	letter, err := c.letterOf(ctx, to)
	if err != nil {
		return 0, 0, err
	}
	p, err := c.next(ctx, to, only, have)
	if fault.CodeOf(err) == fault.NotFound {
		return 0, 0, nil
	}
	if err != nil || p.empty() {
		return 0, 0, err
	}
	if err := c.Codec.Seal(w, letter.Seal, &p.contents); err != nil {
		return 0, 0, err
	}
	if have != nil {
		for _, b := range p.contents.Blobs {
			have[b.SHA256] = max(have[b.SHA256], b.Offset+b.Size)
		}
	}
	// The cursors go over what receipts have confirmed already. Receipts that leave are receipted by nobody: see answer; and this process ends before the next.
	c.learn(to, p.tree.Origin, func(g *progress) {
		p.settled(g)
		if only != nil {
			g.accepted = max(g.accepted, p.tree.Size)
		}
	})
	return p.heads, p.blobs, c.keep(ctx, to, p.tree.Origin)
}
