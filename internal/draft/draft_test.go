package draft

import (
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/go-json-experiment/json/jsontext"
	"pgregory.net/rapid"

	"github.com/comity-exchange/comity/fault"
	"github.com/comity-exchange/comity/marking"
	"github.com/comity-exchange/comity/party"
	"github.com/comity-exchange/comity/statement"
	"github.com/comity-exchange/comity/thread"
)

var (
	now  = statement.TimeOf(time.Date(2026, 11, 21, 8, 0, 0, 0, time.UTC))
	what = statement.Digest{1}
	by   = statement.By{Role: "analyst", Officer: "0123456789abcdef"}
)

func sample() Draft {
	d := New("writer", Content{
		By: by, Kind: "assist.request", To: []party.Code{"XB"}, Marking: marking.Marking{TLP: marking.Amber}, Track: statement.Technical, Precedence: statement.Flash,
		Facts: jsontext.Value(`{"type":"analysis"}`), Title: "T", Text: "what is asked", Rest: map[string]jsontext.Value{"document": jsontext.Value(`"x"`)},
		Files: []File{{Path: "/a/b", Name: "b", Type: "text/plain", Size: 3, SHA256: what}},
	}, now)
	d.Record = thread.ID{9}
	return d
}

func wants(t testing.TB, err error, code fault.Code, says string) {
	t.Helper()
	if fault.CodeOf(err) != code || !strings.Contains(fault.Show(err), says) {
		t.Errorf("%v; want %s, %q", err, code, says)
	}
}

// TestRound: there and back and out.
func TestRound(t *testing.T) {
	t.Parallel()
	// spec: DEC-10
	d := sample()
	wants(t, d.Approve("release", what, now), fault.Inadmissible, "is still being written: only what is submitted is approved")
	wants(t, d.Return("release", "because", now), fault.Inadmissible, "only what is submitted or approved is sent back")
	wants(t, d.Release(by, what), fault.Inadmissible, "only what another officer has approved is released")
	wants(t, d.Submit(what, now), "", "")
	wants(t, d.Submit(what, now), fault.Inadmissible, "is submitted, and waits for another officer")
	wants(t, d.Approve("writer", what, now), fault.Denied, "nobody approves a draft of their own: another officer does (DEC-10)")
	wants(t, d.Return("writer", "because", now), fault.Denied, "nobody approves a draft of their own")
	wants(t, d.Approve("release", statement.Digest{2}, now), fault.Denied, "not what was submitted any more")
	wants(t, d.Return("release", " \n", now), fault.Usage, "say why")
	wants(t, d.Return("release", strings.Repeat("x", MaxReason+1), now), fault.Usage, "a reason has at most")
	wants(t, d.Return("release", "\x1b[2J", now), fault.Usage, "no control characters")
	wants(t, d.Return("release", "name the period", now), "", "")
	wants(t, d.Edit(func(c *Content) error { c.Text = "better"; return nil }, now), "", "")
	if d.Status != Returned || d.Reason != "name the period" || !d.Digest.IsZero() {
		t.Errorf("%+v", d)
	}
	wants(t, d.Submit(statement.Digest{3}, now), "", "")
	wants(t, d.Approve("release", statement.Digest{3}, now), "", "")
	wants(t, d.Release(by, what), fault.Denied, "not what was submitted any more")
	wants(t, d.Release(statement.By{Role: "duty-officer", Officer: by.Officer}, statement.Digest{3}), fault.Denied, "not what was submitted any more")
	wants(t, d.Release(by, statement.Digest{3}), "", "")
	wants(t, d.Edit(func(c *Content) error { return nil }, now), "", "") // even a change of nothing
	wants(t, d.Release(by, statement.Digest{3}), fault.Inadmissible, "only what another officer has approved is released")
	wants(t, d.Edit(func(c *Content) error { c.Text = "lost"; return fault.New(fault.Usage, "", "no") }, now), fault.Usage, "no")
	if d.Text != "better" {
		t.Error("a change that failed has changed something")
	}
}

// TestApprovedMeansTwo: whatever is done in whatever order, what can be released was approved by another than the author, in exactly this form.
func TestApprovedMeansTwo(t *testing.T) {
	t.Parallel()
	// spec: DEC-10
	rapid.Check(t, func(t *rapid.T) {
		d := sample()
		var approved statement.Digest // of which somebody else has said yes since the last change
		for range rapid.IntRange(1, 20).Draw(t, "n") {
			digest := statement.Digest{rapid.ByteRange(1, 2).Draw(t, "digest")}
			who := rapid.SampledFrom([]string{"writer", "release", "legal", ""}).Draw(t, "who")
			switch rapid.IntRange(0, 3).Draw(t, "step") {
			case 0:
				if d.Edit(func(c *Content) error { c.Text += "."; return nil }, now) == nil {
					approved = statement.Digest{}
				}
			case 1:
				if d.Submit(digest, now) == nil {
					approved = statement.Digest{}
				}
			case 2:
				if d.Approve(who, digest, now) == nil {
					if approved = digest; who == d.Author {
						t.Fatal("the author has approved")
					}
				}
			case 3:
				if d.Return(who, "because", now) == nil {
					approved = statement.Digest{}
				}
			}
			for _, digest := range []statement.Digest{{1}, {2}} {
				if may := d.Release(by, digest) == nil; may != (digest == approved) {
					t.Fatalf("release of %v is %v, approved was %v", digest[0], may, approved[0])
				}
			}
		}
	})
}

func TestRow(t *testing.T) {
	t.Parallel()
	d := sample()
	row, err := d.Row()
	if err != nil {
		t.Fatal(err)
	}
	got, err := Parse(row)
	if err != nil || !reflect.DeepEqual(got, d) {
		t.Errorf("%+v\n%+v, %v", got, d, err)
	}
	row.Content = []byte(`{"colour":"red"}`)
	_, err = Parse(row)
	wants(t, err, fault.Internal, "another version")
	if other := sample(); other.ID == d.ID || len(Name(d.ID)) != 32 || !strings.HasPrefix(Name(d.ID), d.Short()) {
		t.Error("names of drafts")
	}
}
