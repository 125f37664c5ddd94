package packet

import (
	"bytes"
	"errors"
	"io"

	"github.com/comity-exchange/comity/fault"
)

// The tar layer is our own, small and strict. archive/tar understands every dialect: long names, pax records, sparse files,
// a missing end. Each of those is a second way to say something, and a packet has one.

const (
	blockSize = 512

	nameField  = 100 // bytes; the longest member name has 87
	sizeAt     = 124
	sizeField  = 12
	sumAt      = 148
	sumField   = 8
	typeAt     = 156
	linkAt     = 157
	linkField  = 100
	magicAt    = 257
	magicField = 8
	prefixAt   = 345
	prefixEnd  = 500

	magicPOSIX = "ustar\x0000"
	magicGNU   = "ustar  \x00"
)

// putHeader fills b with the header of a regular file: no owner, time zero, mode 0644. name has at most nameField bytes.
func putHeader(b *[blockSize]byte, name string, size int64) {
	*b = [blockSize]byte{}
	copy(b[:nameField], name)
	copy(b[100:], "0000644\x00")                 // mode
	copy(b[108:], "0000000\x000000000\x00")      // owner and group
	putOctal(b[sizeAt:sizeAt+sizeField-1], size) // then NUL
	putOctal(b[136:136+sizeField-1], 0)          // time
	b[typeAt] = '0'
	copy(b[magicAt:], magicPOSIX)
	copy(b[329:], "0000000\x000000000\x00") // device numbers
	putOctal(b[sumAt:sumAt+6], checksum(b)) // six digits, NUL, space
	b[sumAt+7] = ' '
}

func putOctal(field []byte, v int64) {
	for i := len(field) - 1; i >= 0; i-- {
		field[i] = byte('0' + v&7)
		v >>= 3
	}
}

// checksum is the sum of the header's bytes, its own field taken as spaces.
func checksum(b *[blockSize]byte) (sum int64) {
	for i, c := range b {
		if i >= sumAt && i < sumAt+sumField {
			c = ' '
		}
		sum += int64(c)
	}
	return sum
}

// octal reads a numeric field: digits, ended by spaces or NULs. It refuses GNU's binary numbers and an empty field.
func octal(field []byte) (v int64, ok bool) {
	field = bytes.TrimLeft(field, " ")
	i := 0
	for ; i < len(field) && field[i] >= '0' && field[i] <= '7'; i++ {
		v = v<<3 | int64(field[i]-'0')
	}
	for _, c := range field[i:] {
		if c != 0 && c != ' ' {
			return 0, false
		}
	}
	return v, i > 0
}

// parseHeader reads a member's name and size in bytes.
func parseHeader(b *[blockSize]byte) (name string, size int64, err error) {
	// spec: PKT-4
	if sum, ok := octal(b[sumAt : sumAt+sumField]); !ok || sum != checksum(b) {
		return "", 0, fault.New(fault.Malformed, "PKT-4", "the packet has a tar header that is damaged")
	}
	magic := string(b[magicAt : magicAt+magicField])
	if magic != magicPOSIX && magic != magicGNU {
		return "", 0, fault.New(fault.Malformed, "PKT-4", "the packet has a tar header of another dialect")
	}
	if b[typeAt] != '0' || !isZero(b[linkAt:linkAt+linkField]) {
		return "", 0, fault.New(fault.Malformed, "PKT-4", "the packet has a tar member that is no regular file")
	}
	if !isZero(b[prefixAt:prefixEnd]) {
		return "", 0, fault.New(fault.Malformed, "PKT-4", "the packet has a tar header with more than a name")
	}
	end := bytes.IndexByte(b[:nameField], 0)
	if end < 1 || !isZero(b[end:nameField]) {
		return "", 0, fault.New(fault.Malformed, "PKT-4", "the packet has a member of a name that packets do not have")
	}
	size, ok := octal(b[sizeAt : sizeAt+sizeField])
	if !ok {
		return "", 0, fault.New(fault.Malformed, "PKT-4", "the packet has a tar header that is damaged")
	}
	return string(b[:end]), size, nil
}

func isZero(b []byte) bool {
	for _, c := range b {
		if c != 0 {
			return false
		}
	}
	return true
}

// padding is how many zeros follow size bytes of content.
func padding(size int64) int64 { return -size & (blockSize - 1) }

// tarReader reads members one after the other and never past MaxSize bytes in all. An error stays.
type tarReader struct {
	r     io.Reader
	left  int64 // of MaxSize
	size  int64 // of the current member, not read yet
	pad   int64 // zeros after it
	err   error
	block [blockSize]byte
}

func (t *tarReader) reset(r io.Reader) { t.r, t.left, t.size, t.pad, t.err = r, MaxSize, 0, 0, nil }

// next skips what is left of the current member and reads the next header. At the end of the tar, and of what follows it, it is io.EOF.
func (t *tarReader) next() (name string, size int64, err error) {
	if t.err != nil {
		return "", 0, t.err
	}
	name, size, t.err = t.header()
	return name, size, t.err
}

func (t *tarReader) header() (string, int64, error) {
	for t.size > 0 {
		if err := t.full(t.block[:min(t.size, blockSize)]); err != nil {
			return "", 0, err
		}
		t.size -= min(t.size, blockSize)
	}
	if err := t.zeros(t.pad); err != nil {
		return "", 0, err
	}
	t.pad = 0
	if err := t.full(t.block[:]); err != nil {
		return "", 0, err
	}
	if isZero(t.block[:]) {
		return "", 0, t.end()
	}
	name, size, err := parseHeader(&t.block)
	if err != nil {
		return "", 0, err
	}
	// spec: PKT-3
	// A declared size is only ever a reason to refuse.
	if size > t.left || size+padding(size) > t.left {
		return "", 0, errTooLarge()
	}
	t.size, t.pad = size, padding(size)
	return name, size, nil
}

// end reads the second zero block and everything after it.
func (t *tarReader) end() error {
	// spec: PKT-4
	if err := t.zeros(blockSize); err != nil {
		return err
	}
	for {
		n, err := t.r.Read(t.block[:])
		switch t.left -= int64(n); {
		case t.left < 0:
			return errTooLarge()
		case !isZero(t.block[:n]):
			return fault.New(fault.Malformed, "PKT-4", "something follows the end of the packet's tar")
		case err != nil:
			return err
		}
	}
}

// zeros reads n zero bytes, at most a block.
func (t *tarReader) zeros(n int64) error {
	if err := t.full(t.block[:n]); err != nil {
		return err
	}
	if !isZero(t.block[:n]) {
		return fault.New(fault.Malformed, "PKT-4", "the packet's tar has bytes where only zeros may stand")
	}
	return nil
}

// full reads len(p) bytes against the bound.
func (t *tarReader) full(p []byte) error {
	// spec: PKT-3
	if int64(len(p)) > t.left {
		return errTooLarge()
	}
	n, err := io.ReadFull(t.r, p)
	t.left -= int64(n)
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return errCut(err)
	}
	return err
}

// Read gives the current member's content.
func (t *tarReader) Read(p []byte) (int, error) {
	switch {
	case t.err != nil:
		return 0, t.err
	case len(p) == 0:
		return 0, nil
	case t.size == 0:
		return 0, io.EOF
	}
	n, err := t.r.Read(p[:min(int64(len(p)), t.size)])
	t.size -= int64(n)
	t.left -= int64(n)
	if err == io.EOF && t.size > 0 {
		err = errCut(err)
	}
	if err == io.EOF {
		err = nil // the padding, or what it lacks, comes with the next header
	}
	t.err = err
	return n, err
}

func errTooLarge() error {
	return fault.New(fault.TooLarge, "PKT-3", "a packet has at most %d bytes before compression", MaxSize)
}

func errCut(err error) error {
	return fault.Wrap(err, fault.Malformed, "PKT-1", "the packet is cut short")
}
