// Package soak kills nodes and looks at what is left: whole parties, each a process of its own with a real store, exchange statements under load while
// they are ended by SIGKILL, at moments drawn by lot and at each named point of submit, journal, delivery and receive in turn. After each kill the node
// comes up again, and everything that was ever acknowledged must be in its author's store and in its recipients' exactly once, every log must give the
// root that it signed, every thread must have one state, and receipts must cover what arrived.
//
// It does not lose power: what the kernel was given is on the disk after a kill. Faults below the store are the store's own tests. Invariants: what a
// node says of itself is not believed where it can be computed again from heads (account.go); a statement that was not acknowledged is said again only
// after somebody looked whether it is there. Clauses: LOG-1, 3, 12, RCP-1, THR-3.
//
// Start with Run in soak.go. Node is the other side, in the child's process.
package soak
