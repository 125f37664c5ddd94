// Package thread puts the heads of a thread into one order and folds them into a state that is the same on every node.
//
// It is the contract that every desk implements (Desk) and the engine that drives them (Rules). It reads no clock, no body and
// no store. Invariants: the fold of a set of heads does not depend on the order of their arrival or on duplicates; a head that is
// not admissible is void with a reason, and stays; a State is JSON and nothing else. Clauses: THR-1…9.
//
// Start with Desk, then Rules.Fold.
package thread
