package mirror

import (
	"errors"
	"math"
	"time"

	"github.com/comity-exchange/comity/fault"
	"github.com/comity-exchange/comity/statement"
)

// Spans of trying again.
const (
	firstWait   = time.Minute
	longestWait = time.Hour
	longestRest = 24 * time.Hour // that a server may ask for
	jitter      = 0.2            // of a wait, at most: servers that were down together are not asked together
)

// maxRefusals bounds what is told of objects that were refused.
const maxRefusals = 20

// Refusal is an object that was not taken.
type Refusal struct {
	Object string `json:"object,omitzero"` // its id, where it has one
	Reason string `json:"reason"`          // safe to show
}

// Tally is what came of objects.
type Tally struct {
	Taken      int64     `json:"taken"`
	Duplicates int64     `json:"duplicates"` // that the source had brought already
	Refused    int64     `json:"refused"`
	Refusals   []Refusal `json:"refusals,omitempty"` // of Refused, the first
}

// Refuse counts an object that was not taken.
func (t *Tally) Refuse(r Refusal) {
	if t.Refused++; len(t.Refusals) < maxRefusals {
		t.Refusals = append(t.Refusals, r)
	}
}

func (t *Tally) add(u Tally) {
	t.Taken, t.Duplicates, t.Refused = t.Taken+u.Taken, t.Duplicates+u.Duplicates, t.Refused+u.Refused
	t.Refusals = append(t.Refusals, u.Refusals...)
	t.Refusals = t.Refusals[:min(len(t.Refusals), maxRefusals)]
}

// State is how far a mirror has come. The zero value is that of one that never ran.
type State struct {
	Cursor    string         `json:"cursor,omitzero"` // where the next run begins; "": at the beginning
	Ran       statement.Time `json:"ran,omitzero"`    // when the last run began
	Succeeded statement.Time `json:"succeeded,omitzero"`
	Next      statement.Time `json:"next,omitzero"`     // when the next one is due; zero: at once
	Failures  int            `json:"failures,omitzero"` // since the last that succeeded
	Error     string         `json:"error,omitzero"`    // of the last one; safe to show
	More      bool           `json:"more,omitzero"`     // there was more than one run fetches
	Last      Tally          `json:"last"`              // of the last run
	All       Tally          `json:"all"`               // ever, without what was refused one by one
}

// Due tells whether a run is due. One that is put off by more than any wait is due: the clock was wrong when it was noted.
func (s *State) Due(now time.Time, every time.Duration) bool {
	return s.Next.IsZero() || !now.Before(s.Next.Std()) || s.Next.Std().Sub(now) > max(every, longestRest)+longestWait
}

// Began notes that a run begins.
func (s *State) Began(now time.Time) {
	s.Ran, s.Last = statement.TimeOf(now), Tally{}
}

// Took notes what was committed, and where it goes on.
func (s *State) Took(step Step) {
	s.Cursor = step.Cursor
	s.Last.add(step.Tally)
	s.All.add(step.Tally)
	s.All.Refusals = nil
}

// Ended notes how a run ended, and when the next is due. chance is from [0,1).
func (s *State) Ended(now time.Time, every time.Duration, more bool, err error, chance float64) {
	s.More = more
	var rest *Rest
	switch {
	case err == nil && more:
		s.Succeeded, s.Failures, s.Error = statement.TimeOf(now), 0, ""
		s.Next = statement.TimeOf(now.Add(firstWait)) // others come first
	case err == nil:
		s.Succeeded, s.Failures, s.Error = statement.TimeOf(now), 0, ""
		s.Next = statement.TimeOf(later(s.Ran.Std().Add(every), now))
	case errors.As(err, &rest) && s.Last.Taken > 0: // it has given something, and wants a rest: that is no failure
		s.Error = fault.Show(err)
		s.Next = statement.TimeOf(now.Add(min(max(rest.For, firstWait), longestRest)))
	default:
		s.Failures++
		s.Error = fault.Show(err)
		wait := backoff(s.Failures, every, chance)
		if rest != nil {
			wait = max(wait, min(rest.For, longestRest))
		}
		s.Next = statement.TimeOf(now.Add(wait))
	}
}

func later(a, b time.Time) time.Time {
	if a.Before(b) {
		return b
	}
	return a
}

// backoff is how long is waited after so many failures: twice as long each time, up to an hour.
func backoff(failures int, every time.Duration, chance float64) time.Duration {
	wait := float64(longestWait)
	if failures < 16 {
		wait = math.Min(wait, float64(firstWait)*math.Pow(2, float64(failures-1)))
	}
	if failures == 1 {
		wait = math.Min(wait, float64(every))
	}
	return time.Duration(wait * (1 + jitter*chance))
}

// Rest is in the chain of an error of a server that wants to be left alone.
type Rest struct{ For time.Duration }

// Error says how long.
func (r *Rest) Error() string { return "it wants to be left alone for " + r.For.String() }
