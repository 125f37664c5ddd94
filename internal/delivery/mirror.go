package delivery

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strconv"

	"github.com/comity-exchange/comity/fault"
	"github.com/comity-exchange/comity/internal/store"
	"github.com/comity-exchange/comity/packet"
	"github.com/comity-exchange/comity/party"
	"github.com/comity-exchange/comity/statement"
	"github.com/comity-exchange/comity/translog"
)

// headNext is the leaf from which the next page goes on; without it there is none.
const headNext = "Comity-Next"

// serveMirror gives back: to a party what this node holds of that party's own log, and what this party said to it.
func (c *Courier) serveMirror(w http.ResponseWriter, r *http.Request, caller party.Code) error {
	// spec: NET-11
	q := r.URL.Query()
	origin, err := party.ParseOrigin(q.Get("origin"))
	if err != nil {
		return fault.New(fault.Malformed, "NET-11", "origin is a log")
	}
	from, err := strconv.ParseInt(q.Get("from"), 10, 64)
	if err != nil || from < 0 || from > translog.MaxSize {
		return fault.New(fault.Malformed, "NET-11", "from is a leaf, or an offset in bytes")
	}
	theirs := origin.Code() == caller
	switch {
	case theirs:
	case !slices.Contains(c.logs(), origin):
		return fault.New(fault.NotAddressed, "NET-11", "a log is given back to its author, and what was said to a party to that party, and to nobody else")
	default: // what is said here may not be known here any more
		if err := c.stands(r.Context()); err != nil {
			return err
		}
	}
	var page *mirrored
	switch blob := q.Get("blob"); {
	case blob != "":
		page, err = c.blobAgain(r, caller, origin, blob, from)
	case theirs:
		page, err = c.giveBack(r.Context(), origin, from)
	default:
		page, err = c.sayAgain(r, caller, origin, from)
	}
	if err != nil {
		return err
	}
	return c.answerPage(w, r, caller, page)
}

// mirrored is one page, and where the next one begins; 0: it is the last.
type mirrored struct {
	contents packet.Contents
	next     int64
}

func (c *Courier) answerPage(w http.ResponseWriter, r *http.Request, caller party.Code, page *mirrored) error {
	letter, err := c.letterOf(r.Context(), caller)
	if err != nil {
		return err
	}
	var sealed bytes.Buffer
	if err := c.Codec.Seal(&sealed, letter.Seal, &page.contents); err != nil {
		return err
	}
	if page.next > 0 {
		w.Header().Set(headNext, strconv.FormatInt(page.next, 10))
	}
	w.Header().Set("Content-Type", mediaPacket)
	w.Header().Set("Content-Length", strconv.Itoa(sealed.Len()))
	_, _ = w.Write(sealed.Bytes()) // a caller that is gone asks again
	return nil
}

// GiveBack writes a page of what this node holds of a party's log to w, sealed to that party, for a file. next is where the next page begins; 0: this is the last.
func (c *Courier) GiveBack(ctx context.Context, origin party.Origin, from int64, w io.Writer) (next int64, err error) {
	letter, err := c.letterOf(ctx, origin.Code())
	if err != nil {
		return 0, err
	}
	page, err := c.giveBack(ctx, origin, from)
	if err != nil {
		return 0, err
	}
	return page.next, c.Codec.Seal(w, letter.Seal, &page.contents)
}

// maxShown is how many checkpoints a page may need for its tiles.
const maxShown = packet.MaxWitnessed - 8

// giveBack gathers a page of another party's log for that party.
func (c *Courier) giveBack(ctx context.Context, origin party.Origin, from int64) (*mirrored, error) {
	// spec: NET-11, PKT-10
	var g *giving
	err := c.Store.View(ctx, func(tx store.Tx) error {
		g = &giving{tx: tx, origin: origin, notes: map[int64]bool{}, page: &mirrored{}}
		newest, err := g.newest()
		if err != nil {
			return err
		}
		g.page.contents.Checkpoint, g.notes[newest.Size] = newest.Note, true
		if err := g.seen(newest.Size); err != nil {
			return err
		}
		return g.heads(from)
	})
	if err != nil {
		return nil, err
	}
	return g.page, nil
}

// giving gathers a page in a transaction.
type giving struct {
	tx     store.Tx
	origin party.Origin
	notes  map[int64]bool // sizes whose checkpoints are in the page
	bytes  int
	page   *mirrored
}

// newest is the newest checkpoint that was accepted, or else the greatest that anybody showed.
func (g *giving) newest() (store.Checkpoint, error) {
	cp, err := g.tx.Newest(g.origin)
	if fault.CodeOf(err) != fault.NotFound {
		return cp, err
	}
	err = g.tx.Checkpoints(g.origin, 0, func(c store.Checkpoint) bool {
		cp = c
		return true
	})
	if err == nil && cp.Note == nil {
		err = fault.New(fault.NotFound, "NET-11", "nothing of that log is here")
	}
	return cp, err
}

// seen adds checkpoints beyond the newest that others have shown here: the author may have lost what they prove, too.
func (g *giving) seen(newest int64) error {
	var last []store.Checkpoint
	err := g.tx.Checkpoints(g.origin, newest+1, func(c store.Checkpoint) bool {
		if last = append(last, c); len(last) > 4 {
			last = last[1:]
		}
		return true
	})
	for _, c := range last {
		g.page.contents.Witnessed = append(g.page.contents.Witnessed, c.Note)
		g.bytes += len(c.Note)
		g.notes[c.Size] = true
	}
	return err
}

// heads adds heads from a leaf on, subtree by subtree.
func (g *giving) heads(from int64) error {
	var rows []store.Statement // of one subtree
	var bad error
	err := g.tx.Scan(g.origin, "", from, func(s store.Statement) bool {
		if len(rows) > 0 && rows[0].Index/translog.TileWidth != s.Index/translog.TileWidth {
			if bad = g.subtree(rows); bad != nil || g.page.next > 0 {
				return false
			}
			rows = rows[:0]
		}
		rows = append(rows, s)
		return true
	})
	if err == nil {
		err = bad
	}
	if err == nil && g.page.next == 0 && len(rows) > 0 {
		err = g.subtree(rows)
	}
	return err
}

// subtree adds statements of one subtree with the tile that proves them all, as far as there is room.
func (g *giving) subtree(rows []store.Statement) error {
	n, size := rows[0].Index/translog.TileWidth, int64(0)
	for _, s := range rows {
		size = max(size, s.ProofAt) // what proves the last of them proves all
	}
	full := g.bytes+tileBytes > packBytes || !g.notes[size] && len(g.page.contents.Witnessed) >= maxShown
	if full && len(g.page.contents.Heads) > 0 {
		g.page.next = rows[0].Index
		return nil
	}
	if err := g.tile(n, size); err != nil {
		return err
	}
	for _, s := range rows {
		body, err := bodyOf(g.tx, s.ID)
		if err != nil {
			return err
		}
		cost := len(s.Head) + len(body)
		if len(g.page.contents.Heads) > 0 && (g.bytes+cost > packBytes || len(g.page.contents.Heads) >= packHeads) {
			g.page.next = s.Index
			return nil
		}
		g.bytes += cost
		g.page.contents.Heads = append(g.page.contents.Heads, s.Head)
		if body != nil {
			g.page.contents.Bodies = append(g.page.contents.Bodies, body)
		}
	}
	return nil
}

// tile adds the tile of a subtree as it was proven by the checkpoint of that size, and that checkpoint.
func (g *giving) tile(n, size int64) error {
	path, err := g.tx.TilePath(g.origin, n, size)
	if err != nil {
		return err
	}
	joined, err := g.tx.Tile(g.origin, 0, n)
	if err != nil {
		return err
	}
	p := translog.TileProof{N: n, Path: path.Path, Hashes: make([]translog.Hash, min(translog.TileWidth, size-n*translog.TileWidth))}
	for i := range p.Hashes {
		copy(p.Hashes[i][:], joined[i*len(p.Hashes[i]):])
	}
	g.page.contents.Tiles = append(g.page.contents.Tiles, p.MarshalLine())
	g.bytes += tileBytes
	if g.notes[size] {
		return nil
	}
	g.notes[size] = true
	return g.tx.Checkpoints(g.origin, size, func(c store.Checkpoint) bool {
		if c.Size == size && c.Proven {
			g.page.contents.Witnessed = append(g.page.contents.Witnessed, c.Note)
			g.bytes += len(c.Note)
			return false
		}
		return c.Size <= size
	})
}

// bodyOf reads a statement's body; nil when there is none here any more.
func bodyOf(tx store.Tx, id statement.ID) ([]byte, error) {
	var raw bytes.Buffer
	err := tx.Read(store.ContentRef{Statement: id, Part: store.BodyPart}, &raw)
	switch fault.CodeOf(err) {
	case "":
		return raw.Bytes(), nil
	case fault.NotFound, fault.Withheld:
		return nil, nil
	}
	return nil, err
}

// sayAgain gathers what this party said to the caller in one of its logs from a leaf on, receipts too, whether it was receipted or not: the caller has
// lost it.
func (c *Courier) sayAgain(r *http.Request, caller party.Code, origin party.Origin, from int64) (*mirrored, error) {
	// spec: NET-11
	page := &mirrored{}
	err := c.Store.View(r.Context(), func(tx store.Tx) error {
		*page = mirrored{}
		p, err := c.packing(tx, caller, origin)
		if err != nil {
			return err
		}
		cp, err := p.begin(accepted(r))
		if err != nil {
			return err
		}
		var bad error
		if err := tx.Scan(origin, "", from, func(s store.Statement) bool {
			if s.Index >= cp.Size {
				return false
			}
			if _, bad = p.take(s, false); bad != nil {
				return false
			}
			if p.out.full {
				page.next = s.Index
			}
			return !p.out.full
		}); err != nil {
			return err
		}
		if bad != nil {
			return bad
		}
		err = p.prove(cp.Size)
		page.contents = p.out.contents
		return err
	})
	return page, err
}

// begin puts the newest checkpoint into a packet, proven from what the peer says that it has accepted.
func (p *packing) begin(accepted int64) (store.Checkpoint, error) {
	cp, err := p.tx.Newest(p.origin)
	if err != nil {
		return cp, fault.Wrap(err, fault.NotFound, "NET-11", "nothing was ever said in that log")
	}
	p.peer.Accepted = accepted
	p.out.tree = translog.Tree{Origin: p.origin, Size: cp.Size, Root: cp.Root}
	p.out.contents.Checkpoint = cp.Note
	return cp, p.consistency(cp.Size)
}

// accepted is how much of the log that is spoken of the caller says that it has accepted; 0 when it does not say.
func accepted(r *http.Request) int64 {
	size, err := strconv.ParseInt(r.Header.Get(headAccepted), 10, 64)
	if err != nil || size < 0 {
		return 0
	}
	return size
}

// blobAgain gives a part of a blob from an offset on: of a statement of the caller's, or of one that was said to it.
func (c *Courier) blobAgain(r *http.Request, caller party.Code, origin party.Origin, name string, from int64) (*mirrored, error) {
	// spec: NET-11
	sum, err := statement.ParseDigest(name)
	if err != nil {
		return nil, fault.New(fault.Malformed, "NET-11", "blob is a digest")
	}
	page := &mirrored{}
	err = c.Store.View(r.Context(), func(tx store.Tx) error {
		*page = mirrored{}
		ref, size, err := blobFor(tx, caller, origin, sum)
		if err != nil {
			return err
		}
		if origin.Code() == caller {
			g := &giving{tx: tx, origin: origin}
			cp, err := g.newest()
			if err != nil {
				return err
			}
			page.contents.Checkpoint = cp.Note
		} else {
			p, err := c.packing(tx, caller, origin)
			if err == nil {
				_, err = p.begin(accepted(r))
			}
			if err != nil {
				return err
			}
			page.contents = p.out.contents
		}
		n := min(max(size-from, 0), blobPart)
		var buf bytes.Buffer
		if err := tx.Read(ref, &window{w: &buf, skip: from, left: n}); err != nil {
			return err
		}
		page.contents.Blobs = []packet.BlobPart{{SHA256: sum, Offset: from, Size: n, Data: &buf}}
		if from+n < size {
			page.next = from + n
		}
		return nil
	})
	return page, err
}

// blobFor finds a whole blob of a log that a party may have.
func blobFor(tx store.Tx, to party.Code, origin party.Origin, sum statement.Digest) (ref store.ContentRef, size int64, err error) {
	refs, err := tx.FindBlobs(sum)
	if err != nil {
		return ref, 0, err
	}
	for _, ref := range refs {
		s, err := tx.Statement(ref.Statement)
		if fault.CodeOf(err) == fault.NotFound || err == nil && s.Origin != origin {
			continue
		}
		if err != nil {
			return ref, 0, err
		}
		h, err := statement.ParseHead(s.Head)
		if err != nil {
			return ref, 0, err
		}
		content, err := tx.Content(ref)
		if err != nil {
			return ref, 0, err
		}
		if (h.From == to || h.IsFor(to)) && content.Whole && !content.Erased {
			return ref, content.Size, nil
		}
	}
	return ref, 0, fault.New(fault.NotFound, "NET-11", "there is no such blob here for the one who asks")
}

// Page is a page that a peer gave back, sealed to this party.
type Page struct {
	Sealed []byte
	Next   int64 // where the next page begins; 0: this is the last
}

// mirror asks a peer for a page. A peer that holds nothing of the log answers with fault.NotFound, clause NET-11.
func (c *Courier) mirror(ctx context.Context, letter *party.Letter, l *line, origin party.Origin, query string, accepted int64) (Page, error) {
	// spec: NET-11
	header := http.Header{}
	header.Set(headAccepted, strconv.FormatInt(accepted, 10))
	resp, err := c.ask(ctx, letter, l, http.MethodGet, fmt.Sprintf("%s?origin=%s&%s", pathMirror, url.QueryEscape(string(origin)), query), nil, header)
	if err != nil {
		return Page{}, err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return Page{}, problemOf(letter.Code, resp)
	}
	var p Page
	if p.Sealed, err = io.ReadAll(io.LimitReader(resp.Body, maxWire)); err != nil {
		return p, fault.Wrap(err, fault.Unavailable, "NET-4", "%s broke off", letter.Code)
	}
	if next := resp.Header.Get(headNext); next != "" {
		if p.Next, err = strconv.ParseInt(next, 10, 64); err != nil || p.Next < 1 || p.Next > translog.MaxSize {
			return p, fault.New(fault.Malformed, "NET-11", "%s names a next page that there cannot be", letter.Code)
		}
	}
	return p, nil
}

// Mirror asks a peer for a page of what it holds of an own log, from a leaf on.
func (c *Courier) Mirror(ctx context.Context, code party.Code, origin party.Origin, from int64) (Page, error) {
	letter, err := c.letterOf(ctx, code)
	if err != nil {
		return Page{}, err
	}
	if len(letter.Endpoints) == 0 {
		return Page{}, fault.New(fault.Unavailable, "NET-5", "%s cannot be asked: it has no endpoint; have it write a file (comity packet mirror)", code)
	}
	l := c.aside(code)
	defer l.client.CloseIdleConnections()
	return c.mirror(ctx, letter, l, origin, fmt.Sprintf("from=%d", from), 0)
}
