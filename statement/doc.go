// Package statement is the unit of everything that parties say: a head that machines decide on and a body that people read.
//
// It parses, checks, composes and identifies. It does not know logs, threads, agreements or what a kind means.
//
// Invariants: the bytes that were written are the bytes that are kept (Head.Raw, Body.Raw); the id is SHA-256 of the
// head's bytes; nothing that a rule needs is outside the head. Clauses: ENC-1…9, STM-1…8. Start with ParseHead and Compose.
package statement
