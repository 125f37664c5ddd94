// Package pattern reads and evaluates STIX patterns (STIX 2.1 §9): the whole language, qualifiers included.
//
// Parse turns a text into a Pattern. Values gives what a pattern looks for by plain equality, so that millions of patterns can be found
// by a look into a table; Match evaluates one over observations.
//
// It is not a search engine: it looks at the observations that it is given, and follows references inside one observation alone.
//
// Invariants: text, nesting, nodes, regular expressions and work are bounded (Limits, Budget), so a pattern made to hurt costs no more
// than the bounds say; the same pattern and observations give the same answer on every node.
//
// Where the standard leaves room:
//
//   - Comparisons joined by AND in one pair of brackets hold for the same object where they name the same type, and for objects of the
//     same observation where they name different ones.
//   - Observations joined by AND, FOLLOWEDBY or REPEATS are different ones; observed data that was seen n times counts as n.
//   - An observation happened at some time between its first and its last; a qualifier holds if there are such times for which it does.
//   - A comparison with a property that is absent does not hold, negated or not.
//   - Hashes compare without regard to case; a regular expression may match anywhere and is RE2's: what only PCRE has cannot be evaluated.
//
// Start with Parse.
package pattern
