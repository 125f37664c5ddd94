package misp

import (
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/go-json-experiment/json"

	"github.com/comity-exchange/comity/desk/intel"
	"github.com/comity-exchange/comity/fault"
	"github.com/comity-exchange/comity/internal/catalogue"
	"github.com/comity-exchange/comity/internal/exchange"
	"github.com/comity-exchange/comity/internal/gate"
	"github.com/comity-exchange/comity/marking"
	"github.com/comity-exchange/comity/misp"
	"github.com/comity-exchange/comity/statement"
	"github.com/comity-exchange/comity/thread"
)

const (
	feedRoot = Root + "feed/"
	allFeed  = "all"
)

// viewOf is what whoever was let in sees of a source, feed or share; of all where in is zero. A partner sees what the token names, and of that no more than the viewer does.
func viewOf(who gate.Caller, in thread.ID) scope {
	// spec: INT-9
	at := scope{viewer: who.Viewer, in: in}
	if l := &who.Actor.Limits; !l.Sees(thread.ID{}) {
		at.named = true
		for _, id := range slices.SortedFunc(slices.Values(l.See), thread.ID.Compare) {
			at.only += string(id[:])
		}
	}
	return at
}

// openTo is what everybody sees of a source that is published.
func openTo(in thread.ID) scope {
	return scope{viewer: catalogue.Viewer{Party: exchange.Outside, Max: marking.Clear}, in: in, open: true}
}

// feeds serves what is published under feedRoot: to whoever shows a token, and without one where the settings name the source.
func (s *server) feeds(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		w.Header().Set("Allow", "GET, HEAD")
		write(w, http.StatusMethodNotAllowed, problemOf(r, "a feed is read"))
		return
	}
	id, file, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, feedRoot), "/")
	at, ok := s.feedScope(w, r, id)
	if !ok {
		return
	}
	var err error
	switch uuid, isEvent := strings.CutSuffix(file, ".json"); {
	case id == "":
		err = s.feedList(w, r, at)
	case file == "manifest.json":
		err = s.manifest(w, r, at)
	case file == "hashes.csv":
		err = s.hashes(w, r, at)
	case isEvent:
		err = s.feedEvent(w, r, at, uuid)
	default:
		err = fault.New(fault.NotFound, "", "a feed has manifest.json, hashes.csv, and a file for each event")
	}
	if err != nil {
		s.gate.Failed(r.Context(), w, r, err)
	}
}

// feedScope finds out what is seen of a feed. Where it does not, it has answered.
func (s *server) feedScope(w http.ResponseWriter, r *http.Request, id string) (at scope, ok bool) {
	// spec: INT-9
	if _, shown := token(r); !shown {
		all, err := s.node.EveryCollection(r.Context())
		if err != nil {
			s.gate.Failed(r.Context(), w, r, err)
			return at, false
		}
		for in, v := range all {
			if v.View.Form == intel.ASource && in.String() == id && slices.Contains(s.node.Config.MISPOpen, v.View.Name) && v.View.By == s.node.Config.Code {
				return openTo(in), s.gate.FromHere(w, r)
			}
		}
	}
	who, ok := s.gate.Signed(w, r)
	if !ok || id == "" || id == allFeed {
		return viewOf(who, thread.ID{}), ok
	}
	in, err := statement.ParseID(id)
	if err == nil {
		_, _, err = s.node.Collection(who.Ctx, in)
	}
	if err == nil && !who.Actor.Limits.Sees(in) {
		err = fault.New(fault.Denied, "", "this token only brings objects into this collection")
	} else if err == nil {
		var may []bool
		if may, err = s.node.Catalogue.Shows(who.Ctx, who.Viewer, in); err == nil && may[0] {
			return viewOf(who, in), true
		}
	}
	if code := fault.CodeOf(err); err == nil || code == fault.NotFound || code == fault.Malformed {
		err = fault.New(fault.NotFound, "", "there is no such feed: %s lists them", feedRoot)
	}
	s.gate.Failed(r.Context(), w, r, err)
	return at, false
}

// feedList tells which feeds there are.
func (s *server) feedList(w http.ResponseWriter, r *http.Request, at scope) error {
	type feed struct {
		Name string `json:"name"`
		URL  string `json:"url"` // from the root of the address on
	}
	views, err := s.node.EveryCollection(r.Context())
	if err != nil {
		return err
	}
	all := []feed{{"All", feedRoot + allFeed}}
	for in, v := range views {
		if !at.sees(in) {
			continue
		}
		may, err := s.node.Catalogue.Shows(r.Context(), at.viewer, in)
		if err != nil {
			return err
		}
		if may[0] {
			all = append(all, feed{titleOf(v), feedRoot + in.String()})
		}
	}
	slices.SortFunc(all[1:], func(a, b feed) int { return strings.Compare(a.Name+a.URL, b.Name+b.URL) })
	write(w, http.StatusOK, all)
	return nil
}

// fresh sets what tells versions of an answer apart. same tells that the caller has this one, and that it was told so.
func fresh(w http.ResponseWriter, r *http.Request, etag string, changed int64) (same bool) {
	h := w.Header()
	h.Set("ETag", `"`+etag+`"`)
	h.Set("Cache-Control", "private, no-cache") // kept, and asked for again
	if changed > 0 {
		h.Set("Last-Modified", time.Unix(changed, 0).UTC().Format(http.TimeFormat))
	}
	for _, one := range strings.Split(strings.Join(r.Header.Values("If-None-Match"), ","), ",") {
		one = strings.TrimPrefix(strings.TrimSpace(one), "W/")
		one = strings.TrimSuffix(strings.TrimSuffix(one, `-gzip"`), `"`) // what a proxy that compresses makes of it
		if strings.TrimPrefix(one, `"`) == etag || one == "*" {
			w.WriteHeader(http.StatusNotModified)
			return true
		}
	}
	return false
}

// manifest tells what events there are.
func (s *server) manifest(w http.ResponseWriter, r *http.Request, at scope) error {
	l, err := s.listing(r.Context(), at)
	if err != nil || fresh(w, r, l.etag, l.newest) {
		return err
	}
	all := make(misp.Manifest, len(l.all))
	for _, e := range l.all {
		all[misp.UUID(e.uuid)] = e.Entry
	}
	write(w, http.StatusOK, all)
	return nil
}

// feedEvent is one event of a feed.
func (s *server) feedEvent(w http.ResponseWriter, r *http.Request, at scope, uuid string) error {
	l, err := s.listing(r.Context(), at)
	if err != nil {
		return err
	}
	e := l.byUUID[strings.ToLower(uuid)]
	if e == nil {
		return noEvent()
	}
	made, err := s.event(r.Context(), at, e)
	if err != nil {
		return err
	}
	return tagged(w, r, e.stamp, map[string]*misp.Event{"Event": made})
}

// tagged writes an answer with its digest.
func tagged(w http.ResponseWriter, r *http.Request, changed int64, v any) error {
	b, err := json.Marshal(v, json.Deterministic(true))
	if err != nil {
		return fault.Wrap(err, fault.Internal, "", "an event cannot be written")
	}
	if fresh(w, r, digest(b), changed) {
		return nil
	}
	w.Header().Set("Content-Type", mediaType)
	w.Header().Set("Content-Length", strconv.Itoa(len(b)))
	w.WriteHeader(http.StatusOK)
	_, _ = w.Write(b) // nobody is there to be told
	return nil
}
