package httpapi

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"sync"

	"github.com/comity-exchange/comity/fault"
	"github.com/comity-exchange/comity/internal/node"
	"github.com/comity-exchange/comity/statement"
)

// keyHeader is the header by which a program says that a request is the same as one that it has made before.
const keyHeader = "Idempotency-Key"

// maxRequest bounds the body of any request.
const maxRequest = 24 << 20

// flights are the requests with keys that are under way in this process: who comes second waits for the first. It is safe for concurrent use.
type flights struct {
	mu   sync.Mutex
	open map[statement.Digest]chan struct{} // guarded by mu; closed when the request is done
}

func newFlights() *flights { return &flights{open: map[statement.Digest]chan struct{}{}} }

// begin begins a request, or waits until the one before is done.
func (f *flights) begin(ctx context.Context, key statement.Digest) (end func(), err error) {
	for {
		f.mu.Lock()
		other, busy := f.open[key]
		if !busy {
			done := make(chan struct{})
			f.open[key] = done
			f.mu.Unlock()
			return func() {
				f.mu.Lock()
				defer f.mu.Unlock()
				delete(f.open, key)
				close(done)
			}, nil
		}
		f.mu.Unlock()
		select {
		case <-other:
		case <-ctx.Done():
			return nil, fault.Wrap(ctx.Err(), fault.Canceled, "", "interrupted")
		}
	}
}

// once does a request that has a key no more than once a day, whatever becomes of the answer on its way.
func (a *api) once(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r.Body = http.MaxBytesReader(w, r.Body, maxRequest)
		given := r.Header.Get(keyHeader)
		c := callerOf(r.Context())
		if given == "" || c == nil || r.Method == http.MethodGet || r.Method == http.MethodHead {
			next.ServeHTTP(w, r)
			return
		}
		if !isKey(given) {
			problemOf(fault.New(fault.Usage, "", "an idempotency key has 1 to 200 letters, digits and punctuation")).write(w)
			return
		}
		body, err := io.ReadAll(r.Body)
		if err != nil {
			problemOf(fault.Wrap(err, fault.TooLarge, "", "the request did not arrive whole, or has more than %d MiB", maxRequest>>20)).write(w)
			return
		}
		r.Body = io.NopCloser(bytes.NewReader(body))
		request := statement.Sum(append([]byte(r.Method+"\n"+r.URL.RequestURI()+"\n"+r.Header.Get("Content-Type")+"\n"), body...))
		key := node.AnswerKey(c.actor.ID, given)
		end, err := a.flights.begin(r.Context(), key)
		if err != nil {
			problemOf(err).write(w)
			return
		}
		defer end()
		before, err := a.node.ClaimAnswer(r.Context(), key, request, a.own)
		switch {
		case err != nil:
			problemOf(err).write(w)
		case before != nil:
			again(w, before)
		default:
			a.first(w, r, next, c, key)
		}
	})
}

func isKey(s string) bool {
	if len(s) > 200 {
		return false
	}
	for _, c := range []byte(s) {
		if c < '!' || c > '~' {
			return false
		}
	}
	return true
}

// again answers what was answered before.
func again(w http.ResponseWriter, before *node.Answered) {
	switch {
	case before.Status == 0:
		problemOf(fault.New(fault.Inadmissible, "", "what came of the first request under this key is not known: look whether it was done, and ask with a new key if not")).write(w)
	case before.Body == nil:
		problemOf(fault.New(fault.Inadmissible, "", "this was done, and its answer held a secret, which is shown once and kept nowhere: revoke what was made, and make another with a new key")).write(w)
	default:
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("Idempotency-Replayed", "true")
		w.WriteHeader(before.Status)
		_, _ = w.Write(before.Body) // nobody is there to be told
	}
}

// first does what was not asked for before, and keeps what came of it. What failed may be tried again, unless it is not known whether it was done.
func (a *api) first(w http.ResponseWriter, r *http.Request, next http.Handler, c *caller, key statement.Digest) {
	out := &recorder{header: w.Header()}
	next.ServeHTTP(out, r)
	ctx := context.WithoutCancel(r.Context())
	var err error
	switch {
	case out.status >= 200 && out.status < 300 && c.secret:
		err = a.node.KeepAnswer(ctx, key, out.status, nil)
	case out.status >= 200 && out.status < 300:
		err = a.node.KeepAnswer(ctx, key, out.status, out.body.Bytes())
	case !c.unsure:
		err = a.node.DropAnswer(ctx, key)
	}
	if err != nil {
		a.node.Log.ErrorContext(ctx, "an answer could not be kept", "component", "api", "error", fault.Show(err))
	}
	w.WriteHeader(out.status)
	_, _ = w.Write(out.body.Bytes()) // nobody is there to be told
}

// recorder keeps an answer.
type recorder struct {
	header http.Header
	status int
	body   bytes.Buffer
}

// Header implements http.ResponseWriter.
func (r *recorder) Header() http.Header { return r.header }

// WriteHeader implements http.ResponseWriter.
func (r *recorder) WriteHeader(status int) {
	if r.status == 0 {
		r.status = status
	}
}

// Write implements http.ResponseWriter.
func (r *recorder) Write(b []byte) (int, error) {
	r.WriteHeader(http.StatusOK)
	return r.body.Write(b)
}
