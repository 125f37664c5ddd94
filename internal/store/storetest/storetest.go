package storetest

import (
	"bytes"
	"context"
	"fmt"
	"reflect"
	"testing"
	"time"

	"github.com/comity-exchange/comity/fault"
	"github.com/comity-exchange/comity/internal/store"
	"github.com/comity-exchange/comity/party"
	"github.com/comity-exchange/comity/statement"
	"github.com/comity-exchange/comity/thread"
	"github.com/comity-exchange/comity/translog"
)

// Opener opens the store of one place, and makes an empty one where there is none. place is a folder of the test's own; opening the same place again
// gives a second handle on the same store, as another process has it. The suite closes what it opens.
type Opener func(t testing.TB, place string) store.Store

// Run holds an implementation against the contract.
func Run(t *testing.T, open Opener) {
	for name, test := range map[string]func(*testing.T, Opener){
		"Letters":           letters,
		"Tiles":             tiles,
		"Checkpoints":       checkpoints,
		"Proofs":            proofs,
		"Forks":             forks,
		"Statements":        statements,
		"Scans":             scans,
		"FindStatements":    findStatements,
		"ThreadHeads":       threadHeads,
		"Threads":           threads,
		"Lists":             lists,
		"ListsOfDue":        listsOfDue,
		"Words":             words,
		"Parcels":           parcels,
		"ParcelsGone":       parcelsGone,
		"ParcelsBehind":     parcelsBehind,
		"Recatalogued":      recatalogued,
		"Postings":          postings,
		"PostingsModel":     postingsModel,
		"PostingsMerged":    postingsMerged,
		"PostingsHot":       postingsHot,
		"ReadRange":         readRange,
		"ReadLine":          readLine,
		"Answers":           answers,
		"Contents":          contents,
		"LargeContent":      largeContent,
		"Whole":             whole,
		"Erase":             erase,
		"EraseBefore":       eraseBefore,
		"Due":               due,
		"Arrivals":          arrivals,
		"ArrivalsModel":     arrivalsModel,
		"Peers":             peers,
		"Claims":            claims,
		"ManyArrivals":      manyArrivals,
		"Queue":             queue,
		"QueueReceipts":     queueReceipts,
		"Wanted":            wanted,
		"Requested":         requested,
		"Officers":          officers,
		"Tokens":            tokens,
		"Links":             links,
		"Sessions":          sessions,
		"Passkeys":          passkeys,
		"Identities":        identities,
		"Spent":             spent,
		"Drafts":            drafts,
		"Meta":              meta,
		"Durable":           durable,
		"ErrorRollsBack":    errorRollsBack,
		"PanicRollsBack":    panicRollsBack,
		"Savepoints":        savepoints,
		"SavepointPanic":    savepointPanic,
		"SavepointErase":    savepointErase,
		"CanceledBefore":    canceledBefore,
		"CanceledDuring":    canceledDuring,
		"CanceledWaiting":   canceledWaiting,
		"ViewSeesOneMoment": viewSeesOneMoment,
		"ViewCannotWrite":   viewCannotWrite,
		"YieldMayWrite":     yieldMayWrite,
		"DeadTx":            deadTx,
		"Interleave":        interleave,
		"Version":           version,
		"Alone":             alone,
		"Incarnation":       incarnation,
		"Closed":            closed,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t, open)
		})
	}
}

// Benchmark measures what a busy node does most: PutStatement, 100 to a transaction. It reports rows.
func Benchmark(b *testing.B, open Opener) {
	s := opened(b, open, b.TempDir())
	head := bytes.Repeat([]byte("x"), 1024)
	row := 0
	for b.Loop() {
		update(b, s, func(tx store.Tx) error {
			for range 100 {
				st := sample(row)
				st.Head = head
				if err := tx.PutStatement(st); err != nil {
					return err
				}
				row++
			}
			return nil
		})
	}
	b.ReportMetric(float64(row)/b.Elapsed().Seconds(), "rows/s")
}

const (
	xa = party.Code("XA")
	xb = party.Code("XB")
	xc = party.Code("XC.cert")
	oa = party.Origin("XA/1")
	ob = party.Origin("XB/1")
)

func opened(t testing.TB, open Opener, place string) store.Store {
	t.Helper()
	s := open(t, place)
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
	})
	return s
}

func fresh(t testing.TB, open Opener) store.Store { t.Helper(); return opened(t, open, t.TempDir()) }

func update(t testing.TB, s store.Store, f func(tx store.Tx) error) {
	t.Helper()
	if err := s.Update(context.Background(), f); err != nil {
		t.Fatal(err)
	}
}

func view(t testing.TB, s store.Store, f func(tx store.Tx) error) {
	t.Helper()
	if err := s.View(context.Background(), f); err != nil {
		t.Fatal(err)
	}
}

// is fails unless err has the code; "" is for nil.
func is(t testing.TB, err error, code fault.Code) {
	t.Helper()
	if fault.CodeOf(err) != code {
		t.Errorf("error %v has code %q, not %q", err, fault.CodeOf(err), code)
	}
}

// same fails unless the two are deeply equal.
func same(t testing.TB, got, want any) {
	t.Helper()
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
}

// must fails the test at once; it is for goroutines of the test alone.
func must[T any](t testing.TB) func(v T, err error) T {
	return func(v T, err error) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

// all collects a listing.
func all[T any](t testing.TB, each func(yield func(T) bool) error) (out []T) {
	t.Helper()
	if err := each(func(v T) bool { out = append(out, v); return true }); err != nil {
		t.Fatal(err)
	}
	return out
}

func at(minute int) statement.Time {
	return statement.TimeOf(time.Date(2026, 11, 21, 8, minute, 0, 123e6, time.UTC))
}

func digest(format string, args ...any) statement.Digest {
	return statement.Sum(fmt.Appendf(nil, format, args...))
}

func id(n int) statement.ID { return statement.ID(digest("statement %d", n)) }

func hash(n int) translog.Hash { return translog.Hash(digest("hash %d", n)) }

// sample is the n-th statement of XA's log. Every third is flash; every fifth is a receipt.
func sample(n int) store.Statement {
	s := store.Statement{
		ID: id(n), Thread: thread.ID(digest("thread %d", n%7)), Origin: oa, Index: int64(n), Kind: "assist.note", Precedence: statement.Routine,
		Head: fmt.Appendf(nil, `{"n":%d}`, n), Arrived: at(n / 10), Folded: true,
	}
	if n%3 == 0 {
		s.Precedence = statement.Flash
	}
	if n%5 == 0 {
		s.Kind = "receipt.delivered"
	}
	return s
}

func putSamples(t testing.TB, s store.Store, n int) {
	t.Helper()
	update(t, s, func(tx store.Tx) error {
		for i := range n {
			if err := tx.PutStatement(sample(i)); err != nil {
				return err
			}
		}
		return nil
	})
}
