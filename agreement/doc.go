// Package agreement reads what parties have agreed on and decides by it.
//
// A Document is articles for people with rules for machines. Compile turns each rule into one Cedar policy that names its article; Decide puts a
// Question to them, which comes from a head, the making of the agreement and the counts of the day, and says which articles permit, forbid or
// ask for a second officer, or what came nearest. Policy.Use is what recipients may do with what they get. The Charter is the policy that needs
// no agreement; Caveats are a party's own, and can only forbid. Problems and Diff are for whoever drafts.
//
// It does not know whether an agreement is in force (desk/instrument folds that), whether a letter is confirmed, or what a kind means.
//
// Invariants: what Parse takes compiles, and no article contradicts another; the outcome is exactly Cedar's on the text that Policy.Cedar
// shows; denied unless permitted, and forbidding wins; to add a forbidding rule, a reservation or a wish for approval never permits anything; no
// decision depends on a clock, on the kinds that a node knows, or on who asks. Clauses: AGR-1…6, AGR-10, DEC-1…10, CHR-1…2. Making agreements is
// desk/instrument's.
//
// Start with Parse, Compile and Policy.Decide; the words of a verdict are in explain.go.
package agreement
