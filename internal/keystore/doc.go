// Package keystore keeps a node's private keys: one age file, locked by a passphrase or to a key file, opened once at start.
//
// It is the only place where private halves exist, and it implements party.Signer so that no other package needs them. The recovery
// key is a file of its own that belongs offline. It is not a vault: whoever reads the process's memory reads the keys.
//
// Invariants: Keys do not change after they were made, so they are safe for concurrent use; no formatting, logging or encoding of them
// shows a secret; a file is replaced whole or not at all; a file or folder that group or others can use is not opened. Clauses: LTR-3,
// LTR-4, LTR-6, NET-1.
//
// Start with Generate, Save and Load.
package keystore
