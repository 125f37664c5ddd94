package packet

import (
	"bytes"
	"errors"
	"io"
	"slices"

	"filippo.io/age"
	"github.com/go-json-experiment/json"

	"github.com/comity-exchange/comity/fault"
	"github.com/comity-exchange/comity/statement"
)

// Handler takes a packet's parts in the order of PKT-2, from one goroutine, while the packet is still being read.
//
// It must keep nothing before Open has returned nil: the end of a packet decides about its beginning. An error ends the
// reading, and Open returns it as it is.
type Handler interface {
	// Front takes everything but bodies and blobs, once and first. The contents are the handler's to keep.
	Front(c *Contents) error
	// Body takes one body's bytes, which hold until it returns.
	Body(raw []byte) error
	// Blob takes one part of a blob; r ends after the part and must not be used after Blob has returned. What is not read is skipped.
	Blob(sha statement.Digest, offset int64, r io.Reader) error
}

// Open unseals the packet in r and hands its parts to h. It reads r to its end, but never more than MaxSealed bytes of it, and
// no more than MaxSize bytes of what it holds, whatever that declares about itself.
//
// Errors: fault.NotAddressed when id is not the recipient; fault.Malformed or fault.TooLarge for what is no packet, with the
// clause; fault.Unavailable when r failed; and what id or h said.
func (c *Codec) Open(r io.Reader, id age.Identity, h Handler) error {
	plain, err := unseal(r, id)
	if err != nil {
		return err
	}
	return c.unpack(plain, h, func(Member) {})
}

// Inspect lists the members of the packet in r, after checking it as Open does. With an error, it lists those that were read whole.
func (c *Codec) Inspect(r io.Reader, id age.Identity) ([]Member, error) {
	plain, err := unseal(r, id)
	if err != nil {
		return nil, err
	}
	var list []Member
	err = c.unpack(plain, discard{}, func(m Member) { list = append(list, m) })
	return list, err
}

// discard is the handler of one who only looks.
type discard struct{}

func (discard) Front(*Contents) error                         { return nil }
func (discard) Body([]byte) error                             { return nil }
func (discard) Blob(statement.Digest, int64, io.Reader) error { return nil }

// unpack reads zstd(tar). note hears of every member that was read whole.
func (c *Codec) unpack(z io.Reader, h Handler, note func(Member)) error {
	o, _ := c.openers.Get().(*opener)
	if o == nil {
		var err error
		if o, err = newOpener(); err != nil {
			return err
		}
	}
	defer func() { // the pool must not hold on to the caller's reader
		o.frame.reset(nil)
		o.tar.reset(nil)
		_ = o.dec.Reset(nil)
		c.openers.Put(o)
	}()
	o.frame.reset(z)
	if err := o.dec.Reset(&o.frame); err != nil {
		return fault.Wrap(err, fault.Internal, "", "the decompressor could not be started")
	}
	o.tar.reset(o.dec)
	u := unpacker{opener: o, h: h, note: note}
	return u.verdict(u.run())
}

// unpacker walks through one packet.
type unpacker struct {
	*opener
	h     Handler
	note  func(Member)
	front Contents
	given bool // front was handed over
	order sequence
	said  error // by the handler
}

// verdict finds the first cause: what the frame saw comes before what the decoder made of it.
func (u *unpacker) verdict(err error) error {
	var f *fault.Error
	switch {
	case u.frame.err != nil && u.frame.err != io.EOF:
		return u.frame.err
	case err == nil && u.frame.err == nil:
		return errCut(nil) // the decoder stopped before the frame did
	case err == nil:
		return nil
	case u.tar.err != nil && u.tar.err != io.EOF:
		err = u.tar.err // a handler may have wrapped what it read; the reader's own word is plainer
	case u.said != nil:
		return u.said
	}
	if errors.As(err, &f) {
		return err
	}
	return fault.Wrap(err, fault.Malformed, "PKT-1", "the packet's Zstandard frame is damaged")
}

func (u *unpacker) run() error {
	for {
		name, size, err := u.tar.next()
		if err == io.EOF {
			return u.finish()
		}
		if err != nil {
			return err
		}
		s, blob, err := parseName(name)
		if err != nil {
			return err
		}
		if err := u.order.admit(s, blob); err != nil {
			return err
		}
		if s >= slotBodies {
			if err := u.handOver(); err != nil {
				return err
			}
		}
		lines, err := u.member(s, blob, size)
		if err != nil {
			return err
		}
		u.note(Member{Name: name, Size: size, Lines: lines})
	}
}

// finish stands at the end of the tar, which the tar layer has seen to be the end of everything.
func (u *unpacker) finish() error {
	if u.order.last == slotNone {
		return fault.New(fault.Malformed, "PKT-2", "the first member of a packet is its checkpoint")
	}
	return u.handOver()
}

func (u *unpacker) handOver() error {
	if u.given {
		return nil
	}
	u.given = true
	u.said = u.h.Front(&u.front)
	return u.said
}

// member reads one member and says how many lines it had.
func (u *unpacker) member(s slot, blob blobName, size int64) (lines int, err error) {
	switch s {
	case slotCheckpoint:
		u.front.Checkpoint, err = u.whole(size, 1, MaxNote, "checkpoint")
	case slotConsistency:
		u.front.Consistency, err = u.whole(size, 1, MaxConsistency, "consistency proof")
	case slotHeads:
		u.front.Heads, err = u.lines(size, boundOf(slotHeads))
		return len(u.front.Heads), err
	case slotTiles:
		u.front.Tiles, err = u.lines(size, boundOf(slotTiles))
		return len(u.front.Tiles), err
	case slotWitnessed:
		return u.witnessed(size)
	case slotWant:
		return u.want(size)
	case slotBodies:
		return u.bodies()
	case slotBlob:
		p := &part{r: &u.tar}
		u.said = u.h.Blob(blob.sha, blob.offset, p)
		p.r = nil
		return 0, u.said
	}
	return 0, err
}

// part is a blob's content while the handler has it.
type part struct{ r io.Reader }

func (p *part) Read(b []byte) (int, error) {
	if p.r == nil {
		return 0, fault.New(fault.Internal, "", "a blob was read after its time")
	}
	return p.r.Read(b)
}

// whole reads a member of lo to hi bytes. Room grows with what arrives, not with what was declared.
func (u *unpacker) whole(size, lo, hi int64, what string) ([]byte, error) {
	// spec: PKT-3
	if size < lo || size > hi {
		return nil, errSize(what, int(hi))
	}
	b := make([]byte, 0, min(size, 1<<20))
	for int64(len(b)) < size {
		if len(b) == cap(b) {
			b = slices.Grow(b, int(min(size, 2*int64(len(b))))-len(b))
		}
		n, err := u.tar.Read(b[len(b):min(int64(cap(b)), size)])
		b = b[:len(b)+n]
		if err != nil {
			return nil, err
		}
	}
	return b, nil
}

// lines reads a member and splits it. The lines share one array that nobody else has.
func (u *unpacker) lines(size int64, bound lineBound) ([][]byte, error) {
	b, err := u.whole(size, 0, MaxSize, bound.what)
	if err != nil || len(b) == 0 {
		return nil, err
	}
	if b[len(b)-1] != '\n' {
		return nil, errUnended(bound)
	}
	// spec: PKT-3
	count := bytes.Count(b, []byte{'\n'})
	if count > bound.count {
		return nil, bound.many()
	}
	out := make([][]byte, 0, count)
	for len(b) > 0 {
		end := bytes.IndexByte(b, '\n')
		if err := bound.check(b[:end]); err != nil {
			return nil, err
		}
		out = append(out, b[:end:end])
		b = b[end+1:]
	}
	return out, nil
}

func errUnended(bound lineBound) error {
	// spec: ENC-1
	return fault.New(fault.Malformed, "ENC-1", "the last line of the packet's %s lacks its line feed", bound.what)
}

func (u *unpacker) witnessed(size int64) (int, error) {
	lines, err := u.lines(size, boundOf(slotWitnessed))
	if err != nil {
		return 0, err
	}
	for _, line := range lines {
		// spec: PKT-2
		if err := statement.CheckJSON(line, maxWitnessLine); err != nil {
			return 0, err
		}
		var w witness
		if err := json.Unmarshal(line, &w, json.RejectUnknownMembers(true)); err != nil {
			return 0, fault.Wrap(err, fault.Malformed, "PKT-2", "a witnessed line has one member, a note")
		}
		if len(w.Note) == 0 || len(w.Note) > MaxNote {
			return 0, errSize("witnessed note", MaxNote)
		}
		u.front.Witnessed = append(u.front.Witnessed, []byte(w.Note))
	}
	return len(lines), nil
}

func (u *unpacker) want(size int64) (int, error) {
	lines, err := u.lines(size, boundOf(slotWant))
	if err != nil {
		return 0, err
	}
	for _, line := range lines {
		id, err := statement.ParseID(string(line))
		if err != nil {
			return 0, err
		}
		u.front.Want = append(u.front.Want, id)
	}
	return len(lines), nil
}

// bodies hands each line on as soon as it is whole. u.buf grows to one body and no further.
func (u *unpacker) bodies() (count int, err error) {
	bound := boundOf(slotBodies)
	start, scanned, end := 0, 0, 0 // of buf: the line begins, no line feed before, read so far
	for {
		if i := bytes.IndexByte(u.buf[scanned:end], '\n'); i >= 0 {
			line := u.buf[start : scanned+i]
			// spec: PKT-3
			if count == bound.count {
				return count, bound.many()
			}
			if err := bound.check(line); err != nil {
				return count, err
			}
			if u.said = u.h.Body(line); u.said != nil {
				return count, u.said
			}
			count++
			start = scanned + i + 1
			scanned = start
			continue
		}
		if end-start > bound.bytes {
			return count, bound.long()
		}
		if start > 0 {
			end = copy(u.buf, u.buf[start:end])
			start = 0
		}
		scanned = end
		if end == len(u.buf) {
			u.buf = append(u.buf, make([]byte, min(len(u.buf), bound.bytes+1-len(u.buf)))...)
		}
		n, err := u.tar.Read(u.buf[end:])
		end += n
		switch {
		case err == io.EOF && end > 0:
			return count, errUnended(bound)
		case err == io.EOF:
			return count, nil
		case err != nil:
			return count, err
		}
	}
}
