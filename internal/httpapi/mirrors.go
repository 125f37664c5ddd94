package httpapi

import (
	"context"
	"net/http"
	"time"

	"github.com/comity-exchange/comity/internal/auth"
	"github.com/comity-exchange/comity/internal/mirror"
	"github.com/comity-exchange/comity/internal/node"
	"github.com/comity-exchange/comity/marking"
)

// Mirrors are outside collections that are fetched again and again.
type Mirrors struct {
	Mirrors []node.MirrorView `json:"mirrors" doc:"by name"`
}

// OutsideServer is a server outside, and how it is asked.
type OutsideServer struct {
	URL    string `json:"url" maxLength:"2048" doc:"https alone, but on the node's own machine; only this server is asked, whatever it points to"`
	User   string `json:"user,omitzero" maxLength:"256" doc:"of HTTP Basic; without it a credential is shown as a bearer's"`
	Secret string `json:"secret,omitzero" maxLength:"8192" doc:"password or token; it is kept sealed, for this server alone, and shown nowhere"`
	Roots  string `json:"roots,omitzero" maxLength:"65536" doc:"certificates, as PEM, that alone are trusted to be the server's"`
}

func (o OutsideServer) access() node.Access {
	return node.Access{URL: o.URL, User: o.User, Secret: []byte(o.Secret), Roots: o.Roots}
}

// MirrorToAdd is a mirror that is to be set up.
type MirrorToAdd struct {
	OutsideServer
	Name       string          `json:"name" doc:"letters, digits, dots and dashes"`
	Kind       mirror.Kind     `json:"kind,omitzero" enum:"taxii,list,csv,stix" doc:"taxii: a collection; the others: what a file is"`
	Collection string          `json:"collection,omitzero" doc:"id, alias or title, where the address is a server's or an API root's"`
	Source     string          `json:"source,omitzero" doc:"which it fills; without it one of the mirror's name. It is opened where it is not"`
	Marking    marking.Marking `json:"marking,omitzero" doc:"of a source that is opened: of objects that name no circle, and the least strict of all others; without it TLP:AMBER"`
	Every      int64           `json:"every" minimum:"60" maximum:"2678400" doc:"seconds between two runs"`
}

// Collections are those of a server.
type Collections struct {
	Collections []mirror.Collection `json:"collections"`
}

// MirrorByName takes a mirror's name from the path.
type MirrorByName struct {
	Name string `path:"name" doc:"the mirror's name"`
}

func (a *api) mirror(ctx context.Context, in *MirrorByName) (node.MirrorView, error) {
	return a.node.Mirror(ctx, in.Name)
}

func (a *api) addMirror(ctx context.Context, in *struct{ Body MirrorToAdd }) (node.MirrorView, error) {
	b := in.Body
	return a.node.AddMirror(ctx, node.NewMirror{
		Access: b.access(), Name: b.Name, Kind: b.Kind, Collection: b.Collection, Source: b.Source, Marking: b.Marking, Every: time.Duration(b.Every) * time.Second,
	})
}

func (a *api) lookOutside(ctx context.Context, in *struct{ Body OutsideServer }) (Collections, error) {
	all, err := a.node.LookOutside(ctx, in.Body.access())
	return Collections{all}, err
}

func (a *api) runMirror(ctx context.Context, in *struct {
	MirrorByName
	Body struct {
		Again bool `json:"again,omitzero" doc:"from the beginning; what is here already is not taken again"`
	}
}) (node.MirrorView, error) {
	if err := a.node.WakeMirror(ctx, in.Name, in.Body.Again); err != nil {
		return node.MirrorView{}, err
	}
	return a.mirror(ctx, &in.MirrorByName)
}

func (a *api) pauseMirror(pause bool) func(context.Context, *MirrorByName) (node.MirrorView, error) {
	return func(ctx context.Context, in *MirrorByName) (node.MirrorView, error) {
		if err := a.node.PauseMirror(ctx, in.Name, pause); err != nil {
			return node.MirrorView{}, err
		}
		return a.mirror(ctx, in)
	}
}

func (a *api) setMirrorSecret(ctx context.Context, in *struct {
	MirrorByName
	Body struct {
		User   string `json:"user,omitzero" maxLength:"256" doc:"of HTTP Basic; without it the credential is shown as a bearer's"`
		Secret string `json:"secret,omitzero" maxLength:"8192" doc:"password or token; none: none is shown any more"`
	}
}) (node.MirrorView, error) {
	if err := a.node.SetMirrorSecret(ctx, in.Name, in.Body.User, []byte(in.Body.Secret)); err != nil {
		return node.MirrorView{}, err
	}
	return a.mirror(ctx, &in.MirrorByName)
}

func (a *api) registerMirrors() {
	n := a.node
	at := func(id, method, path, says string, needs auth.Action) operation {
		return operation{id: id, method: method, path: path, tag: "Mirrors", says: says, needs: needs}
	}
	on(a, at("list-mirrors", http.MethodGet, "/mirrors", "List the outside collections that are fetched again and again, and how each fares.", ""), func(ctx context.Context, _ *none) (Mirrors, error) {
		all, err := n.Mirrors(ctx)
		return Mirrors{all}, err
	})
	add := at("add-mirror", http.MethodPost, "/mirrors", "Have an outside collection fetched again and again into a source.", auth.Keep)
	add.made, add.atOnce = true, 4
	on(a, add, a.addMirror)
	look := at("look-outside", http.MethodPost, "/mirrors/look", "Ask a TAXII server which collections it has. It changes nothing.", auth.Keep)
	look.atOnce = 4
	on(a, look, a.lookOutside)
	on(a, at("show-mirror", http.MethodGet, "/mirrors/{name}", "Show how far a mirror has come, and what it could not take.", ""), a.mirror)
	on(a, at("run-mirror", http.MethodPost, "/mirrors/{name}/run", "Make a run due now: the served node makes it.", auth.Keep), a.runMirror)
	on(a, at("pause-mirror", http.MethodPost, "/mirrors/{name}/pause", "Have a mirror rest.", auth.Keep), a.pauseMirror(true))
	on(a, at("resume-mirror", http.MethodPost, "/mirrors/{name}/resume", "Have a mirror go on.", auth.Keep), a.pauseMirror(false))
	on(a, at("set-mirror-secret", http.MethodPut, "/mirrors/{name}/secret", "Give a mirror another credential.", auth.Keep), a.setMirrorSecret)
	on(a, at("remove-mirror", http.MethodDelete, "/mirrors/{name}", "Forget a mirror. Its source, and what it has brought, stay.", auth.Keep), func(ctx context.Context, in *MirrorByName) (Done, error) {
		err := n.RemoveMirror(ctx, in.Name)
		return Done{err == nil}, err
	})
}
