package misp

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"

	"github.com/comity-exchange/comity/desk/intel"
	"github.com/comity-exchange/comity/fault"
	"github.com/comity-exchange/comity/internal/catalogue"
	"github.com/comity-exchange/comity/internal/node"
	"github.com/comity-exchange/comity/marking"
	"github.com/comity-exchange/comity/misp"
	"github.com/comity-exchange/comity/statement"
	"github.com/comity-exchange/comity/stix"
	"github.com/comity-exchange/comity/thread"
)

// Bounds of a push.
const (
	maxOffered = 16 << 20 // bytes of a list of events that an instance would push
	indexLooks = 64       // how long a push waits for the catalogue, which may have others' objects to take in before
	maxTold    = 100      // reasons that an answer lists; the others are counted
)

// formatMISP is the format of sources that take what is pushed where the address names none.
const formatMISP = "misp"

// target is the source into which what the caller pushes goes, and how that is marked: see takes.
func (c *call) target(of thread.ID) (v node.IntelView, m marking.Marking, err error) {
	if v, err = c.takes(of); err != nil {
		return v, m, err
	}
	if err = c.node.MayBring(c.ctx(), v.ID); err != nil {
		return v, m, err
	}
	m, err = c.node.SourceMarking(c.ctx(), v.ID)
	return v, m, err
}

// takes is the source that takes what is pushed: the one in which the event is, where it is a newer version of one; the one that a partner's token names; the one that the address names; or the only
// open one that was opened for MISP.
func (c *call) takes(of thread.ID) (found node.IntelView, err error) {
	if c.Actor.Limits.IsPartner() {
		return c.partnerTakes(of)
	}
	if !of.IsZero() {
		if found, _, err = c.node.Collection(c.ctx(), of); err == nil && found.Status != intel.Open {
			err = fault.New(fault.Denied, "INT-5", "the source in which this event is has been closed")
		}
		return found, err
	}
	if c.source != "" {
		return c.node.CollectionSource(c.ctx(), c.source)
	}
	all, err := c.node.Collections(c.ctx())
	if err != nil {
		return found, err
	}
	n := 0
	for _, v := range all {
		if v.View.Format == formatMISP && v.View.By == c.node.Config.Code && v.Status == intel.Open {
			found = v
			n++
		}
	}
	if n != 1 {
		return found, fault.New(fault.Denied, "", "%d sources here are open for MISP, and it takes one: open one (comity intel source misp --format misp), or give the instance an address that names one, %ssource/NAME",
			n, Root)
	}
	return found, nil
}

// partnerTakes is the one source that a partner's token brings objects into, whatever its format.
func (c *call) partnerTakes(of thread.ID) (found node.IntelView, err error) {
	// spec: INT-9
	into := c.Actor.Limits.Write
	if into.IsZero() {
		return found, fault.New(fault.Denied, "", "this token brings nothing in: it only reads")
	}
	if found, _, err = c.node.Collection(c.ctx(), into); err != nil {
		return found, err
	}
	if c.source != "" {
		named, err := c.node.CollectionSource(c.ctx(), c.source)
		if err != nil {
			return found, err
		}
		if named.ID != into {
			return found, fault.New(fault.Denied, "", "this token does not bring objects into this source")
		}
	}
	switch {
	case !of.IsZero() && of != into:
		return found, fault.New(fault.Denied, "", "this event is in a source into which this token brings nothing: whose it is changes it")
	case found.Status != intel.Open:
		return found, fault.New(fault.Denied, "INT-5", "the source that this token brings events into has been closed")
	}
	return found, nil
}

// offered is an event that an instance would push.
type offered struct {
	Event struct {
		UUID      misp.UUID    `json:"uuid"`
		Timestamp misp.Seconds `json:"timestamp"`
	} `json:"Event"`
}

// wanted tells which events are not here, or not so new.
func wanted(c *call) error {
	if err := c.pushes(); err != nil {
		return err
	}
	all, err := listed[offered](c, maxOffered, "")
	if err != nil {
		return err
	}
	l, _, err := c.listing()
	if err != nil {
		return err
	}
	out := []misp.UUID{}
	for _, o := range all {
		e := l.byUUID[strings.ToLower(string(o.Event.UUID))]
		if e == nil || e.Timestamp.Compare(o.Event.Timestamp) < 0 {
			out = append(out, o.Event.UUID)
		}
	}
	write(c.w, http.StatusOK, out)
	return nil
}

// pushed is what an instance sends: the text, which is read more than once and held only once, and what it says of the event.
type pushed struct {
	text *content
	head *misp.Event
}

// event reads which event is pushed. Error: fault.Malformed where it is not one.
func (c *call) pushed() (p pushed, err error) {
	if p.text, err = c.body(maxContent); err != nil {
		return p, err
	}
	for part, err := range misp.Read(p.text.reader(), misp.Limits{}) {
		switch {
		case err != nil:
			return p, err
		case part.Head == nil:
			if part.Event > 0 {
				return p, refuse("one event is pushed at a time")
			}
		case p.head != nil:
			return p, refuse("one event is pushed at a time")
		default:
			p.head = part.Head
		}
	}
	if p.head == nil || !p.head.UUID.Valid() || p.head.Info == "" {
		return p, refuse("an event has a uuid and an info")
	}
	return p, nil
}

// add takes an event that is not here.
func add(c *call) error {
	if err := c.pushes(); err != nil {
		return err
	}
	p, err := c.pushed()
	if err != nil {
		return err
	}
	l, _, err := c.listing()
	if err != nil {
		return err
	}
	if e := l.byUUID[strings.ToLower(string(p.head.UUID))]; e != nil {
		// An instance takes the last part of the address for the name by which it edits it.
		c.w.Header().Set("Location", Root+"events/"+e.uuid)
		return fault.New(fault.NotFound, "", "Event already exists, if you would like to edit it, use the url in the location header.")
	}
	return c.take(p, thread.ID{}, "Could not add Event")
}

// edit takes a newer version of an event.
func edit(c *call) error {
	if err := c.pushes(); err != nil {
		return err
	}
	e, _, err := c.one()
	if err != nil {
		return err
	}
	p, err := c.pushed()
	switch {
	case err != nil:
		return err
	case !strings.EqualFold(e.uuid, string(p.head.UUID)):
		return refuse("the address and what is sent name different events")
	case p.head.Timestamp.Compare(e.Timestamp) <= 0:
		// An instance knows these words, and takes them for no failure.
		refused := problemOf(c.r, "Could not edit Event")
		refused.Saved, refused.Errors, refused.Code = ptr(false), "Event could not be saved: Event in the request not newer than the local copy.", fault.Failed
		write(c.w, http.StatusForbidden, refused)
		return nil
	case e.carried == nil || e.carried.from != c.node.Config.Code:
		return fault.New(fault.Denied, "", "this event came from %s, or is made of what did not come from MISP: whose it is changes it", e.Orgc.Name)
	}
	return c.take(p, e.thread, "Could not edit Event")
}

// take imports an event into a source, that of the older version where there is one, and answers what became of it.
func (c *call) take(p pushed, of thread.ID, failed string) error {
	// spec: INT-3
	in, m, err := c.target(of)
	if err != nil {
		return err
	}
	report, told, err := c.gather(in, m, "MISP event "+strings.ToLower(string(p.head.UUID)), p)
	if err != nil {
		return err
	}
	if report.Objects+report.Duplicates == 0 {
		refused := problemOf(c.r, failed)
		refused.Saved, refused.Errors, refused.Code = ptr(false), told, fault.Malformed
		write(c.w, http.StatusForbidden, refused)
		return nil
	}
	c.settle()
	l, at, err := c.listing()
	if err != nil {
		return err
	}
	answer := map[string]any{"Event": map[string]any{"id": "0", "uuid": p.head.UUID, "info": p.head.Info, "timestamp": p.head.Timestamp}} // whoever may not see it knows this
	if len(told) > 0 {
		answer["errors"] = told
	}
	if e := l.byUUID[strings.ToLower(string(p.head.UUID))]; e != nil {
		show := c.event
		if _, metadata := c.args["metadata"]; metadata {
			show = c.bareEvent
		}
		made, err := show(c.ctx(), at, e)
		if err != nil {
			return err
		}
		answer["Event"] = made
	}
	write(c.w, http.StatusOK, answer)
	return nil
}

// gather imports, and tells what was refused and why.
func (c *call) gather(in node.IntelView, m marking.Marking, title string, p pushed) (report catalogue.Report, told []string, err error) {
	from := catalogue.Source{Thread: in.ID, By: statement.By{Role: c.node.Config.Role}, Marking: m, Title: title}
	items := misp.Items(func() (io.Reader, error) { return p.text.reader(), nil }, misp.Mapping{TLP: m.TLP})
	report, err = c.node.Bring(c.ctx(), from, items, catalogue.ImportOptions{Refused: func(_ stix.Item, reason string) {
		if len(told) < maxTold {
			told = append(told, reason)
		}
	}})
	if more := report.Refused - int64(len(told)); more > 0 {
		told = append(told, fmt.Sprintf("and %d more", more))
	}
	return report, told, err
}

// settle waits until what was said is in the catalogue. If it cannot be now, it will be in a moment: it is there.
func (c *call) settle() { settle(c.ctx(), c.node) }

func settle(ctx context.Context, n *node.Node) {
	for range indexLooks {
		if more, err := n.Catalogue.Index(ctx); err != nil || !more {
			return
		}
	}
}
