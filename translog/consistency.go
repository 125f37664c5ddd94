package translog

import (
	"bytes"
	"encoding/base64"
	"math/bits"
	"strconv"

	"golang.org/x/mod/sumdb/tlog"

	"github.com/comity-exchange/comity/fault"
)

// Consistency proves that the first from leaves of the tree of to leaves are those of the tree of from leaves (RFC 6962 §2.1.2).
// It is empty when from is 0, since everything follows from nothing, or equal to to.
func Consistency(from, to int64, t Tiles) ([]Hash, error) {
	if err := checkSizes(from, to); err != nil {
		return nil, err
	}
	if from == 0 || from == to {
		return nil, nil
	}
	return tlog.ProveTree(to, from, &reader{tiles: t})
}

// CheckConsistency holds a proof against two roots. With from 0 there is nothing to prove and the path must be empty. Errors:
// fault.Fork (LOG-9) for equal sizes with different roots, fault.NotAuthentic (LOG-8) for a proof that does not verify.
func CheckConsistency(path []Hash, from, to int64, fromRoot, toRoot Hash) error {
	if err := checkSizes(from, to); err != nil {
		return err
	}
	switch {
	case from == 0 && len(path) == 0:
		return nil
	case from == to && fromRoot != toRoot:
		// spec: LOG-9
		return fault.New(fault.Fork, "LOG-9", "two trees of one size have different roots")
	}
	// spec: LOG-8
	if from == 0 || tlog.CheckTree(path, to, toRoot, from, fromRoot) != nil {
		return fault.New(fault.NotAuthentic, "LOG-8", "the consistency proof does not verify")
	}
	return nil
}

// Advance gives the root of the tree of to leaves that a proof implies, for somebody who knows the root of its first from leaves.
// Whoever holds several proofs, each from where the one before ends, gets from one known root to another without the roots
// between. What it gives counts once it equals a root that was signed. from is at least 1. Error: fault.NotAuthentic (LOG-8) for a
// proof that cannot be one from fromRoot.
func Advance(path []Hash, from, to int64, fromRoot Hash) (Hash, error) {
	if err := checkSizes(from, to); err != nil {
		return Hash{}, err
	}
	was, is, ok := implied(path, 0, to, from, fromRoot)
	if from == 0 || !ok || was != fromRoot {
		return Hash{}, fault.New(fault.NotAuthentic, "LOG-8", "the consistency proof does not verify")
	}
	return is, nil
}

// implied computes what the subtree [lo, hi) hashed to when the tree had n leaves, and what it hashes to now. old is the root of the
// tree of n leaves, which a proof leaves out where it is a node of the new tree.
func implied(path []Hash, lo, hi, n int64, old Hash) (was, is Hash, ok bool) {
	last := len(path) - 1
	switch {
	case n < 1:
		return was, is, false
	case n == hi && lo == 0:
		return old, old, last < 0
	case last < 0:
		return was, is, false
	case n == hi:
		return path[0], path[0], last == 0
	}
	half := int64(1) << (bits.Len64(uint64(hi-lo-1)) - 1) // the largest power of two below hi − lo
	if n <= lo+half {
		was, is, ok = implied(path[:last], lo, lo+half, n, old)
		return was, tlog.NodeHash(is, path[last]), ok
	}
	was, is, ok = implied(path[:last], lo+half, hi, n, old)
	return tlog.NodeHash(path[last], was), tlog.NodeHash(path[last], is), ok
}

func checkSizes(from, to int64) error {
	if err := checkSize(to); err != nil {
		return err
	}
	if from < 0 || from > to {
		return fault.New(fault.Malformed, "LOG-8", "consistency leads from a size to one that is not smaller")
	}
	return nil
}

// FormatConsistency writes the member `consistency` of a packet.
func FormatConsistency(from int64, hashes []Hash) []byte {
	// spec: PKT-2
	b := strconv.AppendInt(nil, from, 10)
	b = append(b, '\n')
	for _, h := range hashes {
		b = base64.StdEncoding.AppendEncode(b, h[:])
		b = append(b, '\n')
	}
	return b
}

// ParseConsistency reads it. At most 41 hashes (LOG-13).
func ParseConsistency(b []byte) (from int64, hashes []Hash, err error) {
	// spec: PKT-2, LOG-13
	const line = 45 // a hash in base64 and its line feed
	first, rest, ok := bytes.Cut(b, []byte("\n"))
	if !ok || len(first) > 13 || len(rest)%line != 0 {
		return 0, nil, fault.New(fault.Malformed, "PKT-2", "consistency is a size and hashes, a line each")
	}
	if len(rest)/line > MaxConsistency {
		return 0, nil, fault.New(fault.TooLarge, "LOG-13", "a consistency proof has at most %d hashes", MaxConsistency)
	}
	if from, err = parseSize(string(first)); err != nil {
		return 0, nil, err
	}
	for ; len(rest) > 0; rest = rest[line:] {
		h, err := ParseHash(string(rest[:line-1]))
		if err != nil || rest[line-1] != '\n' {
			return 0, nil, fault.New(fault.Malformed, "PKT-2", "consistency is a size and hashes, a line each")
		}
		hashes = append(hashes, h)
	}
	return from, hashes, nil
}
