package agreement

import (
	"slices"
	"strings"

	"github.com/cedar-policy/cedar-go"
	"github.com/cedar-policy/cedar-go/types"

	"github.com/comity-exchange/comity/party"
)

// Verdict is a decision and its grounds. Articles are those whose policies matched: the permitting ones, or the forbidding ones; none when
// it is denied by default. Clause is that of a denial (DEC-4), or DEC-1. Reason is in plain words, safe to show to both sides. Its lists
// are shared and not to be changed.
type Verdict struct {
	Permitted bool
	Articles  []string
	Clause    string
	Reason    string
	Nearest   []string           // denied by default: the permitting articles that came nearest, and what they lack
	Per       []RecipientVerdict // one for each recipient, in the order of the head
}

// RecipientVerdict is the decision for one recipient.
type RecipientVerdict struct {
	To        party.Code
	Permitted bool
	Articles  []string
	Clause    string
	Reason    string
	Nearest   []string
}

// Decide answers q. It is the same on every node: it depends on the policy and the question alone.
func (p *Policy) Decide(q Question) Verdict {
	if len(q.To) == 0 {
		// spec: CHR-2
		return Verdict{Permitted: true, Clause: "CHR-2", Reason: "A local record needs no permission."}
	}
	v := Verdict{Per: make([]RecipientVerdict, len(q.To))}
	var c *chooser
	for i, to := range q.To {
		k := p.memo.key(&q, to)
		r, ok := p.memo.get(k)
		if !ok {
			if c == nil {
				c = p.set.chooser(&q)
			}
			if r = p.decideOne(c, to); r.Permitted {
				p.memo.put(k, r)
			}
		}
		v.Per[i] = r
	}
	v.sum()
	if v.Permitted {
		p.checkFacts(&q, &v)
	}
	return v
}

// decideOne decides for one recipient: first whether the two may meet under this agreement at all, then by its rules.
func (p *Policy) decideOne(c *chooser, to party.Code) RecipientVerdict {
	if m := p.members; m != nil {
		// spec: DEC-2
		if !m.has(c.q.From, m.from) {
			return RecipientVerdict{To: to, Clause: "DEC-2", Reason: stranger(c.q.From, "writes")}
		}
		if !m.has(to, m.to) {
			return RecipientVerdict{To: to, Clause: "DEC-2", Reason: stranger(to, "is written to")}
		}
	}
	return c.decide(to)
}

func stranger(code party.Code, does string) string {
	if code.IsOffice() {
		return string(code) + " is no party of this agreement, and no permitting article names it as an office that " + does + "."
	}
	return string(code) + " is no party of this agreement."
}

// sum makes the whole verdict from those of the recipients.
func (v *Verdict) sum() {
	// Every recipient must be permitted.
	// spec: DEC-1
	v.Permitted, v.Clause = true, "DEC-1"
	for i := range v.Per {
		if r := &v.Per[i]; !r.Permitted && v.Permitted {
			v.Permitted, v.Clause = false, r.Clause
		}
	}
	if len(v.Per) == 1 {
		r := &v.Per[0]
		v.Articles, v.Reason, v.Nearest = r.Articles, r.Reason, r.Nearest
		return
	}
	var reasons []string
	for i := range v.Per {
		r := &v.Per[i]
		if r.Permitted != v.Permitted {
			continue
		}
		v.Articles = merge(v.Articles, r.Articles)
		v.Nearest = merge(v.Nearest, r.Nearest)
		if reason := r.Reason; !v.Permitted {
			reasons = append(reasons, "To "+string(r.To)+": "+reason)
		} else if !slices.Contains(reasons, reason) {
			reasons = append(reasons, reason)
		}
	}
	v.Reason = strings.Join(reasons, " ")
}

func merge(to, from []string) []string {
	for _, s := range from {
		if !slices.Contains(to, s) {
			to = append(to, s)
		}
	}
	return to
}

// checkFacts holds the clock and the grounds that the facts give against those of the agreement.
func (p *Policy) checkFacts(q *Question, v *Verdict) {
	// spec: DEC-6
	deny := func(article, reason string) {
		v.Permitted, v.Clause, v.Reason, v.Articles = false, "DEC-6", reason, nil
		if article != "" {
			v.Articles = []string{article}
		}
		for i := range v.Per {
			r := &v.Per[i]
			r.Permitted, r.Clause, r.Reason, r.Articles = false, v.Clause, reason, v.Articles
		}
	}
	if c, ok := p.clocks[q.Precedence]; ok && q.Clock != nil {
		if q.Clock.Acknowledge < c.limit.Acknowledge || q.Clock.Answer < c.limit.Answer {
			deny(c.article, tooShort(q, c))
			return
		}
	}
	if len(p.grounds) == 0 {
		return
	}
	for _, g := range q.Grounds {
		if g == "other" {
			continue
		}
		if _, ok := slices.BinarySearch(p.grounds, g); !ok {
			deny("", "A refusal under this agreement rests on one of: "+strings.Join(p.Grounds(), ", ")+".")
			return
		}
	}
}

// chooser puts one question to a set, once for each recipient.
type chooser struct {
	set  *set
	q    *Question
	some []int // entries that are about the kind
	req  cedar.Request

	// For the present recipient:
	put  []int  // those of some that are put to Cedar
	near []near // and those that are not
}

func (s *set) chooser(q *Question) *chooser {
	some := s.candidates(q.Kind)
	return &chooser{
		set: s, q: q, some: some, put: make([]int, 0, len(some)), near: make([]near, 0, len(some)),
		req: cedar.Request{Principal: partyUID(q.From), Action: actionUID(q.Kind), Context: q.context()},
	}
}

// outcome is what Cedar says, as indexes of entries.
type outcome struct {
	allowed bool
	matched []int
	failed  bool // a policy could not be evaluated, which Cedar would skip
}

func (c *chooser) ask(to party.Code) outcome {
	c.req.Resource = partyUID(to)
	// A permitting rule that does not hold need not be put to Cedar. Forbidding ones all are: a mistake here could deny, never permit.
	c.put, c.near = c.put[:0], c.near[:0]
	for _, i := range c.some {
		e := &c.set.entries[i]
		if e.rule != nil && e.rule.Effect == Permit {
			if failed, _ := e.rule.failing(c.q, to); failed != 0 {
				c.near = append(c.near, near{entry: e, failed: failed})
				continue
			}
		}
		c.put = append(c.put, i)
	}
	decision, diag := cedar.Authorize(&selection{c.set, c.put}, world{}, c.req)
	o := outcome{allowed: decision == types.Allow, failed: len(diag.Errors) > 0}
	for _, r := range diag.Reasons {
		o.matched = append(o.matched, c.set.ids[r.PolicyID])
	}
	return o
}

func (c *chooser) decide(to party.Code) RecipientVerdict {
	o := c.ask(to)
	r := RecipientVerdict{To: to, Clause: "DEC-1"}
	// spec: DEC-1
	switch {
	case o.failed:
		// Cedar leaves out what it cannot evaluate; for a forbidding policy that would open a door.
		r.Reason = "A policy could not be evaluated, so nothing is permitted."
	case o.allowed:
		r.Permitted = true
		r.Articles = c.set.articles(o.matched)
		r.Reason = c.set.permits(o.matched)
	case len(o.matched) > 0:
		r.Articles = c.set.articles(o.matched)
		r.Reason = c.set.forbids(o.matched)
	default:
		r.Nearest = c.nearest(to)
		r.Reason = c.set.lacking(c.q, r.Nearest)
	}
	return r
}

// articles names the articles of entries, each once, in order.
func (s *set) articles(some []int) []string {
	list := make([]string, 0, len(some))
	for _, i := range some {
		if a := s.entries[i].article; len(list) == 0 || list[len(list)-1] != a {
			list = append(list, a)
		}
	}
	return slices.Clip(list)
}
