package taxii

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/comity-exchange/comity/marking"
	"github.com/comity-exchange/comity/thread"
)

// TestPagesLoseNothing: whoever goes on after a page, by next or by added_after, gets everything once, though objects are added between two pages and the node starts anew.
func TestPagesLoseNothing(t *testing.T) {
	t.Parallel()
	h := newHouse(t, Options{})
	var want []string
	add := func(n int) {
		var some []string
		for range n {
			name := fmt.Sprintf("n%03d", len(want))
			some, want = append(some, indicator(len(want), name, v1, "")), append(want, name)
		}
		h.adds(h.source, marking.Green, some...)
	}
	add(23)
	// The dates of a collection are all different and ascend, whatever the clock does: here it stands still.
	var last string
	for _, o := range h.gets(200, h.at(h.source)+"manifest/").read(t).Objects {
		if date := fmt.Sprint(o["date_added"]); date <= last || len(date) != len("2026-11-21T08:00:00.000000Z") {
			t.Fatalf("%s after %s", date, last)
		} else {
			last = date
		}
	}
	for _, by := range []string{"next", "added_after", "manifest"} {
		var got []string
		query, resource := "?limit=4", "objects/"
		if by == "manifest" {
			resource = "manifest/"
		}
		for round := 0; ; round++ {
			if round == 100 {
				t.Fatal("it does not end")
			}
			a := h.gets(200, h.at(h.source)+resource+query)
			r := a.read(t)
			if len(r.Objects) > 4 {
				t.Fatalf("%d objects above the limit", len(r.Objects))
			}
			for _, o := range r.Objects {
				if by == "manifest" {
					id := fmt.Sprint(o["id"])
					got = append(got, "n"+id[len(id)-3:])
				} else {
					got = append(got, fmt.Sprint(o["name"]))
				}
			}
			if !r.More {
				break
			}
			switch round {
			case 1:
				add(7)
			case 3:
				h.xa.Restart(nil)
				h.serve(Options{Burst: 1_000_000})
			}
			query = "?limit=4&next=" + r.Next
			if by == "added_after" {
				query = "?limit=4&added_after=" + a.header.Get("X-TAXII-Date-Added-Last")
			}
		}
		if !slices.Equal(got, want) {
			t.Errorf("by %s: %d objects, want %d: %v", by, len(got), len(want), got)
		}
	}
	// added_after without a fraction; the answer to who has everything is an envelope without objects.
	if r := h.gets(200, h.at(h.source)+"objects/?limit=9&added_after=2020-01-01T00:00:00Z").read(t); len(r.Objects) != 9 || !r.More {
		t.Errorf("%+v", r)
	}
	if a := h.gets(200, h.at(h.source)+"objects/?added_after=2099-01-01T00:00:00.5Z"); a.body != "{}" {
		t.Errorf("%s", a.body)
	}
}

// TestNobodySeesMore: whatever is asked for, an object that its marking keeps from a token is in no answer, nor is the source that it came from.
func TestNobodySeesMore(t *testing.T) {
	t.Parallel()
	// spec: INT-9, ONW-2
	h := newHouse(t, Options{})
	levels := marking.TLPs()
	sources := []thread.ID{h.source, h.opens("secret", marking.Red)}
	marks := []marking.TLP{marking.Green, marking.Red}
	seen := map[string]marking.TLP{} // how strictly each name is marked
	add := func(t *rapid.T) {
		s := rapid.IntRange(0, 1).Draw(t, "source")
		m := rapid.SampledFrom(levels).Draw(t, "marking")
		name := fmt.Sprintf("n%05d", len(seen))
		seen[name] = m
		if marks[s].Rank() > m.Rank() {
			seen[name] = marks[s]
		}
		h.adds(sources[s], marks[s], indicator(rapid.IntRange(1, 4).Draw(t, "id"), name, rapid.SampledFrom([]string{v1, v2, v3}).Draw(t, "version"), m))
	}
	gave := 0
	ids := []string{indicatorID(1), indicatorID(2), indicatorID(3) + "," + indicatorID(4)}
	rapid.Check(t, func(t *rapid.T) {
		for range rapid.IntRange(0, 2).Draw(t, "more") {
			add(t)
		}
		top := rapid.SampledFrom(levels).Draw(t, "good for")
		h.serve(Options{Burst: 1_000_000, Max: top})
		one := rapid.SampledFrom([]thread.ID{{}, sources[0], sources[1]}).Draw(t, "collection")
		var query []string
		if rapid.Bool().Draw(t, "by id") {
			query = append(query, "match[id]="+rapid.SampledFrom(ids).Draw(t, "ids"))
		}
		if rapid.Bool().Draw(t, "by version") {
			query = append(query, "match[version]="+rapid.SampledFrom([]string{"all", "first", "last", v2, "first," + v3}).Draw(t, "versions"))
		}
		if rapid.Bool().Draw(t, "by type") {
			query = append(query, "match[type]=indicator,malware")
		}
		if rapid.Bool().Draw(t, "few") {
			query = append(query, "limit=2")
		}
		path := h.at(one) + "objects/?" + strings.Join(query, "&")
		a := h.ask("ana", get, path, "")
		hidden := false
		for i := range sources {
			hidden = hidden || one == sources[i] && marks[i].Rank() > top.Rank()
		}
		if (a.status == 404) != hidden {
			t.Fatalf("%s for TLP:%s: %d", path, top, a.status)
		}
		for _, o := range a.read(h.t).Objects {
			gave++
			if m := seen[fmt.Sprint(o["name"])]; m.Rank() > top.Rank() {
				t.Fatalf("%s gave an object of TLP:%s to who may see TLP:%s", path, m, top)
			}
		}
		list := h.ask("ana", get, apiRoot+"collections/", "").body
		if strings.Contains(list, "secret") && marking.Red.Rank() > top.Rank() {
			t.Fatalf("TLP:%s sees the name of a source of TLP:RED", top)
		}
	})
	if gave == 0 {
		t.Error("nobody was given anything")
	}
}

// TestLimit: whoever asks too often waits, and is told for how long.
func TestLimit(t *testing.T) {
	t.Parallel()
	h := newHouse(t, Options{Rate: 1, Burst: 3})
	for range 3 {
		h.gets(200, "/taxii2/")
	}
	if a := h.gets(429, "/taxii2/"); a.header.Get("Retry-After") != "1" {
		t.Errorf("%v", a.header)
	}
	if a := h.ask("other", get, "/taxii2/", ""); a.status != 200 {
		t.Errorf("another waits, too: %d", a.status)
	}
}

// TestRevoked: what is remembered of a token does not outlive it.
func TestRevoked(t *testing.T) {
	t.Parallel()
	h := newHouse(t, Options{})
	h.gets(200, "/taxii2/")
	h.f.Clock.Pass(31 * 24 * time.Hour)
	h.gets(401, "/taxii2/")
}
