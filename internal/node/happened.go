package node

import (
	"encoding/hex"
	"errors"
	"slices"
	"strconv"
	"time"

	"github.com/comity-exchange/comity/desk/office"
	"github.com/comity-exchange/comity/desk/recall"
	drafts "github.com/comity-exchange/comity/internal/draft"
	"github.com/comity-exchange/comity/internal/notice"
	"github.com/comity-exchange/comity/internal/store"
	"github.com/comity-exchange/comity/marking"
	"github.com/comity-exchange/comity/party"
	"github.com/comity-exchange/comity/statement"
	"github.com/comity-exchange/comity/thread"
)

// Bounds of what a look remembers.
const (
	maxHeard      = 1000            // statements that arrived lately
	maxRemembered = 1000            // clocks, drafts and logs
	lately        = 2 * time.Minute // a statement may be stamped so long before it can be seen: its packet took its time, or another process's clock is behind
	seldom        = 5 * time.Minute // where nothing has arrived, the place from which is looked moves no more often
)

// look finds out what has happened since the last one, from the store alone, and has it be told. No text is read, and of what it finds only kinds and counts go on.
type look struct {
	*teller
	tx    store.Tx
	now   statement.Time
	state *notice.State
}

func (l *look) all() error {
	return errors.Join(l.arrived(), l.overdue(), l.due(), l.waiting(), l.forks())
}

// add has one thing be told, as far as the settings let it.
func (l *look) add(kind notice.Kind, desk string, p party.Code, precedence statement.Precedence, tlp marking.TLP) {
	line := notice.Line{Kind: kind, Desk: desk, Count: 1, Precedence: precedence, TLP: l.Config.MayTell(tlp)}
	if l.Config.NoticeParties == "tell" {
		line.Party = p
	}
	l.state.Add(line)
}

// mark is an id as it is remembered: enough of it that nobody finds another that begins so.
func mark(id []byte) string { return hex.EncodeToString(id[:12]) }

// heard is a statement of another party that has arrived.
type heard struct {
	mark string
	at   statement.Time
}

// arrived goes through the threads that were touched lately. At the first look of all nothing is new: what lies there, officers know.
func (l *look) arrived() error {
	p := &l.state.Position
	first := p.Floor.IsZero()
	if first {
		p.Floor = l.now.Add(-lately)
	}
	seen := map[string]bool{}
	for _, m := range p.Seen {
		seen[m] = true
	}
	var all []heard
	news := false
	err := l.threads(store.ThreadQuery{}, func(row store.ThreadRow, _ store.ThreadMark) (bool, error) {
		if row.Updated.Before(p.Floor) {
			return false, nil
		}
		var bad error
		err := l.tx.EachSince(row.ID, p.Floor, func(s store.Statement) bool {
			if s.Origin.Code() == l.Config.Code || isReceipt(s.Kind) {
				return true
			}
			h := heard{mark(s.ID[:]), s.Arrived}
			all = append(all, h)
			if seen[h.mark] {
				return true
			}
			news = true
			if !first {
				bad = l.one(row.Desk, s)
			}
			return bad == nil
		})
		return true, errors.Join(err, bad)
	})
	if err != nil {
		return err
	}
	if floor := l.now.Add(-lately); news || p.Floor.Add(seldom).Before(floor) {
		p.Floor, p.Seen = remember(all, later(p.Floor, floor))
	}
	return nil
}

// isReceipt tells what is said by nodes and needs nobody's eyes.
func isReceipt(k statement.Kind) bool {
	return k == thread.KindDelivered || k == thread.KindRetrieved || k == thread.KindRecalled
}

// one has a statement that arrived be told.
func (l *look) one(desk string, s store.Statement) error {
	kind, tlp := notice.Arrived, marking.TLP("")
	if s.Kind == recall.KindAsk {
		kind = notice.Recall
	}
	if l.Config.MayTell(marking.Clear) != "" { // else nobody asks
		h, err := statement.Reread(s.ID, s.Head)
		if err != nil {
			return err
		}
		tlp = h.Marking.TLP
	}
	l.add(kind, desk, s.Origin.Code(), s.Precedence, tlp)
	return nil
}

// remember gives the marks of what arrived at floor or later. Where they are too many, floor rises.
func remember(all []heard, floor statement.Time) (statement.Time, []string) {
	all = slices.DeleteFunc(all, func(h heard) bool { return h.at.Before(floor) })
	slices.SortFunc(all, func(a, b heard) int { return b.at.Compare(a.at) }) // the newest first
	if len(all) > maxHeard {
		floor = all[maxHeard].at.Add(time.Millisecond) // times in the store have no parts of one
		all = slices.DeleteFunc(all, func(h heard) bool { return h.at.Before(floor) })
	}
	marks := make([]string, len(all))
	for i, h := range all {
		marks[i] = h.mark
	}
	slices.Sort(marks)
	return floor, marks
}

func later(a, b statement.Time) statement.Time {
	if a.Before(b) {
		return b
	}
	return a
}

// threads goes through a list, page by page, until f gives false. The officers' own records are in none.
func (l *look) threads(q store.ThreadQuery, f func(store.ThreadRow, store.ThreadMark) (bool, error)) error {
	q.NotDesk, q.Limit, q.Look = string(office.Kind), MaxPage, pageLook
	for {
		page, err := l.tx.ListThreads(q)
		if err != nil {
			return err
		}
		for i, row := range page.Rows {
			if more, err := f(row, page.Marks[i]); err != nil || !more {
				return err
			}
		}
		if !page.More {
			return nil
		}
		q.After = page.Next
	}
}

// clock has a thread be told in which this party owes something.
func (l *look) clock(kind notice.Kind, row store.ThreadRow) {
	var p party.Code
	if len(row.Peers) > 0 {
		p = row.Peers[0]
	}
	l.add(kind, row.Desk, p, row.Precedence, row.TLP)
}

// overdue goes through what has run out since the last look.
func (l *look) overdue() error {
	q := store.ThreadQuery{Order: store.ByDue, Until: l.now}
	if !l.state.Position.Overdue.IsZero() {
		q.After = store.Sees(l.state.Position.Overdue)
	}
	news := false
	err := l.threads(q, func(row store.ThreadRow, _ store.ThreadMark) (bool, error) {
		news = true
		l.clock(notice.Overdue, row)
		return true, nil
	})
	if err == nil && news {
		l.state.Position.Overdue = l.now.Add(-time.Millisecond)
	}
	return err
}

// due goes through what runs out soon. Of too many, those that run out first are told now, and others when these have.
func (l *look) due() error {
	q := store.ThreadQuery{Order: store.ByDue, After: store.Sees(l.now.Add(-time.Millisecond)), Until: l.now.Add(l.Config.NoticeDue)}
	r := remembering{was: l.state.Position.Due}
	err := l.threads(q, func(row store.ThreadRow, m store.ThreadMark) (bool, error) {
		if r.isNew(mark(row.ID[:]) + "@" + strconv.FormatInt(m.At, 10)) {
			l.clock(notice.Due, row)
		}
		return !r.full(), nil
	})
	l.state.Position.Due = r.marks()
	return err
}

// waiting goes through the drafts that were submitted.
func (l *look) waiting() error {
	r := remembering{was: l.state.Position.Waiting}
	var bad error
	err := l.tx.EachDraft(func(row store.Draft) bool {
		if row.Status != string(drafts.Submitted) || !r.isNew(drafts.Name(row.ID)+"@"+strconv.FormatInt(row.Changed.Std().UnixMilli(), 10)) {
			return !r.full()
		}
		var d drafts.Draft
		if d, bad = drafts.Parse(row); bad != nil {
			return false
		}
		var to party.Code
		if len(d.To) > 0 {
			to = d.To[0]
		}
		l.add(notice.Approval, d.Kind.Desk(), to, d.Precedence, d.Marking.TLP)
		return !r.full()
	})
	l.state.Position.Waiting = r.marks()
	return errors.Join(err, bad)
}

// forks goes through the logs that have two histories. They are never forgotten.
func (l *look) forks() error {
	r := remembering{was: l.state.Position.Forks}
	err := l.tx.Forks(func(f store.Fork) bool {
		if r.isNew(string(f.Origin)) {
			l.add(notice.Fork, "", f.Origin.Code(), "", "")
		}
		return !r.full()
	})
	l.state.Position.Forks = r.marks()
	return err
}

// remembering is what was there at the last look, and what is now. What was and is no more stays until something new comes, so that its going is no news.
type remembering struct {
	was, is []string
	news    bool
}

func (r *remembering) isNew(mark string) bool {
	if slices.Contains(r.is, mark) {
		return false
	}
	r.is = append(r.is, mark)
	if slices.Contains(r.was, mark) {
		return false
	}
	r.news = true
	return true
}

func (r *remembering) full() bool { return len(r.is) >= maxRemembered }

func (r *remembering) marks() []string {
	if !r.news {
		return r.was
	}
	return r.is
}
