package bench

import (
	"context"
	"crypto/rand"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"time"

	"github.com/comity-exchange/comity/agreement"
	"github.com/comity-exchange/comity/fault"
	"github.com/comity-exchange/comity/internal/config"
	"github.com/comity-exchange/comity/internal/exchange"
	"github.com/comity-exchange/comity/internal/node"
	"github.com/comity-exchange/comity/internal/store/postgres"
	"github.com/comity-exchange/comity/marking"
	"github.com/comity-exchange/comity/party"
	"github.com/comity-exchange/comity/statement"
)

// patience bounds the setting up; it is reached only when something is broken.
const patience = 30 * time.Second

// pact permits what is measured: requests for assistance up to TLP:AMBER without personal data.
const pact = `{"v":1,"title":{"en":"Measured assistance"},"parties":["XA","XB"],"languages":["en"],"in_force":{"when":"all"},"articles":[
{"number":"1","title":{"en":"Requests"},"text":{"en":"Each party may ask the other for assistance."},"rules":[{"effect":"permit","kinds":["assist.*"],"tlp_max":"AMBER"}]},
{"number":"2","title":{"en":"Persons"},"text":{"en":"Personal data do not pass."},"rules":[{"effect":"forbid","kinds":["assist.*"],"personal_data":"minimised"}]}
]}`

// side is one of the two nodes.
type side struct {
	*node.Node
	stop   context.CancelFunc
	served chan error
}

// pair is two nodes that have met, with an agreement in force.
type pair struct {
	a, b     *side
	agreed   agreement.ID
	database string       // address of a server that keeps the nodes' memory; "": files do
	wire     atomic.Int64 // bytes that the two sent each other
	asked    atomic.Int64 // requests that they made of each other
	answered atomic.Int64 // of these, with the first of the answer
	took     atomic.Int64 // nanoseconds, the last
}

// openPair makes two nodes in dir, or opens those that an earlier run has left there.
func openPair(ctx context.Context, dir, database string, log *slog.Logger) (*pair, error) {
	p := &pair{database: database}
	var err error
	if p.a, err = p.open(ctx, dir, "XA", log); err != nil {
		return nil, err
	}
	if p.b, err = p.open(ctx, dir, "XB", log); err != nil {
		return nil, errors.Join(err, p.close())
	}
	if err := p.meet(ctx); err != nil {
		return nil, errors.Join(err, p.close())
	}
	return p, nil
}

func (p *pair) open(ctx context.Context, dir string, code party.Code, log *slog.Logger) (*side, error) {
	dir = filepath.Join(dir, string(code))
	if _, err := os.Stat(filepath.Join(dir, config.FileName)); err != nil {
		l, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
		if err != nil {
			return nil, fault.Wrap(err, fault.Unavailable, "", "no port can be had on this machine")
		}
		cfg := config.Defaults(code)
		cfg.Listen = l.Addr().String()
		cfg.Endpoints = []string{"https://" + cfg.Listen}
		if err := l.Close(); err != nil {
			return nil, err
		}
		if p.database != "" {
			if cfg.Store, err = postgres.Create(ctx, p.database, "comity_bench_"+strings.ToLower(rand.Text()[:8])+"_"+strings.ToLower(string(code))); err != nil {
				return nil, err
			}
		}
		if _, err := node.Init(ctx, dir, node.Founding{Config: cfg, Names: map[string]string{"en": "Party " + string(code)}}); err != nil {
			return nil, err
		}
	}
	return p.start(ctx, dir, log)
}

// start opens a node that is there and serves it. env overrides its settings.
func (p *pair) start(ctx context.Context, dir string, log *slog.Logger, env ...string) (*side, error) {
	n, err := node.Open(ctx, dir, node.Options{Env: env, Log: log, Dial: p.dial, Transport: p.asking, RetryMin: 10 * time.Millisecond, RetryMax: time.Second})
	if err != nil {
		return nil, err
	}
	l, err := n.Listen()
	if err != nil {
		return nil, errors.Join(err, n.Close())
	}
	s := &side{Node: n, served: make(chan error, 1)}
	serving, cancel := context.WithCancel(context.WithoutCancel(ctx))
	s.stop = cancel
	go func() { s.served <- n.Serve(serving, l) }()
	return s, nil
}

func (p *pair) close() error {
	var err error
	for _, s := range []*side{p.a, p.b} {
		err = errors.Join(err, s.end())
	}
	return err
}

// end stops a node; nil is none.
func (s *side) end() error {
	if s == nil {
		return nil
	}
	s.stop()
	return errors.Join(<-s.served, s.Close())
}

// asking counts requests.
func (p *pair) asking(_ party.Code, base http.RoundTripper) http.RoundTripper {
	return requests{base, p}
}

type requests struct {
	http.RoundTripper
	p *pair
}

func (r requests) RoundTrip(q *http.Request) (*http.Response, error) {
	start := time.Now()
	r.p.asked.Add(1)
	defer func() {
		r.p.took.Store(time.Since(start).Nanoseconds())
		r.p.answered.Add(1)
	}()
	return r.RoundTripper.RoundTrip(q)
}

// dial counts what goes over the wire.
func (p *pair) dial(ctx context.Context, network, address string) (net.Conn, error) {
	c, err := (&net.Dialer{Timeout: 10 * time.Second}).DialContext(ctx, network, address)
	if err != nil {
		return nil, err
	}
	return &counted{c, &p.wire}, nil
}

type counted struct {
	net.Conn
	n *atomic.Int64
}

func (c *counted) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	c.n.Add(int64(n))
	return n, err
}

func (c *counted) Write(b []byte) (int, error) {
	n, err := c.Conn.Write(b)
	c.n.Add(int64(n))
	return n, err
}

// meet has both confirm each other and sign, unless they have.
func (p *pair) meet(ctx context.Context) error {
	if all, err := p.a.Agreements(ctx); err != nil {
		return err
	} else if len(all) > 0 {
		p.agreed = all[0].ID
		return nil
	}
	for _, s := range [][2]*side{{p.a, p.b}, {p.b, p.a}} {
		l, err := s[1].OwnLetter(ctx)
		if err != nil {
			return err
		}
		if _, err := s[0].ImportLetter(ctx, l.Raw); err != nil {
			return err
		}
		if _, err := s[0].Confirm(ctx, l.Code, l.Words()); err != nil {
			return err
		}
	}
	var err error
	p.agreed, err = p.agree(ctx, []byte(pact))
	return err
}

// agree has both sign a text, and waits until it is in force for both.
func (p *pair) agree(ctx context.Context, text []byte) (agreement.ID, error) {
	said, err := p.a.Deposit(ctx, text, p.a.By("legal-adviser", "one"))
	if err != nil {
		return agreement.ID{}, err
	}
	if _, err := p.a.Sign(ctx, said.ID, nil, "", p.a.By("legal-adviser", "one")); err != nil {
		return said.ID, err
	}
	if err := until(ctx, p.b, func() bool { _, err := p.b.Document(ctx, said.ID); return err == nil }); err != nil {
		return said.ID, err
	}
	if _, err := p.b.Sign(ctx, said.ID, nil, "", p.b.By("legal-adviser", "two")); err != nil {
		return said.ID, err
	}
	for _, s := range []*side{p.a, p.b} {
		if err := until(ctx, s, func() bool {
			v, err := s.Agreement(ctx, said.ID)
			return err == nil && v.Status == "in-force"
		}); err != nil {
			return said.ID, err
		}
	}
	return said.ID, nil
}

// until waits for ok, looking again after each commit of s.
func until(ctx context.Context, s *side, ok func() bool) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	for {
		changed := s.Exchange.Changed()
		if ok() {
			return nil
		}
		select {
		case <-changed:
		case <-time.After(20 * time.Millisecond):
		case <-ctx.Done():
			return fault.Wrap(ctx.Err(), fault.Unavailable, "", "the two nodes did not get ready")
		}
	}
}

// opener is a request; follower adds to it. The body is filled up to what makes head and body have size bytes, as far as heads leave room.
func (p *pair) opener(text string) exchange.Draft {
	return exchange.Draft{
		To: []party.Code{"XB"}, Agreement: p.agreed, Kind: "assist.request", Marking: marking.Marking{TLP: marking.Amber},
		Track: statement.Technical, Precedence: statement.Routine, By: p.a.By("duty-officer", "one"),
		Facts: []byte(`{"type":"information"}`), Title: "Measured", Text: text,
	}
}

func (p *pair) follower(thread statement.ID, text string) exchange.Draft {
	return exchange.Draft{
		Thread: thread, Kind: "assist.supplement", Marking: marking.Marking{TLP: marking.Amber}, By: p.a.By("duty-officer", "one"),
		Facts: []byte(`{}`), Title: "Measured", Text: text,
	}
}
