package storetest

import (
	"bytes"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/comity-exchange/comity/internal/store"
	"github.com/comity-exchange/comity/party"
	"github.com/comity-exchange/comity/statement"
	"github.com/comity-exchange/comity/thread"
)

// Aged holds a relational store's migrations against a store of the first release's tables: it fills a store, puts its tables back to what they were, has open bring
// them up to this program, and looks whether everything is there. past is a way into the same database past the store; bytes is what the dialect calls bytes.
func Aged(t *testing.T, open func(t testing.TB) store.Store, past *sql.DB, bytesType string) {
	// spec: RET-1
	s := open(t)
	texts := map[store.ContentRef][]byte{}
	until := at(30)
	update(t, s, func(tx store.Tx) error {
		for n := range 6 {
			st := sample(n)
			st.Head = fmt.Appendf(nil, `{"n":%d,"marking":{"tlp":"AMBER"},"body":{"size":2}}`, n)
			switch n {
			case 2, 3:
				st.Head = fmt.Appendf(nil, `{"n":%d,"marking":{"tlp":"AMBER","retain_until":"%s"},"body":{"size":2}}`, n, until)
			case 4:
				st.Head = fmt.Appendf(nil, `{"marking":{"tlp":"AMBER","retain_until":"%s"}}`, until) // nothing to erase
			case 5:
				st.Kind = "instrument.deposit"
				st.Head = fmt.Appendf(nil, `{"marking":{"tlp":"AMBER","retain_until":"%s"},"body":{"size":2}}`, until)
			}
			if err := tx.PutStatement(st); err != nil {
				return err
			}
			body, blob := store.ContentRef{Statement: st.ID, Part: store.BodyPart}, store.ContentRef{Statement: st.ID, Part: n}
			texts[body], texts[blob] = bytes.Repeat([]byte{byte(n)}, 100*n), bytes.Repeat([]byte{byte(n)}, 300_000+n)
			err := errors.Join(
				tx.PutWhole(body, statement.Sum(texts[body]), texts[body]),
				tx.PutContent(blob, statement.Sum(texts[blob]), int64(len(texts[blob]))), tx.Append(blob, 0, texts[blob][:7]), tx.Append(blob, 7, texts[blob][7:]), tx.SetWhole(blob),
			)
			if n == 1 {
				err = errors.Join(err, tx.Erase(blob))
				delete(texts, blob)
			}
			if err != nil {
				return err
			}
		}
		return errors.Join(
			tx.PutThread(store.ThreadRow{ID: id(1), Desk: "assist", State: []byte("{}"), Opened: at(2), Updated: at(2), Listed: true, Facets: store.Facets{Peers: []party.Code{xb}}}),
			tx.PutThread(store.ThreadRow{ID: id(2), Desk: "assist", State: []byte("{}"), Opened: at(1), Updated: at(1), Unread: 1}),
		)
	})
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	for _, q := range []string{
		`ALTER TABLE content ADD COLUMN sealed ` + bytesType, `ALTER TABLE content ADD COLUMN chunks BIGINT NOT NULL DEFAULT 0`,
		`CREATE TABLE content_chunk (id BIGINT PRIMARY KEY, sealed ` + bytesType + ` NOT NULL)`,
		`INSERT INTO content_chunk (id, sealed) SELECT key_id * 16777216 + row_number() OVER (PARTITION BY key_id ORDER BY id) - 1, sealed FROM content_piece
			WHERE key_id IN (SELECT key_id FROM content_piece GROUP BY key_id HAVING COUNT(*) > 1) AND key_id <> 0`,
		`UPDATE content SET chunks = (SELECT COUNT(*) FROM content_piece p WHERE p.key_id = content.key_id AND p.key_id <> 0)`,
		`UPDATE content SET sealed = (SELECT p.sealed FROM content_piece p WHERE p.id = content.last), chunks = 0 WHERE chunks = 1`,
		`DROP TABLE content_piece`, `ALTER TABLE content DROP COLUMN last`, `DROP TABLE due`,
		`DROP TABLE officer`, `DROP TABLE token`, `DROP TABLE link`, `DROP TABLE draft`,
		`CREATE TABLE aside AS SELECT id, desk, opened, updated, waiting, unread, summary, state FROM thread`, `DROP TABLE thread`,
		`CREATE TABLE thread (id ` + bytesType + ` NOT NULL PRIMARY KEY, desk TEXT NOT NULL, opened BIGINT NOT NULL, updated BIGINT NOT NULL, waiting BIGINT NOT NULL,
			unread BIGINT NOT NULL, summary ` + bytesType + ` NOT NULL, state ` + bytesType + ` NOT NULL)`,
		`CREATE INDEX thread_list ON thread (desk, updated, id)`, `INSERT INTO thread SELECT id, desk, opened, updated, waiting, unread, summary, state FROM aside`, `DROP TABLE aside`,
		`DROP TABLE thread_peer`, `DROP TABLE clock`, `DROP TABLE word`, `DROP TABLE answer`, `DROP INDEX content_unworded`, `DROP INDEX content_uncatalogued`, `ALTER TABLE content DROP COLUMN worded`,
		`DROP TABLE parcel`, `DROP TABLE parcel_cover`, `DROP TABLE posting_run`, `DROP TABLE posting_block`, `DROP TABLE posting_epoch`, `DROP TABLE parcel_terms`,
		`DROP TABLE session`, `DROP TABLE passkey`, `DROP TABLE identity`, `DROP TABLE spent`, `DELETE FROM goose_db_version WHERE version_id > 2`,
	} {
		if bytesType == "BLOB" { // a STRICT table knows no BIGINT
			q = strings.ReplaceAll(q, "BIGINT", "INTEGER")
		}
		if _, err := past.ExecContext(t.Context(), q); err != nil {
			t.Fatalf("%s: %v", q, err)
		}
	}
	s = open(t)
	defer func() { is(t, s.Close(), "") }()
	view(t, s, func(tx store.Tx) error {
		for ref, want := range texts {
			var b bytes.Buffer
			is(t, tx.Read(ref, &b), "")
			if !bytes.Equal(b.Bytes(), want) {
				t.Errorf("part %d: %d bytes, not %d, or others", ref.Part, b.Len(), len(want))
			}
		}
		same(t, len(all(t, tx.EachErased)), 1)
		same(t, must[[]thread.ID](t)(tx.Unlisted(10)), []thread.ID{id(2), id(1)}) // by when they were opened
		same(t, len(must[[]statement.ID](t)(tx.Unworded(10))), 6)
		same(t, must[store.ThreadPage](t)(tx.ListThreads(store.ThreadQuery{Unread: true, Limit: 5, Look: 9})).Rows[0].ID, id(2))
		same(t, must[[]store.Due](t)(tx.Due(until, 10)), []store.Due{{Statement: id(2), At: until}, {Statement: id(3), At: until}})
		return nil
	})
	update(t, s, func(tx store.Tx) error { // and it goes on where it was
		ref := store.ContentRef{Statement: id(0), Part: 100}
		return errors.Join(tx.PutWhole(ref, digest("new"), []byte("new")), tx.Erase(store.ContentRef{Statement: id(3), Part: 3}))
	})
}

// AgedIndex holds the migration of what objects are found by: parcels keep their numbers, and wait to be looked at again. open and past are those of Aged.
func AgedIndex(t *testing.T, open func(t testing.TB) store.Store, past *sql.DB) {
	s := open(t)
	putSamples(t, s, 3)
	var refs []store.ContentRef
	update(t, s, func(tx store.Tx) error {
		for i := range 3 {
			refs = append(refs, blob(tx, i, 0))
			if i == 1 {
				is(t, tx.SkipBlob(refs[i]), "")
				continue
			}
			p := must[store.Parcel](t)(tx.PutParcel(parcel(refs[i], 0, 4, 1), 1000, []store.Posting{{Term: 5, Line: i}}))
			is(t, tx.WordsPut(p.No), "")
		}
		return nil
	})
	is(t, s.Close(), "")
	for _, q := range []string{
		`DROP TABLE parcel_cover`, `DROP INDEX parcel_change`, `ALTER TABLE parcel DROP COLUMN change_no`, `DROP TABLE posting_run`, `DROP TABLE posting_block`, `DROP TABLE posting_epoch`, `DELETE FROM goose_db_version WHERE version_id > 9`,
		`CREATE TABLE posting (term BIGINT NOT NULL, parcel BIGINT NOT NULL, line BIGINT NOT NULL, byte BIGINT NOT NULL, version BIGINT NOT NULL, sum BIGINT NOT NULL, PRIMARY KEY (term, parcel, line))`,
		`INSERT INTO posting VALUES (5, 1, 0, 0, 0, 0)`,
	} {
		if _, err := past.ExecContext(t.Context(), q); err != nil {
			t.Fatalf("%s: %v", q, err)
		}
	}
	s = open(t)
	defer func() { is(t, s.Close(), "") }()
	update(t, s, func(tx store.Tx) error {
		same(t, must[[]store.ContentRef](t)(tx.Uncatalogued(9)), []store.ContentRef{refs[0], refs[2]})
		same(t, len(must[[]store.Parcel](t)(tx.WordlessParcels(9))), 2)
		same(t, len(must[[]store.Found](t)(tx.Postings(5, 0, -1, 9))), 0)
		again := must[store.Parcel](t)(tx.PutParcel(parcel(refs[2], 0, 4, 1), 9000, []store.Posting{{Term: 6, Line: 3}}))
		same(t, []int64{again.No, again.First}, []int64{2, 1004})
		same(t, must[[]store.Found](t)(tx.Postings(6, 0, -1, 9)), []store.Found{{Posting: store.Posting{Term: 6, Line: 3}, Parcel: 2}})
		return nil
	})
}
