package cli

import (
	"context"
	"fmt"
	"strings"

	"github.com/comity-exchange/comity/internal/node"
	"github.com/comity-exchange/comity/ledger"
	"github.com/comity-exchange/comity/party"
	"github.com/comity-exchange/comity/statement"
)

type ledgerCmd struct {
	Peer     party.Code `required:"" placeholder:"CODE" help:"The other party."`
	From     string     `placeholder:"TIME" help:"Requests from this time on. Without it: the first day of this year."`
	To       string     `placeholder:"TIME" help:"Requests before this time. Without it: the first day of the next year."`
	OwnSize  int64      `placeholder:"N" help:"Up to this size of the own log. Without it: as far as the peer is known to have it."`
	PeerSize int64      `placeholder:"N" help:"Up to this size of the peer's log. Without it: as far as it is here."`
}

func (ledgerCmd) Help() string {
	return `It is computed from both logs each time; both sides get the same bytes for the same period and sizes. With --json these bytes are printed, and nothing else.
  comity ledger --peer XB
  comity ledger --peer XB --from 2026-01-01 --to 2026-07-01 --own-size 120 --peer-size 98
  comity ledger --peer XB --json | sha256sum`
}

func (c *ledgerCmd) Run(ctx context.Context, s *session) error {
	p := node.Period{Peer: c.Peer, OwnSize: c.OwnSize, PeerSize: c.PeerSize}
	var err error
	if c.From == "" {
		c.From = fmt.Sprintf("%04d-01-01", s.now().UTC().Year())
	}
	if c.To == "" {
		c.To = fmt.Sprintf("%04d-01-01", s.now().UTC().Year()+1)
	}
	if p.From, err = s.moment("--from", c.From); err != nil {
		return err
	}
	if p.To, err = s.moment("--to", c.To); err != nil {
		return err
	}
	return s.with(ctx, func(n *node.Node) error {
		l, err := n.Ledger(ctx, p)
		if err != nil {
			return err
		}
		if s.json {
			return s.print(l.Marshal()) // the bytes that are hashed: no line feed
		}
		page := s.page()
		writeLedger(page, l, n.Config.Code)
		return s.print([]byte(page.String()))
	})
}

func writeLedger(p *page, l *ledger.Ledger, self party.Code) {
	p.say("%s", p.bold(fmt.Sprintf("Ledger of %s and %s, %s to %s", l.Parties[0], l.Parties[1], day(l.From), day(l.To))))
	p.gap()
	if len(l.Entries) == 0 {
		p.say("Nothing was asked.")
	} else {
		t := newTable("asked at", "asker", "asked", "request", "precedence", "arrived after", "acknowledged after", "answered after", "outcome", "kept", "grounds")
		for _, e := range l.Entries {
			prec := string(e.Precedence)
			if e.Exercise {
				prec += " EXERCISE"
			}
			t.addAlert(kept(e) == "late", when(e.AskedAt), string(e.Asker), string(e.Asked), e.ID.Short(), prec, after(e.AskedAt, e.ArrivedAt),
				after(e.AskedAt, e.AcknowledgedAt), after(e.AskedAt, e.AnsweredAt), e.Outcome, kept(e), strings.Join(e.Grounds, ", "))
		}
		p.table(t)
	}
	p.gap()
	t := newTable("asker", ">asked", ">acknowledged", ">granted", ">partly", ">on conditions", ">postponed", ">refused", ">withdrawn", ">open", ">kept", ">late")
	for _, x := range l.Totals {
		t.add(string(x.Asker), number(x.Asked), number(x.Acknowledged), number(x.Granted), number(x.PartlyGranted), number(x.GrantedOnConditions),
			number(x.Postponed), number(x.Refused), number(x.Withdrawn), number(x.Open), number(x.Kept), number(x.Late))
	}
	p.table(t)
	p.gap()
	own, other := 0, 1
	if l.Parties[1] == self {
		own, other = 1, 0
	}
	p.say("Digest %s", p.bold(l.Digest().String()))
	p.say("%s gets the same with: comity ledger --peer %s --from %s --to %s --own-size %d --peer-size %d",
		l.Parties[other], self, asked(l.From), asked(l.To), l.Sizes[other], l.Sizes[own])
}

func day(t statement.Time) string { return strings.TrimSuffix(when(t), " 00:00Z") }

// asked is a time as the flags take it.
func asked(t statement.Time) string {
	if d := day(t); d != when(t) && strings.HasSuffix(t.String(), "T00:00:00.000Z") {
		return d
	}
	return t.String()
}

func after(from, to statement.Time) string {
	if to.IsZero() {
		return ""
	}
	return span(to.Std().Sub(from.Std()))
}

func kept(e ledger.Entry) string {
	switch {
	case e.Kept == nil:
		return ""
	case *e.Kept:
		return "kept"
	case e.AnswerArrivedAt.IsZero(): // counted as late (LED-4), though it may have come: a receipt is beyond the sizes, or was never given
		return "no receipt"
	}
	return "late"
}
