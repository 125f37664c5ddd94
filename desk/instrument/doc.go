// Package instrument is the desk for making agreements: one party deposits a document, every party signs it.
//
// It knows the document's digest, who its parties are, who has signed, and from when it is in force. It never sees the document, so
// it does not know whether the digest and the parties are the document's: who relies on the agreement checks that (AGR-7).
//
// Invariants: a party signs once, and its first valid signature counts; in force is for good, and is the same on every node that has
// the same heads. Clauses: AGR-7, AGR-8. Same five files as desk/assist. Start with InForce.
package instrument
