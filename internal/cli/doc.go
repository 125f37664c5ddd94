// Package cli is the command line: what an officer types, and what is shown for it.
//
// It parses, asks the node, and prints. It decides nothing: what may be said comes from the thread's moves, what may pass from the
// agreement. A command prints one JSON document with --json and tables for people without; a failure is one line, then what to do.
//
// Invariants: what a peer wrote never reaches a terminal with control characters in it; no secret is taken from the arguments; nothing
// is coloured but on a terminal; checking evidence opens no node. Clauses: EVD-6, EVD-8 in evidence_verify.go.
//
// Start with Main; each command is a struct in the file of its name, cli.go lists them.
package cli
