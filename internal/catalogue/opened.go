package catalogue

import (
	"bytes"
	"slices"
	"sync"
	"time"

	"github.com/comity-exchange/comity/internal/store"
)

// Bounds of the parcels that are remembered open.
const (
	maxOpened  = 24 << 20 // bytes
	minOpened  = 4 << 10  // of one: shorter ones cost little to read
	keepOpened = time.Minute
)

// opened remembers the parcels that were read last: whoever goes on after a page mostly begins in the parcel in which it ended, and many who look for what is new read the same. A parcel is
// asked for here only after the store has told that it is there, so what was erased is given to nobody. It is safe for concurrent use.
type opened struct {
	mu    sync.Mutex
	all   []openedParcel // what was used last stands last; guarded by mu
	bytes int            // of all; guarded by mu
}

type openedParcel struct {
	ref  store.ContentRef
	text []byte // never changed
	used time.Time
}

func (o *opened) get(ref store.ContentRef, now time.Time) []byte {
	o.mu.Lock()
	defer o.mu.Unlock()
	i := slices.IndexFunc(o.all, func(p openedParcel) bool { return p.ref == ref })
	if i < 0 {
		return nil
	}
	p := o.all[i]
	p.used = now
	o.all = append(slices.Delete(o.all, i, i+1), p)
	return p.text
}

func (o *opened) put(ref store.ContentRef, text []byte, now time.Time) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if len(text) > maxOpened/8 || len(text) < minOpened || slices.ContainsFunc(o.all, func(p openedParcel) bool { return p.ref == ref }) {
		return
	}
	o.all, o.bytes = append(o.all, openedParcel{ref, text, now}), o.bytes+len(text)
	n := 0
	for ; o.bytes > maxOpened; n++ {
		o.bytes -= len(o.all[n].text)
	}
	o.all = slices.Delete(o.all, 0, n)
}

// forget lets go of what nobody has used for a while.
func (o *opened) forget(now time.Time) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.all = slices.DeleteFunc(o.all, func(p openedParcel) bool {
		old := now.Sub(p.used) > keepOpened || now.Before(p.used)
		if old {
			o.bytes -= len(p.text)
		}
		return old
	})
}

// content gives the bytes of a parcel that the transaction knows to be there. They are not to be changed.
func (c *Catalogue) content(tx store.Tx, ref store.ContentRef) ([]byte, error) {
	now := c.Now()
	if text := c.opened.get(ref, now); text != nil {
		return text, nil
	}
	text, err := read(tx, ref)
	if err == nil {
		c.opened.put(ref, text, now)
	}
	return text, err
}

// openedLine gives a line of a parcel that is open.
func (c *Catalogue) openedLine(ref store.ContentRef, offset int) ([]byte, bool) {
	text := c.opened.get(ref, c.Now())
	if offset > len(text) || text == nil {
		return nil, false
	}
	line, _, _ := bytes.Cut(text[offset:], []byte{'\n'})
	return line, true
}
