package web

import (
	"maps"
	"net/http"
	"strings"

	"github.com/comity-exchange/comity/fault"
	"github.com/comity-exchange/comity/internal/web/page"
	"github.com/comity-exchange/comity/internal/web/static"
)

// routes are the pages.
func (f *face) routes() http.Handler {
	inside := http.NewServeMux()
	all := f.ofIntelligence()
	maps.Copy(all, map[string]shown{
		"GET /{$}":    f.duty,
		"GET /events": f.events,

		"GET /threads":                    f.threads,
		"GET /threads/{id}":               f.thread,
		"POST /threads/{id}/say":          f.say,
		"POST /threads/{id}/read":         f.read,
		"POST /threads/{id}/recall":       f.recall,
		"POST /threads/{id}/erase":        f.erase,
		"GET /threads/{id}/evidence/{of}": f.evidence,
		"GET /attachments/{of}/{part}":    f.attachment,
		"POST /may":                       f.may,

		"GET /new":         f.newList,
		"GET /new/{kind}":  f.newThread,
		"POST /new/{kind}": f.open,

		"GET /drafts":               f.drafts,
		"GET /drafts/{id}":          f.draft,
		"GET /drafts/{id}/edit":     f.editing,
		"POST /drafts/{id}/edit":    f.edit,
		"POST /drafts/{id}/submit":  f.submit,
		"POST /drafts/{id}/approve": f.approve,
		"POST /drafts/{id}/return":  f.sendBack,
		"POST /drafts/{id}/release": f.release,
		"POST /drafts/{id}/drop":    f.drop,

		"GET /agreements":      f.agreements,
		"GET /agreements/{id}": f.agreement,
		"POST /agreements":     f.text,

		"GET /peers":     f.peers,
		"GET /directory": f.directory,

		"GET /ledger":      f.ledgerPage,
		"GET /ledger.csv":  f.ledgerCSV,
		"GET /ledger.json": f.ledgerJSON,

		"GET /settings":           f.settings,
		"GET /settings/retention": f.retention,
		"POST /settings/caveats":  f.caveats,
		"POST /settings/notices":  f.tryNotices,

		"POST /peers":                         f.importLetter,
		"POST /peers/{code}/confirm":          f.confirmLetter,
		"GET /officers":                       f.officersPage,
		"POST /officers":                      f.addOfficer,
		"POST /officers/{id}/{act}":           f.changeOfficer,
		"POST /officers/tokens/{name}/revoke": f.revokeToken,
		"POST /officers/ways/{name}/drop":     f.dropWay,

		"GET /log":          f.log,
		"GET /log.csv":      f.logCSV,
		"GET /log/evidence": f.logEvidence,
		"POST /log":         f.verify,
	})
	for pattern, h := range all {
		inside.Handle(pattern, f.page(h))
	}
	inside.Handle("/", f.page(func(w http.ResponseWriter, r *http.Request) error {
		var allowed []string
		for _, method := range []string{http.MethodGet, http.MethodPost} {
			if _, pattern := inside.Handler(&http.Request{Method: method, URL: r.URL, Host: r.Host}); pattern != "/" {
				allowed = append(allowed, method)
			}
		}
		if len(allowed) == 0 {
			return fault.New(fault.NotFound, "", "there is no such page")
		}
		w.Header().Set("Allow", strings.Join(allowed, ", "))
		s := f.shell(r, "fault.method", "")
		return f.show(w, r, http.StatusMethodNotAllowed, page.Failure(s, page.Fault{Status: http.StatusMethodNotAllowed, Title: s.Title}))
	}))
	outside := http.NewServeMux()
	outside.Handle("GET "+static.Prefix, f.House.Assets)
	outside.Handle("POST /preferences", f.page(f.preferences))
	if f.Routes != nil {
		f.Routes(outside)
	}
	outside.Handle("/", f.Signed(inside))
	return outside
}

// ofIntelligence are the pages of intelligence.
func (f *face) ofIntelligence() map[string]shown {
	return map[string]shown{
		"GET /intelligence":               f.intelligence,
		"GET /intelligence/{id}":          f.gathering,
		"GET /intelligence/search":        f.searchObjects,
		"GET /intelligence/object/{id}":   f.object,
		"GET /intelligence/sightings":     f.sightings,
		"POST /intelligence/sources":      f.openSource,
		"GET /intelligence/imports":       f.importsPage,
		"POST /intelligence/imports":      f.importFile,
		"GET /intelligence/imports/{id}":  f.importPage,
		"POST /intelligence/imports/{id}": f.decideImport,
	}
}
