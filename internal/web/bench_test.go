package web_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/comity-exchange/comity/internal/fedtest"
	"github.com/comity-exchange/comity/internal/web"
	"github.com/comity-exchange/comity/statement"

	"github.com/comity-exchange/comity/desk/assist"
	"github.com/comity-exchange/comity/internal/exchange"
	"github.com/comity-exchange/comity/party"
)

// BenchmarkPages asks for pages of a node with so many threads. The operator looks, so that what is measured is reading and writing pages.
func BenchmarkPages(b *testing.B) {
	for _, n := range []int{10, 200} {
		f := fedtest.New(b, "XA", "XB")
		agreed := f.Agree(fedtest.Pact("XA", "XB"), "XA")
		xa := f.At("XA")
		var last exchange.Said
		for i := range n {
			last = xa.Say(exchange.Draft{Kind: assist.KindRequest, To: []party.Code{"XB"}, Agreement: agreed, Precedence: statement.Routine, Title: fmt.Sprint("Request ", i), Text: "text"}, assist.Request{Type: assist.Analysis})
		}
		pages := web.Handler(xa.Node, web.Options{})
		for name, path := range map[string]string{"duty": "/", "threads": "/threads", "thread": "/threads/" + last.Thread.String(), "agreement": "/agreements/" + agreed.String()} {
			b.Run(fmt.Sprintf("%s/threads=%d", name, n), func(b *testing.B) {
				b.ReportAllocs()
				for b.Loop() {
					w := httptest.NewRecorder()
					pages.ServeHTTP(w, httptest.NewRequestWithContext(b.Context(), http.MethodGet, path, nil))
					if w.Code != http.StatusOK {
						b.Fatal(w.Code)
					}
				}
			})
		}
	}
}
