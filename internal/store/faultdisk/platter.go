package faultdisk

import (
	"maps"
	"math/rand/v2"
	"slices"
)

// sector is what a disk writes whole or not at all, in bytes.
const sector = 512

// platter knows what of some files a power cut leaves for certain, and what perhaps.
type platter struct {
	names   map[string]*content // what the files are now, by path
	certain map[string]*content // what their names are certain to lead to
	changes []change            // of names, in order, since they were last synced
}

// change is a file made or, where made is nil, deleted.
type change struct {
	name string
	made *content
}

// content is one file's bytes, whatever its name is by now.
type content struct {
	open    int    // handles
	size    int64  // now
	certain []byte // synced
	writes  []write
}

// write is a write or, where data is nil, a truncation to off.
type write struct {
	off    int64
	data   []byte
	synced bool // honoured; it waits for an earlier one only
	given  bool // a sync has failed: no later one brings it to the disk
}

func newPlatter() *platter {
	return &platter{names: map[string]*content{}, certain: map[string]*content{}}
}

// found takes up a file that is there already, as it is: all of it is certain.
func (p *platter) found(name string, bytes []byte) *content {
	c := &content{size: int64(len(bytes)), certain: bytes}
	p.names[name], p.certain[name] = c, c
	return c
}

// made takes up a new file.
func (p *platter) made(name string) *content {
	c := &content{}
	p.names[name] = c
	p.changes = append(p.changes, change{name, c})
	return c
}

// deleted forgets a name.
func (p *platter) deleted(name string) {
	delete(p.names, name)
	p.changes = append(p.changes, change{name, nil})
}

// syncNames makes all names certain, as a sync of their folder does.
func (p *platter) syncNames() {
	for _, ch := range p.changes {
		ch.apply(p.certain)
	}
	p.changes = nil
}

func (ch change) apply(to map[string]*content) {
	if ch.made == nil {
		delete(to, ch.name)
		return
	}
	to[ch.name] = ch.made
}

// closed forgets a file that nobody has open when all of it is certain: others may change it now, and whoever opens it reads it anew.
func (p *platter) closed(name string) {
	c := p.names[name]
	if c == nil || c.open > 0 || len(c.writes) > 0 || p.certain[name] != c ||
		slices.ContainsFunc(p.changes, func(ch change) bool { return ch.name == name }) {
		return
	}
	delete(p.names, name)
	delete(p.certain, name)
}

func (c *content) write(off int64, data []byte) {
	c.writes = append(c.writes, write{off: off, data: data})
	c.size = max(c.size, off+int64(len(data)))
}

func (c *content) truncate(size int64) {
	c.writes = append(c.writes, write{off: size})
	c.size = size
}

// sync makes certain what was written, but for what an earlier sync gave up: systems forget which pages were dirty when they could not write them.
func (c *content) sync() {
	first := len(c.writes)
	for i := range c.writes {
		w := &c.writes[i]
		w.synced = w.synced || !w.given
		if !w.synced {
			first = min(first, i)
		}
	}
	for _, w := range c.writes[:first] {
		c.certain = w.apply(c.certain, len(w.data))
	}
	c.writes = slices.Clone(c.writes[first:])
}

// giveUp is a sync that failed.
func (c *content) giveUp() {
	for i := range c.writes {
		c.writes[i].given = true
	}
}

// apply puts the first n bytes of the write into b; a truncation is whole.
func (w write) apply(b []byte, n int) []byte {
	if w.data == nil {
		return resize(b, int(w.off))
	}
	if n == 0 {
		return b
	}
	b = resize(b, max(len(b), int(w.off)+n))
	copy(b[w.off:], w.data[:n])
	return b
}

func resize(b []byte, n int) []byte {
	if n <= len(b) {
		return b[:n:n] // what comes after must not come back when it grows again
	}
	return append(b, make([]byte, n-len(b))...)
}

// fate decides what becomes of one unsure thing after another.
type fate struct {
	*rand.Rand
	inOrder bool    // all up to some one are kept, and nothing after it
	keep    float64 // else each is kept with this chance
	none    bool    // nothing is kept
	lost    bool    // the one of inOrder has come, or none is set
}

// newFate draws a kind of cut: that of a disk that writes in order, or of one that does not and had time for more or for less.
func newFate(r *rand.Rand) *fate {
	f := &fate{Rand: r, inOrder: r.IntN(4) == 0}
	f.keep = []float64{0, 0.1, 0.5, 0.9, 1}[r.IntN(5)]
	if f.inOrder {
		f.keep = []float64{0.5, 0.9, 0.99}[r.IntN(3)]
	}
	return f
}

// kept tells of the next thing whether it is kept, and, when it is not, whether a part of it may be.
func (f *fate) kept() (all, part bool) {
	if f.lost {
		return false, false
	}
	if f.Float64() < f.keep {
		return true, false
	}
	f.lost = f.inOrder
	return false, f.IntN(2) == 0
}

// survived is how much of an unsure write of data is kept, in bytes: it ends where a sector does.
func (f *fate) survived(w write) int {
	all, part := f.kept()
	if all {
		return len(w.data)
	}
	first := sector - int(w.off%sector) // where the first sector ends
	if !part || first >= len(w.data) {
		return 0
	}
	return first + sector*f.IntN((len(w.data)-first-1)/sector+1)
}

// after is what a power cut makes of the file.
func (c *content) after(f *fate) []byte {
	b := append([]byte{}, c.certain...) // not nil: an empty file is one
	for _, w := range c.writes {
		switch {
		case w.synced:
			b = w.apply(b, len(w.data))
		case w.data != nil:
			b = w.apply(b, f.survived(w))
		default:
			if all, _ := f.kept(); all {
				b = w.apply(b, 0)
			}
		}
	}
	return b
}

// cut gives the files as a power cut leaves them, by name; nil: there is none.
func (p *platter) cut(f *fate) map[string][]byte {
	left := maps.Clone(p.certain)
	for _, ch := range p.changes {
		if all, _ := f.kept(); all {
			ch.apply(left)
		}
	}
	out := map[string][]byte{}
	for name := range p.names {
		out[name] = nil
	}
	for _, name := range slices.Sorted(maps.Keys(left)) {
		f.lost = f.none
		out[name] = left[name].after(f)
	}
	return out
}
