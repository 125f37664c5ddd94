package translog

import (
	"bytes"
	"container/list"
	"sync"

	"golang.org/x/mod/sumdb/tlog"
)

// Memo remembers the inner nodes of tiles that were hashed lately, since a tile is stored as its lowest row alone and a path needs nearly all
// of the other 255. It is safe for concurrent use and may serve several logs and transactions at once: a remembered tile counts only
// while the store's bytes are the ones that were hashed, so that nothing has ever to be thrown away for being stale.
type Memo struct {
	room int

	mu    sync.Mutex
	tiles map[tileKey]*list.Element // of *hashed; guarded by mu
	used  *list.List                // most lately used first; guarded by mu
}

type tileKey struct {
	log   string
	level int
	n     int64
}

// hashed is a tile with its inner nodes. It is not changed once it is made.
type hashed struct {
	key   tileKey
	data  []byte
	inner [tileHeight][]Hash // inner[u-1] are the nodes u levels above the data, as far as they are whole
}

// NewMemo makes a memo of at most room tiles, of 16 KiB each; room is at least 1.
func NewMemo(room int) *Memo {
	return &Memo{room: max(room, 1), tiles: map[tileKey]*list.Element{}, used: list.New()}
}

// Over gives tiles that are read from t and hashed once. log keeps the tiles of one log apart from those of others.
func (m *Memo) Over(log string, t Tiles) Tiles { return memoized{t, m, log} }

type memoized struct {
	Tiles
	memo *Memo
	log  string
}

// nodes are the inner nodes of a tile with these hashes.
func (t memoized) nodes(level int, n int64, data []byte) *hashed {
	m, key := t.memo, tileKey{t.log, level, n}
	if h := m.find(key); h != nil && bytes.Equal(h.data, data) {
		return h
	}
	h := hashTile(key, data) // outside of the lock: two at once do no harm
	m.mu.Lock()
	defer m.mu.Unlock()
	if e, ok := m.tiles[key]; ok {
		e.Value = h
		m.used.MoveToFront(e)
		return h
	}
	m.tiles[key] = m.used.PushFront(h)
	if m.used.Len() > m.room {
		oldest := m.used.Remove(m.used.Back()).(*hashed)
		delete(m.tiles, oldest.key)
	}
	return h
}

func (m *Memo) find(key tileKey) *hashed {
	m.mu.Lock()
	defer m.mu.Unlock()
	e, ok := m.tiles[key]
	if !ok {
		return nil
	}
	m.used.MoveToFront(e)
	return e.Value.(*hashed)
}

func hashTile(key tileKey, data []byte) *hashed {
	h := &hashed{key: key, data: bytes.Clone(data)}
	row := make([]Hash, len(data)/tlog.HashSize)
	for i := range row {
		row[i] = Hash(data[i*tlog.HashSize:])
	}
	for up := range h.inner {
		next := make([]Hash, len(row)/2)
		for i := range next {
			next[i] = tlog.NodeHash(row[2*i], row[2*i+1])
		}
		h.inner[up], row = next, next
	}
	return h
}
