package auth

import (
	_ "embed"
	"fmt"
	"iter"
	"slices"
	"strings"

	"github.com/cedar-policy/cedar-go"
	"github.com/cedar-policy/cedar-go/types"
	"github.com/cedar-policy/cedar-go/x/exp/ast"
	"github.com/cedar-policy/cedar-go/x/exp/schema"
	"github.com/cedar-policy/cedar-go/x/exp/schema/resolved"
	"github.com/cedar-policy/cedar-go/x/exp/schema/validate"

	"github.com/comity-exchange/comity/fault"
	"github.com/comity-exchange/comity/marking"
	"github.com/comity-exchange/comity/party"
	"github.com/comity-exchange/comity/statement"
)

//go:embed roles.cedar
var rolesCedar []byte

//go:embed roles.cedarschema
var rolesSchema []byte

// Action is something that an officer may be permitted.
type Action string

// The actions. Open tells others that somebody has read what they said; Draft keeps and changes drafts and local records; Release lets a statement out.
const (
	Read           Action = "read"
	ReadLog        Action = "read-log"
	ExportEvidence Action = "export-evidence"
	Open           Action = "open"
	Draft          Action = "draft"
	Submit         Action = "submit"
	Approve        Action = "approve" // or send back
	Release        Action = "release"
	Negotiate      Action = "negotiate"
	SignAgreement  Action = "sign-agreement"
	Recall         Action = "recall"
	Erase          Action = "erase"
	ManageOfficers Action = "manage-officers"
	ManageTokens   Action = "manage-tokens" // and one-time links
	RevokeToken    Action = "revoke-token"
	ManageWays     Action = "manage-ways" // passkeys, and identities at a provider
	ManageKeys     Action = "manage-keys"
	Carry          Action = "carry" // packets as files
	Keep           Action = "keep"  // the node itself: back it up, mend it
)

// Actions lists them.
func Actions() []Action {
	return []Action{
		Read, ReadLog, ExportEvidence, Open, Draft, Submit, Approve, Release, Negotiate, SignAgreement, Recall, Erase, ManageOfficers, ManageTokens, RevokeToken, ManageWays, ManageKeys,
		Carry, Keep,
	}
}

// verbs are the actions as sentences have them.
func (a Action) verb() string {
	switch a {
	case ReadLog:
		return "read the log"
	case ExportEvidence:
		return "export evidence"
	case Open:
		return "tell others that this was opened"
	case Release:
		return "let this out"
	case SignAgreement:
		return "sign or bind the party in this"
	case ManageOfficers:
		return "manage officers"
	case ManageTokens:
		return "make tokens and links"
	case RevokeToken:
		return "revoke this token"
	case ManageWays:
		return "change this officer's passkeys and identities"
	case ManageKeys:
		return "change keys"
	case Carry:
		return "carry packets"
	case Keep:
		return "look after this node"
	}
	return string(a) + " this"
}

// Actor is who asks. The zero Actor is nobody; see Operator.
type Actor struct {
	ID       string // of the officer; "" for the operator
	Holds    []Role // every role of the officer
	Roles    []Role // those that count now: a token may stand for fewer
	Disabled bool
	Operator bool
	Token    string // the token's name, where one was shown
	Limits   Limits // of that token

	Session string         // the session's name, where the officer has signed in
	Since   statement.Time // when that was
}

// Operator is whoever can open the node, when nobody has signed in.
func Operator() Actor { return Actor{Operator: true} }

// Matter is what is acted on. What does not apply is left empty.
type Matter struct {
	Author  string // of a draft: an officer's id
	Officer string // whose roles or tokens are changed
	Roles   []Role // of that officer

	Kind       statement.Kind
	To         []party.Code
	Marking    marking.Marking
	Track      statement.Track
	Precedence statement.Precedence
	Exercise   bool
}

// Decision is an answer. Reason is in plain words; a denial's tells who may. Roles are those of which a holder may, where it was denied.
type Decision struct {
	Permitted bool
	Reason    string
	Roles     []Role
}

// Err is the fault of a denial; nil where it is permitted.
func (d Decision) Err() error {
	if d.Permitted {
		return nil
	}
	return fault.New(fault.Denied, "", "%s", d.Reason)
}

// Rules are the policies of the roles with those of an operator. They never change and are safe for concurrent use.
type Rules struct {
	policies []*cedar.Policy
	about    []string // by index of policies
	own      []bool   // an operator's
}

// Compile makes the rules. own are files of an operator by name: Cedar in the vocabulary of roles.cedarschema that only forbids; a policy may say why with
// @about("…"). Error: fault.Malformed, with the file and the line.
func Compile(own map[string][]byte) (*Rules, error) {
	words, err := vocabulary()
	if err != nil {
		return nil, err
	}
	r := &Rules{}
	if err := r.add("roles.cedar", rolesCedar, words, false); err != nil {
		return nil, err
	}
	names := make([]string, 0, len(own))
	for name := range own {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		if err := r.add(name, own[name], words, true); err != nil {
			return nil, err
		}
	}
	return r, nil
}

func vocabulary() (*resolved.Schema, error) {
	var text schema.Schema
	text.SetFilename("roles.cedarschema")
	if err := text.UnmarshalCedar(rolesSchema); err != nil {
		return nil, fault.Wrap(err, fault.Internal, "", "the vocabulary of roles cannot be read")
	}
	s, err := text.Resolve()
	if err != nil {
		return nil, fault.Wrap(err, fault.Internal, "", "the vocabulary of roles cannot be resolved")
	}
	return s, nil
}

func (r *Rules) add(name string, src []byte, words *resolved.Schema, own bool) error {
	list, err := cedar.NewPolicyListFromBytes(name, src)
	if err != nil {
		return fault.Wrap(err, fault.Malformed, "", "%s: not Cedar: %s", name, strings.Join(strings.Fields(err.Error()), " "))
	}
	for _, p := range list {
		where := fmt.Sprintf("%s, line %d", name, p.Position().Line)
		if own && p.Effect() != cedar.Forbid {
			return fault.New(fault.Malformed, "", "%s: a rule of your own can only forbid", where)
		}
		if err := validate.New(words).Policy("", (*ast.Policy)(p.AST())); err != nil {
			return fault.Wrap(err, fault.Malformed, "", "%s: does not fit the vocabulary of officers: %s", where, strings.Join(strings.Fields(err.Error()), " "))
		}
		about := string(p.Annotations()["about"])
		if own {
			about = strings.TrimSuffix("a rule of this node forbids it ("+where+"): "+about, ": ")
		}
		r.policies, r.about, r.own = append(r.policies, p), append(r.about, about), append(r.own, own)
	}
	return nil
}

// Restricted tells whether an operator's own rules are among them.
func (r *Rules) Restricted() bool { return slices.Contains(r.own, true) }

// All implements cedar.PolicyIterator.
func (r *Rules) All() iter.Seq2[cedar.PolicyID, *cedar.Policy] {
	return func(yield func(cedar.PolicyID, *cedar.Policy) bool) {
		for i, p := range r.policies {
			if !yield(cedar.PolicyID(fmt.Sprint(i)), p) {
				return
			}
		}
	}
}

// Authorize answers whether actor may do action to m; staffed tells whether the node has officers. What no policy permits is denied, and a policy that cannot
// be evaluated denies.
func (r *Rules) Authorize(actor Actor, action Action, m Matter, staffed bool) Decision {
	forbids, permitted, other := r.ask(actor, action, m, staffed)
	if permitted {
		return Decision{Permitted: true}
	}
	d := Decision{}
	for _, role := range Roles() {
		who := Actor{ID: "\x00somebody else", Holds: []Role{role}, Roles: []Role{role}}
		if action == Draft || action == Submit {
			who.ID = m.Author
		}
		if _, may, _ := r.ask(who, action, m, true); may {
			d.Roles = append(d.Roles, role)
		}
	}
	d.Reason = r.reason(actor, action, d.Roles, forbids, other, staffed)
	return d
}

// ask puts one question to Cedar. forbids says why it is forbidden, where it is; other who it must not be.
func (r *Rules) ask(actor Actor, action Action, m Matter, staffed bool) (forbids []string, permitted bool, other string) {
	req := cedar.Request{
		Principal: types.NewEntityUID("Actor", "actor"), Action: types.NewEntityUID("Action", types.String(action)), Resource: types.NewEntityUID("Matter", "matter"),
		Context: types.NewRecord(types.RecordMap{"staffed": types.Boolean(staffed)}),
	}
	decision, why := cedar.Authorize(r, scene{actor, m}, req)
	if decision == cedar.Allow && len(why.Errors) == 0 {
		return nil, true, ""
	}
	for _, reason := range why.Reasons {
		var i int
		if _, err := fmt.Sscan(string(reason.PolicyID), &i); err != nil || r.policies[i].Effect() != cedar.Forbid {
			continue
		}
		forbids = append(forbids, r.about[i])
		if o := string(r.policies[i].Annotations()["other"]); o != "" {
			other = o
		}
	}
	if len(why.Errors) > 0 {
		forbids = append(forbids, "a rule cannot be evaluated, so it forbids")
	}
	return forbids, false, other
}

// reason is a denial in words: what forbids it, and who may.
func (r *Rules) reason(actor Actor, action Action, may []Role, forbids []string, other string, staffed bool) string {
	var who []string
	for _, role := range may {
		who = append(who, role.one())
	}
	var b strings.Builder
	switch {
	case len(forbids) > 0:
		b.WriteString(strings.Join(forbids, "; "))
	case actor.Operator && staffed:
		b.WriteString("this node has officers: say who you are")
	case actor.Operator:
		b.WriteString("nobody has signed in")
	case len(actor.Roles) == 0:
		b.WriteString("an officer without a role may not " + action.verb())
	default:
		var roles []string
		for _, role := range actor.Roles {
			roles = append(roles, role.one())
		}
		b.WriteString(or(roles) + " may not " + action.verb())
	}
	for _, role := range actor.Holds {
		if slices.Contains(may, role) && !slices.Contains(actor.Roles, role) {
			b.WriteString("; this token does not stand for you as " + role.String())
			break
		}
	}
	switch {
	case other == "its author":
		b.WriteString("; send it back, and its author changes it")
	case len(who) > 0 && other != "":
		b.WriteString(": " + or(who) + " other than " + other + " may " + action.verb())
	case len(who) > 0:
		b.WriteString(": " + or(who) + " may")
	}
	return b.String()
}

// scene is the entities of one question, made when Cedar asks for them.
type scene struct {
	actor  Actor
	matter Matter
}

// Get implements types.EntityGetter.
func (s scene) Get(uid types.EntityUID) (types.Entity, bool) {
	e := types.Entity{UID: uid}
	switch uid.Type {
	case "Actor":
		parents := make([]types.EntityUID, len(s.actor.Roles))
		for i, role := range s.actor.Roles {
			parents[i] = types.NewEntityUID("Role", types.String(role))
		}
		e.Parents = types.NewEntityUIDSet(parents...)
		e.Attributes = types.NewRecord(types.RecordMap{
			"id": types.String(s.actor.ID), "holds": setOf(s.actor.Holds), "disabled": types.Boolean(s.actor.Disabled), "operator": types.Boolean(s.actor.Operator),
			"present": types.Boolean(s.actor.Session != ""),
		})
	case "Matter":
		m := s.matter
		e.Attributes = types.NewRecord(types.RecordMap{
			"author": types.String(m.Author), "officer": types.String(m.Officer), "roles": setOf(m.Roles),
			"kind": types.String(m.Kind), "desk": types.String(m.Kind.Desk()), "to": setOf(m.To),
			"tlp": types.Long(m.Marking.TLP.Rank()), "pap": types.Long(m.Marking.PAP.Rank()), "personal_data": types.Long(m.Marking.PersonalData.Rank()),
			"handling": setOf(m.Marking.Handling), "track": types.String(m.Track), "precedence": types.String(m.Precedence), "exercise": types.Boolean(m.Exercise),
		})
	case "Action":
		switch Action(uid.ID) {
		case "look", "write", ManageWays:
		case Read, ReadLog, ExportEvidence:
			e.Parents = types.NewEntityUIDSet(types.NewEntityUID("Action", "look"))
		default:
			e.Parents = types.NewEntityUIDSet(types.NewEntityUID("Action", "write"))
		}
	}
	return e, true
}

func setOf[T ~string](list []T) types.Set {
	values := make([]types.Value, len(list))
	for i, v := range list {
		values[i] = types.String(v)
	}
	return types.NewSet(values...)
}
