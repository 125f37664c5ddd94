package translog

import (
	"math/bits"

	"golang.org/x/mod/sumdb/tlog"

	"github.com/comity-exchange/comity/fault"
	"github.com/comity-exchange/comity/statement"
)

// Tiles reads the hashes of one log. Tile gives what is stored of tile n of a level, joined; empty when there is none. Level 0
// holds leaf hashes; a hash of level l+1 is the root of a whole tile of level l. A tile may hold more hashes than the tree that is
// asked about covers: logs grow. The bytes belong to the store and are not changed here.
type Tiles interface {
	Tile(level int, n int64) ([]byte, error)
}

// TileData is what a tile holds from now on. Hashes is all of it, not only what is new.
type TileData struct {
	Level  int
	N      int64
	Hashes []byte
}

// Append puts ids behind a tree of old leaves and gives the new root and every tile that changed, lowest level first. It reads
// one tile a level and computes on the batch alone. Errors: fault.TooLarge (LOG-13), fault.NotFound when the store lacks a tile.
func Append(old int64, t Tiles, ids []statement.ID) (root Hash, changed []TileData, err error) {
	add := make([]Hash, len(ids))
	for i, id := range ids {
		add[i] = LeafHash(id)
	}
	return Extend(old, t, add)
}

// Extend is Append for leaves of which only the hashes are known. It does not change add.
func Extend(old int64, t Tiles, add []Hash) (root Hash, changed []TileData, err error) {
	if err := checkSize(old); err != nil {
		return Hash{}, nil, err
	}
	size := old + int64(len(add))
	if err := checkSize(size); err != nil {
		return Hash{}, nil, err
	}
	r := &reader{tiles: t}
	for level := 0; len(add) > 0; level++ {
		tiles, full, err := r.extend(level, old>>(tileHeight*level), add)
		if err != nil {
			return Hash{}, nil, err
		}
		changed = append(changed, tiles...)
		last := tiles[len(tiles)-1]
		r.keep(last.Level, last.N, last.Hashes) // the root needs no other tile of this level
		add = full
	}
	root, err = r.span(0, size)
	return root, changed, err
}

// extend puts add behind the first have hashes of a level. full are the roots of the tiles that became whole.
func (r *reader) extend(level int, have int64, add []Hash) (tiles []TileData, full []Hash, err error) {
	n, within := have/TileWidth, int(have%TileWidth)
	var begun []byte
	if within > 0 {
		if begun, err = r.tile(level, n, within); err != nil {
			return nil, nil, err
		}
	}
	for ; len(add) > 0; n, within, begun = n+1, 0, nil {
		take := min(len(add), TileWidth-within)
		data := make([]byte, 0, (within+take)*tlog.HashSize)
		data = append(data, begun[:within*tlog.HashSize]...)
		for _, h := range add[:take] {
			data = append(data, h[:]...)
		}
		tiles = append(tiles, TileData{level, n, data})
		if within+take == TileWidth {
			full = append(full, fold(data))
		}
		add = add[take:]
	}
	return tiles, full, nil
}

// Root is the root of the first size leaves.
func Root(size int64, t Tiles) (Hash, error) {
	if err := checkSize(size); err != nil {
		return Hash{}, err
	}
	return (&reader{tiles: t}).span(0, size)
}

// Inclusion is the path from leaf index to the root of the first size leaves, lowest sibling first.
func Inclusion(size, index int64, t Tiles) ([]Hash, error) {
	if err := checkIndex(size, index); err != nil {
		return nil, err
	}
	return tlog.ProveRecord(size, index, &reader{tiles: t})
}

// CheckInclusion holds a path against leaf and root. Error: fault.NotAuthentic, LOG-6.
func CheckInclusion(path []Hash, size, index int64, leaf, root Hash) error {
	if err := checkIndex(size, index); err != nil {
		return err
	}
	// spec: LOG-6
	if tlog.CheckRecord(path, size, root, index, leaf) != nil {
		return fault.New(fault.NotAuthentic, "LOG-6", "the path does not lead from the leaf to the root")
	}
	return nil
}

func checkIndex(size, index int64) error {
	if err := checkSize(size); err != nil {
		return err
	}
	if index < 0 || index >= size {
		return fault.New(fault.Malformed, "LOG-1", "the tree has no leaf of that index")
	}
	return nil
}

// reader gives the hash of any node from tiles, each of which it reads once. It lives for one call.
type reader struct {
	tiles Tiles
	read  []TileData // few: some two a level
}

// tile is what is stored of a tile, which has to be width hashes at least and counts up to 256.
func (r *reader) tile(level int, n int64, width int) ([]byte, error) {
	data, known := r.known(level, n)
	if !known {
		var err error
		if data, err = r.tiles.Tile(level, n); err != nil {
			return nil, err
		}
		r.keep(level, n, data)
	}
	if len(data) < width*tlog.HashSize {
		return nil, fault.New(fault.NotFound, "LOG-2", "%s lacks hashes that this tree needs", TilePath(level, n, TileWidth))
	}
	return data[:min(len(data)/tlog.HashSize, TileWidth)*tlog.HashSize], nil
}

// keep remembers a tile, in place of what was known of it before.
func (r *reader) keep(level int, n int64, data []byte) {
	for i := range r.read {
		if r.read[i].N == n && r.read[i].Level == level {
			r.read[i].Hashes = data
			return
		}
	}
	r.read = append(r.read, TileData{level, n, data})
}

func (r *reader) known(level int, n int64) ([]byte, bool) {
	for i := range r.read {
		if r.read[i].N == n && r.read[i].Level == level {
			return r.read[i].Hashes, true
		}
	}
	return nil, false
}

// node is the root of the 2^level leaves from n·2^level on.
func (r *reader) node(level int, n int64) (Hash, error) {
	level, up := level/tileHeight, level%tileHeight // its tile's level, and how far it is above the tile's hashes
	first := int(n<<up) % TileWidth
	n = n << up / TileWidth
	data, err := r.tile(level, n, first+1<<up)
	if err != nil {
		return Hash{}, err
	}
	if m, ok := r.tiles.(memoized); ok && up > 0 {
		return m.nodes(level, n, data).inner[up-1][first>>up], nil
	}
	return fold(data[first*tlog.HashSize : (first+1<<up)*tlog.HashSize]), nil
}

// span is the RFC 6962 tree hash of the leaves [lo, hi), where lo is a multiple of the largest power of two in hi − lo.
func (r *reader) span(lo, hi int64) (Hash, error) {
	if lo == hi {
		return EmptyRoot(), nil
	}
	level := bits.Len64(uint64(hi-lo)) - 1
	left, err := r.node(level, lo>>level)
	if err != nil || lo+1<<level == hi {
		return left, err
	}
	right, err := r.span(lo+1<<level, hi)
	return tlog.NodeHash(left, right), err
}

// ReadHashes makes the reader a tlog.HashReader.
func (r *reader) ReadHashes(indexes []int64) ([]Hash, error) {
	hashes := make([]Hash, len(indexes))
	for i, x := range indexes {
		h, err := r.node(tlog.SplitStoredHashIndex(x))
		if err != nil {
			return nil, err
		}
		hashes[i] = h
	}
	return hashes, nil
}

// fold is the root of a power of two of joined hashes, at most 256.
func fold(data []byte) Hash {
	if len(data) == tlog.HashSize {
		return Hash(data)
	}
	var row [TileWidth / 2]Hash
	n := len(data) / (2 * tlog.HashSize)
	for i := range n {
		pair := data[i*2*tlog.HashSize:]
		row[i] = tlog.NodeHash(Hash(pair[:tlog.HashSize]), Hash(pair[tlog.HashSize:2*tlog.HashSize]))
	}
	for ; n > 1; n /= 2 {
		for i := range n / 2 {
			row[i] = tlog.NodeHash(row[2*i], row[2*i+1])
		}
	}
	return row[0]
}
