package client

import (
	"context"
	"errors"
	"io"
	"iter"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/comity-exchange/comity/fault"
	"github.com/comity-exchange/comity/internal/mirror"
	"github.com/comity-exchange/comity/stix"
)

// Bounds of what waits for its marking's definition.
const (
	maxWaiting = 8 << 20 // bytes
	idsAtOnce  = 20      // that one request asks for
	maxAsked   = 200     // definitions that one page asks for
)

// page is what a server answers with. It implements mirror.Page.
type page struct {
	o      *Origin
	ctx    context.Context
	asked  cursor
	answer *mirror.Answer // nil: there is nothing more

	next    cursor // behind it, once it was read to its end
	read    bool
	more    bool
	failed  error
	total   int     // objects that came, those left out too
	lastID  stix.ID // of the last of them
	tail    []string
	waiting []stix.Item // objects of whose markings a definition is missing
	weight  int         // bytes of these
	missing []stix.ID
}

// Close implements mirror.Page.
func (p *page) Close() {
	if p.answer != nil {
		_ = p.answer.Body.Close() // it was only read
	}
}

// Cursor implements mirror.Page.
func (p *page) Cursor() string {
	c := p.asked
	switch {
	case p.read:
		c = p.next
	case mirror.TooMuch(p.failed):
		c = c.smaller()
	}
	text, err := c.text()
	if err != nil {
		return ""
	}
	return text
}

// More implements mirror.Page.
func (p *page) More() bool { return p.more }

// Items implements mirror.Page.
func (p *page) Items() iter.Seq2[stix.Item, error] {
	return func(yield func(stix.Item, error) bool) {
		err := p.items(yield)
		if err != nil && !errors.Is(err, errEnough) {
			p.failed = err
			yield(stix.Item{}, err)
		}
	}
}

// errEnough ends a page that nobody wants more of.
var errEnough = errors.New("enough")

func (p *page) items(yield func(stix.Item, error) bool) error {
	p.tail = p.asked.Tail
	if p.answer == nil {
		return p.end(stix.Head{})
	}
	r := stix.NewReader(p.answer.Body, stix.Limits{})
	for {
		item, err := r.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return err
		}
		p.total++
		if err := p.item(item, yield); err != nil {
			return err
		}
	}
	if err := p.release(yield); err != nil {
		return err
	}
	return p.end(r.Head())
}

// item gives an object, unless it waits for what its markings mean, or came before.
func (p *page) item(item stix.Item, yield func(stix.Item, error) bool) error {
	if item.Object == nil {
		return give(yield, item)
	}
	raw := item.Object.Raw
	p.lastID = item.Object.ID
	skip := p.asked.skips(raw)
	p.tail = tailOf(p.tail, raw)
	if skip {
		return nil
	}
	p.o.learn(item.Object)
	missing := p.o.missing(p.ctx, item.Object)
	if len(missing) == 0 {
		return give(yield, item)
	}
	for _, id := range missing {
		if !slices.Contains(p.missing, id) && len(p.missing) < maxAsked {
			p.missing = append(p.missing, id)
		}
	}
	p.waiting, p.weight = append(p.waiting, item), p.weight+len(raw)
	if p.weight > maxWaiting {
		return p.release(yield)
	}
	return nil
}

func give(yield func(stix.Item, error) bool, item stix.Item) error {
	if !yield(item, nil) {
		return errEnough
	}
	return nil
}

// release gives the objects that wait, after the definitions for which they do and which the collection has. What it has not counts as strict as can be.
func (p *page) release(yield func(stix.Item, error) bool) error {
	var ask []stix.ID
	for _, id := range p.missing {
		if _, known := p.o.known[id]; !known && !p.o.gone[id] {
			ask = append(ask, id)
			p.o.gone[id] = true
		}
	}
	for len(ask) > 0 {
		n := min(len(ask), idsAtOnce)
		if err := p.o.fetch(p.ctx, ask[:n], yield); err != nil {
			for _, id := range ask {
				delete(p.o.gone, id)
			}
			return err
		}
		ask = ask[n:]
	}
	for _, item := range p.waiting {
		if err := give(yield, item); err != nil {
			return err
		}
	}
	p.waiting, p.weight, p.missing = nil, 0, nil
	return nil
}

// end finds out where it goes on.
func (p *page) end(head stix.Head) error {
	var first, last string
	if p.answer != nil {
		now := p.o.opt.Now()
		first, last = dateOf(p.answer.Header.Get("X-TAXII-Date-Added-First"), now), dateOf(p.answer.Header.Get("X-TAXII-Date-Added-Last"), now)
	}
	if last == "" && p.total > 0 && (!head.More || head.Next == "") {
		var err error
		if last, err = p.o.lastDate(p.ctx, p.asked, p.lastID); err != nil {
			return err
		}
	}
	next, err := p.asked.behindPage(first, last, p.total, head.More, head.Next)
	if err != nil {
		return err
	}
	next.Tail = p.tail
	if _, err := next.text(); err != nil {
		return err
	}
	p.next, p.more, p.read = next, head.More, true
	return nil
}

// learn remembers what a definition says.
func (o *Origin) learn(s *stix.Object) {
	if s.Type == "marking-definition" && len(o.known) < maxKnown {
		o.known[s.ID] = stix.ParseDefinition(s)
	}
}

// missing are the definitions of an object's markings that neither came nor are here, and that it has not been asked for yet.
func (o *Origin) missing(ctx context.Context, s *stix.Object) (out []stix.ID) {
	if len(s.Markings) == 0 && len(s.Granular) == 0 {
		return nil
	}
	_, all := stix.Resolve(s, func(id stix.ID) (stix.Definition, bool) { d, ok := o.known[id]; return d, ok })
	for _, id := range all {
		switch {
		case o.gone[id]:
		case !o.away[id] && o.opt.Here != nil && o.opt.Here(ctx, id):
			if len(o.known) < maxKnown {
				o.known[id] = stix.Definition{ID: id}
			}
		default:
			if out = append(out, id); len(o.away) < maxKnown {
				o.away[id] = true
			}
		}
	}
	return out
}

// fetch asks the collection for objects by their ids, and gives those definitions that it has. A server that does not know the filter, or has none of them, is no fault; one that cannot be
// asked now is: its objects are fetched again later, with what they are marked by.
func (o *Origin) fetch(ctx context.Context, ids []stix.ID, yield func(stix.Item, error) bool) error {
	names := make([]string, len(ids))
	for i, id := range ids {
		names[i] = string(id)
	}
	a, err := o.get(ctx, o.below("objects/", url.Values{"match[id]": {strings.Join(names, ",")}}))
	switch {
	case err != nil:
		return err
	case a.Status == http.StatusOK:
	case missing(a.Status) || a.Status == http.StatusNoContent || a.Status == http.StatusNotImplemented || a.Status == http.StatusForbidden:
		a.Discard()
		return nil
	default:
		return a.Fault()
	}
	defer a.Body.Close()
	if spoken(a) != nil {
		return nil
	}
	r := stix.NewReader(a.Body, stix.Limits{})
	for range 2 * idsAtOnce { // a server that does not filter gives anything
		item, err := r.Next()
		switch {
		case errors.Is(err, io.EOF), fault.CodeOf(err) == fault.Malformed:
			return nil
		case err != nil:
			return err
		}
		if item.Object == nil || item.Object.Type != "marking-definition" {
			continue
		}
		for _, id := range ids {
			if item.Object.ID == id {
				o.learn(item.Object)
				if err := give(yield, item); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

// lastDate asks the manifest when the last object of a page was added, where the page itself does not tell; "": it does not tell either.
func (o *Origin) lastDate(ctx context.Context, asked cursor, of stix.ID) (string, error) {
	r, err := o.read(ctx, o.below("manifest/", asked.parameters()))
	switch fault.CodeOf(err) {
	case "":
	case fault.Unavailable, fault.Canceled:
		return "", err
	default:
		return "", nil
	}
	date := ""
	for _, m := range r.Objects {
		if m.ID != string(of) {
			continue
		}
		if d := dateOf(m.DateAdded, o.opt.Now()); d != "" && (date == "" || compare(d, date) < 0) { // of several versions the first: what is asked for twice is known
			date = d
		}
	}
	return date, nil
}
