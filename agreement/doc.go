// Package agreement reads what parties have agreed on and decides by it.
//
// A Document is articles for people with rules for machines. Compile turns each rule into one Cedar policy that names its article; Decide puts a
// Question, which comes from a head alone, to them and says which articles permit or forbid, or what came nearest. The Charter is the
// policy that needs no agreement; Caveats are a party's own, and can only forbid.
//
// It does not know whether an agreement is in force (desk/instrument folds that), whether a letter is confirmed, or what a kind means.
//
// Invariants: what Parse takes compiles; the outcome is exactly Cedar's on the text that Policy.Cedar shows; denied unless permitted, and
// forbidding wins; to add a forbidding rule never permits anything; no decision depends on a clock, on the kinds that a node knows, or on
// who asks. Clauses: AGR-1…6, DEC-1…7, CHR-1…2. Making agreements (AGR-7, AGR-8) is desk/instrument's.
//
// Start with Parse, Compile and Policy.Decide; the words of a verdict are in explain.go.
package agreement
