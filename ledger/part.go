package ledger

import "github.com/comity-exchange/comity/statement"

// Part is some of a ledger's requests with totals of their own. It is for reading: what two sides compare is the whole.
type Part struct {
	Entries []Entry
	Totals  [2]Total // in the order of Ledger.Parties
}

// Under is what was asked under one agreement; the zero id: everything.
func (l *Ledger) Under(agreement statement.ID) Part {
	// spec: LED-6
	var p Part
	for _, e := range l.Entries {
		if agreement.IsZero() || e.Agreement == agreement {
			p.Entries = append(p.Entries, e)
		}
	}
	for i, code := range l.Parties {
		p.Totals[i] = total(code, p.Entries)
	}
	return p
}

// Used is which part of its clock an answer took, from the request's arrival at the asked party to the answer's at the asker: 1 is the whole of it, more is late. ok is
// false where nothing was due, or where one of the two has not arrived as far as receipts tell.
func (e *Entry) Used() (share float64, ok bool) {
	// spec: LED-4
	if e.DueAnswer.IsZero() || e.ArrivedAt.IsZero() || e.AnswerArrivedAt.IsZero() || !e.ArrivedAt.Before(e.DueAnswer) {
		return 0, false
	}
	took, had := e.AnswerArrivedAt.Std().Sub(e.ArrivedAt.Std()), e.DueAnswer.Std().Sub(e.ArrivedAt.Std())
	return max(0, took.Seconds()) / had.Seconds(), true
}
