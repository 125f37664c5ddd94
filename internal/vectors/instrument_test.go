package vectors

import (
	"testing"
	"time"

	"github.com/comity-exchange/comity/party"
	"github.com/comity-exchange/comity/statement"
)

// terms are those of the n-th text between XA and XB, as the facts of a draft have them.
func terms(n byte, more object) object {
	o := object{"digest": statement.Digest{n}, "parties": []string{"XA", "XB"}, "in_force": object{"when": "all"}, "articles": []string{"1", "2"}}
	for k, v := range more {
		o[k] = v
	}
	return o
}

func textOf(n byte) object { return object{"digest": statement.Digest{n}} }

// proposed is a draft of XA's between XA and XB, before XC too, which looks on.
func proposed(t *testing.T, more object) *talk {
	t.Helper()
	return open(t, "instrument.propose", terms(1, more), to("XB", "XC"))
}

// opened is such a text, adopted and open for signature.
func opened(t *testing.T, more object) *talk {
	t.Helper()
	k := proposed(t, more)
	k.say("XA", "instrument.adopt", textOf(1))
	k.say("XB", "instrument.adopt", textOf(1))
	k.say("XA", "instrument.open", textOf(1))
	return k
}

// instruments are threads in which agreements are made: the races above all.
func instruments(t *testing.T, add func(name, about string, clauses []string, k *talk, void voids)) {
	t.Helper()
	k := opened(t, nil)
	early := k.say("XB", "instrument.ratify", object{"digest": statement.Digest{1}, "as": "approval"})
	k.say("XB", "instrument.sign", textOf(1))
	k.say("XA", "instrument.sign", object{"digest": statement.Digest{1}, "reservations": []string{"2"}})
	add("made", "proposed, adopted by its parties, opened, signed, with a reservation", []string{"AGR-7", "AGR-8", "AGR-9", "AGR-14"}, k, voids{early: "not-admissible"})

	k = proposed(t, nil)
	one := k.say("XB", "instrument.amend", terms(2, object{"base": statement.Digest{1}}), beside(k.heads[0]))
	k.say("XC", "instrument.amend", terms(3, object{"base": statement.Digest{1}, "notice": 60}), beside(k.heads[0]))
	add("two-amendments", "two at once: both lie on the table", []string{"AGR-9"}, k, nil)
	k.say("XA", "instrument.circulate", textOf(3))
	lapsed := k.say("XA", "instrument.circulate", textOf(2))
	late := k.say("XB", "instrument.amend", terms(4, object{"base": statement.Digest{1}}))
	add("amendment-lapsed", "the chair takes one, and the other lapses", []string{"AGR-9"}, k, voids{lapsed: "not-admissible", late: "not-admissible"})
	_ = one

	k = opened(t, object{"in_force": object{"when": "count", "count": 2}})
	k.say("XA", "instrument.sign", textOf(1))
	k.say("XB", "instrument.sign", textOf(1))
	k.say("XB", "instrument.amend", terms(2, object{"base": statement.Digest{1}}))
	k.say("XA", "instrument.circulate", textOf(2))
	before := k.say("XA", "instrument.sign", textOf(2))
	add("signed-what-was-amended", "a text that is not open cannot be signed; the one in force goes on binding", []string{"AGR-9", "AGR-14"}, k, voids{before: "not-admissible"})

	k = opened(t, object{"in_force": object{"when": "count", "count": 2}})
	k.say("XA", "instrument.sign", textOf(1))
	k.say("XB", "instrument.sign", textOf(1))
	k.say("XA", "instrument.amend", terms(2, object{"base": statement.Digest{1}, "parties": []string{"XA", "XB", "XC"}}))
	k.say("XA", "instrument.circulate", textOf(2))
	for _, code := range []party.Code{"XA", "XB", "XC"} {
		k.say(code, "instrument.adopt", textOf(2))
	}
	k.say("XA", "instrument.open", textOf(2))
	again := k.say("XB", "instrument.sign", textOf(1))
	k.say("XC", "instrument.sign", textOf(2))
	alien := k.say("XC", "instrument.sign", textOf(1))
	add("opened-over-another", "a newer text does not end the signing of an older one, nor what that binds", []string{"AGR-8", "AGR-14"}, k, voids{again: "not-admissible", alien: "not-admissible"})

	k = proposed(t, nil)
	stranger := k.say("XB", "instrument.chair", object{"party": "XD"})
	onlooker := k.say("XC", "instrument.chair", object{"party": "XC"})
	k.say("XB", "instrument.chair", object{"party": "XC"})
	former := k.say("XA", "instrument.silence", object{"digest": statement.Digest{1}, "expires": after(silence)})
	k.say("XC", "instrument.silence", object{"digest": statement.Digest{1}, "expires": after(silence)})
	add("chair-replaced", "by the other parties of the text", []string{"AGR-18"}, k, voids{stranger: "not-admissible", onlooker: "not-admissible", former: "not-admissible"})

	silences(t, add)
	exits(t, add)
}

// after a silence that expires 48 hours after the vectors' first head.
const silence = 48 * time.Hour

func silences(t *testing.T, add func(name, about string, clauses []string, k *talk, void voids)) {
	t.Helper()
	ask := object{"digest": statement.Digest{1}, "expires": after(silence)}
	end := func(q *statement.Head, outcome string) object { return object{"silence": q.ID, "outcome": outcome} }
	of := func(h *statement.Head) object { return object{"of": h.ID} }

	k := proposed(t, nil)
	q := k.say("XA", "instrument.silence", ask)
	soon := k.say("XA", "instrument.close", end(q, "adopted"))
	other := k.say("XB", "instrument.close", end(q, "adopted"), at(silence))
	k.say("XA", "instrument.close", end(q, "adopted"), at(silence))
	add("silence-kept", "adopted once it has expired, by the chair's word", []string{"AGR-12"}, k, voids{soon: "not-admissible", other: "not-admissible"})

	k = proposed(t, nil)
	q = k.say("XA", "instrument.silence", ask)
	k.say("XB", "instrument.object", of(q))
	lie := k.say("XA", "instrument.close", end(q, "adopted"), at(silence))
	k.say("XA", "instrument.close", end(q, "broken"), at(silence))
	add("silence-broken", "by an objection", []string{"AGR-12"}, k, voids{lie: "not-admissible"})

	k = proposed(t, nil)
	q = k.say("XA", "instrument.silence", ask)
	unaware := k.say("XC", "instrument.close", end(q, "adopted"), beside(k.heads[0]), at(silence+25*time.Hour))
	add("silence-closed-unawares", "what is named was known", []string{"AGR-12", "DEC-2"}, k, voids{unaware: "not-admissible"})

	k = proposed(t, nil)
	past := k.say("XA", "instrument.silence", object{"digest": statement.Digest{1}, "expires": after(0)})
	add("silence-past", "an expiry in the past", []string{"AGR-12"}, k, voids{past: "bad-facts"})

	// An objection that was said before expiry, and came after the silence was closed.
	missed := func(heard time.Duration) (*talk, *statement.Head) {
		k := proposed(t, nil)
		q := k.say("XA", "instrument.silence", ask)
		objection := k.say("XB", "instrument.object", of(q), at(silence-time.Hour))
		k.say("XC", "instrument.heard", of(objection), at(heard))
		k.say("XA", "instrument.close", end(q, "adopted"), beside(q), at(silence))
		return k, objection
	}
	k, _ = missed(silence - time.Minute)
	add("objection-after-close", "said before expiry, received after: by itself it changes nothing", []string{"AGR-12"}, k, nil)
	k, objection := missed(silence - time.Minute)
	k.say("XA", "instrument.open", textOf(1), at(silence))
	k.say("XA", "instrument.sign", textOf(1), at(silence))
	k.say("XB", "instrument.contest", of(objection), at(silence))
	add("objection-contested", "another party had it in time: the text is in negotiation again, and signatures are void", []string{"AGR-13"}, k, nil)
	k, objection = missed(silence - time.Minute)
	hearing, closing := k.heads[len(k.heads)-2], k.heads[len(k.heads)-1]
	blind := k.say("XB", "instrument.contest", of(objection), beside(objection, closing), at(silence))
	add("objection-contested-blindly", "who contests knew what makes the objection count", []string{"AGR-13", "DEC-2"}, k, voids{blind: "not-admissible"})
	k, objection = missed(silence - time.Minute)
	k.say("XC", "instrument.heard", of(objection), at(silence-30*time.Second), beside(hearing))
	add("objection-heard-again", "an author says once that it had it in time", []string{"AGR-13"}, k, voids{k.heads[len(k.heads)-1]: "not-admissible"})
	k, objection = missed(silence + time.Minute)
	vain := k.say("XB", "instrument.contest", of(objection), at(silence+time.Hour))
	add("objection-heard-late", "nobody had it in time but its author", []string{"AGR-13"}, k, voids{vain: "not-admissible"})

	k = proposed(t, nil)
	q = k.say("XA", "instrument.silence", ask)
	k.say("XA", "instrument.close", end(q, "adopted"), at(silence))
	backdated := k.say("XB", "instrument.object", of(q), at(time.Hour))
	add("objection-backdated", "its author knew that the silence was closed", []string{"AGR-12"}, k, voids{backdated: "not-admissible"})
}

func exits(t *testing.T, add func(name, about string, clauses []string, k *talk, void voids)) {
	t.Helper()
	force := func(more object) *talk {
		k := opened(t, more)
		k.say("XA", "instrument.sign", textOf(1))
		k.say("XB", "instrument.sign", textOf(1))
		return k
	}
	k := force(object{"notice": 3600})
	k.say("XB", "instrument.suspend", object{})
	twice := k.say("XB", "instrument.suspend", object{})
	k.say("XB", "instrument.resume", object{})
	hasty := k.say("XB", "instrument.withdraw", object{"at": after(time.Hour)}, at(time.Hour))
	k.say("XB", "instrument.withdraw", object{"at": after(3 * time.Hour)}, at(time.Hour))
	k.say("XA", "instrument.terminate", object{}, at(time.Hour))
	add("left", "suspended, resumed, left with notice; who is left ends it", []string{"AGR-11"}, k, voids{twice: "not-admissible", hasty: "not-admissible"})

	k = force(nil)
	k.say("XB", "instrument.suspend", object{"until": after(2000 * time.Hour)}, at(time.Hour))
	backdated := k.say("XB", "instrument.withdraw", object{"at": after(time.Minute)}, at(time.Minute))
	k.say("XB", "instrument.resume", object{}, at(2*time.Hour))
	ended := k.say("XB", "instrument.resume", object{}, at(3*time.Hour))
	k.say("XB", "instrument.withdraw", object{"at": after(3 * time.Hour)}, at(3*time.Hour))
	add("left-at-once", "a suspension is ended early; without notice one leaves at once, and no earlier than what one has said", []string{"AGR-11", "AGR-17"}, k, voids{backdated: "not-admissible", ended: "not-admissible"})

	k = force(object{"notice": 3600})
	k.say("XA", "instrument.terminate", object{})
	k.say("XB", "instrument.withdraw", object{"at": after(1000 * time.Hour)})
	add("ended-by-who-is-left", "one agrees to end it, and the other leaves", []string{"AGR-11"}, k, nil)

	// A suspension that crosses another statement on its way: both stand beside each other.
	k = force(nil)
	first, last := k.heads[len(k.heads)-2], k.heads[len(k.heads)-1]
	k.say("XB", "instrument.suspend", object{}, beside(last))
	k.say("XA", "instrument.comment", object{"digest": statement.Digest{1}, "article": "2"}, beside(first, last))
	add("suspension-crossed", "what was said without knowing of a suspension", []string{"AGR-11", "DEC-2"}, k, nil)

	k = force(object{"accession": "invitation"})
	k.say("XA", "thread.admit", object{"party": "XD", "heads": []statement.ID{k.heads[0].ID}})
	uninvited := k.say("XD", "instrument.accede", textOf(1))
	k.say("XA", "instrument.invite", object{"party": "XD"})
	k.say("XB", "instrument.invite", object{"party": "XD"})
	k.say("XD", "instrument.accede", textOf(1))
	add("acceded", "a party that joins late: invited by all who are bound", []string{"AGR-15", "THR-8"}, k, voids{uninvited: "not-admissible"})

	k = force(object{"in_force": object{"when": "date", "date": after(1000 * time.Hour)}, "consent": "ratification"})
	k.say("XA", "instrument.ratify", object{"digest": statement.Digest{1}, "as": "ratification"})
	k.say("XB", "instrument.ratify", object{"digest": statement.Digest{1}, "as": "acceptance"}, at(2000*time.Hour))
	k.say("XA", "instrument.publish", object{"digest": statement.Digest{1}, "at": after(3000 * time.Hour)}, at(2000*time.Hour))
	add("on-a-date", "in force on a date, for who has ratified by then; for others when they do", []string{"AGR-8", "AGR-14", "AGR-16"}, k, nil)

	// Three weeks later by bag: what comes last changes only what it says.
	k = opened(t, nil)
	k.say("XA", "instrument.sign", textOf(1))
	k.say("XB", "instrument.sign", textOf(1), at(21*24*time.Hour), beside(k.heads[2], k.heads[3]))
	add("three-weeks-later", "a signature that comes by bag", []string{"AGR-8", "THR-4"}, k, nil)
}
