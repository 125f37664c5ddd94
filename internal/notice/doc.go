// Package notice tells people outside the node that there is something to look at, by mail and by webhook, and nothing of what it says.
//
// A notice has what happened (something arrived, a clock falls due, a draft waits…), how often, the highest precedence, the desk, and where to look. Titles, texts,
// names of attachments and ids never get in here: who reads the mail, or carries it, learns that there is something. State is what is remembered of it all: what has
// been looked at, what is to be told, and what is still to be sent. It is a value that the node keeps in its store and changes together with what it has looked at.
//
// It is not where things happen: internal/node derives them from the store. Invariants: State is bounded, whatever peers do; a notice has one id however often it is
// tried, and no two processes try it at the same time while a try takes no longer than Lease; addresses are the operator's settings, never anything that came from a
// peer, and no error of this package names one.
//
// Start with State, Mail.Send and Webhook.Send.
package notice
