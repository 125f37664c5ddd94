package exchange

import (
	"fmt"
	"time"

	"github.com/comity-exchange/comity/internal/store"
	"github.com/comity-exchange/comity/party"
	"github.com/comity-exchange/comity/statement"
)

// maxFall is how far time may fall along a log (LOG-7).
const maxFall = time.Minute

// inTime holds a head's time against what its log had reached below it and goes on with above it, as far as that is here, and against the checkpoint that
// first covered it.
func (r *receiving) inTime(l located) (bool, error) {
	// spec: LOG-7
	high, after, err := r.around(l.index)
	if err != nil {
		return false, err
	}
	// Whether it is refused or not, it must not hide what stands below it from what comes above it.
	r.reached = reached{l.index, l.Time}
	if l.Time.Before(high) {
		r.reached.time = high
		if err := r.b.tx.SetMeta(highKey(r.in.cp.Origin, l.index), high.String()); err != nil {
			return false, err
		}
	}
	ok := high.IsZero() || high.Std().Sub(l.Time.Std()) <= maxFall
	ok = ok && l.Time.Std().Sub(r.in.cp.Time) <= maxFall
	for _, n := range after {
		h, err := statement.Reread(n.ID, n.Head)
		if err != nil {
			return false, err
		}
		ok = ok && l.Time.Std().Sub(h.Time.Std()) <= maxFall
	}
	return ok, nil
}

// around is the latest time that the log had reached below a leaf, and the statement next above it that is here.
func (r *receiving) around(index int64) (high statement.Time, after []store.Statement, err error) {
	// Heads are taken in the order of the log, and above what was here before there is nothing but them.
	if !r.reached.time.IsZero() && r.reached.index >= r.top && r.reached.index < index {
		return r.reached.time, nil, nil
	}
	before, after, err := r.b.tx.Neighbours(r.in.cp.Origin, index)
	for _, n := range before {
		if err == nil {
			high, err = r.high(n)
		}
	}
	return high, after, err
}

// reached is the latest time in a log up to a leaf.
type reached struct {
	index int64
	time  statement.Time
}

// high is the latest time that a log had reached at a statement that is here.
func (r *receiving) high(s store.Statement) (statement.Time, error) {
	if s.Index == r.reached.index && !r.reached.time.IsZero() {
		return r.reached.time, nil
	}
	h, err := statement.Reread(s.ID, s.Head)
	if err != nil {
		return statement.Time{}, err
	}
	noted, err := r.b.tx.Meta(highKey(s.Origin, s.Index))
	if err != nil || noted == "" {
		return h.Time, err
	}
	return statement.ParseTime(noted)
}

// highKey names the note of what a log had reached at a leaf whose own time is lower.
func highKey(origin party.Origin, index int64) string {
	return fmt.Sprintf("high:%s:%d", origin, index)
}
