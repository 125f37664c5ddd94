// Package evidence is what a party shows to a third one: heads, with or without their bodies, and the proof that they were said.
//
// Parse and Marshal read and write the file; Verify says what it proves. A verifier needs no network, no clock and no node, only
// letters of credence, and says whose it relied on. The package gathers nothing: a node puts bundles together from what it kept.
//
// Invariants: bytes are shown as they were written and never written anew; nothing is called proven that a letter, two
// signatures and a path do not prove; an item's verdict depends on no other item, only its arrival does. Clauses: EVD-1…8, LTR-7.
//
// Start with Verify.
package evidence
