package door

import (
	"mime"
	"net/http"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/comity-exchange/comity/fault"
	"github.com/comity-exchange/comity/internal/auth"
	"github.com/comity-exchange/comity/internal/web/page"
)

// entrance is what the page for signing in shows.
type entrance struct {
	To       string
	Provider string // of identities, where there is one: its address
	Staffed  bool   // there is anybody who could sign in
	Officer  string // who has signed in already
}

func (d *Door) signIn(w http.ResponseWriter, r *http.Request) error {
	staffed, err := d.n.Staffed(r.Context())
	if err != nil {
		return err
	}
	e := entrance{To: own(r.URL.Query().Get("to")), Staffed: staffed}
	if d.provider != nil {
		e.Provider = d.provider.name()
	}
	if in, err := d.known(r); err == nil {
		r, e.Officer = in, Visitor(in.Context()).Name
	}
	s := d.shell(r, "door.title")
	d.show(w, r, http.StatusOK, signIn(s, e))
	return nil
}

// link shows a button. It does not look at the link: what reads mail before its reader does would else use it up, and could tell a good one from a bad one.
func (d *Door) link(w http.ResponseWriter, r *http.Request) error {
	e := entrance{To: own(r.URL.Query().Get("to"))}
	if in, err := d.known(r); err == nil {
		r, e.Officer = in, Visitor(in.Context()).Name
	}
	s := d.shell(r, "door.link.title")
	d.show(w, r, http.StatusOK, link(s, e, r.URL.Query().Get("key")))
	return nil
}

func (d *Door) useLink(w http.ResponseWriter, r *http.Request) error {
	if err := slow(w, d.tried, d.address(r)); err != nil {
		return err
	}
	if err := page.Read(w, r, maxAnswer); err != nil {
		return err
	}
	session, _, err := d.n.UseLink(r.Context(), auth.Typed(r.PostForm.Get("key")))
	if fault.CodeOf(err) == fault.Denied {
		d.refused(w, r, err)
		return nil
	}
	if err != nil {
		return err
	}
	d.admit(w, r, session)
	if r.PostForm.Get("lost") == "yes" {
		if err := d.n.DropPasskeys(auth.With(r.Context(), auth.Claim{Session: session})); err != nil {
			return err // the officer is in, and the page about oneself has each of them with its button
		}
		http.Redirect(w, r, Me+"?done=lost", http.StatusSeeOther)
		return nil
	}
	http.Redirect(w, r, Me+"?done=entered", http.StatusSeeOther)
	return nil
}

// admit gives the browser its session. One that it had before ends: nothing of what was done in it, or by whoever had it, goes over into the new one.
func (d *Door) admit(w http.ResponseWriter, r *http.Request, session auth.Secret) {
	if err := d.n.SignOut(auth.With(r.Context(), d.claim(r))); err != nil {
		d.Log.Warn("the session before cannot be ended", "error", err)
	}
	http.SetCookie(w, d.House.Cookie(d.cookie(), session.Reveal(), 0))
}

// refused answers an attempt that did not let in: the same, whatever was wrong.
func (d *Door) refused(w http.ResponseWriter, r *http.Request, cause error) {
	d.Log.Info("nobody was let in", "page", r.Pattern, "cause", cause)
	if isJSON(r) {
		d.answer(w, http.StatusForbidden, said{Says: d.House.Printer(r, Visitor(r.Context())).T("door.refused")})
		return
	}
	d.show(w, r, http.StatusForbidden, refused(d.shell(r, "door.refused.title")))
}

func (d *Door) signOut(w http.ResponseWriter, r *http.Request) error {
	if err := d.n.SignOut(auth.With(r.Context(), d.claim(r))); err != nil {
		return err
	}
	d.leave(w, r)
	return nil
}

// leave takes the cookie back and shows the way in.
func (d *Door) leave(w http.ResponseWriter, r *http.Request) {
	http.SetCookie(w, d.House.Cookie(d.cookie(), "", -1))
	w.Header().Set("Clear-Site-Data", `"cache"`)
	http.Redirect(w, r, SignIn, http.StatusSeeOther)
}

func (d *Door) signOutEverywhere(w http.ResponseWriter, r *http.Request) error {
	if err := d.n.SignOutEverywhere(r.Context(), Visitor(r.Context()).Officer); err != nil {
		return err
	}
	d.leave(w, r)
	return nil
}

// said is what a script is told: what went wrong, or where to go.
type said struct {
	Says string `json:"says,omitzero"`
	To   string `json:"to,omitzero"`
}

// asked is what a script sends.
type asked struct {
	To     string         `json:"to,omitzero"`
	Name   string         `json:"name,omitzero"`
	Answer jsontext.Value `json:"answer,omitzero"` // the authenticator's
}

// isJSON tells a request of the script, which no other site can make without being asked for leave.
func isJSON(r *http.Request) bool {
	kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	return err == nil && kind == "application/json"
}

func read(w http.ResponseWriter, r *http.Request) (a asked, err error) {
	if !isJSON(r) {
		return a, fault.New(fault.Usage, "", "this takes JSON from the page's own script")
	}
	if err := json.UnmarshalRead(http.MaxBytesReader(w, r.Body, maxAnswer), &a); err != nil {
		return a, fault.Wrap(err, fault.Malformed, "", "what the script has sent cannot be read")
	}
	return a, nil
}

func (d *Door) answer(w http.ResponseWriter, status int, v any) {
	b, err := json.Marshal(v)
	if err != nil {
		d.Log.Error("an answer cannot be written", "error", err)
		status, b = http.StatusInternalServerError, []byte("{}")
	}
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = w.Write(b) // the caller is gone if this fails
}
