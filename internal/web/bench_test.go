package web_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
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

// BenchmarkAgreements asks for the pages that show agreements, of a node that has so many of them.
func BenchmarkAgreements(b *testing.B) {
	for _, n := range []int{1, 40} {
		f := fedtest.New(b, "XA", "XB")
		raw, err := os.ReadFile("testdata/assistance.json")
		if err != nil {
			b.Fatal(err)
		}
		xa := f.At("XA")
		agreed := f.Agree(string(raw), "XA")
		for i := range n - 1 {
			text := strings.Replace(string(raw), "XA and XB", fmt.Sprintf("XA and XB, number %d", i), 1)
			if _, err := xa.Propose(b.Context(), []byte(text), nil, "", xa.By("releasing-officer", "")); err != nil {
				b.Fatal(err)
			}
		}
		f.Quiet()
		if err := xa.Index(b.Context()); err != nil { // or it goes on while pages are measured
			b.Fatal(err)
		}
		pages := web.Handler(xa.Node, web.Options{})
		for name, path := range map[string]string{
			"list": "/agreements", "one": "/agreements/" + agreed.String(), "threads": "/threads", "try": "/agreements/" + agreed.String() + "?try=yes&from=XA&to=XB&kind=assist.request&tlp=RED",
		} {
			b.Run(fmt.Sprintf("%s/agreements=%d", name, n), func(b *testing.B) {
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
