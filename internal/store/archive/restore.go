package archive

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/comity-exchange/comity/fault"
	"github.com/comity-exchange/comity/internal/store"
	"github.com/comity-exchange/comity/internal/store/relational"
	"github.com/comity-exchange/comity/statement"
)

// RestoreOptions say how a copy is put back. The zero value puts back all of it.
type RestoreOptions struct {
	// Erased names what was erased since the copy was made: neither its key nor its bytes are written.
	Erased []store.ContentRef
	Now    time.Time // zero: the machine's clock
}

// A transaction of Restore takes so many rows, or so many bytes of them.
const (
	batchRows  = 4096
	batchBytes = 4 << 20
)

// Restore puts a stream of Write into an empty store, reads back what it wrote, and gives what is there now: the tables of the stream, but for what was erased
// since. The store keeps the incarnation that it got when it was made. Errors: fault.Exists when it is not empty; fault.Failed when the stream is damaged
// or the store gives back something else. Unless it gives nil, the store is good for nothing and is not opened again.
func Restore(ctx context.Context, s store.Store, r io.Reader, o RestoreOptions) (Manifest, error) {
	to, err := tablesOf(s)
	if err != nil {
		return Manifest{}, err
	}
	in, err := newReader(r)
	if err != nil {
		return Manifest{}, err
	}
	if o.Now.IsZero() {
		o.Now = time.Now()
	}
	t := &restoring{ctx: ctx, to: to, erased: o.Erased}
	if err := t.begin(); err != nil {
		return Manifest{}, err
	}
	m, err := in.read(t.table, t.row, t.ended)
	if err != nil {
		return m, err
	}
	if m.Tables, err = t.compare(); err != nil {
		return m, err
	}
	if err := t.entomb(m.Tables); err != nil {
		return m, err
	}
	return m, s.Update(ctx, func(tx store.Tx) error {
		// Nothing else makes the store one that is opened.
		if err := tx.SetMeta(restored, statement.TimeOf(o.Now).String()); err != nil {
			return err
		}
		return tx.SetMeta(relational.Restoring, "")
	})
}

// restoring is a stream's way into a store.
type restoring struct {
	ctx    context.Context
	to     tables
	erased []store.ContentRef

	batch  []any // rows that are not yet written, each with its table before it
	bytes  int
	count  *tally            // of the table in hand, as it is written
	wrote  []Table           // what every table should hold now
	graves map[int64]bool    // rows of content that are to be tombstones
	keys   map[int64][]int64 // by row of content_key: keys that are not to be written
	gone   map[int64]bool    // keys whose pieces are not to be written
}

// begin makes sure that the store is empty, and that nobody opens it until all is done.
func (t *restoring) begin() error {
	t.graves, t.keys, t.gone = map[int64]bool{}, map[int64][]int64{}, map[int64]bool{}
	return t.to.Update(t.ctx, func(tx store.Tx) error {
		for _, table := range relational.Tables() {
			err := t.to.EachRow(tx, table, func(row []any) error {
				if table.Name == "meta" && row[0] == incarnation {
					return nil
				}
				return fault.New(fault.Exists, "", "the store is not empty: a backup is put back into a new one")
			})
			if err != nil {
				return err
			}
		}
		return tx.SetMeta(relational.Restoring, "1")
	})
}

// table begins a table. What was erased is looked up when the statements are there, and before any content.
func (t *restoring) table(table relational.Table) error {
	t.count = newTally()
	if table.Name != "content" {
		return nil
	}
	return t.to.View(t.ctx, func(tx store.Tx) error {
		for _, ref := range t.erased {
			id, here, err := t.to.ContentID(tx, ref)
			if err != nil {
				return err
			}
			if here {
				t.graves[id] = true
			}
		}
		return nil
	})
}

func (t *restoring) row(table relational.Table, row []any) error {
	if ofItself(table, row) {
		return damaged(nil) // Write leaves it out
	}
	if !t.keep(table, row) {
		return nil
	}
	raw, err := appendRow(nil, row)
	if err != nil {
		return err
	}
	t.count.add(raw)
	t.batch = append(t.batch, table, row)
	t.bytes += len(raw)
	if t.bytes < batchBytes && len(t.batch) < 2*batchRows {
		return nil
	}
	return t.flush()
}

// keep takes out of a row what was erased since. It tells whether anything is left to write.
func (t *restoring) keep(table relational.Table, row []any) bool {
	// spec: STM-7
	id, _ := row[0].(int64)
	switch table.Name {
	case "content":
		if !t.graves[id] {
			break
		}
		if key := relational.Blot(row); key != 0 {
			t.keys[relational.KeyRow(key)] = append(t.keys[relational.KeyRow(key)], key)
			t.gone[key] = true
		}
	case "content_key":
		secrets, _ := row[1].([]byte)
		for _, key := range t.keys[id] {
			relational.BlotKey(secrets, key)
		}
	case "content_piece":
		return !t.gone[relational.PieceKey(row)]
	}
	return true
}

func (t *restoring) flush() error {
	err := t.to.Update(t.ctx, func(tx store.Tx) error {
		for pair := range slices.Chunk(t.batch, 2) {
			table, _ := pair[0].(relational.Table)
			row, _ := pair[1].([]any)
			if err := t.to.PutRow(tx, table, row); err != nil {
				return err
			}
		}
		return nil
	})
	t.batch, t.bytes = t.batch[:0], 0
	return err
}

func (t *restoring) ended(table Table) error {
	t.wrote = append(t.wrote, t.count.table(table.Name))
	return t.flush()
}

// compare reads everything back.
func (t *restoring) compare() (now []Table, err error) {
	err = t.to.View(t.ctx, func(tx store.Tx) error {
		now = nil
		for i, table := range relational.Tables() {
			got, err := each(t.to, tx, table, func([]byte) error { return nil })
			if err != nil {
				return err
			}
			if got != t.wrote[i] {
				return fault.New(fault.Failed, "", "the store gives back something else than was put into it: table %s", table.Name)
			}
			now = append(now, got)
		}
		return nil
	})
	return now, err
}

// entomb leaves a tombstone for everything that was erased, also for what was not in the copy, and brings the list of tables up to date.
func (t *restoring) entomb(now []Table) error {
	// spec: STM-7
	for refs := range slices.Chunk(t.erased, batchRows) {
		err := t.to.Update(t.ctx, func(tx store.Tx) error {
			for _, ref := range refs {
				if err := tx.Erase(ref); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	return t.to.View(t.ctx, func(tx store.Tx) (err error) {
		for i, table := range relational.Tables() {
			if err == nil && len(t.erased) > 0 && slices.Contains([]string{"content", "parcel", "tombstone"}, table.Name) {
				now[i], err = each(t.to, tx, table, func([]byte) error { return nil })
			}
		}
		return err
	})
}

// Erased lists all tombstones of a store, for RestoreOptions.
func Erased(ctx context.Context, s store.Store) (all []store.ContentRef, err error) {
	err = s.View(ctx, func(tx store.Tx) error {
		all = nil
		return tx.EachErased(func(ref store.ContentRef) bool {
			all = append(all, ref)
			return true
		})
	})
	return all, err
}

// FormatErased writes a list of what was erased: a line with the statement's id and the part, −1 for the body, for each.
func FormatErased(w io.Writer, all []store.ContentRef) error {
	b := bufio.NewWriter(w)
	for _, ref := range all {
		_, _ = fmt.Fprintf(b, "%s %d\n", ref.Statement, ref.Part) // the error is Flush's
	}
	if err := b.Flush(); err != nil {
		return fault.Wrap(err, fault.Internal, "", "the list of what was erased cannot be written")
	}
	return nil
}

// ParseErased reads what FormatErased wrote. Empty lines and lines that begin with # are passed over.
func ParseErased(r io.Reader) (all []store.ContentRef, err error) {
	lines := bufio.NewScanner(r)
	for n := 1; lines.Scan(); n++ {
		line := strings.TrimSpace(lines.Text())
		if line == "" || line[0] == '#' {
			continue
		}
		id, number, _ := strings.Cut(line, " ")
		ref := store.ContentRef{}
		ref.Statement, err = statement.ParseID(id)
		if err == nil {
			ref.Part, err = strconv.Atoi(number)
		}
		if err != nil || ref.Part < store.BodyPart || ref.Part >= statement.MaxBlobs {
			return nil, fault.New(fault.Usage, "", "line %d of the list of what was erased is not an id and a part", n)
		}
		all = append(all, ref)
	}
	if err := lines.Err(); err != nil {
		return nil, fault.Wrap(err, fault.Usage, "", "the list of what was erased cannot be read")
	}
	return all, nil
}
