package httpapi

import (
	"errors"
	"net/http"
	"strconv"

	"github.com/danielgtaylor/huma/v2"
	"github.com/go-json-experiment/json"

	"github.com/comity-exchange/comity/fault"
	"github.com/comity-exchange/comity/internal/exchange"
	"github.com/comity-exchange/comity/internal/node"
	"github.com/comity-exchange/comity/internal/store"
)

// Problem is what went wrong (RFC 9457). Code is the kind of fault; Clause and Articles are what it rests on.
type Problem struct {
	Type     string        `json:"type" doc:"urn:comity:fault: and the code"`
	Title    string        `json:"title"`
	Status   int           `json:"status"`
	Detail   string        `json:"detail" doc:"what was wrong, in words that may be shown, and what to do"`
	Code     fault.Code    `json:"code" doc:"the kind of fault, as everywhere in Comity"`
	Clause   string        `json:"clause,omitzero" doc:"the clause of the specification that it rests on"`
	Articles []string      `json:"articles,omitempty" doc:"the articles of the agreement that forbid it"`
	Needed   []string      `json:"needed,omitempty" doc:"what would be permitted instead, or what is lacking"`
	Verdict  *node.Verdict `json:"verdict,omitempty" doc:"the whole decision, where an agreement, the charter or a caveat forbids it"`
	Errors   []Misfit      `json:"errors,omitempty" doc:"what of the request does not fit, where several things do not"`
}

// Misfit is a part of a request that does not fit the description.
type Misfit struct {
	Where string `json:"where" doc:"like body.facts or query.limit"`
	Says  string `json:"says"`
}

// Error implements error.
func (p *Problem) Error() string { return p.Detail }

// GetStatus implements huma.StatusError.
func (p *Problem) GetStatus() int { return p.Status }

// ContentType implements huma.ContentTypeFilter.
func (*Problem) ContentType(string) string { return "application/problem+json" }

// problemOf is an error as the outside sees it. What is withheld is what is not there.
func problemOf(err error) *Problem {
	f := fault.Of(err)
	code := fault.Wire(f.Code)
	status := fault.HTTP(f.Code)
	p := &Problem{Type: "urn:comity:fault:" + string(code), Title: titleOf(status), Status: status, Detail: f.Msg, Code: code, Clause: f.Clause}
	if f.Code == fault.Withheld {
		p.Detail, p.Clause = notHere, ""
	}
	var d *exchange.Denial
	if errors.As(err, &d) {
		v := node.ViewVerdict(d.Verdict)
		p.Articles, p.Needed, p.Verdict = v.Articles, v.Nearest, &v
	}
	return p
}

// notHere is what is said of what is not here, and of what is not for whoever asks.
const notHere = "there is no such thing here"

func titleOf(status int) string {
	if t := http.StatusText(status); t != "" {
		return t
	}
	return strconv.Itoa(status)
}

// as makes it one of another kind, with a status that this kind has elsewhere too seldom to be in the table.
func (p *Problem) as(status int, code fault.Code) *Problem {
	p.Status, p.Title, p.Code, p.Type = status, titleOf(status), code, "urn:comity:fault:"+string(code)
	return p
}

func (p *Problem) write(w http.ResponseWriter) {
	b, err := json.Marshal(p, json.Deterministic(true))
	if err != nil {
		b = []byte(`{"type":"urn:comity:fault:internal","title":"Internal Server Error","status":500,"detail":"internal error","code":"internal"}`)
	}
	w.Header().Set("Content-Type", p.ContentType(""))
	w.WriteHeader(p.Status)
	_, _ = w.Write(b) // nobody is there to be told
}

// asProblem turns what huma says of a request into a problem. It never repeats what was sent.
func asProblem(_ huma.Context, _ string, v any) (any, error) {
	e, ok := v.(*huma.ErrorModel)
	if !ok {
		return v, nil
	}
	code := fault.Malformed
	switch {
	case e.Status == http.StatusRequestEntityTooLarge:
		code = fault.TooLarge
	case e.Status >= 500:
		code = fault.Internal
	}
	p := &Problem{Type: "urn:comity:fault:" + string(code), Title: titleOf(e.Status), Status: e.Status, Detail: e.Detail, Code: code}
	if code == fault.Internal {
		p.Detail = "internal error"
		return p, nil
	}
	for _, d := range e.Errors {
		if d != nil && len(p.Errors) < maxMisfits {
			p.Errors = append(p.Errors, Misfit{Where: d.Location, Says: d.Message})
		}
	}
	return p, nil
}

// maxMisfits bounds how much of a request is told not to fit.
const maxMisfits = 20

// fail logs the cause of what is not the caller's doing, and gives the problem.
func (a *api) fail(c *caller, op string, err error) error {
	p := problemOf(err)
	if c != nil && (store.OutcomeUnknown(err) || p.Status == http.StatusInternalServerError) {
		c.unsure = true
	}
	if p.Status >= http.StatusInternalServerError {
		a.node.Log.Error("a request to the API failed", "component", "api", "operation", op, "error", err)
	}
	return p
}
