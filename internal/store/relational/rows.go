package relational

import (
	"context"
	"fmt"
	"strings"

	"github.com/comity-exchange/comity/fault"
	"github.com/comity-exchange/comity/internal/store"
)

// Table is one table of the store, for copies of all of it.
type Table struct {
	Name    string
	Columns []string // those of the primary key first
	Key     int      // how many they are
	page    int      // rows that are read at once
}

// Tables lists what a copy holds, in an order in which it can be put back: what says how to take a row comes before the row. Leases and turns are of
// processes, not of the node, and are left out; so are sessions, and what was spent in them: a copy lets nobody in who was signed out since.
func Tables() []Table {
	table := func(name string, key, page int, columns string) Table {
		return Table{name, strings.Fields(columns), key, page}
	}
	return []Table{
		table("letter", 3, 64, "code serial digest raw status confirmed_at"),
		table("tile", 3, 64, "origin level n hashes"),
		table("checkpoint", 3, 64, "origin size root time note cosigs proven"),
		table("consistency", 3, 256, "origin from_size to_size hashes"),
		table("tile_path", 3, 256, "origin n size path"),
		table("fork", 2, 64, "origin digest note_a note_b found why"),
		table("origin", 1, 256, "no name"),
		table("statement", 1, 256, "place id thread kind precedence proof_at arrived folded void head"),
		table("tombstone", 2, 256, "statement part"),
		table("content", 1, 256, "id size arrived whole erased key_id last sha256"),
		table("content_key", 1, 64, "id secrets"),
		table("content_piece", 1, 16, "id prior key_id sealed"),
		table("parcel", 1, 256, "no content thread class objects first hidden older shared"),
		table("due", 1, 256, "place at"),
		table("thread", 1, 16, "no id desk opened updated waiting unread listed peers agreement status closed track precedence tlp exercise summary state"),
		table("thread_peer", 2, 256, "thread peer updated"),
		table("clock", 2, 256, "thread n owes mine place seconds due"),
		table("arrival", 4, 256, "peer origin what lo hi receipt time"),
		table("peer", 2, 64, "code origin cursors blob_cursor accepted their_size gossip last_try last_success attempts next_try last_error last_code last_heard"),
		table("meta", 1, 256, "name value"),
		table("wanted", 2, 256, "from_code id"),
		table("requested", 2, 256, "peer id"),
		table("officer", 1, 64, "id roles languages disabled record made made_by changed changed_by key_id last"),
		table("token", 1, 256, "hash officer scopes made made_by expires last_used revoked revoked_by"),
		table("link", 1, 256, "hash officer made made_by expires"),
		table("passkey", 1, 64, "id officer record made last_used count key_id last"),
		table("identity", 1, 256, "hash officer issuer made made_by"),
		table("draft", 1, 64, "id author status record made changed key_id last"),
	}
}

// own gives the transaction behind tx.
func (s *Store) own(tx store.Tx) (*txn, error) {
	t, ok := tx.(*txn)
	if !ok || t.store != s {
		return nil, fault.New(fault.Internal, "", "not a transaction of this store")
	}
	return t, nil
}

// EachRow goes through a table by its primary key. A row's values are int64, string, []byte or nil, in the order of the columns. It gives the first error of yield.
func (s *Store) EachRow(tx store.Tx, table Table, yield func(row []any) error) error {
	t, err := s.own(tx)
	if err != nil {
		return err
	}
	columns, key := strings.Join(table.Columns, ", "), strings.Join(table.Columns[:table.Key], ", ")
	first := fmt.Sprintf(`SELECT %s FROM %s ORDER BY %s LIMIT $1`, columns, table.Name, key)
	next := fmt.Sprintf(`SELECT %s FROM %s WHERE (%s) > (%s) ORDER BY %s LIMIT $%d`, columns, table.Name, key, places(table.Key), key, table.Key+1)
	q, args := first, []any{table.page}
	for {
		page, err := list(t, q, args, func(scan func(...any) error, row *[]any) error {
			*row = make([]any, len(table.Columns))
			dest := make([]any, len(*row))
			for i := range dest {
				dest[i] = &(*row)[i]
			}
			return scan(dest...)
		})
		if err != nil {
			return err
		}
		for _, row := range page {
			if err := yield(row); err != nil {
				return err
			}
		}
		if len(page) < table.page {
			return nil
		}
		q, args = next, append(append([]any{}, page[len(page)-1][:table.Key]...), table.page)
	}
}

// PutRow inserts a row into a table; one with the same key is replaced only in meta, where a new store has some of its own.
func (s *Store) PutRow(tx store.Tx, table Table, row []any) error {
	t, err := s.own(tx)
	if err != nil {
		return err
	}
	if table.Name == "origin" {
		s.origins.forget()
		t.cache = cache{}
	}
	q := fmt.Sprintf(`INSERT INTO %s (%s) VALUES (%s)`, table.Name, strings.Join(table.Columns, ", "), places(len(row)))
	if table.Name == "meta" {
		q += ` ON CONFLICT (name) DO UPDATE SET value = excluded.value`
	}
	_, err = t.exec(q, row...)
	return err
}

func places(n int) string {
	var b strings.Builder
	for i := range n {
		if i > 0 {
			b.WriteString(", ")
		}
		fmt.Fprintf(&b, "$%d", i+1)
	}
	return b.String()
}

// ContentID is the key of a body or blob in table content; here is false when its statement is not.
func (s *Store) ContentID(tx store.Tx, ref store.ContentRef) (id int64, here bool, err error) {
	t, err := s.own(tx)
	if err != nil {
		return 0, false, err
	}
	p, here, err := t.placeOf(ref.Statement)
	return contentID(p, ref.Part), here, err
}

// Blot takes a body or blob out of its row, as erasing does, and gives the key that is to be blotted with BlotKey; 0 where there is none.
func Blot(row []any) (key int64) {
	const arrived, whole, erased, keyID, last = 2, 3, 4, 5, 6 // columns of table content
	key, _ = row[keyID].(int64)
	row[arrived], row[whole], row[erased], row[keyID], row[last] = int64(0), int64(0), int64(1), int64(0), int64(0)
	return key
}

// KeyRow is the row of table content_key that holds a key.
func KeyRow(key int64) int64 { return key >> slotBits }

// BlotKey overwrites a key in its row's secrets.
func BlotKey(secrets []byte, key int64) {
	at := int(key&(1<<slotBits-1)) * keySize
	if at+keySize <= len(secrets) {
		clear(secrets[at : at+keySize])
	}
}

// PieceKey is the key that a row of table content_piece was sealed under; 0 for one that was emptied.
func PieceKey(row []any) int64 {
	key, _ := row[2].(int64)
	return key
}

// Restoring names the note that a copy is being put back into a store: until it is gone, nobody opens that store.
const Restoring = "restoring"

// Finished refuses a store into which a copy was put back in part.
func (s *Store) Finished(ctx context.Context) error {
	return s.View(ctx, func(tx store.Tx) error {
		v, err := tx.Meta(Restoring)
		if err == nil && v != "" {
			err = fault.New(fault.Usage, "", "a backup is being put back into this store, or was in part: begin again with an empty one")
		}
		return err
	})
}
