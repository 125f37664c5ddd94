package door

import (
	"net/http"
	"net/url"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/comity-exchange/comity/fault"
	"github.com/comity-exchange/comity/internal/auth"
	"github.com/comity-exchange/comity/internal/node"
	"github.com/comity-exchange/comity/internal/web/page"
)

// mine is what the page about oneself shows.
type mine struct {
	node.WaysView
	Roles    []string
	Provider string // of identities, where there is one
	Alone    bool   // there is no way in yet but one-time links
}

func (d *Door) me(w http.ResponseWriter, r *http.Request) error {
	v := Visitor(r.Context())
	ways, err := d.n.Ways(r.Context(), v.Officer)
	if err != nil {
		return err
	}
	s := d.shell(r, "door.me.title")
	m := mine{WaysView: ways, Alone: len(ways.Passkeys)+len(ways.Identities) == 0}
	for _, role := range v.Roles {
		m.Roles = append(m.Roles, s.Word("role", string(role)))
	}
	if d.provider != nil {
		m.Provider = d.provider.name()
	}
	if done := page.Done(r); done != "" {
		s.Notice = s.Or("door.done."+done, "")
	}
	d.show(w, r, http.StatusOK, me(s, m))
	return nil
}

// binding counts an attempt of an officer's to add a way in. It is no attempt to come in: whoever has the officer's session must not keep the officer out with it.
func (d *Door) binding(w http.ResponseWriter, r *http.Request) error {
	return slow(w, d.officers, "adding\n"+Visitor(r.Context()).Officer)
}

func (d *Door) beginAdding(w http.ResponseWriter, r *http.Request) error {
	if err := d.binding(w, r); err != nil {
		return err
	}
	if _, err := read(w, r); err != nil {
		return err
	}
	options, ticket, err := d.n.BeginPasskey(r.Context(), d.passkeys)
	if err != nil {
		return err
	}
	http.SetCookie(w, d.House.Cookie(cookiePasskey, ticket, begunFor))
	d.answer(w, http.StatusOK, jsontext.Value(options))
	return nil
}

func (d *Door) finishAdding(w http.ResponseWriter, r *http.Request) error {
	a, err := read(w, r)
	if err != nil {
		return err
	}
	if err := d.n.AddPasskey(r.Context(), d.passkeys, a.Name, d.ticket(w, r, cookiePasskey), a.Answer); err != nil {
		return err
	}
	d.answer(w, http.StatusOK, said{To: Me + "?done=added"})
	return nil
}

// drop takes a way in away. The last one goes only when it is said again.
func (d *Door) drop(w http.ResponseWriter, r *http.Request, act string, drop func(name string, last bool) error) error {
	if err := page.Read(w, r, maxAnswer); err != nil {
		return err
	}
	name := r.PostForm.Get("name")
	err := drop(name, r.PostForm.Get("last") == "yes")
	if fault.CodeOf(err) == fault.Inadmissible && r.PostForm.Get("last") == "" {
		d.show(w, r, http.StatusConflict, dropLast(d.shell(r, "door.last.title"), act, name))
		return nil
	}
	if err != nil {
		return err
	}
	http.Redirect(w, r, Me+"?done=dropped", http.StatusSeeOther)
	return nil
}

func (d *Door) dropPasskey(w http.ResponseWriter, r *http.Request) error {
	return d.drop(w, r, Me+"/passkey/drop", func(name string, last bool) error { return d.n.DropPasskey(r.Context(), name, last) })
}

func (d *Door) dropIdentity(w http.ResponseWriter, r *http.Request) error {
	return d.drop(w, r, Me+"/identity/drop", func(name string, last bool) error { return d.n.DropIdentity(r.Context(), name, last) })
}

func (d *Door) endSession(w http.ResponseWriter, r *http.Request) error {
	if err := page.Read(w, r, maxAnswer); err != nil {
		return err
	}
	if err := d.n.EndSession(r.Context(), r.PostForm.Get("name")); err != nil {
		return err
	}
	http.Redirect(w, r, Me+"?done=ended", http.StatusSeeOther)
	return nil
}

// beginBinding is a POST of an own page, and shows the way to the provider for the reader to take: who could send a browser straight there might have it come back as
// somebody else, who would be let in as this officer from then on.
func (d *Door) beginBinding(w http.ResponseWriter, r *http.Request) error {
	if err := d.binding(w, r); err != nil {
		return err
	}
	v := Visitor(r.Context())
	at, err := d.inquire(w, r, inquiry{Officer: v.Officer, Session: v.Session})
	if err != nil {
		return err
	}
	d.show(w, r, http.StatusOK, leaving(d.shell(r, "door.leaving.title"), d.provider.name(), at))
	return nil
}

// bind binds whom the provider vouches for to the officer who has asked, in the session in which that was.
func (d *Door) bind(w http.ResponseWriter, r *http.Request, q inquiry, who auth.Identity) error {
	in, err := d.known(r)
	if err != nil {
		return err
	}
	if v := Visitor(in.Context()); v.Officer != q.Officer || v.Session != q.Session {
		return fault.New(fault.Denied, "", "this was begun by somebody else: begin again")
	}
	if err := d.n.BindIdentity(in.Context(), q.Officer, who); err != nil {
		return err
	}
	http.Redirect(w, in, Me+"?done=bound", http.StatusSeeOther)
	return nil
}

// wayName is how an officer came in, in the reader's language.
func wayName(s *page.Shell, way auth.Way) string { return s.Word("door.way", string(way)) }

// query is one name and value of an address.
func query(name, value string) string { return url.Values{name: {value}}.Encode() }
