package storetest

import (
	"database/sql"
	"testing"

	"github.com/comity-exchange/comity/internal/store"
)

// Secrets reads, past a relational store, what must be gone once ref is erased: its key, which comes first, and its sealed bytes.
func Secrets(t testing.TB, db *sql.DB, ref store.ContentRef) (all [][]byte) {
	t.Helper()
	check := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	var place, key int64
	var secrets []byte
	check(db.QueryRowContext(t.Context(), `SELECT place FROM statement WHERE id = $1`, ref.Statement[:]).Scan(&place))
	check(db.QueryRowContext(t.Context(), `SELECT key_id FROM content WHERE id = $1`, place<<9|int64(ref.Part+1)).Scan(&key))
	check(db.QueryRowContext(t.Context(), `SELECT secrets FROM content_key WHERE id = $1`, key>>7).Scan(&secrets))
	at := int(key&127) * 32
	all = append(all, secrets[at:at+32])
	rows, err := db.QueryContext(t.Context(), `SELECT sealed FROM content_piece WHERE key_id = $1 ORDER BY id`, key)
	check(err)
	defer rows.Close()
	for rows.Next() {
		var piece []byte
		check(rows.Scan(&piece))
		all = append(all, piece)
	}
	check(rows.Err())
	if len(all) < 2 {
		t.Fatalf("%d secrets", len(all))
	}
	return all
}
