package agreement

import (
	"iter"
	"slices"

	"github.com/cedar-policy/cedar-go"
	publicast "github.com/cedar-policy/cedar-go/ast"
	"github.com/cedar-policy/cedar-go/types"
	"github.com/cedar-policy/cedar-go/x/exp/ast"

	"github.com/comity-exchange/comity/party"
	"github.com/comity-exchange/comity/statement"
)

// set is an ordered list of Cedar policies with an index by action. The index only leaves out policies whose action scope cannot
// match, and chooser.ask permitting rules that do not hold; the rest is Cedar's, so that the outcome is exactly that of cedar.Authorize
// on the whole list (TestSetIsCedar).
type set struct {
	entries []entry
	any     []int            // entries without an action scope; ascending, as the two below
	desks   map[string][]int // desk → entries whose scope names its group
	kinds   map[statement.Kind][]int
	ids     map[cedar.PolicyID]int
	counts  bool // some rule looks at the counts of the day
}

// entry is one policy. rule is nil when it was written in Cedar.
type entry struct {
	id      cedar.PolicyID
	article string
	label   string // "Art. 4"
	policy  *cedar.Policy
	residue *cedar.Policy // policy without its action scope, which the index has settled
	rule    *Rule
	has     condition // that the rule has, beside its kinds, which the index has settled
	looks   condition // at the values of these, of what a context can have
}

func newSet(entries []entry) *set {
	s := &set{entries: entries, desks: map[string][]int{}, kinds: map[statement.Kind][]int{}, ids: map[cedar.PolicyID]int{}}
	for i := range entries {
		e := &entries[i]
		p := *(*ast.Policy)(e.policy.AST())
		s.index(i, p.Action)
		s.ids[e.id] = i
		s.counts = s.counts || e.rule != nil && e.rule.PerDay != nil
		if e.looks = e.wants(); e.rule != nil {
			e.has = e.rule.present() &^ onKinds
		}
		p.Action = ast.ScopeTypeAll{}
		e.residue = cedar.NewPolicyFromAST((*publicast.Policy)(&p))
	}
	return s
}

// index files entry i under what its action scope names.
func (s *set) index(i int, scope ast.IsActionScopeNode) {
	once := func(list []int) []int {
		if len(list) > 0 && list[len(list)-1] == i {
			return list
		}
		return append(list, i)
	}
	group := func(uid types.EntityUID) {
		if desk, ok := deskOf(string(uid.ID)); ok && uid.Type == actionType {
			s.desks[desk] = once(s.desks[desk])
		}
	}
	one := func(uid types.EntityUID) {
		if _, ok := deskOf(string(uid.ID)); !ok && uid.Type == actionType {
			s.kinds[statement.Kind(uid.ID)] = once(s.kinds[statement.Kind(uid.ID)])
		}
	}
	switch t := scope.(type) {
	case ast.ScopeTypeEq: // a group equals no kind
		one(t.Entity)
	case ast.ScopeTypeIn:
		group(t.Entity)
		one(t.Entity)
	case ast.ScopeTypeInSet:
		for _, uid := range t.Entities {
			group(uid)
			one(uid)
		}
	default:
		s.any = append(s.any, i)
	}
}

// candidates are the entries whose action scope matches kind, in order, each once.
func (s *set) candidates(kind statement.Kind) []int {
	desk, one := s.desks[kind.Desk()], s.kinds[kind]
	switch {
	case len(desk) == 0 && len(one) == 0:
		return s.any
	case len(s.any) == 0 && len(one) == 0:
		return desk
	case len(s.any) == 0 && len(desk) == 0:
		return one
	}
	buf := slices.Concat(s.any, desk, one)
	slices.Sort(buf)
	return slices.Compact(buf)
}

// selection gives Cedar the candidates alone.
type selection struct {
	set  *set
	some []int
}

// All implements cedar.PolicyIterator.
func (s *selection) All() iter.Seq2[cedar.PolicyID, *cedar.Policy] {
	return func(yield func(cedar.PolicyID, *cedar.Policy) bool) {
		for _, i := range s.some {
			if e := &s.set.entries[i]; !yield(e.id, e.residue) {
				return
			}
		}
	}
}

// world is the entities of one decision, made when Cedar asks for them.
type world struct{}

// Get implements types.EntityGetter.
func (world) Get(uid types.EntityUID) (types.Entity, bool) {
	switch uid.Type {
	case partyType:
		e := types.Entity{UID: uid}
		// A party entity's parent is its principal.
		// spec: DEC-3
		if code := party.Code(uid.ID); code.IsOffice() {
			e.Parents = types.NewEntityUIDSet(partyUID(code.Principal()))
		}
		return e, true
	case actionType:
		e := types.Entity{UID: uid}
		if kind := statement.Kind(uid.ID); kind.Desk() != "" {
			if group := actionUID(kind.Desk() + ".*"); group != uid {
				e.Parents = types.NewEntityUIDSet(group)
			}
		}
		return e, true
	}
	return types.Entity{}, false
}
