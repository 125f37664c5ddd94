package notice

import (
	"slices"
	"time"

	"github.com/comity-exchange/comity/statement"
)

// Bounds.
const (
	maxLines   = 100 // of what is to be told; beyond that the desk and the party are left out
	maxNotices = 16  // that wait to be sent; while there are so many, what happens gathers for the next

	atOnceEvery = time.Minute    // of what goes at once: whoever floods a node with flash messages makes no more mails than that
	giveUp      = 24 * time.Hour // after that nobody tries any more
	firstWait   = time.Minute
	longestWait = time.Hour
)

// Lease is how long a try may take: before that nobody else tries the same.
const Lease = 45 * time.Second

// Position is what of the store has been looked at. Who looks gives it its meaning; State only keeps it.
type Position struct {
	Floor   statement.Time `json:"floor,omitzero"`    // what arrived before has been looked at
	Seen    []string       `json:"seen,omitempty"`    // and of what arrived since, this
	Overdue statement.Time `json:"overdue,omitzero"`  // clocks that ran out by then have been looked at
	Due     []string       `json:"due,omitempty"`     // clocks that run out soon, and have been
	Waiting []string       `json:"waiting,omitempty"` // drafts
	Forks   []string       `json:"forks,omitempty"`
}

// State is what is remembered. The zero value is that of a node that has told nothing yet.
type State struct {
	Position Position       `json:"position"`
	Lines    []Line         `json:"lines,omitempty"`  // to be told
	Digest   statement.Time `json:"digest,omitzero"`  // when the last digest was made
	AtOnce   statement.Time `json:"at_once,omitzero"` // and the last notice that went at once
	Out      []Notice       `json:"out,omitempty"`    // to be sent
	Sent     statement.Time `json:"sent,omitzero"`    // when one went out last
	// SentBy is the same for each way.
	SentBy   map[Way]statement.Time `json:"sent_by,omitempty"`
	Lost     int                    `json:"lost,omitzero"` // ways by which a notice never went
	LastLost statement.Time         `json:"last_lost,omitzero"`
}

// Add has something be told. What cannot stand in a line of its own any more is told without its desk and party.
func (s *State) Add(l Line) {
	for _, l := range []Line{l, {Kind: l.Kind, Count: l.Count, Precedence: l.Precedence, TLP: l.TLP}} {
		for i := range s.Lines {
			if s.Lines[i].same(&l) {
				s.Lines[i].merge(&l)
				return
			}
		}
		if len(s.Lines) < maxLines || l.Desk == "" && l.Party == "" { // of these there are no more than kinds
			s.Lines = append(s.Lines, l)
			return
		}
	}
}

// Make makes notices of what is to be told, where it is time: what is urgent at once, all of it where the last digest was made so long ago. left are the ways by which
// they are to go, id a new id.
func (s *State) Make(now statement.Time, every time.Duration, left []Try, id func() string) (made bool) {
	if len(s.Lines) == 0 || len(left) == 0 || len(s.Out) >= maxNotices {
		return false
	}
	digest := s.Digest.IsZero() || now.Std().Sub(s.Digest.Std()) >= every
	atOnce := s.AtOnce.IsZero() || now.Std().Sub(s.AtOnce.Std()) >= atOnceEvery
	var told, rest []Line
	for _, l := range s.Lines {
		if digest || atOnce && l.urgent() {
			told = append(told, l)
		} else {
			rest = append(rest, l)
		}
	}
	if len(told) == 0 {
		return false
	}
	if digest {
		s.Digest = now
	}
	if slices.ContainsFunc(told, func(l Line) bool { return l.urgent() }) {
		s.AtOnce = now
	}
	n := Notice{ID: id(), Made: now, Lines: sorted(told), Left: make([]Try, len(left))}
	for i, t := range left {
		n.Left[i] = Try{Way: t.Way, To: slices.Clone(t.To), Next: now}
	}
	s.Lines, s.Out = rest, append(s.Out, n)
	return true
}

// Take gives a try that is due, and puts the next one off until after Lease: whoever takes it makes it, and tells Done. jitter is at least 0 and below 1. Before, it
// drops what is too old; stopped drops what goes by a way that is not in the settings any more.
func (s *State) Take(now statement.Time, jitter float64, stopped func(Way) bool) (n Notice, t Try, ok bool) {
	s.expire(now, stopped)
	for i := range s.Out {
		for j := range s.Out[i].Left {
			t := &s.Out[i].Left[j]
			if t.Next.Std().After(now.Std()) {
				continue
			}
			t.Attempts++
			t.Next = now.Add(wait(t.Attempts, jitter))
			n, taken := s.Out[i], *t
			taken.To, n.Left = slices.Clone(t.To), nil
			return n, taken, true
		}
	}
	return Notice{}, Try{}, false
}

// wait is how long after an attempt the next one is made: twice as long each time, and up to a fifth more.
func wait(attempts int, jitter float64) time.Duration {
	d := min(firstWait<<min(attempts-1, 10), longestWait)
	return d + time.Duration(jitter*float64(d)/5)
}

// expire drops what is too old, or has no way to go.
func (s *State) expire(now statement.Time, stopped func(Way) bool) {
	for i := range s.Out {
		old := now.Std().Sub(s.Out[i].Made.Std()) >= giveUp
		s.Out[i].Left = slices.DeleteFunc(s.Out[i].Left, func(t Try) bool {
			if old && !stopped(t.Way) {
				s.Lost, s.LastLost = s.Lost+1, now
			}
			return old || stopped(t.Way)
		})
	}
	s.sweep()
}

// sweep drops notices that have gone all their ways.
func (s *State) sweep() {
	s.Out = slices.DeleteFunc(s.Out, func(n Notice) bool { return len(n.Left) == 0 })
}

// Done notes what came of a try: who has not got it is tried again, and says is why. Without says it went out.
func (s *State) Done(id string, way Way, left []string, says string, now statement.Time) {
	for i := range s.Out {
		if s.Out[i].ID != id {
			continue
		}
		for j := range s.Out[i].Left {
			if t := &s.Out[i].Left[j]; t.Way == way {
				t.Error, t.To = says, left
			}
		}
		s.Out[i].Left = slices.DeleteFunc(s.Out[i].Left, func(t Try) bool { return t.Way == way && says == "" })
	}
	if says == "" {
		s.Sent = now
		if s.SentBy == nil {
			s.SentBy = map[Way]statement.Time{}
		}
		s.SentBy[way] = now
	}
	s.sweep()
}

// Failing gives the first try that failed last time, of those that wait.
func (s *State) Failing() (t Try, ok bool) {
	for _, n := range s.Out {
		for _, t := range n.Left {
			if t.Error != "" {
				return t, true
			}
		}
	}
	return Try{}, false
}
