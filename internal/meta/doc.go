// Package meta holds the house's rules as tests; it has no code that a node runs.
//
// Its tests read the whole tree with go/parser and fail where a rule of the house is broken: what kernel packages may
// import and call, what may stand at package level, how large files, functions and interfaces may grow, that every
// package says what it is, that clauses of spec/ and citations of them meet both ways, and what must not stand in any
// file. A rule is a function from a parsed tree to its breaches, and each has a test that shows it failing on a tree made up
// for it.
//
// Exceptions stand in reviewed_test.go, one line each with its reason; an exception that is no longer needed fails too.
//
// Start with tree_test.go and code_test.go. cmd/tally counts the tests of a run for ./test.
package meta
