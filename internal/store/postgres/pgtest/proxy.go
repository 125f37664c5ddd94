package pgtest

import (
	"context"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

// Proxy stands before a server and can lose what it says.
type Proxy struct {
	dir      string
	server   string // its socket
	listener net.Listener
	wg       sync.WaitGroup

	mu      sync.Mutex
	swallow bool                  // the next answer is lost, and its connection with it
	open    map[net.Conn]struct{} // both ends of every connection
	closed  bool
}

// Proxy begins to stand before the server, until the test ends.
func (s *Server) Proxy(t testing.TB) *Proxy {
	t.Helper()
	s.Need(t)
	dir, err := os.MkdirTemp("", "pg-") // short: see folder
	if err != nil {
		t.Fatal(err)
	}
	const socket = ".s.PGSQL.5432"
	p := &Proxy{dir: dir, server: filepath.Join(s.dir, socket), open: map[net.Conn]struct{}{}}
	if p.listener, err = new(net.ListenConfig).Listen(t.Context(), "unix", filepath.Join(dir, socket)); err != nil {
		t.Fatal(err)
	}
	p.wg.Go(p.accept)
	t.Cleanup(func() {
		p.mu.Lock()
		p.closed = true
		_ = p.listener.Close()
		for c := range p.open {
			_ = c.Close()
		}
		p.mu.Unlock()
		p.wg.Wait()
		_ = os.RemoveAll(dir)
	})
	return p
}

// Database is the address of a database by way of the proxy.
func (p *Proxy) Database(t testing.TB, s *Server, name string) string {
	t.Helper()
	address := s.Database(t, name)
	return "host=" + p.dir + strings.TrimPrefix(address, "host="+s.dir)
}

// SwallowAnswer has the next answer of the server lost on its way, and the connection with it.
func (p *Proxy) SwallowAnswer() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.swallow = true
}

func (p *Proxy) accept() {
	for {
		client, err := p.listener.Accept()
		if err != nil {
			return // it was closed
		}
		server, err := new(net.Dialer).DialContext(context.Background(), "unix", p.server)
		if err != nil {
			_ = client.Close()
			continue
		}
		if !p.keep(client, server) {
			return
		}
		p.wg.Go(func() { _, _ = io.Copy(server, client); p.drop(client, server) })
		p.wg.Go(func() { p.answer(client, server); p.drop(client, server) })
	}
}

func (p *Proxy) keep(both ...net.Conn) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, c := range both {
		if p.closed {
			_ = c.Close()
		}
		p.open[c] = struct{}{}
	}
	return !p.closed
}

func (p *Proxy) drop(both ...net.Conn) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, c := range both {
		_ = c.Close()
		delete(p.open, c)
	}
}

// answer passes on what the server says, until it is to be lost.
func (p *Proxy) answer(client, server net.Conn) {
	buf := make([]byte, 64<<10)
	for {
		n, err := server.Read(buf)
		if err != nil {
			return
		}
		p.mu.Lock()
		lost := p.swallow
		p.swallow = false
		p.mu.Unlock()
		if lost {
			return
		}
		if _, err := client.Write(buf[:n]); err != nil {
			return
		}
	}
}
