// Package auth knows who may act for the party on this node, and what they may do.
//
// Officers have roles; programs show tokens, which stand for an officer in some of these roles. Officers come in by passkeys, by an identity at a provider, or once
// by a link, and then have a session. Authorize answers whether an actor may do something, by Cedar policies: those of roles.cedar, and an operator's own, which
// only forbid. It serves no page, and says nothing in the log: internal/node records each change in the transaction that makes it.
//
// Invariants: what no policy permits is denied, and a denial says who may; nobody approves a draft of their own; a disabled officer may do nothing, whatever is
// shown; a session is looked up anew each time, and ends when it is idle or old and when its officer is changed; nothing that was begun is good twice; an auditor
// changes nothing. A secret is shown once and kept as a keyed hash, whose key is derived from the node's keys and not in the store: who copies the store cannot
// show a token, nor try guesses. While there are no officers, whoever opens the node may do everything.
//
// Start with Registry and Rules.Authorize.
package auth
