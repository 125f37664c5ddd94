// Package watch lets an operator see how a node fares: health for whoever supervises the process, metrics in Prometheus's format, traces in
// OpenTelemetry's, and what makes the lines of the diary about one packet findable.
//
// It owns every metric's name, help and labels. Exchange, delivery and store do not know it: they tell what happens to observers that they declare
// themselves, and package node puts this one in. What changes all the time is counted as it happens; what stands in the store is looked up when
// somebody asks, within bounds, by one look at a time.
//
// Invariants: nothing here tells what a statement says, its id, its title or who wrote it. Labels are codes of parties whose letters are confirmed,
// precedences, desks, clauses of spec/, codes of package fault, names of mirrors and words of this package, so the number of series is bounded: P peers give at most
// 70·P + 700, and each mirror 3 more. Nothing leaves the process but by the listener and to the endpoint that the operator has set,
// and no identity of a trace is ever sent to a peer: it would tie two parties' processes together, and tell each what the other's are doing.
//
// Nothing here can stop a node: an observer neither blocks nor fails, and what a collector of traces does not take is dropped.
//
// Start with Watch and, for the metrics, newMeters.
package watch
