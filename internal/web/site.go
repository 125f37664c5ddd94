package web

import (
	"context"
	"log/slog"
	"net/http"
	"strings"

	"github.com/comity-exchange/comity/internal/node"
	"github.com/comity-exchange/comity/internal/web/door"
	"github.com/comity-exchange/comity/internal/web/page"
)

// Beside is something that is served beside the pages, below a path that ends in a slash.
type Beside struct {
	Path    string
	Handler http.Handler
}

// Site is all that is served to officers and their programs at one address: the pages behind the door, and the API and TAXII beside them, and what else is named. origin is what browsers call it; api
// and taxii are nil where they are not served. Error: fault.Usage for an origin that passkeys cannot be bound to.
func Site(ctx context.Context, n *node.Node, origin string, api, taxii http.Handler, log *slog.Logger, others ...Beside) (http.Handler, error) {
	house, err := page.NewHouse(n.Config.Code, strings.HasPrefix(origin, "https:"), n.Now)
	if err != nil {
		return nil, err
	}
	letters, err := n.Letters(ctx)
	if err != nil {
		return nil, err
	}
	for _, l := range letters {
		if l.Own {
			house.Name = node.NameIn(l.Names, "en")
		}
	}
	programs := []string{"/api/", "/taxii2/"}
	for _, o := range others {
		programs = append(programs, o.Path)
	}
	d, err := door.New(n, door.Options{House: house, URL: origin, Nav: navigate(n), Log: log, Programs: programs})
	if err != nil {
		return nil, err
	}
	mux := http.NewServeMux()
	mux.Handle("/", Handler(n, Options{House: house, URL: origin, Signed: d.Signed, Visitor: door.Visitor, Routes: d.Routes, SignOut: door.SignOut, Log: log}))
	if api != nil {
		mux.Handle("/api/", api)
		mux.Handle("/api", api)
	}
	if taxii != nil {
		mux.Handle("/taxii2/", taxii)
	}
	for _, o := range others {
		mux.Handle(o.Path, o.Handler)
	}
	return d.Front(mux), nil
}
