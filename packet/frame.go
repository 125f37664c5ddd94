package packet

import (
	"encoding/binary"
	"io"

	"github.com/comity-exchange/comity/fault"
)

// frame passes one Zstandard frame (RFC 8878) through to the decoder, and is the only one that decides where it ends.
//
// A decoder by itself takes any number of frames, skips what is marked to be skipped, and reads a stream that stops between two
// frames, or within the first bytes of the next one, as complete. So it is not asked.
type frame struct {
	r    io.Reader
	want frameState
	need int   // bytes of buf that complete the piece at hand
	have int   // bytes of buf gathered
	pass int64 // bytes of a block's content that go by unread
	last bool  // the block at hand is the last
	seen int   // blocks
	sum  bool  // four bytes of checksum follow the last block
	err  error // the first that was seen; stays. io.EOF: the frame is whole and nothing follows
	buf  [18]byte
}

type frameState int

const (
	wantStart frameState = iota // magic number and descriptor: 5 bytes
	wantHeader
	wantBlock // block header: 3 bytes
	wantContent
	wantChecksum
	wantNothing
)

const frameMagic = 0xFD2FB528

func (f *frame) reset(r io.Reader) { *f = frame{r: r, need: 5} }

// Read hands on what it has looked at. After an error it hands on nothing more.
func (f *frame) Read(p []byte) (int, error) {
	if f.err != nil || len(p) == 0 {
		return 0, f.err
	}
	n, err := f.r.Read(p)
	if fail := f.walk(p[:n]); fail != nil {
		f.err = fail
		return 0, f.err
	}
	if err == io.EOF && f.want != wantNothing {
		err = errCut(err)
	}
	f.err = err
	return n, err
}

// walk follows the frame's structure through b.
func (f *frame) walk(b []byte) error {
	for len(b) > 0 {
		switch {
		case f.want == wantNothing:
			// spec: PKT-1
			return fault.New(fault.Malformed, "PKT-1", "something follows the packet's Zstandard frame")
		case f.want == wantContent:
			n := min(int64(len(b)), f.pass)
			b, f.pass = b[n:], f.pass-n
			if f.pass == 0 {
				f.blockDone()
			}
		default:
			n := copy(f.buf[f.have:f.need], b)
			b, f.have = b[n:], f.have+n
			if f.have < f.need {
				return nil
			}
			if err := f.piece(); err != nil {
				return err
			}
		}
	}
	return nil
}

// piece acts on a gathered piece and says which one comes next.
func (f *frame) piece() error {
	switch f.want {
	case wantStart:
		if binary.LittleEndian.Uint32(f.buf[:]) != frameMagic {
			return fault.New(fault.Malformed, "PKT-1", "what the packet seals is not a Zstandard frame")
		}
		f.want, f.need = wantHeader, headerLen(f.buf[4])
		return nil
	case wantHeader:
		if err := checkHeader(f.buf[4], f.buf[5:f.need]); err != nil {
			return err
		}
		f.sum = f.buf[4]&(1<<2) != 0
		f.expect(wantBlock, 3)
		return nil
	case wantBlock:
		v := uint32(f.buf[0]) | uint32(f.buf[1])<<8 | uint32(f.buf[2])<<16
		// spec: PKT-1
		if f.seen++; f.seen > maxBlocks {
			return fault.New(fault.TooLarge, "PKT-1", "the packet's Zstandard frame has more than %d blocks", maxBlocks)
		}
		f.last, f.pass = v&1 != 0, int64(v>>3)
		switch v >> 1 & 3 {
		case 1: // one byte, repeated
			f.pass = 1
		case 3:
			return fault.New(fault.Malformed, "PKT-1", "the packet's Zstandard frame is damaged")
		}
		f.want = wantContent
		if f.pass == 0 {
			f.blockDone()
		}
		return nil
	}
	f.expect(wantNothing, 0) // the checksum is the decoder's to compare
	return nil
}

func (f *frame) expect(s frameState, need int) { f.want, f.need, f.have = s, need, 0 }

func (f *frame) blockDone() {
	switch {
	case !f.last:
		f.expect(wantBlock, 3)
	case f.sum:
		f.expect(wantChecksum, 4)
	default:
		f.expect(wantNothing, 0)
	}
}

// headerLen is the length of magic number and frame header together, by the descriptor. It is at least 6.
func headerLen(descriptor byte) int {
	n := 5
	if descriptor&(1<<5) == 0 {
		n++ // window descriptor
	}
	n += [4]int{0, 1, 2, 4}[descriptor&3] // dictionary id
	switch descriptor >> 6 {
	case 0:
		if descriptor&(1<<5) != 0 {
			n++ // single segment: the size is always there
		}
	case 1:
		n += 2
	case 2:
		n += 4
	case 3:
		n += 8
	}
	return n
}

// checkHeader refuses dictionaries, large windows and large declared sizes, before a decoder makes room for any. d is the
// descriptor, b what follows it.
func checkHeader(d byte, b []byte) error {
	// spec: PKT-1, PKT-3
	if d&(1<<3) != 0 {
		return fault.New(fault.Malformed, "PKT-1", "the packet's Zstandard frame is damaged")
	}
	if d&(1<<5) == 0 { // not a single segment
		base := uint64(1) << (10 + b[0]>>3)
		if base+base/8*uint64(b[0]&7) > maxWindow {
			return fault.New(fault.TooLarge, "PKT-1", "the packet needs a Zstandard window of more than %d bytes", maxWindow)
		}
		b = b[1:]
	}
	ids := [4]int{0, 1, 2, 4}[d&3]
	if !isZero(b[:ids]) {
		return fault.New(fault.Malformed, "PKT-1", "the packet's Zstandard frame needs a dictionary")
	}
	b = b[ids:]
	var wide [8]byte
	copy(wide[:], b)
	size := binary.LittleEndian.Uint64(wide[:])
	if len(b) == 2 {
		size += 256
	}
	if size > MaxSize {
		return errTooLarge()
	}
	return nil
}
