package misp

import (
	"bufio"
	"context"
	"encoding/hex"
	"net/http"
	"sync"

	"github.com/comity-exchange/comity/fault"
	"github.com/comity-exchange/comity/statement"
)

// hashes tells in which events a value is, by its MD5. It is written event by event.
func (s *server) hashes(w http.ResponseWriter, r *http.Request, at scope) error {
	l, err := s.listing(r.Context(), at)
	if err != nil || fresh(w, r, l.inside, l.newest) {
		return err
	}
	w.Header().Set("Content-Type", "text/csv; charset=utf-8")
	if r.Method == http.MethodHead {
		return nil
	}
	kept, err := s.stillSeen(r.Context(), at, l)
	if err != nil {
		return err
	}
	out := bufio.NewWriterSize(w, 64<<10)
	for _, e := range l.all {
		sums, err := s.sumsOf(r.Context(), at, e, kept[e])
		if fault.CodeOf(err) == fault.NotFound {
			continue
		}
		if err != nil {
			s.node.Log.ErrorContext(r.Context(), "a MISP request failed", "component", "misp", "error", err)
			panic(http.ErrAbortHandler) // the other side sees that it is cut short
		}
		for ; len(sums) > 0; sums = sums[md5Size:] {
			_, _ = out.WriteString(hex.EncodeToString(sums[:md5Size]) + "," + e.uuid + "\n")
		}
	}
	_ = out.Flush() // nobody is there to be told
	return nil
}

const md5Size = 16

// stillSeen are the events whose hashes are remembered and whose statements a scope sees now: of the others that is found out when they are read.
func (s *server) stillSeen(ctx context.Context, at scope, l *listing) (map[*entry][]byte, error) {
	// spec: INT-9
	kept := map[*entry][]byte{}
	var all []*entry
	var ask []statement.ID
	for _, e := range l.all {
		if sums, ok := s.sums.get(e); ok {
			kept[e], all, ask = sums, append(all, e), append(ask, e.with)
		}
	}
	may, err := s.node.Catalogue.Shows(ctx, at.viewer, ask...)
	if err != nil {
		return nil, err
	}
	for i, e := range all {
		if !may[i] {
			delete(kept, e)
		}
	}
	return kept, nil
}

// sumsOf are the MD5 of an event's values, one after the other. Error: fault.NotFound where there is no such event.
func (s *server) sumsOf(ctx context.Context, at scope, e *entry, kept []byte) (sums []byte, err error) {
	if kept != nil {
		return kept, nil
	}
	made, err := s.event(ctx, at, e)
	if err != nil {
		return nil, err
	}
	sums = []byte{}
	for text := range made.Hashes() {
		if sums, err = hex.AppendDecode(sums, []byte(text)); err != nil {
			return nil, fault.Wrap(err, fault.Internal, "", "a hash cannot be written")
		}
	}
	s.sums.put(e, sums)
	return sums, nil
}

// maxSums bounds how many bytes of hashes are remembered: two million values.
const maxSums = 32 << 20

// sums remembers the hashes of events that are parcels of which nothing has a newer version: no more comes to these, and whoever sees one sees all of it. So only what is new is read when much is here.
// It is safe for concurrent use.
type sums struct {
	mu   sync.Mutex
	all  map[int64]summed // by parcel; guarded by mu
	size int              // likewise: bytes of all
}

// summed are the hashes of the lines that were shown.
type summed struct {
	shown string
	sums  []byte
}

func (s *sums) get(e *entry) ([]byte, bool) {
	if e.carried != nil || e.older.Any() {
		return nil, false
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	found, ok := s.all[e.parcel]
	return found.sums, ok && found.shown == string(e.shown)
}

func (s *sums) put(e *entry, of []byte) {
	if e.carried != nil || e.older.Any() || len(of) > maxSums {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.all == nil || s.size+len(of) > maxSums {
		s.all, s.size = map[int64]summed{}, 0
	}
	s.size += len(of) - len(s.all[e.parcel].sums)
	s.all[e.parcel] = summed{string(e.shown), of}
}
