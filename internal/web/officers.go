package web

import (
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/comity-exchange/comity/fault"
	"github.com/comity-exchange/comity/internal/auth"
	"github.com/comity-exchange/comity/internal/node"
	"github.com/comity-exchange/comity/internal/web/door"
	"github.com/comity-exchange/comity/internal/web/page"
	"github.com/comity-exchange/comity/marking"
	"github.com/comity-exchange/comity/party"
	"github.com/comity-exchange/comity/statement"
)

// linkLife is for how long a one-time link that is made here lets somebody in.
const linkLife = 24 * time.Hour

// officers lists who may act for the party.
func (f *face) officersPage(w http.ResponseWriter, r *http.Request) error {
	return f.showOfficers(w, r, http.StatusOK, &page.Officers{})
}

// showOfficers shows them, with what has just been made or refused.
func (f *face) showOfficers(w http.ResponseWriter, r *http.Request, status int, v *page.Officers) error {
	ctx := r.Context()
	s := f.shell(r, "officers.title", "officers")
	all, err := f.n.Officers(ctx)
	if err != nil {
		return err
	}
	tokens, err := f.n.Tokens(ctx)
	if err != nil && fault.CodeOf(err) != fault.Denied {
		return err
	}
	v.May = f.n.Authorize(ctx, auth.ManageOfficers, auth.Matter{}) == nil
	v.MayKeys = f.n.Authorize(ctx, auth.ManageTokens, auth.Matter{}) == nil
	if v.Roles == nil {
		v.Roles = roleChoices(s, nil)
	}
	if v.TLPs == nil {
		v.TLPs = labels(s, string(marking.Green))
	}
	for _, o := range all {
		row := page.OfficerRow{
			ID: o.ID, Name: o.Name, Pseudonym: o.Pseudonym, Roles: roleChoices(s, o.Roles), Disabled: o.Disabled, Self: s.Visitor.Officer == o.ID,
		}
		if !o.Record.IsZero() {
			row.Record = "/threads/" + o.Record.String()
		}
		for _, t := range tokens {
			if t.Officer == o.ID {
				row.Tokens = append(row.Tokens, f.tokenRow(s, t))
			}
		}
		ways, err := f.n.Ways(ctx, o.ID)
		switch fault.CodeOf(err) {
		case "":
			row.Known, row.Ways, row.Sessions = true, wayRows(ways), len(ways.Sessions)
		case fault.Denied, fault.NotFound:
		default:
			return err
		}
		v.All = append(v.All, row)
	}
	return f.show(w, r, status, page.OfficersPage(s, v))
}

func wayRows(ways node.WaysView) (out []page.WayRow) {
	for _, k := range ways.Passkeys {
		out = append(out, page.WayRow{Name: k.Name, Label: k.Label, Passkey: true, Made: moment(k.Made), Used: moment(k.LastUsed)})
	}
	for _, i := range ways.Identities {
		out = append(out, page.WayRow{Name: i.Name, Label: i.Issuer, Made: moment(i.Made)})
	}
	return out
}

// dropWay keeps a passkey or an identity from letting anybody in; its officer is signed out. One's own last goes from the page about oneself, which asks again.
func (f *face) dropWay(w http.ResponseWriter, r *http.Request) error {
	if err := f.n.DropWay(r.Context(), r.PathValue("name"), false); err != nil {
		return f.officerFault(w, r, err)
	}
	return see(w, r, "/officers?done=changed")
}

func (f *face) tokenRow(s *page.Shell, t node.TokenView) page.TokenRow {
	row := page.TokenRow{Name: t.Name, Made: moment(t.Made), Expires: moment(t.Expires), LastUsed: moment(t.LastUsed), State: "good"}
	row.Roles, row.Partner = standsFor(s, t.Scopes)
	switch {
	case !t.Revoked.IsZero():
		row.State = "revoked"
	case !f.n.Now().Before(t.Expires.Std()):
		row.State = "expired"
	}
	return row
}

// roleChoices are all roles, those that somebody has chosen.
func roleChoices(s *page.Shell, has []string) (out []page.Choice) {
	for _, role := range auth.Roles() {
		c := page.Choice{Value: string(role), Label: s.Word("role", string(role))}
		for _, h := range has {
			c.Chosen = c.Chosen || h == string(role)
		}
		out = append(out, c)
	}
	return out
}

// addOfficer adds one. What is refused is shown again as it was filled in.
func (f *face) addOfficer(w http.ResponseWriter, r *http.Request) error {
	if err := page.Read(w, r, page.MaxForm); err != nil {
		return err
	}
	in := r.PostForm
	roles, err := auth.ParseRoles(in["role"])
	if err == nil {
		err = f.n.AddOfficer(r.Context(), auth.Person{ID: strings.TrimSpace(in.Get("id")), Name: strings.TrimSpace(in.Get("name")), Roles: roles, Languages: strings.Fields(in.Get("languages"))})
	}
	if err != nil {
		s := f.shell(r, "officers.title", "officers")
		problem := page.FaultOf(s, err)
		return f.showOfficers(w, r, problem.Status, &page.Officers{
			Fault: &problem, Adding: page.OfficerRow{ID: in.Get("id"), Name: in.Get("name"), Languages: in.Get("languages")}, Roles: roleChoices(s, in["role"]),
		})
	}
	return see(w, r, "/officers?done=changed#officer-"+url.PathEscape(strings.TrimSpace(in.Get("id"))))
}

// changeOfficer does one thing about an officer.
func (f *face) changeOfficer(w http.ResponseWriter, r *http.Request) error {
	if err := page.Read(w, r, page.MaxForm); err != nil {
		return err
	}
	var err error
	in := r.PostForm
	ctx, id := r.Context(), r.PathValue("id")
	switch r.PathValue("act") {
	case "roles":
		var roles []auth.Role
		if roles, err = auth.ParseRoles(in["role"]); err == nil {
			err = f.n.SetRoles(ctx, id, roles)
		}
	case "disable":
		err = f.n.SetDisabled(ctx, id, true)
	case "enable":
		err = f.n.SetDisabled(ctx, id, false)
	case "sign-out":
		err = f.n.SignOutEverywhere(ctx, id)
	case "link":
		return f.makeLink(w, r, id)
	case "token":
		return f.makeToken(w, r, id, in.Get("days"))
	case "partner":
		return f.makePartnerToken(w, r, id)
	default:
		err = fault.New(fault.NotFound, "", "there is no such page")
	}
	if err != nil {
		return f.officerFault(w, r, err)
	}
	return see(w, r, "/officers?done=changed#officer-"+url.PathEscape(id))
}

func (f *face) officerFault(w http.ResponseWriter, r *http.Request, err error) error {
	problem := page.FaultOf(f.shell(r, "officers.title", "officers"), err)
	return f.showOfficers(w, r, problem.Status, &page.Officers{Fault: &problem})
}

// makeLink makes a one-time link. It is on this answer and nowhere else: there is no page to come back to.
func (f *face) makeLink(w http.ResponseWriter, r *http.Request, id string) error {
	expires := f.n.Now().Add(linkLife)
	secret, err := f.n.MakeLink(r.Context(), id, statement.TimeOf(expires))
	if err != nil {
		return f.officerFault(w, r, err)
	}
	return f.showOfficers(w, r, http.StatusOK, &page.Officers{Secret: &page.Shown{Link: true, Text: f.linkURL(r, secret), Officer: id, Expires: expires}})
}

// linkURL is where a one-time link leads.
func (f *face) linkURL(r *http.Request, secret auth.Secret) string {
	origin := f.URL
	if origin == "" {
		origin = "http://" + r.Host
	}
	return door.Link(origin, secret)
}

// makeToken makes a token in all of an officer's roles, like makeLink.
func (f *face) makeToken(w http.ResponseWriter, r *http.Request, id, days string) error {
	expires, err := f.expiry(days)
	if err != nil {
		return f.officerFault(w, r, err)
	}
	secret, err := f.n.MakeToken(r.Context(), id, nil, statement.TimeOf(expires))
	if err != nil {
		return f.officerFault(w, r, err)
	}
	return f.showOfficers(w, r, http.StatusOK, &page.Officers{Secret: &page.Shown{Text: secret.Reveal(), Officer: id, Expires: expires}})
}

// expiry is the end of so many days. Error: fault.Usage.
func (f *face) expiry(days string) (time.Time, error) {
	n, err := strconv.Atoi(days)
	if err != nil || n < 1 {
		return time.Time{}, fault.New(fault.Usage, "", "a token is good for a number of days, 366 at most")
	}
	return f.n.Now().Add(time.Duration(min(n, 400)) * 24 * time.Hour), nil // what is too long the office refuses
}

// makePartnerToken makes a token for somebody outside, in an officer's name and within limits, like makeToken. What is refused is shown again as it was filled in.
func (f *face) makePartnerToken(w http.ResponseWriter, r *http.Request, id string) error {
	// spec: INT-9
	in := r.PostForm
	limits := node.TokenLimits{
		Partner: strings.TrimSpace(in.Get("partner")), Party: party.Code(strings.TrimSpace(in.Get("party"))), TLP: marking.TLP(in.Get("tlp")),
		See: strings.Fields(strings.ReplaceAll(in.Get("see"), ",", " ")), Write: strings.TrimSpace(in.Get("write")),
	}
	if in.Get("all") != "" {
		limits.See = append(limits.See, "all")
	}
	expires, err := f.expiry(in.Get("days"))
	if err == nil && limits.Partner == "" {
		err = fault.New(fault.Usage, "", "say who outside is to have the token")
	}
	var secret auth.Secret
	if err == nil {
		secret, err = f.n.MakeTokenWithin(r.Context(), id, nil, limits, statement.TimeOf(expires))
	}
	if said := fault.Of(err); err != nil && said.Code == fault.NotFound && said.Clause != "" { // not a page, but a name in the form
		err = fault.Wrap(err, fault.Usage, said.Clause, "%s", said.Msg)
	}
	if err != nil {
		s := f.shell(r, "officers.title", "officers")
		problem := page.FaultOf(s, err)
		return f.showOfficers(w, r, problem.Status, &page.Officers{Fault: &problem, TLPs: labels(s, in.Get("tlp")), Partner: page.PartnerForm{
			Officer: id, Name: in.Get("partner"), Party: in.Get("party"), See: in.Get("see"), Write: in.Get("write"), Days: in.Get("days"), All: in.Get("all") != "",
		}})
	}
	return f.showOfficers(w, r, http.StatusOK, &page.Officers{Secret: &page.Shown{Partner: true, Text: secret.Reveal(), Officer: limits.Partner, Expires: expires}})
}

// standsFor is what a token stands for: roles, and limits with ids cut short.
func standsFor(s *page.Shell, scopes []string) (out []string, partner bool) {
	for _, scope := range scopes {
		what, of, limit := strings.Cut(scope, ":")
		if _, err := statement.ParseID(of); err == nil {
			of = of[:8]
		}
		switch {
		case !limit:
			out = append(out, s.Word("role", scope))
		case what == "see" && of == "all":
			out = append(out, s.T("officers.limit.all"))
		case what == "tlp":
			out = append(out, s.T("officers.limit.tlp", "TLP:"+of))
		case what == "partner" || what == "party" || what == "see" || what == "write":
			out = append(out, s.T("officers.limit."+what, of))
		default:
			out = append(out, scope)
		}
		partner = partner || what == "partner" && limit
	}
	return out, partner
}

// revokeToken makes a token good for nothing.
func (f *face) revokeToken(w http.ResponseWriter, r *http.Request) error {
	if err := f.n.RevokeToken(r.Context(), r.PathValue("name")); err != nil {
		return f.officerFault(w, r, err)
	}
	return see(w, r, "/officers?done=changed")
}
