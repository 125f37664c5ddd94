package node_test

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/comity-exchange/comity/internal/exchange"
	"github.com/comity-exchange/comity/internal/fedtest"
	"github.com/comity-exchange/comity/internal/node"
	"github.com/comity-exchange/comity/internal/store"
	"github.com/comity-exchange/comity/party"
	"github.com/comity-exchange/comity/statement"
	"github.com/comity-exchange/comity/thread"
)

// crowd is a node with so many threads: copies of one that was really said, under ids of their own, spread over 400 days.
func crowd(b *testing.B, threads int) (*node.Node, thread.ID) {
	b.Helper()
	f := fedtest.New(b, "XA", "XB")
	pact := f.Agree(fedtest.Pact("XA", "XB"), "XA")
	a := f.At("XA")
	said := f.At("XB").Ask(pact, exchange.Draft{Title: "A request", Text: "Please tell what you know."}, "XA")
	a.Has(said.ID)
	f.Quiet()
	var row store.ThreadRow
	var st store.Statement
	if err := a.Store.View(context.Background(), func(tx store.Tx) error {
		var err, e error
		row, err = tx.Thread(said.Thread)
		st, e = tx.Statement(said.ID)
		return errors.Join(err, e)
	}); err != nil {
		b.Fatal(err)
	}
	h, err := statement.ParseHead(st.Head)
	if err != nil {
		b.Fatal(err)
	}
	now := f.Clock.Now()
	for from := 0; from < threads; from += 500 {
		err := a.Exchange.Update(context.Background(), func(tx store.Tx) error {
			for i := from; i < min(from+500, threads); i++ {
				if err := clone(tx, h, st, row, i, now); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			b.Fatal(err)
		}
	}
	return a.Node, said.Thread
}

// clone puts one more thread into a store.
func clone(tx store.Tx, h *statement.Head, st store.Statement, row store.ThreadRow, i int, now time.Time) error {
	var n [16]byte
	binary.BigEndian.PutUint64(n[:], uint64(i)+1)
	nonce := base64.RawURLEncoding.EncodeToString(n[:])
	body := fmt.Appendf(nil, `{"nonce":"%s","title":"Request %d","text":"The beacon of host %d calls %s.%s at night."}`, nonce, i, i%1000, []string{"alpha", "beta", "gamma"}[i%3], fmt.Sprint("word", i%5000))
	head := strings.Replace(string(st.Head), string(h.Nonce), nonce, 1)
	head = strings.Replace(head, h.Body.SHA256.String(), statement.Sum(body).String(), 1)
	head = strings.Replace(head, fmt.Sprintf(`"size":%d`, h.Body.Size), fmt.Sprintf(`"size":%d`, len(body)), 1)
	old, id := st.ID.String(), statement.ID(sha256.Sum256([]byte(head)))
	st.ID, st.Thread, st.Head, st.Index = id, id, []byte(head), int64(10_000+i)
	at := statement.TimeOf(now.Add(-time.Duration(i) * 400 * 24 * time.Hour / 100_000))
	row.ID, row.Updated, row.Opened, row.Unread = id, at, at, 0
	row.State = []byte(strings.ReplaceAll(string(row.State), old, id.String()))
	row.Summary = []byte(strings.ReplaceAll(string(row.Summary), old, id.String()))
	row.Closed, row.Status, row.Clocks = true, "answered", []store.Clock{}
	if i%200 == 0 { // what is open
		row.Closed, row.Status, row.Unread = false, "open", 1
		row.Clocks = []store.Clock{{Owes: "XA", Mine: i%400 == 0, Of: id, Seconds: 3600}}
	}
	if i%5000 == 17 {
		row.Peers = []party.Code{"XC"}
	}
	return errors.Join(tx.PutStatement(st), tx.PutWhole(store.ContentRef{Statement: id, Part: store.BodyPart}, statement.Sum(body), body), tx.PutThread(row))
}

// BenchmarkLists measures pages of 50 threads: what they cost must not grow with how many threads there are.
func BenchmarkLists(b *testing.B) {
	for _, threads := range []int{1_000, 100_000} {
		b.Run(fmt.Sprintf("threads=%d", threads), func(b *testing.B) {
			n, id := crowd(b, threads)
			began := time.Now()
			for {
				more, err := node.IndexRound(context.Background(), n)
				if err != nil {
					b.Fatal(err)
				}
				if !more {
					break
				}
			}
			b.Logf("words of %d statements in %s", threads, time.Since(began).Round(time.Millisecond))
			deep := node.Query{Limit: 200}
			for range min(threads/2, 10_000) / deep.Limit {
				p, err := n.List(context.Background(), deep)
				if err != nil {
					b.Fatal(err)
				}
				deep.Cursor = p.Next
			}
			deep.Limit = 50
			for _, c := range []struct {
				name string
				q    node.Query
			}{
				{"first", node.Query{}}, {"deep", deep}, {"desk", node.Query{Filter: node.Filter{Desk: "assist"}}}, {"rare-peer", node.Query{Filter: node.Filter{Peer: "XC"}}},
				{"open", node.Query{Filter: node.Filter{Open: true}}}, {"status", node.Query{Filter: node.Filter{Status: "open"}}}, {"unread", node.Query{Filter: node.Filter{Unread: true}}},
				{"owed", node.Query{Filter: node.Filter{Owed: true}}}, {"due", node.Query{Order: node.ByDue}}, {"none", node.Query{Filter: node.Filter{Precedence: "flash"}}},
				{"common-word", node.Query{Text: "beacon"}}, {"rare-words", node.Query{Text: "beacon word4711"}}, {"two-common", node.Query{Text: "alpha host"}}, {"never-together", node.Query{Text: "alpha beta"}},
			} {
				b.Run(c.name, func(b *testing.B) {
					found := 0
					for b.Loop() {
						p, err := n.List(context.Background(), c.q)
						if err != nil {
							b.Fatal(err)
						}
						found = len(p.Threads)
					}
					b.ReportMetric(float64(found), "threads")
				})
			}
			b.Run("counts", func(b *testing.B) {
				for b.Loop() {
					if _, err := n.Counts(context.Background()); err != nil {
						b.Fatal(err)
					}
				}
			})
			b.Run("thread", func(b *testing.B) {
				for b.Loop() {
					if _, _, err := n.Thread(context.Background(), id); err != nil {
						b.Fatal(err)
					}
				}
			})
		})
	}
}
