// Package form makes a form of the Go type of a kind's facts, and facts of what was filled in: one field for each fact, in the order of the type.
//
// It knows types and no kind, except where a type's values are a closed list (choices). What the facts have to be is the kind's own Check to say, which Read asks.
// A fact that is a structure of its own, like a request's clock, has no field: the node fills it in. Invariant: what Values gives, Read takes back unchanged.
//
// Start with Fields and Facts.Read.
package form
