package web

import (
	"net/http"
	"strings"

	"github.com/comity-exchange/comity/fault"
)

// policy is what a page may do: load its own style, script and icon, talk to its own node, and nothing else.
const policy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; font-src 'none'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"

// guarded puts the headers around all answers, and refuses what another site's page has sent.
func (f *face) guarded(h http.Handler) http.Handler {
	cross := http.NewCrossOriginProtection()
	if f.URL != "" {
		if err := cross.AddTrustedOrigin(strings.TrimSuffix(f.URL, "/")); err != nil {
			f.Log.Error("the address of the pages is no origin", "err", err)
		}
	}
	cross.SetDenyHandler(f.page(func(http.ResponseWriter, *http.Request) error {
		return fault.New(fault.Denied, "", "this came from another site's page, so nothing was done")
	}))
	within := cross.Handler(h)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		head := w.Header()
		head.Set("Content-Security-Policy", policy)
		head.Set("X-Content-Type-Options", "nosniff")
		head.Set("Referrer-Policy", "no-referrer")
		head.Set("Cross-Origin-Opener-Policy", "same-origin")
		head.Set("Cross-Origin-Resource-Policy", "same-origin")
		head.Set("Permissions-Policy", "camera=(), microphone=(), geolocation=(), payment=(), usb=()")
		head.Set("Cache-Control", "no-store")
		if f.House.Secure {
			head.Set("Strict-Transport-Security", "max-age=31536000")
		}
		within.ServeHTTP(w, r)
	})
}
