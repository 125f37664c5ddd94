package archive

import (
	"context"
	"io"
	"time"

	"github.com/comity-exchange/comity/fault"
	"github.com/comity-exchange/comity/internal/store"
	"github.com/comity-exchange/comity/internal/store/relational"
	"github.com/comity-exchange/comity/statement"
)

// Manifest says what a stream holds.
type Manifest struct {
	Made        statement.Time `json:"made"`
	Incarnation string         `json:"incarnation"` // of the store that it was made from
	Tables      []Table        `json:"tables,omitempty"`
}

// Table says what a stream holds of one table. Equal digests are equal tables, of whatever kind of store.
type Table struct {
	Name   string           `json:"name"`
	Rows   int64            `json:"rows"`
	SHA256 statement.Digest `json:"sha256"`
}

// Rows is how many rows of a table there are.
func (m Manifest) Rows(table string) int64 {
	for _, t := range m.Tables {
		if t.Name == table {
			return t.Rows
		}
	}
	return 0
}

// tables is a store whose tables can be copied.
type tables interface {
	store.Store
	EachRow(tx store.Tx, table relational.Table, yield func(row []any) error) error
	PutRow(tx store.Tx, table relational.Table, row []any) error
	ContentID(tx store.Tx, ref store.ContentRef) (id int64, here bool, err error)
}

func tablesOf(s store.Store) (tables, error) {
	t, ok := s.(tables)
	if !ok {
		return nil, fault.New(fault.Internal, "", "this kind of store cannot be copied")
	}
	return t, nil
}

// Names in table meta that a store has for itself.
const (
	incarnation = "incarnation"
	restored    = "restored" // when a backup was put back into it
)

// ofItself tells of a row that says something of the store and not of the node: a copy of it would not be true.
func ofItself(table relational.Table, row []any) bool {
	if table.Name != "meta" {
		return false
	}
	switch row[0] {
	case incarnation, restored, relational.Restoring:
		return true
	}
	return false
}

// Write writes all of s to w as it is at one moment. Others write on meanwhile, but what they replace is kept for so long. Errors: those of the store, and
// fault.Internal when w takes no more.
func Write(ctx context.Context, s store.Store, w io.Writer) (Manifest, error) {
	from, err := tablesOf(s)
	if err != nil {
		return Manifest{}, err
	}
	m := Manifest{Made: statement.TimeOf(time.Now())}
	if m.Incarnation, err = s.Incarnation(ctx); err != nil {
		return m, err
	}
	out, err := newWriter(w)
	if err != nil {
		return m, err
	}
	defer out.z.Close()
	if err := out.object(frameStart, m); err != nil {
		return m, err
	}
	err = s.View(ctx, func(tx store.Tx) error {
		for _, table := range relational.Tables() {
			if err := out.object(frameTable, heading{table.Name, table.Columns}); err != nil {
				return err
			}
			t, err := each(from, tx, table, func(raw []byte) error { return out.frame(frameRow, raw) })
			if err != nil {
				return err
			}
			if err := out.object(frameEnd, t); err != nil {
				return err
			}
			m.Tables = append(m.Tables, t)
		}
		return nil
	})
	if err != nil {
		return m, err
	}
	return m, out.end()
}

// each goes through a table's rows as a stream has them.
func each(from tables, tx store.Tx, table relational.Table, yield func(raw []byte) error) (Table, error) {
	count := newTally()
	var raw []byte
	err := from.EachRow(tx, table, func(row []any) (err error) {
		if ofItself(table, row) {
			return nil
		}
		if raw, err = appendRow(raw[:0], row); err != nil {
			return err
		}
		count.add(raw)
		return yield(raw)
	})
	return count.table(table.Name), err
}

// Verify reads a stream to its end and checks all of it, writing nothing. Errors: fault.Failed when it is no whole stream of Write.
func Verify(r io.Reader) (Manifest, error) {
	in, err := newReader(r)
	if err != nil {
		return Manifest{}, err
	}
	return in.read(func(relational.Table) error { return nil }, func(relational.Table, []any) error { return nil }, func(Table) error { return nil })
}

// Digest reads a store as Write does and gives what a stream of it would hold: what two stores are compared by.
func Digest(ctx context.Context, s store.Store) (Manifest, error) { return Write(ctx, s, io.Discard) }
