package statement

import (
	"crypto/rand"
	"testing"
	"time"

	"github.com/comity-exchange/comity/marking"
	"github.com/comity-exchange/comity/party"
)

func TestSmoke(t *testing.T) {
	n, _ := MakeNonce(rand.Reader)
	b, err := ComposeBody(Body{Nonce: n, Title: "x", Text: "y", Blobs: []Blob{{Name: "a.json", Type: "application/json", Size: 3}}})
	if err != nil {
		t.Fatal(err)
	}
	ref := b.Ref()
	h, err := Compose(Head{Nonce: n, From: "XA", To: []party.Code{"XB"}, Kind: "assist.request", Marking: marking.Marking{TLP: marking.Amber}, Track: Technical, Precedence: Flash, Time: TimeOf(time.Now()), By: By{Role: "duty-officer"}, Body: &ref})
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%s\n%s", h.Raw, b.Raw)
	if err := b.Matches(h); err != nil {
		t.Fatal(err)
	}
}
