package intel

import (
	"reflect"
	"slices"
	"testing"
	"time"

	"github.com/comity-exchange/comity/fault"
	"github.com/comity-exchange/comity/marking"
	"github.com/comity-exchange/comity/party"
	"github.com/comity-exchange/comity/statement"
	"github.com/comity-exchange/comity/thread"
	"github.com/comity-exchange/comity/thread/threadtest"
)

// offer lets XA offer a feed to XB.
func offer(t *testing.T) *threadtest.Talk {
	t.Helper()
	k := threadtest.NewTalk(t, Desk{})
	k.Open("XA", []party.Code{"XB"}, KindOffer, Offer{Feed: "all", Sector: "energy"})
	return k
}

func increment(n, objects, through int64, more bool, held ...Held) Increment {
	return Increment{N: n, Objects: objects, Through: through, More: more, Held: held, Sector: "energy"}
}

func read(t *testing.T, k *threadtest.Talk) View {
	t.Helper()
	v, ok := Read(k.Fold().State)
	if !ok {
		t.Fatal("no view")
	}
	return v
}

// takes wants heads that count, or are void for a reason.
func takes(t *testing.T, k *threadtest.Talk, want thread.Reason, heads map[string]*statement.Head) {
	t.Helper()
	for name, h := range heads {
		if got := k.Void(h); got != want {
			t.Errorf("%s: void %q, want %q", name, got, want)
		}
	}
}

// TestLifeOfAFeed walks through INT-5: what was said, the status, and what each can say then.
func TestLifeOfAFeed(t *testing.T) {
	t.Parallel()
	// spec: INT-1, INT-5, INT-8
	k := offer(t)
	step := func(status Status, own, peer []statement.Kind) {
		t.Helper()
		sum := k.Summary()
		if got := read(t, k).Status; got != status || sum.Status != string(status) || sum.Closed != (status == Ended) || len(sum.Asks)+len(sum.Clocks) > 0 {
			t.Errorf("%s, %+v; want %s", got, sum, status)
		}
		if a, b := k.Can("XA"), k.Can("XB"); !slices.Equal(a, own) || !slices.Equal(b, peer) {
			t.Errorf("%s: XA %v, XB %v", status, a, b)
		}
	}
	type kinds = []statement.Kind
	step(Offered, kinds{KindEnd}, kinds{KindSubscribe})
	takes(t, k, thread.NotAdmissible, map[string]*statement.Head{
		"an increment that nobody subscribed to": k.Say("XA", KindIncrement, increment(1, 1, 1, false)),
		"a subscription by who offers":           k.Say("XA", KindSubscribe, Subscribe{}),
		"a sighting of nothing":                  k.Say("XB", KindSighting, Sighting{Count: 1}),
	})
	k.Say("XB", KindSubscribe, Subscribe{})
	step(Subscribed, kinds{KindIncrement, KindEnd}, kinds{KindUnsubscribe})
	k.Say("XA", KindIncrement, increment(1, 4, 10, true))
	step(Subscribed, kinds{KindIncrement, KindEnd}, kinds{KindUnsubscribe, KindSighting})
	k.Say("XB", KindUnsubscribe, Unsubscribe{})
	step(Unsubscribed, kinds{KindEnd}, kinds{KindSubscribe, KindSighting})
	takes(t, k, thread.NotAdmissible, map[string]*statement.Head{"an increment after that": k.Say("XA", KindIncrement, increment(2, 1, 11, false))})
	k.Say("XB", KindSubscribe, Subscribe{After: 1})
	k.Say("XA", KindEnd, End{})
	step(Ended, nil, kinds{KindSighting})
	takes(t, k, thread.NotAdmissible, map[string]*statement.Head{
		"an increment after the end": k.Say("XA", KindIncrement, increment(2, 1, 12, false)),
		"a subscription after it":    k.Say("XB", KindSubscribe, Subscribe{}),
		"another feed in it":         k.Say("XA", KindOffer, Offer{Feed: "other"}),
	})
}

func TestIncrementsFollowEachOther(t *testing.T) {
	t.Parallel()
	// spec: INT-6, INT-7
	k := offer(t)
	k.Say("XB", KindSubscribe, Subscribe{})
	say := func(f Increment) *statement.Head { return k.Say("XA", KindIncrement, f) }
	takes(t, k, thread.NotAdmissible, map[string]*statement.Head{
		"the second before the first": say(increment(2, 1, 1, false)),
		"another sector":              say(Increment{N: 1, Objects: 1, Sector: "finance"}),
		"another purpose":             say(Increment{N: 1, Objects: 1, Sector: "energy", Purpose: "research"}),
		"nothing, and more to come":   say(increment(1, 0, 1, true)),
	})
	say(increment(1, 3, 10, true, Held{ByOriginator, 2}))
	takes(t, k, thread.NotAdmissible, map[string]*statement.Head{
		"the first again":       say(increment(1, 3, 11, true)),
		"behind the one before": say(increment(2, 3, 9, true)),
	})
	say(increment(2, 0, 10, false))                       // no more is ready
	say(increment(3, 0, 12, false, Held{ByAgreement, 5})) // something is held back
	takes(t, k, thread.NotAdmissible, map[string]*statement.Head{"nothing at all": say(increment(4, 0, 13, false))})
	say(increment(4, 6, 13, false, Held{ByOriginator, 1}))
	want := View{
		Form: AFeed, By: "XA", To: []party.Code{"XB"}, Status: Subscribed, Offer: Offer{Feed: "all", Sector: "energy"},
		Objects: 9, N: 4, Through: 13, Held: []Held{{ByAgreement, 5}, {ByOriginator, 3}},
	}
	if got := read(t, k); !reflect.DeepEqual(got, want) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
}

// TestSubscribedAnew: what was on its way when its peer left still counts; what comes after a new subscription may go back to the beginning.
func TestSubscribedAnew(t *testing.T) {
	t.Parallel()
	// spec: INT-6
	k := offer(t)
	k.Say("XB", KindSubscribe, Subscribe{})
	first := k.Say("XA", KindIncrement, increment(1, 3, 50, false))
	takes(t, k, thread.NotAdmissible, map[string]*statement.Head{"subscribed while subscribed": k.Say("XB", KindSubscribe, Subscribe{})})
	left := k.Say("XB", KindUnsubscribe, Unsubscribe{}, threadtest.After(k.Heads...))
	back := k.Say("XB", KindSubscribe, Subscribe{}, threadtest.After(left))
	onItsWay := k.Say("XA", KindIncrement, increment(2, 3, 60, false), threadtest.After(first))
	if v := read(t, k); k.Void(back) != "" || k.Void(onItsWay) != "" || v.N != 2 || !v.Fresh || v.Through != 60 || v.After != 0 {
		t.Fatalf("%+v", v)
	}
	again := k.Say("XA", KindIncrement, increment(3, 9, 5, true))
	if v := read(t, k); k.Void(again) != "" || v.Fresh || v.Through != 5 || !v.More {
		t.Fatalf("%+v", v)
	}
	k.Say("XB", KindUnsubscribe, Unsubscribe{})
	takes(t, k, thread.NotAdmissible, map[string]*statement.Head{"after an increment that never was": k.Say("XB", KindSubscribe, Subscribe{After: 4})})
	k.Say("XB", KindSubscribe, Subscribe{After: 2})
	if v := read(t, k); v.After != 2 || !v.Fresh || v.More {
		t.Fatalf("%+v", v)
	}
}

func TestSource(t *testing.T) {
	t.Parallel()
	// spec: INT-1, INT-5
	k := threadtest.NewTalk(t, Desk{})
	k.Open("XA", nil, KindSource, Source{Name: "sensors", Format: "stix"})
	k.Say("XA", KindImport, Import{Objects: 7, Refused: 1})
	k.Say("XA", KindImport, Import{Objects: 2, Duplicates: 4})
	want := View{Form: ASource, By: "XA", To: []party.Code{}, Status: Open, Name: "sensors", Format: "stix", Objects: 9}
	if got := read(t, k); !reflect.DeepEqual(got, want) {
		t.Errorf("%+v", got)
	}
	k.Say("XA", KindEnd, End{})
	takes(t, k, thread.NotAdmissible, map[string]*statement.Head{"after the end": k.Say("XA", KindImport, Import{Objects: 1})})
	if !k.Summary().Closed || k.Can("XA") != nil {
		t.Error("an ended source takes more")
	}
}

// Only what a source of its party's own words brings can be its own; what else comes into it has been gathered.
func TestOwnWords(t *testing.T) {
	t.Parallel()
	// spec: INT-9
	for _, c := range []struct{ source, brought, gathered, void bool }{
		{false, false, true, false}, {true, false, true, false}, {true, true, false, false}, {false, true, false, true},
	} {
		k := threadtest.NewTalk(t, Desk{})
		k.Open("XA", nil, KindSource, Source{Name: "sensors", Own: c.source})
		h := k.Say("XA", KindImport, Import{Objects: 1, Own: c.brought})
		if got := (Desk{}).Gathers(h); got != c.gathered {
			t.Errorf("%+v: gathered is %t", c, got)
		}
		if v := read(t, k); v.Own != c.source {
			t.Errorf("%+v: %+v", c, v)
		}
		want := map[bool]thread.Reason{true: thread.NotAdmissible}[c.void]
		takes(t, k, want, map[string]*statement.Head{"import": h})
	}
	if (Desk{}).Gathers(&statement.Head{Kind: KindShare, Facts: []byte(`{"objects":1}`)}) {
		t.Error("a share is said to be gathered")
	}
}

func TestSightingsAddUp(t *testing.T) {
	t.Parallel()
	// spec: INT-8
	k := threadtest.NewTalk(t, Desk{})
	k.Open("XA", []party.Code{"XB", "XC"}, KindShare, Share{Objects: 2})
	at := func(hour int) statement.Time {
		return statement.TimeOf(threadtest.Start().Add(time.Duration(hour) * time.Hour))
	}
	k.Say("XB", KindSighting, Sighting{Objects: 1, Count: 5, First: at(-3), Last: at(-2)})
	k.Say("XB", KindSighting, Sighting{Objects: 1, Count: maxNumber, First: at(-5), Last: at(-4)})
	k.Say("XC", KindSighting, Sighting{Count: 1})
	takes(t, k, thread.NotAdmissible, map[string]*statement.Head{"by who shared": k.Say("XA", KindSighting, Sighting{Count: 1})})
	takes(t, k, thread.BadFacts, map[string]*statement.Head{
		"of nothing":     k.Say("XC", KindSighting, Sighting{Objects: 1}),
		"one time alone": k.Say("XC", KindSighting, Sighting{Count: 1, First: at(-1)}),
		"last before":    k.Say("XC", KindSighting, Sighting{Count: 1, First: at(-1), Last: at(-2)}),
		"too often":      k.Say("XC", KindSighting, Sighting{Count: 2, Objects: -1}),
	})
	want := map[party.Code]Tally{"XB": {2, maxNumber, at(-5), at(-2)}, "XC": {Reports: 1, Count: 1}}
	if got := read(t, k); !reflect.DeepEqual(got.Seen, want) || !k.Summary().Closed || got.Status != Shared {
		t.Errorf("%+v", got)
	}
}

func TestFacts(t *testing.T) {
	t.Parallel()
	// spec: INT-1, INT-4, INT-7
	xb, nobody := []party.Code{"XB"}, []party.Code{}
	var many []string
	for i := range MaxList + 1 {
		many = append(many, "x-"+string(rune('a'+i%26))+string(rune('a'+i/26)))
	}
	for name, c := range map[string]struct {
		kind  statement.Kind
		to    []party.Code
		facts any
		void  thread.Reason
	}{
		"a source for somebody":       {KindSource, xb, Source{Name: "sensors"}, thread.BadFacts},
		"a source without a name":     {KindSource, nobody, Source{}, thread.BadFacts},
		"an offer to nobody":          {KindOffer, nobody, Offer{Feed: "all"}, thread.BadFacts},
		"an offer to two":             {KindOffer, []party.Code{"XB", "XC"}, Offer{Feed: "all"}, thread.BadFacts},
		"an offer of all types":       {KindOffer, xb, Offer{Feed: "all", Types: many[1:]}, ""},
		"an offer of too many":        {KindOffer, xb, Offer{Feed: "all", Types: many}, thread.BadFacts},
		"an offer of a type twice":    {KindOffer, xb, Offer{Feed: "all", Types: []string{"malware", "indicator", "malware"}}, thread.BadFacts},
		"an offer of no type":         {KindOffer, xb, map[string]any{"feed": "all", "types": []string{}}, thread.BadFacts},
		"an offer of an empty label":  {KindOffer, xb, Offer{Feed: "all", Labels: []string{""}}, thread.BadFacts},
		"an offer above every label":  {KindOffer, xb, Offer{Feed: "all", TLPMax: "ORANGE"}, thread.BadFacts},
		"an offer of more than sure":  {KindOffer, xb, Offer{Feed: "all", ConfidenceMin: 101}, thread.BadFacts},
		"a share of nothing":          {KindShare, xb, Share{}, thread.BadFacts},
		"a share with nobody":         {KindShare, nobody, Share{Objects: 1}, thread.BadFacts},
		"a sighting as an opener":     {KindSighting, xb, Sighting{Count: 1}, thread.NotAdmissible},
		"an offer up to TLP:RED":      {KindOffer, xb, Offer{Feed: "all", TLPMax: marking.Red}, ""},
		"an offer with a member more": {KindOffer, xb, map[string]any{"feed": "all", "limit": 3}, thread.BadFacts},
	} {
		k := threadtest.NewTalk(t, Desk{})
		if got := k.Void(k.Open("XA", c.to, c.kind, c.facts)); got != c.void {
			t.Errorf("%s: void %q, want %q", name, got, c.void)
		}
	}
	k := offer(t)
	k.Say("XB", KindSubscribe, Subscribe{})
	for name, held := range map[string][]Held{
		"no reason": {{"", 1}}, "a reason of its own": {{"secret", 1}}, "nothing held": {{ByCaveat, 0}}, "twice": {{ByCaveat, 1}, {ByCaveat, 1}},
	} {
		if got := k.Void(k.Say("XA", KindIncrement, increment(1, 1, 1, false, held...))); got != thread.BadFacts {
			t.Errorf("%s: void %q", name, got)
		}
	}
}

// TestParcels holds the author's side to what no fold can see.
func TestParcels(t *testing.T) {
	t.Parallel()
	// spec: INT-2, INT-8
	k := offer(t)
	parcel := statement.Blob{Name: "1.jsonl", Type: ParcelType, Size: 10}
	large, other := parcel, parcel
	large.Size, other.Type = MaxParcelBytes+1, "application/json"
	for name, c := range map[string]struct {
		kind  statement.Kind
		facts any
		text  string
		blobs []statement.Blob
		ok    bool
	}{
		"one parcel":                {KindIncrement, increment(1, 1000, 1, false), "", []statement.Blob{parcel}, true},
		"more objects than fit":     {KindIncrement, increment(1, 1001, 1, false), "", []statement.Blob{parcel}, false},
		"more parcels than objects": {KindIncrement, increment(1, 1, 1, false), "", []statement.Blob{parcel, parcel}, false},
		"no parcel":                 {KindIncrement, increment(1, 1, 1, false), "", nil, false},
		"too large":                 {KindShare, Share{Objects: 1}, "", []statement.Blob{large}, false},
		"of another type":           {KindShare, Share{Objects: 1}, "", []statement.Blob{other}, false},
		"too many":                  {KindImport, Import{Objects: 65}, "", slices.Repeat([]statement.Blob{parcel}, 65), false},
		"as many as go":             {KindImport, Import{Objects: 64_000}, "", slices.Repeat([]statement.Blob{parcel}, 64), true},
		"seen, and nothing said":    {KindSighting, Sighting{Count: 1}, "", nil, false},
		"seen, and said what":       {KindSighting, Sighting{Count: 1}, "The address of the second report.", nil, true},
		"a kind without objects":    {KindSubscribe, Subscribe{}, "", nil, true},
	} {
		h := k.Say("XA", c.kind, c.facts)
		err := k.Rules.CheckBody(h, &statement.Body{Text: c.text, Blobs: c.blobs})
		if (err == nil) != c.ok || err != nil && fault.CodeOf(err) != fault.Inadmissible {
			t.Errorf("%s: %v", name, err)
		}
		if c.text == "" && len(c.blobs) == 0 {
			if err := k.Rules.CheckBody(h, nil); (err == nil) != c.ok {
				t.Errorf("%s, no body: %v", name, err)
			}
		}
	}
}
