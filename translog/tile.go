package translog

import (
	"encoding/base64"
	"math/bits"

	"github.com/go-json-experiment/json"
	"golang.org/x/mod/sumdb/tlog"

	"github.com/comity-exchange/comity/fault"
	"github.com/comity-exchange/comity/statement"
)

// MaxTileLine bounds the line of a tile proof, in bytes: 256 hashes and a path of 40 fit.
const MaxTileLine = 16 << 10

// TileProof proves the leaves [256·N, 256·N + len(Hashes)) of a tree at once: their hashes, and the siblings of their subtree's root on
// the way up, lowest first.
type TileProof struct {
	N      int64
	Hashes []Hash
	Path   []Hash
}

// ProveTile proves the n-th 256 leaves of the tree of size leaves, the last of which may be fewer.
func ProveTile(size, n int64, t Tiles) (TileProof, error) {
	w, err := tileWidth(size, n)
	if err != nil {
		return TileProof{}, err
	}
	r := &reader{tiles: t}
	data, err := r.tile(0, n, w)
	if err != nil {
		return TileProof{}, err
	}
	p := TileProof{N: n, Hashes: make([]Hash, w)}
	for i := range p.Hashes {
		p.Hashes[i] = Hash(data[i*tlog.HashSize:])
	}
	p.Path, err = tlog.ProveRecord(tileCount(size), n, tlog.HashReaderFunc(func(indexes []int64) ([]Hash, error) {
		hashes := make([]Hash, len(indexes))
		for i, x := range indexes {
			level, n := tlog.SplitStoredHashIndex(x)
			lo := n << (level + tileHeight)
			h, err := r.span(lo, min(lo+1<<(level+tileHeight), size))
			if err != nil {
				return nil, err
			}
			hashes[i] = h
		}
		return hashes, nil
	}))
	return p, err
}

// tileCount is the number of subtrees of 256 leaves, the last of which may have fewer. The tree above them has the shape of an RFC 6962
// tree whose leaves they are, since each split above them falls on a multiple of 256 (PKT-5).
func tileCount(size int64) int64 { return (size + TileWidth - 1) / TileWidth }

func tileWidth(size, n int64) (int, error) {
	if err := checkSize(size); err != nil {
		return 0, err
	}
	if n < 0 || n >= tileCount(size) {
		return 0, fault.New(fault.Malformed, "PKT-5", "the tree has no tile of that number")
	}
	return int(min(TileWidth, size-n*TileWidth)), nil
}

// Check holds the proof against a tree. Error: fault.NotAuthentic, PKT-5.
func (p TileProof) Check(size int64, root Hash) error {
	// spec: PKT-5
	w, err := tileWidth(size, p.N)
	if err != nil {
		return err
	}
	if len(p.Hashes) != w {
		return fault.New(fault.NotAuthentic, "PKT-5", "the tile has not as many hashes as the tree has leaves there")
	}
	if tlog.CheckRecord(p.Path, tileCount(size), root, p.N, treeHash(p.Hashes)) != nil {
		return fault.New(fault.NotAuthentic, "PKT-5", "the tile does not fold to the checkpoint's root")
	}
	return nil
}

// Index is the leaf's index in the log, when the tile holds it.
func (p TileProof) Index(leaf Hash) (int64, bool) {
	for i, h := range p.Hashes {
		if h == leaf {
			return p.N*TileWidth + int64(i), true
		}
	}
	return 0, false
}

// Inclusion is the path of one leaf of the tile in the tree of size leaves, as Inclusion gives it from tiles. It does not Check.
func (p TileProof) Inclusion(size, index int64) ([]Hash, error) {
	w, err := tileWidth(size, p.N)
	if err != nil {
		return nil, err
	}
	i := index - p.N*TileWidth
	if len(p.Hashes) != w || i < 0 || i >= int64(w) {
		return nil, fault.New(fault.Malformed, "PKT-5", "the leaf is not in the tile")
	}
	return append(leafPath(p.Hashes, int(i)), p.Path...), nil
}

// leafPath is the path of the i-th of hashes to their tree hash.
func leafPath(hashes []Hash, i int) []Hash {
	if len(hashes) == 1 {
		return nil
	}
	half := split(len(hashes))
	if i < half {
		return append(leafPath(hashes[:half], i), treeHash(hashes[half:]))
	}
	return append(leafPath(hashes[half:], i-half), treeHash(hashes[:half]))
}

// treeHash is the RFC 6962 tree hash of at least one leaf hash.
func treeHash(hashes []Hash) Hash {
	if len(hashes) == 1 {
		return hashes[0]
	}
	half := split(len(hashes))
	return tlog.NodeHash(treeHash(hashes[:half]), treeHash(hashes[half:]))
}

// split is the largest power of two below n, which is at least 2.
func split(n int) int { return 1 << (bits.Len(uint(n-1)) - 1) }

// tileLine is the JSON of a tile proof.
type tileLine struct {
	N      *int64   `json:"n"`
	Hashes string   `json:"hashes"`
	Path   []string `json:"path"`
}

// MarshalLine writes the proof as a line of a packet's `tiles`, without line feed.
func (p TileProof) MarshalLine() []byte {
	joined := make([]byte, 0, len(p.Hashes)*tlog.HashSize)
	for _, h := range p.Hashes {
		joined = append(joined, h[:]...)
	}
	line := tileLine{N: &p.N, Hashes: base64.StdEncoding.EncodeToString(joined), Path: make([]string, len(p.Path))}
	for i, h := range p.Path {
		line.Path[i] = h.String()
	}
	b, _ := json.Marshal(line) // a number and base64: nothing in it can fail
	return b
}

// ParseTileProof reads such a line. It does not Check. Errors: fault.Malformed, fault.TooLarge.
func ParseTileProof(line []byte) (TileProof, error) {
	// spec: PKT-2, PKT-5, ENC-1
	bad := func(msg string) error { return fault.New(fault.Malformed, "PKT-5", "%s", msg) }
	if err := statement.CheckJSON(line, MaxTileLine); err != nil {
		return TileProof{}, err
	}
	var l tileLine
	if err := json.Unmarshal(line, &l, json.RejectUnknownMembers(true)); err != nil {
		return TileProof{}, fault.Wrap(err, fault.Malformed, "PKT-5", "a tile line has a member of the wrong form")
	}
	if l.N == nil || *l.N < 0 || *l.N >= MaxSize/TileWidth || l.Path == nil {
		return TileProof{}, bad("a tile line has a number, hashes and a path")
	}
	if len(l.Path) > MaxPath {
		return TileProof{}, fault.New(fault.TooLarge, "LOG-13", "a path has at most %d hashes", MaxPath)
	}
	joined, err := base64.StdEncoding.Strict().DecodeString(l.Hashes)
	if err != nil || len(joined) == 0 || len(joined)%tlog.HashSize != 0 || len(joined) > TileWidth*tlog.HashSize ||
		len(l.Hashes) != base64.StdEncoding.EncodedLen(len(joined)) {
		return TileProof{}, bad("a tile has 1 to 256 hashes, joined, in base64")
	}
	p := TileProof{N: *l.N, Hashes: make([]Hash, len(joined)/tlog.HashSize), Path: make([]Hash, len(l.Path))}
	for i := range p.Hashes {
		p.Hashes[i] = Hash(joined[i*tlog.HashSize:])
	}
	for i, s := range l.Path {
		if p.Path[i], err = ParseHash(s); err != nil {
			return TileProof{}, bad("a tile's path has hashes in base64")
		}
	}
	return p, nil
}
