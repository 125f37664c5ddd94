// Package stix reads, checks and writes STIX 2.1 (OASIS, with errata 01): objects of every type, custom ones included. Sections cited as
// §2.9 are that standard's.
//
// An Object keeps its bytes exactly as they came; Parse draws from them what the system needs and re-serialises nothing, so
// what goes out is what came in. Reader and Writer carry bundles, TAXII envelopes, arrays and lines of objects, one object at a time.
// Check holds an object against the standard's rules. What we emit ourselves is made by the values in make.go.
//
// It is not a graph: references are forms, and whether they resolve is the catalogue's to know. It does not judge vocabularies
// that the standard leaves open.
//
// Invariants: no input makes it panic or take memory past Limits; a name that occurs twice, a broken string or a lone surrogate is
// refused, as everywhere in the house; the same input gives the same output on every node. One broken object costs the others nothing.
//
// Markings: Resolve turns what an object is marked with into a marking.Marking, and what it cannot understand counts as the
// strictest that it could mean (marking.go says how). Patterns are package stix/pattern.
//
// Start with Parse, NewReader and Check.
package stix
