package cli

import (
	"context"
	"slices"
	"strings"

	"github.com/comity-exchange/comity/fault"
	"github.com/comity-exchange/comity/internal/delivery"
	"github.com/comity-exchange/comity/internal/node"
	"github.com/comity-exchange/comity/party"
	"github.com/comity-exchange/comity/statement"
	"github.com/comity-exchange/comity/thread"
)

type threadsCmd struct {
	Desk   string     `placeholder:"DESK" help:"Only threads of this desk, like assist."`
	Peer   party.Code `placeholder:"CODE" help:"Only threads with this party."`
	Unread bool       `help:"Only threads with something unread."`
	Owed   bool       `help:"Only threads in which this party owes something."`
	Status string     `default:"all" placeholder:"STATUS" help:"open: only threads in which something may still come; closed: only those in which nothing may; all; or the name of a status, like granted."`
	Search string     `placeholder:"TEXT" help:"Only threads with all these words in what was said; one that ends with a star stands for all that begin so. The newest thread comes first."`
}

func (threadsCmd) Help() string {
	return `  comity threads
  comity threads --desk assist --peer XB --unread
  comity threads --status closed
  comity threads --search "control centre log*"`
}

// find lists the threads that are asked for.
func (c *threadsCmd) find(ctx context.Context, n *node.Node) ([]node.ThreadView, error) {
	q := node.Query{Filter: node.Filter{Desk: c.Desk, Peer: c.Peer, Unread: c.Unread, Owed: c.Owed}, Text: strings.TrimSpace(c.Search), Limit: node.MaxPage}
	switch c.Status {
	case "all", "":
	case "open":
		q.Open = true
	case "closed":
		q.Closed = true
	default:
		q.Status = c.Status
	}
	if c.Search == "" {
		return n.Threads(ctx, q.Filter)
	}
	if q.Text == "" {
		return nil, fault.New(fault.Usage, "", "--search: say which words to look for")
	}
	all := []node.ThreadView{}
	for {
		page, err := n.List(ctx, q)
		if err != nil {
			return nil, err
		}
		all = append(all, page.Threads...)
		if q.Cursor = page.Next; q.Cursor == "" {
			return all, nil
		}
	}
}

func (c *threadsCmd) Run(ctx context.Context, s *session) error {
	return s.with(ctx, func(n *node.Node) error {
		all, err := c.find(ctx, n)
		if err != nil {
			return err
		}
		return s.show(all, func(p *page) {
			if len(all) == 0 {
				p.say("No thread.")
				return
			}
			t := newTable("thread", "desk", "from", "to", "tlp", "precedence", "status", ">unread", "touched", "title")
			for _, v := range all {
				t.add(v.ID.Short(), v.Desk, string(v.From), codes(v.To), string(v.TLP), precedence(v), v.Summary.Status, unread(v.Unread), when(v.Updated), title(v))
			}
			p.table(t)
		})
	})
}

func precedence(v node.ThreadView) string {
	if v.Exercise {
		return string(v.Precedence) + " EXERCISE"
	}
	return string(v.Precedence)
}

func title(v node.ThreadView) string { return cut(line(v.Title), 48) }

func unread(n int) string {
	if n == 0 {
		return ""
	}
	return number(n)
}

// owed is one thing that this party is to do.
type owed struct {
	Owes     string         `json:"owes"` // "acknowledge", "answer" or "sign"
	Due      statement.Time `json:"due,omitzero"`
	Overdue  bool           `json:"overdue"`
	Thread   thread.ID      `json:"thread"`
	From     party.Code     `json:"from"`
	Status   string         `json:"status"`
	Title    string         `json:"title,omitzero"`
	Exercise bool           `json:"exercise"`

	precedence string
}

type inboxCmd struct{}

func (inboxCmd) Help() string {
	return `Clocks run from the receipt of the request. What has no clock and waits for this party's signature comes after what has one.
  comity inbox
  comity inbox --json`
}

func (c *inboxCmd) Run(ctx context.Context, s *session) error {
	return s.with(ctx, func(n *node.Node) error {
		all, err := n.Threads(ctx, node.Filter{})
		if err != nil {
			return err
		}
		agreements, err := n.Agreements(ctx)
		if err != nil {
			return err
		}
		due := owedBy(n.Config.Code, all, agreements)
		fresh := slices.DeleteFunc(all, func(v node.ThreadView) bool { return v.Unread == 0 })
		return s.show(struct {
			Owed   []owed            `json:"owed"`
			Unread []node.ThreadView `json:"unread"`
		}{due, fresh}, func(p *page) { writeInbox(p, due, fresh) })
	})
}

// owedBy lists what self owes: by due date, then what has none.
func owedBy(self party.Code, all []node.ThreadView, agreements []node.AgreementView) []owed {
	out := []owed{}
	sign := map[thread.ID]bool{}
	for _, a := range agreements {
		sign[a.ID] = a.MayISign && a.InForce.IsZero()
	}
	for _, v := range all {
		o := owed{Thread: v.ID, From: v.From, Status: v.Summary.Status, Title: v.Title, Exercise: v.Exercise, precedence: precedence(v)}
		for _, c := range v.Clocks {
			if c.Owes == self {
				o.Owes, o.Due, o.Overdue = c.Name, c.Due, c.Overdue
				out = append(out, o)
			}
		}
		if sign[v.ID] && len(v.Moves) > 0 {
			o.Owes = "sign"
			out = append(out, o)
		}
	}
	slices.SortStableFunc(out, func(a, b owed) int {
		switch {
		case a.Due.IsZero() == b.Due.IsZero():
			return a.Due.Compare(b.Due)
		case a.Due.IsZero():
			return 1
		}
		return -1
	})
	return out
}

func writeInbox(p *page, due []owed, fresh []node.ThreadView) {
	if len(due) == 0 && len(fresh) == 0 {
		p.say("Nothing waits for you.")
		return
	}
	if len(due) > 0 {
		t := newTable("due", "owed", "from", "thread", "precedence", "status", "title")
		for _, o := range due {
			t.addAlert(o.Overdue, orNone(p.due(o.Due), "no date"), o.Owes, string(o.From), o.Thread.Short(), o.precedence, o.Status, cut(line(o.Title), 48))
		}
		p.table(t)
	}
	if len(fresh) == 0 {
		return
	}
	p.gap()
	p.say("%s", p.bold("Unread"))
	t := newTable("thread", "desk", "from", ">new", "touched", "status", "title")
	for _, v := range fresh {
		t.add(v.ID.Short(), v.Desk, string(v.From), number(v.Unread), when(v.Updated), v.Summary.Status, title(v))
	}
	p.table(t)
}

// queueView is a queue with its lag as a number.
type queueView struct {
	delivery.Queue
	LagNS int64 `json:"lag_ns"`
}

// waiting is how many statements wait; a + stands behind what was not counted to its end.
func waiting(q delivery.Queue) string {
	if q.AtLeast {
		return number(q.Waiting) + "+"
	}
	return number(q.Waiting)
}

type outboxCmd struct{}

func (outboxCmd) Help() string {
	return `A statement waits until the peer's receipt for it is here. "push": this node sends; "pulls": the peer fetches; "bag": packets are carried.
  comity outbox`
}

func (c *outboxCmd) Run(ctx context.Context, s *session) error {
	return s.with(ctx, func(n *node.Node) error {
		queues, err := n.Courier.Queues(ctx)
		if err != nil {
			return err
		}
		out := []queueView{}
		for _, q := range queues {
			out = append(out, queueView{q, int64(q.Lag)})
		}
		return s.show(out, func(p *page) {
			if len(queues) == 0 {
				p.say("No peer is confirmed yet.")
				return
			}
			t := newTable("peer", "reach", ">waiting", ">flash", "oldest for", "last success", "next try", "last error")
			for _, q := range queues {
				lag := ""
				if q.Waiting > 0 {
					lag = span(q.Lag)
				}
				t.addAlert(q.LastError != "", string(q.Peer), q.Reach, waiting(q), unread(q.By[statement.Flash]), lag, when(q.LastSuccess), when(q.NextTry), line(q.LastError))
			}
			p.table(t)
		})
	})
}
