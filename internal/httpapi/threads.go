package httpapi

import (
	"context"
	"io"
	"net/http"

	"github.com/comity-exchange/comity/fault"
	"github.com/comity-exchange/comity/internal/auth"
	"github.com/comity-exchange/comity/internal/node"
	"github.com/comity-exchange/comity/marking"
	"github.com/comity-exchange/comity/party"
	"github.com/comity-exchange/comity/statement"
)

// Me is whoever asks.
type Me struct {
	Party    party.Code  `json:"party"`
	Officer  string      `json:"officer,omitzero"` // absent: the operator
	Roles    []auth.Role `json:"roles" doc:"in which this token stands for the officer"`
	Holds    []auth.Role `json:"holds" doc:"all roles of the officer"`
	Operator bool        `json:"operator" doc:"nobody has signed in, and the node has no officers"`
}

// listing asks for a list of threads.
type listing struct {
	Desk       string               `query:"desk" doc:"only threads of this desk, like assist"`
	Peer       party.Code           `query:"peer" doc:"only threads in which this party takes part"`
	Agreement  string               `query:"agreement" doc:"only threads under this agreement: its id, or the first six digits or more"`
	Status     string               `query:"status" doc:"only threads in this state"`
	Open       bool                 `query:"open" doc:"only threads in which something may still come"`
	Closed     bool                 `query:"closed" doc:"only threads in which nothing may come any more"`
	Track      statement.Track      `query:"track"`
	Precedence statement.Precedence `query:"precedence"`
	TLP        marking.TLP          `query:"tlp"`
	Exercise   string               `query:"exercise" enum:"true,false" doc:"only exercises, or only what is none"`
	Unread     bool                 `query:"unread" doc:"only threads with something unread"`
	Owed       bool                 `query:"owed" doc:"only threads in which this party owes something"`
	Words      string               `query:"q" maxLength:"1000" doc:"words that all stand in what was said; one that ends with a star stands for all that begin so"`
	Order      node.Order           `query:"order" enum:"updated,due,others-due" doc:"the last touched first, or what is due first, of this party or of others. What is looked for by words comes the newest thread first"`
	Cursor     string               `query:"cursor" doc:"next of the page before"`
	Limit      int                  `query:"limit" minimum:"1" maximum:"200" default:"50" doc:"at most so many"`
}

// paging asks for a page of a list.
type paging struct {
	Cursor string `query:"cursor" doc:"next of the page before"`
	Limit  int    `query:"limit" minimum:"0" maximum:"200" doc:"at most so many; without it 50"`
}

func (a *api) list(ctx context.Context, in *listing) (node.Page, error) {
	q := node.Query{
		Filter: node.Filter{
			Desk: in.Desk, Peer: in.Peer, Status: in.Status, Open: in.Open, Closed: in.Closed, Track: in.Track, Precedence: in.Precedence, TLP: in.TLP, Unread: in.Unread, Owed: in.Owed,
		},
		Text: in.Words, Order: in.Order, Cursor: in.Cursor, Limit: in.Limit,
	}
	if in.Exercise != "" {
		yes := in.Exercise == "true"
		q.Exercise = &yes
	}
	if in.Agreement != "" {
		id, err := a.thread(ctx, in.Agreement)
		if err != nil {
			return node.Page{}, err
		}
		q.Agreement = id
	}
	return a.node.List(ctx, q)
}

// part asks for a part of a thread.
type part struct {
	ByID
	Before string `query:"before" doc:"earlier of the part before: what was said before that statement; its id, or the first six digits or more"`
	Limit  int    `query:"limit" minimum:"1" maximum:"200" default:"50" doc:"at most so many statements"`
}

func (a *api) part(ctx context.Context, in *part) (out node.Part, err error) {
	id, err := a.thread(ctx, in.ID)
	if err != nil {
		return out, err
	}
	at := node.Stretch{Limit: in.Limit}
	if in.Before != "" {
		if at.Before, err = a.statement(ctx, in.Before); err != nil {
			return out, err
		}
	}
	return a.node.ThreadPart(ctx, id, at)
}

// Opening says in which role a thread was opened.
type Opening struct {
	Role string `json:"role,omitzero" doc:"in which role; without it one of the token's"`
}

// Done says that something was done of which there is nothing to tell.
type Done struct {
	Done bool `json:"done"`
}

func (a *api) registerThreads() {
	n := a.node
	on(a, operation{id: "whoami", method: http.MethodGet, path: "/whoami", tag: "Desk", says: "Whose token this is."}, func(ctx context.Context, _ *none) (Me, error) {
		who, err := n.Whoami(ctx)
		return Me{n.Config.Code, who.ID, who.Roles, who.Holds, who.Operator}, err
	})
	on(a, operation{id: "counts", method: http.MethodGet, path: "/counts", tag: "Desk", says: "Count what waits.", more: "Numbers end at 1000: that many or more."},
		func(ctx context.Context, _ *none) (node.Counts, error) { return n.Counts(ctx) })
	on(a, operation{id: "list-threads", method: http.MethodGet, path: "/threads", tag: "Threads", says: "List threads, or look for them by words.",
		more: "A page may have fewer threads than were asked for and not be the last: follow next until it is absent."}, a.list)
	on(a, operation{id: "show-thread", method: http.MethodGet, path: "/threads/{id}", tag: "Threads", says: "Show a thread with what was said in it last.",
		more: "It has the statement that opened the thread, and the newest; those before them are asked for with before, until earlier is absent."}, a.part)
	on(a, operation{id: "open-thread", method: http.MethodPost, path: "/threads/{id}/opened", tag: "Threads", says: "Note that somebody has read a thread.",
		more: "Others are told (receipt.retrieved), where the thread admits it."}, func(ctx context.Context, in *struct {
		ByID
		Body Opening
	}) (Done, error) {
		id, err := a.thread(ctx, in.ID)
		if err != nil {
			return Done{}, err
		}
		if err := n.Authorize(ctx, auth.Open, auth.Matter{}); err != nil { // the node lets it pass in silence
			return Done{}, err
		}
		return Done{true}, n.Opened(ctx, id, n.By(in.Body.Role, ""))
	})
	on(a, operation{id: "show-statement", method: http.MethodGet, path: "/statements/{id}", tag: "Threads", says: "Show one statement."},
		func(ctx context.Context, in *ByID) (node.SaidView, error) {
			id, err := a.statement(ctx, in.ID)
			if err != nil {
				return node.SaidView{}, err
			}
			return n.Statement(ctx, id)
		})
	gives(a, operation{id: "attachment", method: http.MethodGet, path: "/statements/{id}/attachments/{part}", tag: "Threads", says: "Give an attachment.",
		more: "Its bytes are another party's: it is always given to be saved, as application/octet-stream."}, []string{"application/octet-stream"}, a.attachment)
}

func (a *api) attachment(ctx context.Context, in *struct {
	ByID
	Part int `path:"part" minimum:"0" maximum:"510" doc:"which one, from 0"`
}) (file, error) {
	id, err := a.statement(ctx, in.ID)
	if err != nil {
		return file{}, err
	}
	v, err := a.node.Statement(ctx, id)
	if err != nil {
		return file{}, err
	}
	if in.Part >= len(v.Attachments) || v.Attachments[in.Part].Erased {
		return file{}, fault.New(fault.NotFound, "", "%s", notHere)
	}
	return file{kind: "application/octet-stream", name: node.SafeName(v.Attachments[in.Part].Name), long: true, write: func(w io.Writer) error { return a.node.Save(ctx, id, in.Part, w) }}, nil
}
