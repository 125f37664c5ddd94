package taxii

import (
	"bufio"
	"cmp"
	"crypto/rand"
	"io"
	"net/http"
	"strings"

	"github.com/go-json-experiment/json"

	"github.com/comity-exchange/comity/fault"
	"github.com/comity-exchange/comity/internal/catalogue"
	"github.com/comity-exchange/comity/internal/node"
	"github.com/comity-exchange/comity/marking"
	"github.com/comity-exchange/comity/statement"
	"github.com/comity-exchange/comity/stix"
)

// maxListed bounds the objects that a status lists one by one. Above it there are the counts, and those of its failures that came first.
const maxListed = 10_000

// A request that brings no more than maxAtOnce objects waits until they can be fetched, unless the catalogue has much to take in before: no longer than for indexRounds of it.
const (
	maxAtOnce   = 100
	indexRounds = 4
)

// outcome is the status resource of TAXII 2.1, 4.3.1.
type outcome struct {
	ID           string   `json:"id"`
	Status       string   `json:"status"`
	Requested    string   `json:"request_timestamp"`
	Total        int64    `json:"total_count"`
	SuccessCount int64    `json:"success_count"`
	Successes    []detail `json:"successes,omitempty"`
	FailureCount int64    `json:"failure_count"`
	Failures     []detail `json:"failures,omitempty"`
	PendingCount int64    `json:"pending_count"`
}

// detail is what became of an object (4.3.1.1). One that is broken has no id that could be told, and its message says where it stands.
type detail struct {
	ID      string `json:"id"`
	Version string `json:"version"`
	Message string `json:"message,omitzero"`
}

// bounded reads no more than a request may have.
type bounded struct {
	src  io.Reader
	left int64
}

// Read implements io.Reader. Error: fault.TooLarge.
func (b *bounded) Read(p []byte) (int, error) {
	if b.left < 0 {
		return 0, tooLarge()
	}
	if int64(len(p)) > b.left+1 {
		p = p[:b.left+1] // one byte more tells whether it ends there
	}
	n, err := b.src.Read(p)
	if b.left -= int64(n); b.left < 0 {
		return n - 1, tooLarge()
	}
	return n, err
}

func tooLarge() error {
	return fault.New(fault.TooLarge, "", "a request has at most %d bytes", maxContent)
}

// add imports what is posted into a source (5.5).
func add(c *call) error {
	// spec: INT-3
	one, err := c.collection()
	switch {
	case err != nil:
		return err
	case !one.CanWrite:
		return fault.New(fault.Denied, "", "this collection cannot be written: what can is an open source of this party's own")
	}
	plain, ok := unpacked(c.r)
	if !brings(c.r.Header.Get("Content-Type")) || !ok {
		c.w.Header().Set("Accept-Encoding", "gzip")
		failAs(c.w, http.StatusUnsupportedMediaType, fault.New(fault.Usage, "", "what is taken is %s, as it is or in gzip", mediaType))
		return nil
	}
	if c.r.ContentLength > maxContent {
		return tooLarge()
	}
	body := bufio.NewReader(&bounded{plain, maxContent})
	if !opens(body) {
		failAs(c.w, http.StatusUnprocessableEntity, fault.New(fault.Malformed, "", "what is posted is an envelope with objects"))
		return nil
	}
	done := c.node.Catalogue.Arrives()
	defer done()
	p := &brought{ID: newStatusID(), Requested: at(c.node.Now().UnixMicro())}
	report, err := c.node.Bring(c.r.Context(), c.sourceOf(one), stix.NewReader(body, stix.Limits{}).All(), p.options())
	p.Objects, p.Duplicates, p.Refused, p.Said = report.Objects, report.Duplicates, report.Refused, report.Said
	switch {
	case err != nil:
		return c.broken(p, err)
	case p.total() == 0:
		failAs(c.w, http.StatusUnprocessableEntity, fault.New(fault.Malformed, "", "there are no objects in what was posted"))
		return nil
	case p.total() <= maxAtOnce:
		c.settle(p)
	}
	return c.answer(p)
}

// opens tells whether a text begins as an object does.
func opens(r *bufio.Reader) bool {
	for {
		b, err := r.ReadByte()
		if err != nil {
			return false
		}
		if strings.IndexByte(" \t\r\n", b) < 0 {
			return b == '{' && r.UnreadByte() == nil
		}
	}
}

// sourceOf is how objects go into a collection: marked as its opener, where they say nothing themselves.
func (c *call) sourceOf(one collection) catalogue.Source {
	m := one.marking
	if m.TLP == "" {
		m.TLP = marking.Amber
	}
	return catalogue.Source{Thread: one.thread, By: statement.By{Role: c.node.Config.Role}, Marking: m, Strict: true}
}

// brought is what is kept of a request. What it said tells the rest: whether it can be fetched yet, and which objects it brought.
type brought struct {
	ID         string         `json:"id"`
	Requested  string         `json:"requested"`
	Objects    int64          `json:"objects"`
	Duplicates int64          `json:"duplicates"`
	Refused    int64          `json:"refused"`
	Known      []detail       `json:"known,omitempty"` // of Duplicates
	Failures   []detail       `json:"failures,omitempty"`
	Said       []statement.ID `json:"said,omitempty"`
}

func newStatusID() string {
	var random [16]byte
	_, _ = rand.Read(random[:]) // it never fails
	return stix.NewID("status", random).UUID()
}

func (p *brought) total() int64 { return p.Objects + p.Duplicates + p.Refused }

// options note what becomes of objects that nothing else will tell of.
func (p *brought) options() catalogue.ImportOptions {
	return catalogue.ImportOptions{
		Sampled: true,
		Known:   func(o *stix.Object) { p.Known = p.list(p.Known, o.ID, o.Version(), "") },
		Refused: func(item stix.Item, reason string) {
			var id stix.ID
			var version stix.Timestamp
			if item.Object != nil {
				id, version = item.Object.ID, item.Object.Version()
			}
			p.Failures = p.list(p.Failures, id, version, catalogue.Refused{Index: item.Index, Offset: item.Offset, Reason: reason}.String())
		},
	}
}

// list adds an object to a list that is not too long.
func (p *brought) list(to []detail, id stix.ID, version stix.Timestamp, message string) []detail {
	if len(to) >= maxListed {
		return to
	}
	return append(to, detail{ID: string(id), Version: cmp.Or(string(version), p.Requested), Message: message})
}

// outcome tells what became of a request so far: what was said is pending until it can be fetched. Clients hold a list against its count: one that would not be whole is left out, but for failures.
func (c *call) outcome(p *brought) (*outcome, error) {
	ctx := c.r.Context()
	o := &outcome{ID: p.ID, Status: "complete", Requested: p.Requested, Total: p.total(), FailureCount: p.Refused, Failures: p.Failures}
	settled, err := c.node.Catalogue.Settled(ctx, p.Said...)
	if err != nil {
		return nil, err
	}
	if !settled {
		o.Status, o.SuccessCount, o.PendingCount = "pending", p.Duplicates, p.Objects
		return o, nil
	}
	o.SuccessCount = p.Objects + p.Duplicates
	if o.Total > maxListed {
		return o, nil
	}
	objects, whole, err := c.node.Catalogue.Brought(ctx, maxListed, p.Said...)
	if err != nil || !whole {
		return o, err // what was erased meanwhile is counted, and not listed
	}
	for _, b := range objects {
		o.Successes = p.list(o.Successes, b.ID, b.Version, "")
	}
	for _, k := range p.Known { // whoever posts another text under the same version is told that it does not stand
		k.Message = "this version was here before: what came first stands"
		o.Successes = append(o.Successes, k)
	}
	if int64(len(o.Successes)) != o.SuccessCount {
		o.Successes = nil
	}
	return o, nil
}

// broken answers where the text could not be read on, or nothing can be said. What came before stands, and its repetition does no harm.
func (c *call) broken(p *brought, err error) error {
	f := fault.Of(err)
	if f.Code != fault.Malformed && f.Code != fault.TooLarge && f.Code != fault.Unavailable {
		return err
	}
	status := fault.HTTP(f.Code)
	if f.Code == fault.Malformed {
		status = http.StatusUnprocessableEntity
	}
	failAs(c.w, status, fault.New(f.Code, "", "%s; %d objects before that were taken", f.Msg, p.Objects+p.Duplicates))
	return nil
}

// settle tries to have a few objects in the catalogue at once, so that whoever brings some need not ask again.
func (c *call) settle(p *brought) {
	for range indexRounds {
		if settled, err := c.node.Catalogue.Settled(c.r.Context(), p.Said...); err != nil || settled {
			return
		}
		if _, err := c.node.Catalogue.Index(c.r.Context()); err != nil {
			return
		}
	}
}

// answer keeps what is known of a request, and gives its status.
func (c *call) answer(p *brought) error {
	b, err := json.Marshal(p, json.Deterministic(true))
	if err != nil {
		return fault.Wrap(err, fault.Internal, "", "a status cannot be written")
	}
	if err := c.node.NoteAnswer(c.r.Context(), c.statusKey(p.ID), http.StatusAccepted, b); err != nil {
		return err
	}
	o, err := c.outcome(p)
	if err != nil {
		return err
	}
	write(c.w, http.StatusAccepted, o)
	return nil
}

// statusKey is by what a status is kept: its id, for whoever has posted. Keys that programs give to the API have no blanks, so none is the same.
func (c *call) statusKey(id string) statement.Digest {
	who := c.Actor.ID
	if c.Actor.Limits.IsPartner() { // no other token of the same officer sees it
		who += " " + c.Actor.Token
	}
	return node.AnswerKey(who, "taxii status "+id)
}

// status gives what became of a request, to whoever has made it (4.3).
func status(c *call) error {
	b, err := c.node.NotedAnswer(c.r.Context(), c.statusKey(c.r.PathValue("status")))
	if fault.CodeOf(err) == fault.NotFound {
		return fault.New(fault.NotFound, "", "there is no such status: one is kept for a day, for whoever has posted")
	}
	if err != nil {
		return err
	}
	var p brought
	if err := json.Unmarshal(b, &p); err != nil {
		return fault.Wrap(err, fault.Internal, "", "a status that was kept cannot be read")
	}
	o, err := c.outcome(&p)
	if err != nil {
		return err
	}
	write(c.w, http.StatusOK, o)
	return nil
}
