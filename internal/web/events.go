package web

import (
	"fmt"
	"net/http"
	"sync"
	"time"

	"github.com/comity-exchange/comity/fault"
)

// settle is how long changes gather before they are told: a page that is read again for each statement of a burst would be read all the time.
const settle = 300 * time.Millisecond

// streams counts the open streams of each session. It is safe for concurrent use.
type streams struct {
	most int

	mu   sync.Mutex
	open map[string]int // guarded by mu
}

// take gives a place to a session, or tells that it has too many.
func (s *streams) take(session string) (done func(), ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.open == nil {
		s.open = map[string]int{}
	}
	if s.open[session] >= s.most {
		return nil, false
	}
	s.open[session]++
	return func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		if s.open[session]--; s.open[session] == 0 {
			delete(s.open, session)
		}
	}, true
}

// events tells a page that something has changed, and never what: the page asks for itself again. It begins with the version of the store, so that a page that is older
// does so at once. The stream ends with the session, which is looked up anew with every event, every heartbeat and every commit of this process, and its end is told: the
// page asks then whether anybody is signed in.
func (f *face) events(w http.ResponseWriter, r *http.Request) error {
	done, ok := f.streams.take(f.visitor(r).Session)
	if !ok {
		return fault.New(fault.Quota, "", "too many pages of this session are open")
	}
	defer done()
	c := http.NewResponseController(w)
	w.Header().Set("Content-Type", "text/event-stream")
	w.Header().Set("X-Accel-Buffering", "no")
	tell := func(text string) bool {
		a, err := f.n.Whoami(r.Context())
		over := err != nil || a.Disabled
		if over {
			text = "event: ended\ndata: 1\n\n"
		}
		// A server's own limit on writing counts from the request on; a stream is as long as its session. Where there is no limit there is nothing to set.
		_ = c.SetWriteDeadline(time.Now().Add(2 * f.Heartbeat))
		_, err = fmt.Fprint(w, text)
		return err == nil && c.Flush() == nil && !over
	}
	changed := f.n.Exchange.Changed()
	if !tell("event: ready\ndata: " + f.version(r.Context()) + "\n\n") {
		return nil
	}
	beat := time.NewTicker(f.Heartbeat)
	defer beat.Stop()
	for {
		select {
		case <-r.Context().Done():
			return nil
		case <-beat.C:
			if !tell("event: beat\ndata: still here\n\n") {
				return nil
			}
		case <-changed:
			pause := time.NewTimer(settle)
			select {
			case <-r.Context().Done():
				pause.Stop()
				return nil
			case <-pause.C:
			}
			changed = f.n.Exchange.Changed() // before telling: what comes while the page is read is told again
			if !tell("event: changed\ndata: 1\n\n") {
				return nil
			}
		}
	}
}
