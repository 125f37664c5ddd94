package translog

import (
	"crypto/sha256"
	"encoding/base64"
	"strconv"

	"golang.org/x/mod/sumdb/tlog"

	"github.com/comity-exchange/comity/fault"
	"github.com/comity-exchange/comity/party"
	"github.com/comity-exchange/comity/statement"
)

// Hash is a node of a Merkle tree: 32 bytes of SHA-256.
type Hash = tlog.Hash

// Bounds of LOG-2 and LOG-13.
const (
	TileWidth      = 256     // hashes in a whole tile
	MaxSize        = 1 << 40 // leaves of a tree
	MaxPath        = 40      // hashes of an inclusion path
	MaxConsistency = 41      // hashes of a consistency proof

	tileHeight = 8 // log2 of TileWidth
)

// Tree is a log at one moment: what a checkpoint says.
type Tree struct {
	Origin party.Origin
	Size   int64 // leaves
	Root   Hash
}

// LeafHash is the leaf of a statement.
func LeafHash(id statement.ID) Hash { return tlog.RecordHash(id[:]) } // spec: LOG-1

// EmptyRoot is the root of the tree without leaves.
func EmptyRoot() Hash { return sha256.Sum256(nil) } // spec: LOG-3

// ParseHash reads a hash in standard base64 with padding, and no other spelling of the same bytes.
func ParseHash(s string) (Hash, error) {
	// spec: ENC-4
	var h [sha256.Size + 1]byte // one more, since the decoder wants room for whole groups of three
	if len(s) != base64.StdEncoding.EncodedLen(sha256.Size) {
		return Hash{}, fault.New(fault.Malformed, "ENC-4", "a hash is 32 bytes in base64")
	}
	n, err := base64.StdEncoding.Strict().Decode(h[:], []byte(s))
	if err != nil || n != sha256.Size {
		return Hash{}, fault.New(fault.Malformed, "ENC-4", "a hash is 32 bytes in base64")
	}
	return Hash(h[:sha256.Size]), nil
}

// parseSize reads a number of leaves in decimal, as it is written and not otherwise.
func parseSize(s string) (int64, error) {
	n, err := strconv.ParseInt(s, 10, 64)
	if err != nil || strconv.FormatInt(n, 10) != s {
		return 0, fault.New(fault.Malformed, "LOG-3", "a log's size is a number in decimal")
	}
	return n, checkSize(n)
}

func checkSize(n int64) error {
	// spec: LOG-13
	if n < 0 || n > MaxSize {
		return fault.New(fault.TooLarge, "LOG-13", "a tree has at most 2^40 leaves")
	}
	return nil
}

// check holds a tree's members against each other, before it is signed and after it was read.
func (t Tree) check() error {
	if err := checkSize(t.Size); err != nil {
		return err
	}
	if _, err := party.ParseOrigin(string(t.Origin)); err != nil {
		return err
	}
	// spec: LOG-3
	if t.Size == 0 && t.Root != EmptyRoot() {
		return fault.New(fault.Malformed, "LOG-3", "a tree without leaves has the hash of nothing as its root")
	}
	return nil
}
