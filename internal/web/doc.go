// Package web is the face for people: the duty desk, threads, drafts and agreements as pages that work without a script.
//
// It asks the node and shows the answers. It decides nothing: what may be said is thread.Moves, what may pass is node.Consider, who may is node.Authorize, and all
// that is said goes through a draft of the node. Pages are page's, style and script static's; who has signed in is said by the door (package door), through
// Options.Signed and Options.Visitor.
//
// Invariants: what changes something is a POST of the own origin, and is answered by a redirect; no content in an address, a log or an event; nothing of a peer is
// shown but as text, and an attachment is only ever downloaded. Start with Handler; routes.go lists the pages.
package web
