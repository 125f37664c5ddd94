// Package taxii is the node for tools that speak TAXII 2.1 (OASIS Standard, 10 June 2021): one API root under /taxii2/, whose collections are what the catalogue has.
//
// It translates and asks. What may be seen is held by package catalogue, who may ask by package node. A token of an officer is shown as the password of HTTP Basic, whatever the user name is,
// or as Authorization: Bearer …. Whoever shows one looks as a program of the party's own: nothing above Options.Max, and nothing that its marking or agreement keeps from such.
//
// Collections: one of all that may be seen, which is read only, and one for each source, feed and share. An open source of the party's own can be written: what is posted is imported into it, and
// each object is at least as strictly marked as the source.
//
// Not here: DELETE of objects (405: what was said is recalled or erased with the statement that it came with); aliases of collections; pending requests, since a POST is answered when its
// objects are in the catalogue. Tokens that are good for a partner, or for more than Options.Max, are not made yet.
//
// Invariants: every answer but an interrupted one is a TAXII resource; no list in it is empty; what was added is in ascending order of dates that are all different, so that whoever goes on after
// a page, by next or by added_after, misses nothing; no request is held whole; the status of a request is kept for a day, sealed, beside the answers of the API, and outlives a new start.
// Clauses: INT-9, ONW-2. Start with handler.go.
package taxii
