package httpapi

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"path"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/comity-exchange/comity/fault"
	"github.com/comity-exchange/comity/internal/auth"
)

// about is what the description begins with.
const about = `A node of a federated exchange, for the programs of its party. A token of an officer is shown as "Authorization: Bearer comity_token_…"; what is done is done by
that officer, in the roles that the token stands for. Ids may be shortened to their first six digits. Faults are problem documents (RFC 9457) that name the clause, the
articles and what would be needed. A write with an Idempotency-Key is done once: asking again within a day gives the same answer. Lists end when "next" is absent.`

// config is huma without what would fetch anything from elsewhere, with the repository's JSON.
func config(version string) huma.Config {
	if version == "" {
		version = "devel"
	}
	c := huma.Config{
		OpenAPI: &huma.OpenAPI{
			OpenAPI: "3.1.0",
			Info:    &huma.Info{Title: "Comity", Version: version, Description: strings.ReplaceAll(about, "\n", " ")},
			Components: &huma.Components{
				Schemas:         huma.NewMapRegistry("#/components/schemas/", schemaName),
				SecuritySchemes: map[string]*huma.SecurityScheme{"token": {Type: "http", Scheme: "bearer", Description: "A token of an officer, made by an administrator."}},
			},
			Security: []map[string][]string{{"token": {}}},
			Tags:     tags(),
		},
		Formats:                      map[string]huma.Format{"application/json": jsonFormat(), "json": jsonFormat()},
		DefaultFormat:                "application/json",
		RejectUnknownQueryParameters: true,
		Transformers:                 []huma.Transformer{asProblem},
	}
	c.Components.Schemas.RegisterTypeAlias(reflect.TypeFor[jsontext.Value](), reflect.TypeFor[anything]())
	return c
}

// anything stands in the description for JSON of any kind.
type anything struct{}

// Schema implements huma.SchemaProvider.
func (anything) Schema(huma.Registry) *huma.Schema { return &huma.Schema{} }

// jsonFormat is JSON as everywhere in the repository: repeated names and invalid UTF-8 are refused, names are told apart by case, and lists are never null.
func jsonFormat() huma.Format {
	spans := json.MarshalFunc(func(d time.Duration) ([]byte, error) { return strconv.AppendInt(nil, int64(d), 10), nil }) // in nanoseconds
	return huma.Format{
		Marshal: func(w io.Writer, v any) error {
			return json.MarshalWrite(w, v, json.Deterministic(true), json.FormatNilSliceAsNull(false), json.FormatNilMapAsNull(false), json.WithMarshalers(spans))
		},
		Unmarshal: func(data []byte, v any) error {
			if _, first := v.(*any); first { // huma looks at it so before anything else
				if err := plain(data); err != nil {
					return err
				}
			}
			return json.Unmarshal(data, v, json.RejectUnknownMembers(true))
		},
	}
}

// maxDepth bounds how deep JSON is nested.
const maxDepth = 100

// plain refuses what the description cannot tell: null, which nothing here is, and what is nested without end. It builds no tree.
func plain(data []byte) error {
	d := jsontext.NewDecoder(bytes.NewReader(data))
	for {
		t, err := d.ReadToken()
		switch {
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return err
		case t.Kind() == 'n':
			return fault.New(fault.Malformed, "ENC-2", "null is not used: a member without a value is left out")
		case d.StackDepth() > maxDepth:
			return fault.New(fault.Malformed, "ENC-2", "nested more than %d deep", maxDepth)
		}
	}
}

// schemaName names a type in the description: those of other packages with the package before, for Text is one thing in a letter and another in an agreement.
func schemaName(t reflect.Type, hint string) string {
	name := huma.DefaultSchemaNamer(t, hint)
	if t.Kind() == reflect.Struct && t.Name() == "" && strings.Contains(name, "{") { // what it is of would stand in it, with blanks and quotes
		name = ""
		for _, f := range reflect.VisibleFields(t) {
			name += f.Name
		}
		return name + "Answer"
	}
	for t.Kind() == reflect.Pointer || t.Kind() == reflect.Slice {
		t = t.Elem()
	}
	pkg := path.Base(t.PkgPath())
	if t.Name() == "" || pkg == "." || pkg == "node" || pkg == "httpapi" {
		return name
	}
	return strings.ToUpper(pkg[:1]) + pkg[1:] + name
}

// tags are the chapters of the description.
func tags() []*huma.Tag {
	return []*huma.Tag{
		{Name: "Desk", Description: "What waits, and who asks."},
		{Name: "Threads", Description: "What was said, by whom, and what may be said next."},
		{Name: "Saying", Description: "Saying something, and whether it may pass."},
		{Name: "Drafts", Description: "What is to be said: kept, approved by a second officer, released."},
		{Name: "Agreements", Description: "What may pass, and how that is agreed."},
		{Name: "Recalls", Description: "Taking back what was said, and erasing."},
		{Name: "Intelligence", Description: "Sources, feeds and objects (STIX 2.1), as their sources wrote them."},
		{Name: "Mirrors", Description: "Outside collections that are fetched again and again into sources."},
		{Name: "Parties", Description: "Letters of credence, and how peers are reached."},
		{Name: "Packets", Description: "Packets as files, between nodes that cannot reach each other."},
		{Name: "Officers", Description: "Who may act for the party, and by which tokens."},
		{Name: "Account", Description: "Ledger, evidence, transparency, the log and the node's health."},
		{Name: "Keeping", Description: "The node itself: its keys, settings, backups, and the way back where its store has lost something."},
	}
}

// operation is an operation beside what it takes and gives.
type operation struct {
	id, method, path string
	tag, says        string
	more             string      // a second sentence or more
	needs            auth.Action // held here, for what the node leaves to its callers; "": the node holds it
	or               auth.Action // this will do in its stead
	made             bool        // it answers 201
	secret           bool        // the answer holds a secret
	large            bool        // attachments come along
	most             int64       // bytes of what it takes, where that is another bound
	atOnce           int         // so many of it may be under way in this process; 0: as many as are asked for
}

// Bounds of what operations take.
const (
	maxBody  = 2 << 20 // a text of 1 MiB, as JSON
	maxLarge = maxRequest
	patience = time.Minute // for the body to arrive
)

// problemResponse is how every fault looks.
func problemResponse(r huma.Registry) *huma.Response {
	return &huma.Response{
		Description: "What went wrong (RFC 9457).",
		Content:     map[string]*huma.MediaType{"application/problem+json": {Schema: r.Schema(reflect.TypeFor[Problem](), true, "Problem")}},
	}
}

func (a *api) describeOperation(op operation) huma.Operation {
	h := huma.Operation{
		OperationID: op.id, Method: op.method, Path: prefix + op.path, Tags: []string{op.tag}, Summary: op.says, Description: op.more, DefaultStatus: http.StatusOK,
		MaxBodyBytes: maxBody, BodyReadTimeout: patience, Responses: map[string]*huma.Response{"default": problemResponse(a.huma.OpenAPI().Components.Schemas)},
	}
	if op.made {
		h.DefaultStatus = http.StatusCreated
	}
	if op.large {
		h.MaxBodyBytes = maxLarge
	}
	if op.most > 0 {
		h.MaxBodyBytes = op.most
	}
	if op.method != http.MethodGet {
		h.Parameters = append(h.Parameters, &huma.Param{
			Name: keyHeader, In: "header", Schema: &huma.Schema{Type: "string"}, Description: "A name of the caller's for this request: it is done once, however often it is made.",
		})
	}
	return h
}

// describe is the whole description as JSON, for people to read too.
func describe(o *huma.OpenAPI) []byte {
	raw, err := o.MarshalJSON()
	if err != nil {
		panic(err) // it is made of this package's types alone
	}
	text := jsontext.Value(raw)
	if err := text.Indent(jsontext.WithIndent(" ")); err != nil {
		panic(err)
	}
	return append(text, '\n')
}

// finish takes out of the schemas what huma adds of itself: lists are never null here.
func finish(o *huma.OpenAPI) {
	seen := map[*huma.Schema]bool{}
	var walk func(s *huma.Schema)
	walk = func(s *huma.Schema) {
		if s == nil || seen[s] {
			return
		}
		seen[s] = true
		if s.Type == huma.TypeArray {
			s.Nullable = false
		}
		walk(s.Items)
		if sub, ok := s.AdditionalProperties.(*huma.Schema); ok {
			walk(sub)
		}
		for _, p := range s.Properties {
			walk(p)
		}
		for _, list := range [][]*huma.Schema{s.AnyOf, s.AllOf, s.OneOf} {
			for _, p := range list {
				walk(p)
			}
		}
		s.PrecomputeMessages()
	}
	for _, s := range o.Components.Schemas.Map() {
		walk(s)
	}
	for _, p := range o.Paths {
		for _, op := range operationsOf(p) {
			for _, param := range op.Parameters {
				walk(param.Schema)
			}
			for _, r := range op.Responses {
				for _, m := range r.Content {
					walk(m.Schema)
				}
			}
			if op.RequestBody != nil {
				for _, m := range op.RequestBody.Content {
					walk(m.Schema)
				}
			}
		}
	}
}

func operationsOf(p *huma.PathItem) []*huma.Operation {
	return slices.DeleteFunc([]*huma.Operation{p.Get, p.Post, p.Put, p.Patch, p.Delete}, func(o *huma.Operation) bool { return o == nil })
}
