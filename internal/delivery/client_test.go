package delivery

import (
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/comity-exchange/comity/fault"
	"github.com/comity-exchange/comity/party"
)

// Of several endpoints, the one that answered last is asked first; one that is gone costs one attempt, and one that cannot serve is not asked again at once.
func TestEndpoints(t *testing.T) {
	t.Parallel()
	var asked []int
	status := []int{204, 204, 204}
	letter := &party.Letter{}
	var servers []*httptest.Server
	for i := range status {
		s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			asked = append(asked, i)
			w.WriteHeader(status[i])
		}))
		t.Cleanup(s.Close)
		servers, letter.Endpoints = append(servers, s), append(letter.Endpoints, s.URL)
	}
	c, l := New(Options{Now: time.Now}), &line{client: servers[0].Client(), endpoint: 7}
	ask := func(want ...int) {
		t.Helper()
		asked = nil
		resp, err := c.ask(t.Context(), letter, l, http.MethodPost, "/", nil, http.Header{})
		switch {
		case err != nil && len(want) > 0:
			t.Errorf("%v, not an answer of %v", err, want)
		case err == nil:
			resp.Body.Close()
		}
		if len(asked) != len(want) || len(want) == 1 && asked[0] != want[0] {
			t.Errorf("%v answered, not %v", asked, want)
		}
	}
	ask(1) // any
	ask(1)
	servers[1].Close()
	ask(2)
	ask(2)
	status[2] = 503
	ask(2) // it says so itself
	ask(0)
	ask(0)
	letter.Endpoints = letter.Endpoints[2:] // a new letter
	ask(2)
	letter.Endpoints = []string{servers[1].URL}
	if _, err := c.ask(t.Context(), letter, l, http.MethodPost, "/", nil, http.Header{}); fault.CodeOf(err) != fault.Unavailable {
		t.Errorf("nobody is there: %v", err)
	}
}
