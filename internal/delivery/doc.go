// Package delivery carries statements from node to node: it packs what a peer has not receipted, seals it, and pushes it over HTTPS or has it pulled;
// it serves the same to peers.
//
// It decides nothing and writes nothing but its own queues: what comes in goes to exchange.Receive. Invariants: each peer has a queue and a
// goroutine of its own, so that a dead one delays nobody; a queue is a cursor into the own log, never a copy; nothing is taken as delivered but
// by the peer's signed receipt. Clauses: PKT-2, PKT-9, NET-1…8. Start with Courier; pack.go says what goes into a packet.
package delivery
