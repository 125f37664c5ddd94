package bench

import (
	"bytes"
	"cmp"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"log/slog"
	"math/big"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"time"

	"github.com/go-json-experiment/json"

	"github.com/comity-exchange/comity/desk/intel"
	"github.com/comity-exchange/comity/fault"
	"github.com/comity-exchange/comity/internal/auth"
	"github.com/comity-exchange/comity/internal/catalogue"
	"github.com/comity-exchange/comity/internal/store"
	"github.com/comity-exchange/comity/internal/taxii"
	"github.com/comity-exchange/comity/internal/web"
	"github.com/comity-exchange/comity/marking"
	"github.com/comity-exchange/comity/statement"
	"github.com/comity-exchange/comity/stix"
	"github.com/comity-exchange/comity/thread"
)

// TAXIIOptions say how TAXII measures.
type TAXIIOptions struct {
	Program     string // comity's own executable, which is the client in a process of its own; "": the client runs in this process
	Small       int    // objects in the collection of which a page's cost is measured first; 0: none
	Objects     int    // in the whole store, when all is measured
	Connections int
	Duration    time.Duration // of each measurement
	Progress    func(format string, args ...any)
}

// TAXIIRun is what clients had of a server in one measurement. CPU is of all cores.
type TAXIIRun struct {
	Requests  int64   `json:"requests"`
	Objects   int64   `json:"objects"`
	Bytes     int64   `json:"bytes"` // of bodies
	Seconds   float64 `json:"seconds"`
	PerSecond float64 `json:"per_second"` // objects; in match[id] requests
	Server    float64 `json:"server_us"`  // CPU for each of what PerSecond counts, in microseconds
	Client    float64 `json:"client_us"`
	Median    float64 `json:"median_ms"` // of a request
	P99       float64 `json:"p99_ms"`
}

// TAXIISize is what a page costs in a collection of a size, and how its objects came there.
type TAXIISize struct {
	Objects  int      `json:"objects"`
	Filled   float64  `json:"filled_per_second"`  // objects that were imported, as `comity intel import` does
	Indexed  float64  `json:"indexed_per_second"` // and then taken into the catalogue
	Store    int64    `json:"store_bytes"`
	Page     TAXIIRun `json:"page"`   // one client, pages from all over the collection
	Filtered TAXIIRun `json:"mixed"`  // the same of the collection of everything, in which some pages lie beside what nobody may see
	Match    TAXIIRun `json:"lookup"` // one client, match[id] of one object
}

// TAXIIReport is what TAXII finds.
type TAXIIReport struct {
	Machine    Machine     `json:"machine"`
	Apart      bool        `json:"client_apart"` // the client was a process of its own, so that its CPU is known
	ObjectSize int         `json:"object_bytes"`
	Sizes      []TAXIISize `json:"sizes"`
	Get        TAXIIRun    `json:"get"`
	Match      TAXIIRun    `json:"match"`
	Post       TAXIIRun    `json:"post"`
	Searchable float64     `json:"post_searchable_seconds"` // from the last answer until all that was posted can be fetched
	Indexed    float64     `json:"post_indexed_per_second"` // of what was posted, from the first request until then
	MemoryPeak int64       `json:"memory_bytes"`
}

// taxiiBench is a node with its TAXII server.
type taxiiBench struct {
	o      TAXIIOptions
	node   *side
	ctx    context.Context // of the officer who gathers
	token  string
	fill   thread.ID
	posted thread.ID
	server *http.Server
	at     string // of the server
	host   string
	ca     []byte
	made   int // objects in the store
}

// TAXII measures the TAXII server of a node over TLS on the loopback interface: what a page costs in a small collection and in a large one, how many objects a second are given and taken, and
// how many requests for one object are answered. Objects are imported first, in the same way as by `comity intel import`, and a node that has nothing else to do is measured.
func TAXII(ctx context.Context, o TAXIIOptions) (_ *TAXIIReport, err error) {
	dir, err := os.MkdirTemp("", "comity-taxii-")
	if err != nil {
		return nil, fault.Wrap(err, fault.Unavailable, "", "no temporary folder can be made")
	}
	defer remove(dir)
	b := &taxiiBench{o: o}
	if b.node, err = new(pair).open(ctx, dir, "XA", slog.New(slog.DiscardHandler)); err != nil {
		return nil, err
	}
	defer func() {
		b.node.stop()
		err = errors.Join(err, <-b.node.served, b.node.Close())
	}()
	if err := b.staff(ctx); err != nil {
		return nil, err
	}
	if err := b.serve(ctx); err != nil {
		return nil, err
	}
	defer b.server.Close()
	r := &TAXIIReport{Machine: machine(), Apart: o.Program != "", ObjectSize: len(madeObject(nil, 1))}
	for _, n := range []int{o.Small, o.Objects} {
		if n <= b.made {
			continue
		}
		size, err := b.size(ctx, n)
		if err != nil {
			return nil, err
		}
		r.Sizes = append(r.Sizes, size)
	}
	if err := b.all(ctx, r); err != nil {
		return nil, err
	}
	r.MemoryPeak = peak()
	return r, nil
}

// all measures what several clients get at once.
func (b *taxiiBench) all(ctx context.Context, r *TAXIIReport) (err error) {
	if r.Get, err = b.run(ctx, demand{Mode: loadGet, Collection: taxii.CollectionOf(b.fill), Clients: b.o.Connections}); err != nil {
		return err
	}
	if r.Match, err = b.run(ctx, demand{Mode: loadMatch, Collection: taxii.CollectionOf(b.fill), Clients: 2 * b.o.Connections}); err != nil {
		return err
	}
	began := time.Now()
	if r.Post, err = b.run(ctx, demand{Mode: loadPost, Collection: taxii.CollectionOf(b.posted), Clients: b.o.Connections, From: b.made}); err != nil {
		return err
	}
	answered := time.Now()
	b.o.Progress("waiting until what was posted can be fetched")
	if err := b.indexed(ctx, false); err != nil {
		return err
	}
	r.Searchable, r.Indexed = time.Since(answered).Seconds(), float64(r.Post.Objects)/time.Since(began).Seconds()
	return nil
}

// staff gives the node officers, a token, and two sources.
func (b *taxiiBench) staff(ctx context.Context) error {
	const root, ana = "root", "ana"
	expires := statement.TimeOf(b.node.Now().Add(24 * time.Hour))
	if err := b.node.AddOfficer(ctx, auth.Person{ID: root, Name: "Administrator", Roles: []auth.Role{auth.Administrator}}); err != nil {
		return err
	}
	first, err := b.node.MakeToken(ctx, root, nil, expires)
	if err != nil {
		return err
	}
	ctx = auth.With(ctx, auth.Claim{Token: first})
	if err := b.node.AddOfficer(ctx, auth.Person{ID: ana, Name: "Analyst", Roles: []auth.Role{auth.Analyst}}); err != nil {
		return err
	}
	secret, err := b.node.MakeToken(ctx, ana, nil, expires)
	if err != nil {
		return err
	}
	b.token, b.ctx = secret.Reveal(), auth.With(ctx, auth.Claim{Token: secret})
	for name, id := range map[string]*thread.ID{"filled": &b.fill, "posted": &b.posted} {
		if *id, err = b.node.OpenSource(b.ctx, intel.Source{Name: name, Format: "stix"}, marking.Marking{TLP: marking.Green}, statement.By{}); err != nil {
			return err
		}
	}
	return nil
}

// serve serves all that a node serves at one address, over TLS.
func (b *taxiiBench) serve(ctx context.Context) error {
	l, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return fault.Wrap(err, fault.Unavailable, "", "no port can be had on this machine")
	}
	_, port, err := net.SplitHostPort(l.Addr().String())
	if err != nil {
		return err
	}
	b.at, b.host = l.Addr().String(), "localhost:"+port
	const many = 1_000_000_000 // what is measured is not what a limit leaves
	site, err := web.Site(ctx, b.node.Node, "https://"+b.host, nil, taxii.Handler(b.node.Node, taxii.Options{Rate: 1_000_000, Burst: many}), slog.New(slog.DiscardHandler))
	if err != nil {
		return err
	}
	certificate, err := b.certified()
	if err != nil {
		return err
	}
	b.server = &http.Server{
		Handler: site, TLSConfig: &tls.Config{MinVersion: tls.VersionTLS12, Certificates: []tls.Certificate{certificate}}, ReadHeaderTimeout: 10 * time.Second,
		ErrorLog: slog.NewLogLogger(slog.DiscardHandler, slog.LevelDebug),
	}
	go func() { _ = b.server.ServeTLS(l, "", "") }() // it ends with the server
	return nil
}

// certified makes a certificate that the client trusts.
func (b *taxiiBench) certified() (tls.Certificate, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return tls.Certificate{}, err
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(24 * time.Hour), DNSNames: []string{"localhost"}, IsCA: true,
		BasicConstraintsValid: true, KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		return tls.Certificate{}, err
	}
	b.ca = pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, nil
}

// size fills the store until there are n objects, and measures one client.
func (b *taxiiBench) size(ctx context.Context, n int) (s TAXIISize, err error) {
	b.o.Progress("importing objects until there are %d", n)
	began, more := time.Now(), n-b.made
	if err := b.imports(ctx, n); err != nil {
		return s, err
	}
	s.Objects, s.Filled = n, float64(more)/time.Since(began).Seconds()
	if err := b.indexed(ctx, true); err != nil {
		return s, err
	}
	s.Indexed = float64(more) / time.Since(began).Seconds()
	if info, err := os.Stat(filepath.Join(b.node.Dir, b.node.Config.Store)); err == nil {
		s.Store = info.Size()
	}
	one := demand{Mode: loadGet, Collection: taxii.CollectionOf(b.fill), Clients: 1, Scattered: true}
	if s.Page, err = b.run(ctx, one); err != nil {
		return s, err
	}
	one.Collection = taxii.CollectionOfAll("XA")
	if s.Filtered, err = b.run(ctx, one); err != nil {
		return s, err
	}
	s.Match, err = b.run(ctx, demand{Mode: loadMatch, Collection: taxii.CollectionOf(b.fill), Clients: 1})
	return s, err
}

// importsAtOnce is how many objects one import has: what an import remembers of itself is let go after it.
const importsAtOnce = 200_000

func (b *taxiiBench) imports(ctx context.Context, n int) error {
	for b.made < n {
		some := min(n-b.made, importsAtOnce)
		_, err := b.node.Import(b.ctx, catalogue.Source{Thread: b.fill, Marking: marking.Marking{TLP: marking.Green}}, madeItems(b.made, b.made+some), catalogue.ImportOptions{})
		if err != nil {
			return err
		}
		b.made += some
		b.o.Progress("%d objects are imported", b.made)
		if ctx.Err() != nil {
			return fault.Wrap(ctx.Err(), fault.Canceled, "", "interrupted")
		}
	}
	return nil
}

// madeItems are the objects from, …, to-1 as an import takes them.
func madeItems(from, to int) func(yield func(stix.Item, error) bool) {
	return func(yield func(stix.Item, error) bool) {
		var raw []byte
		for i := from; i < to; i++ {
			raw = madeObject(raw[:0], i)
			o, err := stix.Parse(raw)
			if !yield(stix.Item{Index: i - from, Object: o}, err) || err != nil {
				return
			}
		}
	}
}

// indexed waits until all that came can be fetched and, where words are asked for, found by them.
func (b *taxiiBench) indexed(ctx context.Context, words bool) error {
	for {
		more, err := b.node.Catalogue.Index(ctx)
		if err == nil && !more && words {
			more, err = b.node.Catalogue.IndexWords(ctx)
		}
		if err != nil || !more {
			return err
		}
	}
}

// run has a client do something, and tells what it cost.
func (b *taxiiBench) run(ctx context.Context, l demand) (r TAXIIRun, err error) {
	b.o.Progress("%s, %d at once", l.Mode, l.Clients)
	l.Address, l.Host, l.CA, l.Token, l.Lasts, l.Known = b.at, b.host, b.ca, b.token, b.o.Duration.Seconds(), b.made
	if l.Mode == loadGet {
		if l.First, l.Last, err = b.span(ctx); err != nil {
			return r, err
		}
	}
	runtime.GC()
	before := cpuTime()
	var got loaded
	if b.o.Program == "" {
		got, err = l.do(ctx)
	} else {
		got, err = b.child(ctx, l)
	}
	if err != nil {
		return r, err
	}
	spent := cpuTime() - before
	of := got.Objects
	if l.Mode == loadMatch {
		of = got.Requests
	}
	slices.Sort(got.Times)
	at := func(q float64) float64 {
		if len(got.Times) == 0 {
			return 0
		}
		return got.Times[int(q*float64(len(got.Times)-1))]
	}
	per := float64(max(of, 1))
	return TAXIIRun{
		Requests: got.Requests, Objects: got.Objects, Bytes: got.Bytes, Seconds: got.Seconds, PerSecond: float64(of) / cmp.Or(got.Seconds, 1),
		Server: float64(spent.Microseconds()) / per, Client: got.CPU * 1e6 / per, Median: at(0.5), P99: at(0.99),
	}, nil
}

// span is when the first object and the last parcel were added.
func (b *taxiiBench) span(ctx context.Context) (first, last int64, err error) {
	err = b.node.Store.View(ctx, func(tx store.Tx) error {
		some, err := tx.Parcels(store.ParcelQuery{Limit: 1})
		if err != nil || len(some) == 0 {
			return err
		}
		no, err := tx.LastParcel()
		if err != nil {
			return err
		}
		end, err := tx.Parcel(no)
		first, last = some[0].First, end.First
		return err
	})
	return first, last, err
}

// child has the client run in a process of its own.
func (b *taxiiBench) child(ctx context.Context, l demand) (got loaded, err error) {
	plan, err := json.Marshal(l)
	if err != nil {
		return got, fault.Wrap(err, fault.Internal, "", "the load cannot be told")
	}
	var out, failed bytes.Buffer
	cmd := exec.CommandContext(ctx, b.o.Program, "bench", "taxii", "--client")
	cmd.Stdin, cmd.Stdout, cmd.Stderr = bytes.NewReader(plan), &out, &failed
	if err := cmd.Run(); err != nil {
		return got, fault.Wrap(err, fault.Failed, "", "the client failed: %.500s", failed.String())
	}
	if err := json.Unmarshal(out.Bytes(), &got); err != nil {
		return got, fault.Wrap(err, fault.Internal, "", "the client cannot be understood")
	}
	got.CPU = (cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()).Seconds()
	return got, nil
}

// madeID is the id of object i, the same in every run.
func madeID(i int) string {
	x := uint64(i)*0x9e3779b97f4a7c15 + seed
	x ^= x >> 30
	x *= 0xbf58476d1ce4e5b9
	x ^= x >> 27
	return fmt.Sprintf("indicator--%08x-%04x-4%03x-8%03x-%012x", uint32(x>>32), uint16(x>>16), uint16(x)&0xfff, uint16(i>>36)&0xfff, uint64(i)&0xffffffffffff)
}

// madeMarking is how object i is marked: a twentieth by RED, which no token sees, a third by AMBER, the rest by GREEN, CLEAR or not at all.
func madeMarking(i int) marking.TLP {
	switch n := i % 20; {
	case n == 0:
		return marking.Red
	case n < 7:
		return marking.Amber
	case n < 13:
		return marking.Green
	case n < 16:
		return marking.Clear
	}
	return ""
}

// madeObject appends indicator i, of some 850 bytes, to b: called by its value, as those of published lists are, with where it was seen beside it.
func madeObject(b []byte, i int) []byte {
	value := fmt.Sprintf("c%d-%08x.walnut.example", i, uint32(i)*2654435761)
	b = fmt.Appendf(b, `{"type":"indicator","spec_version":"2.1","id":"%s","created":"2026-11-01T08:00:00.000Z","modified":"2026-11-01T08:00:00.000Z",`, madeID(i))
	b = fmt.Appendf(b, `"name":"%s","description":"Machines beacon here after the loader ran, sensor %d","indicator_types":["malicious-activity"],`, value, i%97)
	b = fmt.Appendf(b, `"pattern":"[domain-name:value = '%s']","pattern_type":"stix","valid_from":"2026-11-01T08:00:00Z","confidence":%d,"labels":["walnut","sector:energy"],`, value, i%101)
	b = fmt.Appendf(b, `"kill_chain_phases":[{"kill_chain_name":"lockheed-martin-cyber-kill-chain","phase_name":"command-and-control"}],`)
	b = fmt.Appendf(b, `"external_references":[{"source_name":"sensor","url":"https://sensors.example/seen/%d?by=%d&kind=beacon","external_id":"s-%d"}],"x_sensor_family":"%016x"`, i, i%97, i, uint64(i)*0x9e3779b97f4a7c15)
	if m := madeMarking(i); m != "" {
		b = fmt.Appendf(b, `,"object_marking_refs":["%s"]`, stix.TLPRef(m))
	}
	return append(b, '}')
}
