package node

import (
	"cmp"
	"context"
	"slices"

	"github.com/comity-exchange/comity/agreement"
	"github.com/comity-exchange/comity/desk/assist"
	"github.com/comity-exchange/comity/fault"
	"github.com/comity-exchange/comity/internal/store"
	"github.com/comity-exchange/comity/party"
	"github.com/comity-exchange/comity/statement"
	"github.com/comity-exchange/comity/thread"
)

// clockwork finds out what set clocks, inside one transaction. However many clocks an agreement has set, it is read once.
type clockwork struct {
	n      *Node
	tx     store.Tx
	titles map[agreement.ID]agreement.Text
	terms  map[owing]*terms
}

// owing is who owes whom under what.
type owing struct {
	agreement agreement.ID
	from, to  party.Code
}

// terms is what an agreement says between two parties now.
type terms struct {
	policy   *agreement.Policy // nil: it binds them no more, or its text is not here
	known    bool              // reserved is
	reserved map[party.Code][]string
}

func newClockwork(n *Node, tx store.Tx) *clockwork {
	return &clockwork{n, tx, map[agreement.ID]agreement.Text{}, map[owing]*terms{}}
}

// Clocks are those of a thread, each with what set it.
func (n *Node) Clocks(ctx context.Context, t ThreadView) (out []Owed, err error) {
	err = n.Store.View(ctx, func(tx store.Tx) error {
		clocks := newClockwork(n, tx)
		out = make([]Owed, 0, len(t.Clocks))
		for i := range t.Clocks {
			o, err := clocks.owed(t, i)
			if err != nil {
				return err
			}
			out = append(out, o)
		}
		return nil
	})
	return out, err
}

// clocks are those of threads, of this party or of others, by when they are due.
func (w *clockwork) clocks(threads []ThreadView, ours bool) ([]Owed, error) {
	out := []Owed{}
	for _, t := range threads {
		for i, c := range t.Clocks {
			if ours != (c.Owes == w.n.Config.Code) {
				continue
			}
			o, err := w.owed(t, i)
			if err != nil {
				return nil, err
			}
			out = append(out, o)
		}
	}
	slices.SortStableFunc(out, byDue)
	return out, nil
}

// byDue puts what is due first before what is due later, and what has no time yet last.
func byDue(a, b Owed) int {
	if a.Clock.Due.IsZero() || b.Clock.Due.IsZero() {
		return cmp.Compare(truth(a.Clock.Due.IsZero()), truth(b.Clock.Due.IsZero()))
	}
	return a.Clock.Due.Std().Compare(b.Clock.Due.Std())
}

func truth(b bool) int {
	if b {
		return 1
	}
	return 0
}

// owed finds out what set a clock of a thread.
func (w *clockwork) owed(t ThreadView, clock int) (Owed, error) {
	o, c := Owed{Thread: t, Clock: t.Clocks[clock]}, t.Summary.Clocks[clock]
	switch {
	case c.Name == "silence":
		o.SetBy = SetBySilence
		return o, nil
	case !c.Until.IsZero():
		o.SetBy = SetByWord
	default:
		o.SetBy = SetByAsker
	}
	if o.Agreement = t.Agreement; o.Agreement.IsZero() {
		return o, nil
	}
	return o, w.article(&o, c)
}

// article finds the one that asks for exactly this clock.
func (w *clockwork) article(o *Owed, c thread.Clock) error {
	t := &o.Thread
	b, err := w.between(owing{t.Agreement, t.From, c.Owes}, t.kind)
	if err != nil || b.policy == nil {
		return err // without one, the clock stands all the same
	}
	if o.Title, err = w.title(t.Agreement); err != nil {
		return err
	}
	q := agreement.Question{From: t.From, To: []party.Code{c.Owes}, Kind: t.kind, Precedence: t.Precedence, Reserved: b.reserved}
	acknowledge, answer, article, ok := b.policy.Owes(&q, c.Owes)
	seconds := map[string]int64{assist.ClockAcknowledge: acknowledge, assist.ClockAnswer: answer}[c.Name]
	if ok && b.known && seconds == c.Seconds && o.SetBy == SetByAsker {
		o.SetBy, o.Article = SetByArticle, article
	}
	return nil
}

// between reads what an agreement says between two parties.
func (w *clockwork) between(key owing, kind statement.Kind) (*terms, error) {
	if b := w.terms[key]; b != nil {
		return b, nil
	}
	b, other := &terms{}, key.to
	if other == w.n.Config.Code {
		other = key.from
	}
	policy, err := w.n.Exchange.Policy(w.tx, key.agreement, other)
	switch fault.CodeOf(err) {
	case "":
		b.policy = policy
		q := agreement.Question{From: key.from, To: []party.Code{key.to}, Kind: kind}
		b.reserved, err = w.n.reserved(w.tx, key.agreement, &q)
		b.known = err == nil
	case fault.Internal, fault.Unavailable, fault.Canceled:
		return nil, err
	}
	w.terms[key] = b
	return b, nil
}

// title is an agreement's, where its text is here.
func (w *clockwork) title(id agreement.ID) (agreement.Text, error) {
	if title, there := w.titles[id]; there {
		return title, nil
	}
	row, err := w.tx.Thread(id)
	if err == nil {
		var v AgreementView
		v, err = w.n.viewAgreement(w.tx, row)
		w.titles[id] = v.Title
	}
	return w.titles[id], err
}
