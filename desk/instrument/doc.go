// Package instrument is the desk for making agreements: a text is proposed, amended, adopted, opened for signature, signed, ratified, put into force, amended again,
// suspended, left and ended, all in one thread.
//
// It knows the terms of each text (agreement.Terms), who has said what of it, and from this who is bound by which text since when. It never sees a document, so it
// does not know whether terms and digest are the document's: who relies on the agreement checks that (AGR-7).
//
// Invariants: one text is in hand at a time, the newest that the chair has put before all, or the one in force; only a text that is open can be signed; what a party has
// signed is never replaced by another text, only voided; no head reads a clock: expiry and notice are held against the times of heads alone; whoever has the
// same heads gets the same Standing. Clauses: AGR-7…9, AGR-11…16.
//
// Files as in desk/assist, with bond.go for what binds and what ends it. Start with Standing, then kinds.go.
package instrument
