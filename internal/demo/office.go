package demo

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"path/filepath"
	"time"

	"github.com/comity-exchange/comity/fault"
	"github.com/comity-exchange/comity/internal/config"
	"github.com/comity-exchange/comity/internal/exchange"
	"github.com/comity-exchange/comity/internal/node"
	"github.com/comity-exchange/comity/internal/store"
	"github.com/comity-exchange/comity/marking"
	"github.com/comity-exchange/comity/party"
	"github.com/comity-exchange/comity/statement"
	"github.com/comity-exchange/comity/thread"
)

// patience is how long anything may take that the story waits for.
const patience = 30 * time.Second

// office is one party's node, open and served.
type office struct {
	*node.Node
	code    party.Code
	name    string
	dir     string
	port    port
	words   []string
	options node.Options
	stop    func() error // ends serving and closes the node
}

// found makes a party's folder with a listener of its own, and starts its node.
func found(ctx context.Context, p *play, code party.Code, name, officer string, log *slog.Logger) (*office, error) {
	l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fault.Wrap(err, fault.Unavailable, "", "no port can be had on this machine")
	}
	o := &office{
		code: code, name: name, dir: filepath.Join(p.dir, string(code)), port: port{l.(*net.TCPListener)},
		options: node.Options{
			Now: p.clock.Now, Log: log, Dial: p.net.dialer(code), RetryMin: 50 * time.Millisecond, RetryMax: 200 * time.Millisecond,
		},
	}
	address := l.Addr().String()
	p.net.mu.Lock()
	p.net.at[address] = code
	p.net.mu.Unlock()
	cfg := config.Defaults(code)
	cfg.Listen, cfg.Endpoints, cfg.Officer = address, []string{"https://" + address}, officer
	made, err := node.Init(ctx, o.dir, node.Founding{
		Config: cfg, Names: map[string]string{"en": name}, Now: p.clock.Now,
		Contacts: []party.Contact{{Role: party.ContactTechnical, Name: "Duty officer", Hours: "24/7", Languages: []string{"en"}}},
	})
	if err == nil {
		o.words = made.Words
		err = o.start(ctx)
	}
	if err != nil {
		return nil, errors.Join(err, o.port.release())
	}
	return o, nil
}

// start opens the node and serves it until stop.
func (o *office) start(ctx context.Context) error {
	n, err := node.Open(ctx, o.dir, o.options)
	if err != nil {
		return err
	}
	if err := o.port.reopen(); err != nil {
		return errors.Join(err, n.Close())
	}
	o.Node = n
	// The nodes outlive ctx until they are stopped in order: an interrupted story ends like a finished one.
	serving, cancel := context.WithCancel(context.WithoutCancel(ctx))
	served := make(chan error, 1)
	go func() { served <- n.Serve(serving, o.port) }()
	o.stop = func() error {
		cancel()
		return errors.Join(<-served, n.Close())
	}
	return nil
}

// again closes the node and opens it with or without its own check.
func (p *play) again(ctx context.Context, o *office, unchecked bool) error {
	p.net.sever(o.code) // an idle connection would keep its server waiting
	err := o.stop()
	o.stop = nil
	if err != nil {
		return err
	}
	o.options.Unchecked = unchecked
	if err := o.start(ctx); err != nil {
		return err
	}
	p.net.mend()
	for _, other := range p.all() {
		if other != o {
			o.Courier.Kick(other.code)
			other.Courier.Kick(o.code)
		}
	}
	return nil
}

// close ends the office for good.
func (o *office) close() error {
	var err error
	if o.stop != nil {
		err = o.stop()
	}
	return errors.Join(err, o.port.release())
}

// until waits for ok, which is asked again whenever the node has written something. Error: fault.Failed when it took too long.
func (o *office) until(ctx context.Context, what string, ok func() (bool, error)) error {
	late, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	for {
		changed := o.Exchange.Changed() // taken before asking, so that nothing written meanwhile is missed
		done, err := ok()
		if err != nil || done {
			return err
		}
		select {
		case <-changed:
		case <-time.After(50 * time.Millisecond): // what is waited for may be at another node
		case <-late.Done():
			return fault.New(fault.Failed, "", "%s: %s did not happen within %v", o.code, what, patience)
		}
	}
}

// has waits until a statement has arrived here and is folded, with body and blobs.
func (o *office) has(ctx context.Context, s exchange.Said) (node.SaidView, error) {
	var found node.SaidView
	err := o.until(ctx, "the arrival of a statement", func() (bool, error) {
		_, said, err := o.Thread(ctx, s.Thread)
		if fault.CodeOf(err) == fault.NotFound {
			return false, nil
		}
		for _, v := range said {
			if v.ID == s.ID && v.Folded && v.Body != "not-here" {
				found = v
				for _, a := range v.Attachments {
					if !a.Whole {
						return false, nil
					}
				}
				return true, nil
			}
		}
		return false, err
	})
	return found, err
}

// receipted waits until to has receipted everything of an own statement.
func (o *office) receipted(ctx context.Context, s exchange.Said, to party.Code) (node.DeliveredView, error) {
	var found node.DeliveredView
	err := o.until(ctx, "a receipt of "+string(to), func() (bool, error) {
		_, said, err := o.Thread(ctx, s.Thread)
		for _, v := range said {
			for _, d := range v.Delivered {
				if v.ID != s.ID || d.To != to || d.Head.IsZero() || v.Body != "none" && d.Body.IsZero() || len(v.Attachments) > 0 && d.Blobs.IsZero() {
					continue
				}
				found = d
				return true, nil
			}
		}
		return false, err
	})
	return found, err
}

// state is a thread's folded state as this node stores it.
func (o *office) state(ctx context.Context, id thread.ID) (raw []byte, err error) {
	err = o.Store.View(ctx, func(tx store.Tx) error {
		row, err := tx.Thread(id)
		raw = row.State
		return err
	})
	return raw, err
}

// queue is how this node's queue for a peer stands.
func (o *office) queue(ctx context.Context, peer party.Code) (waiting int, lag time.Duration, why string, err error) {
	all, err := o.Courier.Queues(ctx)
	for _, q := range all {
		if q.Peer == peer {
			return q.Waiting, q.Lag, q.LastError, err
		}
	}
	return 0, 0, "", err
}

// answer is a draft in an open thread.
func (o *office) answer(id thread.ID, kind statement.Kind, tlp marking.TLP, facts any, text string) (exchange.Draft, error) {
	raw, err := node.Facts(facts)
	return exchange.Draft{Thread: id, Kind: kind, Marking: marking.Marking{TLP: tlp}, By: o.By("", ""), Facts: raw, Text: text}, err
}

// reply says something in an open thread.
func (o *office) reply(ctx context.Context, id thread.ID, kind statement.Kind, facts any, text string) (exchange.Said, error) {
	d, err := o.answer(id, kind, marking.Amber, facts, text)
	if err != nil {
		return exchange.Said{}, err
	}
	return o.Say(ctx, d)
}
