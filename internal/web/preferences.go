package web

import (
	"net/http"

	"github.com/comity-exchange/comity/fault"
	"github.com/comity-exchange/comity/internal/web/page"
)

// kept is how long a reader's choices are kept, in seconds.
const kept = 365 * 24 * 3600

// preferences keeps a reader's language, time zone and light, in cookies that say nothing about who it is.
func (f *face) preferences(w http.ResponseWriter, r *http.Request) error {
	if err := page.Read(w, r, page.MaxForm); err != nil {
		return err
	}
	language, zone, theme := r.PostForm.Get("language"), r.PostForm.Get("zone"), r.PostForm.Get("theme")
	if language != "" && f.House.Catalog.Language(language) == nil {
		return fault.New(fault.Usage, "", "there is no such language here")
	}
	if _, ok := page.Zone(zone); zone != "" && !ok {
		return fault.New(fault.Usage, "", "a time zone is named like Europe/Paris, or UTC")
	}
	if theme != "" && theme != "light" && theme != "dark" {
		return fault.New(fault.Usage, "", "a page is light or dark")
	}
	for name, field := range map[string]string{page.CookieLanguage: "language", page.CookieZone: "zone", page.CookieTheme: "theme"} {
		if !r.PostForm.Has(field) {
			continue // the script offers the zone alone
		}
		value, age := r.PostForm.Get(field), kept
		if value == "" {
			age = -1
		}
		http.SetCookie(w, f.House.Cookie(name, value, age))
	}
	return see(w, r, page.Own(r.PostForm.Get("back")))
}
