package demo

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/comity-exchange/comity/agreement"
	"github.com/comity-exchange/comity/internal/delivery"
	"github.com/comity-exchange/comity/internal/exchange"
	"github.com/comity-exchange/comity/party"
	"github.com/comity-exchange/comity/thread"
)

// span is how long ago the story began, by the nodes' clocks, when it is told.
const span = 56 * time.Hour

// play is the story while it is told.
type play struct {
	*teller
	dir, input string
	clock      *clock
	net        *wires
	began      time.Time

	a, b, c *office // XA, XB, XC

	assistance  agreement.ID  // between XA and XB
	cooperation agreement.ID  // of all three
	analysis    agreement.ID  // of all three, negotiated
	help        thread.ID     // XA's request
	asked       exchange.Said // its opener
}

// scenes is the story, in order.
func (p *play) scenes() []func(context.Context) error {
	return []func(context.Context) error{
		p.letters, p.agreements, p.negotiation, p.signature, p.request, p.clarification, p.cut, p.answer, p.intelligence, p.forbidden, p.unchecked, p.account, p.evidence, p.logs,
	}
}

// found makes the three nodes.
func (p *play) found(ctx context.Context, log *slog.Logger) error {
	p.began = p.clock.Now()
	for _, o := range []struct {
		office        **office
		code          party.Code
		name, officer string
	}{
		{&p.a, "XA", "Exampleland National CERT", "Duty officer of XA"},
		{&p.b, "XB", "Samplonia Cyber Security Centre", "Duty officer of XB"},
		{&p.c, "XC", "Fictonia Computer Emergency Team", "Duty officer of XC"},
	} {
		var err error
		if *o.office, err = found(ctx, p, o.code, o.name, o.officer, log); err != nil {
			return err
		}
	}
	p.say("Three nodes run in this process, each with its own folder, keys, store and HTTPS listener. Their parties are fictional.")
	p.say("By their clocks it is %s UTC: they were set back %s, and are moved on as the story goes.", p.began.UTC().Format("2 Jan 15:04"), lasting(span))
	return p.rest(ctx)
}

func (p *play) all() []*office { return []*office{p.a, p.b, p.c} }

// close ends the nodes that were started.
func (p *play) close() error {
	p.net.sever(everybody) // an idle connection would keep its server waiting
	errs := make([]error, len(p.all()))
	var ending sync.WaitGroup
	for i, o := range p.all() {
		if o != nil {
			ending.Go(func() { errs[i] = o.close() })
		}
	}
	ending.Wait()
	return errors.Join(errs...)
}

// pass lets time pass, and says so.
func (p *play) pass(d time.Duration) {
	p.clock.pass(d)
	p.say("(%s pass.)", lasting(d))
}

// peaceful waits until nobody's queue for another holds anything.
func (p *play) peaceful(ctx context.Context) error {
	for _, o := range p.all() {
		if err := o.until(ctx, "the end of its queues", func() (bool, error) {
			queues, err := o.Courier.Queues(ctx)
			return !slices.ContainsFunc(queues, func(q delivery.Queue) bool { return q.Waiting > 0 }), err
		}); err != nil {
			return err
		}
	}
	return nil
}
