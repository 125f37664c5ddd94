// Package recall is the desk by which an author asks everybody who got a statement of its own to erase what it said (RCL).
//
// It knows what was asked for, of whom, and what each has answered for each statement: that it was erased (receipt.recalled), or that it is kept, and on which
// ground. It does not know whether the statements are the asker's, who has them, or whether anything was erased: nodes see to that, and a confirmation is the
// other side's word. A recall changes no state of another thread.
//
// Invariants: what was erased stays erased; nobody answers for another; the state is bounded, however long the thread. Clauses: RCL-1…6.
//
// Same five files as desk/assist. Start with kinds.go.
package recall
