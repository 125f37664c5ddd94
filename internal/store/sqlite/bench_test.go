package sqlite

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/comity-exchange/comity/internal/store"
	"github.com/comity-exchange/comity/statement"
	"github.com/comity-exchange/comity/thread"
)

// BenchmarkBusy measures what a busy node writes: 256 statements with bodies to a transaction, and each touched thread once, on top of
// a history and spread over threads. It reports rows, and the slowest transactions.
func BenchmarkBusy(b *testing.B) {
	for _, c := range []struct {
		name             string
		history, threads int64
	}{{"empty/1", 0, 1}, {"empty/10000", 0, 10_000}, {"million/1", 1_000_000, 1}, {"million/10000", 1_000_000, 10_000}} {
		b.Run(c.name, func(b *testing.B) { busy(b, c.history, c.threads) })
	}
}

func busy(b *testing.B, history, threads int64) {
	d := openFile(b, filepath.Join(b.TempDir(), "store.db"))
	n := int64(0)
	for n < history {
		n += burst(b, d, n, 2048, threads)
	}
	if err := d.Scrub(b.Context()); err != nil {
		b.Fatal(err)
	}
	start, took := n, []time.Duration{}
	before := processor(b)
	b.ResetTimer()
	for b.Loop() {
		began := time.Now()
		n += burst(b, d, n, 256, threads)
		took = append(took, time.Since(began))
	}
	b.ReportMetric(float64(n-start)/b.Elapsed().Seconds(), "rows/s")
	b.ReportMetric(float64((processor(b)-before).Nanoseconds())/float64(n-start), "cpu-ns/row")
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(n-start), "ns/row")
	slices.Sort(took)
	b.ReportMetric(float64(took[len(took)*99/100].Microseconds())/1000, "p99-ms")
	b.ReportMetric(float64(took[len(took)-1].Microseconds())/1000, "worst-ms")
}

// burst writes count statements from the n-th on in one transaction.
func burst(b *testing.B, d *DB, n, count, threads int64) int64 {
	head, body := bytes.Repeat([]byte("h"), 700), bytes.Repeat([]byte("b"), 600)
	at := func(n int64) statement.Time { return statement.TimeOf(time.UnixMilli(1_700_000_000_000 + n/10)) }
	touched := map[thread.ID]bool{}
	update(b, d, func(tx store.Tx) error {
		for i := n; i < n+count; i++ {
			th := numbered("thread", i%threads)
			touched[th] = true
			s := store.Statement{
				ID: numbered("statement", i), Thread: th, Origin: "XA/1", Index: i, Kind: "assist.note", Precedence: statement.Routine,
				Head: head, Arrived: at(i), Folded: true,
			}
			if err := tx.PutStatement(s); err != nil {
				return err
			}
			if err := tx.PutWhole(store.ContentRef{Statement: s.ID, Part: store.BodyPart}, statement.Digest(s.ID), body); err != nil {
				return err
			}
		}
		for th := range touched {
			if err := tx.PutThread(store.ThreadRow{ID: th, Desk: "assist", State: head, Summary: head[:300], Opened: at(0), Updated: at(n + count)}); err != nil {
				return err
			}
		}
		return nil
	})
	return count
}

// processor is the time that this process has spent computing: on a machine that others use too it says more than the clock on the wall.
func processor(b *testing.B) time.Duration {
	var u unix.Rusage
	if err := unix.Getrusage(unix.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

func numbered(what string, n int64) statement.ID {
	return sha256.Sum256(binary.BigEndian.AppendUint64([]byte(what), uint64(n)))
}
