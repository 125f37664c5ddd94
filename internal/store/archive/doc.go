// Package archive copies a whole store into one stream, and puts such a stream back into an empty store, of the same kind or of another: backup, restore,
// and moving a node from SQLite to PostgreSQL or back are the same thing.
//
// A stream is one line that names the format, then zstd. In it are tables, row by row, in the order of relational.Tables; each ends with its count and
// SHA-256, and all of it with a SHA-256 over everything. Rows are the same for every kind of store, so equal digests are equal stores.
//
// Write reads one moment while others write on. Contents are carried sealed, with their keys: whoever has the stream can read them, so it is to be kept as the
// store is. What was erased is not in it. Restore takes what was erased since the copy was made, and writes neither key nor bytes of it; then it reads back what
// it wrote. A store that was put back in part can't be opened. Memory is bounded: by a page of rows, and by what was erased.
//
// Invariants: no byte of a stream is believed before its table's digest has been seen, for until the end nobody can open the store; what is erased stays
// erased (STM-7); a store that was put back has an incarnation of its own, and says when.
//
// Start with Write and Restore. Streams and rows are in stream.go.
package archive
