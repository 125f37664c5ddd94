package fedtest

import (
	"crypto/sha256"
	"database/sql"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strings"

	_ "modernc.org/sqlite" // the driver, to look into a store's file beside the node
)

// holdings is all that a party's store holds: of each table the number of rows, and what is in them.
type holdings map[string]rows

type rows struct {
	n   int
	sum [sha256.Size]byte // of all rows, in whatever order
}

// restless are tables that a node writes for itself, whoever speaks to it: how its queues fare. Only their length is looked at.
const restless = " peer meta lease "

// holdings looks into the store's file.
func (p *Party) holdings() holdings {
	p.F.T.Helper()
	path := p.Config.Store
	if !filepath.IsAbs(path) {
		path = filepath.Join(p.Dir, path)
	}
	db, err := sql.Open("sqlite", "file:"+path+"?mode=ro&_pragma=busy_timeout(10000)")
	p.F.must(err)
	defer func() { p.F.must(db.Close()) }()
	tx, err := db.BeginTx(p.F.T.Context(), &sql.TxOptions{ReadOnly: true}) // all tables at one moment
	p.F.must(err)
	defer func() { p.F.must(tx.Rollback()) }()
	h := holdings{}
	// The words of what was here before are noted a little later, whatever comes.
	for _, name := range p.column(tx, `SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%' AND name <> 'word'`) {
		h[name] = p.rows(tx, name)
	}
	if len(h) < 10 {
		p.F.T.Fatalf("the store has only the tables %v", slices.Sorted(maps.Keys(h)))
	}
	return h
}

func (p *Party) column(tx *sql.Tx, query string) (out []string) {
	p.F.T.Helper()
	found, err := tx.QueryContext(p.F.T.Context(), query)
	p.F.must(err)
	defer func() { p.F.must(found.Close()) }()
	for found.Next() {
		var s string
		p.F.must(found.Scan(&s))
		out = append(out, s)
	}
	p.F.must(found.Err())
	return out
}

// rows counts a table and adds up what is in it.
func (p *Party) rows(tx *sql.Tx, name string) (r rows) {
	p.F.T.Helper()
	found, err := tx.QueryContext(p.F.T.Context(), `SELECT * FROM "`+name+`"`)
	p.F.must(err)
	defer func() { p.F.must(found.Close()) }()
	names, err := found.Columns()
	p.F.must(err)
	values, to := make([]any, len(names)), make([]any, len(names))
	for i := range values {
		to[i] = &values[i]
	}
	for found.Next() {
		p.F.must(found.Scan(to...))
		if i := slices.Index(names, "worded"); i >= 0 {
			values[i] = nil
		}
		sum := sha256.Sum256(fmt.Append(nil, values...))
		for i, b := range sum {
			r.sum[i] ^= b
		}
		r.n++
	}
	p.F.must(found.Err())
	return r
}

// since says which tables are not as they were, but for those that may have changed; "" for none.
func (h holdings) since(before holdings, but ...string) string {
	var changed []string
	for _, name := range slices.Sorted(maps.Keys(h)) {
		a, b := before[name], h[name]
		if slices.Contains(but, name) || a.n == b.n && (a.sum == b.sum || strings.Contains(restless, " "+name+" ")) {
			continue
		}
		changed = append(changed, fmt.Sprintf("%s (%d rows, before: %d)", name, b.n, a.n))
	}
	return strings.Join(changed, ", ")
}
