package cli

import (
	"context"
	"time"

	"github.com/comity-exchange/comity/internal/demo"
)

type demoCmd struct {
	Once  bool          `help:"Tell the story, then end."`
	Input string        `placeholder:"FILE" help:"Attach this file to the request instead of the sample."`
	Pace  time.Duration `placeholder:"SPAN" help:"Rest after each step, to read: 2s."`
}

func (demoCmd) Help() string {
	return `Parties with their own nodes, keys and stores exchange, on this machine alone; --dir keeps what they make, else it goes with the demo.
  comity demo --pace 2s
  comity demo --once`
}

func (c *demoCmd) Run(ctx context.Context, s *session, grammar *commands) error {
	return demo.Run(ctx, demo.Options{Once: c.Once, Input: c.Input, Dir: grammar.Dir, Out: s.out, Color: s.page().colour, Pace: c.Pace})
}
