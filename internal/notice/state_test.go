package notice

import (
	"fmt"
	"reflect"
	"testing"
	"time"

	"github.com/go-json-experiment/json"

	"github.com/comity-exchange/comity/marking"
	"github.com/comity-exchange/comity/party"
	"github.com/comity-exchange/comity/statement"
)

// names gives N1, N2…
func names() func() string {
	n := 0
	return func() string { n++; return fmt.Sprint("N", n) }
}

func bothWays() []Try {
	return []Try{{Way: ByMail, To: []string{"a@xa.example", "b@xa.example"}}, {Way: ByWebhook}}
}

func always(Way) bool { return false }

func arrived(p statement.Precedence) Line {
	return Line{Kind: Arrived, Desk: "assist", Count: 1, Precedence: p}
}

// TestDigest: what can wait is told at most every so often, what is urgent at once, and nothing twice.
func TestDigest(t *testing.T) {
	t.Parallel()
	var s State
	id := names()
	for _, c := range []struct {
		minute int
		add    []Line
		want   []Line // of the notice that is made; nil: none
	}{
		{0, nil, nil},
		{0, []Line{arrived(statement.Routine)}, []Line{arrived(statement.Routine)}},
		{1, []Line{arrived(statement.Routine), arrived(statement.Priority)}, nil},
		{2, []Line{arrived(statement.Flash)}, []Line{arrived(statement.Flash)}},
		{2, []Line{arrived(statement.Immediate)}, nil}, // no more than one a minute
		{3, []Line{arrived(statement.Flash)}, []Line{{Kind: Arrived, Desk: "assist", Count: 2, Precedence: statement.Flash}}},
		{14, nil, nil},
		{15, []Line{{Kind: Overdue, Count: 1}}, []Line{{Kind: Overdue, Count: 1}, {Kind: Arrived, Desk: "assist", Count: 2, Precedence: statement.Priority}}},
		{45, nil, nil},
	} {
		for _, l := range c.add {
			s.Add(l)
		}
		before := len(s.Out)
		made := s.Make(moment(c.minute), 15*time.Minute, bothWays(), id)
		if made != (c.want != nil) {
			t.Fatalf("minute %d: made %v: %+v", c.minute, made, s)
		}
		if made && !reflect.DeepEqual(s.Out[before].Lines, c.want) {
			t.Errorf("minute %d: %+v, want %+v", c.minute, s.Out[before].Lines, c.want)
		}
	}
}

// A notice is tried by each way until it has gone, no way before its time, and under one id.
func TestTake(t *testing.T) {
	t.Parallel()
	var s State
	s.Add(arrived(statement.Routine))
	s.Make(moment(0), time.Hour, bothWays(), names())
	n, mail, ok := s.Take(moment(0), 0, always)
	if !ok || n.ID != "N1" || mail.Way != ByMail || len(mail.To) != 2 || mail.Attempts != 1 {
		t.Fatal(n, mail, ok)
	}
	_, hook, ok := s.Take(moment(0), 0.5, always)
	if !ok || hook.Way != ByWebhook {
		t.Fatal(hook, ok)
	}
	if _, _, ok := s.Take(moment(0), 0, always); ok {
		t.Error("what is being tried was given a second time")
	}
	s.Done("N1", ByWebhook, nil, "", moment(0))
	s.Done("N1", ByMail, []string{"b@xa.example"}, "refused", moment(0))
	if try, failing := s.Failing(); !failing || try.Error != "refused" || s.Sent != moment(0) {
		t.Error(try, failing, s.Sent)
	}
	if _, _, ok := s.Take(moment(0).Add(59*time.Second), 0, always); ok {
		t.Error("it was tried again too soon")
	}
	n, mail, ok = s.Take(moment(1), 0, always)
	if !ok || n.ID != "N1" || !reflect.DeepEqual(mail.To, []string{"b@xa.example"}) || mail.Attempts != 2 {
		t.Error(n, mail, ok)
	}
	s.Done("N1", ByMail, nil, "", moment(1))
	if len(s.Out) != 0 || s.Lost != 0 {
		t.Errorf("%+v", s)
	}
}

// Waits grow, are bounded, leave room for the try before, and end after a day.
func TestGivesUp(t *testing.T) {
	t.Parallel()
	if w := wait(1, 0); w < Lease {
		t.Errorf("a try is taken again after %s, and may take %s", w, Lease)
	}
	for _, jitter := range []float64{0, 0.999} {
		var s State
		s.Add(arrived(statement.Flash))
		s.Make(moment(0), time.Hour, []Try{{Way: ByWebhook}}, names())
		tries, last := 0, time.Duration(0)
		for now := moment(0); len(s.Out) > 0; now = now.Add(time.Minute) {
			if now.Std().Sub(moment(0).Std()) > 25*time.Hour {
				t.Fatal("it never gives up")
			}
			if _, try, ok := s.Take(now, jitter, always); ok {
				tries++
				w := try.Next.Std().Sub(now.Std())
				if w < last || w > longestWait*6/5 {
					t.Errorf("attempt %d is followed after %s, the one before after %s", try.Attempts, w, last)
				}
				last = w
				s.Done("N1", ByWebhook, nil, "it answers 500", now)
			}
		}
		if tries < 20 || tries > 40 || s.Lost != 1 || s.LastLost.IsZero() || !s.Sent.IsZero() {
			t.Errorf("%d tries, %+v", tries, s)
		}
	}
}

// A way that the settings have no more holds up nothing, and is not counted as lost.
func TestStopped(t *testing.T) {
	t.Parallel()
	var s State
	s.Add(arrived(statement.Flash))
	s.Make(moment(0), time.Hour, bothWays(), names())
	_, try, ok := s.Take(moment(0), 0, func(w Way) bool { return w == ByMail })
	if !ok || try.Way != ByWebhook {
		t.Error(try, ok)
	}
	s.Done("N1", ByWebhook, nil, "", moment(0))
	if len(s.Out) != 0 || s.Lost != 0 {
		t.Errorf("%+v", s)
	}
}

// TestBounds: whatever is added and however long nothing can be sent, State stays small and counts everything.
func TestBounds(t *testing.T) {
	t.Parallel()
	var s State
	id := names()
	const n = 5000
	for i := range n {
		s.Add(Line{Kind: Kinds()[i%6], Desk: fmt.Sprint("desk", i%7), Party: party.Code(fmt.Sprint("X", i)), Count: 1, Precedence: statement.Precedences()[i%4], TLP: "RED"})
		s.Make(moment(i), time.Minute, bothWays(), id)
	}
	if len(s.Out) != maxNotices || len(s.Lines) > maxLines+2*len(Kinds()) {
		t.Errorf("%d notices, %d lines", len(s.Out), len(s.Lines))
	}
	told := total(s.Lines)
	for _, n := range s.Out {
		told += total(n.Lines)
	}
	if told != n {
		t.Errorf("of %d things %d are told", n, told)
	}
	raw, err := json.Marshal(s)
	var again State
	if err != nil || len(raw) > 64<<10 || json.Unmarshal(raw, &again) != nil || !reflect.DeepEqual(again, s) {
		t.Errorf("%v, %d bytes", err, len(raw))
	}
}

// The strictest label is told only where all of them may be.
func TestLabels(t *testing.T) {
	t.Parallel()
	line := func(tlps ...string) Line {
		var s State
		for _, tlp := range tlps {
			l := arrived(statement.Routine)
			l.TLP = marking.TLP(tlp)
			s.Add(l)
		}
		return s.Lines[0]
	}
	if l := line("CLEAR", "GREEN", "CLEAR"); l.TLP != "GREEN" || l.Count != 3 {
		t.Error(l)
	}
	for _, l := range []Line{line("GREEN", ""), line("", "GREEN"), line("GREEN", "", "CLEAR")} {
		if l.TLP != "" {
			t.Error(l)
		}
	}
}
