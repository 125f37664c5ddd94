package thread_test

import (
	"testing"

	"github.com/go-json-experiment/json"

	"github.com/comity-exchange/comity/fault"
	"github.com/comity-exchange/comity/party"
	"github.com/comity-exchange/comity/statement"
	"github.com/comity-exchange/comity/thread"
	"github.com/comity-exchange/comity/thread/threadtest"
)

// whole is a receipt that holds.
func whole() thread.Delivered {
	return thread.Delivered{
		Origin: "XA/1", Size: 20, Root: statement.Digest{1}, Heads: []thread.Range{{0, 3}, {3, 5}, {8, 20}}, Bodies: []thread.Range{{1, 2}},
		Blobs: []thread.BlobsArrived{{Index: 1, Arrived: 2}, {Index: 9, Arrived: 1}},
	}
}

func TestDelivered(t *testing.T) {
	t.Parallel()
	// spec: RCP-1
	tests := []struct {
		name  string
		spoil func(*thread.Delivered)
		ok    bool
	}{
		{"whole", func(*thread.Delivered) {}, true},
		{"nothing arrived", func(d *thread.Delivered) { d.Heads, d.Bodies, d.Blobs = nil, nil, nil }, true},
		{"no log", func(d *thread.Delivered) { d.Origin = "" }, false},
		{"no root", func(d *thread.Delivered) { d.Root = statement.Digest{} }, false},
		{"an empty range", func(d *thread.Delivered) { d.Heads = []thread.Range{{3, 3}} }, false},
		{"a range that runs back", func(d *thread.Delivered) { d.Heads = []thread.Range{{3, 1}} }, false},
		{"before the log", func(d *thread.Delivered) { d.Heads = []thread.Range{{-1, 1}} }, false},
		{"beyond the log", func(d *thread.Delivered) { d.Bodies = []thread.Range{{19, 21}} }, false},
		{"ranges that overlap", func(d *thread.Delivered) { d.Heads = []thread.Range{{0, 3}, {2, 5}} }, false},
		{"ranges out of order", func(d *thread.Delivered) { d.Heads = []thread.Range{{8, 9}, {0, 3}} }, false},
		{"blobs twice", func(d *thread.Delivered) { d.Blobs[1].Index = 1 }, false},
		{"blobs beyond the log", func(d *thread.Delivered) { d.Blobs[1].Index = 20 }, false},
		{"blobs before the log", func(d *thread.Delivered) { d.Blobs[0].Index = -1 }, false},
		{"no blob", func(d *thread.Delivered) { d.Blobs[0].Arrived = 0 }, false},
		{"more blobs than a body has", func(d *thread.Delivered) { d.Blobs[0].Arrived = 257 }, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			d := whole()
			tt.spoil(&d)
			h := threadtest.NewTalk(t).Open("XB", []party.Code{"XA"}, thread.KindDelivered, d)
			_, err := thread.Facts[thread.Delivered](h)
			if (err == nil) != tt.ok || !tt.ok && fault.CodeOf(err) != fault.Inadmissible {
				t.Fatalf("%v", err)
			}
		})
	}
}

func TestCovers(t *testing.T) {
	t.Parallel()
	// spec: RCP-1
	d := whole()
	for i, want := range map[int64]bool{0: true, 2: true, 3: true, 4: true, 5: false, 7: false, 8: true, 19: true, 20: false, -1: false} {
		if d.CoversHead(i) != want {
			t.Errorf("head %d: %v", i, !want)
		}
	}
	if d.CoversBody(0) || !d.CoversBody(1) || d.CoversBody(2) {
		t.Error("bodies")
	}
	if d.BlobsOf(1) != 2 || d.BlobsOf(9) != 1 || d.BlobsOf(2) != 0 {
		t.Error("blobs")
	}
}

// TestReceiptsOfAThread: the facts of RCP-3 to RCP-5, and that they change nothing of the desk's.
func TestReceiptsOfAThread(t *testing.T) {
	t.Parallel()
	// spec: RCP-3, RCP-4, RCP-5
	id := statement.ID{5}
	tests := []struct {
		name  string
		kind  statement.Kind
		facts any
		want  thread.Reason
	}{
		{"opened", thread.KindRetrieved, thread.Retrieved{IDs: []statement.ID{id}}, ""},
		{"opened, one of them twice", thread.KindRetrieved, thread.Retrieved{IDs: []statement.ID{id, id}}, thread.BadFacts},
		{"refused", thread.KindRefused, thread.Refused{ID: id, Clause: "DEC-1", Reason: "agreement", Articles: []string{"4"}}, ""},
		{"refused without a clause", thread.KindRefused, thread.Refused{ID: id, Reason: "agreement"}, thread.BadFacts},
		{"refused without a reason", thread.KindRefused, thread.Refused{ID: id, Clause: "DEC-1"}, thread.BadFacts},
		{"refused what", thread.KindRefused, map[string]string{"clause": "DEC-1", "reason": "agreement"}, thread.BadFacts},
		{"recalled", thread.KindRecalled, thread.Recalled{IDs: []statement.ID{id}, Erased: true}, ""},
		{"recalled, not erased", thread.KindRecalled, thread.Recalled{IDs: []statement.ID{id}}, thread.BadFacts},
		{"recalled nothing", thread.KindRecalled, thread.Recalled{Erased: true}, thread.BadFacts},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			k := open(t)
			if got := k.Void(k.Say("XB", tt.kind, tt.facts)); got != tt.want {
				t.Fatalf("void %q, want %q", got, tt.want)
			}
		})
	}
}

// FuzzDelivered: facts of a receipt from anywhere, and if they hold, then each index is covered exactly when a range has it.
func FuzzDelivered(f *testing.F) {
	good, err := json.Marshal(whole())
	if err != nil {
		f.Fatal(err)
	}
	f.Add(good)
	f.Add([]byte(`{"origin":"XA/1","size":9007199254740991,"root":"","heads":[[0,9007199254740991]]}`))
	f.Fuzz(func(t *testing.T, facts []byte) {
		d, err := thread.Facts[thread.Delivered](&statement.Head{Facts: facts})
		if err != nil {
			return
		}
		for i := range min(d.Size, 64) {
			plain := false
			for _, r := range d.Heads {
				plain = plain || r[0] <= i && i < r[1]
			}
			if d.CoversHead(i) != plain {
				t.Fatalf("head %d of %v", i, d.Heads)
			}
			d.CoversBody(i)
			d.BlobsOf(i)
		}
	})
}

// FuzzState: a stored state that was damaged is an error or a state, and never more.
func FuzzState(f *testing.F) {
	k := open(f)
	note(k, "XB")
	raw, err := thread.MarshalState(k.Fold().State)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(raw)
	f.Add([]byte(`{"desk":null,"last":{"XA":""}}`))
	f.Fuzz(func(t *testing.T, raw []byte) {
		s, err := thread.ParseState(raw)
		if err != nil {
			return
		}
		again, err := thread.MarshalState(s)
		if err != nil {
			return // a time or an id that has no text
		}
		if back, err := thread.ParseState(again); err == nil {
			if twice, _ := thread.MarshalState(back); string(twice) != string(again) {
				t.Fatalf("%s\n%s", again, twice)
			}
		}
		k.Rules.Extend(s, k.Heads[1])
		k.Rules.Summary(s)
	})
}
