package sqlite

import (
	"strings"

	"github.com/comity-exchange/comity/fault"
	"github.com/comity-exchange/comity/internal/store"
	"github.com/comity-exchange/comity/party"
	"github.com/comity-exchange/comity/statement"
	"github.com/comity-exchange/comity/thread"
)

const statementColumns = `id, thread, origin, leaf, kind, precedence, proof_at, head, arrived, folded, void, head_receipt, body_receipt, blob_receipt`

func readStatement(scan func(...any) error, s *store.Statement) error {
	return scan(idInto(&s.ID), idInto(&s.Thread), &s.Origin, &s.Index, &s.Kind, &s.Precedence, &s.ProofAt, &s.Head,
		timeInto(&s.Arrived), &s.Folded, &s.Void, idInto(&s.HeadReceipt), idInto(&s.BodyReceipt), idInto(&s.BlobReceipt))
}

// PutStatement implements store.Statements.
func (t *txn) PutStatement(s store.Statement) error {
	if s.Kind == "" || s.Precedence == "" {
		return fault.New(fault.Internal, "", "a statement is stored with its kind and precedence")
	}
	n, err := t.exec(`INSERT INTO statement (`+statementColumns+`) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)
		ON CONFLICT DO NOTHING`,
		s.ID[:], s.Thread[:], string(s.Origin), s.Index, string(s.Kind), string(s.Precedence), s.ProofAt, full(s.Head),
		millis(s.Arrived), bit(s.Folded), s.Void, optional(s.HeadReceipt), optional(s.BodyReceipt), optional(s.BlobReceipt))
	if err == nil && n == 0 {
		return fault.New(fault.Exists, "", "a statement with this id or in this place is already there")
	}
	return err
}

// UpdateStatement implements store.Statements.
func (t *txn) UpdateStatement(s store.Statement) error {
	n, err := t.exec(`UPDATE statement SET proof_at = $2, arrived = $3, folded = $4, void = $5, head_receipt = $6, body_receipt = $7, blob_receipt = $8
		WHERE id = $1`,
		s.ID[:], s.ProofAt, millis(s.Arrived), bit(s.Folded), s.Void, optional(s.HeadReceipt), optional(s.BodyReceipt), optional(s.BlobReceipt))
	if err == nil && n == 0 {
		return missing("statement")
	}
	return err
}

// Statement implements store.Statements.
func (t *txn) Statement(id statement.ID) (store.Statement, error) {
	all, err := list(t, `SELECT `+statementColumns+` FROM statement WHERE id = $1`, []any{id[:]}, readStatement)
	return first(all, err, "statement")
}

// FindStatements implements store.Statements. What are not digits of an id is fault.Malformed.
func (t *txn) FindStatements(prefix string, limit int) ([]statement.ID, error) {
	rest := max(0, 64-len(prefix))
	lo, err := statement.ParseID(prefix + strings.Repeat("0", rest))
	if err != nil {
		return nil, err
	}
	hi, err := statement.ParseID(prefix + strings.Repeat("f", rest))
	if err != nil {
		return nil, err
	}
	return list(t, `SELECT id FROM statement WHERE id >= $1 AND id <= $2 ORDER BY id LIMIT $3`, []any{lo[:], hi[:], limit}, readID)
}

// StatementAt implements store.Statements.
func (t *txn) StatementAt(origin party.Origin, index int64) (store.Statement, error) {
	all, err := list(t, `SELECT `+statementColumns+` FROM statement WHERE origin = $1 AND leaf = $2`, []any{origin, index}, readStatement)
	return first(all, err, "statement")
}

// Neighbours implements store.Statements.
func (t *txn) Neighbours(origin party.Origin, index int64) (before, after []store.Statement, err error) {
	before, err = list(t, `SELECT `+statementColumns+` FROM statement WHERE origin = $1 AND leaf < $2 ORDER BY leaf DESC LIMIT 1`,
		[]any{origin, index}, readStatement)
	if err != nil {
		return nil, nil, err
	}
	after, err = list(t, `SELECT `+statementColumns+` FROM statement WHERE origin = $1 AND leaf > $2 ORDER BY leaf LIMIT 1`,
		[]any{origin, index}, readStatement)
	return before, after, err
}

// Scan implements store.Statements.
func (t *txn) Scan(origin party.Origin, precedence statement.Precedence, from int64, yield func(store.Statement) bool) error {
	return paged(store.Statement{Index: from - 1}, func(after store.Statement, limit int) ([]store.Statement, error) {
		if precedence == "" {
			return list(t, `SELECT `+statementColumns+` FROM statement WHERE origin = $1 AND leaf > $2 ORDER BY leaf LIMIT $3`,
				[]any{origin, after.Index, limit}, readStatement)
		}
		return list(t, `SELECT `+statementColumns+` FROM statement WHERE origin = $1 AND precedence = $2 AND leaf > $3
			ORDER BY leaf LIMIT $4`, []any{origin, precedence, after.Index, limit}, readStatement)
	}, yield)
}

// ScanKind implements store.Statements.
func (t *txn) ScanKind(origin party.Origin, kind statement.Kind, from int64, yield func(store.Statement) bool) error {
	return paged(store.Statement{Index: from - 1}, func(after store.Statement, limit int) ([]store.Statement, error) {
		return list(t, `SELECT `+statementColumns+` FROM statement WHERE origin = $1 AND kind = $2 AND leaf > $3
			ORDER BY leaf LIMIT $4`, []any{origin, kind, after.Index, limit}, readStatement)
	}, yield)
}

// EachOfThread implements store.Statements. Heads that arrived in the same millisecond come by log and leaf.
func (t *txn) EachOfThread(id thread.ID, yield func(store.Statement) bool) error {
	return paged(store.Statement{}, func(after store.Statement, limit int) ([]store.Statement, error) {
		return list(t, `SELECT `+statementColumns+` FROM statement WHERE thread = $1 AND (arrived, origin, leaf) > ($2, $3, $4)
			ORDER BY arrived, origin, leaf LIMIT $5`, []any{id[:], millis(after.Arrived), after.Origin, after.Index, limit}, readStatement)
	}, yield)
}

// Length implements store.Statements.
func (t *txn) Length(origin party.Origin) (n int64, err error) {
	_, err = t.one(`SELECT leaf + 1 FROM statement WHERE origin = $1 ORDER BY leaf DESC LIMIT 1`, []any{origin}, &n)
	return n, err
}

const threadColumns = `id, desk, state, summary, opened, updated, waiting, unread`

func readThread(scan func(...any) error, r *store.ThreadRow) error {
	return scan(idInto(&r.ID), &r.Desk, &r.State, &r.Summary, timeInto(&r.Opened), timeInto(&r.Updated), &r.Waiting, &r.Unread)
}

// PutThread implements store.Statements.
func (t *txn) PutThread(r store.ThreadRow) error {
	_, err := t.exec(`INSERT INTO thread (`+threadColumns+`) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
		ON CONFLICT (id) DO UPDATE SET desk = excluded.desk, state = excluded.state, summary = excluded.summary,
		opened = excluded.opened, updated = excluded.updated, waiting = excluded.waiting, unread = excluded.unread`,
		r.ID[:], r.Desk, full(r.State), full(r.Summary), millis(r.Opened), millis(r.Updated), r.Waiting, r.Unread)
	return err
}

// Thread implements store.Statements.
func (t *txn) Thread(id thread.ID) (store.ThreadRow, error) {
	all, err := list(t, `SELECT `+threadColumns+` FROM thread WHERE id = $1`, []any{id[:]}, readThread)
	return first(all, err, "thread")
}

// Threads implements store.Statements.
func (t *txn) Threads(desk string, yield func(store.ThreadRow) bool) error {
	const latest = 1 << 53 // after every time in milliseconds
	updated, id := int64(latest), thread.ID{}
	return paged(store.ThreadRow{}, func(after store.ThreadRow, limit int) ([]store.ThreadRow, error) {
		if !after.ID.IsZero() {
			updated, id = millis(after.Updated), after.ID
		}
		if desk == "" {
			return list(t, `SELECT `+threadColumns+` FROM thread WHERE (updated, id) < ($1, $2)
				ORDER BY updated DESC, id DESC LIMIT $3`, []any{updated, id[:], limit}, readThread)
		}
		return list(t, `SELECT `+threadColumns+` FROM thread WHERE desk = $1 AND (updated, id) < ($2, $3)
			ORDER BY updated DESC, id DESC LIMIT $4`, []any{desk, updated, id[:], limit}, readThread)
	}, yield)
}
