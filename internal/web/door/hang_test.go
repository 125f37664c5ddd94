package door

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/comity-exchange/comity/fault"
)

// TestProviderHangs: officers do not stand in line before a provider that accepts and says nothing. It is asked once for all who wait, whose leaving ends their waiting,
// and what did not answer is left alone for a while.
func TestProviderHangs(t *testing.T) {
	t.Parallel()
	var asked atomic.Int64
	came, let := make(chan struct{}, 100), make(chan struct{})
	at := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		asked.Add(1)
		came <- struct{}{}
		<-let
		w.WriteHeader(http.StatusInternalServerError)
	}))
	t.Cleanup(at.Close)
	clock := &clock{now: time.Date(2026, 3, 2, 8, 0, 0, 0, time.UTC)}
	p := &provider{issuer: at.URL, web: at.Client(), now: clock.Now}
	var all sync.WaitGroup
	for range 20 {
		all.Go(func() {
			if _, _, err := p.ready(t.Context()); fault.CodeOf(err) != fault.Unavailable {
				t.Errorf("%v", err)
			}
		})
	}
	<-came
	left, leave := context.WithCancel(t.Context())
	leave()
	if _, _, err := p.ready(left); fault.CodeOf(err) != fault.Unavailable { // else it would wait for what has not come
		t.Errorf("%v", err)
	}
	close(let)
	all.Wait()
	if _, _, err := p.ready(t.Context()); fault.CodeOf(err) != fault.Unavailable || asked.Load() != 1 {
		t.Errorf("it was asked %d times: %v", asked.Load(), err)
	}
	clock.pass(unasked)
	if _, _, err := p.ready(t.Context()); fault.CodeOf(err) != fault.Unavailable || asked.Load() != 2 {
		t.Errorf("it was asked %d times: %v", asked.Load(), err)
	}
}

// TestOutside: what fails before somebody has come in leads to the ways in, and not to the desk.
func TestOutside(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	a := h.browser().get(SignIn + "/oidc")
	if a.StatusCode != http.StatusNotFound || !strings.Contains(a.text, `class="button" href="`+SignIn+`"`) || strings.Contains(a.text, "To the duty desk") {
		t.Errorf("%d: %s", a.StatusCode, a.text)
	}
}
