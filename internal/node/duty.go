package node

import (
	"cmp"
	"context"
	"slices"

	"github.com/comity-exchange/comity/agreement"
	"github.com/comity-exchange/comity/desk/assist"
	"github.com/comity-exchange/comity/fault"
	"github.com/comity-exchange/comity/internal/auth"
	drafts "github.com/comity-exchange/comity/internal/draft"
	"github.com/comity-exchange/comity/internal/store"
	"github.com/comity-exchange/comity/party"
	"github.com/comity-exchange/comity/statement"
	"github.com/comity-exchange/comity/thread"
)

// What sets a clock.
const (
	SetByArticle = "article"   // of the agreement, for the precedence of the request
	SetByAsker   = "asker"     // whose clock is not the agreement's
	SetByWord    = "postponed" // by who owes, with a date
	SetBySilence = "silence"   // by the chair, for a text
)

// Owed is something that a party owes, with what set its clock.
type Owed struct {
	Thread    ThreadView     `json:"thread"`
	Clock     ClockView      `json:"clock"`
	SetBy     string         `json:"set_by,omitzero"`
	Agreement agreement.ID   `json:"agreement,omitzero"`
	Title     agreement.Text `json:"title,omitzero"`   // of the agreement, where its text is here
	Article   string         `json:"article,omitzero"` // with SetByArticle
}

// Duty is what an officer sees first. Each list is in the order in which it wants looking at, and bounded; Counts says how much there is.
type Duty struct {
	Now     statement.Time `json:"now"`
	Counts  Counts         `json:"counts"`
	Owed    []Owed         `json:"owed"`    // by this party: the longest overdue first
	Others  []Owed         `json:"others"`  // by other parties
	Unread  []ThreadView   `json:"unread"`  // the last touched first
	Approve []DraftView    `json:"approve"` // that whoever asks may approve
	Own     []DraftView    `json:"own"`     // of whoever asks
	Peers   []PeerView     `json:"peers"`   // that are not well
	Reached int            `json:"reached"` // peers that are
	Log     LogHealth      `json:"log"`
	Worries []Finding      `json:"worries"` // of the doctor: what is not good, the worst first
}

// Bounds of the lists of Duty, in threads.
const (
	dutyOwed   = 40
	dutyOthers = 20
	dutyUnread = 12
)

// Duty gathers what an officer on duty has to know. Work does not grow with how much was ever said.
func (n *Node) Duty(ctx context.Context) (d Duty, err error) {
	d = Duty{Now: statement.TimeOf(n.Now()), Approve: []DraftView{}, Own: []DraftView{}, Peers: []PeerView{}}
	if d.Counts, err = n.Counts(ctx); err != nil {
		return d, err
	}
	ours := func(c ClockView) bool { return c.Owes == n.Config.Code }
	if d.Owed, err = n.owing(ctx, Query{Order: ByDue, Limit: dutyOwed}, ours); err != nil {
		return d, err
	}
	if d.Others, err = n.owing(ctx, Query{Order: ByOthersDue, Limit: dutyOthers}, func(c ClockView) bool { return !ours(c) }); err != nil {
		return d, err
	}
	unread, err := n.List(ctx, Query{Filter: Filter{Unread: true}, Limit: dutyUnread})
	if err != nil {
		return d, err
	}
	d.Unread = unread.Threads
	if err := n.dutyDrafts(ctx, &d); err != nil {
		return d, err
	}
	peers, err := n.PeerViews(ctx)
	if err != nil {
		return d, err
	}
	for _, p := range peers {
		if p.Health == Good {
			d.Reached++
		} else {
			d.Peers = append(d.Peers, p)
		}
	}
	if d.Log, err = n.LogHealth(ctx); err != nil {
		return d, err
	}
	d.Worries, err = n.Worries(ctx)
	return d, err
}

// owing are the clocks of a list of threads that are asked for, by when they are due.
func (n *Node) owing(ctx context.Context, q Query, wanted func(ClockView) bool) ([]Owed, error) {
	page, err := n.List(ctx, q)
	if err != nil {
		return nil, err
	}
	out := []Owed{}
	for _, t := range page.Threads {
		for i, c := range t.Clocks {
			if !wanted(c) {
				continue
			}
			o, err := n.owed(ctx, t, i)
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
func (n *Node) owed(ctx context.Context, t ThreadView, clock int) (o Owed, err error) {
	o = Owed{Thread: t, Clock: t.Clocks[clock]}
	c := t.Summary.Clocks[clock]
	switch {
	case c.Name == "silence":
		o.SetBy = SetBySilence
		return o, nil
	case !c.Until.IsZero():
		o.SetBy = SetByWord
	}
	err = n.Store.View(ctx, func(tx store.Tx) error {
		row, err := tx.Thread(t.ID)
		if err != nil {
			return err
		}
		s, err := thread.ParseState(row.State)
		if err != nil {
			return err
		}
		if o.Agreement = s.Opener.Agreement; o.SetBy == "" {
			o.SetBy = SetByAsker
		}
		if o.Agreement.IsZero() {
			return nil
		}
		return n.article(tx, &o, s, c)
	})
	return o, err
}

// article finds the one that asks for exactly this clock.
func (n *Node) article(tx store.Tx, o *Owed, s thread.State, c thread.Clock) error {
	q := agreement.Question{From: s.Opener.From, To: []party.Code{c.Owes}, Kind: s.Opener.Kind, Precedence: s.Opener.Precedence}
	other := c.Owes
	if other == n.Config.Code {
		other = s.Opener.From
	}
	policy, err := n.Exchange.Policy(tx, o.Agreement, other)
	switch fault.CodeOf(err) {
	case "":
	case fault.Internal, fault.Unavailable, fault.Canceled:
		return err
	default:
		return nil // not in force any more, or its text is not here: the clock stands
	}
	if row, err := tx.Thread(o.Agreement); err == nil {
		v, err := n.viewAgreement(tx, row)
		if err != nil {
			return err
		}
		o.Title = v.Title
	}
	if q.Reserved, err = n.reserved(tx, o.Agreement, &q); err != nil {
		return nil // as above
	}
	acknowledge, answer, article, ok := policy.Owes(&q, c.Owes)
	seconds := map[string]int64{assist.ClockAcknowledge: acknowledge, assist.ClockAnswer: answer}[c.Name]
	if ok && seconds == c.Seconds && o.SetBy == SetByAsker {
		o.SetBy, o.Article = SetByArticle, article
	}
	return nil
}

// dutyDrafts sorts the drafts: those that whoever asks may approve, and their own.
func (n *Node) dutyDrafts(ctx context.Context, d *Duty) error {
	all, err := n.Drafts(ctx)
	if err != nil {
		return err
	}
	a, err := n.Whoami(ctx)
	if err != nil {
		return err
	}
	for _, v := range all {
		switch {
		case v.Author == a.ID:
			d.Own = append(d.Own, v)
		case v.Status == drafts.Submitted && n.Authorize(ctx, auth.Approve, v.matter()) == nil:
			d.Approve = append(d.Approve, v)
		}
	}
	return nil
}

// matter is a draft as roles are held against it.
func (v *DraftView) matter() auth.Matter {
	return auth.Matter{
		Author: v.Author, Kind: v.Kind, To: v.To, Marking: v.Marking, Track: v.Track, Precedence: v.Precedence, Exercise: v.Exercise,
	}
}

// LogHealth is how the own log stands, for a glance.
type LogHealth struct {
	Origin    party.Origin   `json:"origin"`
	Size      int64          `json:"size"`
	Signed    statement.Time `json:"signed,omitzero"`   // its newest checkpoint
	Cosigned  int64          `json:"cosigned,omitzero"` // the size that others have cosigned last
	Cosigners int            `json:"cosigners"`
	Forks     int            `json:"forks"` // logs, anybody's, with two histories
}

// LogHealth looks at the end of the own log and at no statement.
func (n *Node) LogHealth(ctx context.Context) (LogHealth, error) {
	h := LogHealth{Origin: n.Journal.Origin()}
	err := n.Store.View(ctx, func(tx store.Tx) error {
		h.Size, h.Signed, h.Cosigned, h.Cosigners, h.Forks = 0, statement.Time{}, 0, 0, 0
		cp, err := tx.Newest(h.Origin)
		if fault.CodeOf(err) == fault.NotFound {
			return nil
		}
		if err != nil {
			return err
		}
		h.Size, h.Signed = cp.Size, cp.Time
		if err := tx.Checkpoints(h.Origin, max(0, cp.Size-cosignedFar), func(c store.Checkpoint) bool {
			if c.Cosigs > 0 {
				h.Cosigned, h.Cosigners = c.Size, c.Cosigs
			}
			return true
		}); err != nil {
			return err
		}
		return tx.Forks(func(store.Fork) bool { h.Forks++; return true })
	})
	return h, err
}

// Worries are what the doctor finds not good, of what costs nothing to look at: the whole log is verified when somebody asks for it, and peers stand by themselves.
func (n *Node) Worries(ctx context.Context) ([]Finding, error) {
	all := []Finding{n.permissions(), n.disk(), n.letter(ctx), n.mark(ctx)}
	clock, err := n.clock(ctx)
	if err != nil {
		return nil, err
	}
	forks, err := n.forks(ctx)
	if err != nil {
		return nil, err
	}
	out := slices.DeleteFunc(append(all, clock, forks), func(f Finding) bool { return f.Health == Good })
	slices.SortStableFunc(out, func(a, b Finding) int { return cmp.Compare(truth(a.Health != Bad), truth(b.Health != Bad)) })
	return out, nil
}

// Clocks are those of a thread, each with what set it.
func (n *Node) Clocks(ctx context.Context, t ThreadView) ([]Owed, error) {
	out := make([]Owed, 0, len(t.Clocks))
	for i := range t.Clocks {
		o, err := n.owed(ctx, t, i)
		if err != nil {
			return nil, err
		}
		out = append(out, o)
	}
	return out, nil
}
