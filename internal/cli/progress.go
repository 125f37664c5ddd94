package cli

import (
	"fmt"
	"io"
	"sync/atomic"
	"time"
)

// working shows on a terminal that something long goes on, until the function that it gives is called. It shows nothing before the first
// half second has passed, and nothing where no terminal is.
func (s *session) working(what string) (stop func()) { return s.progress(what, nil) }

// progress does the same and shows how many bytes have been done.
func (s *session) progress(what string, done *atomic.Int64) (stop func()) {
	if _, tty := terminal(s.err); !tty {
		return func() {}
	}
	end, ended := make(chan struct{}), make(chan struct{})
	began := time.Now()
	go func() {
		defer close(ended)
		tick := time.NewTicker(500 * time.Millisecond)
		defer tick.Stop()
		shown := false
		for {
			select {
			case <-tick.C:
				text := what + ", " + span(time.Since(began))
				if done != nil {
					text += ", " + size(done.Load())
				}
				fmt.Fprintf(s.err, "\r\x1b[K%s", text)
				shown = true
			case <-end:
				if shown {
					_, _ = io.WriteString(s.err, "\r\x1b[K") // nobody is there to see it
				}
				return
			}
		}
	}()
	return func() {
		close(end)
		<-ended
	}
}

// counted counts what is read from a file.
type counted struct {
	io.ReadSeeker
	done *atomic.Int64
}

func (c counted) Read(b []byte) (int, error) {
	n, err := c.ReadSeeker.Read(b)
	c.done.Add(int64(n))
	return n, err
}
