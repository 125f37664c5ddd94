// Package sqlite keeps a node's memory in one SQLite file, by modernc.org/sqlite: no C, no server.
//
// It implements store.Store and holds no rules. Several processes may open the same file; their writers take turns.
//
// Invariants: a commit is on the disk when Update returns (WAL, synchronous=FULL); what was erased is overwritten at once, and gone from every
// file after Scrub (STM-7; the one exception is told in internal/store/relational/keys.go).
//
// The queries are those of internal/store/relational. Here is what SQLite alone has: its Dialect in dialect.go, scrub.go and migrations/.
//
// Start with Open in db.go.
package sqlite
