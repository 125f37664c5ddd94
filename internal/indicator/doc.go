// Package indicator gathers indicators for package match, from lists, from objects of STIX and from a node's catalogue, and remembers of each where it came from.
//
// It opens no files and decides nothing: what may be seen of a catalogue its node says, and what counts as an occurrence package match does. Of an object only its values go into a set; what it says is read
// again from the catalogue when it was found, so a million of them cost what a list of as many lines does.
//
// Invariants: of one thread's versions of an object the last one counts, and what several parties say of one value stands beside each other; what was revoked or is not valid at a record's time is known as that, and not
// left out; what has gone from the catalogue by the time at which it is found is not reported.
// Clauses: INT-9. Start with builder.go.
package indicator
