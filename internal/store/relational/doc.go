// Package relational is what the stores on relational databases have in common: the queries, one text for all of them ($1, ON CONFLICT), transactions,
// savepoints, connections, and how contents are encrypted.
//
// It implements store.Store and store.Tx over database/sql and holds no rules. What differs between databases is a Dialect: how a transaction
// begins and ends, how processes take turns, what errors mean. Tables, settings and upkeep are the dialects' packages': internal/store/sqlite,
// internal/store/postgres.
//
// Invariants: bodies and blobs are never written in plain; the key of an erased one is overwritten at once, and its sealed bytes with it (STM-7: keys.go says why
// nothing is left); no cursor is open while a caller's code runs; whatever fails in SQL ends the whole transaction.
//
// Start with Store in store.go and txn in tx.go.
package relational
