package node

import (
	"context"
	"crypto/rand"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/comity-exchange/comity/agreement"
	"github.com/comity-exchange/comity/desk/instrument"
	"github.com/comity-exchange/comity/fault"
	"github.com/comity-exchange/comity/internal/auth"
	"github.com/comity-exchange/comity/internal/catalogue"
	"github.com/comity-exchange/comity/internal/config"
	"github.com/comity-exchange/comity/internal/delivery"
	"github.com/comity-exchange/comity/internal/exchange"
	"github.com/comity-exchange/comity/internal/failpoint"
	"github.com/comity-exchange/comity/internal/journal"
	"github.com/comity-exchange/comity/internal/keystore"
	"github.com/comity-exchange/comity/internal/store"
	"github.com/comity-exchange/comity/internal/upload"
	"github.com/comity-exchange/comity/internal/watch"
	"github.com/comity-exchange/comity/packet"
	"github.com/comity-exchange/comity/party"
	"github.com/comity-exchange/comity/thread"
)

// Options are what a caller may replace: tests of bad days, the demo. The zero value is a node as an operator runs it.
type Options struct {
	Env       []string // environment that overrides the configuration file; nil: none
	Now       func() time.Time
	Log       *slog.Logger
	Dial      func(ctx context.Context, network, address string) (net.Conn, error)
	Unchecked bool          // see exchange.Options
	RetryMin  time.Duration // see delivery.Options
	RetryMax  time.Duration
	// Transport stands before what makes the requests to a peer; see delivery.Options.
	Transport func(peer party.Code, base http.RoundTripper) http.RoundTripper
	// Reached is told of each point of exchange, journal and delivery; see package failpoint. Nil: nobody is.
	Reached failpoint.Func
	// Watched keeps metrics and makes traces as the settings say: for a node that will serve. Commands that come and go do not wait for a receiver of traces.
	Watched bool
	// VFS is the name of what SQLite keeps the store on, for tests of bad disks; "": the operating system's own. See sqlite.OpenOn.
	VFS string
	// Behind opens a node whose store is behind the high-water mark, for looking alone: whatever would sign still fails.
	Behind bool
	// Turn and Claim bound how long a process that stands still keeps others from writing to a database that they share, and from serving a peer's queue; zero:
	// see postgres.Options and delivery.Options.
	Turn, Claim time.Duration
	// Poll is how often to look for what other processes wrote; zero: 250 ms.
	Poll time.Duration
	// Tend is how often a served node looks for what is to be erased; zero: 30 s.
	Tend time.Duration
}

// Node is a node that is open. It is safe for concurrent use.
type Node struct {
	Dir       string
	Config    config.Config
	Keys      *keystore.Keys
	Store     store.Store
	Rules     *thread.Rules
	Journal   *journal.Journal
	Exchange  *exchange.Exchange
	Catalogue *catalogue.Catalogue
	Courier   *delivery.Courier
	Codec     *packet.Codec
	Mark      *journal.Mark
	Now       func() time.Time
	Log       *slog.Logger
	Watch     *watch.Watch

	vocabulary agreement.Vocabulary
	sharing    *sharing // nil where nobody shares the store
	office     *auth.Registry
	staff      staff
	tending    tending
	sighting   sync.Mutex // held while sightings are told, since what was said before is looked up first
	renewing   sync.Mutex // held while a letter is renewed: settings and file follow the letter in its order
	recalls    recalledIndex
	uploads    *upload.Folder
	texts      readTexts
	tendEvery  time.Duration
}

// Names of what stands in a node's folder beside the configuration.
const (
	markName   = "high-water-mark"
	letterName = "letter.jsonl"
	caveatsDir = "caveats"
)

// Open opens the node in a folder that Init made. Close it.
func Open(ctx context.Context, dir string, o Options) (*Node, error) {
	cfg, err := config.Load(dir, o.Env)
	if err != nil {
		return nil, err
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	n := &Node{Dir: dir, Config: cfg, Now: o.Now, tendEvery: orDefault(o.Tend, tendEvery), Log: watch.Diary(o.Log).With("party", string(cfg.Code)), Codec: packet.NewCodec()}
	if n.Rules, err = thread.NewRules(Desks()...); err != nil {
		return nil, err
	}
	n.uploads = upload.New(n.path(uploadsDir), n.Now, upload.Usual())
	for _, s := range n.Rules.Specs() {
		n.vocabulary.Kinds = append(n.vocabulary.Kinds, s.Kind)
	}
	if n.Keys, err = keystore.Load(n.path(cfg.Keys), lockOf(dir, cfg)); err != nil {
		return nil, err
	}
	if n.Keys.Code() != cfg.Code {
		return nil, fault.New(fault.Locked, "", "the keys in this folder are those of %s, its configuration is that of %s", n.Keys.Code(), cfg.Code)
	}
	if n.Store, err = openTurned(ctx, dir, cfg, o.VFS, o.Turn); err != nil {
		return nil, err
	}
	if err := n.start(ctx, o); err != nil {
		return nil, errors.Join(err, n.Store.Close())
	}
	return n, nil
}

// start puts the parts together around an open store.
func (n *Node) start(ctx context.Context, o Options) error {
	if err := n.takeNextKeys(ctx); err != nil {
		return err
	}
	n.Mark = journal.NewMark(n.path(fmt.Sprintf("%s-%d", markName, n.Keys.Origin().Serial())), n.Keys.Origin())
	n.Journal = journal.New(n.Keys.Origin(), n.Keys, n.Mark)
	n.Journal.Reached(o.Reached)
	if err := n.share(ctx, o); err != nil {
		return err
	}
	if err := n.Journal.Check(ctx, n.Store); err != nil {
		if code := fault.CodeOf(err); !o.Behind || code != fault.Behind && code != fault.Revoked {
			return err
		}
	}
	caveats, err := n.caveats()
	if err != nil {
		return err
	}
	certificate, err := n.Keys.Certificate()
	if err != nil {
		return err
	}
	if n.Watch, err = n.watching(o); err != nil {
		return err
	}
	timed := n.Watch.Store(n.Store)
	if err := n.openOffice(); err != nil {
		return err
	}
	n.Exchange = exchange.New(exchange.Options{
		Self: n.Config.Code, Store: timed, Journal: n.Journal, Rules: n.Rules, Identity: n.Keys.Identity(), Codec: n.Codec,
		Witness: journal.Witness{Name: n.Keys.Witness(), Signer: n.Keys, Every: n.Config.WitnessInterval},
		Charter: agreement.Charter(), Standing: instrument.Standing, Answer: n.answer, Heard: n.heard, Guard: n.guard, Speaks: n.speaksFor, Caveats: caveats, Now: n.Now, Random: rand.Reader, Log: n.component("exchange"),
		Unchecked: o.Unchecked, Observe: n.Watch.Exchange(), Reached: o.Reached,
	})
	former, err := n.formerLogs(ctx)
	if err != nil {
		return err
	}
	n.Courier = delivery.New(delivery.Options{
		Self: n.Config.Code, Origin: n.Keys.Origin(), Former: former, Witness: n.Keys.Witness(), Store: timed, Exchange: n.Exchange, Journal: n.Journal,
		Codec: n.Codec, Certificate: certificate, Reachable: len(n.Config.Endpoints) > 0, Poll: orDefault(o.Poll, pollEvery),
		PullEvery: n.Config.PullInterval, RetryMin: orDefault(o.RetryMin, time.Second), RetryMax: orDefault(o.RetryMax, 300*time.Second),
		Process: n.process(), Claim: o.Claim, Now: n.Now, Log: n.component("delivery"), Observe: n.Watch.Delivery(), Dial: o.Dial, Transport: o.Transport, Reached: o.Reached,
	})
	n.Catalogue = n.catalogueOf()
	n.Watch.Over(&watched{Node: n})
	return n.listAnew(ctx)
}

// component is the diary of one part of the node.
func (n *Node) component(name string) *slog.Logger { return n.Log.With("component", name) }

func orDefault(d, otherwise time.Duration) time.Duration {
	if d == 0 {
		return otherwise
	}
	return d
}

func (n *Node) path(name string) string {
	if filepath.IsAbs(name) {
		return name
	}
	return filepath.Join(n.Dir, name)
}

func lockOf(dir string, cfg config.Config) keystore.Lock {
	at := func(name string) string {
		if name == "" || filepath.IsAbs(name) {
			return name
		}
		return filepath.Join(dir, name)
	}
	return keystore.Lock{Passphrase: cfg.Passphrase, KeyFile: at(cfg.KeyFile)}
}

// Reload reads the party's caveats again. What does not compile is refused, and those that held go on holding.
func (n *Node) Reload() error {
	// spec: DEC-7
	c, err := n.caveats()
	if err != nil {
		return err
	}
	n.Exchange.Restrict(c)
	n.Log.Info("the caveats were read again")
	return nil
}

// caveats compiles the party's own Cedar files (DEC-7); nil when there are none.
func (n *Node) caveats() (*agreement.Caveats, error) {
	names, err := filepath.Glob(filepath.Join(n.Dir, caveatsDir, "*.cedar"))
	if err != nil || len(names) == 0 {
		return nil, err
	}
	var all strings.Builder
	for _, name := range names {
		src, err := os.ReadFile(name)
		if err != nil {
			return nil, fault.Wrap(err, fault.Usage, "DEC-7", "the caveats in %s cannot be read", filepath.Base(name))
		}
		if _, err := agreement.CompileCaveats(filepath.Base(name), src, n.vocabulary); err != nil {
			return nil, err
		}
		all.Write(src)
		all.WriteString("\n")
	}
	return agreement.CompileCaveats("caveats", []byte(all.String()), n.vocabulary)
}

// Close ends the writer and closes the store.
func (n *Node) Close() error {
	n.Exchange.Close()
	n.Watch.Close()
	return n.Store.Close()
}

// Listen opens the node's listener for peers at the configured address; nil when it has none.
func (n *Node) Listen() (net.Listener, error) {
	if n.Config.Listen == "" {
		return nil, nil
	}
	l, err := new(net.ListenConfig).Listen(context.Background(), "tcp", n.Config.Listen)
	if err != nil {
		return nil, fault.Wrap(err, fault.Unavailable, "", "the node cannot listen on %s", n.Config.Listen)
	}
	return l, nil
}

// Serve serves peers on l (nil: none) and delivers, until ctx ends.
func (n *Node) Serve(ctx context.Context, l net.Listener) error {
	free, err := occupy(n.Dir)
	if err != nil {
		return err
	}
	defer free()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var server *http.Server
	failed := make(chan error, 1)
	if l != nil {
		server = &http.Server{
			Handler:           n.Courier.Handler(),
			ReadHeaderTimeout: 10 * time.Second,
			ReadTimeout:       2 * time.Minute,
			WriteTimeout:      5 * time.Minute,
			IdleTimeout:       2 * time.Minute,
			MaxHeaderBytes:    64 << 10,
			ErrorLog:          slog.NewLogLogger(n.component("listener").Handler(), slog.LevelDebug),
		}
		go func() {
			err := server.Serve(tls.NewListener(l, n.Courier.TLS()))
			if !errors.Is(err, http.ErrServerClosed) {
				failed <- fault.Wrap(err, fault.Unavailable, "", "the node's listener failed")
				cancel()
			}
		}()
	}
	var attending sync.WaitGroup
	defer func() {
		cancel()
		attending.Wait()
	}()
	if n.sharing != nil {
		attending.Go(func() { n.sharing.attend(ctx) })
	}
	attending.Go(func() { n.tend(ctx, n.tendEvery) })
	attending.Go(func() { n.follow(ctx) })
	attending.Go(func() { n.keepUp(ctx) })
	attending.Go(func() { n.tell(ctx) })
	attending.Go(func() { n.fetchAll(ctx) })
	n.Watch.Up(true)
	defer n.Watch.Up(false)
	err = n.Courier.Run(ctx)
	if server != nil {
		stop, done := context.WithTimeout(context.Background(), 5*time.Second)
		defer done()
		if e := server.Shutdown(stop); e != nil {
			_ = server.Close() // what is still open has had its time
		}
	}
	select {
	case e := <-failed:
		err = errors.Join(err, e)
	default:
	}
	return err
}
