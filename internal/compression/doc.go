// Package compression reads what people hand over packed, by gzip (RFC 1952) or zstd (RFC 8878), as its first bytes tell; what is neither is read as it is. It packs nothing, and unpacks one layer.
//
// Invariants: it streams, and holds no more than a window; nothing unpacks to more than its bounds let through, and what would is refused as fault.TooLarge while it is read, not after. Every error of a
// Reader is a fault that is safe to show.
//
// Start with Open.
package compression
