package page

import (
	"errors"
	"net/http"
	"net/url"
	"strings"

	"github.com/comity-exchange/comity/fault"
)

// MaxForm bounds a form without attachments, in bytes.
const MaxForm = 2 << 20

// Policy is what a page may do: load its own style, script and icon, talk to its own node, and nothing else.
const Policy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; font-src 'none'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"

// Read reads a form that has no attachments, of most bytes. Errors: fault.TooLarge; fault.Usage for one that was broken off.
func Read(w http.ResponseWriter, r *http.Request, most int64) error {
	r.Body = http.MaxBytesReader(w, r.Body, most)
	if err := r.ParseForm(); err != nil {
		return Unread(err)
	}
	return nil
}

// Unread is the fault of a form that cannot be read.
func Unread(err error) error {
	var large *http.MaxBytesError
	if errors.As(err, &large) {
		return fault.Wrap(err, fault.TooLarge, "", "the form is too large: it has more than %d KiB", large.Limit>>10)
	}
	return fault.Wrap(err, fault.Usage, "", "the form cannot be read: it was broken off, or is none")
}

// Own is a path of this node's own pages, or "/": nobody is sent elsewhere. What is under not is none of them.
func Own(path string, not ...string) string {
	u, err := url.Parse(path)
	if err != nil || u.Scheme != "" || u.Host != "" || u.User != nil || len(path) > 2000 || !strings.HasPrefix(path, "/") || strings.HasPrefix(path, "//") ||
		strings.ContainsFunc(path, func(c rune) bool { return c <= ' ' || c == '\\' || c == 0x7f }) {
		return "/"
	}
	for _, n := range not {
		if u.Path == n || strings.HasPrefix(u.Path, n+"/") {
			return "/"
		}
	}
	return path
}
