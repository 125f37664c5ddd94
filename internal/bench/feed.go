package bench

import (
	"context"
	"errors"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/go-json-experiment/json"

	"github.com/comity-exchange/comity/agreement"
	"github.com/comity-exchange/comity/desk/intel"
	"github.com/comity-exchange/comity/fault"
	"github.com/comity-exchange/comity/internal/catalogue"
	"github.com/comity-exchange/comity/internal/exchange"
	"github.com/comity-exchange/comity/internal/store"
	"github.com/comity-exchange/comity/marking"
	"github.com/comity-exchange/comity/party"
	"github.com/comity-exchange/comity/statement"
	"github.com/comity-exchange/comity/stix"
	"github.com/comity-exchange/comity/thread"
)

// intelPact permits feeds up to TLP:AMBER.
const intelPact = `{"v":1,"title":{"en":"Measured intelligence"},"parties":["XA","XB"],"languages":["en"],"in_force":{"when":"all"},"articles":[
{"number":"1","title":{"en":"Feeds"},"text":{"en":"Indicators pass up to TLP:AMBER."},"rules":[{"effect":"permit","kinds":["intel.*"],"tlp_max":"AMBER"}]}
]}`

// FeedOptions say how Feed measures.
type FeedOptions struct {
	Objects  int
	Few      int    // objects that come first, before anything is measured but a sync
	Data     string // a folder with iocs/*.txt.gz to take instead of made ones; "" for none
	Store    string // as in Options
	Dir      string // as in Options; the nodes must be new
	Log      *slog.Logger
	Progress func(format string, args ...any)
}

// syncs is how often a sync with nothing new is measured; what is told is the median.
const syncs = 7

// FeedPhase is a part of the way of the objects.
type FeedPhase struct {
	Seconds   float64 `json:"seconds"`
	PerSecond float64 `json:"objects_per_s"`
	CPU       float64 `json:"cpu_us_per_object"` // of the process, both nodes
	Memory    int64   `json:"memory_peak_bytes"` // of the process, both nodes, while it lasted
}

// FeedSync is a fetch by a node that has everything.
type FeedSync struct {
	Objects  int64   `json:"objects"` // that both have
	Requests int64   `json:"requests"`
	Bytes    int64   `json:"bytes"` // with those of TLS
	Millis   float64 `json:"ms"`
}

// FeedReport is what Feed finds.
type FeedReport struct {
	Machine     Machine    `json:"machine"`
	Objects     int        `json:"objects"`
	ObjectBytes float64    `json:"bytes_per_object"`
	Made        bool       `json:"made"` // the load was made, not taken from a folder
	Store       string     `json:"store"`
	Said        FeedPhase  `json:"said"`     // by the first node: until its import has come back
	Imported    FeedPhase  `json:"imported"` // the same, until all is indexed, words too
	Fed         FeedPhase  `json:"fed"`      // from the subscription until the second node has decided on, stored, receipted and indexed all
	WireBytes   float64    `json:"wire_bytes_per_object"`
	StoreBytes  [2]int64   `json:"store_bytes,omitzero"` // of both nodes, afterwards
	Parts       FeedParts  `json:"unavoidable"`
	ImportRatio float64    `json:"import_cpu_ratio"` // CPU over the sum of its parts
	FeedRatio   float64    `json:"feed_cpu_ratio"`
	Syncs       []FeedSync `json:"syncs"`
}

// Feed measures how objects come into one node and go on to another, over TLS, durable on both.
func Feed(ctx context.Context, o FeedOptions) (r *FeedReport, err error) {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	dir := o.Dir
	if dir == "" {
		if dir, err = os.MkdirTemp("", "comity-feed-"); err != nil {
			return nil, fault.Wrap(err, fault.Unavailable, "", "no temporary folder can be made")
		}
		defer remove(dir)
	}
	f := &feeding{FeedOptions: o, dir: dir, opened: time.Now().Truncate(time.Millisecond)}
	if err := f.load(); err != nil {
		return nil, err
	}
	if f.pair, err = openPair(ctx, dir, o.Store, o.Log); err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, f.close()) }()
	r = &FeedReport{Machine: machine(), Objects: f.objects, Made: o.Data == "", Store: "sqlite"}
	if o.Store != "" {
		r.Store = "postgresql"
	}
	return r, f.measure(ctx, r)
}

// feeding is a run of Feed.
type feeding struct {
	FeedOptions
	*pair
	dir     string
	few     int
	objects int
	there   int64 // objects that were taken
	opened  time.Time
	source  thread.ID
	feed    thread.ID
}

// load writes two lists, so that what is measured is not the memory of the load.
func (f *feeding) load() (err error) {
	n := f.Objects + f.Few
	lines := madeIndicators(n)
	if f.Data != "" {
		if lines, err = takenIndicators(f.Data, n); err != nil {
			return err
		}
	}
	f.few = min(f.Few, len(lines)/2)
	f.objects = len(lines) - f.few
	for name, some := range map[string][]string{fewList: lines[:f.few], manyList: lines[f.few:]} {
		if err := os.WriteFile(filepath.Join(f.dir, name), []byte(strings.Join(some, "\n")+"\n"), 0o600); err != nil {
			return fault.Wrap(err, fault.Unavailable, "", "the load cannot be written")
		}
	}
	return nil
}

// The lists.
const fewList, manyList = "few.txt", "many.txt"

func (f *feeding) measure(ctx context.Context, r *FeedReport) (err error) {
	agreed, err := f.agree(ctx, []byte(intelPact))
	if err != nil {
		return err
	}
	if f.source, err = f.a.OpenSource(ctx, intel.Source{Name: "measured", Format: "list"}, marking.Marking{TLP: marking.Green}, f.a.By("analyst", "one")); err != nil {
		return err
	}
	f.Progress("%d objects first", f.few)
	if err := f.take(ctx, fewList, f.few); err != nil {
		return err
	}
	if err := f.subscribe(ctx, agreed); err != nil {
		return err
	}
	if err := f.fed(ctx); err != nil {
		return err
	}
	if err := f.sync(ctx, r); err != nil {
		return err
	}
	last, err := f.cancel(ctx)
	if err != nil {
		return err
	}
	if err := f.grow(ctx, r, last); err != nil {
		return err
	}
	if err := f.sync(ctx, r); err != nil {
		return err
	}
	f.Progress("the parts that cannot be avoided")
	if r.Parts, err = feedParts(ctx, f.a.Node, f.source); err != nil {
		return err
	}
	r.ImportRatio, r.FeedRatio, r.ObjectBytes = r.Imported.CPU/r.Parts.Import, r.Fed.CPU/r.Parts.Feed, r.Parts.Bytes
	return nil
}

// grow imports what is measured, and lets it go on.
func (f *feeding) grow(ctx context.Context, r *FeedReport, last int64) error {
	f.Progress("import of %d objects", r.Objects)
	m := f.meter(r.Objects)
	if err := f.take(ctx, manyList, f.objects); err != nil {
		return err
	}
	r.Said = m.read()
	if err := f.indexed(ctx, f.a, f.source, f.there); err != nil {
		return err
	}
	r.Imported = m.read()
	f.Progress("%.0f objects a second; now they are sent", r.Imported.PerSecond)
	wire := f.wire.Load()
	m = f.meter(r.Objects)
	if err := f.again(ctx, last); err != nil {
		return err
	}
	if err := f.fed(ctx); err != nil {
		return err
	}
	r.Fed = m.read()
	r.WireBytes = float64(f.wire.Load()-wire) / float64(r.Objects)
	for i, code := range []string{"XA", "XB"} {
		if f.Store == "" {
			r.StoreBytes[i] = sizeOf(filepath.Join(f.dir, code))
		}
	}
	return nil
}

// take imports a list as an officer would.
func (f *feeding) take(ctx context.Context, name string, n int) error {
	in, err := os.Open(filepath.Join(f.dir, name))
	if err != nil {
		return fault.Wrap(err, fault.Unavailable, "", "the load cannot be read")
	}
	defer in.Close()
	report, err := f.a.Import(ctx, catalogue.Source{Thread: f.source, By: f.a.By("analyst", "one"), Marking: marking.Marking{TLP: marking.Green}},
		catalogue.FromList(in, false, f.source, stix.At(f.opened)), catalogue.ImportOptions{})
	if err == nil && report.Refused > int64(n/100) {
		err = fault.New(fault.Failed, "", "%d of %d lines were refused: %s", report.Refused, n, report.Failures[0].Reason)
	}
	f.there += report.Objects
	return err
}

// subscribe offers the feed, and the other side subscribes to it.
func (f *feeding) subscribe(ctx context.Context, agreed agreement.ID) error {
	said, err := f.tell(ctx, f.a, exchange.Draft{
		To: []party.Code{"XB"}, Agreement: agreed, Kind: intel.KindOffer, Precedence: statement.Routine, Title: "Measured indicators",
	}, intel.Offer{Feed: "measured", TLPMax: marking.Amber})
	if err != nil {
		return err
	}
	f.feed = said.Thread
	if err := until(ctx, f.b, func() bool { _, _, err := f.b.Intel(ctx, f.feed); return err == nil }); err != nil {
		return err
	}
	return f.again(ctx, 0)
}

// again subscribes to what comes after an increment; it does not wait until anything has come.
func (f *feeding) again(ctx context.Context, after int64) error {
	_, err := f.tell(ctx, f.b, exchange.Draft{Thread: f.feed, Kind: intel.KindSubscribe}, intel.Subscribe{After: after})
	return err
}

// cancel ends the subscription and waits until the other side has heard of it. It gives the last increment.
func (f *feeding) cancel(ctx context.Context) (last int64, err error) {
	if _, err := f.tell(ctx, f.b, exchange.Draft{Thread: f.feed, Kind: intel.KindUnsubscribe}, intel.Unsubscribe{}); err != nil {
		return 0, err
	}
	return last, until(ctx, f.a, func() bool {
		v, _, err := f.a.Intel(ctx, f.feed)
		last = v.View.N
		return err == nil && v.Status != intel.Subscribed
	})
}

func (f *feeding) tell(ctx context.Context, s *side, d exchange.Draft, facts any) (exchange.Said, error) {
	raw, err := json.Marshal(facts)
	if err != nil {
		return exchange.Said{}, fault.Wrap(err, fault.Internal, "", "the facts cannot be written")
	}
	d.Facts, d.By, d.Track, d.Marking.TLP = raw, s.By("duty-officer", "one"), statement.Technical, marking.Green
	return s.Say(ctx, d)
}

// indexed waits until a side has so many objects of a thread, and has looked at all that came.
func (f *feeding) indexed(ctx context.Context, s *side, id thread.ID, objects int64) error {
	for ctx.Err() == nil {
		var waits bool
		var n int64
		err := s.Store.View(ctx, func(tx store.Tx) error {
			blobs, err := tx.Uncatalogued(1)
			if waits = len(blobs) > 0; err != nil || waits {
				return err
			}
			words, err := tx.WordlessParcels(1)
			if waits = len(words) > 0; err != nil || waits {
				return err
			}
			n, err = objectsOf(tx, id)
			return err
		})
		switch {
		case err != nil:
			return err
		case !waits && n >= objects:
			return nil
		}
		time.Sleep(50 * time.Millisecond) // nothing is measured by it but this much
	}
	return fault.Wrap(ctx.Err(), fault.Canceled, "", "interrupted")
}

func objectsOf(tx store.Tx, id thread.ID) (n int64, err error) {
	for q := (store.ParcelQuery{Thread: id, Limit: 1000}); ; {
		page, err := tx.Parcels(q)
		if err != nil {
			return 0, err
		}
		for _, p := range page {
			n, q.After = n+int64(p.Objects), p.No
		}
		if len(page) < q.Limit {
			return n, nil
		}
	}
}

// fed waits until the other side has all objects, and this side its receipts for them.
func (f *feeding) fed(ctx context.Context) error {
	if err := f.indexed(ctx, f.b, f.feed, f.there); err != nil {
		return err
	}
	for ctx.Err() == nil {
		changed := f.a.Exchange.Changed()
		all := true
		err := f.a.Store.View(ctx, func(tx store.Tx) error {
			return tx.EachOfThread(f.feed, func(row store.Statement) bool {
				if row.Kind == intel.KindIncrement {
					_, err := tx.ArrivedAt("XB", f.a.Journal.Origin(), store.BlobArrived, row.Index)
					all = err == nil
				}
				return all
			})
		})
		if err != nil || all {
			return err
		}
		select {
		case <-changed:
		case <-time.After(50 * time.Millisecond):
		case <-ctx.Done():
		}
	}
	return fault.Wrap(ctx.Err(), fault.Canceled, "", "interrupted")
}

// sync lets the second node, which cannot be reached for as long, ask the first for news of which there are none.
func (f *feeding) sync(ctx context.Context, r *FeedReport) (err error) {
	dir := filepath.Join(f.dir, "XB")
	if err = f.b.end(); err != nil {
		return err
	}
	if f.b, err = f.start(ctx, dir, f.Log, "COMITY_ENDPOINTS=", "COMITY_PULL_INTERVAL=1h"); err != nil {
		return err
	}
	f.Progress("a sync with nothing new, at %d objects", f.there)
	var ms []float64
	s := FeedSync{Objects: f.there}
	for i := range 1 + syncs {
		asked, wire := f.asked.Load(), f.wire.Load()
		f.b.Courier.Kick("XA")
		if err := until(ctx, f.b, func() bool { return f.asked.Load() > asked && f.answered.Load() == f.asked.Load() }); err != nil {
			return err
		}
		ms = append(ms, float64(f.took.Load())/1e6)
		time.Sleep(300 * time.Millisecond) // for what might follow
		if i > 0 {                         // the first makes the connection, and the node has only just started
			s.Requests, s.Bytes = max(s.Requests, f.asked.Load()-asked), max(s.Bytes, f.wire.Load()-wire)
		}
	}
	slices.Sort(ms[1:])
	s.Millis = ms[1+syncs/2]
	r.Syncs = append(r.Syncs, s)
	if err = f.b.end(); err != nil {
		return err
	}
	f.b, err = f.start(ctx, dir, f.Log)
	return err
}

// meter reads what a phase costs.
type meter struct {
	n     float64
	start time.Time
	cpu   time.Duration
}

func (f *feeding) meter(objects int) meter {
	runtime.GC()
	resetPeak()
	return meter{float64(objects), time.Now(), cpuTime()}
}

func (m meter) read() FeedPhase {
	s := time.Since(m.start).Seconds()
	return FeedPhase{Seconds: s, PerSecond: m.n / s, CPU: float64((cpuTime() - m.cpu).Microseconds()) / m.n, Memory: residentPeak()}
}

// sizeOf is what the files of a folder take.
func sizeOf(dir string) (n int64) {
	_ = filepath.WalkDir(dir, func(_ string, d fs.DirEntry, err error) error {
		if err != nil {
			return nil // a file may go while we look
		}
		if info, err := d.Info(); err == nil && info.Mode().IsRegular() {
			n += info.Size()
		}
		return nil
	})
	return n
}
