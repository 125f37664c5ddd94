package relational

import "sync"

// home is where the connections of one kind are while nobody uses them. The one that came back last goes out first: so a quiet process has few of them, and what
// the server remembers for them is at hand.
type home struct {
	room chan struct{} // one for each that may be out

	mu sync.Mutex
	in []*Conn // guarded by mu
}

func newHome(size int) *home {
	h := &home{room: make(chan struct{}, size)}
	for range size {
		h.room <- struct{}{}
	}
	return h
}

// pick gives a connection to whoever has room; nil when one is yet to be opened.
func (h *home) pick() *Conn {
	h.mu.Lock()
	defer h.mu.Unlock()
	if len(h.in) == 0 {
		return nil
	}
	c := h.in[len(h.in)-1]
	h.in = h.in[:len(h.in)-1]
	return c
}

// put takes a connection back, and the room with it; nil stands for one that is no longer fit for use.
func (h *home) put(c *Conn) {
	if c != nil {
		h.mu.Lock()
		h.in = append(h.in, c)
		h.mu.Unlock()
	}
	h.room <- struct{}{}
}

// empty waits until all are at home and closes them. None goes out any more.
func (h *home) empty() {
	for range cap(h.room) {
		<-h.room
	}
	for c := h.pick(); c != nil; c = h.pick() {
		c.discard()
	}
}
