package door

import (
	"bytes"
	"cmp"
	"context"
	"log/slog"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/a-h/templ"
	"github.com/go-json-experiment/json"

	"github.com/comity-exchange/comity/fault"
	"github.com/comity-exchange/comity/internal/auth"
	"github.com/comity-exchange/comity/internal/node"
	"github.com/comity-exchange/comity/internal/web/page"
)

// The paths of the door.
const (
	SignIn   = "/sign-in"
	LinkPath = SignIn + "/link"
	SignOut  = "/sign-out"
	Me       = "/me"

	passkeyPath  = SignIn + "/passkey"
	oidcPath     = SignIn + "/oidc"
	callbackPath = oidcPath + "/callback"
)

// Bounds. An address may be that of a whole ministry; the secrets are of 256 bits, so that what is bounded is work and not guessing.
const (
	addressBurst = 30
	addressEach  = 2 * time.Second
	officerBurst = 10
	officerEach  = 6 * time.Second
	maxBuckets   = 8192
	maxAnswer    = 64 << 10 // bytes of a form, or of what a passkey answers
)

// Options are what a door is told.
type Options struct {
	House *page.House // what its pages share with all others
	URL   string      // the origin that officers' browsers see
	Nav   func(context.Context, *page.Shell)
	Log   *slog.Logger
	// Programs are the paths below which programs with tokens ask, each with a slash at its end.
	Programs []string
}

// Door is the way into one node. It is safe for concurrent use.
type Door struct {
	Options
	n        *node.Node
	origin   *url.URL
	passkeys *auth.Passkeys
	provider *provider // nil: none
	proxies  auth.Proxies

	begun    *auth.Limiter // by address: what is begun, which costs little
	tried    *auth.Limiter // by address: attempts
	officers *auth.Limiter // by officer: attempts of which it is known whose they are
}

// New makes the door of a node. Error: fault.Usage for an origin that passkeys cannot be bound to.
func New(n *node.Node, o Options) (*Door, error) {
	origin, err := url.Parse(o.URL)
	if err != nil || origin.Host == "" {
		return nil, fault.New(fault.Usage, "", "setting web_url: an origin is like https://desk.xa.example")
	}
	passkeys, err := n.Passkeys(o.URL)
	if err != nil {
		return nil, err
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	d := &Door{
		Options: o, n: n, origin: origin, passkeys: passkeys, proxies: auth.ParseProxies(n.Config.WebProxies),
		begun:    auth.NewLimiter(2*addressBurst, addressEach/2, maxBuckets, n.Now),
		tried:    auth.NewLimiter(addressBurst, addressEach, maxBuckets, n.Now),
		officers: auth.NewLimiter(officerBurst, officerEach, maxBuckets, n.Now),
	}
	if n.Config.OIDCIssuer != "" {
		d.provider = newProvider(n, o.URL)
	}
	return d, nil
}

// Link is where a one-time link leads: to the page that asks whether it is to be used.
func Link(origin string, secret auth.Secret) string {
	return strings.TrimSuffix(origin, "/") + LinkPath + "?" + query("key", secret.Reveal())
}

// Routes adds the door's pages.
func (d *Door) Routes(mux *http.ServeMux) {
	open := func(pattern string, h shown) { mux.Handle(pattern, d.page(h)) }
	signed := func(pattern string, h shown) { mux.Handle(pattern, d.Signed(d.page(h))) }
	open("GET "+SignIn, d.signIn)
	open("GET "+LinkPath, d.link)
	open("POST "+LinkPath, d.useLink)
	open("POST "+passkeyPath+"/begin", d.beginPasskey)
	open("POST "+passkeyPath+"/finish", d.finishPasskey)
	open("GET "+oidcPath, d.beginOIDC)
	open("GET "+callbackPath, d.callback)
	open("POST "+SignOut, d.signOut)
	signed("GET "+Me, d.me)
	signed("POST "+Me+"/passkey/begin", d.beginAdding)
	signed("POST "+Me+"/passkey/finish", d.finishAdding)
	signed("POST "+Me+"/passkey/drop", d.dropPasskey)
	signed("POST "+Me+"/identity/add", d.beginBinding)
	signed("POST "+Me+"/identity/drop", d.dropIdentity)
	signed("POST "+Me+"/session/end", d.endSession)
	signed("POST "+SignOut+"/everywhere", d.signOutEverywhere)
}

// Front stands before all that is served, the pages and the API: it answers only under the name that browsers are to use, takes nothing that another site's page
// has sent, and makes whoever comes nobody, until Signed or a token says otherwise.
func (d *Door) Front(next http.Handler) http.Handler {
	cross := http.NewCrossOriginProtection()
	if err := cross.AddTrustedOrigin(d.URL); err != nil {
		d.Log.Error("web_url is no origin", "error", err) // then nothing but what browsers say themselves counts
	}
	cross.SetDenyHandler(http.HandlerFunc(d.foreign))
	next = cross.Handler(next)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		head := w.Header() // of what is refused here; pages have their own
		head.Set("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'")
		head.Set("X-Content-Type-Options", "nosniff")
		head.Set("Referrer-Policy", "no-referrer")
		if !strings.EqualFold(r.Host, d.origin.Host) && !(d.byProgram(r) && d.sameMachine(r.Host)) {
			d.elsewhere(w, r)
			return
		}
		next.ServeHTTP(w, r.WithContext(auth.With(r.Context(), auth.Nobody())))
	})
}

// foreign refuses what another site's page has sent: on a page, and to a program as a problem (RFC 9457).
func (d *Door) foreign(w http.ResponseWriter, r *http.Request) {
	const says = "this came from another site's page, so nothing was done"
	w.Header().Set("Cache-Control", "no-store")
	if !d.byProgram(r) {
		w.Header().Set("Content-Security-Policy", page.Policy)
		d.fail(w, r, fault.New(fault.Denied, "", says))
		return
	}
	d.problem(w, http.StatusForbidden, fault.Denied, says)
}

// problem answers a program that does not come as far as the API.
func (d *Door) problem(w http.ResponseWriter, status int, code fault.Code, says string) {
	b, err := json.Marshal(map[string]any{"type": "urn:comity:fault:" + string(code), "title": http.StatusText(status), "status": status, "detail": says, "code": string(code)})
	if err != nil {
		d.Log.Error("an answer cannot be written", "error", err)
	}
	w.Header().Set("Content-Type", "application/problem+json")
	w.WriteHeader(status)
	_, _ = w.Write(b) // the caller is gone if this fails
}

// byProgram tells a request of a program with a token, which has no cookie and no passkey that hangs on a name.
func (d *Door) byProgram(r *http.Request) bool {
	return slices.ContainsFunc(d.Programs, func(path string) bool { return strings.HasPrefix(r.URL.Path+"/", path) })
}

// sameMachine tells of a Host whether it is another name of this machine's own for where the pages are: localhost and addresses that no resolver is asked for. Any other name may have been made to
// lead here (DNS rebinding).
func (d *Door) sameMachine(host string) bool {
	at := &url.URL{Host: host}
	return isLoopback(d.origin.Hostname()) && isLoopback(at.Hostname()) && portOf(at, d.origin.Scheme) == portOf(d.origin, d.origin.Scheme)
}

func isLoopback(host string) bool {
	ip, err := netip.ParseAddr(host)
	return strings.EqualFold(host, "localhost") || err == nil && ip.IsLoopback()
}

// portOf is the port of an origin, its scheme's own where none is named (RFC 6454, 4).
func portOf(u *url.URL, scheme string) string {
	if port := u.Port(); port != "" || scheme != "https" {
		return cmp.Or(port, "80")
	}
	return "443"
}

// elsewhere answers whoever asks under another name: a site that has its own name lead here would else be of the same origin as the pages. Who has typed the
// machine's number is sent on.
func (d *Door) elsewhere(w http.ResponseWriter, r *http.Request) {
	if r.Method == http.MethodGet && r.URL.Path == "/" && isLoopback((&url.URL{Host: r.Host}).Hostname()) {
		http.Redirect(w, r, d.URL+"/", http.StatusFound)
		return
	}
	w.Header().Set("Cache-Control", "no-store")
	says := "This node answers at " + d.URL + ", as its setting web_url says, and under no other name: ask for " + d.origin.Host + " (Host). A proxy before it passes on the name that it was asked for."
	if d.byProgram(r) {
		d.problem(w, http.StatusMisdirectedRequest, fault.Usage, says)
		return
	}
	http.Error(w, says, http.StatusMisdirectedRequest)
}

type visitorKey struct{}

// Visitor is who has signed in; the zero Visitor is nobody.
func Visitor(ctx context.Context) page.Visitor {
	v, _ := ctx.Value(visitorKey{}).(page.Visitor)
	return v
}

// cookie is the name of the cookie of a session. Two nodes at one name, on two ports, share cookies: each has its own.
func (d *Door) cookie() string { return "comity-session-" + string(d.n.Config.Code) }

// claim is what r shows.
func (d *Door) claim(r *http.Request) auth.Claim {
	c, err := r.Cookie(d.House.CookieName(d.cookie()))
	if err != nil || c.Value == "" {
		return auth.Nobody()
	}
	return auth.Claim{Session: auth.Typed(c.Value)}
}

// known is r with whoever has signed in. Error: fault.Denied where that is nobody.
func (d *Door) known(r *http.Request) (*http.Request, error) {
	ctx := auth.With(r.Context(), d.claim(r))
	p, err := d.n.Presence(ctx)
	if err != nil {
		return nil, err
	}
	v := page.Visitor{Officer: p.ID, Name: p.Name, Roles: p.Roles, Languages: p.Languages, Session: p.Session}
	return r.WithContext(context.WithValue(ctx, visitorKey{}, v)), nil
}

// Signed lets only whoever has signed in through. Others are sent to sign in, and come back to the page that they asked for.
func (d *Door) Signed(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		in, err := d.known(r)
		switch {
		case fault.CodeOf(err) == fault.Denied:
			d.away(w, r)
			return
		case err != nil:
			d.fail(w, r, err)
			return
		}
		if !byItself(r) {
			if err := d.n.NoteUse(in.Context()); err != nil {
				d.Log.Warn("that a session was used cannot be noted", "error", err) // it ends earlier than it should: no reason to show nothing
			}
		}
		next.ServeHTTP(w, in)
	})
}

// byItself tells what a page asks for without its reader: a desk that is left open does not keep its officer signed in.
func byItself(r *http.Request) bool {
	return r.Method == http.MethodGet && r.Header.Get("Sec-Fetch-Dest") == "empty"
}

// away answers whoever has not signed in, or not any more.
func (d *Door) away(w http.ResponseWriter, r *http.Request) {
	switch {
	case byItself(r) || r.Header.Get("Accept") == "text/event-stream" || isJSON(r):
		w.Header().Set("Cache-Control", "no-store")
		http.Error(w, "sign in again", http.StatusUnauthorized)
	case r.Method == http.MethodGet || r.Method == http.MethodHead:
		http.Redirect(w, r, SignIn+"?"+url.Values{"to": {own(r.URL.RequestURI())}}.Encode(), http.StatusSeeOther)
	default:
		d.lapse(w, r)
	}
}

// own is a path of this node's own pages to come back to, or "/".
func own(path string) string { return page.Own(path, SignIn, SignOut, "/events", "/api") }

// shown is a page: it writes an answer, or gives the error that is shown in its place.
type shown func(w http.ResponseWriter, r *http.Request) error

func (d *Door) page(h shown) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if err := h(w, r); err != nil {
			d.fail(w, r, err)
		}
	})
}

func (d *Door) shell(r *http.Request, title string) *page.Shell {
	v := Visitor(r.Context())
	s := d.House.Shell(r, v, "", "")
	s.Title = s.T(title)
	if r.URL.Path == callbackPath { // nobody comes back to that
		s.Path = SignIn
	}
	if v.Officer != "" {
		s.SignOut = SignOut
		if d.Nav != nil {
			d.Nav(r.Context(), s)
		}
	}
	return s
}

func (d *Door) show(w http.ResponseWriter, r *http.Request, status int, c templ.Component) {
	var b bytes.Buffer
	if err := c.Render(r.Context(), &b); err != nil {
		d.Log.Error("a page of the door cannot be written", "error", err)
		http.Error(w, "internal error", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(status)
	_, _ = w.Write(b.Bytes()) // the caller is gone if this fails
}

// fail shows an error, to a script as JSON. The cause goes to the log alone.
func (d *Door) fail(w http.ResponseWriter, r *http.Request, err error) {
	f := fault.Of(err)
	if f.Code == fault.Internal {
		d.Log.Error("a page of the door failed", "page", r.Pattern, "error", err)
	} else if f.Err != nil {
		d.Log.Info("nobody was let in", "page", r.Pattern, "cause", f.Err)
	}
	if isJSON(r) {
		d.answer(w, fault.HTTP(f.Code), said{Says: fault.Show(err)})
		return
	}
	s := d.shell(r, "fault."+string(fault.Wire(f.Code)))
	if Visitor(r.Context()).Officer == "" {
		d.show(w, r, fault.HTTP(f.Code), outside(s, page.FaultOf(s, err)))
		return
	}
	d.show(w, r, fault.HTTP(f.Code), page.Failure(s, page.FaultOf(s, err)))
}

// address is whose attempts are counted: who has connected, or, where that is one of the node's own proxies, for whom it says to speak. What was in the header before
// the proxy's own entry may be anybody's invention.
func (d *Door) address(r *http.Request) string {
	return d.proxies.Client(r.RemoteAddr, r.Header.Values("X-Forwarded-For"))
}

// slow counts an attempt, and refuses it where there were too many.
func slow(w http.ResponseWriter, l *auth.Limiter, key string) error {
	wait := l.Take(key)
	if wait == 0 {
		return nil
	}
	w.Header().Set("Retry-After", strconv.Itoa(int((wait+time.Second-1)/time.Second)))
	return fault.New(fault.Quota, "", "too many attempts: wait a moment, and try again")
}
