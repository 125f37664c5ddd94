package translog

import (
	"golang.org/x/mod/sumdb/tlog"
)

// Hash is a node of a Merkle tree: 32 bytes of SHA-256.
type Hash = tlog.Hash
