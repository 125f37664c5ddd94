package door

import (
	"cmp"
	"errors"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"slices"

	"github.com/comity-exchange/comity/internal/web/page"
)

// Bounds of a form that came too late: of its text, and of all that is read of it, in bytes.
const (
	maxUnsent     = 2 << 20
	maxUnsentRead = 32 << 20
	maxUnsentNum  = 1000
)

// unsent is a form that came when nobody was signed in any more, as its page shows it to be sent again: what was written, and not the files. It is in that page and nowhere
// else. The zero unsent is one that cannot be shown.
type unsent struct {
	Action    string
	Multipart bool
	Fields    []posted
	Files     []string // names of those that have to be chosen again
}

type posted struct{ Name, Value string }

// unsentOf reads a form. Error: of a form that is too large or was broken off.
func unsentOf(w http.ResponseWriter, r *http.Request) (u unsent, err error) {
	kind, about, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil || own(r.URL.RequestURI()) != r.URL.RequestURI() {
		return unsent{}, err
	}
	u.Action = r.URL.RequestURI()
	switch kind {
	case "application/x-www-form-urlencoded":
		r.Body = http.MaxBytesReader(w, r.Body, maxUnsent)
		if err := r.ParseForm(); err != nil {
			return unsent{}, err
		}
		for name, all := range r.PostForm {
			for _, v := range all {
				u.Fields = append(u.Fields, posted{name, v})
			}
		}
		slices.SortStableFunc(u.Fields, func(a, b posted) int { return cmp.Compare(a.Name, b.Name) })
	case "multipart/form-data":
		u.Multipart = true
		parts := multipart.NewReader(http.MaxBytesReader(w, r.Body, maxUnsentRead), about["boundary"])
		if err := u.read(parts); err != nil {
			return unsent{}, err
		}
	default:
		return unsent{}, nil
	}
	if len(u.Fields) > maxUnsentNum {
		return unsent{}, nil
	}
	u.withoutFiles()
	return u, nil
}

// read takes the fields of a form with files, and of the files the names.
func (u *unsent) read(parts *multipart.Reader) error {
	left := int64(maxUnsent)
	for len(u.Fields)+len(u.Files) <= maxUnsentNum {
		part, err := parts.NextPart()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		if part.FileName() != "" {
			u.Files = append(u.Files, part.FileName())
			continue
		}
		raw, err := io.ReadAll(io.LimitReader(part, left+1))
		if err != nil {
			return err
		}
		if left -= int64(len(raw)); left < 0 {
			return &http.MaxBytesError{Limit: maxUnsent}
		}
		if part.FormName() != "files" { // none was chosen
			u.Fields = append(u.Fields, posted{part.FormName(), string(raw)})
		}
	}
	return nil
}

// withoutFiles keeps what was to be said with files from being said without: its form is shown first.
func (u *unsent) withoutFiles() {
	for i := range u.Fields {
		if len(u.Files) > 0 && u.Fields[i].Name == "do" {
			u.Fields[i].Value = "check"
		}
	}
}

// lapse answers a form of nobody's: with what was written, to be sent again after signing in in another tab.
func (d *Door) lapse(w http.ResponseWriter, r *http.Request) {
	u, err := unsentOf(w, r)
	if err != nil {
		u = unsent{} // it can still be sent again by the browser itself
	}
	d.show(w, r, http.StatusUnauthorized, lapsed(d.shell(r, "door.lapsed.title"), u))
}

// encoding is how the form was sent, and will be again.
func (u unsent) encoding() string {
	if u.Multipart {
		return "multipart/form-data"
	}
	return "application/x-www-form-urlencoded"
}

// names are the files, as a list in the reader's language.
func (u unsent) names(s *page.Shell) string { return s.List(u.Files) }
