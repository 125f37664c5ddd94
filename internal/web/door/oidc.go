package door

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"sync"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"github.com/go-json-experiment/json"
	"golang.org/x/oauth2"

	"github.com/comity-exchange/comity/fault"
	"github.com/comity-exchange/comity/internal/auth"
	"github.com/comity-exchange/comity/internal/config"
	"github.com/comity-exchange/comity/internal/node"
)

// patience is how long a provider may take to answer.
const patience = 10 * time.Second

const purposeOIDC = "oidc"

// provider is a provider of identities. It is asked for its particulars when somebody first wants to come in by it, so that the node starts without it.
type provider struct {
	issuer, client, callback string
	secret                   config.Secret
	now                      func() time.Time
	web                      *http.Client

	mu     sync.Mutex
	asking *asking // guarded by mu; nil: it was not asked yet
}

// asking is one request for the provider's particulars, for all who wait for it. Both are set before done is closed.
type asking struct {
	done  chan struct{}
	known *oidc.Provider
	tried time.Time // when it failed; zero: it did not
}

// unasked is how long a provider that did not answer is left alone: else whoever comes next waits as long again.
const unasked = 5 * time.Second

func newProvider(n *node.Node, origin string) *provider {
	return &provider{
		issuer: n.Config.OIDCIssuer, client: n.Config.OIDCClient, secret: n.Config.OIDCSecret, callback: origin + callbackPath, now: n.Now,
		web: &http.Client{Timeout: patience, CheckRedirect: func(*http.Request, []*http.Request) error {
			return errors.New("a provider sends nobody elsewhere")
		}},
	}
}

// name is what the button calls it.
func (p *provider) name() string {
	u, err := url.Parse(p.issuer)
	if err != nil {
		return ""
	}
	return u.Host
}

// ready gives the provider's particulars and how to ask it. All who come while it is asked wait for the one answer, and nobody longer than their own request.
func (p *provider) ready(ctx context.Context) (*oidc.Provider, *oauth2.Config, error) {
	away := func(err error) (*oidc.Provider, *oauth2.Config, error) {
		return nil, nil, fault.Wrap(err, fault.Unavailable, "", "the provider of identities cannot be asked: try again, or sign in by a passkey")
	}
	a := p.ask(ctx)
	select {
	case <-a.done:
	case <-ctx.Done():
		return away(ctx.Err())
	}
	if a.known == nil {
		return away(errors.New("it did not answer"))
	}
	return a.known, &oauth2.Config{
		ClientID: p.client, ClientSecret: string(p.secret), RedirectURL: p.callback, Endpoint: a.known.Endpoint(), Scopes: []string{oidc.ScopeOpenID},
	}, nil
}

// ask gives the request that is under way or was answered, or begins one.
func (p *provider) ask(ctx context.Context) *asking {
	p.mu.Lock()
	defer p.mu.Unlock()
	if a := p.asking; a != nil {
		select {
		case <-a.done:
			if a.known != nil || p.now().Before(a.tried.Add(unasked)) {
				return a
			}
		default:
			return a
		}
	}
	a := &asking{done: make(chan struct{})}
	p.asking = a
	// The provider's keys are fetched by this context later, too: it must outlive the request.
	ctx = oidc.ClientContext(context.WithoutCancel(ctx), p.web)
	go func() {
		defer close(a.done)
		known, err := oidc.NewProvider(ctx, p.issuer) // ends within patience, by the client
		if a.known = known; err != nil {
			a.known, a.tried = nil, p.now()
		}
	}()
	return a
}

// inquiry is what is remembered between asking a provider and its answer, in a ticket.
type inquiry struct {
	State    string `json:"state"`
	Nonce    string `json:"nonce"`
	Verifier string `json:"verifier"`
	To       string `json:"to,omitzero"`
	Officer  string `json:"officer,omitzero"` // who is to be bound; "": somebody wants to come in
	Session  string `json:"session,omitzero"` // of that officer
}

// inquire makes the address at the provider that asks who somebody is, and gives the browser the ticket.
func (d *Door) inquire(w http.ResponseWriter, r *http.Request, q inquiry) (string, error) {
	if d.provider == nil {
		return "", fault.New(fault.NotFound, "", "there is no provider of identities here")
	}
	_, ask, err := d.provider.ready(r.Context())
	if err != nil {
		return "", err
	}
	q.State, q.Nonce, q.Verifier = rand.Text(), rand.Text(), oauth2.GenerateVerifier()
	raw, err := json.Marshal(q)
	if err != nil {
		return "", fault.Wrap(err, fault.Internal, "", "a ticket cannot be written")
	}
	ticket, err := d.n.Seal(purposeOIDC, raw)
	if err != nil {
		return "", err
	}
	http.SetCookie(w, d.House.Cookie(cookieOIDC, ticket, begunFor))
	return ask.AuthCodeURL(q.State, oidc.Nonce(q.Nonce), oauth2.S256ChallengeOption(q.Verifier)), nil
}

// beginOIDC sends the browser to the provider. It changes nothing, so another site may send somebody here: who comes back is whoever the provider knows.
func (d *Door) beginOIDC(w http.ResponseWriter, r *http.Request) error {
	if err := slow(w, d.begun, d.address(r)); err != nil {
		return err
	}
	at, err := d.inquire(w, r, inquiry{To: own(r.URL.Query().Get("to"))})
	if err != nil {
		return err
	}
	http.Redirect(w, r, at, http.StatusSeeOther)
	return nil
}

// callback takes the provider's answer.
func (d *Door) callback(w http.ResponseWriter, r *http.Request) error {
	if err := slow(w, d.tried, d.address(r)); err != nil {
		return err
	}
	q, t, err := d.returned(w, r)
	var who auth.Identity
	if err == nil {
		who, err = d.provider.vouched(r, q)
	}
	if fault.CodeOf(err) == fault.Denied {
		d.refused(w, r, err)
		return nil
	}
	if err != nil {
		return err
	}
	if q.Officer != "" {
		return d.bind(w, r, q, who)
	}
	session, officer, err := d.n.EnterByIdentity(r.Context(), who, t)
	if officer != "" {
		if e := slow(w, d.officers, officer); e != nil {
			return errors.Join(e, d.n.SignOut(auth.With(r.Context(), auth.Claim{Session: session})))
		}
	}
	if fault.CodeOf(err) == fault.Denied {
		d.refused(w, r, err)
		return nil
	}
	if err != nil {
		return err
	}
	d.admit(w, r, session)
	http.Redirect(w, r, q.To, http.StatusSeeOther)
	return nil
}

// returned finds what was asked by the browser that brings the answer.
func (d *Door) returned(w http.ResponseWriter, r *http.Request) (q inquiry, t auth.Ticket, err error) {
	if d.provider == nil {
		return q, t, fault.New(fault.NotFound, "", "there is no provider of identities here")
	}
	if t, err = d.n.Unseal(purposeOIDC, d.ticket(w, r, cookieOIDC)); err != nil {
		return q, t, err
	}
	if err := json.Unmarshal(t.Data, &q); err != nil {
		return q, t, fault.Wrap(err, fault.Internal, "", "a ticket holds something else")
	}
	state := r.URL.Query().Get("state")
	if q.State == "" || subtle.ConstantTimeCompare([]byte(state), []byte(q.State)) != 1 {
		err = fault.New(fault.Denied, "", "the answer of the provider is to another question")
	}
	return q, t, err
}

// vouched is whom the provider vouches for. Whatever is wrong with its answer, it is fault.Denied; that it cannot be reached is fault.Unavailable.
func (p *provider) vouched(r *http.Request, q inquiry) (auth.Identity, error) {
	no := func(err error, what string) (auth.Identity, error) {
		return auth.Identity{}, fault.Wrap(err, fault.Denied, "", "the provider does not vouch: %s", what)
	}
	v := r.URL.Query()
	// RFC 9207: an answer that names another issuer is another one's.
	if iss := v.Get("iss"); iss != "" && iss != p.issuer {
		return no(nil, "it is another provider")
	}
	code := v.Get("code")
	if v.Get("error") != "" || code == "" {
		return no(nil, "it gives no code")
	}
	known, ask, err := p.ready(r.Context())
	if err != nil {
		return auth.Identity{}, err
	}
	ctx := oidc.ClientContext(r.Context(), p.web)
	token, err := ask.Exchange(ctx, code, oauth2.VerifierOption(q.Verifier))
	var refused *oauth2.RetrieveError
	switch {
	case errors.As(err, &refused):
		return no(fmt.Errorf("%.60q", refused.ErrorCode), "it does not take its code back") // what else it says may repeat what it was sent
	case err != nil:
		return auth.Identity{}, fault.Wrap(err, fault.Unavailable, "", "the provider of identities cannot be asked: try again, or sign in by a passkey")
	}
	raw, ok := token.Extra("id_token").(string)
	if !ok {
		return no(nil, "it gives no identity")
	}
	id, err := known.VerifierContext(ctx, &oidc.Config{ClientID: p.client, Now: p.now}).Verify(ctx, raw)
	if err != nil {
		return no(err, "its signature, or what it signs, is not right")
	}
	var also struct {
		Party string `json:"azp"`
	}
	switch err := id.Claims(&also); {
	case err != nil:
		return no(err, "its identity cannot be read")
	case q.Nonce == "" || subtle.ConstantTimeCompare([]byte(id.Nonce), []byte(q.Nonce)) != 1:
		return no(nil, "its answer is to another question")
	case also.Party != "" && also.Party != p.client, len(id.Audience) > 1 && also.Party == "", !slices.Contains(id.Audience, p.client):
		return no(nil, "its answer is for another program")
	case id.Subject == "":
		return no(nil, "it names nobody")
	}
	return auth.Identity{Issuer: id.Issuer, Subject: id.Subject}, nil
}
