package ledger

import (
	"bytes"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/comity-exchange/comity/desk/assist"
	"github.com/comity-exchange/comity/fault"
	"github.com/comity-exchange/comity/party"
	"github.com/comity-exchange/comity/statement"
	"github.com/comity-exchange/comity/thread"
	"github.com/comity-exchange/comity/thread/threadtest"
)

// desk is where the heads of a test stand in the logs of their authors, and what was receipted.
type desk struct {
	t        threadtest.TB
	rules    *thread.Rules
	threads  []*threadtest.Talk
	length   map[party.Code]int64
	places   map[statement.ID]int64
	receipts []*statement.Head
}

func newDesk(t threadtest.TB) *desk {
	rules, err := thread.NewRules(assist.Desk{})
	if err != nil {
		t.Fatalf("%v", err)
	}
	return &desk{t: t, rules: rules, length: map[party.Code]int64{}, places: map[statement.ID]int64{}}
}

// ask opens a thread in which from asks to, at a time after Start.
func (d *desk) ask(at time.Duration, from party.Code, to []party.Code, r assist.Request, edits ...threadtest.Edit) *threadtest.Talk {
	k := threadtest.NewTalk(d.t, assist.Desk{})
	k.Now = threadtest.Start().Add(at)
	d.threads = append(d.threads, k)
	d.log(k.Open(from, to, assist.KindRequest, r, edits...))
	return k
}

// say puts a head into its author's log.
func (d *desk) say(k *threadtest.Talk, at time.Duration, by party.Code, kind statement.Kind, facts any, edits ...threadtest.Edit) *statement.Head {
	k.Now = threadtest.Start().Add(at)
	h := k.Say(by, kind, facts, edits...)
	d.log(h)
	return h
}

func (d *desk) log(h *statement.Head) {
	d.places[h.ID] = d.length[h.From]
	d.length[h.From]++
}

// receipt lets by receipt leaves of the log of from.
func (d *desk) receipt(at time.Duration, by, from party.Code, r thread.Delivered) {
	k := threadtest.NewTalk(d.t)
	k.Now = threadtest.Start().Add(at)
	r.Origin, r.Size, r.Root = party.MakeOrigin(from, 1), 1000, statement.Digest{1}
	h := k.Open(by, []party.Code{from}, thread.KindDelivered, r)
	d.receipts = append(d.receipts, h)
	d.log(h)
}

// arrived receipts one head, and its body.
func (d *desk) arrived(at time.Duration, by party.Code, h *statement.Head) {
	i := d.places[h.ID]
	one := []thread.Range{{i, i + 1}}
	d.receipt(at, by, h.From, thread.Delivered{Heads: one, Bodies: one})
}

func (d *desk) input() Input {
	in := Input{
		A: "XA", B: "XB", From: at(0), To: at(1000 * time.Hour), SizeA: d.length["XA"], SizeB: d.length["XB"], Receipts: d.receipts,
		Place: func(id statement.ID) (party.Origin, int64, bool) {
			i, ok := d.places[id]
			for _, k := range d.threads {
				for _, h := range k.Heads {
					if h.ID == id {
						return party.MakeOrigin(h.From, 1), i, ok
					}
				}
			}
			return "", 0, false
		},
	}
	for _, k := range d.threads {
		in.Threads = append(in.Threads, k.Heads)
	}
	return in
}

func (d *desk) compute() *Ledger {
	l, err := Compute(d.rules, d.input())
	if err != nil {
		d.t.Fatalf("%v", err)
	}
	return l
}

func at(d time.Duration) statement.Time { return statement.TimeOf(threadtest.Start().Add(d)) }

var (
	clock   = &thread.Limit{Acknowledge: 3600, Answer: 86400}
	request = assist.Request{Type: assist.Information, Clock: clock}
	full    = assist.Grant{Extent: assist.Full}
)

const hour = time.Hour

func body(blobs int) threadtest.Edit {
	return func(d *statement.Head) { d.Body = &statement.BodyRef{Size: 100, Blobs: blobs, BlobBytes: int64(blobs)} }
}

// TestBytes is the form of LED-2 and LED-3, to the byte.
func TestBytes(t *testing.T) {
	t.Parallel()
	// spec: LED-2, LED-3, LED-4, LED-6
	d := newDesk(t)
	k := d.ask(0, "XA", []party.Code{"XB"}, request)
	d.arrived(1*hour, "XB", k.Heads[0])
	d.say(k, 2*hour, "XB", assist.KindAcknowledge, assist.Acknowledge{})
	refusal := d.say(k, 3*hour, "XB", assist.KindRefuse, assist.Refuse{Grounds: []string{"sovereignty"}})
	d.arrived(4*hour, "XA", refusal)
	unanswered := d.ask(5*hour, "XB", []party.Code{"XA"}, assist.Request{Type: assist.Analysis}, func(h *statement.Head) {
		h.Agreement = &statement.AgreementRef{ID: statement.ID{0xab}, Digest: statement.Digest{0xcd}}
	})
	want := `{"v":1,"parties":["XA","XB"],"from":"2026-11-21T08:00:00.000Z","to":"2027-01-02T00:00:00.000Z","sizes":[2,4],"entries":[` +
		`{"id":"` + k.Heads[0].ID.String() + `","asker":"XA","asked":"XB","kind":"assist.request","precedence":"priority","exercise":false,` +
		`"asked_at":"2026-11-21T08:00:00.000Z","arrived_at":"2026-11-21T09:00:00.000Z","acknowledged_at":"2026-11-21T10:00:00.000Z",` +
		`"answered_at":"2026-11-21T11:00:00.000Z","answer_arrived_at":"2026-11-21T12:00:00.000Z","outcome":"refused","grounds":["sovereignty"],` +
		`"due_acknowledge":"2026-11-21T10:00:00.000Z","due_answer":"2026-11-22T09:00:00.000Z","kept":true},` +
		`{"id":"` + unanswered.Heads[0].ID.String() + `","asker":"XB","asked":"XA","agreement":"ab` + strings.Repeat("00", 31) + `",` +
		`"kind":"assist.request","precedence":"priority","exercise":false,"asked_at":"2026-11-21T13:00:00.000Z","outcome":"open"}],"totals":[` +
		`{"asker":"XA","asked":1,"acknowledged":1,"granted":0,"partly_granted":0,"granted_on_conditions":0,"postponed":0,"refused":1,"withdrawn":0,"open":0,"kept":1,"late":0},` +
		`{"asker":"XB","asked":1,"acknowledged":0,"granted":0,"partly_granted":0,"granted_on_conditions":0,"postponed":0,"refused":0,"withdrawn":0,"open":1,"kept":0,"late":0}]}`
	l := d.compute()
	if got := string(l.Marshal()); got != want {
		t.Fatalf("got  %s\nwant %s", got, want)
	}
	if l.Digest() != statement.Sum([]byte(want)) {
		t.Fatal("the digest is not that of the bytes")
	}
	if err := statement.CheckJSON(l.Marshal(), 1<<20); err != nil {
		t.Fatal(err)
	}
	again, err := Parse(l.Marshal())
	if err != nil || again.Digest() != l.Digest() || len(again.Entries) != 2 {
		t.Fatalf("read back: %v", err)
	}
}

// TestKept is LED-4: what arrived when, what was due, and whether it was kept.
func TestKept(t *testing.T) {
	t.Parallel()
	// spec: LED-4, RCP-6
	yes, no := true, false
	type said func(d *desk, k *threadtest.Talk)
	grantAt := func(at time.Duration, edits ...threadtest.Edit) said {
		return func(d *desk, k *threadtest.Talk) { d.say(k, at, "XB", assist.KindGrant, full, edits...) }
	}
	opened := func(d *desk, k *threadtest.Talk) { d.arrived(1*hour, "XB", k.Heads[0]) }
	gotAt := func(at time.Duration) said {
		return func(d *desk, k *threadtest.Talk) { d.arrived(at, "XA", k.Heads[len(k.Heads)-1]) }
	}
	postpone := func(d *desk, k *threadtest.Talk) {
		d.say(k, 2*hour, "XB", assist.KindPostpone, assist.Postpone{Reason: "workload", Until: at(48 * hour)})
	}
	blobsAt := func(at time.Duration, n int) said {
		return func(d *desk, k *threadtest.Talk) {
			i := d.places[k.Heads[len(k.Heads)-1].ID]
			d.receipt(at, "XA", "XB", thread.Delivered{Blobs: []thread.BlobsArrived{{Index: i, Arrived: n}}})
		}
	}
	tests := []struct {
		name string
		said []said
		kept *bool
		due  time.Duration // 0: none
	}{
		{"never arrived", []said{grantAt(2 * hour), gotAt(3 * hour)}, nil, 0},
		{"unanswered", []said{opened}, nil, 25 * hour},
		{"in time", []said{opened, grantAt(2 * hour), gotAt(3 * hour)}, &yes, 25 * hour},
		{"at the last moment", []said{opened, grantAt(2 * hour), gotAt(25 * hour)}, &yes, 25 * hour},
		{"said in time, arrived late", []said{opened, grantAt(2 * hour), gotAt(25*hour + time.Millisecond)}, &no, 25 * hour},
		{"never arrived back", []said{opened, grantAt(2 * hour)}, &no, 25 * hour},
		{"postponed", []said{opened, postpone}, nil, 48 * hour},
		{"postponed, in time", []said{opened, postpone, grantAt(40 * hour), gotAt(41 * hour)}, &yes, 48 * hour},
		{"withdrawn", []said{opened, func(d *desk, k *threadtest.Talk) { d.say(k, 2*hour, "XA", assist.KindWithdraw, assist.Withdraw{}) }}, nil, 25 * hour},
		{"blobs late", []said{opened, grantAt(2*hour, body(2)), gotAt(3 * hour), blobsAt(4*hour, 1), blobsAt(26*hour, 2)}, &no, 25 * hour},
		{"blobs in time", []said{opened, grantAt(2*hour, body(2)), gotAt(3 * hour), blobsAt(4*hour, 1), blobsAt(20*hour, 2)}, &yes, 25 * hour},
		{"blobs missing", []said{opened, grantAt(2*hour, body(2)), gotAt(3 * hour), blobsAt(4*hour, 1)}, &no, 25 * hour},
		{"the earliest receipt counts", []said{func(d *desk, k *threadtest.Talk) { d.arrived(9*hour, "XB", k.Heads[0]) }, opened, grantAt(2 * hour), gotAt(3 * hour)}, &yes, 25 * hour},
		{"the asked party receipts its own answer", []said{opened, grantAt(2 * hour), func(d *desk, k *threadtest.Talk) {
			i := d.places[k.Heads[1].ID]
			d.receipt(3*hour, "XB", "XA", thread.Delivered{Heads: []thread.Range{{i, i + 1}}})
		}}, &no, 25 * hour},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			d := newDesk(t)
			k := d.ask(0, "XA", []party.Code{"XB"}, request)
			for _, say := range tt.said {
				say(d, k)
			}
			e := d.compute().Entries[0]
			if (e.Kept == nil) != (tt.kept == nil) || e.Kept != nil && *e.Kept != *tt.kept {
				t.Errorf("kept is wrong: %+v", e)
			}
			want := statement.Time{}
			if tt.due > 0 {
				want = at(tt.due)
			}
			if e.DueAnswer != want {
				t.Errorf("due %v, want %v", e.DueAnswer, want)
			}
		})
	}
}

// TestForeignReceipts: receipts of other logs, by others, or whose facts do not hold say nothing, even if a range would fit.
func TestForeignReceipts(t *testing.T) {
	t.Parallel()
	// spec: RCP-1, RCP-6
	d := newDesk(t)
	k := d.ask(0, "XA", []party.Code{"XB"}, request)
	whole := []thread.Range{{0, 900}}
	d.receipt(1*hour, "XB", "XC", thread.Delivered{Heads: whole})                          // of another log
	d.receipt(1*hour, "XC", "XA", thread.Delivered{Heads: whole})                          // by another
	d.receipt(1*hour, "XB", "XA", thread.Delivered{Heads: []thread.Range{{5, 9}, {0, 4}}}) // out of order
	d.receipt(1*hour, "XB", "XA", thread.Delivered{Heads: []thread.Range{{0, 2000}}})      // beyond the log
	if e := d.compute().Entries[0]; !e.ArrivedAt.IsZero() {
		t.Fatalf("arrived at %v", e.ArrivedAt)
	}
	d.arrived(2*hour, "XB", k.Heads[0])
	if e := d.compute().Entries[0]; e.ArrivedAt != at(2*hour) {
		t.Fatalf("arrived at %v", e.ArrivedAt)
	}
}

// TestOnlyTheTwo: a request to two parties, and threads of others; each pair has its own ledger.
func TestOnlyTheTwo(t *testing.T) {
	t.Parallel()
	// spec: LED-1, LED-3, LED-5
	d := newDesk(t)
	both := d.ask(0, "XA", []party.Code{"XB", "XC"}, request)
	d.say(both, 1*hour, "XC", assist.KindClarify, assist.Clarify{Wanted: []string{"scope"}})
	d.say(both, 2*hour, "XB", assist.KindGrant, full) // after XC's head, which this ledger does not have
	d.ask(1*hour, "XC", []party.Code{"XB", "XA"}, request)
	d.ask(1*hour, "XA", []party.Code{"XC"}, request)
	d.ask(-1*hour, "XA", []party.Code{"XB"}, request)
	d.ask(1000*hour, "XB", []party.Code{"XA"}, request)
	l := d.compute()
	if len(l.Entries) != 1 || l.Entries[0].Asked != "XB" || l.Entries[0].Outcome != "granted" {
		t.Fatalf("entries %+v", l.Entries)
	}
	if l.Totals[0].Asked != 1 || l.Totals[1].Asked != 0 {
		t.Fatalf("totals %+v", l.Totals)
	}
}

func TestTotals(t *testing.T) {
	t.Parallel()
	// spec: LED-6
	d := newDesk(t)
	exercise := func(h *statement.Head) { h.Exercise = true }
	type answer struct {
		kind  statement.Kind
		facts any
	}
	for i, a := range []answer{
		{}, {assist.KindAcknowledge, assist.Acknowledge{}}, {assist.KindClarify, assist.Clarify{Wanted: []string{"scope"}}},
		{assist.KindPostpone, assist.Postpone{Reason: "workload", Until: at(500 * hour)}},
		{assist.KindGrant, full}, {assist.KindGrant, assist.Grant{Extent: assist.Part}},
		{assist.KindGrant, assist.Grant{Extent: assist.Full, Conditions: []string{"confidential"}}},
		{assist.KindRefuse, assist.Refuse{Grounds: []string{"security"}}},
		{thread.KindRefused, nil}, {assist.KindWithdraw, assist.Withdraw{}}, {assist.KindGrant, full},
	} {
		var edits []threadtest.Edit
		if i == 10 {
			edits = append(edits, exercise)
		}
		k := d.ask(time.Duration(i)*hour, "XA", []party.Code{"XB"}, request, edits...)
		d.arrived(time.Duration(i)*hour+time.Minute, "XB", k.Heads[0])
		by := party.Code("XB")
		switch a.kind {
		case "":
			continue
		case assist.KindWithdraw:
			by = "XA"
		case thread.KindRefused:
			a.facts = thread.Refused{ID: k.Heads[0].ID, Clause: "DEC-1", Reason: "agreement", Articles: []string{"4"}}
		}
		h := d.say(k, time.Duration(i)*hour+time.Hour, by, a.kind, a.facts)
		if a.kind == assist.KindGrant && i != 4 {
			d.arrived(time.Duration(i)*hour+2*time.Hour, "XA", h)
		}
	}
	l := d.compute()
	want := Total{Asker: "XA", Asked: 10, Acknowledged: 1, Granted: 1, PartlyGranted: 1, GrantedOnConditions: 1, Postponed: 1, Refused: 2,
		Withdrawn: 1, Open: 3, Kept: 2, Late: 3}
	if l.Totals[0] != want {
		t.Fatalf("got  %+v\nwant %+v", l.Totals[0], want)
	}
	if len(l.Entries) != 11 || !l.Entries[10].Exercise {
		t.Fatal("an exercise is an entry, and only that")
	}
	if e := l.Entries[8]; e.Outcome != "refused-by-rule" || !slices.Equal(e.Grounds, []string{"4"}) {
		t.Fatalf("refused by rule: %+v", e)
	}
}

func TestUsage(t *testing.T) {
	t.Parallel()
	// spec: LED-1, LED-2
	d := newDesk(t)
	for name, spoil := range map[string]func(*Input){
		"parties out of order": func(in *Input) { in.A, in.B = in.B, in.A },
		"one party":            func(in *Input) { in.B = in.A },
		"an empty period":      func(in *Input) { in.To = in.From },
	} {
		in := d.input()
		spoil(&in)
		if _, err := Compute(d.rules, in); fault.CodeOf(err) != fault.Usage {
			t.Errorf("%s: %v", name, err)
		}
	}
	for _, raw := range []string{"", "{}", `{"v":1}`, string(d.compute().Marshal()) + " ", strings.Replace(string(d.compute().Marshal()), `"v":1`, `"v":2`, 1)} {
		if _, err := Parse([]byte(raw)); fault.CodeOf(err) != fault.Malformed {
			t.Errorf("%q: %v", raw, err)
		}
	}
}

// TestBothSidesAgree: whatever was said and receipted, both sides compute the same bytes, and arrivals are what a plain search finds.
func TestBothSidesAgree(t *testing.T) {
	t.Parallel()
	// spec: LED-1, LED-2, RCP-6
	rapid.Check(t, func(t *rapid.T) {
		d := newDesk(t)
		for i := range rapid.IntRange(0, 6).Draw(t, "requests") {
			now := time.Duration(i) * hour
			asker, asked := party.Code("XA"), party.Code("XB")
			if rapid.Bool().Draw(t, "who") {
				asker, asked = asked, asker
			}
			k := d.ask(now, asker, []party.Code{asked}, request, body(rapid.IntRange(0, 2).Draw(t, "blobs")))
			if rapid.Bool().Draw(t, "answer") {
				d.say(k, now+time.Minute, asked, assist.KindGrant, full, body(rapid.IntRange(0, 2).Draw(t, "blobs")))
			}
		}
		for range rapid.IntRange(0, 8).Draw(t, "receipts") {
			now := time.Duration(rapid.IntRange(0, 12).Draw(t, "hour")) * hour
			pair := rapid.SampledFrom([][2]party.Code{{"XA", "XB"}, {"XB", "XA"}}).Draw(t, "pair")
			d.receipt(now, pair[0], pair[1], thread.Delivered{Heads: ranges(t), Bodies: ranges(t), Blobs: []thread.BlobsArrived{
				{Index: rapid.Int64Range(0, 9).Draw(t, "index"), Arrived: rapid.IntRange(1, 2).Draw(t, "arrived")}}})
		}
		ours := d.compute()
		in := d.input()
		in.Threads = append(permute(t, in.Threads), in.Threads...)
		in.Receipts = append(permute(t, in.Receipts), in.Receipts...)
		for i := range in.Threads {
			in.Threads[i] = permute(t, in.Threads[i])
		}
		theirs, err := Compute(d.rules, in)
		if err != nil || !bytes.Equal(ours.Marshal(), theirs.Marshal()) {
			t.Fatalf("%v\n%s\n%s", err, ours.Marshal(), theirs.Marshal())
		}
		for _, e := range ours.Entries {
			k := d.threads[slices.IndexFunc(d.threads, func(k *threadtest.Talk) bool { return k.Heads[0].ID == e.ID })]
			if want := d.search(e.Asked, k.Heads[0], false); e.ArrivedAt != want {
				t.Fatalf("arrived %v, want %v", e.ArrivedAt, want)
			}
			if len(k.Heads) > 1 && e.AnswerArrivedAt != d.search(e.Asker, k.Heads[1], true) {
				t.Fatalf("answer arrived %v, want %v", e.AnswerArrivedAt, d.search(e.Asker, k.Heads[1], true))
			}
		}
	})
}

// search finds an arrival the slow way: the earliest time by which the receipts so far cover all that is wanted.
func (d *desk) search(by party.Code, h *statement.Head, withBody bool) statement.Time {
	sorted := slices.SortedFunc(slices.Values(d.receipts), func(x, y *statement.Head) int { return x.Time.Compare(y.Time) })
	i := d.places[h.ID]
	head, content, blobs := false, !withBody, !withBody || h.Body.Blobs == 0
	for _, r := range sorted {
		f, err := thread.Facts[thread.Delivered](r)
		if err != nil || r.From != by {
			continue
		}
		head = head || f.CoversHead(i)
		content = content || f.CoversBody(i)
		blobs = blobs || f.BlobsOf(i) >= h.Body.Blobs
		if head && content && blobs {
			return r.Time
		}
	}
	return statement.Time{}
}

func ranges(t *rapid.T) []thread.Range {
	var all []thread.Range
	end := int64(0)
	for range rapid.IntRange(0, 2).Draw(t, "ranges") {
		lo := end + rapid.Int64Range(0, 4).Draw(t, "gap")
		end = lo + rapid.Int64Range(1, 4).Draw(t, "width")
		all = append(all, thread.Range{lo, end})
	}
	return all
}

func permute[T any](t *rapid.T, s []T) []T {
	if len(s) < 2 {
		return slices.Clone(s)
	}
	return rapid.Permutation(s).Draw(t, "order")
}

func TestFirstDifference(t *testing.T) {
	t.Parallel()
	// spec: LED-7
	a0, a1, b0 := Held{"XA/1", 0, statement.ID{1}}, Held{"XA/1", 1, statement.ID{2}}, Held{"XB/1", 0, statement.ID{3}}
	a2, old := Held{"XA/2", 0, statement.ID{4}}, Held{"XA/10", 0, statement.ID{5}}
	forged := Held{"XA/1", 1, statement.ID{9}}
	tests := []struct {
		name         string
		ours, theirs []Held
		want         Difference
		differ       bool
	}{
		{"nothing", nil, nil, Difference{}, false},
		{"the same in another order, some twice", []Held{b0, a1, a0}, []Held{a0, a0, a1, b0}, Difference{}, false},
		{"they lack one", []Held{a0, a1, b0}, []Held{a0, b0}, Difference{a1, true}, true},
		{"we lack one", []Held{a0}, []Held{b0, a0}, Difference{b0, false}, true},
		{"log A goes first", []Held{a0, b0}, []Held{a0, a1}, Difference{a1, false}, true},
		{"serials are numbers", []Held{old}, []Held{a2}, Difference{a2, false}, true},
		{"another head at the same place", []Held{a0, a1}, []Held{a0, forged}, Difference{a1, true}, true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got, differ := FirstDifference("XA", tt.ours, tt.theirs)
			if got != tt.want || differ != tt.differ {
				t.Fatalf("got %+v %v", got, differ)
			}
			back, _ := FirstDifference("XA", tt.theirs, tt.ours)
			if differ && (back.Held != got.Held || back.Ours == got.Ours) {
				t.Fatalf("the other side sees %+v", back)
			}
		})
	}
}
