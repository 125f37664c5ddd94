package delivery

import (
	"crypto/rand"
	"path/filepath"
	"testing"
	"time"

	"github.com/comity-exchange/comity/internal/store"
	"github.com/comity-exchange/comity/internal/store/sqlite"
	"github.com/comity-exchange/comity/marking"
	"github.com/comity-exchange/comity/party"
	"github.com/comity-exchange/comity/statement"
	"github.com/comity-exchange/comity/translog"
)

// office is a store with an own log, in which a test says what it likes.
type office struct {
	*testing.T
	db    *sqlite.DB
	c     *Courier
	start time.Time
	size  int64
}

func newOffice(t *testing.T) *office {
	t.Helper()
	db, err := sqlite.Open(t.Context(), filepath.Join(t.TempDir(), "store.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	o := &office{T: t, db: db, start: time.Date(2026, 3, 2, 8, 0, 0, 0, time.UTC)}
	o.c = New(Options{Origin: "XA/1", Now: func() time.Time { return o.start.Add(time.Hour) }})
	return o
}

// say puts n statements for a peer at the end of the log, a second apart.
func (o *office) say(n int, to party.Code, prec statement.Precedence) {
	o.Helper()
	err := o.db.Update(o.Context(), func(tx store.Tx) error {
		for range n {
			nonce, err := statement.MakeNonce(rand.Reader)
			if err != nil {
				return err
			}
			h, err := statement.Compose(statement.Head{
				Nonce: nonce, From: "XA", To: []party.Code{to}, Kind: "assist.request", Marking: marking.Marking{TLP: marking.Green}, Track: statement.Technical,
				Precedence: prec, Time: statement.TimeOf(o.start.Add(time.Duration(o.size) * time.Second)), By: statement.By{Role: "node"}, Facts: []byte(`{}`),
			})
			if err != nil {
				return err
			}
			if err := tx.PutStatement(store.Statement{ID: h.ID, Thread: h.ID, Origin: "XA/1", Index: o.size, Kind: h.Kind, Precedence: prec, Head: h.Raw, Folded: true}); err != nil {
				return err
			}
			o.size++
		}
		return tx.PutCheckpoint(store.Checkpoint{Origin: "XA/1", Size: o.size, Root: translog.Hash{byte(o.size), byte(o.size >> 8)}, Proven: true})
	})
	if err != nil {
		o.Fatal(err)
	}
}

// arrived has a peer receipt leaves.
func (o *office) arrived(peer party.Code, lo, hi int64) {
	o.Helper()
	err := o.db.Update(o.Context(), func(tx store.Tx) error {
		return tx.PutArrival(store.Arrival{Peer: peer, Origin: "XA/1", What: store.HeadArrived, Lo: lo, Hi: hi, Receipt: statement.ID{1}, Time: statement.TimeOf(o.start)})
	})
	if err != nil {
		o.Fatal(err)
	}
}

func (o *office) survey(rows int, peers ...party.Code) []Queue {
	o.Helper()
	var out []Queue
	err := o.db.View(o.Context(), func(tx store.Tx) (err error) {
		out, err = o.c.Survey(tx, peers, rows)
		return err
	})
	if err != nil {
		o.Fatal(err)
	}
	return out
}

// A survey counts what waits, by precedence and with the age of the oldest.
func TestSurvey(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	o.say(10, "XB", statement.Routine) // 0…9
	o.say(3, "XC", statement.Routine)  // 10…12
	o.say(2, "XB", statement.Flash)    // 13, 14
	o.arrived("XB", 0, 4)
	o.arrived("XB", 13, 14)
	q := o.survey(1000, "XB", "XC")
	if b := q[0]; b.Waiting != 7 || b.By[statement.Routine] != 6 || b.By[statement.Flash] != 1 || b.AtLeast || b.Lag != time.Hour-4*time.Second ||
		!b.OldestBy[statement.Flash].Std().Equal(o.start.Add(14*time.Second)) || !b.Oldest.Std().Equal(o.start.Add(4*time.Second)) {
		t.Errorf("XB: %+v", b)
	}
	if c := q[1]; c.Waiting != 3 || c.Lag != time.Hour-10*time.Second || len(c.By) != 1 {
		t.Errorf("XC: %+v", c)
	}
	o.arrived("XB", 4, 10)
	o.arrived("XB", 14, 15)
	if b := o.survey(1000, "XB")[0]; b.Waiting != 0 || b.Lag != 0 || b.AtLeast || !b.Oldest.IsZero() {
		t.Errorf("an empty queue: %+v", b)
	}
}

// A survey looks at its bound of rows and no more, says so, and goes on where it ended, so that it comes to the right count however long the log is.
func TestSurveyIsBounded(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	o.say(100, "XC", statement.Routine)
	o.say(5, "XB", statement.Routine)
	// 16 rows a precedence at least: XB's five stand behind a hundred of others.
	looks := 1
	q := o.survey(1, "XB")[0]
	for ; q.AtLeast; looks++ {
		if q.Waiting != 0 || looks > 100 {
			t.Fatalf("after %d looks: %+v", looks, q)
		}
		q = o.survey(1, "XB")[0]
	}
	if looks != 100/minLooked+1 || q.Waiting != 5 || q.Lag != time.Hour-100*time.Second {
		t.Errorf("after %d looks: %+v", looks, q)
	}
	// What waits is not passed over: it is counted again each time, up to the bound.
	o.say(50, "XB", statement.Routine)
	if q = o.survey(1, "XB")[0]; !q.AtLeast || q.Waiting != minLooked || q.Lag != time.Hour-100*time.Second {
		t.Errorf("more wait than are looked at: %+v", q)
	}
	// Where counting is asked for with no bound of rows, that of statements holds.
	err := o.db.View(t.Context(), func(tx store.Tx) (err error) {
		q, err = o.c.queue(tx, "XB", 20, 0)
		return err
	})
	if err != nil || !q.AtLeast || q.Waiting != 20 {
		t.Errorf("%v %+v", err, q)
	}
	// A log that became shorter is another one: what was settled of the old one says nothing of it.
	o.c.settle(settledKey{"XB", "XA/1", statement.Routine}, 1000)
	if q = o.survey(10_000, "XB")[0]; q.Waiting != 55 || q.AtLeast {
		t.Errorf("after the store was put back: %+v", q)
	}
}
