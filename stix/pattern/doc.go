// Package pattern reads and evaluates STIX patterns (STIX 2.1 §9): the whole language, qualifiers included.
//
// Parse turns a text into a Pattern. Values gives what a pattern looks for by plain equality or as a range of addresses, so that
// millions of patterns can be found by a look into a table; Match evaluates one over observations.
//
// It is not a search engine: it looks at the observations that it is given, and follows references inside one observation alone.
//
// Invariants: text, nesting, nodes, regular expressions and work are bounded (Limits, Budget), so a pattern made to hurt costs no more
// than the bounds say; the same pattern and observations give the same answer on every node.
//
// What one has to know of the standard: all that stands in one pair of brackets must hold for the same object, so that types are joined
// by OR alone; observations joined by AND, FOLLOWEDBY or REPEATS are different ones; WITHIN is less than its seconds; a comparison with
// a property that is absent does not hold, negated or not, and what cannot be compared is unequal and nothing else.
//
// Where it leaves room: observed data that was seen n times counts as n observations; each happened at some time between its first
// and its last, and a qualifier holds if there are such times for which it does. NOT EXISTS holds for an object without the property.
//
// Where we differ from it: hashes compare without regard to case, since their digits mean the same in both; regular expressions are
// those of RE2, and one that PCRE alone understands makes a pattern that cannot be evaluated.
//
// Start with Parse.
package pattern
