package node

import (
	"cmp"
	"context"
	"crypto/rand"
	"slices"
	"strings"
	"time"

	"github.com/go-json-experiment/json"

	"github.com/comity-exchange/comity/desk/intel"
	"github.com/comity-exchange/comity/fault"
	"github.com/comity-exchange/comity/internal/auth"
	"github.com/comity-exchange/comity/internal/config"
	"github.com/comity-exchange/comity/internal/mirror"
	"github.com/comity-exchange/comity/internal/store"
	"github.com/comity-exchange/comity/internal/taxii/client"
	"github.com/comity-exchange/comity/internal/watch"
	"github.com/comity-exchange/comity/marking"
	"github.com/comity-exchange/comity/statement"
	"github.com/comity-exchange/comity/thread"
)

// What the store remembers of mirrors: the list of them, and the state of each under its id.
const (
	noteMirrors = "mirrors"
	noteMirror  = "mirror:"
)

// mirroringKey marks what the node says by itself for mirrors that an administrator has set up.
type mirroringKey struct{}

func mirroring(ctx context.Context) context.Context {
	return context.WithValue(ctx, mirroringKey{}, true)
}

// mirrors tells whether a statement of that kind is said for a mirror: sources and what comes into them, which go to nobody.
func mirrors(ctx context.Context, k statement.Kind) bool {
	return ctx.Value(mirroringKey{}) != nil && (k == intel.KindSource || k == intel.KindImport)
}

// Access is how a server outside is asked.
type Access struct {
	URL    string
	User   string        // of HTTP Basic; "": a credential is a bearer's
	Secret config.Secret // none: it is open to all
	Roots  string        // certificates, as PEM, that alone are trusted; "": whom the machine trusts
}

// NewMirror is a mirror that is to be set up.
type NewMirror struct {
	Access
	Name       string
	Kind       mirror.Kind     // "": TAXII
	Collection string          // id, alias or title, where URL is a server's or an API root's
	Source     string          // which it fills; "": one of the mirror's name
	Marking    marking.Marking // of a source that is opened for it; zero: TLP:AMBER
	Every      time.Duration
}

// MirrorView is a mirror as lists show it.
type MirrorView struct {
	Name       string         `json:"name"`
	Kind       mirror.Kind    `json:"kind"`
	URL        string         `json:"url"`
	User       string         `json:"user,omitzero"`
	Credential bool           `json:"credential"` // it shows one
	Pinned     bool           `json:"pinned"`     // only certificates that were given are trusted
	Source     thread.ID      `json:"source"`
	Every      int64          `json:"every"` // seconds
	Paused     bool           `json:"paused"`
	Made       statement.Time `json:"made"`
	State      mirror.State   `json:"state"`
}

// Stands says in words how far a mirror has come; "": nowhere yet.
func (v MirrorView) Stands() string {
	switch {
	case v.State.Cursor == "" && v.State.Succeeded.IsZero():
		return ""
	case v.State.Cursor == "":
		return "all of what the server had; it does not tell whether that has changed, so it is all fetched again"
	case v.Kind == mirror.TAXII:
		return client.Stands(v.State.Cursor)
	}
	return mirror.Stands(v.State.Cursor)
}

func viewMirror(m mirror.Mirror, s mirror.State) MirrorView {
	return MirrorView{
		Name: m.Name, Kind: m.Kind, URL: m.URL, User: m.User, Credential: len(m.Sealed) > 0, Pinned: m.Roots != "", Source: m.Source, Every: m.Every, Paused: m.Paused, Made: m.Made, State: s,
	}
}

// mirrorKey is of the credentials that mirrors show.
func (n *Node) mirrorKey() []byte { return n.Keys.Derive("mirrors") }

func mirrorsOf(tx store.Tx) (all []mirror.Mirror, err error) {
	raw, err := tx.Meta(noteMirrors)
	if err == nil && raw != "" && json.Unmarshal([]byte(raw), &all) != nil {
		err = fault.New(fault.Internal, "", "the list of mirrors is damaged")
	}
	return all, err
}

func putMirrors(tx store.Tx, all []mirror.Mirror) error {
	raw, err := marshal(all)
	if err != nil {
		return err
	}
	return tx.SetMeta(noteMirrors, string(raw))
}

func mirrorState(tx store.Tx, id string) (s mirror.State, err error) {
	raw, err := tx.Meta(noteMirror + id)
	if err == nil && raw != "" && json.Unmarshal([]byte(raw), &s) != nil {
		s = mirror.State{} // another program's: what is fetched again is known
	}
	return s, err
}

func putMirrorState(tx store.Tx, id string, s mirror.State) error {
	raw, err := marshal(s)
	if err != nil {
		return err
	}
	return tx.SetMeta(noteMirror+id, string(raw))
}

func noMirror() error {
	return fault.New(fault.NotFound, "", "there is no mirror of that name here")
}

// mirrorAt finds one among all, and where it stands there. Error: fault.NotFound.
func mirrorAt(tx store.Tx, is func(mirror.Mirror) bool) (all []mirror.Mirror, at int, err error) {
	if all, err = mirrorsOf(tx); err != nil {
		return nil, 0, err
	}
	if at = slices.IndexFunc(all, is); at < 0 {
		return nil, 0, noMirror()
	}
	return all, at, nil
}

// called is for mirrorAt.
func called(name string) func(mirror.Mirror) bool {
	return func(m mirror.Mirror) bool { return m.Name == name }
}

// Mirrors lists the mirrors by name. Whoever looks after the node, and whoever reads what they bring, may see them. Error: fault.Denied.
func (n *Node) Mirrors(ctx context.Context) ([]MirrorView, error) {
	out := []MirrorView{}
	err := n.Store.View(ctx, func(tx store.Tx) error {
		out = out[:0]
		if n.mayLook(ctx, tx, auth.Keep, auth.Matter{}) != nil {
			if err := n.mayLook(ctx, tx, auth.Read, auth.Matter{}); err != nil {
				return err
			}
		}
		all, err := mirrorsOf(tx)
		if err != nil {
			return err
		}
		for _, m := range all {
			s, err := mirrorState(tx, m.ID)
			if err != nil {
				return err
			}
			out = append(out, viewMirror(m, s))
		}
		slices.SortFunc(out, func(a, b MirrorView) int { return cmp.Compare(a.Name, b.Name) })
		return nil
	})
	return out, err
}

// Mirror is one mirror. Errors: fault.Denied, fault.NotFound.
func (n *Node) Mirror(ctx context.Context, name string) (MirrorView, error) {
	all, err := n.Mirrors(ctx)
	for _, v := range all {
		if v.Name == name {
			return v, nil
		}
	}
	if err == nil {
		err = noMirror()
	}
	return MirrorView{}, err
}

// site is the server of an address.
func (a Access) site() (*mirror.Site, error) {
	roots, err := mirror.Roots(a.Roots)
	if err != nil {
		return nil, err
	}
	return mirror.NewSite(a.URL, a.User, a.Secret, roots, mirror.Bounds{})
}

// LookOutside asks a TAXII server which collections it has. Errors: fault.Denied; those of client.Find.
func (n *Node) LookOutside(ctx context.Context, a Access) ([]mirror.Collection, error) {
	if err := n.Authorize(ctx, auth.Keep, auth.Matter{}); err != nil {
		return nil, err
	}
	site, err := a.site()
	if err != nil {
		return nil, err
	}
	defer site.Close()
	return client.Find(ctx, site)
}

// AddMirror sets up a mirror, and opens the source that it fills where there is none. A TAXII server is asked for the address of the collection, where the one that is given is none. Errors: fault.Denied,
// fault.Usage, fault.Exists for a name that is taken; those of client.Find.
func (n *Node) AddMirror(ctx context.Context, in NewMirror) (v MirrorView, err error) {
	if err := n.Authorize(ctx, auth.Keep, auth.Matter{}); err != nil {
		return v, err
	}
	m := mirror.Mirror{
		ID: rand.Text(), Name: in.Name, Kind: cmp.Or(in.Kind, mirror.TAXII), URL: in.URL, User: in.User, Roots: in.Roots, Every: int64(in.Every / time.Second), Made: statement.TimeOf(n.Now()),
	}
	if m.Kind != mirror.TAXII && in.Collection != "" {
		return v, fault.New(fault.Usage, "", "only a TAXII server has collections: a file is named by its address alone")
	}
	if len(in.Secret) > 0 {
		if err := m.Seal(n.mirrorKey(), in.Secret); err != nil {
			return v, err
		}
	}
	if err := m.Check(); err != nil {
		return v, err
	}
	if err := n.freeName(ctx, m.Name); err != nil {
		return v, err
	}
	if m.Kind == mirror.TAXII {
		if m.URL, err = collectionOf(ctx, in); err != nil {
			return v, err
		}
	}
	if m.Source, err = n.sourceFor(ctx, cmp.Or(in.Source, in.Name), string(m.Kind), in.Marking); err != nil {
		return v, err
	}
	err = n.changeMirrors(ctx, func(all []mirror.Mirror) ([]mirror.Mirror, error) {
		if err := mayAdd(all, m.Name); err != nil {
			return nil, err
		}
		return append(all, m), nil
	})
	if err != nil {
		return v, err
	}
	n.toldOfMirror(ctx, "a mirror was set up", m.Name)
	return viewMirror(m, mirror.State{}), nil
}

func mayAdd(all []mirror.Mirror, name string) error {
	switch {
	case slices.ContainsFunc(all, func(m mirror.Mirror) bool { return m.Name == name }):
		return fault.New(fault.Exists, "", "there is a mirror of that name already")
	case len(all) >= mirror.MaxAll:
		return fault.New(fault.Quota, "", "a node has at most %d mirrors", mirror.MaxAll)
	}
	return nil
}

// freeName is the fault of a name that a new mirror cannot have. It is asked before a server is.
func (n *Node) freeName(ctx context.Context, name string) error {
	return n.Store.View(ctx, func(tx store.Tx) error {
		all, err := mirrorsOf(tx)
		if err != nil {
			return err
		}
		return mayAdd(all, name)
	})
}

// collectionOf finds the address of the collection that is meant.
func collectionOf(ctx context.Context, in NewMirror) (string, error) {
	if at, ok := client.Direct(in.URL); ok && in.Collection == "" {
		return at, nil
	}
	site, err := in.site()
	if err != nil {
		return "", err
	}
	defer site.Close()
	all, err := client.Find(ctx, site)
	if err != nil {
		return "", err
	}
	c, err := client.Choose(all, in.Collection)
	if err == nil && !c.CanRead {
		err = fault.New(fault.Failed, "", "the server does not let this credential read that collection")
	}
	return c.URL, err
}

// sourceFor finds an open source of that name, or opens one.
func (n *Node) sourceFor(ctx context.Context, name, format string, m marking.Marking) (id thread.ID, err error) {
	found := 0
	err = n.Store.View(ctx, func(tx store.Tx) error {
		found = 0
		return tx.Threads(string(intel.Kind), func(row store.ThreadRow) bool {
			if v, ok := intelOf(row); ok && v.View.Form == intel.ASource && v.View.By == n.Config.Code && v.View.Status == intel.Open && v.View.Name == name {
				id, found = row.ID, found+1
			}
			return true
		})
	})
	switch {
	case err != nil:
		return id, err
	case found > 1:
		return id, fault.New(fault.Usage, "INT-1", "several sources have that name: give the mirror a source of another name")
	case found == 1 && m.TLP != "":
		return id, fault.New(fault.Usage, "INT-1", "there is a source of that name, and it is marked already: leave the marking out, or name another source")
	case found == 1:
		return id, nil
	}
	m.TLP = cmp.Or(m.TLP, marking.Amber)
	return n.OpenSource(mirroring(ctx), intel.Source{Name: name, Format: format}, m, statement.By{Role: n.Config.Role})
}

// changeMirrors changes the list.
func (n *Node) changeMirrors(ctx context.Context, change func([]mirror.Mirror) ([]mirror.Mirror, error)) error {
	return n.Exchange.Update(ctx, func(tx store.Tx) error {
		if err := n.may(ctx, tx, auth.Keep, auth.Matter{}); err != nil {
			return err
		}
		all, err := mirrorsOf(tx)
		if err != nil {
			return err
		}
		if all, err = change(all); err != nil {
			return err
		}
		return putMirrors(tx, all)
	})
}

// changeMirror changes one of them.
func (n *Node) changeMirror(ctx context.Context, name, what string, change func(*mirror.Mirror) error) error {
	err := n.changeMirrors(ctx, func(all []mirror.Mirror) ([]mirror.Mirror, error) {
		for i := range all {
			if all[i].Name == name {
				return all, change(&all[i])
			}
		}
		return nil, noMirror()
	})
	if err == nil {
		n.toldOfMirror(ctx, what, name)
	}
	return err
}

// toldOfMirror writes into the diary what somebody has done to a mirror.
func (n *Node) toldOfMirror(ctx context.Context, what, name string) {
	by := "operator"
	if a, err := n.Whoami(ctx); err == nil && !a.Operator {
		by = n.Keys.Pseudonym(a.ID)
	}
	n.component("mirrors").InfoContext(ctx, what, "mirror", name, "officer", by)
}

// PauseMirror has a mirror rest, or go on at once. Errors: fault.Denied, fault.NotFound.
func (n *Node) PauseMirror(ctx context.Context, name string, pause bool) error {
	what := "a mirror goes on"
	if pause {
		what = "a mirror was paused"
	}
	err := n.changeMirror(ctx, name, what, func(m *mirror.Mirror) error {
		m.Paused = pause
		return nil
	})
	if err != nil || pause {
		return err
	}
	return n.WakeMirror(ctx, name, false)
}

// SetMirrorSecret gives a mirror another credential; none: it shows none any more. Errors: fault.Denied, fault.NotFound, fault.Usage.
func (n *Node) SetMirrorSecret(ctx context.Context, name, user string, secret config.Secret) error {
	err := n.changeMirror(ctx, name, "a mirror was given another credential", func(m *mirror.Mirror) error {
		m.User, m.Sealed = user, nil
		if len(secret) > 0 {
			if err := m.Seal(n.mirrorKey(), secret); err != nil {
				return err
			}
		}
		return m.Check()
	})
	if err != nil {
		return err
	}
	return n.WakeMirror(ctx, name, false)
}

// RemoveMirror forgets a mirror. Its source and what it has brought stay. Errors: fault.Denied, fault.NotFound.
func (n *Node) RemoveMirror(ctx context.Context, name string) error {
	err := n.Exchange.Update(ctx, func(tx store.Tx) error {
		if err := n.may(ctx, tx, auth.Keep, auth.Matter{}); err != nil {
			return err
		}
		all, i, err := mirrorAt(tx, called(name))
		if err != nil {
			return err
		}
		if err := tx.SetMeta(noteMirror+all[i].ID, ""); err != nil {
			return err
		}
		return putMirrors(tx, slices.Delete(all, i, i+1))
	})
	if err == nil {
		n.toldOfMirror(ctx, "a mirror was removed", name)
	}
	return err
}

// WakeMirror makes a run due at once; a node that is served makes it. again has it begin at the beginning: what is here already is known, and not taken again. Errors: fault.Denied, fault.NotFound.
func (n *Node) WakeMirror(ctx context.Context, name string, again bool) error {
	return n.Exchange.Update(ctx, func(tx store.Tx) error {
		if err := n.may(ctx, tx, auth.Keep, auth.Matter{}); err != nil {
			return err
		}
		all, i, err := mirrorAt(tx, called(name))
		if err != nil {
			return err
		}
		s, err := mirrorState(tx, all[i].ID)
		if err != nil {
			return err
		}
		s.Next = statement.Time{}
		if again {
			s.Cursor = ""
		}
		return putMirrorState(tx, all[i].ID, s)
	})
}

// fetchedBy lists the mirrors with their states, inside one transaction.
func fetchedBy(tx store.Tx, each func(mirror.Mirror, mirror.State)) error {
	all, err := mirrorsOf(tx)
	if err != nil {
		return err
	}
	for _, m := range all {
		s, err := mirrorState(tx, m.ID)
		if err != nil {
			return err
		}
		each(m, s)
	}
	return nil
}

// lateAfter is after how many periods without success a mirror is late.
const lateAfter = 3

// mirroredWell is the doctor's look at the mirrors; false where there are none.
func (n *Node) mirroredWell(ctx context.Context) (f Finding, any bool, err error) {
	all, paused := 0, 0
	var bad []string
	err = n.Store.View(ctx, func(tx store.Tx) error {
		all, paused, bad = 0, 0, nil
		return fetchedBy(tx, func(m mirror.Mirror, s mirror.State) {
			since := s.Succeeded
			if since.IsZero() {
				since = m.Made
			}
			switch all++; {
			case m.Paused:
				paused++
			case s.Failures > 0:
				bad = append(bad, m.Name+": "+s.Error)
			case n.Now().Sub(since.Std()) > max(lateAfter*time.Duration(m.Every)*time.Second, time.Hour):
				bad = append(bad, m.Name+": not fetched for "+roughly(n.Now().Sub(since.Std())))
			}
		})
	})
	f = Finding{Check: "mirrors", Health: Good, Says: plural(all, "outside collection is fetched", "outside collections are fetched")}
	if paused > 0 {
		f.Says += ", " + plural(paused, "of them rests", "of them rest")
	}
	if len(bad) > 0 {
		f.Health, f.Says, f.Do = Warning, strings.Join(bad, "; "), "it is tried again by itself while the node is served; comity intel mirror show says more"
	}
	return f, all > 0, err
}

// mirrored is what metrics tell of the mirrors that do not rest.
func (w *watched) mirrored(tx store.Tx, f *watch.Facts) error {
	return fetchedBy(tx, func(m mirror.Mirror, s mirror.State) {
		if m.Paused {
			return
		}
		since := s.Succeeded
		if since.IsZero() {
			since = m.Made
		}
		f.Mirrors = append(f.Mirrors, watch.Mirror{Name: m.Name, Fetched: std(since), Every: time.Duration(m.Every) * time.Second, Failures: s.Failures})
	})
}
