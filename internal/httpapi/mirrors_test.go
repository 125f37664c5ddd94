package httpapi

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
)

// everyMirror sets a mirror up over a server outside, has it fetched, and forgets it. Its credential is in no answer.
func (h *house) everyMirror() {
	h.t.Helper()
	const get, post, secret = http.MethodGet, http.MethodPost, "a long way round"
	outside := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if _, password, _ := r.BasicAuth(); password != secret {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		w.Header().Set("Content-Type", "application/taxii+json;version=2.1")
		switch r.URL.Path {
		case "/taxii2/":
			fmt.Fprint(w, `{"title":"Outside","api_roots":["/api/"]}`)
		case "/api/":
			fmt.Fprint(w, `{"title":"The root","versions":["application/taxii+json;version=2.1"],"max_content_length":1000}`)
		case "/api/collections/":
			fmt.Fprint(w, `{"collections":[{"id":"c1","title":"Indicators","can_read":true,"can_write":false},{"id":"c2","title":"Closed","can_read":false,"can_write":false}]}`)
		case "/api/collections/c1/objects/":
			w.Header().Set("X-TAXII-Date-Added-Last", "2026-03-01T00:00:00.000001Z")
			fmt.Fprint(w, `{"objects":[{"type":"campaign","spec_version":"2.1","id":"campaign--00000000-0000-4000-8000-000000000001","created":"2026-03-01T00:00:00Z","modified":"2026-03-01T00:00:00Z","name":"WALNUT"},{"type":"x"}]}`)
		default:
			w.WriteHeader(http.StatusNotFound)
		}
	}))
	h.t.Cleanup(outside.Close)
	server := object{"url": outside.URL + "/taxii2/", "user": "desk", "secret": secret}
	h.no(403, "denied", "desk", post, "/api/mirrors/look", server)
	found := h.well("root", post, "/api/mirrors/look", server)
	if found.get("collections.0.title") != "Indicators" || found.get("collections.1.can_read") != "false" || found.get("collections.0.root") != "The root" {
		h.t.Errorf("%s", found.body)
	}
	add := object{"url": outside.URL + "/taxii2/", "user": "desk", "secret": secret, "name": "outside", "collection": "Closed", "every": 3600, "marking": object{"tlp": "GREEN", "handling": []string{"desk-only"}}}
	h.no(403, "denied", "desk", post, "/api/mirrors", add)
	h.no(422, "failed", "root", post, "/api/mirrors", add) // the server does not let it be read
	add["collection"] = "c1"
	add["every"] = 59
	h.no(422, "malformed", "root", post, "/api/mirrors", add)
	add["every"] = 3600
	made := h.well("root", post, "/api/mirrors", add)
	if made.status != 201 || made.get("url") != outside.URL+"/api/collections/c1/" || made.get("credential") != "true" || made.get("source") == "" {
		h.t.Errorf("%d %s", made.status, made.body)
	}
	h.no(409, "exists", "root", post, "/api/mirrors", add)
	h.no(400, "usage", "root", post, "/api/mirrors", object{"url": "http://feeds.example/", "name": "clear", "every": 3600})

	h.xa.Until("the served node has fetched it", func() bool {
		return h.well("reader", get, "/api/mirrors/outside", nil).get("state.last.taken") == "1"
	})
	if v := h.well("desk", get, "/api/mirrors", nil); v.get("mirrors.0.state.last.refused") != "1" || v.get("mirrors.0.state.failures") != "" || strings.Contains(string(v.body), secret) {
		h.t.Errorf("%s", v.body)
	}
	if v := h.well("root", post, "/api/mirrors/outside/pause", nil); v.get("paused") != "true" {
		h.t.Errorf("%s", v.body)
	}
	if v := h.well("root", post, "/api/mirrors/outside/resume", nil); v.get("paused") != "false" {
		h.t.Errorf("%s", v.body)
	}
	h.well("root", post, "/api/mirrors/outside/run", object{"again": true})
	h.xa.Until("it was fetched from the beginning", func() bool {
		return h.well("reader", get, "/api/mirrors/outside", nil).get("state.last.duplicates") == "1"
	})
	h.no(403, "denied", "desk", http.MethodPut, "/api/mirrors/outside/secret", object{"secret": "x"})
	if v := h.well("root", http.MethodPut, "/api/mirrors/outside/secret", object{}); v.get("credential") != "false" {
		h.t.Errorf("%s", v.body)
	}
	h.xa.Until("nobody is let in without one", func() bool {
		return strings.Contains(h.well("reader", get, "/api/mirrors/outside", nil).get("state.error"), "look at the credential")
	})
	h.no(403, "denied", "desk", http.MethodDelete, "/api/mirrors/outside", nil)
	h.well("root", http.MethodDelete, "/api/mirrors/outside", nil)
	h.no(404, "not-found", "reader", get, "/api/mirrors/outside", nil)
}
