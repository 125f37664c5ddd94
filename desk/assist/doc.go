// Package assist is the desk for requests for assistance: one party asks, each party that it asks answers for itself.
//
// It knows who may say what next, the status of every asked party, and what is owed by when. It does not know whether a grant or
// a ground is right, when anything arrived, or what a text says: agreements, the ledger and people see to that.
//
// Invariants: Moves and Apply rest on one table (state.may), so that what is offered is what is admitted; a final status never
// changes; acknowledging is not agreeing, and a grant concurs with nothing. The state is bounded, however long the thread.
// Clauses: AST-1…8.
//
// Every desk has these five files. doc.go; assist.go, the Desk; kinds.go, what can be said; state.go, what that changes; summary.go,
// what lists and clocks show. Start with kinds.go.
package assist
