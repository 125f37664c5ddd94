package fedtest

import (
	"net"
	"sync"
)

// door keeps a party's address while its node is stopped: whoever knocks then is turned away, and no other test gets the port.
type door struct {
	net.Listener

	mu     sync.Mutex
	inside *doorway // nil: nobody is at home; guarded by mu
}

func openDoor(l net.Listener) *door {
	d := &door{Listener: l}
	go d.attend()
	return d
}

// shut gives the address up.
func (d *door) shut() { _ = d.Listener.Close() }

// attend passes who comes on to whoever is at home.
func (d *door) attend() {
	for {
		c, err := d.Accept()
		if err != nil {
			return
		}
		d.mu.Lock()
		w := d.inside
		d.mu.Unlock()
		if w == nil {
			_ = c.Close()
			continue
		}
		select {
		case w.conns <- c:
		case <-w.closed:
			_ = c.Close()
		}
	}
}

// open is the listener for a node that starts.
func (d *door) open() net.Listener {
	w := &doorway{d: d, conns: make(chan net.Conn), closed: make(chan struct{})}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.inside = w
	return w
}

// doorway is the listener of one run of a node.
type doorway struct {
	d      *door
	conns  chan net.Conn
	closed chan struct{}
	once   sync.Once

	mu  sync.Mutex
	all []net.Conn // guarded by mu
}

// Accept implements net.Listener.
func (w *doorway) Accept() (net.Conn, error) {
	select {
	case c := <-w.conns:
		w.mu.Lock()
		defer w.mu.Unlock()
		w.all = append(w.all, c)
		return c, nil
	case <-w.closed:
		return nil, net.ErrClosed
	}
}

// Close implements net.Listener. Who is inside is shown out at once: a node that goes down does not wait for its peers.
func (w *doorway) Close() error {
	w.once.Do(func() {
		close(w.closed)
		w.mu.Lock()
		for _, c := range w.all {
			_ = c.Close()
		}
		w.mu.Unlock()
		w.d.mu.Lock()
		defer w.d.mu.Unlock()
		if w.d.inside == w {
			w.d.inside = nil
		}
	})
	return nil
}

// Addr implements net.Listener.
func (w *doorway) Addr() net.Addr { return w.d.Addr() }
