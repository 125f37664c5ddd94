package httpapi

import (
	"context"
	"net/http"
	"time"

	"github.com/comity-exchange/comity/desk/recall"
	"github.com/comity-exchange/comity/fault"
	"github.com/comity-exchange/comity/internal/auth"
	"github.com/comity-exchange/comity/internal/node"
	"github.com/comity-exchange/comity/party"
	"github.com/comity-exchange/comity/statement"
)

// Recalling is what is to be taken back.
type Recalling struct {
	IDs        []string             `json:"ids" minItems:"1" maxItems:"100" doc:"statements of this party"`
	Reason     recall.Reason        `json:"reason" doc:"sent-in-error, wrong-recipient, incorrect, personal-data, source-protection, no-longer-needed, or other with text"`
	Text       string               `json:"text,omitzero"`
	Within     int64                `json:"within,omitzero" minimum:"0" doc:"seconds within which an answer is asked for; 0: by no time"`
	Precedence statement.Precedence `json:"precedence,omitzero" doc:"immediate, where it is absent"`
	EraseOwn   bool                 `json:"erase_own,omitzero" doc:"erase it here too: who has not got it yet never will"`
	Role       string               `json:"role,omitzero"`
}

// Recalled is a recall for one circle of parties.
type Recalled struct {
	Said
	To []party.Code   `json:"to"`
	Of []statement.ID `json:"of"`
}

// recalledTo is all recalls that came of one request.
type recalledTo struct {
	Recalls []Recalled `json:"recalls" doc:"statements that went to different parties are recalled apart"`
}

func (a *api) recall(ctx context.Context, in *struct{ Body Recalling }) (recalledTo, error) {
	out := recalledTo{Recalls: []Recalled{}}
	ids, err := a.statements(ctx, in.Body.IDs)
	if err != nil {
		return out, err
	}
	r := node.Recalling{
		IDs: ids, Reason: in.Body.Reason, Text: in.Body.Text, Within: time.Duration(in.Body.Within) * time.Second, Precedence: in.Body.Precedence,
		By: a.node.By(in.Body.Role, ""), EraseOwn: in.Body.EraseOwn,
	}
	if r.Precedence == "" {
		r.Precedence = statement.Immediate
	}
	did, err := a.node.Recall(ctx, r)
	for _, d := range did {
		out.Recalls = append(out.Recalls, Recalled{viewSaid(d.Said), d.To, d.Of})
	}
	if err != nil && len(did) > 0 { // what was asked stays asked
		if c := callerOf(ctx); c != nil {
			c.unsure = true
		}
	}
	return out, err
}

func (a *api) confirmRecall(ctx context.Context, in *struct {
	ByID
	Body struct {
		Kept bool   `json:"kept,omitzero" doc:"also what this party has said that it keeps"`
		Role string `json:"role,omitzero"`
	}
}) (out struct {
	Erased []statement.ID `json:"erased"`
}, err error) {
	id, err := a.thread(ctx, in.ID)
	if err != nil {
		return out, err
	}
	out.Erased, err = a.node.ConfirmRecall(ctx, id, in.Body.Kept, a.node.By(in.Body.Role, ""))
	return out, err
}

func (a *api) keepRecalled(ctx context.Context, in *struct {
	ByID
	Body struct {
		Only   []string      `json:"only,omitempty" maxItems:"100" doc:"only these of its statements; without them all that were not answered for"`
		Ground recall.Ground `json:"ground" doc:"legal-duty, proceedings, in-use, record, not-author, or other with text"`
		Text   string        `json:"text,omitzero"`
		Role   string        `json:"role,omitzero"`
	}
}) (Said, error) {
	id, err := a.thread(ctx, in.ID)
	if err != nil {
		return Said{}, err
	}
	var only []statement.ID
	for _, given := range in.Body.Only {
		one, err := statement.ParseID(given) // what is recalled need not be here
		if err != nil {
			if one, err = a.statement(ctx, given); err != nil {
				return Said{}, err
			}
		}
		only = append(only, one)
	}
	if len(only) == 0 {
		v, err := a.node.RecallOf(ctx, id)
		if err != nil {
			return Said{}, err
		}
		for _, l := range v.Lines {
			if l.Party == a.node.Config.Code && l.Outcome == recall.Pending {
				only = append(only, l.Statement)
			}
		}
		if len(only) == 0 {
			return Said{}, fault.New(fault.Inadmissible, "RCL-3", "this party has answered for everything that is recalled")
		}
	}
	said, err := a.node.KeepRecalled(ctx, id, only, in.Body.Ground, in.Body.Text, a.node.By(in.Body.Role, ""))
	return viewSaid(said), err
}

func (a *api) erase(ctx context.Context, in *struct {
	Body struct {
		IDs  []string `json:"ids" minItems:"1" maxItems:"100"`
		Role string   `json:"role,omitzero"`
	}
}) (out struct {
	Said []Said `json:"said" doc:"what was said of it, in each thread"`
}, err error) {
	out.Said = []Said{}
	ids, err := a.statements(ctx, in.Body.IDs)
	if err != nil {
		return out, err
	}
	did, err := a.node.Erase(ctx, ids, a.node.By(in.Body.Role, ""))
	for _, d := range did {
		out.Said = append(out.Said, viewSaid(d))
	}
	return out, err
}

func (a *api) registerRecalls() {
	n := a.node
	at := func(id, method, path, says string, needs auth.Action) operation {
		return operation{id: id, method: method, path: path, tag: "Recalls", says: says, needs: needs}
	}
	on(a, at("list-recalls", http.MethodGet, "/recalls", "List recalls, of this party and of others, the last touched first.", auth.Read), func(ctx context.Context, in *paging) (node.RecallPage, error) {
		return n.RecallList(ctx, in.Cursor, in.Limit)
	})
	on(a, at("show-recall", http.MethodGet, "/recalls/{id}", "Show who has confirmed a recall, and who has not.", auth.Read), func(ctx context.Context, in *ByID) (node.RecallView, error) {
		id, err := a.thread(ctx, in.ID)
		if err != nil {
			return node.RecallView{}, err
		}
		return n.RecallOf(ctx, id)
	})
	ask := at("recall", http.MethodPost, "/recalls", "Ask everybody who got statements of this party to erase what they said.", "")
	ask.made = true
	on(a, ask, a.recall)
	on(a, at("confirm-recall", http.MethodPost, "/recalls/{id}/confirm", "Erase what another party recalls, and say so.", ""), a.confirmRecall)
	on(a, at("keep-recalled", http.MethodPost, "/recalls/{id}/keep", "Say that something that is recalled is kept, and why.", ""), a.keepRecalled)
	on(a, at("erase", http.MethodPost, "/erasures", "Destroy what is here of statements' texts and attachments, for good.", ""), a.erase)
}
