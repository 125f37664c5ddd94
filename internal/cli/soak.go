package cli

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"os/exec"
	"slices"
	"time"

	"github.com/comity-exchange/comity/fault"
	"github.com/comity-exchange/comity/internal/soak"
)

type soakCmd struct {
	Kills   int           `placeholder:"N" help:"End after so many; nodes that die together count once. Without it, and without --for: 200."`
	For     time.Duration `placeholder:"SPAN" help:"End after so long: 8h."`
	Parties int           `default:"2" placeholder:"N" help:"Nodes, from 2 to 9; of three or more, the last cannot be reached, and fetches."`
	Load    int           `default:"6" placeholder:"N" help:"How many people say things at the same time; at least one a process."`
	Store   string        `placeholder:"ADDRESS" help:"Keep each party's memory in a database of its own on this PostgreSQL server, made for it and removed; the address may create databases."`

	Processes int    `default:"1" placeholder:"N" help:"Processes of each party, which share its database: some are killed, some stand still, the others go on."`
	Seed      uint64 `placeholder:"N" help:"Draw the same lots as a run that printed this number."`

	Child string `hidden:"" placeholder:"DIR" help:"Be the node in this folder, for a soak that has started this process."`
}

func (soakCmd) Help() string {
	return `Nodes on this machine exchange statements and are killed, half the time at a moment drawn by lot, half the time at each step of saying, writing, delivering and receiving
in turn. After each kill everything that was acknowledged must be there once, on both sides, and every log must verify. It ends with status 1 at the first thing that is not so, and
keeps the folders that show it; else it removes them, unless --dir names them. Leave it for a night: disk and memory that it needs do not grow.
  comity soak
  comity soak --for 8h --parties 3
  comity soak --kills 1000 --json
  comity soak --store postgres://comity@db.xa.example/postgres --processes 3 --for 8h`
}

// tellEvery is how often a soak says how it goes.
const tellEvery = 10 * time.Second

func (c *soakCmd) Run(ctx context.Context, s *session, grammar *commands) error {
	if c.Child != "" {
		return soak.Node(ctx, c.Child, s.in, s.out, s.err)
	}
	self, err := os.Executable()
	if err != nil {
		return fault.Wrap(err, fault.Unavailable, "", "this program does not know where it lies")
	}
	o := soak.Options{
		Kills: c.Kills, For: c.For, Seed: c.Seed, Parties: c.Parties, Load: c.Load, Dir: grammar.Dir, Store: c.Store, Processes: c.Processes,
		Command: func(ctx context.Context, dir string) *exec.Cmd {
			cmd := exec.CommandContext(ctx, self, "soak", "--child", dir)
			cmd.Args[0] = "comity"
			return cmd
		},
	}
	if o.Kills == 0 && o.For == 0 {
		o.Kills = 200
	}
	if o.Seed == 0 {
		o.Seed = rand.Uint64()
	}
	told := time.Now()
	o.Progress = func(r soak.Report) {
		if time.Since(told) >= tellEvery {
			told = time.Now()
			s.note(soaked(r))
		}
	}
	report, err := soak.Run(ctx, o)
	if fault.CodeOf(err) == fault.Usage {
		return err
	}
	return errors.Join(err, s.show(report, func(p *page) { writeSoak(p, report) }))
}

// soaked is how a soak goes, in a line.
func soaked(r soak.Report) string {
	return fmt.Sprintf("killed and looked %s (%s); %s acknowledged, %s unanswered (%s there, %s not); lost %d, doubled %d; %s",
		plural(r.Looks, "time", "times"), plural(r.Kills, "process", "processes"), plural(r.Acknowledged, "statement", "statements"), number(r.Found+r.NotFound),
		number(r.Found), number(r.NotFound), r.Lost, r.Doubled, span(time.Duration(r.Seconds*float64(time.Second))))
}

func writeSoak(p *page, r soak.Report) {
	p.say("%s", p.bold("Soak"))
	p.say("%s", soaked(r))
	p.say("%d parties, %d people, seed %d; %s", r.Parties, r.Load, r.Seed, plural(r.Together, "time more than one node was dead", "times more than one node was dead"))
	if r.Processes > 1 {
		p.say("%d processes of a party on its database; %s one stood still for longer than its turn, and the others went on; %s not said for want of a turn",
			r.Processes, plural(r.Pauses, "time", "times"), plural(r.Turned, "statement was", "statements were"))
	}
	p.gap()
	t := newTable("killed", ">times")
	t.add("at a moment drawn by lot", number(r.AtRandom))
	for _, point := range slices.Sorted(maps.Keys(r.ByPoint)) {
		t.add("at "+point, number(r.ByPoint[point]))
	}
	p.table(t)
	if r.Violation != "" {
		p.gap()
		p.say("%s", p.warn(r.Violation))
		p.say("The folders are in %s", r.Folder)
		for _, d := range r.Databases {
			p.say("A database is %s", line(d))
		}
	}
}
