// Package fault is the one kind of error that crosses Comity's packages, nodes and years.
//
// A fault has a Code (a string, since it travels and is stored), the Clause of spec/ that it rests on, a message that
// is safe to show to anybody, and a cause for the log alone. An error of any other kind is Internal and says nothing.
//
// Invariants: Msg never holds content, secrets or what a peer sent verbatim; every Code has one HTTP status and
// one exit status, in the two tables of this package and nowhere else; Withheld is distinct from NotFound in the log
// and identical on the wire.
//
// Start with New and CodeOf.
package fault
