// Package sqlite keeps a node's memory in one SQLite file, by modernc.org/sqlite: no C, no server.
//
// It implements store.Store and holds no rules. Several processes may open the same file; their writers take turns.
//
// Invariants: a commit is on the disk when Update returns (WAL, synchronous=FULL); bodies and blobs are never written in
// plain; the key and the sealed bytes of an erased one are overwritten at once, and are gone from every file after Scrub (STM-7; the
// one exception is told in contents.go); no cursor is open while a caller's code runs; whatever fails in SQL ends the whole transaction.
//
// The queries are the same text for every dialect ($1, ON CONFLICT, RETURNING). What is SQLite's alone is in dialect.go, scrub.go
// and migrations/.
//
// Start with Open in db.go and txn in tx.go.
package sqlite
