package soak

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/comity-exchange/comity/agreement"
	"github.com/comity-exchange/comity/desk/assist"
	"github.com/comity-exchange/comity/fault"
	"github.com/comity-exchange/comity/internal/node"
	"github.com/comity-exchange/comity/marking"
	"github.com/comity-exchange/comity/party"
	"github.com/comity-exchange/comity/statement"
	"github.com/comity-exchange/comity/thread"
)

// role is that of all officers of the load.
const role = "load"

// The load's measure.
const (
	thinking   = 16 * time.Millisecond // longest rest of a submitter between two statements
	musing     = 80 * time.Millisecond // the same where several processes serve a party: each statement is much more work, and they are in each other's way all the same
	attachment = 300 << 10             // bytes of a usual attachment
	large      = 5 << 20               // of one that needs more than one packet
	recently   = 6                     // threads of each party that are still spoken in
)

// load is several submitters, who say things as long as they are let.
type load struct {
	account *account
	agreed  agreement.ID
	favour  atomic.Value // a word: "blob" or "refused", of which there shall be more
	rest    time.Duration

	// gate is held for reading while something is being said, and for writing by who wants silence.
	gate   sync.RWMutex
	failed chan error // the first thing that nobody may say

	late   sync.WaitGroup // those who wait for a process that stands still to answer what it was told
	turned atomic.Int64   // statements that were not said, since the process had no turn

	mu      sync.Mutex
	threads map[party.Code][]thread.ID // opened lately, by whom; guarded by mu
}

func newLoad(a *account, agreed agreement.ID, rest time.Duration) *load {
	l := &load{rest: rest, account: a, agreed: agreed, failed: make(chan error, 1), threads: map[party.Code][]thread.ID{}}
	l.favour.Store("")
	return l
}

// submitter is one officer.
type submitter struct {
	load   *load
	number int
	at     *house
	others []*house
	rng    *rand.Rand
	serial uint64
	aside  []*attempt // what nobody answered, until somebody has looked
}

// work says things until stopping is done or ctx ends; what it is saying is said to its end.
func (s *submitter) work(ctx, stopping context.Context) {
	for stopping.Err() == nil {
		s.load.gate.RLock()
		err := s.turn(ctx)
		s.load.gate.RUnlock()
		if err != nil && ctx.Err() == nil {
			s.load.fail(err)
			return
		}
		select {
		case <-stopping.Done():
		case <-time.After(upTo(s.rng, s.load.rest)):
		}
	}
}

// turn says one thing: again what was not there when somebody looked, or else something new.
func (s *submitter) turn(ctx context.Context) error {
	p := s.at.at(s.rng.IntN(len(s.at.posts)))
	if !p.works() {
		return nil
	}
	t, err := s.next()
	if err != nil {
		return err
	}
	s.load.account.attempted(t)
	standing, proc := p.standing(), p.current()
	asked := proc.send(order{Say: t.say})
	select {
	case r, ok := <-asked:
		r, err := answered(r, ok)
		return s.load.heard(ctx, s, p, t, r, err)
	case <-ctx.Done():
		return nil
	case <-standing:
	}
	// It may answer when it goes on. Until then nobody knows what came of it.
	s.aside = append(s.aside, t)
	s.load.late.Go(func() {
		r, err := proc.await(ctx, asked)
		if err := s.load.heard(ctx, nil, p, t, r, err); err != nil && ctx.Err() == nil {
			s.load.fail(err)
		}
	})
	return nil
}

// heard takes the answer to an attempt. by is nil where t is put aside already.
func (l *load) heard(ctx context.Context, by *submitter, p *post, t *attempt, r reply, err error) error {
	var no *refusal
	switch {
	case err == nil && r.Said != nil:
		l.account.acknowledge(t, *r.Said)
		p.acknowledged.Add(1)
		l.opened(t)
	case errors.Is(err, errGone), errors.As(err, &no) && no.unknown():
		l.account.unanswered(t)
		if by != nil {
			by.aside = append(by.aside, t)
		}
	case no != nil && no.code == fault.Unavailable && len(t.by.posts) > 1:
		l.account.refuse(t) // it had lost its turn to others, or did not get one; it must not turn up
		l.turned.Add(1)
	case no != nil && (no.code == fault.NotFound || no.code == fault.Inadmissible):
		l.account.refuse(t) // what it answers has not arrived, or somebody was faster
	case err == nil:
		return broken(stuck, "%s answered nothing to what it was told to say", p.code)
	case ctx.Err() == nil:
		return broken(stuck, "%s will not say what it may say: %v", p.code, err)
	}
	return nil
}

func (l *load) fail(err error) {
	select {
	case l.failed <- err:
	default:
	}
}

// next is what was put aside and turned out not to be there, or something new.
func (s *submitter) next() (*attempt, error) {
	for i, t := range s.aside {
		switch s.load.account.known(t) {
		case absent:
			s.aside = slices.Delete(s.aside, i, i+1)
			return t, nil
		case turnedUp:
			s.aside = slices.Delete(s.aside, i, i+1)
			s.load.opened(t)
			return s.compose()
		case acknowledged, refused: // by a process that had stood still
			s.aside = slices.Delete(s.aside, i, i+1)
			return s.compose()
		}
	}
	return s.compose()
}

// compose makes up what is said next.
func (s *submitter) compose() (*attempt, error) {
	s.serial++
	d := &saying{
		Serial: fmt.Sprintf("%04x%012x", s.number, s.serial), TLP: marking.Amber,
		Precedence: statement.Precedences()[s.rng.IntN(len(statement.Precedences()))],
	}
	t := &attempt{say: d, by: s.at}
	favour := s.load.favour.Load().(string)
	own, theirs := s.load.talk(s.at.code, s.rng), s.load.talk(s.others[s.rng.IntN(len(s.others))].code, s.rng)
	var facts any
	switch n := s.rng.IntN(100); {
	case favour == "refused" && n < 50 || n < 8:
		d.Kind, facts, t.takedown = assist.KindRequest, assist.Request{Type: assist.Takedown}, true
	case n < 50 && !own.IsZero():
		d.Kind, d.Thread, d.Precedence, facts = assist.KindSupplement, own, "", assist.Supplement{}
	case n < 65 && !theirs.IsZero():
		d.Kind, d.Thread, facts = assist.KindClarify, theirs, assist.Clarify{Wanted: []string{"scope"}}
	default:
		d.Kind, facts = assist.KindRequest, assist.Request{Type: assist.Information}
	}
	if d.Kind == assist.KindRequest {
		d.Agreement = s.load.agreed
		for _, h := range s.others {
			d.To = append(d.To, h.code)
		}
		if len(d.To) > 1 && s.rng.IntN(2) == 0 {
			i := s.rng.IntN(len(d.To))
			d.To = d.To[i : i+1]
		}
	}
	if s.rng.IntN(8) > 0 { // some are heads alone
		d.Title, d.Text = "Load "+d.Serial, strings.Repeat("What was seen, and when. ", 1+s.rng.IntN(60))
	}
	if n := s.rng.IntN(40); n == 0 || favour == "blob" && n < 5 {
		d.Blobs = s.attach()
	}
	var err error
	d.Facts, err = node.Facts(facts)
	return t, err
}

// attach makes up one or two attachments; now and then one that somebody else attached too, or a large one, or an empty one.
func (s *submitter) attach() (out []attached) {
	for range 1 + s.rng.IntN(2) {
		a := attached{Seed: s.rng.Uint64(), Size: attachment + s.rng.IntN(1000)}
		switch s.rng.IntN(25) {
		case 0:
			a = attached{Seed: 1, Size: attachment}
		case 1:
			a.Size = large
		case 2:
			a.Size = 0
		}
		out = append(out, a)
	}
	return out
}

// talk picks a thread that a party opened lately; the zero id when there is none.
func (l *load) talk(of party.Code, rng *rand.Rand) thread.ID {
	l.mu.Lock()
	defer l.mu.Unlock()
	if all := l.threads[of]; len(all) > 0 {
		return all[rng.IntN(len(all))]
	}
	return thread.ID{}
}

// opened notes a thread that others may speak in.
func (l *load) opened(t *attempt) {
	if t.say.Kind != assist.KindRequest || t.takedown {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	all := append(l.threads[t.by.code], t.got.ID)
	l.threads[t.by.code] = all[max(0, len(all)-recently):]
}

// attempted notes what is about to be said: from here on it may be in a log.
func (a *account) attempted(t *attempt) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.attempts[t.say.Serial], t.outcome = t, unknown
}

func (a *account) acknowledge(t *attempt, got said) {
	a.mu.Lock()
	defer a.mu.Unlock()
	t.outcome, t.got = acknowledged, got
	a.fresh = append(a.fresh, t)
	a.count++
}

func (a *account) unanswered(t *attempt) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.open = append(a.open, t)
}

func (a *account) refuse(t *attempt) {
	a.mu.Lock()
	defer a.mu.Unlock()
	t.outcome = refused
}

// known is what is known of t.
func (a *account) known(t *attempt) outcome {
	a.mu.Lock()
	defer a.mu.Unlock()
	return t.outcome
}
