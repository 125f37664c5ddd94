package taxii

import (
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
)

// caller is whoever makes a request.
type caller struct {
	verdict
	ctx    context.Context // in which what is done is done by the token's officer
	viewer catalogue.Viewer
}

// signed lets in whoever shows a token that is good and may read. Where it does not, it has answered.
func (s *server) signed(w http.ResponseWriter, r *http.Request) (who caller, ok bool) {
	// spec: ONW-2
	now := s.node.Now()
	secret, shown := token(r)
	var v verdict
	err := fault.New(fault.Denied, "", "show a token of this node as the password of HTTP Basic, or as Authorization: Bearer comity_token_…")
	if shown {
		var failed error
		if who.ctx, v, failed = s.judge(r.Context(), secret, now); failed != nil {
			err = fault.Of(failed)
		} else {
			err = nil
		}
	}
	if err != nil {
		if err.Code != fault.Denied {
			fail(w, err)
			return who, false
		}
		if wait := s.limits.Take("from " + s.proxies.Client(r.RemoteAddr, r.Header.Values("X-Forwarded-For"))); wait > 0 {
			tooMany(w, wait)
			return who, false
		}
		w.Header().Set("WWW-Authenticate", `Basic realm="comity", charset="UTF-8"`)
		failAs(w, http.StatusUnauthorized, err)
		return who, false
	}
	who.verdict = v
	if wait := s.limits.Take("token " + v.actor.Token); wait > 0 {
		tooMany(w, wait)
		return who, false
	}
	if v.mayRead != nil {
		fail(w, v.mayRead)
		return who, false
	}
	who.viewer = catalogue.Viewer{Party: s.node.Config.Code, Max: s.opt.Max}
	return who, true
}

// token is what a request shows.
func token(r *http.Request) (auth.Secret, bool) {
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
	known   *known
}

// known is which collections whoever has a token may see, as long as a verdict counts. It is safe for concurrent use.
type known struct {
	mu  sync.Mutex
	all map[string]collection // by id; guarded by mu
}

func (k *known) get(id string) (collection, bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	one, ok := k.all[id]
	return one, ok
}

func (k *known) put(one collection) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.all[one.ID] = one
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
func (s *server) judge(ctx context.Context, secret auth.Secret, now time.Time) (context.Context, verdict, error) {
	ctx = auth.With(ctx, auth.Claim{Token: secret})
	key := sha256.Sum256([]byte(secret.Reveal()))
	version, err := s.node.Store.Version(ctx)
	if err != nil {
		return ctx, verdict{}, err
	}
	if v, ok := s.verdicts.get(key, version, now); ok {
		return ctx, v, nil
	}
	v := verdict{version: version, since: now, known: &known{all: map[string]collection{}}}
	if v.actor, err = s.node.Whoami(ctx); err != nil {
		return ctx, v, err
	}
	if err = s.node.NoteUse(ctx); err != nil {
		return ctx, v, err
	}
	v.mayRead = s.node.Authorize(ctx, auth.Read, auth.Matter{})
	if v.mayRead != nil && fault.CodeOf(v.mayRead) != fault.Denied {
		return ctx, v, v.mayRead
	}
	s.verdicts.put(key, v)
	return ctx, v, nil
}

func tooMany(w http.ResponseWriter, wait time.Duration) {
	seconds := strconv.Itoa(int(math.Ceil(wait.Seconds())))
	w.Header().Set("Retry-After", seconds)
	fail(w, fault.New(fault.Quota, "", "too many requests: wait %s seconds", seconds))
}
