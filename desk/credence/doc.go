// Package credence is the desk by which a State or organisation introduces its offices, and withdraws them (LTR-10).
//
// Each statement is a thread of its own: it goes to whoever should know the office, or to nobody, and then stands in the log for
// later. It does not read letters: which letter is an office's is decided by its digest, where the letter is imported.
// Invariants: only a principal introduces offices, and only its own. Same five files as desk/assist. Start with Apply.
package credence
