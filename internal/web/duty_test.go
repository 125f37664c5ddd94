package web_test

import (
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"

	"github.com/comity-exchange/comity/internal/config"
	"github.com/comity-exchange/comity/internal/node"
	"github.com/comity-exchange/comity/internal/web"
	"github.com/comity-exchange/comity/statement"
)

// TestBusy is a desk with more than fits: what waits for approval, what is new and who is out of reach stand not below forty cards, and everything leads to the rest of it.
func TestBusy(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	for i := range 10 {
		d.ask(fmt.Sprintf("Request %d", i), statement.Immediate)
	}
	for i := range 9 {
		d.askOut(fmt.Sprintf("Our own %d", i))
	}
	html := d.page("duty", "/")
	if n := strings.Count(html, `class="card `); n != 8 {
		t.Errorf("%d cards", n)
	}
	d.has("busy", html, "<title>(10) Duty desk", `<a href="/threads?owed=yes">2 more</a>`, `<a href="/threads?others=yes">1 more</a>`, `<a href="#h-owed" class="">10 we owe</a>`, `<a href="#h-unread" class="">11 new</a>`, "9 owed to us")
	others := d.page("duty", "/threads?others=yes")
	if n := strings.Count(others, "Our own "); n < 9 || strings.Contains(others, "Request 1") {
		t.Errorf("others owe in %d threads", n)
	}
	d.has("the filter", others, `name="others" value="yes" checked`)
}

// TestFirst is a node that nobody speaks with yet: its pages say so, and what to do.
func TestFirst(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "XA")
	if _, err := node.Init(t.Context(), dir, node.Founding{Config: config.Defaults("XA"), Names: map[string]string{"en": "State of XA"}}); err != nil {
		t.Fatal(err)
	}
	n, err := node.Open(t.Context(), dir, node.Options{Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = n.Close() })
	pages := web.Handler(n, web.Options{})
	for _, path := range []string{"/", "/new/assist.request"} {
		w := httptest.NewRecorder()
		pages.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodGet, path, nil))
		html := w.Body.String()
		if w.Code != http.StatusOK || !strings.Contains(html, "No peer yet") || !strings.Contains(html, "comity credence import") || strings.Contains(html, "All 0 peers") || strings.Contains(html, `class="saying"`) || strings.Contains(html, "lead calm") {
			t.Errorf("%s: %d %s", path, w.Code, said(html))
		}
	}
}
