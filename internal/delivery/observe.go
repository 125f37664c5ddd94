package delivery

import (
	"bufio"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"net/http"
	"time"

	"github.com/comity-exchange/comity/internal/exchange"
	"github.com/comity-exchange/comity/party"
)

// Observer is told what the courier does, by those who want to count, time and trace it. Its methods are called by many goroutines at once, return at
// once and cannot fail. It is told nothing of what packets hold.
type Observer interface {
	// Step is told that a step begins ("send", "pack", "post", "receive" or "serve"), or began at a time that is not zero. The context that it gives goes with the
	// step; end is called once, with what came of it.
	Step(ctx context.Context, name string, peer party.Code, began time.Time) (_ context.Context, end func(error))
	// Named puts a packet's name into the context of what is done about it.
	Named(ctx context.Context, packet string) context.Context
	// Packet is told of a packet that was sent (out) or received, or on which that failed.
	Packet(ctx context.Context, peer party.Code, out bool, bytes int64, took time.Duration, err error)
	// Clock is told how far a peer's clock was ahead of this node's when it answered.
	Clock(peer party.Code, ahead time.Duration)
}

// unobserved is the observer of a courier that has none.
type unobserved struct{}

func (unobserved) Step(ctx context.Context, _ string, _ party.Code, _ time.Time) (context.Context, func(error)) {
	return ctx, func(error) {}
}
func (unobserved) Named(ctx context.Context, _ string) context.Context                   { return ctx }
func (unobserved) Packet(context.Context, party.Code, bool, int64, time.Duration, error) {}
func (unobserved) Clock(party.Code, time.Duration)                                       {}

// nameFrom is how many of a packet's first bytes its name is made from. age's header stands there, with the share that was made for this packet alone.
const nameFrom = 512

// nameOf tells one packet from another in the diaries of both its sides: nothing that travels is added for it, and it says nothing of what is inside.
func nameOf(sealed []byte) string {
	sum := sha256.Sum256(sealed[:min(len(sealed), nameFrom)])
	return hex.EncodeToString(sum[:8])
}

// ofPacket is an error that knows its packet.
type ofPacket struct {
	name string
	error
}

func (e *ofPacket) Unwrap() error { return e.error }

// naming adds a packet's name to an error.
func naming(name string, err error) error {
	if err == nil || name == "" {
		return err
	}
	return &ofPacket{name, err}
}

// about is the context for what is said about an error: with its packet's name, where it knows it.
func (c *Courier) about(ctx context.Context, err error) context.Context {
	var p *ofPacket
	if errors.As(err, &p) {
		return c.Observe.Named(ctx, p.name)
	}
	return ctx
}

// posting is post, with the observer told of it and of the packing since began.
func (c *Courier) posting(ctx context.Context, code party.Code, letter *party.Letter, l *line, p *parcel, began time.Time) error {
	ctx, sent := c.Observe.Step(ctx, "send", code, began)
	_, packed := c.Observe.Step(ctx, "pack", code, began)
	packed(nil)
	ctx, posted := c.Observe.Step(ctx, "post", code, time.Time{})
	start := time.Now()
	err := c.post(ctx, code, letter, l, p)
	c.Observe.Packet(c.Observe.Named(ctx, p.name), code, true, p.size, time.Since(start), err)
	posted(err)
	sent(err)
	return naming(p.name, err)
}

// sealed notes what a parcel has become, and gives the context for what is done about it.
func (c *Courier) sealed(ctx context.Context, p *parcel, raw []byte) context.Context {
	p.name, p.size = nameOf(raw), int64(len(raw))
	return c.Observe.Named(ctx, p.name)
}

// receive hands a packet that came over the wire to the exchange.
func (c *Courier) receive(ctx context.Context, from party.Code, body io.Reader, prove exchange.Prover) (exchange.Received, error) {
	began := time.Now()
	in := bufio.NewReaderSize(body, nameFrom)
	first, _ := in.Peek(nameFrom) // what is wrong with it shows when it is opened
	name := nameOf(first)
	ctx, end := c.Observe.Step(c.Observe.Named(ctx, name), "receive", from, began)
	counted := &counting{Reader: in}
	got, err := c.Exchange.ReceiveFrom(ctx, from, counted, prove)
	c.Observe.Packet(ctx, from, false, counted.n, time.Since(began), err)
	c.claimed(from, err)
	end(err)
	return got, naming(name, err)
}

// counting counts what is read.
type counting struct {
	io.Reader
	n int64
}

func (r *counting) Read(b []byte) (int, error) {
	n, err := r.Reader.Read(b)
	r.n += int64(n)
	return n, err
}

// dated takes the time that an answer bears: a clock that is wrong is seen before anything is refused for it. Nothing else hangs on it.
func (c *Courier) dated(code party.Code, asked time.Time, h http.Header) {
	date, err := http.ParseTime(h.Get("Date"))
	if err != nil {
		return
	}
	// It is cut to the second, and was set at some time between the question and now.
	now := c.Now()
	c.Observe.Clock(code, date.Add(500*time.Millisecond).Sub(now.Add(asked.Sub(now)/2)))
}

// date says this node's own time with an answer.
func (c *Courier) date(w http.ResponseWriter) {
	w.Header().Set("Date", c.Now().UTC().Format(http.TimeFormat))
}
