// Package office is the desk of a party's own records: who may act for it, and who let a statement out.
//
// A thread is about one officer (from enrolling on: roles, tokens, links, ways in) or about one draft (submitted, returned or approved, released). It is a local
// record (THR-9): it goes to nobody, and stands in the party's log like all that the party says. It names people by their pseudonyms alone and holds no
// text. It knows no role: who may do what is internal/auth's. What it holds to is that two officers are two: who has submitted a draft does not approve it.
//
// Invariants: nothing of this desk has a recipient; Moves and Apply rest on one table (state.may). Same five files as desk/assist. Start with kinds.go.
package office
