package web

import (
	"mime"
	"net/http"
	"strconv"

	"github.com/comity-exchange/comity/fault"
	"github.com/comity-exchange/comity/internal/node"
)

// downloading sets the headers of a file. Whatever it says it is, the browser keeps it and shows nothing of it.
func downloading(w http.ResponseWriter, name string) {
	head := w.Header()
	head.Set("Content-Type", "application/octet-stream")
	if d := mime.FormatMediaType("attachment", map[string]string{"filename": node.SafeName(name)}); d != "" {
		head.Set("Content-Disposition", d)
	} else {
		head.Set("Content-Disposition", "attachment")
	}
}

// attachment sends a file that came with a statement.
func (f *face) attachment(w http.ResponseWriter, r *http.Request) error {
	of, err := idOf(r, "of")
	if err != nil {
		return err
	}
	part, err := strconv.Atoi(r.PathValue("part"))
	if err != nil || part < 0 {
		return fault.New(fault.NotFound, "", "there is no such attachment")
	}
	s, err := f.n.Statement(r.Context(), of)
	if err != nil {
		return err
	}
	if part >= len(s.Attachments) || !s.Attachments[part].Whole || s.Attachments[part].Erased {
		return fault.New(fault.Parked, "", "the attachment is not here: it has not arrived whole, or was erased")
	}
	a := s.Attachments[part]
	out := &late{w: w, begin: func() {
		downloading(w, a.Name)
		w.Header().Set("Content-Length", strconv.FormatInt(a.Size, 10))
	}}
	err = f.n.Save(r.Context(), of, part, out)
	if !out.begun {
		if err != nil {
			return err
		}
		out.begin() // it is empty
	} else if err != nil {
		f.Log.Info("a download ended early", "err", err)
	}
	return nil
}

// late sets its headers with the first byte, so that an error before can still be shown.
type late struct {
	w     http.ResponseWriter
	begin func()
	begun bool
}

// Write implements io.Writer.
func (l *late) Write(b []byte) (int, error) {
	if !l.begun {
		l.begun = true
		l.begin()
	}
	return l.w.Write(b)
}

// evidence sends what proves a statement to a third party, with its words only where they may be shown.
func (f *face) evidence(w http.ResponseWriter, r *http.Request) error {
	of, err := idOf(r, "of")
	if err != nil {
		return err
	}
	ctx, words := r.Context(), r.URL.Query().Get("body") != ""
	if words {
		if err := f.n.MayShow(ctx, of, "", false); err != nil {
			return err
		}
	}
	b, err := f.n.Evidence(ctx, of, words)
	if err != nil {
		return err
	}
	raw, err := b.Marshal()
	if err != nil {
		return err
	}
	downloading(w, "comity-"+of.Short()+".evidence")
	_, _ = w.Write(raw) // the caller is gone if this fails
	return nil
}
