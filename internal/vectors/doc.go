// Package vectors makes and holds spec/vectors: what the protocol allows and refuses, as files that any language can run.
//
// It has tests alone. They make every vector from fixed keys, times and nonces and hold the committed files against it; they hold our own
// packages to each vector's verdict and clause; and they let spec/verify.py, which was written from the clauses and not from this code, say
// the same. After a change of the protocol: go test ./internal/vectors -update.
//
// Sealed packets are the exception: sealing draws randomness, so a packet that still opens to the same bytes is left as it is.
package vectors
