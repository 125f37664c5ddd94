package relational

import (
	"maps"
	"sync"

	"github.com/comity-exchange/comity/fault"
	"github.com/comity-exchange/comity/party"
	"github.com/comity-exchange/comity/statement"
	"github.com/comity-exchange/comity/translog"
)

// place is where a statement stands: the number of its log in this store, and its leaf.
type place int64

const (
	leafBits = 40 // translog.MaxSize
	partBits = 9  // body and statement.MaxBlobs blobs
	maxLogs  = 1 << (63 - leafBits - partBits)
)

func (p place) leaf() int64 { return int64(p) & (1<<leafBits - 1) }
func (p place) log() log    { return log(p >> leafBits) }

// log is the number of a log in this store; 0 stands for one that it does not have.
type log int64

// at is the place of a leaf. Leaves beyond a log's bounds give places at them, for comparisons.
func (l log) at(leaf int64) int64 {
	return int64(l)<<leafBits + min(max(leaf, -1), translog.MaxSize)
}

// end is the first place after the log's.
func (l log) end() int64 { return l.at(translog.MaxSize) }

// origins is the numbers of logs, of which rows are never changed. Safe for concurrent use.
type origins struct {
	mu    sync.Mutex
	logs  map[party.Origin]log
	names map[log]party.Origin
	era   int // how often all was forgotten
}

func (o *origins) now() int {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.era
}

func (o *origins) forget() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.era++
	o.logs, o.names = nil, nil
}

func (o *origins) number(name party.Origin) (log, bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	l, ok := o.logs[name]
	return l, ok
}

func (o *origins) name(l log) (party.Origin, bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	name, ok := o.names[l]
	return name, ok
}

// learn takes over what a transaction has found or committed, unless all was forgotten since it began.
func (o *origins) learn(found map[party.Origin]log, era int) {
	if len(found) == 0 {
		return
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.era != era {
		return
	}
	if o.logs == nil {
		o.logs, o.names = map[party.Origin]log{}, map[log]party.Origin{}
	}
	maps.Copy(o.logs, found)
	for name, l := range found {
		o.names[l] = name
	}
}

// cache is what a transaction knows of the store. It is dropped when a savepoint is undone.
type cache struct {
	origins map[party.Origin]log
	places  map[statement.ID]place
	buried  *bool // whether there are tombstones of statements that are not here
}

// maxPlaces bounds what one transaction remembers.
const maxPlaces = 1 << 14

func (c *cache) put(id statement.ID, p place) {
	if c.places == nil || len(c.places) >= maxPlaces {
		c.places = map[statement.ID]place{}
	}
	c.places[id] = p
}

func (c *cache) putOrigin(name party.Origin, l log) {
	if c.origins == nil {
		c.origins = map[party.Origin]log{}
	}
	c.origins[name] = l
}

// logOf is the number of a log; 0 when the store has no statement of it.
func (t *txn) logOf(name party.Origin) (log, error) {
	if l, ok := t.cache.origins[name]; ok {
		return l, nil
	}
	if l, ok := t.store.origins.number(name); ok {
		return l, nil
	}
	var no int64
	found, err := t.one(`SELECT no FROM origin WHERE name = $1`, []any{string(name)}, &no)
	l := log(no)
	if found {
		t.cache.putOrigin(name, l)
	}
	return l, err
}

// nameOf is the name of a log that a row names.
func (t *txn) nameOf(l log) (party.Origin, error) {
	for name, have := range t.cache.origins {
		if have == l {
			return name, nil
		}
	}
	if name, ok := t.store.origins.name(l); ok {
		return name, nil
	}
	var name party.Origin
	found, err := t.one(`SELECT name FROM origin WHERE no = $1`, []any{int64(l)}, &name)
	if err != nil || !found {
		return "", orDamaged(err)
	}
	t.cache.putOrigin(name, l)
	return name, nil
}

// newPlace is the place for a new statement; its log gets a number if it has none.
func (t *txn) newPlace(name party.Origin, leaf int64) (place, error) {
	if leaf < 0 || leaf >= translog.MaxSize {
		return 0, fault.New(fault.Internal, "", "a leaf is out of bounds")
	}
	if err := t.mayWrite(); err != nil {
		return 0, err
	}
	l, err := t.logOf(name)
	if err != nil {
		return 0, err
	}
	if l == 0 {
		var no int64
		if _, err := t.one(`SELECT COALESCE(MAX(no), 0) + 1 FROM origin`, nil, &no); err != nil {
			return 0, err
		}
		l = log(no)
		if l >= maxLogs {
			return 0, fault.New(fault.TooLarge, "", "the store is full: it has statements of %d logs", int64(l)-1)
		}
		if _, err := t.exec(`INSERT INTO origin (no, name) VALUES ($1, $2)`, int64(l), string(name)); err != nil {
			return 0, err
		}
		t.cache.putOrigin(name, l)
	}
	return place(l.at(leaf)), nil
}

// placeOf finds a statement.
func (t *txn) placeOf(id statement.ID) (p place, found bool, err error) {
	if p, ok := t.cache.places[id]; ok {
		return p, true, nil
	}
	var at int64
	found, err = t.one(`SELECT place FROM statement WHERE id = $1`, []any{id[:]}, &at)
	if found {
		t.cache.put(id, place(at))
	}
	return place(at), found, err
}
