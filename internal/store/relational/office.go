package relational

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/comity-exchange/comity/fault"
	"github.com/comity-exchange/comity/internal/store"
	"github.com/comity-exchange/comity/statement"
)

// Rows with something sealed: it lies in pieces under a key of its own, as contents do (keys.go), which the row's key_id and last name. A row that is replaced
// gets another key and other pieces; the old ones are overwritten and emptied.

// sealRow seals data for a row, in place of what former has sealed.
func (t *txn) sealRow(table, id string, former sealing, data []byte) (now sealing, err error) {
	if err := t.destroy(former.key, former.last); err != nil {
		return now, err
	}
	key, aead, err := t.makeKey()
	if err != nil {
		return now, err
	}
	now.key = key
	for part := range slices.Chunk(data, maxPiece) {
		piece, err := t.nextPiece()
		if err == nil {
			err = t.putPiece(piece, now.last, key, aead.Seal(make([]byte, 0, len(part)+aead.Overhead()), nil, part, partOf(table, id, now.last == 0)))
		}
		if err != nil {
			return now, err
		}
		now.last = piece
	}
	return now, nil
}

// openRow opens what sealRow gave.
func (t *txn) openRow(table, id string, s sealing) (data []byte, err error) {
	aead, err := t.openKey(s.key)
	if err != nil {
		return nil, err
	}
	pieces, err := t.pieces(s.last)
	for i, piece := range slices.Backward(pieces) {
		var sealed []byte
		if found, err := t.one(`SELECT sealed FROM content_piece WHERE id = $1`, []any{piece}, &sealed); err != nil || !found {
			return nil, orDamaged(err)
		}
		part, err := aead.Open(sealed[:0], nil, sealed, partOf(table, id, i == len(pieces)-1))
		if err != nil {
			return nil, orDamaged(nil)
		}
		data = append(data, part...)
	}
	return data, err
}

// partOf binds a piece to where it belongs. Within a row the chain of pieces gives the order.
func partOf(table, id string, first bool) []byte {
	return fmt.Appendf(nil, "%s\n%t\n%s", table, first, id)
}

// sealing says where something sealed is; the zero value is nowhere.
type sealing struct{ key, last int64 }

// sealingOf is that of a row; zero when there is no such row.
func (t *txn) sealingOf(table string, id any) (s sealing, err error) {
	if err := t.mayWrite(); err != nil {
		return s, err
	}
	_, err = t.one(`SELECT key_id, last FROM `+table+` WHERE id = $1`, []any{id}, &s.key, &s.last)
	return s, err
}

// sealedRow is a row as read, before it is opened: opening asks the store again.
type sealedRow[T any] struct {
	row T
	sealing
}

const officerColumns = `id, roles, languages, disabled, record, made, made_by, changed, changed_by, key_id, last`

func readOfficer(scan func(...any) error, r *sealedRow[store.Officer]) error {
	o := &r.row
	return scan(&o.ID, wordsColumn{&o.Roles}, wordsColumn{&o.Languages}, &o.Disabled, idInto(&o.Record), timeInto(&o.Made), &o.MadeBy, timeInto(&o.Changed), &o.ChangedBy, &r.key, &r.last)
}

func (t *txn) openOfficer(r sealedRow[store.Officer]) (store.Officer, error) {
	name, err := t.openRow("officer", r.row.ID, r.sealing)
	r.row.Name = string(name)
	return r.row, err
}

// PutOfficer implements store.Office.
func (t *txn) PutOfficer(o store.Officer) error {
	former, err := t.sealingOf("officer", o.ID)
	if err != nil {
		return err
	}
	now, err := t.sealRow("officer", o.ID, former, []byte(o.Name))
	if err != nil {
		return err
	}
	_, err = t.exec(`INSERT INTO officer (`+officerColumns+`) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
		ON CONFLICT (id) DO UPDATE SET roles = excluded.roles, languages = excluded.languages, disabled = excluded.disabled, record = excluded.record,
		made = excluded.made, made_by = excluded.made_by, changed = excluded.changed, changed_by = excluded.changed_by, key_id = excluded.key_id, last = excluded.last`,
		o.ID, words(o.Roles), words(o.Languages), bit(o.Disabled), o.Record[:], millis(o.Made), o.MadeBy, millis(o.Changed), o.ChangedBy, now.key, now.last)
	return err
}

// Officer implements store.Office.
func (t *txn) Officer(id string) (store.Officer, error) {
	all, err := list(t, `SELECT `+officerColumns+` FROM officer WHERE id = $1`, []any{id}, readOfficer)
	r, err := first(all, err, "officer")
	if err != nil {
		return store.Officer{}, err
	}
	return t.openOfficer(r)
}

// EachOfficer implements store.Office.
func (t *txn) EachOfficer(yield func(store.Officer) bool) error {
	return opening(sealedRow[store.Officer]{}, func(after sealedRow[store.Officer], limit int) ([]sealedRow[store.Officer], error) {
		return list(t, `SELECT `+officerColumns+` FROM officer WHERE id > $1 ORDER BY id LIMIT $2`, []any{after.row.ID, limit}, readOfficer)
	}, t.openOfficer, yield)
}

// opening is paged for rows that are to be opened.
func opening[T any](start sealedRow[T], page func(after sealedRow[T], limit int) ([]sealedRow[T], error), open func(sealedRow[T]) (T, error), yield func(T) bool) error {
	var bad error
	err := paged(start, page, func(r sealedRow[T]) bool {
		var v T
		if v, bad = open(r); bad != nil {
			return false
		}
		return yield(v)
	})
	return errors.Join(err, bad)
}

const tokenColumns = `hash, officer, scopes, made, made_by, expires, last_used, revoked, revoked_by`

func readToken(scan func(...any) error, v *store.Token) error {
	return scan(digestInto(&v.Hash), &v.Officer, wordsColumn{&v.Scopes}, timeInto(&v.Made), &v.MadeBy, timeInto(&v.Expires), timeInto(&v.LastUsed), timeInto(&v.Revoked), &v.RevokedBy)
}

// PutToken implements store.Office.
func (t *txn) PutToken(v store.Token) error {
	_, err := t.exec(`INSERT INTO token (`+tokenColumns+`) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
		ON CONFLICT (hash) DO UPDATE SET last_used = excluded.last_used, revoked = excluded.revoked, revoked_by = excluded.revoked_by`,
		v.Hash[:], v.Officer, words(v.Scopes), millis(v.Made), v.MadeBy, millis(v.Expires), millis(v.LastUsed), millis(v.Revoked), v.RevokedBy)
	return err
}

// Token implements store.Office.
func (t *txn) Token(hash statement.Digest) (store.Token, error) {
	all, err := list(t, `SELECT `+tokenColumns+` FROM token WHERE hash = $1`, []any{hash[:]}, readToken)
	return first(all, err, "token")
}

// EachToken implements store.Office.
func (t *txn) EachToken(officer string, yield func(store.Token) bool) error {
	return paged(store.Token{}, func(after store.Token, limit int) ([]store.Token, error) {
		q, args := byHash("token", tokenColumns, officer, after.Hash, after.Officer == "", limit)
		return list(t, q, args, readToken)
	}, yield)
}

// byHash asks for a page of an officer's rows in a table whose key is a hash; officer "": of everybody's.
func byHash(table, columns, officer string, after statement.Digest, start bool, limit int) (q string, args []any) {
	from := after[:]
	if start { // a hash of zeros would be passed over
		from = []byte{}
	}
	if officer == "" {
		return `SELECT ` + columns + ` FROM ` + table + ` WHERE hash > $1 ORDER BY hash LIMIT $2`, []any{from, limit}
	}
	return `SELECT ` + columns + ` FROM ` + table + ` WHERE officer = $1 AND hash > $2 ORDER BY hash LIMIT $3`, []any{officer, from, limit}
}

// PutLink implements store.Office.
func (t *txn) PutLink(v store.Link) error {
	n, err := t.exec(`INSERT INTO link (`+linkColumns+`) VALUES ($1, $2, $3, $4, $5) ON CONFLICT DO NOTHING`,
		v.Hash[:], v.Officer, millis(v.Made), v.MadeBy, millis(v.Expires))
	if err == nil && n == 0 {
		err = fault.New(fault.Exists, "", "this link is there already")
	}
	return err
}

const linkColumns = `hash, officer, made, made_by, expires`

func readLink(scan func(...any) error, v *store.Link) error {
	return scan(digestInto(&v.Hash), &v.Officer, timeInto(&v.Made), &v.MadeBy, timeInto(&v.Expires))
}

// Link implements store.Office.
func (t *txn) Link(hash statement.Digest) (store.Link, error) {
	all, err := list(t, `SELECT `+linkColumns+` FROM link WHERE hash = $1`, []any{hash[:]}, readLink)
	return first(all, err, "link")
}

// EachLink implements store.Office.
func (t *txn) EachLink(officer string, yield func(store.Link) bool) error {
	return paged(store.Link{}, func(after store.Link, limit int) ([]store.Link, error) {
		q, args := byHash("link", linkColumns, officer, after.Hash, after.Officer == "", limit)
		return list(t, q, args, readLink)
	}, yield)
}

// DropLink implements store.Office.
func (t *txn) DropLink(hash statement.Digest) error {
	_, err := t.exec(`DELETE FROM link WHERE hash = $1`, hash[:])
	return err
}

const draftColumns = `id, author, status, record, made, changed, key_id, last`

func readDraft(scan func(...any) error, r *sealedRow[store.Draft]) error {
	d := &r.row
	return scan(draftColumn{&d.ID}, &d.Author, &d.Status, idInto(&d.Record), timeInto(&d.Made), timeInto(&d.Changed), &r.key, &r.last)
}

func (t *txn) openDraft(r sealedRow[store.Draft]) (d store.Draft, err error) {
	r.row.Content, err = t.openRow("draft", string(r.row.ID[:]), r.sealing)
	return r.row, err
}

// PutDraft implements store.Office.
func (t *txn) PutDraft(d store.Draft) error {
	former, err := t.sealingOf("draft", d.ID[:])
	if err != nil {
		return err
	}
	now, err := t.sealRow("draft", string(d.ID[:]), former, d.Content)
	if err != nil {
		return err
	}
	_, err = t.exec(`INSERT INTO draft (`+draftColumns+`) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
		ON CONFLICT (id) DO UPDATE SET author = excluded.author, status = excluded.status, record = excluded.record, made = excluded.made, changed = excluded.changed,
		key_id = excluded.key_id, last = excluded.last`,
		d.ID[:], d.Author, d.Status, d.Record[:], millis(d.Made), millis(d.Changed), now.key, now.last)
	return err
}

// Draft implements store.Office.
func (t *txn) Draft(id store.DraftID) (store.Draft, error) {
	all, err := list(t, `SELECT `+draftColumns+` FROM draft WHERE id = $1`, []any{id[:]}, readDraft)
	r, err := first(all, err, "draft")
	if err != nil {
		return store.Draft{}, err
	}
	return t.openDraft(r)
}

// EachDraft implements store.Office.
func (t *txn) EachDraft(yield func(store.Draft) bool) error {
	return opening(sealedRow[store.Draft]{}, func(after sealedRow[store.Draft], limit int) ([]sealedRow[store.Draft], error) {
		from := after.row.ID[:]
		if after.key == 0 { // the first page
			from = []byte{}
		}
		return list(t, `SELECT `+draftColumns+` FROM draft WHERE id > $1 ORDER BY id LIMIT $2`, []any{from, limit}, readDraft)
	}, t.openDraft, yield)
}

// DropDraft implements store.Office.
func (t *txn) DropDraft(id store.DraftID) error {
	s, err := t.sealingOf("draft", id[:])
	if err != nil {
		return err
	}
	if err := t.destroy(s.key, s.last); err != nil {
		return err
	}
	_, err = t.exec(`DELETE FROM draft WHERE id = $1`, id[:])
	return err
}

// words is the column for a list of identifiers, none of which has a blank in it.
func words(list []string) string { return strings.Join(list, " ") }

// wordsColumn scans such a list.
type wordsColumn struct{ list *[]string }

func (c wordsColumn) Scan(v any) error {
	text, ok := v.(string)
	if !ok {
		return errors.New("a column of words holds no text")
	}
	*c.list = nil
	if text != "" {
		*c.list = strings.Split(text, " ")
	}
	return nil
}

// draftColumn scans a draft's id.
type draftColumn struct{ id *store.DraftID }

func (c draftColumn) Scan(v any) error {
	b, ok := v.([]byte)
	if !ok || len(b) != len(c.id) {
		return errors.New("a column of drafts' ids holds something else")
	}
	copy(c.id[:], b)
	return nil
}
