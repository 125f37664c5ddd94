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

	// Approval is whether a second officer of the author's must approve before it leaves, and ApprovalBy the articles, or caveats, that ask for
	// it. It is no part of what both sides decide: a recipient takes no notice (DEC-10).
	Approval   bool
	ApprovalBy []string
}

// RecipientVerdict is the decision for one recipient.
type RecipientVerdict struct {
	To        party.Code
	Permitted bool
	Articles  []string
	Clause    string
	Reason    string
	Nearest   []string

	ApprovalBy []string // permitted, but only once a second officer has approved
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
		k := p.memo.key(&q, to, p.reserved(&q, to))
		r, ok := p.memo.get(k)
		if !ok {
			if c == nil {
				c = p.chooser(&q)
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
		if !m.has(c.q.From, c.q.Joined, m.from) {
			return RecipientVerdict{To: to, Clause: "DEC-2", Reason: stranger(c.q.From, "writes")}
		}
		if !m.has(to, c.q.Joined, m.to) {
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
	// spec: DEC-10
	if v.Permitted {
		for i := range v.Per {
			v.ApprovalBy = merge(v.ApprovalBy, v.Per[i].ApprovalBy)
		}
		v.Approval = len(v.ApprovalBy) > 0
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

// checkFacts holds what a permitted question says of personal data, clocks and grounds against what every agreement, and this one, asks for.
func (p *Policy) checkFacts(q *Question, v *Verdict) {
	clause := "DEC-6"
	deny := func(article, reason string) {
		v.Permitted, v.Clause, v.Reason, v.Articles, v.Approval, v.ApprovalBy = false, clause, reason, nil, false, nil
		if article != "" {
			v.Articles = []string{article}
		}
		for i := range v.Per {
			r := &v.Per[i]
			r.Permitted, r.Clause, r.Reason, r.Articles, r.ApprovalBy = false, v.Clause, reason, v.Articles, nil
		}
	}
	// spec: DEC-8
	if lacks := personalLacks(q); p.members != nil && lacks != "" {
		clause = "DEC-8"
		deny("", lacks)
		return
	}
	// spec: DEC-6
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

// personalLacks says what a statement with personal data lacks: no agreement lets them pass without a purpose and a date of erasure.
func personalLacks(q *Question) string {
	var lacks []string
	if q.Purpose == "" {
		lacks = append(lacks, "a purpose among its facts")
	}
	if q.Marking.RetainUntil == "" {
		lacks = append(lacks, "a date of erasure in its marking")
	}
	if q.Marking.PersonalData.Rank() == 0 || len(lacks) == 0 {
		return ""
	}
	return "Personal data pass under an agreement only with a purpose and a date of erasure; this lacks " + and(lacks) + "."
}

// reserved are the articles to which the author's side or the recipient's has made a reservation.
func (p *Policy) reserved(q *Question, to party.Code) []string {
	// spec: AGR-10
	if len(q.Reserved) == 0 {
		return nil
	}
	author, recipient := p.side(q.From, q.Joined), p.side(to, q.Joined)
	if author == recipient {
		return nil // nothing is reserved within one party
	}
	return slices.Concat(q.Reserved[author], q.Reserved[recipient])
}

func (p *Policy) chooser(q *Question) *chooser {
	c := p.set.chooser(q)
	if p.members != nil {
		c.reserved = p.reserved
	}
	return c
}

// chooser puts one question to a set, once for each recipient.
type chooser struct {
	set  *set
	q    *Question
	some []int // entries that are about the kind
	req  cedar.Request

	// What req's context was made with: for which conditions, and whether a second officer has approved.
	wants    condition
	approved bool

	reserved func(*Question, party.Code) []string // nil for the charter, to which nobody can make reservations

	put []int // those of some that are put to Cedar for the present recipient
}

func (s *set) chooser(q *Question) *chooser {
	some := s.candidates(q.Kind)
	return &chooser{
		set: s, q: q, some: some, put: make([]int, 0, len(some)),
		req: cedar.Request{Principal: partyUID(q.From), Action: actionUID(q.Kind)},
	}
}

// outcome is what Cedar says, as indexes of entries.
type outcome struct {
	allowed bool
	matched []int
	failed  bool // a policy could not be evaluated, which Cedar would skip
}

// ask puts the question to Cedar for one recipient, as it is with, or without, a second officer's approval.
func (c *chooser) ask(to party.Code, approved bool) outcome {
	reserved := c.without(to)
	// A permitting rule that does not hold need not be put to Cedar. Forbidding ones all are: a mistake here could deny, never permit.
	c.put = c.put[:0]
	for _, i := range c.some {
		e := &c.set.entries[i]
		if e.rule != nil && e.rule.Effect == Permit {
			// spec: AGR-10
			if slices.Contains(reserved, e.article) || !e.rule.applies(e.has, c.q, to) {
				continue
			}
		}
		if e.rule != nil && e.rule.Effect == Approve {
			continue // it forbids only what nobody has approved
		}
		c.put = append(c.put, i)
	}
	return c.authorize(to, approved)
}

// without are the articles that do not hold between the author and a recipient.
func (c *chooser) without(to party.Code) []string {
	if c.reserved == nil {
		return nil
	}
	return c.reserved(c.q, to)
}

// authorize asks Cedar about the policies that are put to it. To make a context costs more than most decisions, so it is made of what they look
// at, and made again only where it differs.
func (c *chooser) authorize(to party.Code, approved bool) outcome {
	var wants condition
	for _, i := range c.put {
		wants |= c.set.entries[i].looks
	}
	if wants != c.wants || approved != c.approved || wants&onPerDay != 0 {
		c.wants, c.approved, c.req.Context = wants, approved, c.q.context(to, approved, wants)
	}
	c.req.Resource = partyUID(to)
	decision, diag := cedar.Authorize(&selection{c.set, c.put}, world{}, c.req)
	o := outcome{allowed: decision == types.Allow, failed: len(diag.Errors) > 0}
	for _, r := range diag.Reasons {
		o.matched = append(o.matched, c.set.ids[r.PolicyID])
	}
	return o
}

// approvals names the articles that hold a statement back while no second officer has approved it; nil: none does.
func (c *chooser) approvals(to party.Code) []string {
	// spec: DEC-10
	c.put = c.put[:0]
	for _, i := range c.some {
		if r := c.set.entries[i].rule; r != nil && r.Effect == Approve {
			c.put = append(c.put, i)
		}
	}
	if len(c.put) == 0 {
		return nil
	}
	o := c.authorize(to, false)
	if o.failed {
		return c.set.articles(c.put) // what cannot be evaluated is not left out here either
	}
	if len(o.matched) == 0 {
		return nil
	}
	return c.set.articles(o.matched)
}

func (c *chooser) decide(to party.Code) RecipientVerdict {
	o := c.ask(to, true)
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
		r.ApprovalBy = c.approvals(to)
	case len(o.matched) > 0:
		r.Articles = c.set.articles(o.matched)
		r.Reason = c.set.forbids(o.matched)
	default:
		r.Nearest = c.nearest(to)
		r.Reason = c.lacking(r.Nearest)
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
