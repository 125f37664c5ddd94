package office

import (
	"slices"

	"github.com/comity-exchange/comity/fault"
	"github.com/comity-exchange/comity/statement"
	"github.com/comity-exchange/comity/thread"
)

// What can be recorded: of an officer.
const (
	KindEnrol   statement.Kind = "office.enrol"
	KindAssign  statement.Kind = "office.assign"
	KindDisable statement.Kind = "office.disable"
	KindEnable  statement.Kind = "office.enable"
	KindIssue   statement.Kind = "office.issue"
	KindRevoke  statement.Kind = "office.revoke"
	KindInvite  statement.Kind = "office.invite"
	KindEnter   statement.Kind = "office.enter"
	KindBind    statement.Kind = "office.bind"
	KindUnbind  statement.Kind = "office.unbind"
	KindDoubt   statement.Kind = "office.doubt"
)

// What can be recorded: of a draft.
const (
	KindSubmit  statement.Kind = "office.submit"
	KindEdit    statement.Kind = "office.edit"
	KindReturn  statement.Kind = "office.return"
	KindApprove statement.Kind = "office.approve"
	KindRelease statement.Kind = "office.release"
	KindDrop    statement.Kind = "office.drop"
)

func kinds() []thread.KindSpec {
	// spec: THR-9
	return []thread.KindSpec{
		{Kind: KindEnrol, Rank: 50, Opens: true, Facts: Enrol{}, Label: "add an officer",
			Means: "Somebody may act for the party, in the roles named."},
		{Kind: KindAssign, Rank: 50, Facts: Assign{}, Label: "assign roles",
			Means: "The officer has these roles from now on, and no others."},
		{Kind: KindDisable, Rank: 50, Facts: struct{}{}, Label: "disable the officer",
			Means: "The officer may do nothing any more; nothing that was done is undone."},
		{Kind: KindEnable, Rank: 50, Facts: struct{}{}, Label: "enable the officer",
			Means: "The officer may act again, in the roles of before."},
		{Kind: KindIssue, Rank: 50, Facts: Issue{}, Label: "make a token",
			Means: "Programs that show the token act for the officer, within its scopes and until it expires."},
		{Kind: KindRevoke, Rank: 50, Facts: Revoke{}, Label: "revoke a token",
			Means: "The token is good for nothing any more."},
		{Kind: KindInvite, Rank: 50, Facts: Invite{}, Label: "make a one-time link",
			Means: "Who opens the link is let in as the officer, once."},
		{Kind: KindEnter, Rank: 50, Facts: struct{}{}, Label: "enter by a one-time link",
			Means: "A one-time link was used."},
		{Kind: KindBind, Rank: 50, Facts: Bind{}, Label: "add a way in",
			Means: "The officer signs in by this passkey, or by this identity at a provider, until it is taken away."},
		{Kind: KindUnbind, Rank: 50, Facts: Bind{}, Label: "take a way in away",
			Means: "The passkey, or the identity, lets nobody in any more."},
		{Kind: KindDoubt, Rank: 50, Facts: Bind{}, Label: "doubt a passkey",
			Means: "A passkey has told a count that went back, as a copy of it would. It was refused."},
		{Kind: KindSubmit, Rank: 50, Opens: true, Facts: Submit{}, Label: "submit a draft",
			Means: "The author asks another officer to approve what is to be said."},
		{Kind: KindEdit, Rank: 50, Facts: struct{}{}, Label: "change a draft",
			Means: "The draft is with its author again; an approval that it had is void."},
		{Kind: KindReturn, Rank: 50, Facts: struct{}{}, Label: "send a draft back",
			Means: "Another officer does not approve it as it is."},
		{Kind: KindApprove, Rank: 50, Facts: Approve{}, Label: "approve a draft",
			Means: "Another officer agrees that exactly this is said."},
		{Kind: KindRelease, Rank: 50, Facts: Release{}, Label: "release a draft",
			Means: "It was said."},
		{Kind: KindDrop, Rank: 50, Facts: struct{}{}, Label: "drop a draft",
			Means: "It will not be said, and was erased."},
	}
}

// Enrol is the facts of office.enrol. Officer is the pseudonym by which the officer's statements name their author.
type Enrol struct {
	Officer string   `json:"officer"`
	Roles   []string `json:"roles"`
}

// Check wants an officer with a role, and a record that goes to nobody.
func (f Enrol) Check(h *statement.Head) error {
	if f.Officer == "" {
		return wrong("an officer is named by a pseudonym")
	}
	return Assign{f.Roles}.Check(h)
}

// Assign is the facts of office.assign.
type Assign struct {
	Roles []string `json:"roles"`
}

// Check wants roles.
func (f Assign) Check(*statement.Head) error {
	if len(f.Roles) == 0 || slices.Contains(f.Roles, "") {
		return wrong("an officer has at least one role")
	}
	return nil
}

// Issue is the facts of office.issue. Token names the token and opens nothing.
type Issue struct {
	Token   string         `json:"token"`
	Scopes  []string       `json:"scopes"`
	Expires statement.Time `json:"expires"`
}

// Check wants a token with scopes that expires.
func (f Issue) Check(h *statement.Head) error {
	if f.Token == "" || len(f.Scopes) == 0 || !h.Time.Before(f.Expires) {
		return wrong("a token has a name, scopes, and an end that is still to come")
	}
	return nil
}

// Revoke is the facts of office.revoke.
type Revoke struct {
	Token string `json:"token"`
}

// Check wants a token.
func (f Revoke) Check(*statement.Head) error {
	if f.Token == "" {
		return wrong("it names a token")
	}
	return nil
}

// Invite is the facts of office.invite.
type Invite struct {
	Expires statement.Time `json:"expires"`
}

// Check wants an end that is still to come.
func (f Invite) Check(h *statement.Head) error {
	if !h.Time.Before(f.Expires) {
		return wrong("a link ends after it was made")
	}
	return nil
}

// The ways in that a record names.
const (
	WayPasskey  = "passkey"
	WayIdentity = "identity"
)

// Bind is the facts of office.bind, office.unbind and office.doubt. Name tells one way in from another and opens nothing.
type Bind struct {
	Way  string `json:"way"`
	Name string `json:"name"`
}

// Check wants a way that it knows, with its name.
func (f Bind) Check(*statement.Head) error {
	if f.Way != WayPasskey && f.Way != WayIdentity || f.Name == "" {
		return wrong("a way in is a passkey or an identity, and has a name")
	}
	return nil
}

// Submit is the facts of office.submit. Says is the kind of the statement that the draft would be, Digest covers exactly what it would say.
type Submit struct {
	Says   statement.Kind   `json:"says"`
	Digest statement.Digest `json:"digest"`
}

// Check wants both.
func (f Submit) Check(*statement.Head) error {
	if f.Says == "" {
		return wrong("a draft is of some kind")
	}
	return Approve{f.Digest}.Check(nil)
}

// Approve is the facts of office.approve: the digest that was submitted.
type Approve struct {
	Digest statement.Digest `json:"digest"`
}

// Check wants a digest.
func (f Approve) Check(*statement.Head) error {
	if f.Digest.IsZero() {
		return wrong("it names the digest of what would be said")
	}
	return nil
}

// Release is the facts of office.release: the statement that it has become.
type Release struct {
	Statement statement.ID `json:"statement"`
}

// Check wants a statement.
func (f Release) Check(*statement.Head) error {
	if f.Statement.IsZero() {
		return wrong("it names the statement that was said")
	}
	return nil
}

func wrong(why string) error { return fault.New(fault.Malformed, "THR-9", "%s", why) }
