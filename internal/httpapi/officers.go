package httpapi

import (
	"context"
	"net/http"

	"github.com/comity-exchange/comity/fault"
	"github.com/comity-exchange/comity/internal/auth"
	"github.com/comity-exchange/comity/internal/node"
	"github.com/comity-exchange/comity/marking"
	"github.com/comity-exchange/comity/party"
	"github.com/comity-exchange/comity/statement"
)

// Person is an officer who is to be added.
type Person struct {
	ID        string   `json:"id" maxLength:"64" doc:"stands in lists and behind the pseudonym in statements: best no name"`
	Name      string   `json:"name" maxLength:"200"`
	Roles     []string `json:"roles" minItems:"1"`
	Languages []string `json:"languages,omitempty" doc:"like en, ru or zh-Hant"`
}

// OfficerByID takes an officer's id from the path.
type OfficerByID struct {
	ID string `path:"id" doc:"the officer's id"`
}

// ToIssue is a token, or a link, that is to be made.
type ToIssue struct {
	Officer string         `json:"officer"`
	Scopes  []string       `json:"scopes,omitempty" doc:"roles of the officer that the token stands for; none: all"`
	Expires statement.Time `json:"expires"`
	Limits  *Limits        `json:"limits,omitzero" doc:"of a token: what it is given, and of a partner who has no node"`
}

// Limits narrow what a token is good for.
type Limits struct {
	TLP     marking.TLP `json:"tlp,omitzero" doc:"the strictest marking of objects that it is given; with it the token is good for TAXII and MISP alone; without it: AMBER"`
	Partner string      `json:"partner,omitzero" maxLength:"64" doc:"somebody outside: the token is good for TAXII and MISP alone, and for none of the officer's roles"`
	Party   party.Code  `json:"party,omitzero" doc:"the party that the partner is of; none without it"`
	See     []string    `json:"see,omitempty" maxItems:"64" doc:"sources, feeds and shares that the partner is given, by name or id; all: whatever markings and agreements leave"`
	Write   string      `json:"write,omitzero" maxLength:"200" doc:"the source that the partner brings objects into"`
}

// Issued is a secret. It is shown here and nowhere again.
type Issued struct {
	Secret  string         `json:"secret" doc:"shown once"`
	Link    string         `json:"link,omitzero" doc:"where a one-time link leads"`
	Officer string         `json:"officer"`
	Expires statement.Time `json:"expires"`
}

// officer finds an officer after a change.
func (a *api) officer(ctx context.Context, id string) (node.OfficerView, error) {
	all, err := a.node.Officers(ctx)
	for _, v := range all {
		if v.ID == id {
			return v, nil
		}
	}
	if err == nil {
		err = fault.New(fault.NotFound, "", "there is no officer of that id here")
	}
	return node.OfficerView{}, err
}

func (a *api) addOfficer(ctx context.Context, in *struct{ Body Person }) (node.OfficerView, error) {
	roles, err := auth.ParseRoles(in.Body.Roles)
	if err != nil {
		return node.OfficerView{}, err
	}
	p := auth.Person{ID: in.Body.ID, Name: in.Body.Name, Roles: roles, Languages: in.Body.Languages}
	if err := a.node.AddOfficer(ctx, p); err != nil {
		return node.OfficerView{}, err
	}
	if callerOf(ctx).actor.Operator { // the first officer: the node is nobody's any more who shows no token
		return node.OfficerView{ID: p.ID, Name: p.Name, Roles: in.Body.Roles, Languages: p.Languages}, nil
	}
	return a.officer(ctx, p.ID)
}

func (a *api) setRoles(ctx context.Context, in *struct {
	OfficerByID
	Body struct {
		Roles []string `json:"roles" minItems:"1"`
	}
}) (node.OfficerView, error) {
	roles, err := auth.ParseRoles(in.Body.Roles)
	if err != nil {
		return node.OfficerView{}, err
	}
	if err := a.node.SetRoles(ctx, in.ID, roles); err != nil {
		return node.OfficerView{}, err
	}
	return a.officer(ctx, in.ID)
}

func (a *api) setDisabled(disabled bool) func(context.Context, *OfficerByID) (node.OfficerView, error) {
	return func(ctx context.Context, in *OfficerByID) (node.OfficerView, error) {
		if err := a.node.SetDisabled(ctx, in.ID, disabled); err != nil {
			return node.OfficerView{}, err
		}
		return a.officer(ctx, in.ID)
	}
}

func (a *api) makeToken(ctx context.Context, in *struct{ Body ToIssue }) (Issued, error) {
	scopes, err := auth.ParseRoles(in.Body.Scopes)
	if err != nil {
		return Issued{}, err
	}
	var l node.TokenLimits
	if given := in.Body.Limits; given != nil {
		l = node.TokenLimits(*given)
	}
	secret, err := a.node.MakeTokenWithin(ctx, in.Body.Officer, scopes, l, in.Body.Expires)
	if err != nil {
		return Issued{}, err
	}
	return Issued{Secret: secret.Reveal(), Officer: in.Body.Officer, Expires: in.Body.Expires}, nil
}

func (a *api) makeLink(ctx context.Context, in *struct{ Body ToIssue }) (Issued, error) {
	if len(in.Body.Scopes) > 0 || in.Body.Limits != nil {
		return Issued{}, fault.New(fault.Usage, "", "a link lets an officer in as a whole: leave scopes and limits out")
	}
	secret, err := a.node.MakeLink(ctx, in.Body.Officer, in.Body.Expires)
	if err != nil {
		return Issued{}, err
	}
	out := Issued{Secret: secret.Reveal(), Officer: in.Body.Officer, Expires: in.Body.Expires}
	if a.opt.Link != nil {
		out.Link = a.opt.Link(secret)
	}
	return out, nil
}

// Binding lets somebody at a provider of identities in.
type Binding struct {
	Issuer  string `json:"issuer,omitzero" maxLength:"500" doc:"the provider; without it the one of the settings"`
	Subject string `json:"subject" minLength:"1" maxLength:"500" doc:"what the provider calls the officer (the claim sub); a mail address is none: others can have it later"`
}

func (a *api) bind(ctx context.Context, in *struct {
	OfficerByID
	Body Binding
}) (Done, error) {
	i := auth.Identity{Issuer: in.Body.Issuer, Subject: in.Body.Subject}
	if i.Issuer == "" {
		i.Issuer = a.node.Config.OIDCIssuer
	}
	return Done{true}, a.node.BindIdentity(ctx, in.ID, i)
}

// registerWays makes what concerns how officers come in. Passkeys are added where they are: in a browser.
func (a *api) registerWays() {
	n := a.node
	at := func(id, method, path, says string) operation {
		return operation{id: id, method: method, path: path, tag: "Officers", says: says}
	}
	on(a, at("list-ways", http.MethodGet, "/officers/{id}/ways", "Show how an officer comes in, and where the officer is signed in."), func(ctx context.Context, in *OfficerByID) (node.WaysView, error) {
		return n.Ways(ctx, in.ID)
	})
	on(a, at("bind-identity", http.MethodPost, "/officers/{id}/identities", "Let somebody at the provider of identities in as an officer."), a.bind)
	on(a, at("drop-way", http.MethodDelete, "/ways/{name}", "Take a passkey or an identity away. Its officer is signed out."), func(ctx context.Context, in *struct {
		Name string `path:"name" doc:"the name of the passkey or identity, as GET /officers/{id}/ways lists it"`
		Last bool   `query:"last" doc:"also where it is your own last way in"`
	}) (Done, error) {
		return Done{true}, n.DropWay(ctx, in.Name, in.Last)
	})
	on(a, at("sign-out", http.MethodPost, "/officers/{id}/sign-out", "Sign an officer out everywhere. Passkeys and tokens stay."), func(ctx context.Context, in *OfficerByID) (Done, error) {
		return Done{true}, n.SignOutEverywhere(ctx, in.ID)
	})
}

func (a *api) registerOfficers() {
	n := a.node
	at := func(id, method, path, says string) operation {
		return operation{id: id, method: method, path: path, tag: "Officers", says: says}
	}
	on(a, at("list-officers", http.MethodGet, "/officers", "List all officers."), func(ctx context.Context, _ *none) (out struct {
		Officers []node.OfficerView `json:"officers"`
	}, err error) {
		out.Officers, err = n.Officers(ctx)
		return out, err
	})
	on(a, at("show-officer", http.MethodGet, "/officers/{id}", "Show one officer."), func(ctx context.Context, in *OfficerByID) (node.OfficerView, error) { return a.officer(ctx, in.ID) })
	a.registerWays()
	add := at("add-officer", http.MethodPost, "/officers", "Add an officer. The first is an administrator.")
	add.made = true
	on(a, add, a.addOfficer)
	on(a, at("set-roles", http.MethodPut, "/officers/{id}/roles", "Give an officer these roles and no others."), a.setRoles)
	on(a, at("disable-officer", http.MethodPost, "/officers/{id}/disable", "Take every permission from an officer."), a.setDisabled(true))
	on(a, at("enable-officer", http.MethodPost, "/officers/{id}/enable", "Give them back."), a.setDisabled(false))
	on(a, at("list-tokens", http.MethodGet, "/tokens", "List tokens: all of them to whoever may make them, to others their own."), func(ctx context.Context, _ *none) (out struct {
		Tokens []node.TokenView `json:"tokens"`
	}, err error) {
		out.Tokens, err = n.Tokens(ctx)
		return out, err
	})
	token := at("make-token", http.MethodPost, "/tokens", "Make a token for an officer. Its secret is in the answer, and nowhere else.")
	token.made, token.secret = true, true
	on(a, token, a.makeToken)
	on(a, at("revoke-token", http.MethodDelete, "/tokens/{name}", "Make a token good for nothing."), func(ctx context.Context, in *struct {
		Name string `path:"name" doc:"the token's name, or its first four digits or more"`
	}) (Done, error) {
		return Done{true}, n.RevokeToken(ctx, in.Name)
	})
	link := at("make-link", http.MethodPost, "/links", "Make a link that lets an officer in once. Its secret is in the answer, and nowhere else.")
	link.made, link.secret = true, true
	on(a, link, a.makeLink)
}
