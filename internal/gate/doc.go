// Package gate lets programs in at the faces that are not ours alone (TAXII, MISP): who shows which token, how often they may ask, and what becomes of a request that goes wrong.
//
// It does not say what may be done or seen: package node holds the one, package catalogue the other. A Face says where its protocol carries a token, and how it words an error. The API and the pages
// have doors of their own: operations there have scopes, and officers sessions.
//
// Invariants: a token that is taken back or disabled counts no longer once that is written; who guesses is slowed down by their address, and who asks by their token; no answer is cut short without the
// other side seeing it. Whoever shows a token of an officer's looks as a program of the party's own: nothing above Options.Max, and nothing that its marking or agreement keeps from such; a partner as whoever it is, and with the TLP of its token.
// Recovering is for the API, too. Clauses: ONW-2. Start with gate.go.
package gate
