package cli

import (
	"context"
	"io"
	"slices"
	"strconv"

	"github.com/go-json-experiment/json"

	"github.com/comity-exchange/comity/fault"
	"github.com/comity-exchange/comity/internal/node"
	"github.com/comity-exchange/comity/statement"
	"github.com/comity-exchange/comity/stix"
)

type intelSightCmd struct {
	File   string `arg:"" help:"What comity match --json has written; - reads the standard input."`
	Report bool   `help:"Tell it. Without it, only what would be told is shown: to whom, in which thread, by which articles."`
	Exact  bool   `help:"Tell the first and last time of each day, and not the day alone."`
	speaker
}

func (intelSightCmd) Help() string {
	return `Tells whoever gave an indicator that it was seen: how often, and on which days, in the feed or share with which it came. Nothing of the log goes with it. Of what this party has gathered itself the
sightings are kept here. What was told is not told again: of a day the greatest count stands, and only what is more than was told goes out. So search all logs of a day at once.
  comity intel sight found.json
  comity intel sight found.json --report
  comity match --json dns.log eve.json | comity intel sight -`
}

// maxFindings bounds a file of findings.
const maxFindings = 512 << 20

func (c *intelSightCmd) Run(ctx context.Context, s *session) error {
	var raw []byte
	var err error
	if c.File == "-" {
		raw, err = io.ReadAll(io.LimitReader(s.in, maxFindings))
	} else {
		raw, err = readFile(c.File, maxFindings)
	}
	if err != nil {
		return err
	}
	var found matchReport
	if err := json.Unmarshal(raw, &found); err != nil {
		return fault.Wrap(err, fault.Malformed, "", "this is not what comity match --json writes")
	}
	seen := sightings(found.Findings)
	return s.with(ctx, func(n *node.Node) error {
		all := node.SightingReport{Told: []node.ToldSighting{}, Kept: []node.KeptSighting{}}
		for some := range slices.Chunk(seen, node.MaxSeen) {
			r, err := n.Sight(ctx, node.Sightings{Seen: some, Exact: c.Exact, Preview: !c.Report, By: c.by(n)})
			all.Told, all.Kept = append(all.Told, r.Told...), append(all.Kept, r.Kept...)
			if err != nil {
				return err
			}
		}
		if err := s.show(all, func(p *page) { c.tell(p, all, len(found.Findings) > 0 && len(seen) == 0) }); err != nil {
			return err
		}
		if i := slices.IndexFunc(all.Told, func(t node.ToldSighting) bool { return t.Withheld != "" }); c.Report && i >= 0 {
			return &answered{fault.New(fault.Denied, "", "%s", all.Told[i].Withheld)}
		}
		return nil
	})
}

// shownSightings is how many of a statement's sightings people are shown.
const shownSightings = 20

// tell shows what is told, would be, and is not.
func (c *intelSightCmd) tell(p *page, r node.SightingReport, listed bool) {
	if listed {
		p.say("What was found stands on lists, which nobody in the exchange has given: there is nobody to tell.")
	}
	for _, t := range r.Told {
		c.one(p, t)
		p.gap()
	}
	why := map[node.KeptReason]string{
		node.KeptSaid: "was told before", node.KeptGone: "is not here any more, or did not come in that thread", node.KeptThread: "came where no sightings can be told now",
		node.KeptOther: "came from the same party in another thread too, and is told there",
	}
	for _, reason := range []node.KeptReason{node.KeptSaid, node.KeptOther, node.KeptThread, node.KeptGone} {
		n := 0
		for _, k := range r.Kept {
			if k.Reason == reason {
				n++
			}
		}
		if n > 0 {
			p.say("Not told: %s; it %s.", plural(n, "sighting", "sightings"), why[reason])
		}
	}
	switch {
	case len(r.Told) == 0:
		p.say("There is nothing to tell.")
	case !c.Report:
		p.say("Nothing is told yet: --report tells it. --json shows every byte of it.")
	}
}

// one shows one statement.
func (c *intelSightCmd) one(p *page, t node.ToldSighting) {
	what := plural(t.Count, "occurrence", "occurrences") + " of " + plural(t.Objects, "object and day", "objects and days")
	where := string(t.Form) + " " + line(t.Name)
	if !t.Thread.IsZero() {
		where += " (" + t.Thread.Short() + ")"
	}
	switch {
	case t.Own:
		p.say("%s, which this party has gathered itself, kept here in the %s under TLP:%s.", what, where, t.TLP)
	case t.Withheld != "" && t.Verdict == nil:
		p.say("%s, in the %s under TLP:%s: %s", what, where, t.TLP, p.warn(line(t.Withheld)))
	default:
		p.say("To %s, in the %s under TLP:%s: %s.", codes(t.To), where, t.TLP, what)
	}
	days := newTable("object", ">count", "first", "last")
	for i, raw := range t.Sightings {
		if i == shownSightings {
			break
		}
		if o, err := stix.Parse(raw); err == nil {
			days.add(string(o.SightingOf), strconv.Itoa(o.Count), string(o.FirstSeen), string(o.LastSeen))
		}
	}
	p.table(days)
	if n := len(t.Sightings) - shownSightings; n > 0 {
		p.say("  … and %s more", number(n))
	}
	if t.Verdict != nil {
		verdictView{Verdict: *t.Verdict}.write(p)
	}
	switch {
	case t.Draft != "":
		p.say("    It waits for a second officer as draft %s (comity draft approve).", t.Draft)
	case t.Approval != "":
		p.say("    A second officer approves it first (%s); --report makes the draft.", t.Approval)
	case !t.Said.IsZero() && !t.Own:
		p.say("Told, as %s.", p.bold(t.Said.Short()))
	}
}

// merged adds up what was seen of one object, thread and day.
func merged(seen []node.Seen) (out []node.Seen) {
	type key struct {
		object stix.ID
		thread statement.ID
		day    int64
	}
	at := map[key]int{}
	for _, s := range seen {
		k := key{s.Object, s.Thread, -1}
		if !s.First.IsZero() {
			k.day = s.First.Std().Unix() / (24 * 60 * 60)
		}
		i, ok := at[k]
		if !ok {
			at[k], out = len(out), append(out, s)
			continue
		}
		o := &out[i]
		o.Count = min(o.Count+s.Count, maxSightings)
		if s.First.Before(o.First) {
			o.First = s.First
		}
		if o.Last.Before(s.Last) {
			o.Last = s.Last
		}
	}
	return out
}
