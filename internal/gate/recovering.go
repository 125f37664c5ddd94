package gate

import (
	"errors"
	"net/http"
	"runtime/debug"
)

// Recovering turns a panic of next into an answer: note writes it into the diary, fail answers that the node is at fault. Where an answer had begun already, or the handler has given up on it, the connection
// is cut, so that the other side does not take a part for the whole.
func Recovering(next http.Handler, note func(r *http.Request, panicked any, stack string), fail func(w http.ResponseWriter, r *http.Request)) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		out := &begun{ResponseWriter: w}
		defer func() {
			v := recover()
			if v == nil {
				return
			}
			err, _ := v.(error)
			aborted := errors.Is(err, http.ErrAbortHandler)
			if !aborted {
				note(r, v, string(debug.Stack()))
			}
			if out.yes || aborted {
				panic(http.ErrAbortHandler) // the other side sees that it is cut short
			}
			fail(w, r)
		}()
		next.ServeHTTP(out, r)
	})
}

// begun tells whether an answer has begun.
type begun struct {
	http.ResponseWriter
	yes bool
}

// WriteHeader implements http.ResponseWriter.
func (b *begun) WriteHeader(status int) {
	b.yes = true
	b.ResponseWriter.WriteHeader(status)
}

// Write implements http.ResponseWriter.
func (b *begun) Write(p []byte) (int, error) {
	b.yes = true
	return b.ResponseWriter.Write(p)
}

// Unwrap is for http.ResponseController.
func (b *begun) Unwrap() http.ResponseWriter { return b.ResponseWriter }
