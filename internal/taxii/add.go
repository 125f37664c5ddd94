package taxii

import (
	"bufio"
	"crypto/rand"
	"fmt"
	"io"
	"net/http"
	"strings"

	"github.com/go-json-experiment/json"

	"github.com/comity-exchange/comity/fault"
	"github.com/comity-exchange/comity/internal/auth"
	"github.com/comity-exchange/comity/internal/catalogue"
	"github.com/comity-exchange/comity/internal/node"
	"github.com/comity-exchange/comity/marking"
	"github.com/comity-exchange/comity/statement"
	"github.com/comity-exchange/comity/stix"
)

// maxListed bounds the objects that a status lists one by one. Above it there are the counts, and those of its failures that came first.
const maxListed = 10_000

// indexRounds bounds how long a request waits for the catalogue, which may have others' objects to take in before.
const indexRounds = 64

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
	if err := c.node.Authorize(c.r.Context(), auth.Draft, auth.Matter{Author: c.Actor.ID}); err != nil {
		return err
	}
	if !brings(c.r.Header.Get("Content-Type")) || c.r.Header.Get("Content-Encoding") != "" {
		failAs(c.w, http.StatusUnsupportedMediaType, fault.New(fault.Usage, "", "what is taken is %s, not compressed", mediaType))
		return nil
	}
	if c.r.ContentLength > maxContent {
		return tooLarge()
	}
	body := bufio.NewReader(&bounded{c.r.Body, maxContent})
	if !opens(body) {
		failAs(c.w, http.StatusUnprocessableEntity, fault.New(fault.Malformed, "", "what is posted is an envelope with objects"))
		return nil
	}
	out := &outcome{Status: "complete", Requested: at(c.node.Now().UnixMicro())}
	report, err := c.node.Import(c.r.Context(), c.sourceOf(one), stix.NewReader(body, stix.Limits{}).All(), out.options())
	out.count(report)
	if err != nil {
		return c.broken(out, err)
	}
	if out.Total == 0 {
		failAs(c.w, http.StatusUnprocessableEntity, fault.New(fault.Malformed, "", "there are no objects in what was posted"))
		return nil
	}
	c.settle()
	return c.answer(out)
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

// options note what becomes of each object.
func (o *outcome) options() catalogue.ImportOptions {
	taken := func(s *stix.Object) { o.Successes = o.list(o.Successes, s, "") }
	return catalogue.ImportOptions{
		Taken: taken, Known: taken,
		Refused: func(item stix.Item, reason string) {
			o.Failures = o.list(o.Failures, item.Object, fmt.Sprintf("object %d, at byte %d: %s", item.Index+1, item.Offset, reason))
		},
	}
}

// list adds an object to a list that is not too long.
func (o *outcome) list(to []detail, s *stix.Object, message string) []detail {
	if len(to) > maxListed {
		return to
	}
	d := detail{Version: o.Requested, Message: message}
	if s != nil {
		d.ID = string(s.ID)
		if v := s.Version(); v != "" {
			d.Version = string(v)
		}
	}
	return append(to, d)
}

// count takes over what an import came to. Clients hold a list against its count: one that would not be whole is left out.
func (o *outcome) count(r catalogue.Report) {
	o.SuccessCount, o.FailureCount = r.Objects+r.Duplicates, r.Refused
	o.Total = o.SuccessCount + o.FailureCount
	if o.Total > maxListed {
		o.Successes = nil
		o.Failures = o.Failures[:min(len(o.Failures), maxListed)]
	}
}

// broken answers where the text could not be read on, or nothing can be said. What came before stands, and its repetition does no harm.
func (c *call) broken(o *outcome, err error) error {
	f := fault.Of(err)
	if f.Code != fault.Malformed && f.Code != fault.TooLarge && f.Code != fault.Unavailable {
		return err
	}
	status := fault.HTTP(f.Code)
	if f.Code == fault.Malformed {
		status = http.StatusUnprocessableEntity
	}
	failAs(c.w, status, fault.New(f.Code, "", "%s; %d objects before that were taken", f.Msg, o.SuccessCount))
	return nil
}

// settle waits until what was said is in the catalogue. If it cannot be now, it will be in a moment: it is there.
func (c *call) settle() {
	for range indexRounds {
		if more, err := c.node.Catalogue.Index(c.r.Context()); err != nil || !more {
			return
		}
	}
}

// answer keeps a status and gives it.
func (c *call) answer(o *outcome) error {
	var random [16]byte
	_, _ = rand.Read(random[:]) // it never fails
	o.ID = stix.NewID("status", random).UUID()
	b, err := json.Marshal(o, json.Deterministic(true))
	if err != nil {
		return fault.Wrap(err, fault.Internal, "", "a status cannot be written")
	}
	if err := c.node.NoteAnswer(c.r.Context(), c.statusKey(o.ID), http.StatusAccepted, b); err != nil {
		return err
	}
	writeRaw(c.w, http.StatusAccepted, b)
	return nil
}

// statusKey is by what a status is kept: its id, for whoever has posted. Keys that programs give to the API have no blanks, so none is the same.
func (c *call) statusKey(id string) statement.Digest {
	return node.AnswerKey(c.Actor.ID, "taxii status "+id)
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
	writeRaw(c.w, http.StatusOK, b)
	return nil
}
