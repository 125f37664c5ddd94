package agreement

import (
	"strings"

	"github.com/cedar-policy/cedar-go"
	"github.com/cedar-policy/cedar-go/types"
	"github.com/cedar-policy/cedar-go/x/exp/ast"
	"github.com/cedar-policy/cedar-go/x/exp/schema"
	"github.com/cedar-policy/cedar-go/x/exp/schema/resolved"
	"github.com/cedar-policy/cedar-go/x/exp/schema/validate"

	"github.com/comity-exchange/comity/fault"
	"github.com/comity-exchange/comity/spec"
	"github.com/comity-exchange/comity/statement"
)

const (
	partyType  types.EntityType = "Party"
	actionType types.EntityType = "Action"
)

// Vocabulary is the kinds that a node knows: those of its desks, and receipt.* and thread.*.
type Vocabulary struct {
	Kinds []statement.Kind
}

// Knows tells whether a pattern stands for any known kind.
func (v Vocabulary) Knows(p KindPattern) bool {
	for _, k := range v.Kinds {
		if p.Matches(k) {
			return true
		}
	}
	return false
}

// Unknown lists the places where a document names a kind that v lacks: a slip of the pen, or a desk of a later version. It is for
// whoever drafts or signs; a decision never depends on it, since two nodes may know different kinds.
func (d *Document) Unknown(v Vocabulary) []string {
	var places []string
	for _, a := range d.Articles {
		for j, r := range a.Rules {
			for _, k := range r.Kinds {
				if !v.Knows(k) {
					places = append(places, "article "+a.Number+", rules["+itoa(j)+"].kinds: no desk here knows "+string(k))
				}
			}
		}
	}
	return places
}

func partyUID[T ~string](code T) types.EntityUID {
	return types.EntityUID{Type: partyType, ID: types.String(code)}
}

func actionUID[T ~string](kind T) types.EntityUID {
	return types.EntityUID{Type: actionType, ID: types.String(kind)}
}

// vocabulary is a Cedar schema: spec.Schema with actions.
type vocabulary struct {
	schema  *resolved.Schema
	applies *resolved.AppliesTo
}

// newVocabulary reads spec.Schema and adds the given kinds and the groups of their desks.
func newVocabulary(kinds ...KindPattern) (*vocabulary, error) {
	// One action is declared in text, so that the shape of all comes from the schema's own language.
	const sample = "sample.*"
	var text schema.Schema
	text.SetFilename("schema.cedarschema")
	err := text.UnmarshalCedar([]byte(spec.Schema + "\naction \"" + sample + "\" appliesTo { principal: Party, resource: Party, context: Head };\n"))
	if err != nil {
		return nil, fault.Wrap(err, fault.Internal, "DEC-3", "the vocabulary of policies cannot be read")
	}
	s, err := text.Resolve()
	if err != nil {
		return nil, fault.Wrap(err, fault.Internal, "DEC-3", "the vocabulary of policies cannot be resolved")
	}
	v := &vocabulary{schema: s, applies: s.Actions[actionUID(sample)].AppliesTo}
	delete(s.Actions, actionUID(sample))
	v.add(kinds...)
	return v, nil
}

// with gives the same types with other actions.
func (v *vocabulary) with(kinds ...KindPattern) *vocabulary {
	s := *v.schema
	s.Actions = map[types.EntityUID]resolved.Action{}
	w := &vocabulary{schema: &s, applies: v.applies}
	w.add(kinds...)
	return w
}

func (v *vocabulary) add(kinds ...KindPattern) {
	for _, k := range kinds {
		desk, _, _ := strings.Cut(string(k), ".")
		group := actionUID(desk + ".*")
		v.schema.Actions[group] = resolved.Action{Entity: types.Entity{UID: group}, AppliesTo: v.applies}
		if uid := actionUID(k); uid != group {
			v.schema.Actions[uid] = resolved.Action{Entity: types.Entity{UID: uid, Parents: types.NewEntityUIDSet(group)}, AppliesTo: v.applies}
		}
	}
}

// check is all that we use of Cedar's validator, whose Go API is experimental: strict mode, one policy.
func (v *vocabulary) check(p *cedar.Policy) error {
	return validate.New(v.schema).Policy("", (*ast.Policy)(p.AST()))
}
