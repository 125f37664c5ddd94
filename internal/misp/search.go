package misp

import (
	"bufio"
	"context"
	"net/http"
	"slices"
	"time"

	"github.com/go-json-experiment/json"

	"github.com/comity-exchange/comity/fault"
	"github.com/comity-exchange/comity/internal/catalogue"
	"github.com/comity-exchange/comity/misp"
)

// stream writes a JSON list of what comes, so that no more than one of it is held.
type stream struct {
	w   http.ResponseWriter
	out *bufio.Writer
	n   int
}

func (c *call) stream(begin string) *stream {
	c.w.Header().Set("Content-Type", mediaType)
	s := &stream{w: c.w, out: bufio.NewWriterSize(c.w, 64<<10)}
	_, _ = s.out.WriteString(begin)
	return s
}

func (s *stream) add(v any) error {
	b, err := json.Marshal(v, json.Deterministic(true))
	if err != nil {
		return fault.Wrap(err, fault.Internal, "", "an event cannot be written")
	}
	if s.n++; s.n > 1 {
		_ = s.out.WriteByte(',')
	}
	_, _ = s.out.Write(b)
	return nil
}

func (s *stream) end(end string) {
	_, _ = s.out.WriteString(end)
	_ = s.out.Flush() // nobody is there to be told
}

// maxSearching is for how long one search looks.
const maxSearching = 30 * time.Second

// search looks for what f asks, for no longer than maxSearching. Error: fault.Unavailable where that is not long enough.
func (c *call) search(f *filter, each func(e *entry, made *misp.Event) (enough bool, err error)) error {
	asked := c.r
	ctx, cancel := context.WithTimeoutCause(asked.Context(), c.searching, errTooLong())
	defer cancel()
	c.r = asked.WithContext(ctx)
	defer func() { c.r = asked }()
	err := c.found(f, each)
	if tooLong := context.Cause(ctx); err != nil && tooLong != nil && asked.Context().Err() == nil {
		return tooLong
	}
	return err
}

func errTooLong() error {
	return fault.New(fault.Unavailable, "", "this search takes longer than %d seconds and was broken off: ask for less, by event, time, type or whole values", int(maxSearching/time.Second))
}

// searched tells whether a search is to go on: it is looked at between attributes, since one event may have a million.
func (c *call) searched() error {
	if err := c.ctx().Err(); err != nil {
		return fault.Wrap(err, fault.Canceled, "", "the search was broken off")
	}
	return nil
}

// found calls each with the events in which a filter finds something, in their order, until it has enough. What is read of each is let go.
func (c *call) found(f *filter, each func(e *entry, made *misp.Event) (enough bool, err error)) error {
	l, at, err := c.listing()
	if err != nil {
		return err
	}
	among, err := c.byValue(l, at, f)
	if err != nil {
		return err
	}
	for _, e := range f.ofEvents(l.all) {
		if among != nil && !among[e.uuid] {
			continue
		}
		if err := c.searched(); err != nil {
			return err
		}
		made, err := c.event(c.ctx(), at, e)
		if fault.CodeOf(err) == fault.NotFound {
			continue // it went meanwhile
		}
		if err != nil {
			return err
		}
		if enough, err := each(e, made); err != nil || enough {
			return err
		}
	}
	return nil
}

// ofEvents are the events in which something may be found; timestamp is held against attributes where these are asked for.
func (f *filter) ofEvents(all []*entry) []*entry {
	stamp := f.stamp
	f.stamp = span{}
	out := f.of(all)
	f.stamp = stamp
	return out
}

// byValue are the events in which the catalogue finds values; nil where it is not asked for any that can be looked up.
func (c *call) byValue(l *listing, at scope, f *filter) (map[string]bool, error) {
	looked := slices.Concat(f.value.any.list, f.value.every.list)
	if len(looked) == 0 {
		return nil, nil
	}
	if len(f.value.any.patterns)+len(f.value.every.patterns) > 0 {
		return nil, nil
	}
	among := map[string]bool{}
	for _, v := range looked {
		for _, in := range at.threads() {
			if err := c.byOneValue(l, catalogue.Search{For: at.viewer, Value: v, Thread: in, Limit: catalogue.MaxPage}, among); err != nil {
				return nil, err
			}
		}
	}
	return among, nil
}

func (c *call) byOneValue(l *listing, search catalogue.Search, among map[string]bool) error {
	for more := true; more; {
		hits, err := c.node.Catalogue.Search(c.ctx(), search)
		if err != nil {
			return err
		}
		for _, o := range hits.Objects {
			if uuid := l.of.eventOfObject(o); l.byUUID[uuid] != nil {
				among[uuid] = true
			}
		}
		more, search.After = hits.More, hits.Next
	}
	return nil
}

// searchEvents finds whole events: those of which an attribute is as asked for, or that are so themselves.
func searchEvents(c *call) error {
	f, err := c.asked()
	if err != nil {
		return err
	}
	var out *stream
	n := 0
	err = c.search(&f, func(e *entry, made *misp.Event) (bool, error) {
		if !f.stamp.holds(e.stamp) {
			return false, nil
		}
		if in, err := c.inEvent(&f, e, made); err != nil || !in {
			return false, err
		}
		if n++; f.limit > 0 && (n <= (f.page-1)*f.limit || n > f.page*f.limit) {
			return n > f.page*f.limit, nil
		}
		if out == nil {
			out = c.stream(`{"response":[`)
		}
		if !f.deleted {
			live(made)
		}
		if f.metadata {
			made.Attributes, made.Objects, made.Reports = nil, nil, nil
		}
		return false, out.add(map[string]*misp.Event{"Event": made})
	})
	return c.finish(out, err, `{"response":[`, `]}`)
}

// inEvent tells whether an event has what a filter asks of attributes.
func (c *call) inEvent(f *filter, e *entry, made *misp.Event) (bool, error) {
	if !f.narrows() && f.tags.empty() {
		return true, nil
	}
	if !f.narrows() && f.tags.hold(namesOf(made.Tags)...) || f.kind.empty() && f.value.empty() && f.category.empty() && f.toIDs == nil && f.tags.empty() && f.attribute.hold(e.uuid) {
		return true, nil
	}
	for a := range made.All() {
		if err := c.searched(); err != nil {
			return false, err
		}
		if f.wantsAttribute(e, a) {
			return true, nil
		}
	}
	return false, nil
}

// finish ends an answer that is written as it comes. What fails before anything is written is told; afterwards the other side sees that it is cut short.
func (c *call) finish(out *stream, err error, begin, end string) error {
	switch {
	case err != nil && out == nil:
		return err
	case err != nil:
		c.node.Log.ErrorContext(c.ctx(), "a MISP request failed", "component", "misp", "error", err)
		panic(http.ErrAbortHandler)
	case out == nil:
		out = c.stream(begin)
	}
	out.end(end)
	return nil
}

// foundAttribute is an attribute with the event that it is in.
type foundAttribute struct {
	misp.Attribute
	Event foundEvent `json:"Event"`
}

type foundEvent struct {
	ID           string            `json:"id"`
	UUID         string            `json:"uuid"`
	Info         string            `json:"info"`
	Date         string            `json:"date"`
	Distribution misp.Distribution `json:"distribution"`
	Published    bool              `json:"published"`
	Timestamp    misp.Seconds      `json:"timestamp"`
	Orgc         *misp.Org         `json:"Orgc"`
}

// searchAttributes finds attributes.
func searchAttributes(c *call) error {
	f, err := c.asked()
	if err != nil {
		return err
	}
	const begin, end = `{"response":{"Attribute":[`, `]}}`
	var out *stream
	n := 0
	err = c.search(&f, func(e *entry, made *misp.Event) (bool, error) {
		for a := range made.All() {
			if err := c.searched(); err != nil {
				return true, err
			}
			at, ok := a.Timestamp.Time()
			if !f.wantsAttribute(e, a) || f.stamp != (span{}) && (!ok || !f.stamp.holds(at.Unix())) {
				continue
			}
			if n++; f.limit > 0 && n > f.page*f.limit {
				return true, nil
			} else if f.limit > 0 && n <= (f.page-1)*f.limit {
				continue
			}
			if out == nil {
				out = c.stream(begin)
			}
			found := foundAttribute{*a, foundEvent{e.id, e.uuid, e.Info, e.Date, distributable, true, e.Timestamp, e.Orgc}}
			var err error
			if found.Rest, err = instead(a.Rest, map[string]string{"event_id": e.id}, "id", "Event", "object_id"); err == nil {
				err = out.add(found)
			}
			if err != nil {
				return true, err
			}
		}
		return false, nil
	})
	return c.finish(out, err, begin, end)
}
