package thread

import (
	"bytes"
	"testing"

	"github.com/go-json-experiment/json"
	"pgregory.net/rapid"

	"github.com/comity-exchange/comity/party"
	"github.com/comity-exchange/comity/statement"
)

// TestStateByHand holds the state that is written by hand against what the general encoder makes of it.
func TestStateByHand(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		id := rapid.Custom(func(t *rapid.T) statement.ID {
			return statement.ID(rapid.SliceOfN(rapid.Byte(), 32, 32).Draw(t, "id"))
		})
		code := rapid.SampledFrom([]party.Code{"XA", "XB", "XC.cert", "XD"})
		words := rapid.OneOf(rapid.Just("assist"), rapid.String())
		at, _ := statement.ParseTime("2026-03-02T08:00:00.007Z")
		s := State{
			Thread: id.Draw(t, "thread"), Kind: Kind(words.Draw(t, "kind")), Participants: rapid.SliceOf(code).Draw(t, "participants"),
			Frontier: rapid.SliceOf(id).Draw(t, "frontier"), Last: rapid.MapOf(code, id).Draw(t, "last"), Taken: rapid.IntRange(0, 1<<30).Draw(t, "taken"),
			Void:   rapid.IntRange(0, 9).Draw(t, "void"),
			Opener: Opener{From: "XA", To: rapid.SliceOf(code).Draw(t, "to"), Kind: "assist.request", Time: at, Precedence: "flash", Track: "technical", Exercise: rapid.Bool().Draw(t, "exercise")},
		}
		if rapid.Bool().Draw(t, "agreed") {
			s.Opener.Agreement, s.Opener.Digest = id.Draw(t, "agreement"), statement.Digest(id.Draw(t, "digest"))
		}
		if rapid.Bool().Draw(t, "desk") {
			s.Desk = []byte(`{"a":[1,{"b":"c"}]}`)
		}
		want, err := json.Marshal(s, json.Deterministic(true))
		got, plain := appendState(nil, &s)
		if err == nil && plain && !bytes.Equal(got, want) {
			t.Fatalf("written\n%s, not\n%s", got, want)
		}
		if err == nil && !plain && s.Kind == "assist" {
			t.Fatalf("the quick way is not taken for %s", want)
		}
	})
}
