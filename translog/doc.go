// Package translog is the arithmetic of a party's log: leaves, roots, paths, tiles, checkpoints and cosignatures.
//
// It is pure. It keeps nothing: hashes are read through Tiles and what Append made is handed back for the caller to store in
// the same transaction as the heads. It does not decide which checkpoint to accept, when to cosign or what a fork means
// (internal/journal and internal/exchange do), and it knows no statement but by its id.
//
// Invariants: a leaf is the id of a statement and nothing else; a checkpoint counts only with both signatures of the log, a
// cosignature only with both of the witness; a tile that has grown since still proves what an older checkpoint covers; work
// is in proportion to the batch or to the depth of the tree, never to its size. Whatever comes from outside is bounded before
// it is computed on, and nothing here panics on it.
//
// Clauses: LOG-1…5, 8, 9, 11, 13, PKT-5. The tree is that of RFC 6962 over golang.org/x/mod/sumdb/tlog; texts are those of
// C2SP tlog-tiles, tlog-checkpoint and tlog-cosignature. Start with Append, SignCheckpoint and OpenCheckpoint.
package translog
