package httpapi

import (
	"context"
	"io"
	"mime"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"

	"github.com/comity-exchange/comity/fault"
	"github.com/comity-exchange/comity/internal/auth"
	"github.com/comity-exchange/comity/statement"
	"github.com/comity-exchange/comity/thread"
)

// reply is an answer with a body.
type reply[O any] struct{ Body O }

// none is what an operation takes that takes nothing.
type none struct{}

// on makes an operation of a function. What the operation needs is held before it is called.
func on[I, O any](a *api, op operation, do func(context.Context, *I) (O, error)) {
	turns := newTurns(op.atOnce)
	huma.Register(a.huma, a.describeOperation(op), func(ctx context.Context, in *I) (*reply[O], error) {
		c := callerOf(ctx)
		if err := a.may(ctx, op); err != nil {
			return nil, a.fail(c, op.id, err)
		}
		done, err := turns.take()
		if err != nil {
			return nil, a.fail(c, op.id, err)
		}
		defer done()
		out, err := do(ctx, in)
		if err != nil {
			return nil, a.fail(c, op.id, err)
		}
		if c != nil && op.secret {
			c.secret = true
		}
		return &reply[O]{out}, nil
	})
}

// may is the fault of what whoever asks may not do. Who may is held by the node; an operation only names what it takes.
func (a *api) may(ctx context.Context, op operation) error {
	if op.needs == "" {
		return nil
	}
	err := a.node.Authorize(ctx, op.needs, auth.Matter{})
	if err != nil && op.or != "" && a.node.Authorize(ctx, op.or, auth.Matter{}) == nil {
		return nil
	}
	return err
}

// turns bounds how often an operation is under way at once; nil: it is not bounded.
type turns chan struct{}

func newTurns(most int) turns {
	if most == 0 {
		return nil
	}
	return make(turns, most)
}

// take takes a turn, and gives it back when it is done. Error: fault.Unavailable where there is none.
func (t turns) take() (done func(), err error) {
	if t == nil {
		return func() {}, nil
	}
	select {
	case t <- struct{}{}:
		return func() { <-t }, nil
	default:
		return nil, fault.New(fault.Unavailable, "", "this is under way already, and costs too much to be done more often at once: try again when it has ended")
	}
}

// file is bytes that are not JSON, or whose bytes count.
type file struct {
	kind  string // media type
	name  string // under which it is saved; "": it is shown
	long  bool   // it may take longer than an answer usually does
	write func(w io.Writer) error
}

// gives makes an operation that gives a file. kinds are the media types that it may have.
func gives[I any](a *api, op operation, kinds []string, do func(context.Context, *I) (file, error)) {
	h := a.describeOperation(op)
	turns := newTurns(op.atOnce)
	content := map[string]*huma.MediaType{}
	for _, k := range kinds {
		content[k] = &huma.MediaType{Schema: &huma.Schema{Type: "string", Format: "binary"}}
	}
	h.Responses["200"] = &huma.Response{Description: "OK", Content: content}
	huma.Register(a.huma, h, func(ctx context.Context, in *I) (*huma.StreamResponse, error) {
		c := callerOf(ctx)
		if err := a.may(ctx, op); err != nil {
			return nil, a.fail(c, op.id, err)
		}
		done, err := turns.take()
		if err != nil {
			return nil, a.fail(c, op.id, err)
		}
		f, err := do(ctx, in)
		if err != nil {
			done()
			return nil, a.fail(c, op.id, err)
		}
		return &huma.StreamResponse{Body: func(hc huma.Context) {
			defer done()
			out := &late{to: hc, file: f}
			err := f.write(out)
			if err == nil {
				_, err = out.Write(nil) // also where there was nothing to write
			}
			switch {
			case err == nil:
			case out.begun:
				panic(http.ErrAbortHandler) // the other side sees that it is cut short
			default:
				a.writeFault(hc, a.fail(c, op.id, err))
			}
		}}, nil
	})
}

// writeFault answers with a problem after all.
func (a *api) writeFault(hc huma.Context, err error) {
	p := problemOf(err)
	if q, ok := err.(*Problem); ok { //nolint:errorlint // fail gives it bare
		p = q
	}
	hc.SetHeader("Content-Type", p.ContentType(""))
	hc.SetStatus(p.Status)
	_ = a.huma.Marshal(hc.BodyWriter(), "application/json", p) // nobody is there to be told
}

// late begins the answer with the first byte, so that what fails before has a status of its own.
type late struct {
	to    huma.Context
	file  file
	begun bool
}

func (l *late) Write(b []byte) (int, error) {
	if !l.begun {
		l.begun = true
		l.to.SetHeader("Content-Type", l.file.kind)
		if l.file.name != "" {
			l.to.SetHeader("Content-Disposition", mime.FormatMediaType("attachment", map[string]string{"filename": l.file.name}))
		}
		l.to.SetStatus(http.StatusOK)
	}
	if l.file.long { // a server's own bound counts from the request on: who goes on reading gets it whole. Where there is no bound there is nothing to set
		_, w := humago.Unwrap(l.to)
		_ = http.NewResponseController(w).SetWriteDeadline(time.Now().Add(patience))
	}
	return l.to.BodyWriter().Write(b)
}

// bytesOf writes what is there already.
func bytesOf(b []byte) func(io.Writer) error {
	return func(w io.Writer) error {
		_, err := w.Write(b)
		return err
	}
}

// ByID takes an id from the path.
type ByID struct {
	ID string `path:"id" doc:"the id, or its first six digits or more"`
}

// statement finds a statement that whoever asks may see.
func (a *api) statement(ctx context.Context, given string) (statement.ID, error) {
	id, err := a.node.Find(ctx, given)
	if err != nil {
		return id, missing(err)
	}
	return id, a.node.Sees(ctx, id)
}

// thread finds a thread that whoever asks may see, by any of its statements.
func (a *api) thread(ctx context.Context, given string) (thread.ID, error) {
	id, err := a.node.FindThread(ctx, given)
	if err != nil {
		return id, missing(err)
	}
	return id, a.node.Sees(ctx, id)
}

// missing says of what is not here what is said of what is not for whoever asks.
func missing(err error) error {
	if fault.CodeOf(err) == fault.NotFound {
		return fault.Wrap(err, fault.NotFound, "", "%s", notHere)
	}
	return err
}

// statements finds several.
func (a *api) statements(ctx context.Context, given []string) ([]statement.ID, error) {
	if len(given) == 0 {
		return nil, fault.New(fault.Usage, "", "at least one id is given")
	}
	out := make([]statement.ID, len(given))
	for i, g := range given {
		var err error
		if out[i], err = a.statement(ctx, g); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// register makes all operations.
func (a *api) register() {
	a.registerThreads()
	a.registerSaying()
	a.registerDrafts()
	a.registerAgreements()
	a.registerMaking()
	a.registerRecalls()
	a.registerIntelligence()
	a.registerMirrors()
	a.registerParties()
	a.registerOfficers()
	a.registerAccount()
	a.registerHouse()
	a.registerChanges()
	a.registerPackets()
	a.registerKeeping()
	finish(a.huma.OpenAPI())
}
