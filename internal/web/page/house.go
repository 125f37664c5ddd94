package page

import (
	"net/http"
	"strings"
	"time"

	"github.com/comity-exchange/comity/internal/auth"
	"github.com/comity-exchange/comity/internal/i18n"
	"github.com/comity-exchange/comity/internal/web/static"
	"github.com/comity-exchange/comity/party"
)

// Visitor is who looks at a page. The zero Visitor is nobody who has signed in.
type Visitor struct {
	Officer   string // id
	Name      string
	Roles     []auth.Role
	Languages []string // that the officer reads, the best first
	Session   string   // names the session, and is no secret
}

// House is what all pages of one node share. It does not change once it is made, and is safe for concurrent use.
type House struct {
	Party   party.Code
	Name    string // of the party, as its letter has it; may be ""
	Catalog *i18n.Catalog
	Assets  *static.Assets
	Secure  bool // officers reach it by https
	Now     func() time.Time
}

// NewHouse reads what comes with the program.
func NewHouse(code party.Code, secure bool, now func() time.Time) (*House, error) {
	catalog, err := i18n.Load()
	if err != nil {
		return nil, err
	}
	assets, err := static.New()
	if err != nil {
		return nil, err
	}
	return &House{Party: code, Catalog: catalog, Assets: assets, Secure: secure, Now: now}, nil
}

// The cookies of a reader's choices. They say nothing about who it is.
const (
	CookieLanguage = "comity-language"
	CookieZone     = "comity-zone"
	CookieTheme    = "comity-theme"
)

// Cookie makes a cookie that lasts seconds; over https no other host and no script can touch it. 0 is for as long as the browser runs, a negative number ends it.
func (h *House) Cookie(name, value string, seconds int) *http.Cookie {
	return &http.Cookie{
		Name: h.CookieName(name), Value: value, Path: "/", MaxAge: seconds, Secure: h.Secure, HttpOnly: true, SameSite: http.SameSiteLaxMode,
	}
}

// CookieName is a cookie's name as the browser has it.
func (h *House) CookieName(name string) string {
	if h.Secure {
		return "__Host-" + name
	}
	return name
}

// Chosen is a reader's choice, "" where there is none.
func (h *House) Chosen(r *http.Request, name string) string {
	c, err := r.Cookie(h.CookieName(name))
	if err != nil || len(c.Value) > 64 {
		return ""
	}
	return c.Value
}

// Printer speaks to whoever has sent r: in the language chosen, else in one of the officer's, else in one that the browser asks for; in the zone chosen, else
// UTC. The script chooses the browser's own where nobody has.
func (h *House) Printer(r *http.Request, v Visitor) *i18n.Printer {
	l := h.Catalog.Language(h.Chosen(r, CookieLanguage))
	if l == nil {
		l = h.Catalog.Match(strings.Join(v.Languages, ", "), r.Header.Get("Accept-Language"))
	}
	zone, _ := Zone(h.Chosen(r, CookieZone))
	return h.Catalog.Printer(l, zone)
}

// Zone finds a time zone by its name. The machine's own is none that an officer chose.
func Zone(name string) (*time.Location, bool) {
	if name == "" || name == "Local" {
		return nil, false
	}
	zone, err := time.LoadLocation(name)
	return zone, err == nil
}

// Done names what was done just before the page was asked for, by which the handler has sent the browser here; "" for nothing, and for whoever comes from elsewhere or by
// hand: a link must not make a page say that something was done.
func Done(r *http.Request) string {
	if r.Header.Get("Sec-Fetch-Site") != "same-origin" {
		return ""
	}
	return r.URL.Query().Get("done")
}

// Shell makes the frame of a page for whoever has sent r. Title is shown as it is; section names the entry of the navigation that is open.
func (h *House) Shell(r *http.Request, v Visitor, title, section string) *Shell {
	p := h.Printer(r, v)
	s := &Shell{Home: Entry{Href: "/", Label: p.T("fault.home")}, Printer: p, House: h, Title: title, Section: section, Visitor: v, Now: h.Now(), Path: r.URL.RequestURI(), Theme: h.Chosen(r, CookieTheme)}
	if _, ok := Zone(h.Chosen(r, CookieZone)); ok {
		s.ZoneChosen = h.Chosen(r, CookieZone)
	}
	if s.Theme != "light" && s.Theme != "dark" {
		s.Theme = ""
	}
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		s.Path = "/"
	}
	return s
}

// Shell is the frame of one page.
type Shell struct {
	*i18n.Printer
	House      *House
	Title      string
	Section    string
	Visitor    Visitor
	Now        time.Time
	Path       string // of this page, to come back to
	Theme      string // "light", "dark", or "" as the system has it
	ZoneChosen string // of the time zone; "" where the reader has chosen none
	Notice     string // what has just been done; "" for nothing
	Nav        []Entry
	TLP        string // the strictest label of what the page shows; "" where it shows nothing that has one
	Home       Entry  // where the reader begins: the duty desk, but for those who may not read
	Live       bool   // the page has parts that follow the node
	Version    string // of the node's state that a live page shows, or an older one
	SignOut    string // where signing out is posted to; "" where nobody has signed in
}

// Entry is one of the navigation.
type Entry struct {
	Section string
	Href    string
	Label   string
	Count   int // of what waits there; 0 shows nothing
}

// Stamp is a moment for the machine: the datetime of a time element.
func Stamp(t time.Time) string { return t.UTC().Format(time.RFC3339) }
