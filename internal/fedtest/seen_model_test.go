package fedtest

import (
	"bytes"
	"cmp"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"

	"github.com/go-json-experiment/json"

	"github.com/comity-exchange/comity/agreement"
	"github.com/comity-exchange/comity/desk/intel"
	"github.com/comity-exchange/comity/internal/catalogue"
	"github.com/comity-exchange/comity/internal/exchange"
	"github.com/comity-exchange/comity/internal/store"
	"github.com/comity-exchange/comity/marking"
	"github.com/comity-exchange/comity/party"
	"github.com/comity-exchange/comity/statement"
	"github.com/comity-exchange/comity/stix"
	"github.com/comity-exchange/comity/thread"
)

// The model of who may see what: heads and blobs, read from the store one after another, and the words of ONW-1 to ONW-3 and INT-3. It uses nothing of the catalogue but the order in which parcels came.

// terms is what an agreement says of passing on, and whom it binds.
type terms struct {
	onward  string
	parties []party.Code
}

// held is a line of a parcel that is not hidden by what it is or how it is marked.
type held struct {
	raw    string
	head   *statement.Head
	no     int64 // of its parcel
	n      int
	object modelled
}

// modelled is what the model reads of an object.
type modelled struct {
	Type     string   `json:"type"`
	ID       string   `json:"id"`
	Spec     string   `json:"spec_version"`
	Modified string   `json:"modified"`
	Name     string   `json:"name"`
	Value    string   `json:"value"`
	Pattern  string   `json:"pattern"`
	Source   string   `json:"source_ref"`
	Target   string   `json:"target_ref"`
	Marked   []string `json:"object_marking_refs"`
	Granular []struct {
		Marked string `json:"marking_ref"`
	} `json:"granular_markings"`
	Rest map[string]any `json:",embed"`
}

// labels has the ids of TLP 1 and 2 that the test uses.
func labels() map[string]marking.TLP {
	return map[string]marking.TLP{
		"marking-definition--613f2e26-407d-48c7-9eca-b8e91df99dc9": marking.Clear, "marking-definition--34098fce-860f-48ae-8e50-ebd3cc5e41da": marking.Green,
		"marking-definition--f88d31f6-486f-44da-b317-01333bde0b82": marking.Amber, "marking-definition--5e57c739-391a-4eb3-b6be-7d15ca92d5ed": marking.Red,
		"marking-definition--94868c89-83c2-464b-929b-a1a8aa3c8487": marking.Clear, "marking-definition--bab4a63c-aed9-4cf5-a766-dfca5abac2bb": marking.Green,
		"marking-definition--55d920b0-5e8b-4f79-9ee9-91f868d9b421": marking.Amber, "marking-definition--939a9414-2ddd-4d32-a0cd-375ea402b003": marking.AmberStrict,
		"marking-definition--e828b379-4e03-4974-9ac4-e53a884c97c1": marking.Red,
	}
}

// key names an object in one version.
func (o *modelled) key() string { return o.ID + " " + o.Modified }

// strictest is the narrowest label that an object names; unknown tells that it names something that is none.
func (o *modelled) strictest() (m marking.TLP, unknown []string) {
	all := o.Marked
	for _, g := range o.Granular {
		all = append(all, g.Marked)
	}
	for _, id := range all {
		label, ok := labels()[id]
		switch {
		case !ok:
			unknown = append(unknown, id)
		case label.Rank() > m.Rank():
			m = label
		}
	}
	return m, unknown
}

// model is what a party has, made anew from its store.
type model struct {
	self  party.Code
	terms map[agreement.ID]terms
	lines []held
}

// read makes the model of what is here now.
func (m *model) read(tx store.Tx) error {
	m.lines = nil
	var all []store.Parcel
	for after := int64(0); ; {
		some, err := tx.Parcels(store.ParcelQuery{After: after, Limit: 100})
		if err != nil {
			return err
		}
		if len(some) == 0 {
			break
		}
		all, after = append(all, some...), some[len(some)-1].No
	}
	no := map[store.ContentRef]int64{}
	for _, p := range all {
		no[p.Content] = p.No
	}
	var threads []thread.ID
	if err := tx.Threads(string(intel.Kind), func(row store.ThreadRow) bool { threads = append(threads, row.ID); return true }); err != nil {
		return err
	}
	var heads []*statement.Head
	for _, id := range threads {
		var bad error
		err := tx.EachOfThread(id, func(s store.Statement) bool {
			h, err := statement.Reread(s.ID, s.Head)
			if bad = err; err != nil {
				return false
			}
			if _, brings, err := intel.Brings(h); err == nil && brings && s.Void == "" && s.Folded && h.Body != nil && !(h.From == m.self && h.Kind == intel.KindIncrement) {
				heads = append(heads, h)
			}
			return true
		})
		if err := cmp.Or(err, bad); err != nil {
			return err
		}
	}
	for _, h := range heads {
		for part := range h.Body.Blobs {
			ref := store.ContentRef{Statement: h.ID, Part: part}
			c, err := tx.Content(ref)
			if err != nil || c.Erased || !c.Whole {
				continue
			}
			var b bytes.Buffer
			if err := tx.Read(ref, &b); err != nil {
				return err
			}
			if no[ref] == 0 {
				return fmt.Errorf("a parcel of %s is not in the catalogue", h.Kind)
			}
			m.parcel(h, no[ref], b.String())
		}
	}
	slices.SortFunc(m.lines, func(a, b held) int { return cmp.Or(cmp.Compare(a.no, b.no), a.n-b.n) })
	m.once()
	return nil
}

// parcel takes the lines that are objects, and are marked no more narrowly than their head.
func (m *model) parcel(h *statement.Head, no int64, text string) {
	for n, raw := range strings.Split(strings.TrimSuffix(text, "\n"), "\n") {
		l := held{raw: raw, head: h, no: no, n: n}
		if json.Unmarshal([]byte(raw), &l.object) != nil || !strings.HasPrefix(l.object.ID, l.object.Type+"--") {
			continue
		}
		if label, _ := l.object.strictest(); label.Rank() > h.Marking.TLP.Rank() {
			continue
		}
		m.lines = append(m.lines, l)
	}
}

// way is all by which a head is judged: what came in the same way is seen by the same.
func (l *held) way() string {
	b, err := json.Marshal(l.head.Marking, json.Deterministic(true))
	if err != nil {
		panic(err)
	}
	return fmt.Sprint(l.head.ThreadID(), l.head.From, l.head.To, l.head.Agreement, string(b))
}

// once leaves, of what came in the same way in the same version, what came first.
func (m *model) once() {
	seen := map[string]bool{}
	m.lines = slices.DeleteFunc(m.lines, func(l held) bool {
		key := l.way() + l.object.ID + l.object.Modified
		if l.object.Modified == "" {
			key += l.raw
		}
		again := seen[key]
		seen[key] = true
		return again
	})
}

// sees tells whether a viewer may get what came with a head.
func (m *model) sees(v catalogue.Viewer, h *statement.Head) bool {
	// spec: INT-9
	return v.Officer || h.Marking.TLP.Rank() <= v.Max.Rank() && m.passes(v.Party, h)
}

// passes tells whether what came with a head may go to somebody.
func (m *model) passes(to party.Code, h *statement.Head) bool {
	// spec: ONW-1, ONW-2, ONW-3
	gathered := h.Kind == intel.KindImport && !bytes.Contains(h.Facts, []byte(`"own":true`))
	if h.From == m.self && !gathered || to == h.From || to != m.self && slices.Contains(h.To, to) {
		return true
	}
	if h.Marking.TLP == marking.Red || to != m.self && slices.Contains(h.Marking.Handling, "no-onward") {
		return false
	}
	if to == m.self || strings.HasPrefix(string(to), string(m.self)+".") {
		return true
	}
	said := terms{}
	if h.Agreement != nil {
		said = m.terms[h.Agreement.ID]
	}
	switch said.onward {
	case "none", "ask":
		return false
	case "parties":
		if !slices.Contains(said.parties, to) {
			return false
		}
		if h.Marking.TLP == marking.Amber {
			return true
		}
	}
	personal := h.Marking.PersonalData == marking.PersonalMinimised || h.Marking.PersonalData == marking.PersonalAllowed
	switch {
	case personal && said.onward != "parties" && said.onward != "free":
		return false
	case h.Marking.TLP == marking.Clear:
		return true
	}
	return h.Marking.TLP == marking.Green && to != exchange.Outside
}

// gets lists what a viewer may get, in the order in which it came.
func (m *model) gets(v catalogue.Viewer, of thread.ID) (all []held) {
	for _, l := range m.lines {
		if (of.IsZero() || l.head.ThreadID() == of) && m.sees(v, l.head) {
			all = append(all, l)
		}
	}
	return all
}

// page lists what a query gives, all pages of it.
func (m *model) page(q catalogue.Query) (all []string) {
	mine := m.gets(q.For, q.Thread)
	for i, l := range mine {
		o := l.object
		switch {
		case len(q.IDs) > 0 && !slices.ContainsFunc(q.IDs, func(id stix.ID) bool { return string(id) == o.ID }),
			len(q.Types) > 0 && !slices.ContainsFunc(q.Types, func(t stix.Type) bool { return string(t) == o.Type }),
			len(q.Specs) > 0 && !slices.Contains(q.Specs, cmp.Or(o.Spec, "2.1")):
			continue
		}
		v := q.Versions
		exact := slices.ContainsFunc(v.Exact, func(t stix.Timestamp) bool { return string(t) == o.Modified })
		if v.All || exact || v.First && i == oldest(mine, o) || (v.Last || !v.First && len(v.Exact) == 0) && slices.Contains(lasts(mine, o), i) {
			all = append(all, l.raw)
		}
	}
	return all
}

// feeds tells whether line i goes into a feed of indicators and malware up to TLP:AMBER.
func (m *model) feeds(to party.Code, i int) bool {
	// spec: INT-4
	goes := func(l held) bool {
		h := l.head
		return h.From != to && !slices.Contains(h.To, to) && m.passes(to, h)
	}
	l := m.lines[i]
	own := l.head.From == m.self && bytes.Contains(l.head.Facts, []byte(`"own":true`))
	first, known := true, own // whose word was the first that goes
	for j, k := range m.lines {
		if j == i || k.object.ID != l.object.ID {
			continue
		}
		same := k.head.ThreadID() == l.head.ThreadID()
		if j < i && !known && goes(k) {
			first, known = same, true
		}
		if same && k.object.Modified > l.object.Modified && (j < i || !alike(k.head, l.head)) && !goes(k) {
			return false // it was out of date when it came, and what took its place does not go
		}
	}
	return goes(l) && first && l.head.Marking.TLP.Rank() <= marking.Amber.Rank() // what is stricter belongs to it, and is held back by the agreement
}

// alike tells whether who sees what came with one head sees what came with another.
func alike(a, b *statement.Head) bool {
	return reflect.DeepEqual(a.Marking, b.Marking) && a.From == b.From && slices.Equal(a.To, b.To) && reflect.DeepEqual(a.Agreement, b.Agreement)
}

// oldest is the place of an object's first version. Of several that gave it, the first that came stands for it.
func oldest(all []held, o modelled) (at int) {
	at = -1
	for i, l := range all {
		if l.object.ID == o.ID && (at < 0 || l.object.Modified < all[at].object.Modified) {
			at = i
		}
	}
	return at
}

// lasts are the places of an object's last versions by each who has said it in a thread; what has no versions is the newer the later it came. Of what several say alike the first that came stands for all.
func lasts(all []held, o modelled) (places []int) {
	type author struct {
		thread thread.ID
		from   party.Code
	}
	newest := map[author]int{}
	for i, l := range all {
		if l.object.ID != o.ID {
			continue
		}
		who := author{l.head.ThreadID(), l.head.From}
		if at, ok := newest[who]; !ok || l.object.Modified > all[at].object.Modified || o.Modified == "" {
			newest[who] = i
		}
	}
	for _, i := range slices.Sorted(maps.Values(newest)) {
		said := func(j int) bool {
			return all[i].object.Modified == all[j].object.Modified && (o.Modified != "" || all[i].raw == all[j].raw)
		}
		if !slices.ContainsFunc(places, said) {
			places = append(places, i)
		}
	}
	return places
}

// search lists what is found by a value, a word of the name, and a type.
func (m *model) search(s catalogue.Search) (all []string) {
	for _, l := range m.gets(s.For, thread.ID{}) {
		o := l.object
		if s.Value != "" && o.Value != s.Value && !strings.Contains(o.Pattern, "'"+s.Value+"'") || s.Text != "" && !slices.Contains(strings.Fields(o.Name), s.Text) || s.Type != "" && o.Type != string(s.Type) {
			continue
		}
		all = append(all, l.raw)
	}
	return all
}

// about lists what there is of an object, and what refers to it.
func (m *model) about(v catalogue.Viewer, id string) (entries, about []string) {
	for _, l := range m.gets(v, thread.ID{}) {
		if l.object.ID == id {
			entries = append(entries, l.raw)
		}
		if l.object.Source == id || l.object.Target == id {
			about = append(about, l.raw)
		}
	}
	return entries, about
}

// differ tells how what was given is not what may be had; "" where it is.
func differ(got, want []string) string {
	got, want = slices.Sorted(slices.Values(got)), slices.Sorted(slices.Values(want))
	if slices.Equal(got, want) {
		return ""
	}
	left := slices.Clone(want)
	for _, g := range got {
		i := slices.Index(left, g)
		if i < 0 {
			return "given, and must not be, or twice: " + g
		}
		left = slices.Delete(left, i, i+1)
	}
	return "not given: " + left[0]
}
