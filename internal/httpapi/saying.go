package httpapi

import (
	"bytes"
	"context"
	"net/http"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/comity-exchange/comity/fault"
	"github.com/comity-exchange/comity/internal/auth"
	"github.com/comity-exchange/comity/internal/exchange"
	"github.com/comity-exchange/comity/internal/node"
	"github.com/comity-exchange/comity/marking"
	"github.com/comity-exchange/comity/party"
	"github.com/comity-exchange/comity/statement"
	"github.com/comity-exchange/comity/thread"
)

// Saying is something that is to be said, or asked about.
type Saying struct {
	Thread     string                    `json:"thread,omitzero" doc:"the thread in which it is said; without it, it opens one"`
	To         []party.Code              `json:"to,omitempty" doc:"to whom, where it opens a thread; nobody: a local record"`
	Agreement  string                    `json:"agreement,omitzero" doc:"the agreement that it rests on, where it opens a thread; without it the charter"`
	Kind       statement.Kind            `json:"kind" doc:"as GET /kinds lists them"`
	Marking    marking.Marking           `json:"marking"`
	Track      statement.Track           `json:"track,omitzero" doc:"technical, where it is absent"`
	Precedence statement.Precedence      `json:"precedence,omitzero" doc:"in a thread the opener's, else routine, where it is absent"`
	Exercise   bool                      `json:"exercise,omitzero"`
	Role       string                    `json:"role,omitzero" doc:"in which role you speak; without it one in which you may"`
	Facts      jsontext.Value            `json:"facts,omitzero" doc:"what machines decide on, as GET /kinds/{kind} has it"`
	Title      string                    `json:"title,omitzero" maxLength:"200"`
	Text       string                    `json:"text,omitzero" doc:"what people read"`
	Rest       map[string]jsontext.Value `json:"rest,omitempty" doc:"what the body of the kind has beside"`

	Attachments []Attachment `json:"attachments,omitempty" maxItems:"32"`
}

// Attachment is a file that goes along.
type Attachment struct {
	Name    string `json:"name" minLength:"1" maxLength:"200"`
	Type    string `json:"type,omitzero" maxLength:"100" doc:"media type; application/octet-stream where it is absent"`
	Content []byte `json:"content" doc:"base64"`
}

// Said is what was said.
type Said struct {
	ID      statement.ID   `json:"id"`
	Thread  statement.ID   `json:"thread"`
	Index   int64          `json:"index" doc:"leaf in the own log"`
	Time    statement.Time `json:"time"`
	Verdict node.Verdict   `json:"verdict"`
}

func viewSaid(s exchange.Said) Said {
	return Said{s.ID, s.Thread, s.Index, s.Time, node.ViewVerdict(s.Verdict)}
}

// draft is what the exchange says.
func (a *api) draft(ctx context.Context, s *Saying) (exchange.Draft, error) {
	d := exchange.Draft{
		To: s.To, Kind: s.Kind, Marking: s.Marking, Track: s.Track, Precedence: s.Precedence, Exercise: s.Exercise, By: a.node.By(s.Role, ""), Facts: s.Facts,
		Title: s.Title, Text: s.Text, Rest: s.Rest,
	}
	if s.Thread != "" {
		if s.Agreement != "" || len(s.To) > 0 {
			return d, fault.New(fault.Usage, "DEC-5", "in a thread, recipients and agreement are the opener's: leave to and agreement out")
		}
		id, err := a.thread(ctx, s.Thread)
		if err != nil {
			return d, err
		}
		d.Thread = id
	} else {
		if d.Track == "" {
			d.Track = statement.Technical
		}
		if d.Precedence == "" {
			d.Precedence = statement.Routine
		}
	}
	if s.Agreement != "" {
		id, err := a.thread(ctx, s.Agreement)
		if err != nil {
			return d, err
		}
		d.Agreement = id
	}
	if len(d.Facts) == 0 {
		d.Facts = jsontext.Value("{}")
	}
	if err := d.Facts.Compact(); err != nil {
		return d, fault.Wrap(err, fault.Malformed, "ENC-2", "the facts are not JSON")
	}
	return d, nil
}

// open opens the attachments of what is said at once.
func (s *Saying) open() (out []exchange.Attachment) {
	for _, f := range s.Attachments {
		out = append(out, exchange.Attachment{Name: node.SafeName(f.Name), Type: mediaType(f.Type), Data: bytes.NewReader(f.Content)})
	}
	return out
}

func mediaType(t string) string {
	if t == "" {
		return "application/octet-stream"
	}
	return t
}

// toSay takes something to say.
type toSay struct{ Body Saying }

// Kind is a kind of statement.
type Kind struct {
	Kind  statement.Kind `json:"kind"`
	Opens bool           `json:"opens" doc:"may open a thread"`
	Label string         `json:"label"`
	Means string         `json:"means"`
	Facts jsontext.Value `json:"facts,omitzero" doc:"JSON Schema of its facts"`
}

func (a *api) registerSaying() {
	n := a.node
	on(a, operation{id: "say", method: http.MethodPost, path: "/statements", tag: "Saying", says: "Say something: open a thread, or answer in one.", made: true, large: true,
		more: "What has been said stands: it is logged and signed. POST /check asks first."}, func(ctx context.Context, in *toSay) (Said, error) {
		d, err := a.draft(ctx, &in.Body)
		if err != nil {
			return Said{}, err
		}
		d.Blobs = in.Body.open()
		said, err := n.Say(ctx, d)
		return viewSaid(said), err
	})
	on(a, operation{id: "check", method: http.MethodPost, path: "/check", tag: "Saying", says: "May this pass, by which articles, and what would be needed instead.", large: true,
		more: "Nothing is said. The answer is that of the agreement, then of this party's own caveats.", needs: auth.Read}, func(ctx context.Context, in *toSay) (node.Verdict, error) {
		d, err := a.draft(ctx, &in.Body)
		if err != nil {
			return node.Verdict{}, err
		}
		d.Blobs = in.Body.open()
		v, err := n.May(ctx, d)
		return node.ViewVerdict(v), err
	})
	on(a, operation{id: "list-kinds", method: http.MethodGet, path: "/kinds", tag: "Saying", says: "List the kinds of statements."}, func(context.Context, *none) (out struct {
		Kinds []Kind `json:"kinds"`
	}, err error) {
		for _, k := range n.Rules.Specs() {
			out.Kinds = append(out.Kinds, viewKind(k))
		}
		return out, nil
	})
	on(a, operation{id: "show-kind", method: http.MethodGet, path: "/kinds/{kind}", tag: "Saying", says: "Show a kind, with the JSON Schema of its facts."},
		func(_ context.Context, in *struct {
			Kind statement.Kind `path:"kind" doc:"like assist.request"`
		}) (Kind, error) {
			spec, ok := n.Rules.Spec(in.Kind)
			if !ok {
				return Kind{}, fault.New(fault.NotFound, "ENC-8", "there is no such kind: GET /api/kinds lists them")
			}
			out := viewKind(spec)
			var err error
			out.Facts, err = factsSchema(spec)
			return out, err
		})
}

func viewKind(s thread.KindSpec) Kind {
	return Kind{Kind: s.Kind, Opens: s.Opens, Label: s.Label, Means: s.Means}
}
