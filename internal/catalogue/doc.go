// Package catalogue is what a node knows of the objects that came to it: in which statement each came, what it is found by, who may see it, and what of it is offered to whom.
//
// It keeps nothing of its own: objects lie in parcels, which are blobs of statements (INT-2), and what the store has beside them is made from them and goes with them. So where an object
// came from, under which agreement and how it is marked is what its head says, and erasing a statement takes its objects out.
//
// Objects come in by Import, which says them in a source of the party's own, and with what peers say. Index notes what they are found by, after the commit. Page, Find and Search give
// them to a Viewer; Increment says the next part of a feed.
//
// Invariants: nobody gets an object that its head's marking or agreement keeps from them (ONW-1, INT-9), whatever is asked for; versions and what several parties say of one object stay apart;
// a page costs the same however much there is; no more of a parcel is in memory than one at a time.
// Clauses: INT-2…4, INT-6, INT-7, INT-9. Start with catalogue.go.
package catalogue
