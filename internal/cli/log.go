package cli

import (
	"context"

	"github.com/comity-exchange/comity/fault"
	"github.com/comity-exchange/comity/internal/node"
	"github.com/comity-exchange/comity/party"
)

type logCmd struct {
	Verify logVerifyCmd `cmd:"" help:"Recompute the own log and hold it against tiles, checkpoint, signatures and mark."`
	Serve  logServeCmd  `cmd:"" help:"Serve the own log read-only over HTTP, until interrupted."`
}

type logVerifyCmd struct{}

func (logVerifyCmd) Help() string {
	return `Ends with status 1 when something does not agree.
  comity log verify`
}

func (c *logVerifyCmd) Run(ctx context.Context, s *session) error {
	return s.opened(ctx, node.Options{Behind: true}, func(n *node.Node) error {
		stop := s.working("verifying the log")
		r, err := n.VerifyLog(ctx)
		stop()
		if err != nil {
			return err
		}
		err = s.show(struct {
			Verified bool `json:"verified"`
			node.LogReport
		}{len(r.Problems) == 0, r}, func(p *page) {
			p.say("Log %s: %s", p.bold(string(r.Origin)), orNothing(int(r.Size), "statement", "statements"))
			if r.Size > 0 {
				p.say("root %s, signed %s, cosigned by %s", r.Root, when(r.Signed), plural(r.Cosigned, "other party", "other parties"))
			}
			for _, problem := range r.Problems {
				p.say("%s", p.warn("does not agree: "+line(problem)))
			}
			if len(r.Problems) == 0 {
				p.say("Everything agrees.")
			}
		})
		if err == nil && len(r.Problems) > 0 {
			err = &answered{fault.New(fault.Failed, "LOG-12", "the log does not agree")}
		}
		return err
	})
}

type logServeCmd struct {
	Listen string `placeholder:"ADDRESS" help:"Where to listen. Without it: log_listen of comity.toml."`
}

func (logServeCmd) Help() string {
	return `It is C2SP tlog-tiles, and discloses ids and growth, nothing else. 'comity serve' does it too where log_listen is set.
  comity log serve --listen 127.0.0.1:8080`
}

func (c *logServeCmd) Run(ctx context.Context, s *session) error {
	return s.with(ctx, func(n *node.Node) error {
		address := c.Listen
		if address == "" {
			address = n.Config.LogListen
		}
		if address == "" {
			return fault.New(fault.Usage, "", "say where to listen: --listen ADDRESS, or log_listen in comity.toml")
		}
		l, err := listen(ctx, address)
		if err != nil {
			return err
		}
		defer l.Close()
		if err := s.show(struct {
			Origin party.Origin `json:"origin"`
			Listen string       `json:"listen"`
		}{n.Journal.Origin(), l.Addr().String()}, func(p *page) {
			p.say("comity: the log %s is on http://%s/checkpoint", n.Journal.Origin(), l.Addr())
		}); err != nil {
			return err
		}
		return serveLog(ctx, l, n.LogHandler())
	})
}
