package evidence_test

import (
	"bytes"
	"slices"
	"testing"
	"time"

	"github.com/go-json-experiment/json"
	"pgregory.net/rapid"

	"github.com/comity-exchange/comity/evidence"
	"github.com/comity-exchange/comity/party"
	"github.com/comity-exchange/comity/statement"
	"github.com/comity-exchange/comity/thread"
	"github.com/comity-exchange/comity/translog"
)

// A stranger who holds three letters learns from one file that XA asked, that XB received it, and who saw XA's log.
//
// spec: EVD-1, EVD-2, EVD-3, EVD-4, EVD-5, EVD-6, EVD-8
func TestStory(t *testing.T) {
	t.Parallel()
	s := newStory(t)
	raw, err := s.bundle.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	b, err := evidence.Parse(raw)
	if err != nil {
		t.Fatal(err)
	}
	r := evidence.Verify(b, s.letters())
	if !r.OK() {
		t.Fatalf("not proven: %+v", r.Items)
	}
	got := r.Items[0]
	head := s.xa.heads[s.index]
	if got.ID != head.ID || got.From != "XA" || !slices.Equal(got.To, []party.Code{"XB"}) || got.Kind != "assist.request" || got.Time != head.Time ||
		got.Origin != "XA/1" || got.Index != s.index || got.Body != evidence.BodyPresent || got.Signed != statement.TimeOf(noon.Add(time.Minute)) {
		t.Errorf("got %+v", got)
	}
	if want := []evidence.Witness{{"XB", statement.TimeOf(noon.Add(2 * time.Minute))}, {"XC", statement.TimeOf(noon.Add(3 * time.Minute))}}; !slices.Equal(got.Witnessed, want) || got.Unwitnessed != nil {
		t.Errorf("witnessed %+v, %+v", got.Witnessed, got.Unwitnessed)
	}
	receipt := s.xb.heads[1]
	if want := []evidence.Arrival{{Party: "XB", Time: receipt.Time, Receipt: receipt.ID, Head: true, Body: true}}; !slices.Equal(got.Arrived, want) {
		t.Errorf("arrived %+v", got.Arrived)
	}
	if r := r.Items[1]; r.Kind != thread.KindDelivered || r.Body != evidence.BodyNone || len(r.Witnessed) != 0 || len(r.Arrived) != 0 {
		t.Errorf("the receipt: %+v", r)
	}
	if len(r.Letters) != 3 {
		t.Fatalf("%d letters", len(r.Letters))
	}
	for i, l := range r.Letters {
		if want := s.letters()[i]; l.Source != evidence.Given || !l.Relied || l.Code != want.Code || l.Digest != want.Digest || !slices.Equal(l.Words, want.Words()) || l.Why != nil {
			t.Errorf("letter %+v", l)
		}
	}
	if text, err := json.Marshal(r); err != nil || bytes.Contains(text, []byte("null")) {
		t.Errorf("as JSON: %s, %v", text, err)
	}
}

// spec: EVD-7
func TestWithheldBody(t *testing.T) {
	t.Parallel()
	s := newStory(t)
	s.bundle.Items[0].Body = nil
	r := evidence.Verify(s.bundle, s.letters())
	if !r.OK() || r.Items[0].Body != evidence.BodyWithheld || len(r.Items[0].Witnessed) != 2 || len(r.Items[0].Arrived) != 1 {
		t.Errorf("got %+v", r.Items[0])
	}
}

// spec: EVD-3, EVD-8
func TestNotProven(t *testing.T) {
	t.Parallel()
	s := newStory(t)
	other, otherBody := s.xa.ask(s.xb, "Something else.")
	size := s.xa.size()
	for name, c := range map[string]struct {
		change func(*evidence.Item)
		clause string
	}{
		"as it is":                  {func(*evidence.Item) {}, ""},
		"head of another":           {func(i *evidence.Item) { i.Head, i.Body = s.xa.heads[other].Raw, otherBody }, "LOG-6"},
		"head changed":              {func(i *evidence.Item) { i.Head = bytes.Replace(i.Head, []byte("AMBER"), []byte("CLEAR"), 1) }, "LOG-6"},
		"no head":                   {func(i *evidence.Item) { i.Head = []byte("{}") }, "STM-1"},
		"head with a line feed":     {func(i *evidence.Item) { i.Head = append(bytes.Clone(i.Head), '\n') }, "ENC-1"},
		"body of another":           {func(i *evidence.Item) { i.Body = otherBody }, "STM-3"},
		"no body":                   {func(i *evidence.Item) { i.Body = []byte("{}") }, "STM-3"},
		"another index":             {func(i *evidence.Item) { i.Proof.Index++ }, "LOG-6"},
		"index outside":             {func(i *evidence.Item) { i.Proof.Index = size }, "LOG-1"},
		"negative index":            {func(i *evidence.Item) { i.Proof.Index = -1 }, "LOG-1"},
		"path too short":            {func(i *evidence.Item) { i.Proof.Path = i.Proof.Path[1:] }, "LOG-6"},
		"no path":                   {func(i *evidence.Item) { i.Proof.Path = nil }, "LOG-6"},
		"checkpoint of another log": {func(i *evidence.Item) { i.Proof.Checkpoint = s.xb.checkpoint(2) }, "LOG-6"},
		"checkpoint of other size":  {func(i *evidence.Item) { i.Proof.Checkpoint = s.xa.checkpoint(size) }, "LOG-6"},
		"no checkpoint":             {func(i *evidence.Item) { i.Proof.Checkpoint = nil }, "LOG-3"},
		"one signature of two": {func(i *evidence.Item) {
			lines := bytes.SplitAfter(i.Proof.Checkpoint, []byte("\n"))
			i.Proof.Checkpoint = bytes.Join(lines[:5], nil)
		}, "LOG-4"},
		"signed by another": {func(i *evidence.Item) {
			b, err := translog.SignCheckpoint(s.xb.keys, s.xa.tree(size), noon)
			if err != nil {
				t.Fatal(err)
			}
			i.Proof.Checkpoint = b
		}, "LOG-4"},
	} {
		items := slices.Clone(s.bundle.Items)
		c.change(&items[0])
		r := evidence.Verify(&evidence.Bundle{Items: items}, s.letters())
		wantWhy(t, name, r.Items[0], c.clause)
		wantWhy(t, name+": the receipt", r.Items[1], "")
		if r.OK() != (c.clause == "") {
			t.Errorf("%s: OK is %v", name, r.OK())
		}
		if c.clause != "" && (len(r.Items[0].Arrived) > 0 || len(r.Items[0].Witnessed) > 0) {
			t.Errorf("%s: not proven, and yet %+v", name, r.Items[0])
		}
	}
	// A head that somebody else put into a log of their own.
	forged := s.xb.say(statement.Head{To: []party.Code{"XA"}, Kind: "assist.request"})
	item := s.xb.item(forged, s.xb.size(), nil)
	item.Head = bytes.Replace(item.Head, []byte(`"from":"XB"`), []byte(`"from":"XC"`), 1)
	wantWhy(t, "another's log", evidence.Verify(&evidence.Bundle{Items: []evidence.Item{item}}, s.letters()).Items[0], "LOG-6")
	if evidence.Verify(&evidence.Bundle{}, s.letters()).OK() {
		t.Error("nothing is proven by nothing")
	}
}

// spec: EVD-4, LOG-11
func TestWitnessed(t *testing.T) {
	t.Parallel()
	s := newStory(t)
	size, grown := s.index+3, s.xa.size()
	first, last := s.xa.checkpoint(size), s.xa.checkpoint(grown)
	fork := newNode(t, "XA")
	for range grown {
		fork.say(statement.Head{Kind: "note.other"})
	}
	at := noon.Add(time.Hour)
	both := []party.Code{"XB", "XC"}
	for name, c := range map[string]struct {
		cosigned []byte
		steps    []evidence.Step
		letters  []*party.Letter
		want     []party.Code
		clause   string
	}{
		"in one step":            {s.xb.witness(last, s.xa, at), s.xa.steps(size, grown), s.letters(), []party.Code{"XB"}, ""},
		"in many":                {s.xc.witness(s.xb.witness(last, s.xa, at), s.xa, at), s.xa.steps(size, size+1, 100, 256, 257, grown), s.letters(), both, ""},
		"the proof's own":        {s.xb.witness(first, s.xa, at), nil, s.letters(), []party.Code{"XB"}, ""},
		"the author itself":      {s.xa.witness(last, s.xa, at), s.xa.steps(size, grown), s.letters(), nil, ""},
		"without its letter":     {s.xb.witness(last, s.xa, at), s.xa.steps(size, grown), s.letters()[:1], nil, ""},
		"nobody":                 {last, s.xa.steps(size, grown), s.letters(), nil, ""},
		"no steps":               {s.xb.witness(last, s.xa, at), nil, s.letters(), nil, "EVD-4"},
		"a step missing":         {s.xb.witness(last, s.xa, at), s.xa.steps(100, grown), s.letters(), nil, "EVD-4"},
		"steps too short":        {s.xb.witness(last, s.xa, at), s.xa.steps(size, 100), s.letters(), nil, "EVD-4"},
		"steps that go back":     {s.xb.witness(last, s.xa, at), append(s.xa.steps(size, 100), s.xa.steps(50, grown)...), s.letters(), nil, "EVD-4"},
		"a step in place":        {s.xb.witness(first, s.xa, at), []evidence.Step{{From: size, To: size}}, s.letters(), nil, "EVD-4"},
		"a step of another log":  {s.xb.witness(last, s.xa, at), fork.steps(size, grown), s.letters(), nil, "LOG-8"},
		"steps to another root":  {s.xb.witness(fork.checkpoint(grown), s.xa, at), s.xa.steps(size, grown), s.letters(), nil, "LOG-8"},
		"another history":        {s.xb.witness(fork.checkpoint(size), s.xa, at), nil, s.letters(), nil, "LOG-9"},
		"another log's":          {s.xb.witness(s.xc.emptyCheckpoint(), s.xc, at), nil, s.letters(), nil, "LOG-4"},
		"not even a checkpoint":  {[]byte("nothing"), nil, s.letters(), nil, "LOG-3"},
		"without the log's hand": {bytes.Join(bytes.SplitAfter(s.xb.witness(first, s.xa, at), []byte("\n"))[:5], nil), nil, s.letters(), nil, "LOG-4"},
	} {
		item := s.bundle.Items[0]
		item.Cosigned, item.Consistency = c.cosigned, c.steps
		r := evidence.Verify(&evidence.Bundle{Items: []evidence.Item{item}}, c.letters).Items[0]
		wantWhy(t, name, r, "")
		var got []party.Code
		for _, w := range r.Witnessed {
			got = append(got, w.Party)
		}
		clause := ""
		if r.Unwitnessed != nil {
			clause = r.Unwitnessed.Clause
		}
		if !slices.Equal(got, c.want) || clause != c.clause {
			t.Errorf("%s: %v %+v, want %v %q", name, got, r.Unwitnessed, c.want, c.clause)
		}
	}
}

func (n *node) emptyCheckpoint() []byte { return n.checkpoint(0) }

// spec: EVD-5, RCP-1
func TestArrival(t *testing.T) {
	t.Parallel()
	s := newStory(t)
	size := s.index + 3
	root := statement.Digest(s.xa.tree(size).Root)
	ok := thread.Delivered{
		Origin: "XA/1", Size: size, Root: root, Bodies: []thread.Range{}, Blobs: []thread.BlobsArrived{},
		Heads: []thread.Range{{0, 2}, {s.index, s.index + 1}},
	}
	with := func(f func(*thread.Delivered)) thread.Delivered { d := ok; f(&d); return d }
	for name, c := range map[string]struct {
		by    *node
		to    *node
		facts thread.Delivered
		want  *evidence.Arrival
	}{
		"head":       {s.xb, s.xa, ok, &evidence.Arrival{Party: "XB", Head: true}},
		"body alone": {s.xb, s.xa, with(func(d *thread.Delivered) { d.Heads, d.Bodies = []thread.Range{}, d.Heads }), &evidence.Arrival{Party: "XB", Body: true}},
		"blobs alone": {s.xb, s.xa, with(func(d *thread.Delivered) {
			d.Heads, d.Blobs = []thread.Range{}, []thread.BlobsArrived{{Index: s.index, Arrived: 3}}
		}), &evidence.Arrival{Party: "XB", Blobs: 3}},
		"other indexes":      {s.xb, s.xa, with(func(d *thread.Delivered) { d.Heads = []thread.Range{{0, s.index}, {s.index + 1, size}} }), nil},
		"ranges that cross":  {s.xb, s.xa, with(func(d *thread.Delivered) { d.Heads = []thread.Range{{0, size}, {0, size}} }), nil},
		"another log":        {s.xb, s.xa, with(func(d *thread.Delivered) { d.Origin = "XA/2" }), nil},
		"another history":    {s.xb, s.xa, with(func(d *thread.Delivered) { d.Root = statement.Digest{1} }), nil},
		"a later size":       {s.xb, s.xa, with(func(d *thread.Delivered) { d.Size, d.Root = 99, statement.Digest{1} }), &evidence.Arrival{Party: "XB", Head: true}},
		"not a recipient":    {s.xc, s.xa, ok, nil},
		"not to the author":  {s.xb, s.xc, ok, nil},
		"by the author, too": {s.xa, s.xb, ok, nil},
	} {
		i := c.by.receipt(c.to, c.facts)
		b := &evidence.Bundle{Items: []evidence.Item{s.bundle.Items[0], c.by.item(i, c.by.size(), nil)}}
		r := evidence.Verify(b, s.letters())
		if !r.OK() {
			t.Errorf("%s: %+v", name, r.Items)
		}
		var want []evidence.Arrival
		if c.want != nil {
			head := c.by.heads[i]
			c.want.Time, c.want.Receipt = head.Time, head.ID
			want = append(want, *c.want)
		}
		if !slices.Equal(r.Items[0].Arrived, want) {
			t.Errorf("%s: got %+v, want %+v", name, r.Items[0].Arrived, want)
		}
		// Without the receiver's letter its receipt proves nothing.
		if r := evidence.Verify(b, s.letters()[:1]); c.by != s.xa && (len(r.Items[0].Arrived) != 0 || r.OK()) {
			t.Errorf("%s: arrived without a letter", name)
		}
	}
	// Two receipts come in the order of their times; a refusal of the second leaves the first.
	a, b := s.xb.receipt(s.xa, ok), s.xb.receipt(s.xa, ok)
	r := evidence.Verify(&evidence.Bundle{Items: []evidence.Item{s.xb.item(b, s.xb.size(), nil), s.bundle.Items[0], s.xb.item(a, s.xb.size(), nil)}}, s.letters())
	if got := r.Items[1].Arrived; len(got) != 2 || got[0].Receipt != s.xb.heads[a].ID || got[1].Receipt != s.xb.heads[b].ID {
		t.Errorf("got %+v", got)
	}
}

// Whatever byte of a file is changed, nothing is proven that was not said.
//
// spec: EVD-3, EVD-8
func TestFlippedBytes(t *testing.T) {
	t.Parallel()
	s := newStory(t)
	raw, err := s.bundle.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	trusted := s.letters()
	rapid.Check(t, func(rt *rapid.T) {
		changed := bytes.Clone(raw)
		for range rapid.IntRange(1, 3).Draw(rt, "changes") {
			i := rapid.IntRange(0, len(raw)-1).Draw(rt, "at")
			changed[i] = rapid.SampledFrom([]byte("A0\"\\n1+/ ,z")).Draw(rt, "byte")
		}
		b, err := evidence.Parse(changed)
		if err != nil {
			return
		}
		for i, item := range evidence.Verify(b, trusted).Items {
			if item.Verdict == evidence.Proven && !bytes.Equal(b.Items[i].Head, s.bundle.Items[i].Head) {
				rt.Fatalf("item %d is proven and was never said", i)
			}
		}
	})
}
