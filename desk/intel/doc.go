// Package intel is the desk for intelligence: what a party has gathered (a source), what it lets another have as it comes (a feed), and what it gives once (a share).
//
// It knows who may say what next, how far a feed has come and what was held back from it. It does not know what an object says, whether a parcel holds what its head counts, or
// whether an object may pass: package stix reads objects, agreements and the catalogue see to the rest.
//
// Invariants: increments of a feed are numbered without a gap, so that a subscriber knows that none is missing; a source goes to nobody; nothing comes before somebody
// subscribed, nor after a feed has ended. The state is bounded, however much passes.
// Clauses: INT-1, INT-4…8.
//
// Same five files as desk/assist. Start with kinds.go.
package intel
