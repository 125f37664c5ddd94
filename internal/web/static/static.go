package static

import (
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"net/http"
	"path"
	"strings"

	"github.com/comity-exchange/comity/fault"
)

//go:embed comity.css comity.js comity.svg
var files embed.FS

// Prefix is under which path the files are served.
const Prefix = "/static/"

// Assets are the files with their digests. They never change and are safe for concurrent use.
type Assets struct {
	at   map[string]string // name → path
	body map[string][]byte // path → bytes
}

// New reads the files that come with the program.
func New() (*Assets, error) {
	a := &Assets{at: map[string]string{}, body: map[string][]byte{}}
	entries, err := files.ReadDir(".")
	if err != nil {
		return nil, fault.Wrap(err, fault.Internal, "", "the files of the pages cannot be listed")
	}
	for _, e := range entries {
		raw, err := files.ReadFile(e.Name())
		if err != nil {
			return nil, fault.Wrap(err, fault.Internal, "", "%s cannot be read", e.Name())
		}
		sum := sha256.Sum256(raw)
		p := Prefix + hex.EncodeToString(sum[:8]) + "/" + e.Name()
		a.at[e.Name()], a.body[p] = p, raw
	}
	return a, nil
}

// Path is where a file is served; "" for a file that there is not.
func (a *Assets) Path(name string) string { return a.at[name] }

// ServeHTTP serves the files.
func (a *Assets) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	raw, ok := a.body[r.URL.Path]
	if !ok {
		http.NotFound(w, r)
		return
	}
	kinds := map[string]string{".css": "text/css; charset=utf-8", ".js": "text/javascript; charset=utf-8", ".svg": "image/svg+xml"}
	w.Header().Set("Content-Type", kinds[strings.ToLower(path.Ext(r.URL.Path))])
	w.Header().Set("Cache-Control", "public, max-age=31536000, immutable")
	_, _ = w.Write(raw) // the caller is gone if this fails
}
