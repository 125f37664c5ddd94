// Package packet seals and opens what travels between parties: age(zstd(tar)), to one recipient (PKT-1).
//
// It knows bytes, members, lines and bounds, not what they say: it parses no head, verifies no proof and checks no signature.
// PKT-5 to PKT-9 are the business of translog and the exchange.
//
// Invariants:
//   - Sealing is streamed and never writes more than the bounds of PKT-3 allow; what Seal writes, Open reads.
//   - Opening is streamed. It believes no declared size, stops at the first bound, and holds at most the front members, one
//     body and one Zstandard window in memory.
//   - There is one reading of a packet: what Open accepts, the tar program extracts under the same names.
//   - A packet counts only when Open returned nil: until then its end was not seen, and a handler keeps nothing.
//
// The layers, outermost first: sealing.go (age), frame.go (one Zstandard frame), tar.go (blocks and headers), member.go (names,
// order, bounds). Clauses: PKT-1 to PKT-4. Start with Codec.
package packet
