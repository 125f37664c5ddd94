package thread

import (
	"maps"
	"slices"
	"strconv"

	"github.com/go-json-experiment/json"

	"github.com/comity-exchange/comity/fault"
	"github.com/comity-exchange/comity/wire"
)

// MarshalState writes a state. Equal states give equal bytes.
func MarshalState(s State) ([]byte, error) {
	if b, plain := appendState(make([]byte, 0, 1024), &s); plain {
		return b, nil
	}
	b, err := json.Marshal(s, json.Deterministic(true))
	if err != nil {
		return nil, fault.Wrap(err, fault.Internal, "", "a thread state cannot be written")
	}
	return b, nil
}

// ParseState reads what MarshalState wrote.
func ParseState(b []byte) (State, error) {
	var s State
	if err := json.Unmarshal(b, &s); err != nil {
		return State{}, fault.Wrap(err, fault.Internal, "", "a stored thread state cannot be read")
	}
	return s, nil
}

// appendState writes a state as json.Marshal does, by hand: it is done for each thread of each batch. false when a string of it is not plain.
func appendState(b []byte, s *State) ([]byte, bool) {
	w := wire.Writer{Text: b}
	w.Hash(`{"thread":`, s.Thread)
	w.String(`,"kind":`, string(s.Kind))
	o := &s.Opener
	w.String(`,"opener":{"from":`, string(o.From))
	w.List(`,"to":`, len(o.To), func(i int) { w.Quoted(string(o.To[i])) })
	w.String(`,"kind":`, string(o.Kind))
	if !o.Agreement.IsZero() {
		w.Hash(`,"agreement":`, o.Agreement)
	}
	if !o.Digest.IsZero() {
		w.Hash(`,"digest":`, o.Digest)
	}
	w.String(`,"time":`, o.Time.String())
	w.String(`,"precedence":`, string(o.Precedence))
	w.String(`,"track":`, string(o.Track))
	w.Text = strconv.AppendBool(append(w.Text, `,"exercise":`...), o.Exercise)
	w.List(`},"participants":`, len(s.Participants), func(i int) { w.Quoted(string(s.Participants[i])) })
	if len(s.Admitted) > 0 {
		w.List(`,"admitted":`, len(s.Admitted), func(i int) { w.Quoted(string(s.Admitted[i])) })
	}
	if s.Admissions > 0 {
		w.Text = strconv.AppendInt(append(w.Text, `,"admissions":`...), int64(s.Admissions), 10)
	}
	w.List(`,"frontier":`, len(s.Frontier), func(i int) { w.Hex(s.Frontier[i]) })
	w.Text = append(w.Text, `,"last":{`...)
	for i, code := range slices.Sorted(maps.Keys(s.Last)) {
		if i > 0 {
			w.Text = append(w.Text, ',')
		}
		w.Quoted(string(code))
		w.Hash(":", s.Last[code])
	}
	w.Text = strconv.AppendInt(append(w.Text, `},"taken":`...), int64(s.Taken), 10)
	w.Text = strconv.AppendInt(append(w.Text, `,"void":`...), int64(s.Void), 10)
	if s.Desk != nil {
		w.Text = append(append(w.Text, `,"desk":`...), s.Desk...)
	}
	return append(w.Text, '}'), !w.NotPlain
}
