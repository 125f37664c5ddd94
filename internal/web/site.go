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

// Site is all that is served to officers and their programs at one address: the pages behind the door, and the API and TAXII beside them. origin is what browsers call it, api
// serves both, and is nil where there is neither. Error: fault.Usage for an origin that passkeys cannot be bound to.
func Site(ctx context.Context, n *node.Node, origin string, api http.Handler, log *slog.Logger) (http.Handler, error) {
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
			house.Name = nameOf(l.Names)
		}
	}
	d, err := door.New(n, door.Options{House: house, URL: origin, Nav: navigate, Log: log})
	if err != nil {
		return nil, err
	}
	mux := http.NewServeMux()
	mux.Handle("/", Handler(n, Options{House: house, URL: origin, Signed: d.Signed, Visitor: door.Visitor, Routes: d.Routes, SignOut: door.SignOut, Log: log}))
	if api != nil {
		mux.Handle("/api/", api)
		mux.Handle("/taxii2/", api)
	}
	return d.Front(mux), nil
}

// nameOf is a party's name in English, or in the language that comes first.
func nameOf(names map[string]string) string {
	if name, ok := names["en"]; ok {
		return name
	}
	first := ""
	for language := range names {
		if first == "" || language < first {
			first = language
		}
	}
	return names[first]
}
