package node

import (
	"cmp"
	"context"
	"slices"

	"github.com/comity-exchange/comity/agreement"
	"github.com/comity-exchange/comity/fault"
	"github.com/comity-exchange/comity/internal/auth"
	drafts "github.com/comity-exchange/comity/internal/draft"
	"github.com/comity-exchange/comity/internal/store"
	"github.com/comity-exchange/comity/party"
	"github.com/comity-exchange/comity/statement"
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

// Duty gathers what an officer on duty has to know, of one moment. Work does not grow with how much was ever said.
func (n *Node) Duty(ctx context.Context) (d Duty, err error) {
	err = n.Store.View(ctx, func(tx store.Tx) error {
		d = Duty{Now: statement.TimeOf(n.Now()), Approve: []DraftView{}, Own: []DraftView{}, Peers: []PeerView{}}
		return n.onDuty(ctx, tx, &d)
	})
	if err != nil {
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
	d.Worries, err = n.Worries(ctx)
	return d, err
}

// onDuty is what of Duty the store has.
func (n *Node) onDuty(ctx context.Context, tx store.Tx, d *Duty) error {
	sees, err := n.sight(ctx, tx, "")
	if err != nil {
		return err
	}
	if d.Counts, err = n.counts(ctx, tx, sees); err != nil {
		return err
	}
	page := func(q Query) (Page, error) {
		sq, about, err := n.storeQuery(q)
		if err != nil {
			return Page{}, err
		}
		return n.list(tx, sq, about, sees)
	}
	clocks := newClockwork(n, tx)
	for _, one := range []struct {
		into *[]Owed
		q    Query
		ours bool
	}{{&d.Owed, Query{Order: ByDue, Limit: dutyOwed}, true}, {&d.Others, Query{Order: ByOthersDue, Limit: dutyOthers}, false}} {
		p, err := page(one.q)
		if err != nil {
			return err
		}
		if *one.into, err = clocks.clocks(p.Threads, one.ours); err != nil {
			return err
		}
	}
	unread, err := page(Query{Filter: Filter{Unread: true}, Limit: dutyUnread})
	if err != nil {
		return err
	}
	d.Unread = unread.Threads
	if err := n.dutyDrafts(ctx, tx, d); err != nil {
		return err
	}
	d.Log, err = n.logHealth(tx)
	return err
}

// dutyDrafts sorts the drafts: those that whoever asks may approve, and their own.
func (n *Node) dutyDrafts(ctx context.Context, tx store.Tx, d *Duty) error {
	a, staffed, err := n.actor(ctx, tx)
	if err != nil {
		return err
	}
	all, err := n.drafts(tx, a, staffed)
	for _, v := range all {
		switch {
		case v.Author == a.ID:
			d.Own = append(d.Own, v)
		case v.Status == drafts.Submitted && n.office.Rules.Authorize(a, auth.Approve, v.matter(), staffed).Permitted:
			d.Approve = append(d.Approve, v)
		}
	}
	return err
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
func (n *Node) LogHealth(ctx context.Context) (h LogHealth, err error) {
	err = n.Store.View(ctx, func(tx store.Tx) error {
		h, err = n.logHealth(tx)
		return err
	})
	return h, err
}

func (n *Node) logHealth(tx store.Tx) (LogHealth, error) {
	h := LogHealth{Origin: n.Journal.Origin()}
	cp, err := tx.Newest(h.Origin)
	if fault.CodeOf(err) == fault.NotFound {
		return h, nil
	}
	if err != nil {
		return h, err
	}
	h.Size, h.Signed = cp.Size, cp.Time
	if err := tx.Checkpoints(h.Origin, max(0, cp.Size-cosignedFar), func(c store.Checkpoint) bool {
		if c.Cosigs > 0 {
			h.Cosigned, h.Cosigners = c.Size, c.Cosigs
		}
		return true
	}); err != nil {
		return h, err
	}
	return h, tx.Forks(func(store.Fork) bool { h.Forks++; return true })
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
