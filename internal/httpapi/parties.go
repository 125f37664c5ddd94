package httpapi

import (
	"context"
	"net/http"

	"github.com/comity-exchange/comity/internal/auth"
	"github.com/comity-exchange/comity/internal/node"
	"github.com/comity-exchange/comity/party"
	"github.com/comity-exchange/comity/statement"
)

// Letter is a letter of credence, with the letter itself.
type Letter struct {
	node.LetterView
	Contacts []party.Contact `json:"contacts"`
	Issued   statement.Time  `json:"issued"`
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
	out := Letter{Letter: string(l.Raw), Contacts: l.Contacts, Issued: l.Issued}
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

// Renewal is what the own next letter says otherwise. What is absent stays as it is.
type Renewal struct {
	Names     map[string]string `json:"names,omitempty" maxProperties:"64" doc:"by language, like en; all of them"`
	Contacts  []party.Contact   `json:"contacts,omitempty" maxItems:"64" doc:"all of them"`
	Endpoints []string          `json:"endpoints,omitempty" maxItems:"16" doc:"where peers reach the node; all of them"`
	Nowhere   bool              `json:"nowhere,omitzero" doc:"no endpoint any more: the node fetches its packets, or carries them"`
}

func (a *api) renewLetter(ctx context.Context, in *struct{ Body Renewal }) (Letter, error) {
	l, err := a.node.Renew(ctx, node.Renewal{Names: in.Body.Names, Contacts: in.Body.Contacts, Endpoints: in.Body.Endpoints, Nowhere: in.Body.Nowhere})
	if l != nil {
		a.told(ctx, "the own letter was renewed over HTTP", "serial", l.Serial)
	}
	if err != nil {
		if c := callerOf(ctx); c != nil && l != nil {
			c.unsure = true // the letter counts all the same
		}
		return Letter{}, err
	}
	return a.letter(ctx, l)
}

// Office is an own office that is vouched for.
type Office struct {
	Letter string       `json:"letter" maxLength:"200000" doc:"the office's letter, all its lines"`
	To     []party.Code `json:"to,omitempty" maxItems:"255" doc:"who should know; without it every party whose letter is confirmed"`
	Role   string       `json:"role,omitzero"`
}

// SaidTo is what was said, and to whom.
type SaidTo struct {
	Said
	To []party.Code `json:"to"`
}

func (a *api) introduce(ctx context.Context, in *struct{ Body Office }) (SaidTo, error) {
	said, to, err := a.node.Introduce(ctx, []byte(in.Body.Letter), in.Body.To, a.node.By(in.Body.Role, ""))
	return SaidTo{viewSaid(said), to}, err
}

func (a *api) dismiss(ctx context.Context, in *struct {
	Code party.Code `path:"code" doc:"the office, like XA.cert"`
	Body struct {
		To   []party.Code `json:"to,omitempty" maxItems:"255" doc:"who should know; without it every party whose letter is confirmed"`
		Role string       `json:"role,omitzero"`
	}
}) (SaidTo, error) {
	said, to, err := a.node.Dismiss(ctx, in.Code, in.Body.To, a.node.By(in.Body.Role, ""))
	return SaidTo{viewSaid(said), to}, err
}

func (a *api) registerParties() {
	n := a.node
	at := func(id, method, path, says string, needs auth.Action) operation {
		return operation{id: id, method: method, path: path, tag: "Parties", says: says, needs: needs}
	}
	seen := func(op operation) operation { // also by whoever keeps the letters
		op.or = auth.ManageKeys
		return op
	}
	on(a, seen(at("list-letters", http.MethodGet, "/letters", "List all letters of credence.", auth.Read)), func(ctx context.Context, _ *none) (out struct {
		Letters []node.LetterView `json:"letters"`
	}, err error) {
		out.Letters, err = n.Letters(ctx)
		return out, err
	})
	on(a, seen(at("own-letter", http.MethodGet, "/letters/own", "Show the own letter, with the words that are read to others.", auth.Read)), a.ownLetter)
	on(a, seen(at("show-letter", http.MethodGet, "/letters/{code}/{serial}", "Show a letter of another party.", auth.Read)), a.showLetter)
	imported := at("import-letter", http.MethodPost, "/letters", "Keep another party's letter.", auth.ManageKeys)
	imported.made, imported.more = true, "A first letter counts once its words are confirmed; one that follows a confirmed letter counts at once."
	on(a, imported, func(ctx context.Context, in *struct {
		Body struct {
			Letter string `json:"letter" maxLength:"200000" doc:"all its lines"`
		}
	}) (node.LetterView, error) {
		l, err := n.ImportLetter(ctx, []byte(in.Body.Letter))
		if err == nil {
			a.told(ctx, "a letter was taken over HTTP", "of", l.Code, "serial", l.Serial, "status", l.Status)
		}
		return l, err
	})
	on(a, at("confirm-letter", http.MethodPost, "/letters/{code}/confirm", "Confirm a letter by the words that its party reads to you.", auth.ManageKeys), func(ctx context.Context, in *struct {
		Code party.Code `path:"code"`
		Body struct {
			Words []string `json:"words" minItems:"1" maxItems:"40" doc:"as you heard them, never as they stand beside the letter"`
		}
	}) (node.LetterView, error) {
		l, err := n.Confirm(ctx, in.Code, in.Body.Words)
		if err == nil {
			a.told(ctx, "a letter was confirmed over HTTP", "of", l.Code, "serial", l.Serial)
		}
		return l, err
	})
	renew := at("renew-letter", http.MethodPost, "/letters/own", "Write the own next letter, with other endpoints, names or points of contact.", auth.ManageKeys)
	renew.made, renew.more = true, "Keys stay as they are: they are changed at the machine alone. Hand the letter to every peer; who has confirmed the one before needs no words. New endpoints are taken into account when the node is started again."
	on(a, renew, a.renewLetter)
	office := at("introduce-office", http.MethodPost, "/offices", "Vouch for the letter of an own office in the party's log.", "")
	office.made, office.more = true, "Whoever has confirmed this party's letter then needs no words for its office's."
	on(a, office, a.introduce)
	withdraw := at("withdraw-office", http.MethodPost, "/offices/{code}/withdraw", "Vouch for an own office no longer.", "")
	withdraw.made = true
	on(a, withdraw, a.dismiss)
	on(a, at("list-peers", http.MethodGet, "/peers", "List each peer: what waits for it, since when, why, and how it is reached.", auth.Read), func(ctx context.Context, _ *none) (out struct {
		Peers []node.PeerView `json:"peers"`
	}, err error) {
		out.Peers, err = n.PeerViews(ctx)
		return out, err
	})
}
