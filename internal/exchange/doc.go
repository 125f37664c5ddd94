// Package exchange is the only write path of a node: Submit for what its officers say, Receive for what peers bring.
//
// Both go the same way: check, decide under the agreement, fold the thread, and write statement, leaf and thread in one transaction.
// It knows no desk, no face and no network. Invariants: nothing is logged that the agreement denies; an authentic head that was
// received is stored and folded even when it is refused; what was acknowledged is durable; every refusal names a clause.
//
// Start with Submit in submit.go and Receive in receive.go; batch.go is how they share a transaction.
package exchange
