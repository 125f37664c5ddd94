package exchange

import (
	"cmp"
	"errors"
	"slices"

	"github.com/go-json-experiment/json"

	"github.com/comity-exchange/comity/agreement"
	"github.com/comity-exchange/comity/fault"
	"github.com/comity-exchange/comity/internal/store"
	"github.com/comity-exchange/comity/marking"
	"github.com/comity-exchange/comity/party"
	"github.com/comity-exchange/comity/statement"
)

// Outside stands, as a destination, for somebody who is no party: a court, a firm, the public.
const Outside party.Code = ""

// noOnward is the handling code under which nothing is passed on.
const noOnward = "no-onward"

// Passage is a verdict on passing on what came with a head.
type Passage struct {
	Permitted bool       `json:"permitted"`
	Clause    string     `json:"clause"`
	Article   string     `json:"article,omitzero"` // of the agreement under which it came, where one decides
	Reason    string     `json:"reason"`
	Ask       party.Code `json:"ask,omitzero"` // on denial: whose permission it takes
}

// Denied is the verdict as an error, with what to do; nil where it permits.
func (p Passage) Denied() error {
	if p.Permitted {
		return nil
	}
	v := Verdict{Verdict: agreement.Verdict{Clause: p.Clause, Reason: p.Reason}}
	if p.Article != "" {
		v.Articles = []string{p.Article}
	}
	return denied(v)
}

// source is a head with which content came, and what its agreement says of its use.
type source struct {
	head     *statement.Head
	gathered bool // it brings what others have said to its author
	use      agreement.Use
	binds    func(party.Code) bool // whether the head's agreement binds a party too; nil: there is none
}

// Onward decides whether what came with h may go to a destination: a party, Outside, or for a program of its own, this party itself. proceedings tells that it is to
// serve in judicial proceedings.
func (x *Exchange) Onward(tx store.Tx, h *statement.Head, to party.Code, proceedings bool) (Passage, error) {
	// spec: ONW-1
	s := source{head: h, gathered: x.Rules.Gathered(h)}
	if public, err := x.public(tx, h); err != nil || public {
		return Passage{Permitted: true, Clause: "AGR-16", Reason: "its text is published"}, err
	}
	if h.Agreement != nil {
		policy, err := x.text(tx, h)
		if err != nil {
			return Passage{}, err
		}
		m, err := x.made(tx, *h.Agreement)
		if err != nil && fault.CodeOf(err) != fault.Parked {
			return Passage{}, err
		}
		s.binds = func(code party.Code) bool {
			if m == nil {
				return false
			}
			v, _ := m.Binds(h.Time, h.From, code)
			return v != nil && v.Digest == h.Agreement.Digest
		}
		if policy != nil {
			s.use = unreserved(policy.Use(h.Kind), m, h, x.Self)
		}
	}
	return s.onward(x.Self, to, proceedings), nil
}

// public tells whether a head has the text of an agreement that is for everybody by now.
func (x *Exchange) public(tx store.Tx, h *statement.Head) (bool, error) {
	// spec: AGR-16
	var f struct {
		Digest statement.Digest `json:"digest"`
	}
	if h.Kind.Desk() != deskMaking || h.Body == nil || json.Unmarshal(h.Facts, &f) != nil {
		return false, nil
	}
	t, err := reading(tx, 0).thread(h.ThreadID())
	if err != nil || !t.known {
		return false, err
	}
	at, ok := x.standing(t.state).Published[f.Digest]
	return ok && !x.Now().Before(at.Std()), nil
}

func (s source) onward(self, to party.Code, proceedings bool) Passage {
	h := s.head
	yes := func(clause, article, reason string) Passage {
		return Passage{Permitted: true, Clause: clause, Article: article, Reason: reason}
	}
	no := func(clause, article, reason string) Passage {
		if s.gathered && h.From == self {
			return Passage{Clause: clause, Article: article, Reason: reason + "; ask those who said it: " + string(self) + " has only gathered it"}
		}
		return Passage{Clause: clause, Article: article, Reason: reason + "; ask " + string(h.From), Ask: h.From}
	}
	house := to != Outside && to.Principal() == self.Principal()
	// spec: ONW-1
	switch {
	case h.From == self && !s.gathered:
		return yes("ONW-1", "", "it is this party's own")
	case to == h.From || to != self && slices.Contains(h.To, to):
		return yes("ONW-1", "", string(to)+" has it from its author")
	}
	// spec: ONW-2
	switch {
	case h.Marking.TLP == marking.Red:
		return no("ONW-2", "", "it is TLP:RED, for those alone to whom it was said")
	case slices.Contains(h.Marking.Handling, noOnward) && to != self:
		return no("ONW-2", "", "its handling code is "+noOnward)
	}
	// spec: ONW-3
	if proceedings && s.use.ProceedingsBy != "" {
		if s.use.Proceedings == agreement.ProceedingsYes {
			return yes("ONW-3", s.use.ProceedingsBy, "article "+s.use.ProceedingsBy+" lets it serve in proceedings")
		}
		return no("ONW-3", s.use.ProceedingsBy, "article "+s.use.ProceedingsBy+" does not let it serve in proceedings without its author's permission")
	}
	if house {
		return yes("ONW-2", "", "it stays within "+string(self.Principal()))
	}
	by := s.use.OnwardBy
	switch s.use.Onward {
	case agreement.OnwardNone, agreement.OnwardAsk:
		return no("ONW-3", by, "article "+by+" does not let it be passed on without its author's permission")
	case agreement.OnwardParties:
		if to == Outside || s.binds == nil || !s.binds(to) {
			return no("ONW-3", by, "article "+by+" lets it be passed on to parties of the agreement alone")
		}
		if h.Marking.TLP.Rank() <= marking.Amber.Rank() {
			return yes("ONW-3", by, "article "+by+" lets it be passed on to parties of the agreement")
		}
	}
	return s.byMarking(to, yes, no)
}

// byMarking decides for a destination outside the house where the agreement leaves it to the marking.
func (s source) byMarking(to party.Code, yes, no func(clause, article, reason string) Passage) Passage {
	// spec: ONW-2
	m := s.head.Marking
	switch label := "it is TLP:" + string(m.TLP); {
	case m.PersonalData.Rank() > 0 && s.use.Onward != agreement.OnwardFree && s.use.Onward != agreement.OnwardParties:
		return no("ONW-2", "", "it has personal data, and no article lets them be passed on")
	case m.TLP == marking.Clear:
		return yes("ONW-2", s.use.OnwardBy, label)
	case m.TLP == marking.Green && to != Outside:
		return yes("ONW-2", s.use.OnwardBy, label)
	case m.TLP == marking.Green:
		return no("ONW-2", "", label+", which is not for the public")
	default:
		return no("ONW-2", "", label+", which stays with its recipients")
	}
}

// passOn holds a new head with attachments against the heads with which the same attachments came here: each must let them go to every recipient, and the head must be
// marked no more loosely.
func (x *Exchange) passOn(tx store.Tx, h *statement.Head, body *statement.Body) error {
	// spec: ONW-1, ONW-4
	if x.Unchecked || body == nil || len(h.To) == 0 {
		return nil
	}
	for _, b := range body.Blobs {
		if b.Size == 0 {
			continue // everybody has nothing
		}
		sources, err := x.cameWith(tx, b.SHA256)
		if err != nil {
			return err
		}
		if err := x.passBlob(tx, h, sources); err != nil {
			return err
		}
	}
	return nil
}

// passing is passOn for who only asks: what it forbids takes the place of the verdict.
func (x *Exchange) passing(tx store.Tx, v Verdict, h *statement.Head, body *statement.Body) (Verdict, error) {
	err := x.passOn(tx, h, body)
	if no := (*Denial)(nil); errors.As(err, &no) {
		return no.Verdict, nil
	}
	return v, err
}

// passBlob wants, for every recipient, one of the heads with which a blob came to let it go there, and the new head to be marked no more loosely than that one.
func (x *Exchange) passBlob(tx store.Tx, h *statement.Head, sources []*statement.Head) error {
	if len(sources) == 0 {
		return nil
	}
	for _, to := range h.To {
		var refused error
		ok := false
		for _, s := range sources {
			p, err := x.Onward(tx, s, to, false)
			if err != nil {
				return err
			}
			if !p.Permitted {
				refused = cmp.Or(refused, p.Denied())
				continue
			}
			if !h.Marking.Covers(s.Marking) {
				need := marking.Combine(h.Marking, s.Marking)
				v := agreement.Verdict{Clause: "ONW-4", Reason: "an attachment came from " + string(s.From) + " under a stricter marking: mark this " + tell(need)}
				refused = cmp.Or(refused, denied(Verdict{Verdict: v}))
				continue
			}
			ok = true
			break
		}
		if !ok {
			return refused
		}
	}
	return nil
}

// tell puts a marking into words, as the flags of a command take it.
func tell(m marking.Marking) string {
	out := "TLP:" + string(m.TLP)
	if m.PAP != "" {
		out += ", PAP:" + string(m.PAP)
	}
	if m.PersonalData.Rank() > 0 {
		out += ", personal data " + string(m.PersonalData)
	}
	for _, c := range m.Handling {
		out += ", handling " + c
	}
	if m.RetainUntil != "" {
		out += ", erased by " + m.RetainUntil
	}
	return out
}

// cameWith lists the heads with which a blob came from others, the earliest first; none where this party had it before it came.
func (x *Exchange) cameWith(tx store.Tx, sha256 statement.Digest) ([]*statement.Head, error) {
	// spec: ONW-1
	refs, err := tx.FindBlobs(sha256)
	if err != nil || len(refs) == 0 {
		return nil, err
	}
	type carrier struct {
		head    *statement.Head
		arrived statement.Time
		own     int // 1: this party's own; of what is of one moment, what came counts as the earlier
	}
	var all []carrier
	for _, ref := range refs {
		row, err := tx.Statement(ref.Statement)
		if err != nil {
			return nil, err
		}
		h, err := statement.Reread(row.ID, row.Head)
		if err != nil {
			return nil, err
		}
		c := carrier{h, row.Arrived, 0}
		if h.From == x.Self && !x.Rules.Gathered(h) {
			c.own = 1
		}
		all = append(all, c)
	}
	slices.SortStableFunc(all, func(a, b carrier) int { return cmp.Or(a.arrived.Compare(b.arrived), a.own-b.own) })
	if all[0].own == 1 {
		return nil, nil
	}
	var heads []*statement.Head
	for _, c := range all {
		if c.own == 0 {
			heads = append(heads, c.head)
		}
	}
	return heads, nil
}

// unreserved is what remains of an article's permissions where the author of a head, or whoever got it, has made a reservation to it: what it forbids stays, and what it
// lets be done is asked for.
func unreserved(use agreement.Use, m *agreement.Standing, h *statement.Head, self party.Code) agreement.Use {
	// spec: AGR-10, ONW-2, ONW-3
	reserved := func(article string) bool {
		if m == nil || article == "" {
			return false
		}
		return slices.ContainsFunc(m.Versions, func(v agreement.Version) bool {
			return v.Digest == h.Agreement.Digest && (slices.Contains(v.Reserved[v.Side(h.From)], article) || slices.Contains(v.Reserved[v.Side(self)], article))
		})
	}
	if reserved(use.OnwardBy) && (use.Onward == agreement.OnwardFree || use.Onward == agreement.OnwardParties) {
		use.Onward = agreement.OnwardAsk
	}
	if reserved(use.ProceedingsBy) && use.Proceedings == agreement.ProceedingsYes {
		use.Proceedings = agreement.ProceedingsPermission
	}
	return use
}
