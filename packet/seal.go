package packet

import (
	"errors"
	"io"

	"filippo.io/age"
	"github.com/go-json-experiment/json"

	"github.com/comity-exchange/comity/fault"
	"github.com/comity-exchange/comity/statement"
)

// witness is a line of witnessed.jsonl.
type witness struct {
	Note string `json:"note"`
}

// section is one member about to be written: raw bytes, lines, or a blob.
type section struct {
	name  string
	size  int64
	raw   []byte
	lines [][]byte
	data  io.Reader
}

// Seal writes p as a packet to w, sealed to a hybrid age key (age1pq1…). It streams: memory does not grow with blobs.
//
// Everything about p that can be known is checked before the first byte is written. Errors: fault.Malformed for contents that
// no packet can have and for a recipient of another kind, fault.TooLarge over a bound of PKT-3, fault.Unavailable when w fails,
// and the fault of a blob's reader. After an error what w got is worthless and opens nowhere.
func (c *Codec) Seal(w io.Writer, recipient string, p *Contents) error {
	sections, total, err := plan(p)
	if err != nil {
		return err
	}
	to, err := c.recipient(recipient)
	if err != nil {
		return err
	}
	s, _ := c.sealers.Get().(*sealer)
	if s == nil {
		if s, err = newSealer(); err != nil {
			return err
		}
	}
	defer func() {
		s.out.Reset(nil)
		s.enc.Reset(nil)
		c.sealers.Put(s)
	}()
	s.out.Reset(w)
	if err := s.seal(to, sections, total); err != nil {
		var f *fault.Error
		if errors.As(err, &f) {
			return f
		}
		return fault.Wrap(err, fault.Unavailable, "", "the packet could not be written")
	}
	return nil
}

// Size is the bytes of p before compression, which MaxSize bounds. The error is what Seal would say of p.
func (p *Contents) Size() (int64, error) {
	_, total, err := plan(p)
	return total, err
}

func (s *sealer) seal(to age.Recipient, sections []section, total int64) error {
	out, err := age.Encrypt(s.out, to)
	if err != nil {
		return err
	}
	s.enc.ResetContentSize(out, total)
	if err := s.pack(s.enc, sections); err != nil {
		return err
	}
	if err := s.enc.Close(); err != nil {
		return err
	}
	if err := out.Close(); err != nil {
		return err
	}
	return s.out.Flush()
}

// pack writes the tar.
func (s *sealer) pack(w io.Writer, sections []section) error {
	for i := range sections {
		m := &sections[i]
		putHeader(&s.block, m.name, m.size)
		if _, err := w.Write(s.block[:]); err != nil {
			return err
		}
		if err := s.content(w, m); err != nil {
			return err
		}
		s.block = [blockSize]byte{}
		if _, err := w.Write(s.block[:padding(m.size)]); err != nil {
			return err
		}
	}
	s.block = [blockSize]byte{}
	for range 2 {
		if _, err := w.Write(s.block[:]); err != nil {
			return err
		}
	}
	return nil
}

func (s *sealer) content(w io.Writer, m *section) error {
	if _, err := w.Write(m.raw); err != nil {
		return err
	}
	feed := s.buf[:1]
	feed[0] = '\n'
	for _, line := range m.lines {
		if _, err := w.Write(line); err != nil {
			return err
		}
		if _, err := w.Write(feed); err != nil {
			return err
		}
	}
	if m.data == nil {
		return nil
	}
	for left := m.size; left > 0; {
		n, err := io.ReadFull(m.data, s.buf[:min(left, int64(len(s.buf)))])
		if err != nil {
			var f *fault.Error
			if errors.As(err, &f) {
				return f
			}
			return fault.Wrap(err, fault.Internal, "", "a blob could not be read to the size that was given for it")
		}
		if _, err := w.Write(s.buf[:n]); err != nil {
			return err
		}
		left -= int64(n)
	}
	return nil
}

// plan lays the members out in their order and holds everything against the bounds.
func plan(p *Contents) ([]section, int64, error) {
	// spec: PKT-2, PKT-3
	switch {
	case len(p.Checkpoint) == 0:
		return nil, 0, fault.New(fault.Malformed, "PKT-2", "a packet has a checkpoint")
	case len(p.Checkpoint) > MaxNote:
		return nil, 0, errSize("checkpoint", MaxNote)
	case len(p.Consistency) > MaxConsistency:
		return nil, 0, errSize("consistency proof", MaxConsistency)
	}
	witnessed, err := witnessLines(p.Witnessed)
	if err != nil {
		return nil, 0, err
	}
	sections := make([]section, 0, 7+len(p.Blobs))
	sections = append(sections, section{name: "checkpoint", size: int64(len(p.Checkpoint)), raw: p.Checkpoint})
	if len(p.Consistency) > 0 {
		sections = append(sections, section{name: "consistency", size: int64(len(p.Consistency)), raw: p.Consistency})
	}
	for _, m := range [...]struct {
		name  string
		lines [][]byte
		slot  slot
	}{
		{"heads.jsonl", p.Heads, slotHeads},
		{"tiles", p.Tiles, slotTiles},
		{"witnessed.jsonl", witnessed, slotWitnessed},
		{"want", wantLines(p.Want), slotWant},
		{"bodies.jsonl", p.Bodies, slotBodies},
	} {
		if len(m.lines) == 0 {
			continue
		}
		s, bound := section{name: m.name, lines: m.lines}, boundOf(m.slot)
		if len(m.lines) > bound.count {
			return nil, 0, bound.many()
		}
		for _, line := range m.lines {
			if err := bound.check(line); err != nil {
				return nil, 0, err
			}
			s.size += int64(len(line)) + 1
		}
		sections = append(sections, s)
	}
	if sections, err = planBlobs(sections, p.Blobs); err != nil {
		return nil, 0, err
	}
	total := int64(EndCost)
	for i := range sections {
		size := sections[i].size
		if size > MaxSize {
			return nil, 0, errTooLarge()
		}
		if total += blockSize + size + padding(size); total > MaxSize {
			return nil, 0, errTooLarge()
		}
	}
	return sections, total, nil
}

func planBlobs(sections []section, blobs []BlobPart) ([]section, error) {
	order := sequence{last: slotBodies}
	for _, b := range blobs {
		if b.Size < 0 || b.Offset < 0 || b.Offset > MaxOffset || (b.Data == nil && b.Size > 0) {
			return nil, fault.New(fault.Malformed, "PKT-2", "a blob's part has no content, or a size or offset that none can have")
		}
		name := blobName{b.SHA256, b.Offset}
		if err := order.admit(slotBlob, name); err != nil {
			return nil, err
		}
		sections = append(sections, section{name: name.String(), size: b.Size, data: b.Data})
	}
	return sections, nil
}

func witnessLines(notes [][]byte) ([][]byte, error) {
	if len(notes) == 0 {
		return nil, nil
	}
	if len(notes) > MaxWitnessed {
		return nil, boundOf(slotWitnessed).many()
	}
	lines := make([][]byte, len(notes))
	for i, note := range notes {
		if len(note) == 0 || len(note) > MaxNote {
			return nil, errSize("witnessed note", MaxNote)
		}
		line, err := json.Marshal(witness{string(note)})
		if err != nil {
			return nil, fault.Wrap(err, fault.Malformed, "PKT-2", "a witnessed note is no text")
		}
		lines[i] = line
	}
	return lines, nil
}

func wantLines(ids []statement.ID) [][]byte {
	lines := make([][]byte, len(ids))
	for i, id := range ids {
		lines[i], _ = id.MarshalText()
	}
	return lines
}
