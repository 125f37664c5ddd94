package vectors

import (
	"testing"
	"time"

	"github.com/comity-exchange/comity/party"
	"github.com/comity-exchange/comity/statement"
)

// book is what XA and XB, and now and then XC, said to each other.
type book struct {
	t    *testing.T
	logs map[party.Code][]*statement.Head
	n    int
}

func (b *book) log(heads ...*statement.Head) {
	for _, h := range heads {
		b.logs[h.From] = append(b.logs[h.From], h)
	}
}

// arrive receipts everything of one party by the other, with one blob each.
func (b *book) arrive(by, of party.Code, d time.Duration) {
	b.n++
	size := len(b.logs[of])
	blobs := []any{}
	for i, h := range b.logs[of] {
		if h.Body != nil && h.Body.Blobs > 0 {
			blobs = append(blobs, object{"index": i, "arrived": h.Body.Blobs})
		}
	}
	whole := []any{[]any{0, size}}
	b.log(compose(b.t, draftHead(b.t, by, 1000+b.n, "receipt.delivered", object{
		"origin": string(of) + "/1", "size": size, "root": statement.Digest{1}, "heads": whole, "bodies": whole, "blobs": blobs,
	}, to(of), at(d))))
}

func (b *book) input() object {
	return object{
		"parties": []string{"XA", "XB"}, "from": after(0), "to": after(1000 * time.Hour), "origins": []string{"XA/1", "XB/1"},
		"logs": [][]string{raws(b.logs["XA"]), raws(b.logs["XB"])},
	}
}

// request opens a thread with a serial, so that no two are alike.
func (b *book) request(d time.Duration, from party.Code, of []party.Code, edits ...edit) *talk {
	b.t.Helper()
	b.n++
	k := &talk{t: b.t, rules: rules(b.t)}
	k.heads = []*statement.Head{compose(b.t, draftHead(b.t, from, b.n, "assist.request",
		object{"type": "information", "clock": object{"acknowledge": 3600, "answer": 86400}}, append([]edit{to(of...), at(d)}, edits...)...))}
	b.log(k.heads[0])
	return k
}

func ledgers(t *testing.T) []vector {
	var v []vector
	tell := func(name, about string, clauses []string, story func(*book)) {
		b := &book{t: t, logs: map[party.Code][]*statement.Head{}}
		story(b)
		v = append(v, vector{name, about, append(clauses, "LED-1", "LED-2"), b.input(), ok()})
	}
	body := with(bodyOf(t, "Here.", statement.Blob{Name: "a.csv", Type: "text/csv", Size: 3, SHA256: statement.Sum([]byte("a,b"))}))
	xb := []party.Code{"XB"}
	const h = time.Hour

	tell("nothing", "a period in which nobody asked", nil, func(*book) {})
	tell("kept", "asked, acknowledged, granted and received in time", []string{"LED-3", "LED-4", "RCP-6"}, func(b *book) {
		k := b.request(h, "XA", xb)
		b.arrive("XB", "XA", h+time.Minute)
		b.log(k.say("XB", "assist.acknowledge", object{}, at(h+10*time.Minute)), k.say("XB", "assist.grant", object{"extent": "full"}, body, at(5*h)))
		b.arrive("XA", "XB", 6*h)
	})
	tell("late", "the answer was said in time and arrived after", []string{"LED-4"}, func(b *book) {
		k := b.request(h, "XA", xb)
		b.arrive("XB", "XA", h)
		b.log(k.say("XB", "assist.grant", object{"extent": "full"}, body, at(24*h)))
		b.arrive("XA", "XB", 26*h)
	})
	tell("never-arrived", "an answer of which nobody has a receipt is late", []string{"LED-4"}, func(b *book) {
		k := b.request(h, "XA", xb)
		b.arrive("XB", "XA", h)
		b.log(k.say("XB", "assist.refuse", object{"grounds": []string{"other"}}, at(2*h)))
	})
	tell("postponed", "the new date stands for the clock, and stays after the answer", []string{"LED-4"}, func(b *book) {
		k := b.request(h, "XA", xb)
		b.arrive("XB", "XA", h)
		b.log(k.say("XB", "assist.postpone", object{"reason": "workload", "until": after(100 * h)}, at(2*h)), k.say("XB", "assist.grant", object{"extent": "part"}, at(90*h)),
			k.say("XB", "assist.grant", object{"extent": "part"}, at(95*h)))
		b.arrive("XA", "XB", 96*h)
		b.request(3*h, "XA", xb)
	})
	tell("answer-undone", "a grant in part, then a postponement: there is no answer now", []string{"LED-4", "LED-5"}, func(b *book) {
		k := b.request(h, "XA", xb)
		b.log(k.say("XB", "assist.grant", object{"extent": "part"}, at(2*h)), k.say("XB", "assist.postpone", object{"reason": "workload", "until": after(50 * h)}, at(3*h)))
		b.arrive("XB", "XA", h)
	})
	tell("both-ways", "refusals with grounds, a rule's refusal with articles, an exercise, withdrawal, conditions that wait", []string{"LED-3", "LED-5", "LED-6"}, func(b *book) {
		k := b.request(h, "XA", xb)
		b.log(k.say("XB", "assist.refuse", object{"grounds": []string{"national-security", "other"}}, at(2*h)))
		k = b.request(2*h, "XB", []party.Code{"XA"})
		b.log(k.say("XA", "receipt.refused", object{"id": k.heads[0].ID, "clause": "DEC-1", "reason": "denied", "articles": []string{"3", "4"}}, at(3*h)))
		k = b.request(3*h, "XB", []party.Code{"XA"}, func(h *statement.Head) { h.Exercise = true })
		b.log(k.say("XA", "assist.grant", object{"extent": "full"}, at(4*h)))
		k = b.request(4*h, "XA", xb)
		b.log(k.say("XA", "assist.withdraw", object{}, at(5*h)))
		k = b.request(5*h, "XA", xb, func(h *statement.Head) {
			h.Agreement = &statement.AgreementRef{ID: statement.ID{4}, Digest: statement.Digest{5}}
		})
		b.log(k.say("XB", "assist.grant", object{"extent": "full", "conditions": []string{"no-onward"}}, at(6*h)))
		k = b.request(6*h, "XA", xb)
		b.log(k.say("XB", "assist.clarify", object{"wanted": []string{"host-names"}}, at(7*h)))
		b.arrive("XB", "XA", 8*h)
		b.arrive("XA", "XB", 9*h)
	})
	tell("outside", "before the period, after it, to somebody else", []string{"LED-3"}, func(b *book) {
		b.request(-h, "XA", xb)
		b.request(1000*h, "XA", xb)
		b.request(h, "XA", []party.Code{"XC"})
	})
	tell("third-left-out", "in a thread with XC the ledger of XA and XB does without what XC said", []string{"LED-5"}, func(b *book) {
		k := b.request(h, "XA", []party.Code{"XB", "XC"})
		k.say("XC", "assist.refuse", object{"grounds": []string{"other"}}, at(2*h))
		b.log(k.say("XB", "assist.grant", object{"extent": "full"}, at(3*h)))
	})
	return v
}
