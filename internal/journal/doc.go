// Package journal is the sequencer of the node's own log: it gives each statement its place, signs the checkpoint that covers it,
// and keeps the high-water mark outside the store. It is also the node's witness of other logs.
//
// It does not compose heads and does not know what they say. Invariants: a leaf is written in the transaction that stores its
// statement; no checkpoint leaves the node before its size and root are in the mark, on stable storage; a store that is behind
// the mark or disagrees with it signs nothing. Clauses: LOG-1, 3, 4, 11, 12. Start with Journal.
package journal
