package cli

import (
	"fmt"
	"io"
	"strings"
	"sync/atomic"
	"time"

	"github.com/comity-exchange/comity/internal/compression"
)

// working shows on a terminal that something long goes on, until the function that it gives is called. It shows nothing before the first
// half second has passed, and nothing where no terminal is.
func (s *session) working(what string) (stop func()) { return s.progress(what, nil) }

// progress does the same and shows how many bytes have been done.
func (s *session) progress(what string, done *atomic.Int64) (stop func()) {
	return s.progressOf(what, done, 0)
}

// progressOf shows besides, as a bar, how much of the whole that is, where the whole is known: 0 is not.
func (s *session) progressOf(what string, done *atomic.Int64, whole int64) (stop func()) {
	if _, tty := terminal(s.err); !tty {
		return func() {}
	}
	return drawn(s.err, what, done, whole)
}

// drawn draws it, over and over in one line, which is wiped at the end.
func drawn(w io.Writer, what string, done *atomic.Int64, whole int64) (stop func()) {
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
				if whole > 0 {
					text = bar(done.Load(), whole) + " " + text
				}
				fmt.Fprintf(w, "\r\x1b[K%s", text)
				shown = true
			case <-end:
				if shown {
					_, _ = io.WriteString(w, "\r\x1b[K") // nobody is there to see it
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

// bar draws a share of a whole.
func bar(done, whole int64) string {
	const wide = 20
	full := int(min(done, whole) * wide / whole)
	return fmt.Sprintf("[%s%s] %3d %%", strings.Repeat("#", full), strings.Repeat(".", wide-full), min(done, whole)*100/whole)
}

// counted counts what is read from a file that may be read again.
type counted struct {
	compression.Tally
	io.Seeker
}
