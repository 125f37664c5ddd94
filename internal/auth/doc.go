// Package auth knows who may act for the party on this node, and what they may do.
//
// Officers have roles; programs show tokens, which stand for an officer in some of these roles; one-time links let an officer in once. Authorize answers
// whether an actor may do something, by Cedar policies: those of roles.cedar, and an operator's own, which only forbid. It keeps no session, serves no
// page, and says nothing in the log: internal/node records each change in the transaction that makes it.
//
// Invariants: what no policy permits is denied, and a denial says who may; nobody approves a draft of their own; a disabled officer may do nothing, whatever
// token is shown; an auditor changes nothing. A secret is shown once and kept as a keyed hash, whose key is derived from the node's keys and not in the
// store: who copies the store cannot show a token, nor try guesses. While there are no officers, whoever opens the node may do everything.
//
// Start with Registry and Rules.Authorize.
package auth
