package cli

import (
	"context"

	"github.com/comity-exchange/comity/fault"
	"github.com/comity-exchange/comity/internal/node"
	"github.com/comity-exchange/comity/internal/notice"
)

type noticeCmd struct {
	Test noticeTestCmd `cmd:"" help:"Send one now that tells of nothing, and say whether it came through."`
	List noticeListCmd `cmd:"" help:"List what is to be told, and what waits to be sent."`
}

type noticeTestCmd struct{}

func (noticeTestCmd) Help() string {
	return `It goes by every way that the settings name (mail_server, webhook_url), once, and ends with status 1 when one of them fails. docs/notices.md says what notices tell.
  comity notice test`
}

func (c *noticeTestCmd) Run(ctx context.Context, s *session) error {
	return s.with(ctx, func(n *node.Node) error {
		stop := s.working("sending")
		tried, err := n.TryNotice(ctx)
		stop()
		if err != nil {
			return err
		}
		bad := false
		err = s.show(tried, func(p *page) {
			t := newTable("way", "says")
			for _, v := range tried {
				says := "it was taken"
				if !v.Sent {
					says = v.Says
				}
				t.addAlert(!v.Sent, string(v.Way), line(says))
			}
			p.table(t)
		})
		for _, v := range tried {
			bad = bad || !v.Sent
		}
		if err == nil && bad {
			err = &answered{fault.New(fault.Failed, "", "a notice could not be sent")}
		}
		return err
	})
}

type noticeListCmd struct{}

func (noticeListCmd) Help() string {
	return `What happened is told once: flash and immediate at once, the rest as a digest (notice_every). Notices are sent while the node is served.
  comity notice list`
}

func (c *noticeListCmd) Run(ctx context.Context, s *session) error {
	return s.with(ctx, func(n *node.Node) error {
		v, err := n.Notices(ctx)
		if err != nil {
			return err
		}
		return s.show(v, func(p *page) { showNotices(p, v) })
	})
}

func showNotices(p *page, v node.NoticesView) {
	if !v.Mail && !v.Webhook {
		p.say("The settings name neither mail_server nor webhook_url: nobody is told anything.")
		return
	}
	switch {
	case v.Sent.IsZero():
		p.say("None was sent yet.")
	default:
		p.say("The last was sent %s.", when(v.Sent))
	}
	if v.Lost > 0 {
		p.say("%s could not be sent within a day and given up, the last %s.", plural(v.Lost, "was", "were"), when(v.LastLost))
	}
	if len(v.Lines) > 0 {
		p.say("")
		p.say("To be told next:")
		p.table(linesTable(v.Lines))
	}
	if len(v.Waiting) == 0 {
		return
	}
	p.say("")
	p.say("To be sent:")
	t := newTable("made", "way", ">attempts", "next", "says")
	for _, n := range v.Waiting {
		for _, w := range n.Left {
			t.addAlert(w.Error != "", when(n.Made), string(w.Way), number(int64(w.Attempts)), when(w.Next), line(w.Error))
		}
	}
	p.table(t)
}

func linesTable(lines []notice.Line) *table {
	t := newTable("what", ">count", "desk", "precedence", "party")
	for _, l := range lines {
		t.add(string(l.Kind), number(int64(l.Count)), line(l.Desk), string(l.Precedence), string(l.Party))
	}
	return t
}
