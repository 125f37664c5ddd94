package gate

import (
	"cmp"
	"context"
	"crypto/sha256"
	"math"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/comity-exchange/comity/fault"
	"github.com/comity-exchange/comity/internal/auth"
	"github.com/comity-exchange/comity/internal/catalogue"
	"github.com/comity-exchange/comity/internal/node"
)

// Caller is whoever makes a request.
type Caller struct {
	Ctx    context.Context // in which what is done is done by the token's officer
	Actor  auth.Actor      // with the limits of the token, which a face holds where Viewer does not
	Viewer catalogue.Viewer
	First  catalogue.Viewer // Viewer as of when the token was judged, for the first look of a request: it need not ask anew whether anything was written
	Known  *sync.Map        // what a face has found out for the token: forgotten as soon as anything is written, or after a second
}

// Signed lets in whoever shows a token that is good and may read. Where it does not, it has answered.
func (g *Gate) Signed(w http.ResponseWriter, r *http.Request) (who Caller, ok bool) {
	// spec: ONW-2
	now := g.node.Now()
	secret, shown := g.face.Token(r)
	var v verdict
	err := fault.New(fault.Denied, "", "show a token of this node %s", g.face.How)
	if shown {
		var failed error
		if who.Ctx, v, failed = g.judge(r.Context(), secret, now); failed != nil {
			err = fault.Of(failed)
		} else {
			err = nil
		}
	}
	if err != nil {
		if err.Code != fault.Denied {
			g.fail(w, r, err)
			return who, false
		}
		if !g.FromHere(w, r) {
			return who, false
		}
		w.Header().Set("WWW-Authenticate", `Basic realm="comity", charset="UTF-8"`)
		g.face.Fail(w, r, http.StatusUnauthorized, err)
		return who, false
	}
	who.Actor, who.Known = v.actor, v.known
	if wait := g.limits.Take("token " + v.actor.Token); wait > 0 {
		g.tooMany(w, r, wait)
		return who, false
	}
	if v.mayRead != nil {
		g.fail(w, r, v.mayRead)
		return who, false
	}
	who.Viewer = catalogue.Viewer{Party: g.node.Config.Code, Max: cmp.Or(v.actor.Limits.Max, g.opt.Max)}
	if l := v.actor.Limits; l.IsPartner() {
		who.Viewer.Party = l.Party // "": exchange.Outside
	}
	who.First = who.Viewer.AsOf(v.version)
	return who, true
}

// FromHere counts a request of somebody who shows no token that is good. Where there were too many, it has answered.
func (g *Gate) FromHere(w http.ResponseWriter, r *http.Request) (ok bool) {
	if wait := g.others.Take("from " + g.proxies.Client(r.RemoteAddr, r.Header.Values("X-Forwarded-For"))); wait > 0 {
		g.tooMany(w, r, wait)
		return false
	}
	return true
}

// Token is what a request shows as the password of HTTP Basic, whatever the user name is, or after Bearer.
func Token(r *http.Request) (auth.Secret, bool) {
	given := r.Header.Values("Authorization")
	if len(given) != 1 {
		return auth.Secret{}, false
	}
	text := ""
	if _, password, basic := r.BasicAuth(); basic {
		text = password
	} else if scheme, rest, _ := strings.Cut(given[0], " "); strings.EqualFold(scheme, "Bearer") {
		text = rest
	}
	text = strings.TrimSpace(text)
	return auth.Typed(text), text != ""
}

// verdict is what is known of a token.
type verdict struct {
	actor   auth.Actor
	mayRead error
	version int64     // of the store, when it was found out
	since   time.Time // likewise
	known   *sync.Map
}

// For how long a verdict counts while nothing is written, and how many are kept: tokens run out by the clock alone.
const (
	verdictLife = time.Second
	maxVerdicts = 1024
)

// verdicts remembers what is known of tokens, since a request for one object costs less than finding that out. It is safe for concurrent use.
type verdicts struct {
	mu  sync.Mutex
	all map[[sha256.Size]byte]verdict // by the token's hash; guarded by mu
}

func (v *verdicts) get(key [sha256.Size]byte, version int64, now time.Time) (verdict, bool) {
	v.mu.Lock()
	defer v.mu.Unlock()
	found, ok := v.all[key]
	return found, ok && found.version == version && !now.Before(found.since) && now.Sub(found.since) < verdictLife
}

func (v *verdicts) put(key [sha256.Size]byte, found verdict) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.all == nil || len(v.all) >= maxVerdicts {
		v.all = map[[sha256.Size]byte]verdict{}
	}
	v.all[key] = found
}

// judge finds out whose a token is and whether the officer may read. Error: fault.Denied where the token is not good.
func (g *Gate) judge(ctx context.Context, secret auth.Secret, now time.Time) (context.Context, verdict, error) {
	ctx = node.Bounded(auth.With(ctx, auth.Claim{Token: secret}))
	key := sha256.Sum256([]byte(secret.Reveal()))
	version, err := g.node.Store.Version(ctx)
	if err != nil {
		return ctx, verdict{}, err
	}
	if v, ok := g.verdicts.get(key, version, now); ok {
		return ctx, v, nil
	}
	v := verdict{version: version, since: now, known: new(sync.Map)}
	if v.actor, v.mayRead, err = g.node.Fetcher(ctx); err != nil {
		return ctx, v, err
	}
	if err = g.node.NoteUse(ctx); err != nil {
		return ctx, v, err
	}
	g.verdicts.put(key, v)
	return ctx, v, nil
}

// fail answers with what went wrong, under the status of its code.
func (g *Gate) fail(w http.ResponseWriter, r *http.Request, err error) {
	g.face.Fail(w, r, fault.HTTP(fault.CodeOf(err)), err)
}

func (g *Gate) tooMany(w http.ResponseWriter, r *http.Request, wait time.Duration) {
	seconds := strconv.Itoa(int(math.Ceil(wait.Seconds())))
	w.Header().Set("Retry-After", seconds)
	g.fail(w, r, fault.New(fault.Quota, "", "too many requests: wait %s seconds", seconds))
}
