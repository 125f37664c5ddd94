package page

import (
	"net/url"
	"time"

	"github.com/a-h/templ"
)

// officerAct is where a button about an officer posts to. An id may have slashes and dots: "x/../y" unescaped would lead to what is done to y.
func officerAct(id, act string) templ.SafeURL {
	return templ.SafeURL("/officers/" + url.PathEscape(id) + "/" + act)
}

// Officers is who may act for the party here, for whoever may know.
type Officers struct {
	All     []OfficerRow
	May     bool // the reader may add officers and change roles
	MayKeys bool // the reader may make links and tokens for some
	Roles   []Choice
	Secret  *Shown // a secret that was made just now
	Fault   *Fault
	Adding  OfficerRow // what was filled in and refused
	Partner PartnerForm
	TLPs    []Choice
}

// PartnerForm is what was filled in for a partner's token and refused.
type PartnerForm struct {
	Officer string // in whose name; "": nothing was
	Name    string
	Party   string
	See     string
	Write   string
	Days    string
	All     bool
}

// partner is the form of one officer.
func (o *Officers) partner(id string) PartnerForm {
	if o.Partner.Officer != id {
		return PartnerForm{Days: "90"}
	}
	return o.Partner
}

// Shown is a secret on the only page that ever has it.
type Shown struct {
	Link    bool // else a token
	Partner bool // and that a partner's, whom Officer names
	Text    string
	Officer string
	Expires time.Time
}

// OfficerRow is one officer.
type OfficerRow struct {
	ID        string
	Name      string
	Pseudonym string
	Roles     []Choice
	Languages string
	Disabled  bool
	Self      bool
	Record    string // where what was recorded is shown
	Tokens    []TokenRow
	Ways      []WayRow // passkeys and identities
	Sessions  int
	Known     bool // Ways and Sessions may be shown
}

// WayRow is a passkey or an identity.
type WayRow struct {
	Name    string
	Label   string // what its officer called it, or the provider
	Passkey bool
	Made    time.Time
	Used    time.Time
}

// TokenRow is a token of an officer.
type TokenRow struct {
	Name     string
	Roles    []string
	Made     time.Time
	Expires  time.Time
	LastUsed time.Time
	State    string // "good", "expired" or "revoked"
	Partner  bool   // somebody outside has it
}

func roleWords(s *Shell, roles []Choice) []string {
	var out []string
	for _, r := range roles {
		if r.Chosen {
			out = append(out, r.Label)
		}
	}
	return out
}
