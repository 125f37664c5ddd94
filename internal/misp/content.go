package misp

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"io"
	"net/http"
	"sync"
	"time"

	"golang.org/x/sync/semaphore"

	"github.com/comity-exchange/comity/fault"
)

// Bounds of what is held of bodies at once, whoever sends them: a few hundred kilobytes of gzip unpack to the most that an event has.
const (
	freely      = 64 << 10  // a body that says that it has no more waits for nobody
	modest      = 1 << 20   // with this much there is room for many at once
	modestRoom  = 64 << 20  // bytes of bodies that have said no length, or more than freely, each counted for up to modest
	largeRoom   = 128 << 20 // of those that have more than modest
	maxAtOnce   = 8         // such bodies of one token: others want to get their turn, too
	maxSending  = 2 * time.Minute
	chunkOfBody = 256 << 10
)

// room is where bodies are held: those that are more than a little take turns. It is safe for concurrent use.
type room struct {
	modest, large *semaphore.Weighted
	patience      time.Duration

	mu   sync.Mutex
	held map[string]int // by token; guarded by mu
}

func newRoom() *room {
	return &room{modest: semaphore.NewWeighted(modestRoom), large: semaphore.NewWeighted(largeRoom), patience: patience, held: map[string]int{}}
}

// enter counts a body of a token.
func (r *room) enter(token string) (leave func(), err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.held[token] >= maxAtOnce {
		return nil, fault.New(fault.Unavailable, "", "this token sends %d bodies at once already: send this one again in a moment", maxAtOnce)
	}
	r.held[token]++
	return func() {
		r.mu.Lock()
		defer r.mu.Unlock()
		if r.held[token]--; r.held[token] == 0 {
			delete(r.held, token)
		}
	}, nil
}

// wait waits for room for n bytes. Error: fault.Unavailable.
func (r *room) wait(ctx context.Context, in *semaphore.Weighted, n int64) (free func(), err error) {
	ctx, cancel := context.WithTimeout(ctx, r.patience)
	defer cancel()
	if err := in.Acquire(ctx, n); err != nil {
		return nil, fault.Wrap(err, fault.Unavailable, "", "the node is busy with what others send: send this again in a moment")
	}
	return func() { in.Release(n) }, nil
}

// content is a body, in the pieces in which it came: it is held once, and never copied to make room for more.
type content struct {
	pieces [][]byte
	size   int64
}

func (b *content) reader() io.Reader {
	all := make([]io.Reader, len(b.pieces))
	for i, p := range b.pieces {
		all[i] = bytes.NewReader(p)
	}
	return io.MultiReader(all...)
}

// fill reads until there are upTo bytes, or no more.
func (b *content) fill(from io.Reader, upTo int64) (ended bool, err error) {
	for b.size < upTo {
		piece := make([]byte, min(chunkOfBody, upTo-b.size))
		n, err := io.ReadFull(from, piece)
		if n > 0 {
			b.pieces, b.size = append(b.pieces, piece[:n]), b.size+int64(n)
		}
		switch {
		case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF): // there was less than the piece has room for
			return true, nil
		case err != nil:
			return false, err
		}
	}
	return false, nil
}

// whole is a body of which an end too early is told from an end.
type whole struct{ io.Reader }

// Read implements io.Reader.
func (w whole) Read(p []byte) (int, error) {
	n, err := w.Reader.Read(p)
	if errors.Is(err, io.ErrUnexpectedEOF) {
		err = fault.New(fault.Malformed, "", "what was sent breaks off")
	}
	return n, err
}

// body reads what is sent, which an instance may have compressed. most bounds what comes of it, too. It counts until the call is over.
func (c *call) body(most int64) (*content, error) {
	tooLarge := fault.New(fault.TooLarge, "", "what is sent here has at most %d bytes", most)
	said := c.r.ContentLength
	if said > most {
		return nil, tooLarge
	}
	from, said, err := c.unpacked(most)
	if err != nil {
		return nil, err
	}
	if said < 0 || said > freely {
		leave, err := c.room.enter(c.Actor.Token)
		if err != nil {
			return nil, err
		}
		c.after(leave)
		free, err := c.room.wait(c.ctx(), c.room.modest, min(most, modest))
		if err != nil {
			return nil, err
		}
		c.after(free)
	}
	// Whoever has room and sends nothing keeps it from others.
	deadline := http.NewResponseController(c.w)
	_ = deadline.SetReadDeadline(time.Now().Add(maxSending)) // a server that cannot has one of its own
	b := &content{}
	ended, err := b.fill(from, min(most, modest)+1)
	if err == nil && !ended && most > modest {
		room := most
		if said > 0 {
			room = said
		}
		free, failed := c.room.wait(c.ctx(), c.room.large, room)
		if failed != nil {
			return nil, failed
		}
		c.after(free)
		_ = deadline.SetReadDeadline(time.Now().Add(maxSending))
		ended, err = b.fill(from, most+1)
	}
	switch {
	case err != nil:
		return nil, fault.Wrap(err, fault.Malformed, "", "what was sent cannot be read to its end")
	case !ended || b.size > most:
		return nil, tooLarge
	}
	c.read = true
	_ = deadline.SetReadDeadline(time.Time{})
	return b, nil
}

// unpacked is what is sent, unpacked, and how many bytes that has; -1 where nobody knows.
func (c *call) unpacked(most int64) (from io.Reader, said int64, err error) {
	from = io.LimitReader(c.r.Body, most+1)
	switch c.r.Header.Get("Content-Encoding") {
	case "", "identity":
		return whole{from}, c.r.ContentLength, nil
	case "gzip":
		unzipped, err := gzip.NewReader(from)
		if err != nil {
			return nil, 0, fault.Wrap(err, fault.Malformed, "", "what was sent is not compressed as it says")
		}
		return whole{unzipped}, -1, nil
	}
	return nil, 0, fault.New(fault.Malformed, "", "what is sent is not compressed, or by gzip")
}
