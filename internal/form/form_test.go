package form_test

import (
	"bytes"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/comity-exchange/comity/desk/assist"
	"github.com/comity-exchange/comity/desk/instrument"
	"github.com/comity-exchange/comity/fault"
	"github.com/comity-exchange/comity/internal/form"
	"github.com/comity-exchange/comity/internal/node"
	"github.com/comity-exchange/comity/statement"
	"github.com/comity-exchange/comity/thread"
)

func rules(t *testing.T) *thread.Rules {
	t.Helper()
	r, err := thread.NewRules(node.Desks()...)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func reader(t *testing.T, kind statement.Kind) *form.Facts {
	t.Helper()
	spec, ok := rules(t).Spec(kind)
	if !ok {
		t.Fatalf("there is no kind %s", kind)
	}
	return &form.Facts{Spec: spec, Moment: statement.ParseTime, Find: statement.ParseID, Label: func(name string) string { return name }}
}

// TestRoundTrip reads back what Values has written, for facts of every shape.
func TestRoundTrip(t *testing.T) {
	t.Parallel()
	id := statement.ID{1}.String()
	now := statement.TimeOf(time.Date(2026, 3, 2, 8, 0, 0, 0, time.UTC)).String()
	for kind, facts := range map[statement.Kind]string{
		assist.KindRequest:           `{"type":"preservation","purpose":"recovery","sector":"energy"}`,
		assist.KindClarify:           `{"wanted":["addresses","period"]}`,
		assist.KindSupplement:        `{"for":"` + id + `","purpose":"recovery"}`,
		assist.KindPostpone:          `{"reason":"ongoing-case","until":"` + now + `"}`,
		assist.KindGrant:             `{"extent":"part","conditions":["return"]}`,
		assist.KindAcknowledge:       `{}`,
		instrument.KindSign:          `{"digest":"` + id + `","reservations":["4","7"]}`,
		instrument.KindInvite:        `{"party":"XC"}`,
		instrument.KindRatify:        `{"digest":"` + id + `","as":"acceptance"}`,
		statement.Kind("recall.ask"): `{"of":["` + id + `"],"reason":"incorrect"}`,
	} {
		r := reader(t, kind)
		values := form.Values(r.Spec, []byte(facts), statement.Time.String)
		got, err := r.Read(values)
		if err != nil || !bytes.Equal(got, []byte(facts)) {
			t.Errorf("%s: %s became %s, %v", kind, facts, got, err)
		}
	}
}

func TestRefused(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		kind   statement.Kind
		values map[string][]string
		says   string
	}{
		{assist.KindPostpone, map[string][]string{"reason": {"ongoing-case"}}, "until: this is to be filled in"},
		{assist.KindPostpone, map[string][]string{"reason": {"x"}, "until": {"tomorrow"}}, "until: a date and a time are wanted"},
		{assist.KindAccept, map[string][]string{"answer": {"zz"}}, "answer: "},
		{assist.KindClarify, map[string][]string{"wanted": {"  "}}, "wanted: this is to be filled in"},
		{instrument.KindSign, map[string][]string{"digest": {"12"}}, "64 lower-case hexadecimal digits"},
		{instrument.KindInvite, map[string][]string{"party": {"no code"}}, "party: "},
	} {
		if _, err := reader(t, c.kind).Read(c.values); fault.CodeOf(err) != fault.Usage || !strings.Contains(fault.Show(err), c.says) {
			t.Errorf("%s %v: %v, want %q", c.kind, c.values, err, c.says)
		}
	}
	r := reader(t, assist.KindRequest)
	raw, err := r.Read(map[string][]string{"type": {"espionage"}})
	if err != nil {
		t.Fatal(err)
	}
	h := &statement.Head{From: "XA", Kind: assist.KindRequest, Facts: raw}
	if err := r.Check(h); fault.CodeOf(err) != fault.Usage || fault.ClauseOf(err) != "AST-2" {
		t.Errorf("the kind's own check: %v", err)
	}
}

// TestLists takes a list at once, with commas or line ends between, and in several fields.
func TestLists(t *testing.T) {
	t.Parallel()
	r := reader(t, assist.KindRefuse)
	raw, err := r.Read(map[string][]string{"grounds": {"sovereignty, security", "ongoing-case\nother", " "}})
	if want := `{"grounds":["sovereignty","security","ongoing-case","other"]}`; err != nil || string(raw) != want {
		t.Errorf("%s, %v; want %s", raw, err, want)
	}
}

// TestKept leaves facts that have no field as they were: a request's clock is the agreement's.
func TestKept(t *testing.T) {
	t.Parallel()
	r := reader(t, assist.KindRequest)
	r.Was = []byte(`{"type":"analysis","purpose":"recovery","clock":{"acknowledge":60,"answer":600}}`)
	raw, err := r.Read(map[string][]string{"type": {"takedown"}})
	if want := `{"type":"takedown","clock":{"acknowledge":60,"answer":600}}`; err != nil || string(raw) != want {
		t.Errorf("%s, %v; want %s", raw, err, want)
	}
}

// TestEveryKind wants a form of every kind that carries no document: no required fact is without a field.
func TestEveryKind(t *testing.T) {
	t.Parallel()
	var without []string
	for _, spec := range rules(t).Specs() {
		if d := spec.Kind.Desk(); d != "office" && d != "receipt" && d != "thread" && d != "credence" && !form.Whole(spec) {
			without = append(without, string(spec.Kind))
		}
	}
	slices.Sort(without)
	if want := []string{"instrument.amend", "instrument.deposit", "instrument.propose"}; !slices.Equal(without, want) {
		t.Errorf("no form: %v, want %v", without, want)
	}
}
