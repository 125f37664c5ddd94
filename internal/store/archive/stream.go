package archive

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"hash"
	"io"
	"slices"

	"github.com/go-json-experiment/json"
	"github.com/klauspost/compress/zstd"

	"github.com/comity-exchange/comity/fault"
	"github.com/comity-exchange/comity/internal/store/relational"
	"github.com/comity-exchange/comity/statement"
)

// format is the first line of a stream. Its number rises with the tables' version: rows are those of the tables.
const format = "comity-store/4\n"

// maxFrame bounds a frame: a thread's state is the longest thing that a row may hold.
const maxFrame = 256 << 20

// The kinds of frames: what the first byte says.
const (
	frameStart = 's' // a Manifest, without tables
	frameTable = 't' // a heading
	frameRow   = 'r' // values
	frameEnd   = 'e' // the Table that has just ended
	frameLast  = 'z' // the digest of all before it
)

// heading names a table and its columns.
type heading struct {
	Name    string   `json:"name"`
	Columns []string `json:"columns"`
}

// total is the digest of a whole stream.
type total struct {
	SHA256 statement.Digest `json:"sha256"`
}

// The kinds of values: what the byte before each says.
const (
	valueNone    = 0
	valueInteger = 1
	valueText    = 2
	valueBytes   = 3
)

// appendRow writes a row's values.
func appendRow(b []byte, row []any) ([]byte, error) {
	for _, v := range row {
		switch v := v.(type) {
		case nil:
			b = append(b, valueNone)
		case int64:
			b = binary.AppendVarint(append(b, valueInteger), v)
		case string:
			b = append(binary.AppendUvarint(append(b, valueText), uint64(len(v))), v...)
		case []byte:
			b = append(binary.AppendUvarint(append(b, valueBytes), uint64(len(v))), v...)
		default:
			return nil, fault.New(fault.Internal, "", "a column holds a value that no store writes")
		}
	}
	return b, nil
}

// parseRow reads what appendRow wrote: n values, and nothing else.
func parseRow(b []byte, n int) ([]any, error) {
	row := make([]any, 0, n)
	for range n {
		if len(b) == 0 {
			return nil, damaged(nil)
		}
		kind := b[0]
		b = b[1:]
		switch kind {
		case valueNone:
			row = append(row, nil)
		case valueInteger:
			v, used := binary.Varint(b)
			if used <= 0 {
				return nil, damaged(nil)
			}
			row, b = append(row, v), b[used:]
		case valueText, valueBytes:
			size, used := binary.Uvarint(b)
			if used <= 0 || size > uint64(len(b)-used) {
				return nil, damaged(nil)
			}
			v := b[used : used+int(size)]
			b = b[used+int(size):]
			if kind == valueText {
				row = append(row, string(v))
			} else {
				row = append(row, bytes.Clone(v))
			}
		default:
			return nil, damaged(nil)
		}
	}
	if len(b) > 0 {
		return nil, damaged(nil)
	}
	return row, nil
}

// damaged is the fault of a stream that is not, or not all of, what Write wrote.
func damaged(err error) error {
	return fault.Wrap(err, fault.Failed, "", "the backup is damaged or cut short: take another")
}

// tally counts and digests the rows of one table.
type tally struct {
	sum  hash.Hash
	rows int64
}

func newTally() *tally { return &tally{sum: sha256.New()} }

func (t *tally) add(row []byte) {
	var size [binary.MaxVarintLen64]byte
	t.sum.Write(size[:binary.PutUvarint(size[:], uint64(len(row)))])
	t.sum.Write(row)
	t.rows++
}

func (t *tally) table(name string) Table {
	return Table{Name: name, Rows: t.rows, SHA256: statement.Digest(t.sum.Sum(nil))}
}

// writer writes the frames of a stream.
type writer struct {
	z   *zstd.Encoder
	sum hash.Hash
}

func newWriter(w io.Writer) (*writer, error) {
	if _, err := io.WriteString(w, format); err != nil {
		return nil, unwritten(err)
	}
	z, err := zstd.NewWriter(w, zstd.WithEncoderConcurrency(1), zstd.WithWindowSize(1<<20))
	if err != nil {
		return nil, unwritten(err)
	}
	return &writer{z, sha256.New()}, nil
}

func unwritten(err error) error {
	return fault.Wrap(err, fault.Internal, "", "the backup cannot be written where it should go")
}

func (w *writer) frame(kind byte, body []byte) error {
	head := binary.AppendUvarint(nil, uint64(len(body)+1))
	for _, b := range [][]byte{append(head, kind), body} {
		w.sum.Write(b)
		if _, err := w.z.Write(b); err != nil {
			return unwritten(err)
		}
	}
	return nil
}

func (w *writer) object(kind byte, v any) error {
	b, err := json.Marshal(v, json.Deterministic(true))
	if err != nil {
		return fault.Wrap(err, fault.Internal, "", "the backup cannot be written")
	}
	return w.frame(kind, b)
}

// end writes the digest of everything, and ends the stream.
func (w *writer) end() error {
	if err := w.object(frameLast, total{statement.Digest(w.sum.Sum(nil))}); err != nil {
		return err
	}
	if err := w.z.Close(); err != nil {
		return unwritten(err)
	}
	return nil
}

// reader reads the frames of a stream.
type reader struct {
	z   *zstd.Decoder
	in  *bufio.Reader // what z gives
	sum hash.Hash
	buf bytes.Buffer
}

func newReader(r io.Reader) (*reader, error) {
	line := make([]byte, len(format))
	if _, err := io.ReadFull(r, line); err != nil || string(line) != format {
		if bytes.HasPrefix(line, []byte(format[:len(format)-2])) {
			return nil, fault.New(fault.Failed, "", "the backup was made by another version of this program: put it back with that one")
		}
		return nil, fault.New(fault.Failed, "", "this is no backup of a node's store")
	}
	z, err := zstd.NewReader(r, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxWindow(8<<20), zstd.WithDecoderLowmem(true))
	if err != nil {
		return nil, damaged(err)
	}
	return &reader{z: z, in: bufio.NewReaderSize(z, 64<<10), sum: sha256.New()}, nil
}

// frame gives the next frame, until the next call.
func (r *reader) frame() (kind byte, body []byte, before statement.Digest, err error) {
	size, err := binary.ReadUvarint(r.in)
	if err != nil || size == 0 || size > maxFrame {
		return 0, nil, before, damaged(err)
	}
	r.buf.Reset()
	// Grown as it comes, so that a false size costs nothing.
	if n, err := io.CopyN(&r.buf, r.in, int64(size)); err != nil || n != int64(size) {
		return 0, nil, before, damaged(err)
	}
	before = statement.Digest(r.sum.Sum(nil))
	b := r.buf.Bytes()
	r.sum.Write(binary.AppendUvarint(nil, size))
	r.sum.Write(b)
	return b[0], b[1:], before, nil
}

// object reads a frame that must be of this kind.
func (r *reader) object(kind byte, v any) error {
	got, body, _, err := r.frame()
	if err != nil {
		return err
	}
	if got != kind || json.Unmarshal(body, v, json.RejectUnknownMembers(true)) != nil {
		return damaged(nil)
	}
	return nil
}

// read goes through a whole stream: start and every table of relational.Tables in turn. begun is told of each table, row of each of its rows, ended
// when its count and digest are found right.
func (r *reader) read(begun func(relational.Table) error, row func(relational.Table, []any) error, ended func(Table) error) (m Manifest, err error) {
	defer r.z.Close()
	if err := r.object(frameStart, &m); err != nil {
		return m, err
	}
	m.Tables = nil
	for _, table := range relational.Tables() {
		var h heading
		if err := r.object(frameTable, &h); err != nil {
			return m, err
		}
		if h.Name != table.Name || !slices.Equal(h.Columns, table.Columns) {
			return m, damaged(nil)
		}
		if err := begun(table); err != nil {
			return m, err
		}
		t, err := r.table(table, row)
		if err != nil {
			return m, err
		}
		if err := ended(t); err != nil {
			return m, err
		}
		m.Tables = append(m.Tables, t)
	}
	return m, r.end()
}

// table reads the rows of one table, up to its end.
func (r *reader) table(table relational.Table, row func(relational.Table, []any) error) (Table, error) {
	count := newTally()
	for {
		kind, body, _, err := r.frame()
		if err != nil {
			return Table{}, err
		}
		if kind == frameEnd {
			var want Table
			got := count.table(table.Name)
			if json.Unmarshal(body, &want, json.RejectUnknownMembers(true)) != nil || got != want {
				return got, damaged(nil)
			}
			return got, nil
		}
		if kind != frameRow {
			return Table{}, damaged(nil)
		}
		count.add(body)
		values, err := parseRow(body, len(table.Columns))
		if err == nil {
			err = row(table, values)
		}
		if err != nil {
			return Table{}, err
		}
	}
}

// end reads the last frame; nothing may follow it.
func (r *reader) end() error {
	kind, body, before, err := r.frame()
	if err != nil {
		return err
	}
	var want total
	if kind != frameLast || json.Unmarshal(body, &want, json.RejectUnknownMembers(true)) != nil || want.SHA256 != before {
		return damaged(nil)
	}
	if _, err := r.in.ReadByte(); !errors.Is(err, io.EOF) {
		return damaged(err)
	}
	return nil
}
