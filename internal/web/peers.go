package web

import (
	"net/http"
	"strings"

	"github.com/comity-exchange/comity/fault"
	"github.com/comity-exchange/comity/internal/auth"
	"github.com/comity-exchange/comity/internal/node"
	"github.com/comity-exchange/comity/internal/store"
	"github.com/comity-exchange/comity/internal/web/page"
	"github.com/comity-exchange/comity/party"
)

// peers lists the parties that this node talks to, with their letters.
func (f *face) peers(w http.ResponseWriter, r *http.Request) error {
	return f.showPeers(w, r, http.StatusOK, nil)
}

// importLetter keeps another party's letter. Error: fault.Denied for whoever may not change keys.
func (f *face) importLetter(w http.ResponseWriter, r *http.Request) error {
	return f.letter(w, r, func() error {
		_, err := f.n.ImportLetter(r.Context(), []byte(strings.ReplaceAll(r.PostForm.Get("letter"), "\r\n", "\n"))) // browsers send both
		return err
	})
}

// confirmLetter takes the words that a party has read out.
func (f *face) confirmLetter(w http.ResponseWriter, r *http.Request) error {
	// spec: LTR-8
	return f.letter(w, r, func() error {
		code, err := party.ParseCode(r.PathValue("code"))
		if err == nil {
			_, err = f.n.Confirm(r.Context(), code, strings.Fields(strings.ToLower(r.PostForm.Get("words"))))
		}
		return err
	})
}

// letter does something with a letter, for whoever may change keys; what is refused is shown on the page.
func (f *face) letter(w http.ResponseWriter, r *http.Request, do func() error) error {
	if err := page.Read(w, r, page.MaxForm); err != nil {
		return err
	}
	err := f.n.Authorize(r.Context(), auth.ManageKeys, auth.Matter{})
	if err == nil {
		err = do()
	}
	if err == nil {
		return see(w, r, "/peers?done=changed#letters")
	}
	if code := fault.CodeOf(err); code == fault.Denied && fault.ClauseOf(err) == "" || code == fault.Internal {
		return err
	}
	return f.showPeers(w, r, fault.HTTP(fault.CodeOf(err)), err)
}

// showPeers shows them, with what was just refused, if anything was.
func (f *face) showPeers(w http.ResponseWriter, r *http.Request, status int, failed error) error {
	ctx := r.Context()
	s := f.shell(r, "nav.peers", "peers")
	s.Live = true
	all, err := f.n.PeerViews(ctx)
	if err != nil {
		return err
	}
	letters, err := f.n.Letters(ctx)
	if err != nil {
		return err
	}
	latest := map[party.Code]node.LetterView{}
	for _, l := range letters {
		if have, ok := latest[l.Code]; !ok || have.Serial <= l.Serial {
			latest[l.Code] = l
		}
	}
	var rows []page.PeerRow
	for _, p := range all {
		row := f.peerRow(s, p)
		if l, ok := latest[p.Code]; ok {
			row.Letter, row.Words = letterOf(l), l.Words
		}
		rows = append(rows, row)
	}
	var own *page.Letter
	var words []string
	if l, ok := latest[f.n.Config.Code]; ok {
		own, words = letterOf(l), l.Words
	}
	arrivals := &page.Arrivals{May: f.n.Authorize(ctx, auth.ManageKeys, auth.Matter{}) == nil}
	for _, l := range letters {
		if !l.Own && l.Status == store.LetterImported {
			arrivals.Waiting = append(arrivals.Waiting, string(l.Code))
		}
	}
	if failed != nil {
		e := page.FaultOf(s, failed)
		arrivals.Fault = &e
	}
	return f.show(w, r, status, page.Peers(s, rows, own, words, arrivals))
}

func letterOf(l node.LetterView) *page.Letter {
	return &page.Letter{Serial: l.Serial, Origin: string(l.Origin), Status: string(l.Status), Endpoints: l.Endpoints, Confirmed: moment(l.Confirmed), Digest: l.Digest.String()}
}
