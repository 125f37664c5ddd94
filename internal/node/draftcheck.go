package node

import (
	"github.com/comity-exchange/comity/agreement"
	"github.com/comity-exchange/comity/fault"
	"github.com/comity-exchange/comity/statement"
	"github.com/comity-exchange/comity/thread"
)

// TextProblem is one thing that is wrong with the text of an agreement.
type TextProblem struct {
	Clause  string `json:"clause"`
	Message string `json:"message"`
}

// TextReport is all that is wrong with a text before anybody signs it.
type TextReport struct {
	Problems []TextProblem    `json:"problems"`
	Unknown  []string         `json:"unknown,omitempty"` // kinds that no desk here has
	Digest   statement.Digest `json:"digest,omitzero"`   // where nothing is wrong

	Document *agreement.Document `json:"-"` // where nothing is wrong
	First    *fault.Error        `json:"-"` // where something is
}

// CheckText says all that is wrong with a text, each with its article and member, and what a desk here does not know.
func CheckText(raw []byte) (TextReport, error) {
	// spec: AGR-1
	r := TextReport{Problems: []TextProblem{}}
	for _, p := range agreement.Problems(raw) {
		if r.First == nil {
			r.First = p
		}
		r.Problems = append(r.Problems, TextProblem{p.Clause, p.Msg})
	}
	if r.First != nil {
		return r, nil
	}
	doc, err := agreement.Parse(raw)
	if err != nil {
		return r, err
	}
	rules, err := thread.NewRules(Desks()...)
	if err != nil {
		return r, err
	}
	var known agreement.Vocabulary
	for _, k := range rules.Specs() {
		known.Kinds = append(known.Kinds, k.Kind)
	}
	r.Document, r.Digest, r.Unknown = doc, doc.Digest, doc.Unknown(known)
	return r, nil
}
