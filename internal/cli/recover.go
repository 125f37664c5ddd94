package cli

import (
	"context"
	"fmt"
	"strings"

	"github.com/comity-exchange/comity/fault"
	"github.com/comity-exchange/comity/internal/journal"
	"github.com/comity-exchange/comity/internal/node"
	"github.com/comity-exchange/comity/party"
	"github.com/comity-exchange/comity/thread"
)

type recoverCmd struct {
	FromPeers bool         `xor:"way" help:"Put back what the peers have mirrored, and let the log go on."`
	NewLog    bool         `xor:"way" help:"Put back what can be, close the log, and open the next by the recovery key."`
	Without   []party.Code `placeholder:"CODE" help:"Go on without this peer's answer. What it alone has seen is lost: with --from-peers it shows there as a fork, with --new-log that peer refuses the letter, unless --stolen."`
	Mirrored  []string     `sep:"none" placeholder:"CODE=FILE" help:"What a peer wrote that cannot be asked (comity packet mirror); all its files, one after the other."`
	recoveryFlags
}

// recoveryFlags are what a change of keys needs.
type recoveryFlags struct {
	RecoveryKey  string `placeholder:"FILE" help:"The recovery key, brought from where it is kept."`
	RecoveryLock string `placeholder:"FILE" help:"Key file that unlocks it. Without it: what unlocks the node's keys."`
	Stolen       bool   `help:"The log's keys may be in other hands: peers believe nothing that they signed beyond what is closed over."`
	Output       string `short:"o" placeholder:"FILE" help:"Write the new letter to FILE too."`
}

func (recoverCmd) Help() string {
	return `Without a flag it asks every peer what it has of the own log, says what is the case and which way back is open, and changes nothing. It ends with status 6 while nothing can be said.
  comity recover
  comity recover --from-peers
  comity recover --from-peers --mirrored XC=from-xc.packet --without XD
  comity recover --new-log --recovery-key usb/recovery.key -o xa-2.letter`
}

func (c *recoverCmd) Run(ctx context.Context, s *session) error {
	if c.NewLog != (c.RecoveryKey != "") {
		return fault.New(fault.Usage, "LTR-6", "--new-log needs --recovery-key, and nothing else does")
	}
	how, err := c.allowed()
	if err != nil {
		return err
	}
	return s.opened(ctx, node.Options{Behind: true, Log: s.logger()}, func(n *node.Node) error {
		stop := s.working("asking the peers")
		var r node.Recovery
		var err error
		switch {
		case c.FromPeers:
			r, err = n.FromPeers(ctx, how)
		case c.NewLog:
			r, err = c.newLog(ctx, n, s, how)
		default:
			r, err = n.Look(ctx, how)
		}
		stop()
		if err != nil && r.Way == "" {
			return err
		}
		if r.New != nil && c.Output != "" {
			err = firstOf(err, writeFile(c.Output, true, writing(r.New.Letter)))
		}
		if shown := s.show(r, func(p *page) { recovered(p, r) }); shown != nil {
			return shown
		}
		if err == nil && !r.Done && !r.State.Ready() {
			err = &answered{fault.New(fault.Behind, "LOG-12", "nothing can be said")}
		}
		return err
	})
}

func (c *recoverCmd) newLog(ctx context.Context, n *node.Node, s *session, how node.Recovering) (node.Recovery, error) {
	key, err := node.LoadRecovery(s.dir, s.env, c.RecoveryKey, c.RecoveryLock)
	if err != nil {
		return node.Recovery{}, err
	}
	return n.NewLog(ctx, how, node.Rotation{Recovery: key, Stolen: c.Stolen})
}

func (c *recoverCmd) allowed() (node.Recovering, error) {
	how := node.Recovering{Without: c.Without, Files: map[party.Code][]string{}}
	for _, m := range c.Mirrored {
		text, file, ok := strings.Cut(m, "=")
		code, err := party.ParseCode(text)
		if !ok || err != nil || file == "" {
			return how, fault.New(fault.Usage, "", "--mirrored: a peer and its file, like XC=from-xc.packet")
		}
		how.Files[code] = append(how.Files[code], file)
	}
	return how, nil
}

func firstOf(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

// recovered says what was found, and what was done.
func recovered(p *page, r node.Recovery) {
	p.say("Log %s: %s in the store, %s known to have left.", p.bold(string(r.State.Origin)), plural(r.Old, "leaf", "leaves"), number(r.Known))
	t := newTable("peer", ">has", "answer")
	for _, a := range r.Peers {
		answer := "answered"
		switch {
		case a.Error != "":
			answer = line(a.Error)
		case !a.Answered:
			answer = "has not answered"
		case a.Size == 0:
			answer = "answered: it has nothing of it"
		}
		if a.Without {
			answer += "; gone without"
		}
		t.addAlert(!a.Answered && !a.Without, string(a.Peer), number(a.Size), answer)
	}
	p.table(t)
	p.gap()
	if r.Done {
		p.say("Put back: %s, %s.", plural(r.Statements, "statement", "statements"), plural(r.Bodies, "body", "bodies"))
		if len(r.Bare) > 0 {
			p.say("Of %s only the hash is known: %s. Their statements were lost, and nobody had them.", plural(lacks(r.Bare), "leaf", "leaves"), ranges(r.Bare))
		}
	}
	next(p, r)
	if len(r.Unsaid) > 0 {
		p.gap()
		p.say("These were said in the closed log, and not everybody will get them any more. Say in the open one what still matters:")
		u := newTable("said", "when", "what", "not at", "title")
		for _, s := range r.Unsaid {
			u.add(s.ID.Short(), when(s.Time), string(s.Kind), codes(s.To), cut(line(s.Title), 40))
		}
		p.table(u)
	}
}

// next says how to go on.
func next(p *page, r node.Recovery) {
	switch {
	case r.New != nil:
		p.say("%s is closed at %s; the log is now %s, and letter %d names its keys.", r.New.Closed, plural(r.New.Size, "leaf", "leaves"), p.bold(string(r.New.Origin)), r.New.Serial)
		p.say("Next: start the node again, and hand %s to every peer: comity credence import there. No words are needed: the recovery key has signed it.", r.New.File)
	case r.Done:
		p.say("The log goes on. What peers said and was lost here is being asked for; comity doctor says whether anything is missing.")
	case r.Way == node.WayNone:
		p.say("Nothing is missing.")
	case r.Way == node.WayWait && r.State.Condition == journal.Waiting:
		p.say("%s.", r.State.Says)
		p.say("Next: %s.", r.State.Do)
	case r.Way == node.WayWait:
		p.say("Next: wait until every peer can be asked, have one that cannot write what it has (there: comity packet mirror %s -o FILE --from %d), or go on without it: --without CODE.",
			r.State.Origin.Code(), r.Old)
	case r.Way == node.WayPeers:
		p.say("Every leaf is known again. Next: %s", p.bold("comity recover --from-peers"))
	case r.Way == node.WayNewLog:
		p.say("%s", p.warn(plural(lacks(r.Lack), "leaf is", "leaves are")+" nowhere: "+ranges(r.Lack)+". The log cannot go on."))
		p.say("Next: find a newer copy of the store, or %s", p.bold("comity recover --new-log --recovery-key FILE"))
	case r.Way == node.WayStolen:
		p.say("%s", p.warn("The log's keys have signed two histories: somebody else may have them, or two copies of this node were running."))
		p.say("Next: tell the peers by voice, then %s", p.bold("comity keys rotate --stolen --recovery-key FILE"))
	}
}

func lacks(list []thread.Range) (n int64) {
	for _, g := range list {
		n += g[1] - g[0]
	}
	return n
}

// ranges shows some ranges of leaves.
func ranges(list []thread.Range) string {
	var out []string
	for i, g := range list {
		if i == 8 {
			out = append(out, "…")
			break
		}
		if g[1] == g[0]+1 {
			out = append(out, number(g[0]))
		} else {
			out = append(out, number(g[0])+"–"+number(g[1]-1))
		}
	}
	return strings.Join(out, ", ")
}

type keysCmd struct {
	Rotate keysRotateCmd `cmd:"" help:"Change every key by the recovery key, and open a new log with them."`
}

type keysRotateCmd struct {
	Lost bool `help:"The keys are lost: only the recovery key is there."`
	recoveryFlags
}

func (keysRotateCmd) Help() string {
	return `The log is closed at what the store has, and the next one opened. What stands stays valid, and what waits in the old log is still delivered. Peers need the new letter, and no words for it.
A node that is being served says nothing more under the old keys: start it again.
  comity keys rotate --recovery-key usb/recovery.key -o xa-2.letter
  comity keys rotate --recovery-key usb/recovery.key --stolen -o xa-2.letter
  comity keys rotate --recovery-key usb/recovery.key --recovery-lock usb/lock.key --lost -o xa-2.letter`
}

func (c *keysRotateCmd) Run(ctx context.Context, s *session) error {
	if c.RecoveryKey == "" {
		return fault.New(fault.Usage, "LTR-6", "--recovery-key names the recovery key: without it no key can be changed")
	}
	key, err := node.LoadRecovery(s.dir, s.env, c.RecoveryKey, c.RecoveryLock)
	if err != nil {
		return err
	}
	r := node.Rotation{Recovery: key, Stolen: c.Stolen}
	if c.Lost {
		done, err := node.RotateLost(ctx, s.dir, node.Options{Env: s.env, Now: s.now}, r)
		return c.rotated(s, done, err)
	}
	return s.opened(ctx, node.Options{Behind: true}, func(n *node.Node) error {
		done, err := n.Rotate(ctx, r)
		if fault.CodeOf(err) == fault.Behind {
			return advise(err, "comity recover says which way back is open")
		}
		return c.rotated(s, done, err)
	})
}

func (c *keysRotateCmd) rotated(s *session, r node.Rotated, err error) error {
	if err != nil {
		return err
	}
	if c.Output != "" {
		if err := writeFile(c.Output, true, writing(r.Letter)); err != nil {
			return err
		}
	}
	return s.show(r, func(p *page) {
		p.say("%s is closed at %s; the log is now %s, and letter %d names its keys.", r.Closed, plural(r.Size, "leaf", "leaves"), p.bold(string(r.Origin)), r.Serial)
		p.say("Letter of credence   %s", r.File)
		p.say("Its words            %s", p.bold(strings.Join(r.Words, " ")))
		p.gap()
		p.say("Next: start the node again, and hand the letter to every peer: comity credence import there. Who had confirmed the one before needs no words.")
	})
}

type packetMirrorCmd struct {
	Peer   party.Code `arg:"" help:"Whose log."`
	Output string     `required:"" short:"o" placeholder:"FILE" help:"Where to."`
	From   int64      `placeholder:"LEAF" help:"From this leaf on; the peer knows how many it still has."`
}

func (packetMirrorCmd) Help() string {
	return `For a peer that has lost a part of its own log and cannot be reached from here: what this node holds of that log, sealed to that peer. Several packets become FILE, FILE.2, FILE.3.
  comity packet mirror XA -o to-xa.packet --from 1204`
}

func (c *packetMirrorCmd) Run(ctx context.Context, s *session) error {
	return s.opened(ctx, node.Options{Behind: true}, func(n *node.Node) error {
		files := []string{}
		if err := n.MirrorSeries(ctx, c.Peer, c.From, func(page []byte) error {
			name := c.Output
			if i := len(files); i > 0 {
				name = fmt.Sprintf("%s.%d", c.Output, i+1)
			}
			files = append(files, name)
			return advise(writeFile(name, false, writing(page)), "-o names another file")
		}); err != nil {
			return err
		}
		return s.show(struct {
			Peer  party.Code `json:"peer"`
			Files []string   `json:"files"`
		}{c.Peer, files}, func(p *page) {
			p.say("What is here of the log of %s: %s.", c.Peer, strings.Join(files, ", "))
			p.say("There: comity recover --from-peers --mirrored %s=FILE for each.", n.Config.Code)
		})
	})
}
