package bench

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/go-json-experiment/json"

	"github.com/comity-exchange/comity/agreement"
	"github.com/comity-exchange/comity/desk/instrument"
	"github.com/comity-exchange/comity/fault"
	"github.com/comity-exchange/comity/internal/node"
	"github.com/comity-exchange/comity/marking"
	"github.com/comity-exchange/comity/party"
	"github.com/comity-exchange/comity/statement"
	"github.com/comity-exchange/comity/thread"
)

// The universal convention that Negotiate makes.
const (
	articles = 60
	meetings = 10
	drafts   = 50 // of a round, said at once
	comments = 100
	orders   = 5 // of arrival
)

// Negotiate measures a convention among so many parties from the first draft to its entry into force: drafts said at once in rounds, comments, silences of which one is
// broken, signatures with reservations, ratifications. Whatever the order of arrival, the state must be the same bytes (fault.Failed).
func Negotiate(parties int) ([]Cost, error) {
	rules, err := thread.NewRules(node.Desks()...)
	if err != nil {
		return nil, err
	}
	c := &convention{rules: rules, now: time.Date(2026, 3, 2, 8, 0, 0, 0, time.UTC), index: map[party.Code]int64{}}
	for i := range parties {
		c.codes = append(c.codes, party.Code(fmt.Sprintf("X%03d", i)))
	}
	if err := c.make(); err != nil {
		return nil, err
	}
	if v, err := instrument.Progress(c.state); err != nil || v.Stage != instrument.StatusInForce || len(v.Consents) != parties {
		return nil, errors.Join(err, fault.New(fault.Internal, "", "the convention did not come into force: %s, %d have consented", v.Stage, len(v.Consents)))
	}
	want, err := thread.MarshalState(c.state)
	if err != nil {
		return nil, err
	}
	shuffled := slices.Clone(c.heads)
	rng := rand.New(rand.NewPCG(1, 2))
	var bad error
	fold := func() {
		f, err := rules.Fold(shuffled)
		bad = errors.Join(bad, err)
		if got, err := thread.MarshalState(f.State); err != nil || !bytes.Equal(got, want) {
			bad = errors.Join(bad, err, fault.New(fault.Failed, "THR-4", "another order of arrival gives another state"))
		}
	}
	whole := make([]float64, orders)
	for i := range whole {
		rng.Shuffle(len(shuffled), func(i, j int) { shuffled[i], shuffled[j] = shuffled[j], shuffled[i] })
		whole[i] = eachOf(fold)
	}
	slices.Sort(whole)
	more, err := c.compose(c.codes[7], c.state, instrument.KindSuspend, instrument.Suspend{})
	if err != nil {
		return nil, err
	}
	one := repeat(20, func(int) {
		if _, p, ok := rules.Extend(c.state, more); !ok || p.Void != "" {
			bad = fault.New(fault.Internal, "", "the head does not follow")
		}
	})
	name := fmt.Sprintf("%d parties, %d heads: ", parties, len(c.heads))
	return []Cost{
		{name + "folded from scratch", whole[orders/2] / 1000, "ms", 1000}, {name + "one statement more", one, "µs", 1000},
		{name + "state", float64(len(want)) / 1024, "KiB", 0},
	}, bad
}

// eachOf is the CPU of one call, in microseconds.
func eachOf(f func()) float64 { return each(1, func(int) { f() }) }

// convention is a thread in which an agreement is made.
type convention struct {
	rules *thread.Rules
	codes []party.Code
	now   time.Time
	heads []*statement.Head
	state thread.State
	index map[party.Code]int64
	texts int
	hand  statement.Digest
}

func (c *convention) terms() agreement.Terms {
	c.texts++
	t := agreement.Terms{
		Digest: statement.Sum([]byte(fmt.Sprint("text ", c.texts))), Parties: c.codes, Consent: agreement.ByRatification, Notice: 86_400,
		InForce: agreement.InForce{When: agreement.ByCount, Count: len(c.codes), Days: 90}, Accession: agreement.AccessionOpen,
	}
	for i := range articles {
		t.Articles = append(t.Articles, fmt.Sprint(i+1))
	}
	t.Fixed = t.Articles[:10]
	return t
}

// compose makes a head by one that has folded s.
func (c *convention) compose(by party.Code, s thread.State, kind statement.Kind, facts any) (*statement.Head, error) {
	raw, err := json.Marshal(facts, json.Deterministic(true))
	if err != nil {
		return nil, err
	}
	h := statement.Head{
		Nonce: statement.Nonce(fmt.Sprintf("%021dA", len(c.heads))), From: by, Kind: kind, Marking: marking.Marking{TLP: marking.Green}, Track: statement.Diplomatic,
		Precedence: statement.Routine, Time: statement.TimeOf(c.now), By: statement.By{Role: "legal-adviser"}, Facts: raw,
	}
	for _, code := range c.codes {
		if code != by {
			h.To = append(h.To, code)
		}
	}
	if len(c.heads) > 0 {
		h.Thread, h.After = s.Thread, c.rules.After(s, by)
	}
	out, err := statement.Compose(h)
	if err != nil {
		return nil, err
	}
	out.Place = statement.Place{Origin: party.MakeOrigin(by, 1), Index: c.index[by]}
	return out, nil
}

// say adds heads that several say at once, each having folded all that was said before.
func (c *convention) say(kind statement.Kind, facts func(i int) any, by ...party.Code) (first *statement.Head, err error) {
	before := c.state
	for i, code := range by {
		h, err := c.compose(code, before, kind, facts(i))
		if err != nil {
			return nil, err
		}
		c.index[code]++
		if c.heads = append(c.heads, h); first == nil {
			first = h
		}
	}
	c.now = c.now.Add(time.Minute)
	if len(by) == 1 && len(c.heads) > 1 {
		if s, p, ok := c.rules.Extend(before, first); ok {
			if c.state = s; p.Void != "" {
				return nil, fault.New(fault.Internal, p.Clause, "%s is void: %s", kind, p.Why)
			}
			return first, nil
		}
	}
	f, err := c.rules.Fold(c.heads)
	c.state = f.State
	return first, err
}

// one says something by one party.
func (c *convention) one(by party.Code, kind statement.Kind, facts any) (*statement.Head, error) {
	return c.say(kind, func(int) any { return facts }, by)
}

func (c *convention) make() error {
	chair := c.codes[0]
	first := c.terms()
	c.hand = first.Digest
	if _, err := c.one(chair, instrument.KindPropose, instrument.Propose{Terms: first}); err != nil {
		return err
	}
	for round := range meetings {
		if err := c.round(chair, round); err != nil {
			return err
		}
	}
	if err := c.adopt(chair); err != nil {
		return err
	}
	if _, err := c.one(chair, instrument.KindOpen, instrument.Text{Digest: c.hand}); err != nil {
		return err
	}
	sign := func(i int) any {
		if i%10 == 0 {
			return instrument.Sign{Digest: c.hand, Reservations: []string{"11", "12"}}
		}
		return instrument.Sign{Digest: c.hand}
	}
	ratify := func(int) any { return instrument.Ratify{Digest: c.hand, As: "ratification"} }
	for some := range slices.Chunk(c.codes, 10) { // ten at a time
		if _, err := c.say(instrument.KindSign, sign, some...); err != nil {
			return err
		}
	}
	for _, code := range c.codes {
		if _, err := c.say(instrument.KindRatify, ratify, code); err != nil {
			return err
		}
	}
	return nil
}

// round is many drafts at once, comments on the text in hand, and the chair's choice.
func (c *convention) round(chair party.Code, round int) error {
	var by []party.Code
	for i := range min(drafts, len(c.codes)) {
		by = append(by, c.codes[(round*17+i)%len(c.codes)])
	}
	var last statement.Digest
	if _, err := c.say(instrument.KindAmend, func(int) any {
		t := c.terms()
		last = t.Digest
		return instrument.Amend{Terms: t, Base: c.hand}
	}, by...); err != nil {
		return err
	}
	for i := range comments {
		f := instrument.Comment{Digest: c.hand, Article: fmt.Sprint(1 + i%articles)}
		if _, err := c.one(c.codes[(round*31+i)%len(c.codes)], instrument.KindComment, f); err != nil {
			return err
		}
	}
	_, err := c.one(chair, instrument.KindCirculate, instrument.Text{Digest: last})
	c.hand = last
	return err
}

// adopt is a silence that is broken, and one that is kept.
func (c *convention) adopt(chair party.Code) error {
	for _, broken := range []bool{true, false} {
		expires := c.now.Add(72 * time.Hour)
		q, err := c.one(chair, instrument.KindSilence, instrument.Ask{Digest: c.hand, Expires: statement.TimeOf(expires)})
		if err != nil {
			return err
		}
		outcome := instrument.OutcomeAdopted
		if broken {
			outcome = instrument.OutcomeBroken
			if _, err := c.one(c.codes[1], instrument.KindObject, instrument.Object{Of: q.ID}); err != nil {
				return err
			}
		}
		c.now = expires
		if _, err := c.one(chair, instrument.KindClose, instrument.Close{Silence: q.ID, Outcome: outcome}); err != nil {
			return err
		}
	}
	return nil
}
