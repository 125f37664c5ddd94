package relational

import (
	"database/sql"
	"encoding/binary"
	"fmt"
	"time"

	"github.com/comity-exchange/comity/statement"
)

// Conversions between columns and values. SQL has no place for our types.

func millis(t statement.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.Std().UnixMilli()
}

// full makes b a value that is not NULL.
func full(b []byte) []byte {
	if b == nil {
		return []byte{}
	}
	return b
}

// bit is the column for a boolean, which not every dialect has.
func bit(b bool) int64 {
	if b {
		return 1
	}
	return 0
}

// timeColumn scans milliseconds.
type timeColumn struct{ t *statement.Time }

func (c timeColumn) Scan(v any) error {
	n, ok := v.(int64)
	if !ok {
		return fmt.Errorf("a time column holds %T", v)
	}
	*c.t = statement.Time{}
	if n != 0 {
		*c.t = statement.TimeOf(time.UnixMilli(n))
	}
	return nil
}

// hashColumn scans 32 bytes, or NULL as the absent value.
type hashColumn struct{ h *[32]byte }

func (c hashColumn) Scan(v any) error {
	b, ok := v.([]byte)
	switch {
	case v == nil:
		*c.h = [32]byte{}
	case !ok || len(b) != 32:
		return fmt.Errorf("an id column holds %d bytes of %T", len(b), v)
	default:
		copy(c.h[:], b)
	}
	return nil
}

func idInto(id *statement.ID) sql.Scanner        { return hashColumn{(*[32]byte)(id)} }
func digestInto(d *statement.Digest) sql.Scanner { return hashColumn{(*[32]byte)(d)} }
func timeInto(t *statement.Time) sql.Scanner     { return timeColumn{t} }

// sum is a digest over several byte strings that cannot be mistaken for one another's.
func sum(parts ...[]byte) statement.Digest {
	var all []byte
	for _, p := range parts {
		all = binary.BigEndian.AppendUint64(all, uint64(len(p)))
		all = append(all, p...)
	}
	return statement.Sum(all)
}
