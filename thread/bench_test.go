package thread_test

import (
	"fmt"
	"testing"

	"github.com/comity-exchange/comity/desk/assist"
	"github.com/comity-exchange/comity/party"
	"github.com/comity-exchange/comity/statement"
	"github.com/comity-exchange/comity/thread"
	"github.com/comity-exchange/comity/thread/threadtest"
)

// supplements is a request with n−1 supplements, one after the other.
func supplements(b *testing.B, n int) (*threadtest.Talk, thread.State) {
	b.Helper()
	k := threadtest.NewTalk(b, assist.Desk{})
	k.Open("XA", []party.Code{"XB"}, assist.KindRequest, assist.Request{Type: assist.Analysis, Clock: &thread.Limit{Acknowledge: 1, Answer: 1}})
	for range n - 1 {
		k.Say("XA", assist.KindSupplement, assist.Supplement{})
	}
	return k, k.Fold().State
}

// BenchmarkExtend takes one head more; the cost must not depend on how many there are.
func BenchmarkExtend(b *testing.B) {
	for _, n := range []int{2, 100, 1000} {
		b.Run(fmt.Sprintf("after=%d", n), func(b *testing.B) {
			k, s := supplements(b, n)
			draft := *k.Heads[n-1]
			draft.After, draft.ID = []statement.ID{draft.ID}, statement.ID{1}
			b.ReportAllocs()
			for b.Loop() {
				if _, _, ok := k.Rules.Extend(s, &draft); !ok {
					b.Fatal("not an extension")
				}
			}
		})
	}
}

// BenchmarkFold takes a whole thread.
func BenchmarkFold(b *testing.B) {
	for _, n := range []int{10, 1000} {
		b.Run(fmt.Sprintf("heads=%d", n), func(b *testing.B) {
			k, _ := supplements(b, n)
			b.ReportAllocs()
			for b.Loop() {
				if _, err := k.Rules.Fold(k.Heads); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
