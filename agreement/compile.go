package agreement

import (
	"bytes"
	"slices"
	"strconv"
	"strings"

	"github.com/cedar-policy/cedar-go"
	"github.com/cedar-policy/cedar-go/ast"
	"github.com/cedar-policy/cedar-go/types"

	"github.com/comity-exchange/comity/fault"
	"github.com/comity-exchange/comity/party"
	"github.com/comity-exchange/comity/spec"
	"github.com/comity-exchange/comity/statement"
	"github.com/comity-exchange/comity/thread"
)

func itoa(i int) string { return strconv.Itoa(i) }

// Policy is what decides: an agreement's rules, or the charter, as Cedar policies. Its answers never change, and it is safe for concurrent use.
type Policy struct {
	set     *set
	memo    *memo
	members *membership // nil for the charter, whose parties are those with confirmed letters
	clocks  map[statement.Precedence]clock
	grounds []string // sorted; nil when no article has any
	uses    []use
	text    []byte
}

type clock struct {
	limit   thread.Limit
	article string
}

// membership says who may speak and be spoken to under an agreement (DEC-2).
type membership struct {
	parties map[party.Code]bool
	from    []CodePattern // offices that a permitting rule names as authors
	to      []CodePattern // and as recipients
}

// Compile makes the policy of a document. What Parse took compiles; errors are those of Parse, or AGR-6 with article and member.
func Compile(d *Document) (*Policy, error) {
	if err := d.check(); err != nil {
		return nil, err
	}
	return d.compile()
}

// compile does without what check refuses; a contradiction compiles, to no good.
func (d *Document) compile() (*Policy, error) {
	v, err := newVocabulary()
	if err != nil {
		return nil, err
	}
	p := &Policy{clocks: map[statement.Precedence]clock{}, members: &membership{parties: map[party.Code]bool{}}, uses: d.uses()}
	for _, c := range d.Parties {
		p.members.parties[c] = true
	}
	var entries []entry
	var text bytes.Buffer
	for i := range d.Articles {
		a := &d.Articles[i]
		for j := range a.Rules {
			r := d.resolve(&a.Rules[j])
			policy := cedar.NewPolicyFromAST(r.cedar(a.Number, j))
			// spec: AGR-6
			if err := v.with(append(r.Kinds, "sample.*")...).check(policy); err != nil {
				return nil, fault.Wrap(err, fault.Malformed, "AGR-6", "article %s, rules[%d] does not compile", a.Number, j)
			}
			entries = append(entries, entry{article: a.Number, label: "Art. " + a.Number, policy: policy, rule: r, id: cedar.PolicyID(a.Number + "/" + itoa(j))})
			p.members.admit(d, r)
			text.WriteString("// Art. " + a.Number + ", rule " + itoa(j) + "\n")
			text.Write(policy.MarshalCedar())
			text.WriteString("\n\n")
		}
		for precedence, limit := range a.Clocks {
			p.clocks[precedence] = clock{limit, a.Number}
		}
		p.grounds = append(p.grounds, a.Grounds...)
	}
	slices.Sort(p.grounds)
	p.grounds = slices.Compact(p.grounds)
	p.set = newSet(entries)
	p.memo = newMemo(p.set)
	p.text = text.Bytes()
	return p, nil
}

// admit notes the offices that a permitting rule names. A forbidding one admits nobody: to forbid must never open a door.
func (m *membership) admit(d *Document, r *Rule) {
	// spec: DEC-2
	if r.Effect != Permit {
		return
	}
	office := func(c CodePattern) bool { return !d.Has(c.Code()) || c.Offices() }
	for _, c := range r.From {
		if office(c) && !slices.Contains(m.from, c) {
			m.from = append(m.from, c)
		}
	}
	for _, c := range r.To {
		if office(c) && !slices.Contains(m.to, c) {
			m.to = append(m.to, c)
		}
	}
}

func (m *membership) has(code party.Code, joined []party.Code, offices []CodePattern) bool {
	return m.parties[code] || slices.Contains(joined, code) || slices.ContainsFunc(offices, func(c CodePattern) bool { return c.Matches(code) })
}

// Charter is what holds between confirmed parties before and beside any agreement. It is the same on every node. It is part of the
// program, so a charter that does not compile is a defect that panics; a test compiles it.
func Charter() *Policy {
	// spec: CHR-1
	v, err := newVocabulary("credence.*", "instrument.*", "receipt.*", "thread.*", "recall.*", "fork.*")
	if err != nil {
		panic(err)
	}
	list, err := cedar.NewPolicyListFromBytes("charter.cedar", []byte(spec.Charter))
	if err != nil {
		panic(err)
	}
	entries := make([]entry, len(list))
	for i, policy := range list {
		if err := v.check(policy); err != nil {
			panic(err)
		}
		notes := policy.Annotations()
		article := string(notes["article"])
		entries[i] = entry{article: article, label: "The charter (" + string(notes["about"]) + ")", policy: policy, id: cedar.PolicyID(article)}
	}
	set := newSet(entries)
	// No memo: its policies are written by hand, and a memo knows only what rules can look at.
	return &Policy{set: set, text: []byte(spec.Charter)}
}

// Cedar is the policies as text, in the order of the articles.
func (p *Policy) Cedar() []byte { return bytes.Clone(p.text) }

// Clocks is what an asked party owes at a precedence, in seconds, and the article that says so; ok is false where none does.
func (p *Policy) Clocks(precedence statement.Precedence) (acknowledge, answer int64, article string, ok bool) {
	// spec: AGR-4
	c, ok := p.clocks[precedence]
	return c.limit.Acknowledge, c.limit.Answer, c.article, ok
}

// Owes is Clocks between two parties, whose reservations take an article's clocks away (AGR-10).
func (p *Policy) Owes(q *Question, to party.Code) (acknowledge, answer int64, article string, ok bool) {
	// spec: AGR-10
	acknowledge, answer, article, ok = p.Clocks(q.Precedence)
	if !ok || slices.Contains(p.reserved(q, to), article) {
		return 0, 0, "", false
	}
	return acknowledge, answer, article, true
}

// Counts tells whether any rule looks at Question.Today, so that counts are needed only then.
func (p *Policy) Counts() bool { return p.set.counts }

// Grounds lists on what a refusal may rest, sorted, "other" included; nil when the agreement does not say, and every ground may be given.
func (p *Policy) Grounds() []string {
	// spec: AGR-5
	if len(p.grounds) == 0 {
		return nil
	}
	g := slices.Clone(p.grounds)
	if !slices.Contains(g, "other") {
		g = append(g, "other")
	}
	return g
}

// cedar writes the rule as one Cedar policy (AGR-6).
func (r *Rule) cedar(article string, index int) *ast.Policy {
	notes := ast.Annotation("article", types.String(article)).Annotation("rule", types.String(itoa(index)))
	p := notes.Permit()
	if r.restricts() {
		p = notes.Forbid()
	}
	r.scope(p)
	for _, n := range r.conditions() {
		p = p.When(n)
	}
	// spec: DEC-10
	if r.Effect == Approve {
		p = p.Unless(ast.Context().Access("approved"))
	}
	return p
}

// scope puts into the policy's scope what fits there: kinds, and a single author or recipient.
func (r *Rule) scope(p *ast.Policy) {
	if len(r.Kinds) > 0 {
		uids := make([]types.EntityUID, len(r.Kinds))
		for i, k := range r.Kinds {
			uids[i] = actionUID(k)
		}
		switch {
		case len(uids) > 1:
			p.ActionInSet(uids...)
		case r.Kinds[0].Desk() != "":
			p.ActionIn(uids[0])
		default:
			p.ActionEq(uids[0])
		}
	}
	if len(r.From) == 1 {
		if uid := partyUID(r.From[0].Code()); r.From[0].Offices() {
			p.PrincipalIn(uid)
		} else {
			p.PrincipalEq(uid)
		}
	}
	if len(r.To) == 1 {
		if uid := partyUID(r.To[0].Code()); r.To[0].Offices() {
			p.ResourceIn(uid)
		} else {
			p.ResourceEq(uid)
		}
	}
}

// conditions are the rest, one "when" each, so that the text reads like the article.
func (r *Rule) conditions() []ast.Node {
	// spec: AGR-3
	var when []ast.Node
	add := func(n ast.Node) { when = append(when, n) }
	of := func(member string) ast.Node { return ast.Context().Access(types.String(member)) }
	if len(r.From) > 1 {
		add(codes(ast.Principal(), r.From))
	}
	if len(r.To) > 1 {
		add(codes(ast.Resource(), r.To))
	}
	if r.TLPMax != nil {
		add(of("tlp").LessThanOrEqual(ast.Long(r.TLPMax.Rank())))
	}
	if r.TLPMin != nil {
		add(of("tlp").GreaterThanOrEqual(ast.Long(r.TLPMin.Rank())))
	}
	if r.PAPMax != nil {
		add(of("pap").LessThanOrEqual(ast.Long(r.PAPMax.Rank())))
	}
	if r.PersonalData != nil {
		if rank := ast.Long(r.PersonalData.Rank()); r.restricts() {
			add(of("personal_data").GreaterThanOrEqual(rank))
		} else {
			add(of("personal_data").LessThanOrEqual(rank))
		}
	}
	if r.Precedence != nil {
		add(oneOf(of("precedence"), r.Precedence))
	}
	if r.Tracks != nil {
		add(oneOf(of("track"), r.Tracks))
	}
	if r.Exercise != nil {
		add(of("exercise").Equal(ast.Boolean(*r.Exercise)))
	}
	for _, l := range []struct {
		fact   string
		values []string
	}{{"purpose", r.Purposes}, {"sector", r.Sectors}, {"type", r.Types}} {
		if l.values != nil {
			add(ast.Context().Has(types.String(l.fact)).And(oneOf(of(l.fact), l.values)))
		}
	}
	if r.Handling != nil {
		add(of("handling").ContainsAll(stringSet(r.Handling)))
	}
	if r.Without != nil {
		add(ast.Not(of("handling").ContainsAny(stringSet(r.Without))))
	}
	if r.BodyMax != nil {
		add(of("body_bytes").LessThanOrEqual(ast.Long(*r.BodyMax)))
	}
	if r.RetainMax != nil {
		within := ast.Context().Has("retention").And(of("retention").LessThanOrEqual(ast.Long(*r.RetainMax * 1000)))
		if r.restricts() {
			within = ast.Not(within)
		}
		add(within)
	}
	if r.PerDay != nil {
		if r.restricts() {
			add(of("today").GreaterThanOrEqual(ast.Long(*r.PerDay)))
		} else {
			add(of("today").LessThan(ast.Long(*r.PerDay)))
		}
	}
	return when
}

// oneOf is equality for one value, else membership of a set.
func oneOf[T ~string](n ast.Node, values []T) ast.Node {
	if len(values) == 1 {
		return n.Equal(ast.String(types.String(values[0])))
	}
	return stringSet(values).Contains(n)
}

func stringSet[T ~string](values []T) ast.Node {
	nodes := make([]ast.Node, len(values))
	for i, v := range values {
		nodes[i] = ast.String(types.String(v))
	}
	return ast.Set(nodes...)
}

// codes holds n against several patterns: those without offices by identity, the others by "in". Cedar evaluates alternatives of single
// entities without allocating, sets of entities not.
func codes(n ast.Node, patterns []CodePattern) ast.Node {
	one := func(c CodePattern) ast.Node {
		if uid := ast.Value(partyUID(c.Code())); c.Offices() {
			return n.In(uid)
		} else {
			return n.Equal(uid)
		}
	}
	any := one(patterns[0])
	for _, c := range patterns[1:] {
		any = any.Or(one(c))
	}
	return any
}

// deskOf cuts "assist.*" to "assist".
func deskOf(id string) (string, bool) { return strings.CutSuffix(id, ".*") }
