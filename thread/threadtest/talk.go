package threadtest

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"time"

	"github.com/go-json-experiment/json"

	"github.com/comity-exchange/comity/marking"
	"github.com/comity-exchange/comity/party"
	"github.com/comity-exchange/comity/statement"
	"github.com/comity-exchange/comity/thread"
)

// TB is what testing.TB and rapid's T have in common, as far as it is needed here.
type TB interface {
	Helper()
	Fatalf(format string, args ...any)
}

// Start is the time of the first head of a Talk.
func Start() time.Time { return time.Date(2026, 11, 21, 8, 0, 0, 0, time.UTC) }

// Talk composes the heads of one thread. Every head comes a minute after the one before, and after all of them, unless it is edited.
// The same calls give the same bytes. It is not for concurrent use.
type Talk struct {
	TB    TB
	Rules *thread.Rules
	Now   time.Time // of the next head
	Heads []*statement.Head

	state  thread.State // after the first folded heads
	folded int
}

// NewTalk begins one.
func NewTalk(tb TB, desks ...thread.Desk) *Talk {
	tb.Helper()
	rules, err := thread.NewRules(desks...)
	if err != nil {
		tb.Fatalf("rules: %v", err)
	}
	return &Talk{TB: tb, Rules: rules, Now: Start()}
}

// Edit changes a draft before it is composed.
type Edit func(*statement.Head)

// After lets a head come after these alone: its author had seen no others.
func After(heads ...*statement.Head) Edit {
	return func(d *statement.Head) {
		d.After = nil
		for _, h := range heads {
			d.After = append(d.After, h.ID)
		}
	}
}

// To lets a head go to others than the thread has.
func To(codes ...party.Code) Edit { return func(d *statement.Head) { d.To = codes } }

// Open composes the opener.
func (k *Talk) Open(from party.Code, to []party.Code, kind statement.Kind, facts any, edits ...Edit) *statement.Head {
	k.TB.Helper()
	return k.compose(statement.Head{From: from, To: to, Kind: kind}, facts, edits)
}

// Say composes a head after all that were said, to the other parties of the opener and those admitted.
func (k *Talk) Say(from party.Code, kind statement.Kind, facts any, edits ...Edit) *statement.Head {
	k.TB.Helper()
	return k.compose(k.draft(k.now(), from, kind), facts, edits)
}

// now is the state after all heads, taken one by one where that goes.
func (k *Talk) now() thread.State {
	k.TB.Helper()
	for k.folded > 0 && k.folded < len(k.Heads) {
		s, _, ok := k.Rules.Extend(k.state, k.Heads[k.folded])
		if !ok {
			break
		}
		k.state, k.folded = s, k.folded+1
	}
	if k.folded < len(k.Heads) || k.folded == 0 {
		k.state, k.folded = k.Fold().State, len(k.Heads)
	}
	return k.state
}

// draft is a head of the thread in state s by from.
func (k *Talk) draft(s thread.State, from party.Code, kind statement.Kind) statement.Head {
	d := statement.Head{From: from, Kind: kind, Thread: s.Thread, After: k.Rules.After(s, from)}
	for _, c := range s.Participants {
		if c != from {
			d.To = append(d.To, c)
		}
	}
	if !s.Opener.Agreement.IsZero() {
		d.Agreement = &statement.AgreementRef{ID: s.Opener.Agreement, Digest: s.Opener.Digest}
	}
	return d
}

func (k *Talk) compose(d statement.Head, facts any, edits []Edit) *statement.Head {
	k.TB.Helper()
	raw, err := json.Marshal(facts, json.Deterministic(true))
	if err != nil {
		k.TB.Fatalf("facts: %v", err)
	}
	seed := sha256.Sum256(binary.BigEndian.AppendUint64([]byte(d.From), uint64(len(k.Heads))))
	d.Nonce = statement.Nonce(base64.RawURLEncoding.EncodeToString(seed[:16]))
	d.Facts = raw
	d.Marking = marking.Marking{TLP: marking.Amber}
	d.Track, d.Precedence = statement.Technical, statement.Priority
	d.Time, d.By = statement.TimeOf(k.Now), statement.By{Role: "duty-officer"}
	for _, edit := range edits {
		edit(&d)
	}
	h, err := statement.Compose(d)
	if err != nil {
		k.TB.Fatalf("%s: %v", d.Kind, err)
	}
	h.Place = statement.Place{Origin: party.MakeOrigin(h.From, 1), Index: int64(len(k.Heads))}
	k.Now = k.Now.Add(time.Minute)
	k.Heads = append(k.Heads, h)
	return h
}

// Fold gives the state after all heads, or after those given.
func (k *Talk) Fold(heads ...*statement.Head) thread.Folded {
	k.TB.Helper()
	if heads == nil {
		heads = k.Heads
	}
	f, err := k.Rules.Fold(heads)
	if err != nil {
		k.TB.Fatalf("fold: %v", err)
	}
	return f
}

// Void is why h is void in the thread as it stands; "" when it counts.
func (k *Talk) Void(h *statement.Head) thread.Reason {
	k.TB.Helper()
	for _, p := range k.Fold().Placed {
		if p.ID == h.ID {
			return p.Void
		}
	}
	k.TB.Fatalf("%s waits for an ancestor", h.Kind)
	return ""
}

// Summary is the thread's summary as it stands.
func (k *Talk) Summary() thread.Summary {
	k.TB.Helper()
	return k.Rules.Summary(k.Fold().State)
}

// Can lists the kinds that by may say as the thread stands.
func (k *Talk) Can(by party.Code) []statement.Kind {
	k.TB.Helper()
	var kinds []statement.Kind
	for _, m := range k.Rules.Moves(k.Fold().State, by) {
		kinds = append(kinds, m.Kind)
	}
	return kinds
}
