// Package httpapi is the node for programs: what the command line does, over HTTP, described by OpenAPI 3.1.
//
// It translates and asks. Who may do what is held by package node, and for what node leaves to its callers by the action that each operation names; there is no
// rule here. Whoever calls shows a token of an officer (Authorization: Bearer …), and what is done is done by that officer in the roles that the token stands for.
//
// Invariants: nobody is let in without a token, unless Options.Open is set on a node that has no officers; what is withheld looks like what is not there; no answer is
// kept by caches; a secret is shown once, and kept nowhere; each fault is a problem document (RFC 9457) with the status of package fault's table. No operation takes a
// private key, replaces one, opens a log or goes on without a peer: docs/api.md says why, and which command is which operation.
//
// Start with Handler; what each operation does stands in a file of its subject. openapi.json is written by go test -update.
package httpapi
