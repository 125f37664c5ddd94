// Package taxii is the node for tools that speak TAXII 2.1 (OASIS Standard, 10 June 2021): one API root under /taxii2/, whose collections are what the catalogue has.
//
// It translates and asks. What may be seen is held by package catalogue, who may ask by package gate and package node. A token is shown as the password of HTTP Basic, whatever the user name is,
// or as Authorization: Bearer …. A program of the party's own sees nothing above what its token, or else Options.Max, is good for, and nothing that its marking or agreement keeps from such. A partner
// who has no node is somebody outside, or a program of the party that the token names; it sees of that the collections that the token names, and may bring objects into one source.
//
// Collections: one of all that may be seen, which is read only, and one for each source, feed and share. An open source of the party's own can be written: what is posted is imported into it, and
// each object is at least as strictly marked as the source. Many objects are pending until the node has indexed them; a few can be fetched with the answer.
//
// Not here: DELETE of objects (405: what was said is recalled or erased with the statement that it came with, and a version that is revoked takes the place of another); aliases of collections.
//
// Invariants: every answer but an interrupted one is a TAXII resource; no list in it is empty; what was added is in ascending order of dates that are all different, so that whoever goes on after
// a page, by next or by added_after, misses nothing; no request is held whole, and none grows without bound where it was compressed; what became of a request is kept for a day, sealed, beside
// the answers of the API, and outlives a new start.
// Clauses: INT-9, ONW-2. Start with handler.go.
package taxii
