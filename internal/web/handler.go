package web

import (
	"bytes"
	"context"
	"log/slog"
	"net/http"
	"strconv"
	"time"

	"github.com/a-h/templ"

	"github.com/comity-exchange/comity/fault"
	"github.com/comity-exchange/comity/internal/auth"
	"github.com/comity-exchange/comity/internal/node"
	"github.com/comity-exchange/comity/internal/web/page"
)

// Options are what the face is told.
type Options struct {
	House *page.House // what its pages share with the door's; nil: made here
	URL   string      // the origin that officers' browsers see, like https://desk.xa.example; "": whatever they ask for

	// Signed lets only whoever has signed in through to what it is given, and puts the officer's claim into the request's context; nil: everybody is the operator.
	Signed func(http.Handler) http.Handler
	// Visitor is who that was; nil: nobody.
	Visitor func(context.Context) page.Visitor
	// Routes adds the door's own pages, which nobody has to be signed in for.
	Routes  func(*http.ServeMux)
	SignOut string // where the button for it posts to; "": there is none

	Heartbeat time.Duration // of the stream of events; 0: 20 s
	Streams   int           // of one session at once; 0: 4
	MaxUpload int64         // bytes of the attachments of one form; 0: 256 MiB
	// MaxUnpacked is what a file that is imported may unpack to, in bytes; 0: 16 times MaxUpload.
	MaxUnpacked int64
	Log         *slog.Logger
}

// face is the pages of one node. It is safe for concurrent use.
type face struct {
	Options
	n       *node.Node
	streams streams
	once    once
	imports importations
}

// Handler serves the pages of a node. Where o has no house and none can be made of the program's own files, every page is that fault.
func Handler(n *node.Node, o Options) http.Handler {
	if o.House == nil {
		house, err := page.NewHouse(n.Config.Code, false, n.Now)
		if err != nil {
			return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				http.Error(w, fault.Show(err), fault.HTTP(fault.CodeOf(err)))
			})
		}
		o.House = house
	}
	if o.Signed == nil {
		o.Signed = func(h http.Handler) http.Handler { return h }
	}
	if o.Visitor == nil {
		o.Visitor = func(context.Context) page.Visitor { return page.Visitor{} }
	}
	if o.Heartbeat == 0 {
		o.Heartbeat = 20 * time.Second
	}
	if o.Streams == 0 {
		o.Streams = 4
	}
	if o.MaxUpload == 0 {
		o.MaxUpload = 256 << 20
	}
	if o.MaxUnpacked == 0 {
		o.MaxUnpacked = 16 * o.MaxUpload
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	f := &face{Options: o, n: n}
	f.streams.most = o.Streams
	return f.guarded(f.routes())
}

// shown is a page: it writes an answer, or gives the error that is shown in its place.
type shown func(w http.ResponseWriter, r *http.Request) error

// page serves a page, or the one of the error that it gives.
func (f *face) page(h shown) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		// Taken before anything is read: what comes while the page is made is told to it afterwards.
		r = r.WithContext(context.WithValue(r.Context(), versionKey{}, f.version(r.Context())))
		if err := h(w, r); err != nil {
			f.fail(w, r, err)
		}
	})
}

type versionKey struct{}

// version names the state of the store; "" where it cannot be told.
func (f *face) version(ctx context.Context) string {
	v, err := f.n.Store.Version(ctx)
	if err != nil {
		return ""
	}
	return strconv.FormatInt(v, 10)
}

// visitor is who has sent r.
func (f *face) visitor(r *http.Request) page.Visitor { return f.Visitor(r.Context()) }

// shell is the frame of a page for whoever has sent r.
func (f *face) shell(r *http.Request, title, section string) *page.Shell {
	s := f.House.Shell(r, f.visitor(r), "", section)
	s.Title = s.T(title)
	s.Version, _ = r.Context().Value(versionKey{}).(string)
	s.SignOut = f.SignOut
	if s.Visitor.Officer == "" {
		s.SignOut = ""
	}
	navigate(f.n)(r.Context(), s)
	if done := page.Done(r); done != "" && s.Has("done."+done) {
		s.Notice = s.T("done." + done)
	}
	return s
}

// navigate puts the navigation into a frame, as far as whoever looks may go there, and where they are at home.
func navigate(n *node.Node) func(context.Context, *page.Shell) {
	return func(ctx context.Context, s *page.Shell) {
		reads := n.Authorize(ctx, auth.Read, auth.Matter{}) == nil
		if !reads {
			s.Home = page.Entry{Href: "/officers", Label: s.T("nav.officers")} // an administrator's
		}
		for _, e := range []struct {
			section, href string
			may           bool
		}{
			{"duty", "/", reads}, {"threads", "/threads", reads}, {"drafts", "/drafts", reads}, {"intelligence", "/intelligence", reads}, {"agreements", "/agreements", reads}, {"peers", "/peers", reads},
			{"directory", "/directory", reads}, {"ledger", "/ledger", reads}, {"log", "/log", true}, {"officers", "/officers", true}, {"settings", "/settings", true},
		} {
			if e.may {
				s.Nav = append(s.Nav, page.Entry{Section: e.section, Href: e.href, Label: s.T("nav." + e.section)})
			}
		}
	}
}

// show writes a page whole or not at all.
func (f *face) show(w http.ResponseWriter, r *http.Request, status int, c templ.Component) error {
	var b bytes.Buffer
	if err := c.Render(r.Context(), &b); err != nil {
		return fault.Wrap(err, fault.Internal, "", "the page cannot be written")
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(status)
	_, _ = w.Write(b.Bytes()) // the caller is gone if this fails
	return nil
}

// fail shows an error. What it says to the reader is safe; the cause goes to the log.
func (f *face) fail(w http.ResponseWriter, r *http.Request, err error) {
	code := fault.CodeOf(err)
	if code == fault.Internal {
		f.Log.Error("a page failed", "page", r.Pattern, "err", err)
	}
	s := f.shell(r, "fault."+string(fault.Wire(code)), "")
	if e := f.show(w, r, fault.HTTP(code), page.Failure(s, page.FaultOf(s, err))); e != nil {
		f.Log.Error("the page of an error failed", "err", e)
		http.Error(w, fault.Show(err), fault.HTTP(code))
	}
}

// see sends the browser on after something was done.
func see(w http.ResponseWriter, r *http.Request, to string) error {
	http.Redirect(w, r, to, http.StatusSeeOther)
	return nil
}
