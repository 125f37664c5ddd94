// Package ledger is reciprocity, recomputed: what two parties asked of each other, and what came of it, from heads alone.
//
// It counts nothing as it happens and keeps nothing. Given the heads of two logs up to two sizes, and the receipts that both have given
// each other, it gives one JSON text. It does not fetch heads, and does not know what a kind means: desks do, through their summaries.
//
// Invariants: equal heads give equal bytes, on whichever side and in whichever order; time that has not been receipted is left out
// rather than guessed. Clauses: LED-1…7, RCP-6. Start with Compute; FirstDifference says where two sides part.
package ledger
