// Package bench measures a node on the machine that it runs on: the exchange of statements between two nodes as operators run them, and the
// costs that design decisions rest on. `comity bench` shows what it finds; docs/performance.md keeps what was found.
//
// It is a load generator beside two real nodes in one process: real folders, TLS on loopback, every rule on, durable on both sides, receipts back.
// It asserts nothing and tells no budget: figures of a shared machine drift, so each is printed beside what cannot be avoided, measured in the
// same run. Start with Exchange in exchange.go; parts.go measures the unavoidable.
package bench
