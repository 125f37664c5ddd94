package agreement

import (
	"strings"

	"github.com/cedar-policy/cedar-go"

	"github.com/comity-exchange/comity/fault"
	"github.com/comity-exchange/comity/party"
)

// Caveats are a party's own Cedar policies: they can only forbid, and are no part of the decision that both sides share (DEC-7). They
// never change and are safe for concurrent use.
type Caveats struct {
	set *set
}

// CompileCaveats reads a file of Cedar policies over the vocabulary of schema.cedarschema and the kinds of v. Refused are: what is no
// Cedar, what does not fit the vocabulary (a kind that no desk knows would never hold anything back), and any permit. A policy may name
// itself with @caveat("…") and say why with @about("…"); else it is known by name and line. Errors: fault.Malformed, DEC-7.
func CompileCaveats(name string, src []byte, v Vocabulary) (*Caveats, error) {
	// spec: DEC-7
	list, err := cedar.NewPolicyListFromBytes(name, src)
	if err != nil {
		return nil, fault.Wrap(err, fault.Malformed, "DEC-7", "%s: not Cedar: %s", name, oneLine(err))
	}
	patterns := make([]KindPattern, len(v.Kinds))
	for i, k := range v.Kinds {
		patterns[i] = KindPattern(k)
	}
	words, err := newVocabulary(patterns...)
	if err != nil {
		return nil, err
	}
	// Nobody counts for a caveat: one that looked at counts would never hold anything back.
	// spec: DEC-9
	delete(words.applies.Context, "today")
	entries := make([]entry, len(list))
	for i, policy := range list {
		line := name + ", line " + itoa(policy.Position().Line)
		if policy.Effect() != cedar.Forbid {
			return nil, malformed("DEC-7", "%s: a caveat can only forbid", line)
		}
		if err := words.check(policy); err != nil {
			return nil, fault.Wrap(err, fault.Malformed, "DEC-7", "%s: does not fit the vocabulary: %s", line, oneLine(err))
		}
		notes := policy.Annotations()
		e := entry{id: cedar.PolicyID(itoa(i)), article: string(notes["caveat"]), policy: policy}
		if e.article == "" {
			e.article = line
		}
		e.label = "The caveat " + e.article
		if about := string(notes["about"]); about != "" {
			e.label += " (" + about + ")"
		}
		entries[i] = e
	}
	return &Caveats{set: newSet(entries)}, nil
}

// held tells whether anything still forbids once it is approved; o is then what does.
func (c *chooser) held(to party.Code, o *outcome) bool {
	*o = c.ask(to, true)
	return len(o.matched) > 0 || o.failed
}

func oneLine(err error) string { return strings.Join(strings.Fields(err.Error()), " ") }

// Decide tells whether no caveat forbids. Articles are the names of those that do; they and the reason are for the party itself. A caveat
// that cannot be evaluated for this question forbids it.
func (c *Caveats) Decide(q Question) Verdict {
	if len(q.To) == 0 {
		return Verdict{Permitted: true, Clause: "CHR-2", Reason: "A local record needs no permission."}
	}
	v := Verdict{Per: make([]RecipientVerdict, len(q.To))}
	ch := c.set.chooser(&q)
	for i, to := range q.To {
		// spec: DEC-7
		r := RecipientVerdict{To: to, Clause: "DEC-7"}
		o := ch.ask(to, false)
		// spec: DEC-10
		if len(o.matched) > 0 && !o.failed {
			// What forbids only while nobody has approved is a question to the second officer.
			if asking := o.matched; !ch.held(to, &o) {
				r.ApprovalBy = c.set.articles(asking)
			}
		}
		switch {
		case len(o.matched) > 0:
			r.Articles, r.Reason = c.set.articles(o.matched), c.set.forbids(o.matched)
		case o.failed:
			r.Reason = "A caveat could not be evaluated, so it forbids."
		case len(r.ApprovalBy) > 0:
			r.Permitted, r.Reason = true, "No caveat forbids it once a second officer has approved it."
		default:
			r.Permitted, r.Reason = true, "No caveat forbids it."
		}
		v.Per[i] = r
	}
	v.sum()
	v.Clause = "DEC-7"
	return v
}
