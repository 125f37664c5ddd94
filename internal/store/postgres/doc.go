// Package postgres keeps a node's memory in a PostgreSQL database, by pgx: for nodes that run as several processes, or whose data outlives a machine.
//
// It implements store.Store and holds no rules. The queries are those of internal/store/relational; here is what PostgreSQL alone has.
//
// Processes take turns at writing: Update locks the one row of table turn before it does anything, so that writing transactions are serial however
// many processes there are. The server takes the turn from a process that is paused or cut off, and its commit fails. Nothing relies on advisory locks,
// notifications or sequences, so that engines which speak PostgreSQL's protocol can do it too; docs/postgres.md tells what they change.
//
// Invariants: a commit is as durable as the server makes it, and a server that runs without fsync is refused; text is compared by its bytes; the key of
// an erased content is overwritten at once and gone from the table's files after Scrub (STM-7), and docs/postgres.md tells what else may hold it.
//
// Start with Open in db.go and dialect.go. pgtest runs servers for tests.
package postgres
