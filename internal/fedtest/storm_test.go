package fedtest

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/comity-exchange/comity/agreement"
	"github.com/comity-exchange/comity/desk/assist"
	"github.com/comity-exchange/comity/fault"
	"github.com/comity-exchange/comity/internal/exchange"
	"github.com/comity-exchange/comity/internal/node"
	"github.com/comity-exchange/comity/internal/store"
	"github.com/comity-exchange/comity/party"
	"github.com/comity-exchange/comity/statement"
	"github.com/comity-exchange/comity/thread"
)

// A storm is the same for the same seed, strikes as its odds say, and treats each direction by itself.
func TestStormIsItsSeed(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		seed := rapid.Uint64().Draw(t, "seed")
		p := Passage{From: "XA", To: "XB", N: rapid.IntRange(0, 1<<20).Draw(t, "n")}
		odds := Odds{Lose: 10, LoseAnswer: 10, Tear: 10, Wait: 10, Twice: 10, Keep: 10}
		if once, again := Storm(seed, odds), Storm(seed, odds); once(p) != again(p) {
			t.Fatal("two fates of one passage")
		}
		if (Storm(seed, Odds{})(p) != Fate{}) || (Storm(seed, Odds{Lose: 100})(p) != Fate{Lose: true}) {
			t.Fatal("odds of none or of all do not hold")
		}
		there, back := "", ""
		for i := range 40 {
			there += fmt.Sprint(Storm(seed, odds)(Passage{From: "XA", To: "XB", N: i}))
			back += fmt.Sprint(Storm(seed, odds)(Passage{From: "XB", To: "XA", N: i}))
		}
		if there == back {
			t.Fatal("both directions fare alike")
		}
	})
}

// saying is one statement of a story.
type saying struct {
	by *Party
	to []party.Code
	exchange.Said
}

// acting has parties say what a chance makes them say.
type acting struct {
	f       *Federation
	r       *rand.Rand
	agreed  agreement.ID
	parties []*Party
	said    []saying
}

// open has a party ask some others.
func (a *acting) open(p *Party, d exchange.Draft) exchange.Said {
	var to []party.Code
	for _, q := range a.parties {
		if q != p && (len(to) == 0 || a.r.IntN(2) == 0) {
			to = append(to, q.Code)
		}
	}
	d.Precedence = statement.Precedences()[a.r.IntN(4)]
	said := p.Ask(a.agreed, d, to...)
	a.said = append(a.said, saying{p, to, said})
	return said
}

// reply has a party say something that a thread admits, if it knows the thread and anything is admitted. What came in between may make it inadmissible.
func (a *acting) reply(p *Party, in saying) {
	a.f.T.Helper()
	if p != in.by && !slices.Contains(in.to, p.Code) || !p.here(in.ID) {
		return
	}
	raw := p.State(in.ID)
	if raw == "" {
		return
	}
	state, err := thread.ParseState([]byte(raw))
	a.f.must(err)
	var moves []thread.Move
	for _, m := range p.Rules.Moves(state, p.Code) {
		if a.facts(m.Kind) != nil {
			moves = append(moves, m)
		}
	}
	if len(moves) == 0 {
		return
	}
	kind := moves[a.r.IntN(len(moves))].Kind
	said, err := p.Try(exchange.Draft{Thread: in.ID, Kind: kind, Text: "In reply."}, a.facts(kind))
	if fault.CodeOf(err) == fault.Inadmissible {
		return
	}
	a.f.must(err)
	to := slices.DeleteFunc(append(slices.Clone(in.to), in.by.Code), func(c party.Code) bool { return c == p.Code })
	a.said = append(a.said, saying{p, to, said})
}

// facts are those of a move that needs no other statement's id; nil for any other.
func (a *acting) facts(k statement.Kind) any {
	switch k {
	case assist.KindAcknowledge:
		return assist.Acknowledge{}
	case assist.KindClarify:
		return assist.Clarify{Wanted: []string{"hosts"}}
	case assist.KindSupplement:
		return assist.Supplement{}
	case assist.KindPostpone:
		return assist.Postpone{Reason: "capacity", Until: statement.TimeOf(a.f.Clock.Now().Add(24 * time.Hour))}
	case assist.KindGrant:
		return assist.Grant{Extent: assist.Part}
	case assist.KindRefuse:
		return assist.Refuse{Grounds: []string{"no-capacity"}}
	}
	return nil
}

// arrived is how many of the statements have reached how many of those to whom they were said, and how many there are.
func (a *acting) arrived(said []saying) (n, of int) {
	for _, s := range said {
		for _, to := range s.to {
			of++
			if a.f.At(to).here(s.ID) {
				n++
			}
		}
	}
	return n, of
}

// kick has all couriers try at once.
func (f *Federation) kick() {
	for _, p := range f.Parties {
		for other := range f.Parties {
			if other != p.Code {
				p.Courier.Kick(other)
			}
		}
	}
}

// until lets the network take its course, step by step, until ok holds.
func (f *Federation) until(what string, ok func() bool) {
	f.T.Helper()
	deadline := time.Now().Add(Patience)
	for !ok() {
		if time.Now().After(deadline) {
			f.T.Fatalf("%s did not come about in %s", what, Patience)
		}
		f.Net.Step()
		f.kick()
		time.Sleep(15 * time.Millisecond) // gives the couriers their turn
	}
}

// settled waits until all that was said is where it belongs, and holds what the parties have against each other: every statement once, receipted once, every
// thread's state and every ledger the same on both sides, every log whole.
func (a *acting) settled() {
	t := a.f.T
	t.Helper()
	for _, s := range a.said {
		s.by.Delivered(s.ID)
		for _, to := range s.to {
			a.f.At(to).Has(s.ID)
		}
	}
	a.f.Quiet()
	for _, s := range a.said {
		// spec: THR-4
		for _, to := range s.to {
			if s.ID == s.Thread && a.f.At(to).State(s.Thread) != s.by.State(s.Thread) {
				t.Errorf("the state of %s differs:\n%s: %s\n%s: %s", s.Thread.Short(), s.by.Code, s.by.State(s.Thread), to, a.f.At(to).State(s.Thread))
			}
		}
	}
	counted := false
	for _, p := range a.parties {
		r, err := p.VerifyLog(t.Context())
		if err != nil || len(r.Problems) > 0 {
			t.Errorf("%s: %v %v", p.Code, err, r.Problems)
		}
		for _, q := range a.parties {
			if p != q {
				p.once(q)
				counted = strings.Contains(a.f.sameLedger(p, q), a.said[0].ID.String()) || counted
				if w := p.queue(q.Code); w.Waiting > 0 || w.LastError != "" {
					t.Errorf("%s still owes %s something: %+v", p.Code, q.Code, w)
				}
			}
		}
	}
	if !counted {
		t.Error("the first request is in nobody's ledger")
	}
}

// once holds what q has of p's log against what p said to it: the same statements, each at its place, and each named by one receipt for its head and, where it
// has a body, by one for that.
func (p *Party) once(q *Party) {
	t := p.F.T
	t.Helper()
	origin := p.Journal.Origin()
	list := func(at *Party) (out []string) {
		p.F.must(at.Store.View(t.Context(), func(tx store.Tx) error {
			return tx.Scan(origin, "", 0, func(s store.Statement) bool {
				h, err := statement.ParseHead(s.Head)
				p.F.must(err)
				if h.IsFor(q.Code) {
					out = append(out, fmt.Sprint(s.Index, s.ID, s.Folded, s.Void))
				}
				return true
			})
		}))
		return out
	}
	if own, theirs := list(p), list(q); !slices.Equal(own, theirs) {
		t.Errorf("%s said to %s\n%s\nand it has\n%s", p.Code, q.Code, strings.Join(own, "\n"), strings.Join(theirs, "\n"))
	}
	// spec: RCP-2
	heads, bodies := map[int64]int{}, map[int64]int{}
	p.F.must(q.Store.View(t.Context(), func(tx store.Tx) error {
		return tx.Scan(q.Journal.Origin(), "", 0, func(s store.Statement) bool {
			if s.Kind != thread.KindDelivered {
				return true
			}
			h, err := statement.ParseHead(s.Head)
			p.F.must(err)
			d, err := thread.Facts[thread.Delivered](h)
			p.F.must(err)
			if d.Origin != origin {
				return true
			}
			for what, ranges := range map[*map[int64]int][]thread.Range{&heads: d.Heads, &bodies: d.Bodies} {
				for _, r := range ranges {
					for i := r[0]; i < r[1]; i++ {
						(*what)[i]++
					}
				}
			}
			return true
		})
	}))
	p.F.must(q.Store.View(t.Context(), func(tx store.Tx) error {
		return tx.Scan(origin, "", 0, func(s store.Statement) bool {
			h, err := statement.ParseHead(s.Head)
			p.F.must(err)
			if h.Kind == thread.KindDelivered {
				return true
			}
			if heads[s.Index] != 1 || h.Body != nil && bodies[s.Index] != 1 {
				t.Errorf("%s receipted leaf %d of %s %d times, its body %d times", q.Code, s.Index, p.Code, heads[s.Index], bodies[s.Index])
			}
			return true
		})
	}))
}

// sameLedger holds two parties' ledgers of the last days against each other, and gives it.
func (f *Federation) sameLedger(p, q *Party) string {
	f.T.Helper()
	own, theirs := sizes(f.T.(*testing.T), p, q)
	ledger := func(p, q *Party, own, theirs int64) string {
		l, err := p.Ledger(f.T.Context(), node.Period{
			Peer: q.Code, From: statement.TimeOf(f.Clock.Now().Add(-48 * time.Hour)), To: statement.TimeOf(f.Clock.Now().Add(time.Hour)), OwnSize: own, PeerSize: theirs,
		})
		f.must(err)
		return string(l.Marshal())
	}
	a, b := ledger(p, q, own, theirs), ledger(q, p, theirs, own)
	if a != b {
		f.T.Errorf("the ledgers of %s and %s differ:\n%s\n%s", p.Code, q.Code, a, b)
	}
	return a
}

// Four parties, one of which nobody can reach, go on with several threads while a third of all requests are lost, unanswered, torn, overtaken, doubled or recorded.
// When it is over nothing is missing and nothing is there twice; what was recorded is sent again, and changes nothing.
func TestStorm(t *testing.T) {
	t.Parallel()
	struck := map[string]int{}
	var mu sync.Mutex
	t.Run("seeds", func(t *testing.T) {
		for _, seed := range seeds(1, 2, 3) {
			t.Run(fmt.Sprint(seed), func(t *testing.T) {
				t.Parallel()
				n := storm(t, seed)
				mu.Lock()
				defer mu.Unlock()
				for _, what := range strikes() {
					struck[what] += n.Struck(what)
				}
			})
		}
	})
	for _, what := range strikes() {
		if struck[what] == 0 && !raced {
			t.Errorf("no request was %s: other seeds", what)
		}
	}
}

// strikes is what can become of a request in a storm.
func strikes() []string {
	return []string{"lost", "unanswered", "torn", "overtaken", "doubled", "kept"}
}

// seeds are all of them, or the first where the race detector watches.
func seeds(all ...uint64) []uint64 {
	if raced {
		return all[:1]
	}
	return all
}

// storm is one storm, and its network.
func storm(t *testing.T, seed uint64) *Network {
	f := New(t, "XA", "XB", "XC", "-XD")
	a := &acting{f: f, r: rand.New(rand.NewPCG(seed, 1)), agreed: f.Agree(Pact("XA", "XB", "XC", "XD"), "XA")}
	for _, code := range []party.Code{"XA", "XB", "XC", "XD"} {
		a.parties = append(a.parties, f.At(code))
	}
	f.Quiet()
	f.Net.Strike(Storm(seed, Odds{Lose: 15, LoseAnswer: 12, Tear: 10, Wait: 15, Twice: 12, Keep: 10}))
	// How many requests it takes is the couriers' affair: the storm goes on until it has done everything, or long enough.
	missed := func(what string) bool { return f.Net.Struck(what) == 0 }
	for round := 0; round < 3 || round < 12 && !raced && slices.ContainsFunc(strikes(), missed); round++ {
		from := len(a.said)
		d := exchange.Draft{Text: "Please look."}
		if from == 0 {
			d.Blobs = []exchange.Attachment{attachment("a", 100<<10, seed)}
		}
		a.open(a.parties[a.r.IntN(len(a.parties))], d)
		for range 6 {
			a.reply(a.parties[a.r.IntN(len(a.parties))], a.said[a.r.IntN(len(a.said))].opener(a))
		}
		f.Clock.Pass(10 * time.Second)
		f.until("half of what was said", func() bool { n, of := a.arrived(a.said[from:]); return 2*n >= of })
	}
	f.Net.Calm()
	f.kick()
	a.settled()
	before := f.sizes()
	if n, err := f.Net.Replay(); n != f.Net.Struck("kept") || err != nil {
		t.Errorf("%d requests were sent again of %d: %v", n, f.Net.Struck("kept"), err)
	}
	f.Quiet()
	if after := f.sizes(); after != before {
		t.Errorf("what was recorded made logs grow: %s, before: %s", after, before)
	}
	return f.Net
}

// opener is the saying that opened s's thread.
func (s saying) opener(a *acting) saying {
	i := slices.IndexFunc(a.said, func(o saying) bool { return o.ID == s.Thread })
	return a.said[i]
}

// sizes are the lengths of all logs.
func (f *Federation) sizes() (out string) {
	for _, code := range []party.Code{"XA", "XB", "XC", "XD"} {
		if p := f.Parties[code]; p != nil {
			out += fmt.Sprintf("%s %d; ", code, p.LogSize())
		}
	}
	return out
}
