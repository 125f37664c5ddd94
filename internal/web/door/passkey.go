package door

import (
	"net/http"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/comity-exchange/comity/fault"
	"github.com/comity-exchange/comity/statement"
)

// The cookies of what is begun.
const (
	cookiePasskey = "comity-passkey"
	cookieOIDC    = "comity-oidc"

	begunFor = 300 // seconds
)

func (d *Door) beginPasskey(w http.ResponseWriter, r *http.Request) error {
	if err := slow(w, d.begun, d.address(r)); err != nil {
		return err
	}
	if _, err := read(w, r); err != nil {
		return err
	}
	options, ticket, err := d.passkeys.BeginLogin(statement.TimeOf(d.n.Now()))
	if err != nil {
		return err
	}
	http.SetCookie(w, d.House.Cookie(cookiePasskey, ticket, begunFor))
	d.answer(w, http.StatusOK, jsontext.Value(options))
	return nil
}

// ticket takes one out of its cookie, which is gone with the answer.
func (d *Door) ticket(w http.ResponseWriter, r *http.Request, cookie string) string {
	http.SetCookie(w, d.House.Cookie(cookie, "", -1))
	c, err := r.Cookie(d.House.CookieName(cookie))
	if err != nil {
		return ""
	}
	return c.Value
}

func (d *Door) finishPasskey(w http.ResponseWriter, r *http.Request) error {
	if err := slow(w, d.tried, d.address(r)); err != nil {
		return err
	}
	a, err := read(w, r)
	if err != nil {
		return err
	}
	shown, err := d.n.ShowPasskey(r.Context(), d.passkeys, d.ticket(w, r, cookiePasskey), a.Answer)
	if shown.Officer != "" {
		if err := slow(w, d.officers, shown.Officer); err != nil {
			return err
		}
	}
	if err == nil {
		session, e := d.n.EnterByPasskey(r.Context(), shown)
		if err = e; err == nil {
			d.admit(w, r, session)
			d.answer(w, http.StatusOK, said{To: own(a.To)})
			return nil
		}
	}
	if fault.CodeOf(err) == fault.Denied {
		d.refused(w, r, err)
		return nil
	}
	return err
}
