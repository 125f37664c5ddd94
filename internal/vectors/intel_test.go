package vectors

import (
	"testing"

	"github.com/comity-exchange/comity/desk/intel"
	"github.com/comity-exchange/comity/party"
	"github.com/comity-exchange/comity/thread"
)

// told is what a thread of the desk intel has come to.
func told(s thread.State) object {
	v, _ := intel.Read(s)
	held, seen := map[intel.Reason]int64{}, map[party.Code]int64{}
	for _, h := range v.Held {
		held[h.Reason] = h.Objects
	}
	for code, t := range v.Seen {
		seen[code] = t.Count
	}
	return object{
		"status": v.Status, "objects": v.Objects, "n": v.N, "through": v.Through, "after": v.After, "more": v.More, "fresh": v.Fresh, "held": held, "seen": seen,
	}
}

// intelligence are threads of the desk intel.
func intelligence(t *testing.T) []vector {
	t.Helper()
	var v []vector
	add := func(name, about string, clauses []string, k *talk, void voids) {
		t.Helper()
		v = append(v, k.vector(name, about, clauses, void))
	}
	increment := func(n, objects, through int, more bool, held ...object) object {
		f := object{"n": n, "objects": objects, "through": through, "more": more, "sector": "energy"}
		if held != nil {
			f["held"] = held
		}
		return f
	}
	begin := func() *talk {
		k := open(t, "intel.offer", object{"feed": "ransomware", "types": []string{"indicator", "x-own-type"}, "sector": "energy", "tlp_max": "AMBER", "confidence_min": 50}, to("XB"))
		k.say("XB", "intel.subscribe", object{})
		return k
	}
	held := object{"reason": "originator", "objects": 2}

	k := begin()
	k.say("XA", "intel.increment", increment(1, 40, 9, true, held))
	behind := k.say("XA", "intel.increment", increment(2, 40, 8, true))
	gap := k.say("XA", "intel.increment", increment(3, 1, 10, true))
	k.say("XA", "intel.increment", increment(2, 0, 9, false))
	empty := k.say("XA", "intel.increment", increment(3, 0, 9, false))
	k.say("XA", "intel.increment", increment(3, 0, 10, false, held, object{"reason": "caveat", "objects": 1}))
	add("feed-increments", "one after the other, none empty, what is held back added up", []string{"INT-1", "INT-6", "INT-7"}, k,
		voids{behind: "not-admissible", gap: "not-admissible", empty: "not-admissible"})
	k.say("XB", "intel.sighting", object{"objects": 0, "count": 3, "first": "2026-11-20T08:00:00.000Z", "last": "2026-11-20T09:00:00.000Z"})
	k.say("XB", "intel.unsubscribe", object{})
	k.say("XB", "intel.subscribe", object{"after": 2})
	add("feed-subscribed-anew", "the subscriber says what it still has", []string{"INT-5", "INT-6", "INT-8"}, k,
		voids{behind: "not-admissible", gap: "not-admissible", empty: "not-admissible"})
	k.say("XA", "intel.increment", increment(4, 7, 3, false))
	k.say("XA", "intel.end", object{})
	late := k.say("XB", "intel.subscribe", object{})
	k.say("XB", "intel.sighting", object{"objects": 1, "count": 9007199254740991})
	add("feed-ended", "after the end nothing but sightings, whose sum stays a number", []string{"INT-5", "INT-8"}, k,
		voids{behind: "not-admissible", gap: "not-admissible", empty: "not-admissible", late: "not-admissible"})

	k = begin()
	first := k.say("XA", "intel.increment", increment(1, 40, 9, false))
	k.say("XB", "intel.unsubscribe", object{}, beside(k.heads[0], k.heads[1], first))
	k.say("XA", "intel.increment", increment(2, 40, 19, false), beside(k.heads[0], k.heads[1], first))
	add("feed-crossed", "an increment that was on its way comes before its peer's leaving", []string{"INT-1", "INT-6", "THR-3"}, k, nil)

	k = begin()
	other := k.say("XA", "intel.increment", object{"n": 1, "objects": 1, "through": 1, "more": false, "sector": "finance"})
	unknown := k.say("XA", "intel.increment", increment(1, 1, 1, false, object{"reason": "secret", "objects": 1}))
	twice := k.say("XA", "intel.increment", increment(1, 1, 1, false, held, held))
	early := k.say("XB", "intel.sighting", object{"objects": 1, "count": 1})
	reversed := k.say("XB", "intel.sighting", object{"objects": 1, "count": 1, "first": "2026-11-20T08:00:00.001Z", "last": "2026-11-20T08:00:00.000Z"})
	foreign := k.say("XB", "intel.end", object{})
	add("feed-bad-heads", "another sector, a reason of its own, one twice, a sighting before anything came, times reversed, an end by the subscriber", []string{"INT-5", "INT-6", "INT-7", "INT-8"}, k,
		voids{other: "not-admissible", unknown: "bad-facts", twice: "bad-facts", early: "not-admissible", reversed: "bad-facts", foreign: "not-admissible"})

	k = open(t, "intel.source", object{"name": "sensors", "format": "stix"}, to())
	k.say("XA", "intel.import", object{"objects": 1000, "refused": 3})
	k.say("XA", "intel.import", object{"objects": 0, "duplicates": 1000})
	k.say("XA", "intel.end", object{})
	closed := k.say("XA", "intel.import", object{"objects": 1})
	add("source", "a party's own record", []string{"INT-1", "INT-5"}, k, voids{closed: "not-admissible"})

	k = open(t, "intel.source", object{"name": "list"}, to())
	borrowed := k.say("XA", "intel.import", object{"objects": 1, "own": true})
	add("source-of-others", "what a source of others' words brings is nobody's own", []string{"INT-9"}, k, voids{borrowed: "not-admissible"})
	k = open(t, "intel.source", object{"name": "sensors", "own": true}, to())
	k.say("XA", "intel.import", object{"objects": 1, "own": true})
	k.say("XA", "intel.import", object{"objects": 1})
	add("source-own", "in a source of what its author has seen itself something may still be others'", []string{"INT-9"}, k, nil)

	k = open(t, "intel.share", object{"objects": 2, "sector": "energy"}, to("XB", "XC"))
	k.say("XC", "intel.sighting", object{"objects": 1, "count": 5})
	own := k.say("XA", "intel.sighting", object{"objects": 1, "count": 5})
	add("share", "each that got it can tell what it saw", []string{"INT-1", "INT-8"}, k, voids{own: "not-admissible"})

	for _, c := range []struct {
		name  string
		facts object
		to    []party.Code
	}{
		{"offer-to-two", object{"feed": "all"}, []party.Code{"XB", "XC"}},
		{"offer-of-a-type-twice", object{"feed": "all", "types": []string{"malware", "malware"}}, []party.Code{"XB"}},
		{"offer-of-no-label", object{"feed": "all", "labels": []string{}}, []party.Code{"XB"}},
		{"offer-more-than-sure", object{"feed": "all", "confidence_min": 101}, []party.Code{"XB"}},
		{"offer-unknown-colour", object{"feed": "all", "tlp_max": "ORANGE"}, []party.Code{"XB"}},
	} {
		k := open(t, "intel.offer", c.facts, to(c.to...))
		add(c.name, "an opener that is void", []string{"INT-1", "INT-4"}, k, voids{k.heads[0]: "bad-facts"})
	}
	return v
}
