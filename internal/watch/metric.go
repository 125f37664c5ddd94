package watch

import (
	"strconv"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"

	"github.com/comity-exchange/comity/fault"
	"github.com/comity-exchange/comity/party"
	"github.com/comity-exchange/comity/statement"
)

// Words that labels have.
const (
	said     = "said"
	heard    = "heard"
	sent     = "sent"
	received = "received"
	other    = "other"
	fine     = "ok"
)

// definition is one row of the reference of metrics.
type definition struct {
	name, kind, help string
	labels           []string
}

// meters are the metrics of one node, in a registry of their own: two nodes in one process share nothing.
type meters struct {
	registry *prometheus.Registry
	all      []definition
	desks    map[string]bool

	statements   *prometheus.CounterVec
	refusals     *prometheus.CounterVec
	packets      *prometheus.CounterVec
	packetBytes  *prometheus.CounterVec
	packetTime   *prometheus.HistogramVec
	batchJobs    prometheus.Observer
	batchTime    prometheus.Observer
	batchFailed  *prometheus.CounterVec
	storeUpdate  prometheus.Observer
	storeView    prometheus.Observer
	storeFailed  *prometheus.CounterVec
	cosignatures prometheus.Counter
	skew         *prometheus.GaugeVec
	lost         prometheus.Counter
	erased       *prometheus.CounterVec
}

// Buckets, in seconds and in jobs.
func storeBuckets() []float64 {
	return []float64{.00005, .0001, .00025, .0005, .001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 5}
}

func packetBuckets() []float64 {
	return []float64{.005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 15, 60}
}

func jobBuckets() []float64 { return []float64{1, 2, 4, 8, 16, 32, 64, 128, 256, 512} }

func newMeters(w *Watch, o Options) *meters {
	m := &meters{registry: prometheus.NewRegistry(), desks: map[string]bool{}}
	for _, d := range o.Desks {
		m.desks[d] = true
	}
	m.statements = m.counter("comity_statements_total", "Statements written, said by this party or heard from others, by desk.", "direction", "desk")
	m.refusals = m.counter("comity_refusals_total",
		"Statements refused by clause of the specification: own drafts before they were said, peers' statements here, own statements by peers.", "by", "clause")
	m.packets = m.counter("comity_packets_total", "Packets sent and received, by outcome: ok or the code of the fault.", "peer", "direction", "outcome")
	m.packetBytes = m.counter("comity_packet_bytes_total", "Bytes of sealed packets sent and received.", "peer", "direction")
	m.packetTime = m.histogram("comity_packet_duration_seconds", "Sending a packet until what its answer brought is written; receiving one from its first byte to its last write.", packetBuckets(), "direction")
	m.batchJobs = m.histogram("comity_batch_jobs", "Writes that shared a transaction.", jobBuckets()).WithLabelValues()
	m.batchTime = m.histogram("comity_batch_duration_seconds", "From the first write of a batch to its place in the high-water mark.", storeBuckets()).WithLabelValues()
	m.batchFailed = m.counter("comity_batch_failures_total", "Batches of which nothing was written, by the code of the fault.", "outcome")
	store := m.histogram("comity_store_duration_seconds", "Transactions of the store: update from begin to commit, view from begin to end.", storeBuckets(), "op")
	m.storeUpdate, m.storeView = store.WithLabelValues("update"), store.WithLabelValues("view")
	m.storeFailed = m.counter("comity_store_failures_total", "Transactions that the store did not do, by the code of the fault.", "op", "outcome")
	m.cosignatures = m.counter("comity_cosignatures_total", "Times that packets brought cosignatures of the own log that were not here before.").WithLabelValues()
	m.skew = m.gauge("comity_clock_skew_seconds", "How far a peer's clock was ahead of this node's when it answered last; good to about a second.", "peer")
	m.lost = m.counter("comity_trace_spans_lost_total", "Spans that the receiver of traces did not take.").WithLabelValues()
	m.erased = m.counter("comity_erased_statements_total", "Statements whose content was erased here: for a recall, on its date, or by an officer.", "way")
	m.info(o.Version)
	m.register(newLook(w, m))
	m.registry.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return m
}

// register adds a collector. A name that is defined twice is a defect of this package, which every test of it meets.
func (m *meters) register(c prometheus.Collector) { m.registry.MustRegister(c) }

func (m *meters) define(kind, name, help string, labels []string) {
	m.all = append(m.all, definition{name, kind, help, labels})
}

func (m *meters) counter(name, help string, labels ...string) *prometheus.CounterVec {
	m.define("counter", name, help, labels)
	v := prometheus.NewCounterVec(prometheus.CounterOpts{Name: name, Help: help}, labels)
	m.register(v)
	return v
}

func (m *meters) gauge(name, help string, labels ...string) *prometheus.GaugeVec {
	m.define("gauge", name, help, labels)
	v := prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: name, Help: help}, labels)
	m.register(v)
	return v
}

func (m *meters) histogram(name, help string, buckets []float64, labels ...string) *prometheus.HistogramVec {
	m.define("histogram", name, help, labels)
	v := prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: name, Help: help, Buckets: buckets}, labels)
	m.register(v)
	return v
}

func (m *meters) info(version string) {
	m.gauge("comity_build_info", "1, with the program's version.", "version").WithLabelValues(version).Set(1)
}

// desk bounds a label that comes out of heads: a peer may name any kind.
func (m *meters) desk(k statement.Kind) string {
	if d := k.Desk(); m.desks[d] {
		return d
	}
	return other
}

// outcome is a fault's code, or "ok".
func outcome(err error) string {
	if err == nil {
		return fine
	}
	c := fault.CodeOf(err)
	if fault.HTTP(c) == fault.HTTP(fault.Internal) {
		c = fault.Internal // a code of no table
	}
	return string(c)
}

// clauses gives each family of spec/ its greatest number. A test holds it against spec/: what a peer writes into a receipt becomes a label only
// where it names one of these.
var clauses = map[string]int{
	"AGR": 18, "AST": 8, "CHR": 2, "DEC": 11, "ENC": 9, "EVD": 8, "INT": 9, "LED": 7, "LOG": 15, "LTR": 11, "NET": 12, "ONW": 4, "PKT": 10, "RCL": 7, "RCP": 6, "RET": 2, "STM": 8, "THR": 9, "TRR": 2,
}

func clause(s string) string {
	family, number, ok := strings.Cut(s, "-")
	n, err := strconv.Atoi(number)
	if ok && err == nil && n >= 1 && n <= clauses[family] && strconv.Itoa(n) == number {
		return s
	}
	return other
}

// peerOf is the label for who carried a packet; one that came as a file before anybody knew whose it was is "unknown".
func peerOf(code party.Code) string {
	if code == "" {
		return "unknown"
	}
	return string(code)
}

func seconds(d time.Duration) float64 { return d.Seconds() }
