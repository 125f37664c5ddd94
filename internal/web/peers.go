package web

import (
	"net/http"

	"github.com/comity-exchange/comity/internal/node"
	"github.com/comity-exchange/comity/internal/web/page"
	"github.com/comity-exchange/comity/party"
)

// peers lists the parties that this node talks to, with their letters.
func (f *face) peers(w http.ResponseWriter, r *http.Request) error {
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
	return f.show(w, r, http.StatusOK, page.Peers(s, rows, own, words))
}

func letterOf(l node.LetterView) *page.Letter {
	return &page.Letter{Serial: l.Serial, Origin: string(l.Origin), Status: string(l.Status), Endpoints: l.Endpoints, Confirmed: moment(l.Confirmed), Digest: l.Digest.String()}
}
