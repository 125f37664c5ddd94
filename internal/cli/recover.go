package cli

import (
	"context"
	"fmt"
	"io"
	"strings"

	"github.com/comity-exchange/comity/fault"
	"github.com/comity-exchange/comity/internal/node"
	"github.com/comity-exchange/comity/party"
)

type recoverCmd struct {
	FromPeers   bool         `xor:"way" help:"Put back what was lost from what the peers have mirrored, and let the log go on."`
	NewLog      bool         `xor:"way" help:"Close the log at what is left of it, and open the next by the recovery key."`
	RecoveryKey string       `placeholder:"FILE" help:"The recovery key, for --new-log."`
	Without     []party.Code `placeholder:"CODE" help:"Do not wait for this peer. What only it has seen of the log would be signed over: be sure that it is gone."`
	Page        []string     `sep:"none" placeholder:"CODE=FILE" help:"What a peer that cannot be reached has written with comity packet mirror; all of its pages."`
}

func (recoverCmd) Help() string {
	return `Without a flag it looks: it asks every peer what it has of the own log, and says which way back is open. A node that is served does so by itself; stop it before you put anything back.
  comity recover
  comity recover --from-peers --without XC
  comity recover --new-log --recovery-key /media/safe/recovery.key`
}

func (c *recoverCmd) Run(ctx context.Context, s *session) error {
	if c.NewLog != (c.RecoveryKey != "") {
		return fault.New(fault.Usage, "", "--new-log and --recovery-key go together")
	}
	pages, err := pagesOf(c.Page)
	if err != nil {
		return err
	}
	how := node.Recovering{Without: c.Without, Files: pages}
	return s.opened(ctx, node.Options{Behind: true}, func(n *node.Node) error {
		stop := s.working("asking the peers")
		r, err := c.act(ctx, n, how)
		stop()
		if err != nil {
			return err
		}
		return s.show(r, func(p *page) { p.recovery(r) })
	})
}

func (c *recoverCmd) act(ctx context.Context, n *node.Node, how node.Recovering) (node.Recovery, error) {
	switch {
	case c.FromPeers:
		return n.FromPeers(ctx, how)
	case c.NewLog:
		key, err := n.RecoveryKey(c.RecoveryKey)
		if err != nil {
			return node.Recovery{}, err
		}
		return n.NewLog(ctx, how, node.Rotation{Recovery: key})
	}
	return n.Look(ctx, how)
}

func pagesOf(args []string) (map[party.Code][]string, error) {
	out := map[party.Code][]string{}
	for _, a := range args {
		name, file, ok := strings.Cut(a, "=")
		code, err := party.ParseCode(name)
		if !ok || err != nil || file == "" {
			return nil, fault.New(fault.Usage, "", "a page is given as CODE=FILE")
		}
		out[code] = append(out[code], file)
	}
	return out, nil
}

// recovery tells what was found, what was done, and what to do next.
func (p *page) recovery(r node.Recovery) {
	p.say("%s: %s", p.bold("Log "+string(r.State.Origin)), line(r.State.Says))
	p.say("the store had %d leaves; %d are known to have left; every leaf is known up to %d", r.Old, r.Known, r.Whole)
	p.gap()
	t := newTable("peer", "answered", ">has", "says")
	for _, a := range r.Peers {
		answered := "no"
		switch {
		case a.Without:
			answered = "left out"
		case a.Answered:
			answered = "yes"
		}
		t.addAlert(answered == "no", string(a.Peer), answered, fmt.Sprint(a.Size), line(a.Error))
	}
	p.table(t)
	if len(r.Lack) > 0 {
		p.say("Nobody gave back the leaves %v", r.Lack)
	}
	if len(r.Bare) > 0 {
		p.say("Of the leaves %v only the hashes are known: what they were is lost here, and the log stands", r.Bare)
	}
	if r.Done {
		p.say("%s and %s were put back.", plural(r.Statements, "statement", "statements"), plural(r.Bodies, "body", "bodies"))
	}
	if r.New != nil {
		p.rotated(*r.New)
	}
	p.unsaid(r.Unsaid)
	p.gap()
	p.say("%s", p.bold("Next: "+next(r)))
}

// next is what the operator does now.
func next(r node.Recovery) string {
	switch {
	case r.Done || r.Way == node.WayNone && r.State.Ready():
		return "comity serve"
	case r.State.Do != "" && r.Way == node.WayNone:
		return line(r.State.Do)
	case r.Way == node.WayWait:
		return "wait for the peers that have not answered, or call them; --without CODE goes on without one"
	case r.Way == node.WayPeers:
		return "comity recover --from-peers"
	case r.Way == node.WayStolen:
		return "tell the peers by voice, then comity keys rotate --stolen --recovery-key FILE"
	}
	return "comity recover --new-log --recovery-key FILE"
}

func (p *page) unsaid(all []node.Unsaid) {
	if len(all) == 0 {
		return
	}
	p.gap()
	p.say("These did not reach everybody, and will not: say them again where it matters.")
	t := newTable("statement", "kind", "said", "not at", "title")
	for _, u := range all {
		t.add(u.ID.Short(), string(u.Kind), when(u.Time), codes(u.To), line(u.Title))
	}
	p.table(t)
}

type keysCmd struct {
	Rotate keysRotateCmd `cmd:"" help:"Replace all keys by the recovery key: the log is closed, and the next one opened."`
}

type keysRotateCmd struct {
	RecoveryKey string `required:"" placeholder:"FILE" help:"The recovery key."`
	Stolen      bool   `help:"The keys may be in other hands: nothing that they sign beyond the closing is believed."`
	Lost        bool   `help:"The keys are gone from the folder."`
}

func (keysRotateCmd) Help() string {
	return `The node must not be served. Afterwards hand the new letter over: peers that hold the one before take it without words, since the recovery key has signed it. What waits in the old log is
still delivered.
  comity keys rotate --recovery-key /media/safe/recovery.key
  comity keys rotate --recovery-key /media/safe/recovery.key --stolen`
}

func (c *keysRotateCmd) Run(ctx context.Context, s *session) error {
	key, err := node.RecoveryKey(s.dir, s.env, c.RecoveryKey)
	if err != nil {
		return err
	}
	how := node.Rotation{Recovery: key, Stolen: c.Stolen}
	if c.Lost {
		done, err := node.RotateLost(ctx, s.dir, node.Options{Env: s.env, Now: s.now}, how)
		if err != nil {
			return err
		}
		return s.showRotated(done)
	}
	return s.opened(ctx, node.Options{Behind: true}, func(n *node.Node) error {
		done, err := n.Rotate(ctx, how)
		if err != nil {
			return err
		}
		return s.showRotated(done)
	})
}

func (s *session) showRotated(done node.Rotated) error {
	return s.show(done, func(p *page) {
		p.rotated(done)
		p.gap()
		p.say("%s", p.bold("Next: comity serve, and hand the letter over"))
	})
}

func (p *page) rotated(done node.Rotated) {
	p.say("Log %s is closed at %d leaves; %s is open.", done.Closed, done.Size, done.Origin)
	p.say("Letter %d is in %s. Its words: %s", done.Serial, done.File, strings.Join(done.Words, " "))
}

type packetMirrorCmd struct {
	Peer   party.Code `arg:"" help:"Whose log."`
	From   int64      `default:"0" placeholder:"LEAF" help:"From which leaf on: what the peer's comity recover asks for."`
	Output string     `required:"" short:"o" placeholder:"FILE" help:"Where to."`
}

func (packetMirrorCmd) Help() string {
	return `For a peer that has lost a part of its own log and cannot be reached: what this node holds of it, sealed to that peer alone. It says where the next page begins, until there is none.
  comity packet mirror XA --from 80 -o xa-1.mirror`
}

func (c *packetMirrorCmd) Run(ctx context.Context, s *session) error {
	return s.with(ctx, func(n *node.Node) error {
		var more int64
		err := writeFile(c.Output, false, func(w io.Writer) (err error) {
			more, err = n.GiveBack(ctx, c.Peer, c.From, w)
			return err
		})
		if err != nil {
			return err
		}
		return s.show(struct {
			File string `json:"file"`
			Next int64  `json:"next,omitzero"` // leaf of the next page
		}{c.Output, more}, func(p *page) {
			p.say("Written to %s.", c.Output)
			if more > 0 {
				p.say("There is more: comity packet mirror %s --from %d -o FILE", c.Peer, more)
			}
		})
	})
}
