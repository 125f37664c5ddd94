package translog

import "golang.org/x/mod/sumdb/tlog"

// Consistency is the RFC 6962 consistency proof from the tree's first size leaves to all total of them, where the tile holds leaf size−1: its
// leaves, and the siblings on its path, hold every hash of it. So a receiver needs no proof from its sender where a tile has come. ok is false
// for any other size. It does not Check, nor does it know the older root: CheckConsistency decides.
func (p TileProof) Consistency(total, size int64) (proof []Hash, ok bool) {
	// spec: LOG-8, PKT-5
	w, err := tileWidth(total, p.N)
	lo := p.N * TileWidth
	if err != nil || len(p.Hashes) != w || size <= lo || size > lo+int64(w) {
		return nil, false
	}
	return p.bridge(0, total, size, true, p.Path)
}

// bridge is SUBPROOF of RFC 6962 §2.1.2 for the n leaves from lo on, old of which the older tree has. path is what leads from the tile to here.
func (p TileProof) bridge(lo, n, old int64, whole bool, path []Hash) ([]Hash, bool) {
	if n <= TileWidth {
		return subproof(p.Hashes, int(old), whole), len(path) == 0
	}
	if len(path) == 0 {
		return nil, false
	}
	half := int64(1)
	for half*2 < n {
		half *= 2
	}
	left := p.N*TileWidth < lo+half
	if old == n {
		if whole {
			return nil, true
		}
		return []Hash{p.fold(lo, n, path)}, true
	}
	sibling, path := path[len(path)-1], path[:len(path)-1]
	var proof []Hash
	var ok bool
	if left {
		proof, ok = p.bridge(lo, half, old, whole, path)
	} else {
		proof, ok = p.bridge(lo+half, n-half, old-half, false, path)
	}
	return append(proof, sibling), ok
}

// fold is the hash of the n leaves from lo on, the tile among them, to which path leads.
func (p TileProof) fold(lo, n int64, path []Hash) Hash {
	if n <= TileWidth || len(path) == 0 {
		return treeHash(p.Hashes)
	}
	half := int64(1)
	for half*2 < n {
		half *= 2
	}
	sibling, path := path[len(path)-1], path[:len(path)-1]
	if p.N*TileWidth < lo+half {
		return tlog.NodeHash(p.fold(lo, half, path), sibling)
	}
	return tlog.NodeHash(sibling, p.fold(lo+half, n-half, path))
}

// subproof is SUBPROOF of RFC 6962 §2.1.2 over the hashes of leaves.
func subproof(hashes []Hash, old int, whole bool) []Hash {
	if old == len(hashes) {
		if whole {
			return nil
		}
		return []Hash{treeHash(hashes)}
	}
	half := split(len(hashes))
	if old <= half {
		return append(subproof(hashes[:half], old, whole), treeHash(hashes[half:]))
	}
	return append(subproof(hashes[half:], old-half, false), treeHash(hashes[:half]))
}
