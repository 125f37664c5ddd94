package exchange

import (
	"maps"

	"github.com/comity-exchange/comity/statement"
	"github.com/comity-exchange/comity/thread"
)

// memory is what the writer keeps from batch to batch, as long as nobody else writes the store: so a busy thread is read and parsed once, not once a
// batch. The writer's goroutine owns it. It holds nothing that the store does not. It hangs on Tx.Alone, which tells what has happened since the last Update of
// this Store: so nobody in this process may Update it beside the writer.
type memory struct {
	threads map[thread.ID]*threaded // at most maxRemembered, as they were written last
	last    statement.Time          // of the newest own statement; zero: not known

	complaints complaints // of batches that fail
}

// maxRemembered bounds the threads that are kept, some 3 KiB each; past it, they are forgotten all at once.
const maxRemembered = 16_384

// forget drops everything: somebody else has written, or it is not known what was.
func (m *memory) forget() { *m = memory{complaints: m.complaints} }

// keep takes over what a batch has written.
func (m *memory) keep(b *batch) {
	m.last = b.last
	if m.threads == nil || len(m.threads)+len(b.threads) > maxRemembered {
		m.threads = map[thread.ID]*threaded{}
	}
	for _, t := range b.threads {
		t.dirty = false // it is written, and nobody else has it any more
	}
	maps.Copy(m.threads, b.threads)
}
