package misp

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"golang.org/x/sync/semaphore"

	"github.com/comity-exchange/comity/internal/node"
	"github.com/comity-exchange/comity/marking"
)

// bomb is gzip of n spaces in an event.
func bomb(t *testing.T, n int) string {
	t.Helper()
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	_, err := io.Copy(w, io.MultiReader(strings.NewReader(`{"Event":{"info":"`), strings.NewReader(strings.Repeat(" ", n)), strings.NewReader(`"}}`)))
	if err == nil {
		err = w.Close()
	}
	if err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// TestNothingIsReadOfWhoMayNotPush: a token that brings nothing is refused before its body is there, by every way that pushes.
func TestNothingIsReadOfWhoMayNotPush(t *testing.T) {
	t.Parallel()
	// spec: INT-9
	h := newHouse(t, Options{})
	into := h.opens("fromMISP", "misp", marking.Green)
	h.brings(into, marking.Green, anEvent(1, "walnut", "1795000100", "tlp:green", attribute(1, "domain", "walnut.example", "")))
	h.partner(node.TokenLimits{Partner: "reader", TLP: marking.Green, See: []string{"all"}})
	for _, who := range []string{"reader", "aud"} {
		for _, path := range []string{
			"events/add", "events/edit/" + eventUUID(1), "events/filterEventIdsForPush", "sightings/bulkSaveSightings/" + eventUUID(1), "sightings/filterSightingUuidsForPush/" + eventUUID(1),
		} {
			body, sending := io.Pipe() // never ends
			r, err := http.NewRequestWithContext(t.Context(), post, h.server.URL+"/misp/"+path, body)
			h.must(err)
			r.Header.Set("Authorization", h.tokens[who])
			r.Header.Set("Content-Encoding", "gzip")
			a, err := h.server.Client().Transport.RoundTrip(r)
			h.must(err)
			if a.StatusCode != http.StatusForbidden {
				t.Errorf("%s: %s: %d", who, path, a.StatusCode)
			}
			_ = a.Body.Close()
			_ = sending.Close()
		}
	}
}

// TestLargeBodiesTakeTurns: what is held of bodies is bounded over all who send; small ones are not kept waiting by large ones; who waits too long is told to come again.
func TestLargeBodiesTakeTurns(t *testing.T) {
	t.Parallel()
	h := newHouse(t, Options{})
	h.opens("fromMISP", "misp", marking.Green)
	large := bomb(t, 2*modest)
	h.posts(400, "/misp/events/add", large, "Content-Encoding", "gzip")

	h.misp.room.patience = time.Millisecond
	r := h.misp.room
	h.must(r.large.Acquire(t.Context(), largeRoom-maxContent+1))
	if a := h.posts(503, "/misp/events/add", large, "Content-Encoding", "gzip"); a.header.Get("Retry-After") == "" {
		t.Errorf("%v", a.header)
	}
	h.posts(200, "/misp/events/add", anEvent(1, "walnut", "1795000100", "tlp:green", attribute(1, "domain", "walnut.example", "")))
	h.posts(400, "/misp/events/add", bomb(t, 100), "Content-Encoding", "gzip") // no uuid
	// One that says its length takes no more than that.
	h.posts(400, "/misp/events/add", `{"Event":{"info":"`+strings.Repeat(" ", 2*modest)+`"}}`)
	r.large.Release(largeRoom - maxContent + 1)
	h.misp.room.patience = patience // what one body took is given back after its answer
	h.posts(400, "/misp/events/add", large, "Content-Encoding", "gzip")
	h.misp.room.patience = time.Millisecond

	// Nor does a crowd of small ones that unpack to more.
	h.must(r.modest.Acquire(t.Context(), modestRoom))
	h.posts(503, "/misp/events/add", bomb(t, 100), "Content-Encoding", "gzip")
	h.posts(200, "/misp/events/restSearch", `{"eventid":"`+eventUUID(1)+`"}`)
	r.modest.Release(modestRoom)

	h.misp.room.patience = patience
	// All that was taken is given back, whatever became of it.
	for range 2 * maxAtOnce {
		h.posts(400, "/misp/events/add", large, "Content-Encoding", "gzip")
		h.posts(413, "/misp/events/add", bomb(t, maxContent), "Content-Encoding", "gzip")
		h.posts(400, "/misp/events/add", large[:len(large)/2], "Content-Encoding", "gzip")
		h.posts(413, "/misp/events/restSearch", bomb(t, maxAsked), "Content-Encoding", "gzip")
	}
	for _, in := range []struct {
		of  *semaphore.Weighted
		all int64
	}{{r.modest, modestRoom}, {r.large, largeRoom}} {
		h.must(in.of.Acquire(t.Context(), in.all))
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.held) != 0 {
		t.Errorf("%v", r.held)
	}
}

// TestOneTokenLeavesRoom: a token that sends many bodies at once does not keep out others.
func TestOneTokenLeavesRoom(t *testing.T) {
	t.Parallel()
	r := newRoom()
	var leave []func()
	for range maxAtOnce {
		l, err := r.enter("one")
		if err != nil {
			t.Fatal(err)
		}
		leave = append(leave, l)
	}
	if _, err := r.enter("one"); err == nil {
		t.Error("one more")
	}
	if _, err := r.enter("other"); err != nil {
		t.Error(err)
	}
	leave[0]()
	if _, err := r.enter("one"); err != nil {
		t.Error(err)
	}
}

// TestListsAreCounted: the shortest elements do not make a list that is many times as large as what is sent.
func TestListsAreCounted(t *testing.T) {
	t.Parallel()
	h := newHouse(t, Options{})
	h.opens("fromMISP", "misp", marking.Green)
	h.posts(200, "/misp/events/add", anEvent(1, "walnut", "1795000100", "tlp:green", attribute(1, "domain", "walnut.example", "")))
	for _, path := range []string{"events/filterEventIdsForPush", "sightings/bulkSaveSightings/" + eventUUID(1)} {
		h.posts(413, "/misp/"+path, "["+strings.Repeat("{},", maxListed)+"{}]")
		for _, no := range []string{``, `{`, `1`, `[1]`, `[{}`, `[{}]]`, `null`} {
			h.posts(400, "/misp/"+path, no)
		}
	}
	for _, no := range []string{`{"Sighting":[{}`, `{"Sighting":{}}`, `{"Sighting":[]}x`, `{"other":}`} {
		h.posts(400, "/misp/sightings/bulkSaveSightings/"+eventUUID(1), no)
	}
	one := fmt.Sprintf(`{"attribute_uuid":"%s","date_sighting":"1795000500","type":"0"}`, attributeUUID(1))
	if a := h.posts(200, "/misp/sightings/bulkSaveSightings/"+eventUUID(1), `{"other":[1],"Sighting":[`+one+`]}`); !strings.Contains(a.body, `"saved":true`) {
		t.Errorf("%s", a.body)
	}
}
