package httpapi

import (
	"context"
	"net/http"

	"github.com/comity-exchange/comity/internal/auth"
	"github.com/comity-exchange/comity/internal/node"
	"github.com/comity-exchange/comity/party"
)

// Letter is a letter of credence, with the letter itself.
type Letter struct {
	node.LetterView
	Contacts []party.Contact `json:"contacts"`
	Letter   string          `json:"letter" doc:"all its lines, as they are handed over"`
}

func (a *api) ownLetter(ctx context.Context, _ *none) (Letter, error) {
	l, err := a.node.OwnLetter(ctx)
	if err != nil {
		return Letter{}, err
	}
	return a.letter(ctx, l)
}

// letter finds what is known of a letter beside what it says.
func (a *api) letter(ctx context.Context, l *party.Letter) (Letter, error) {
	out := Letter{Letter: string(l.Raw), Contacts: l.Contacts}
	all, err := a.node.Letters(ctx)
	for _, v := range all {
		if v.Code == l.Code && int64(v.Serial) == l.Serial {
			out.LetterView = v
		}
	}
	return out, err
}

func (a *api) showLetter(ctx context.Context, in *struct {
	Code   party.Code `path:"code" doc:"the party, like XB"`
	Serial int        `path:"serial" minimum:"1" doc:"which of its letters"`
}) (Letter, error) {
	l, err := a.node.Letter(ctx, in.Code, in.Serial)
	if err != nil {
		return Letter{}, missing(err)
	}
	return a.letter(ctx, l)
}

func (a *api) registerParties() {
	n := a.node
	at := func(id, method, path, says string, needs auth.Action) operation {
		return operation{id: id, method: method, path: path, tag: "Parties", says: says, needs: needs}
	}
	on(a, at("list-letters", http.MethodGet, "/letters", "List all letters of credence.", auth.Read), func(ctx context.Context, _ *none) (out struct {
		Letters []node.LetterView `json:"letters"`
	}, err error) {
		out.Letters, err = n.Letters(ctx)
		return out, err
	})
	on(a, at("own-letter", http.MethodGet, "/letters/own", "Show the own letter, with the words that are read to others.", auth.Read), a.ownLetter)
	on(a, at("show-letter", http.MethodGet, "/letters/{code}/{serial}", "Show a letter of another party.", auth.Read), a.showLetter)
	imported := at("import-letter", http.MethodPost, "/letters", "Keep another party's letter.", auth.ManageKeys)
	imported.made, imported.more = true, "A first letter counts once its words are confirmed; one that follows a confirmed letter counts at once."
	on(a, imported, func(ctx context.Context, in *struct {
		Body struct {
			Letter string `json:"letter" maxLength:"200000" doc:"all its lines"`
		}
	}) (node.LetterView, error) {
		return n.ImportLetter(ctx, []byte(in.Body.Letter))
	})
	on(a, at("confirm-letter", http.MethodPost, "/letters/{code}/confirm", "Confirm a letter by the words that its party reads to you.", auth.ManageKeys), func(ctx context.Context, in *struct {
		Code party.Code `path:"code"`
		Body struct {
			Words []string `json:"words" minItems:"1" maxItems:"40" doc:"as you heard them, never as they stand beside the letter"`
		}
	}) (node.LetterView, error) {
		return n.Confirm(ctx, in.Code, in.Body.Words)
	})
	on(a, at("list-peers", http.MethodGet, "/peers", "List each peer: what waits for it, since when, why, and how it is reached.", auth.Read), func(ctx context.Context, _ *none) (out struct {
		Peers []node.PeerView `json:"peers"`
	}, err error) {
		out.Peers, err = n.PeerViews(ctx)
		return out, err
	})
}
