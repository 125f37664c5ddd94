package httpapi

import (
	"net/http"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/comity-exchange/comity/desk/recall"
	"github.com/comity-exchange/comity/internal/node"
	"github.com/comity-exchange/comity/statement"
	"github.com/comity-exchange/comity/thread"
)

func jsontextValue(s string) jsontext.Value { return jsontext.Value(s) }

// testAPI makes the operations of a, for looking at.
func testAPI(a *api) huma.API {
	a.huma = humago.New(http.NewServeMux(), config(""))
	a.register()
	return a.huma
}

// recalledByXB has XB recall a statement of its own, and waits until that is here.
func (h *house) recalledByXB(id statement.ID) thread.ID {
	h.t.Helper()
	did, err := h.xb.Recall(h.t.Context(), node.Recalling{IDs: []statement.ID{id}, Reason: recall.Incorrect, Precedence: statement.Immediate, By: h.xb.By("duty-officer", "one")})
	h.must(err)
	h.xa.Has(did[0].ID)
	return did[0].Thread
}
