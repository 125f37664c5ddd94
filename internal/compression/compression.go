package compression

import (
	"bufio"
	"bytes"
	"cmp"
	"errors"
	"io"
	"path/filepath"
	"strings"
	"sync/atomic"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"

	"github.com/comity-exchange/comity/fault"
)

// Bounds are what may come out. The zero Bounds let everything through: for what is only read once from its beginning to its end, like logs.
type Bounds struct {
	Bytes int64 // at most; 0: any number
	Times int64 // at most so many times what went in, once Floor bytes have come out; 0: any number
}

const (
	// Floor is how much may come out of however little.
	Floor = 16 << 20
	// Honest is for Times: lists and bundles pack to a tenth or a fiftieth; what unpacks to the thousandfold was made for that.
	Honest = 200
)

// maxMemory is what a zstd stream may ask for: the window of its highest usual level.
const maxMemory = 128 << 20

// Reader reads what was packed. Its errors are fault.TooLarge for what unpacks to more than its bounds, and fault.Malformed for what is damaged or was cut short; those of its source that are faults stay
// what they are.
type Reader struct {
	from   *source
	out    io.Reader
	packed bool
	bounds Bounds
	given  int64
	close  func()
}

// source counts what went in, and remembers what it failed with.
type source struct {
	io.Reader
	n      int64
	failed error
}

func (s *source) Read(b []byte) (int, error) {
	n, err := s.Reader.Read(b)
	if s.n += int64(n); err != nil && !errors.Is(err, io.EOF) {
		s.failed = err
	}
	return n, err
}

// Open begins to read. Closing it does not close r. Error: fault.Malformed.
func Open(r io.Reader, b Bounds) (*Reader, error) {
	in := &source{Reader: r}
	text := bufio.NewReaderSize(in, 64<<10)
	z := &Reader{from: in, out: text, bounds: b, close: func() {}}
	start, _ := text.Peek(4) // what it failed with comes again
	var err error
	switch {
	case bytes.HasPrefix(start, []byte{0x1f, 0x8b}):
		z.packed = true
		z.out, err = gzip.NewReader(text)
	case bytes.Equal(start, []byte{0x28, 0xb5, 0x2f, 0xfd}):
		var d *zstd.Decoder
		d, err = zstd.NewReader(text, zstd.WithDecoderMaxMemory(maxMemory), zstd.WithDecoderConcurrency(1))
		if z.packed, z.out = true, d; err == nil {
			z.close = d.Close
		}
	}
	if err != nil {
		return nil, z.fault(err)
	}
	return z, nil
}

// Read implements io.Reader.
func (z *Reader) Read(b []byte) (int, error) {
	n, err := z.out.Read(b)
	if !z.packed {
		if err != nil && !errors.Is(err, io.EOF) {
			err = z.fault(err)
		}
		return n, err
	}
	z.given += int64(n)
	switch {
	case z.bounds.Bytes > 0 && z.given > z.bounds.Bytes:
		return 0, fault.New(fault.TooLarge, "", "what is packed unpacks to more than %d MiB, and no more is taken: send it in parts", z.bounds.Bytes>>20)
	case z.bounds.Times > 0 && z.given > max(Floor, z.bounds.Times*z.from.n):
		return 0, fault.New(fault.TooLarge, "", "what is packed unpacks to more than %d times its size, which nothing honest does: if it is right, unpack it first", z.bounds.Times)
	case err != nil && !errors.Is(err, io.EOF):
		return n, z.fault(err)
	}
	return n, err
}

// Close lets go of what unpacking takes.
func (z *Reader) Close() error {
	z.close()
	return nil
}

var errDamaged = errors.New("damaged")

// Damaged tells of an error that what was packed is damaged, or was cut short.
func Damaged(err error) bool { return errors.Is(err, errDamaged) }

// fault is why it cannot be read on: for the source's sake where that has failed.
func (z *Reader) fault(err error) error {
	err = cmp.Or(z.from.failed, err)
	if f := (*fault.Error)(nil); errors.As(err, &f) || !z.packed {
		return err
	}
	return fault.Wrap(errors.Join(errDamaged, err), fault.Malformed, "", "what is packed is damaged, or was cut short")
}

// Tally counts what is read of a file before it is unpacked: of that many bytes it is known ahead how many there are.
type Tally struct {
	io.Reader
	N *atomic.Int64
}

// Read implements io.Reader.
func (t *Tally) Read(b []byte) (int, error) {
	n, err := t.Reader.Read(b)
	t.N.Add(int64(n))
	return n, err
}

// Ext is how a file's name ends, in lower case and without what tells that it is packed: ".csv" of "list.CSV.gz".
func Ext(name string) string {
	name = strings.ToLower(name)
	for _, packed := range []string{".gz", ".zst"} {
		name = strings.TrimSuffix(name, packed)
	}
	return filepath.Ext(name)
}
