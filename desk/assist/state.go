package assist

import (
	"slices"

	"github.com/comity-exchange/comity/party"
	"github.com/comity-exchange/comity/statement"
	"github.com/comity-exchange/comity/thread"
)

// Status is how far one asked party has come with the request (AST-4).
type Status string

// The statuses, the least settled first.
const (
	Open                Status = "open"
	Acknowledged        Status = "acknowledged"
	ClarificationAsked  Status = "clarification-asked"
	Postponed           Status = "postponed"
	GrantedOnConditions Status = "granted-on-conditions"
	PartlyGranted       Status = "partly-granted"
	Granted             Status = "granted"
	Refused             Status = "refused"
	RefusedByRule       Status = "refused-by-rule"
	Withdrawn           Status = "withdrawn"
)

// Statuses lists them, the least settled first.
func Statuses() []Status {
	return []Status{
		Open, Acknowledged, ClarificationAsked, Postponed, GrantedOnConditions, PartlyGranted, Granted, Refused, RefusedByRule, Withdrawn,
	}
}

// MaxGrants bounds the grants of one asked party in one thread, and with them the state (AST-5).
const MaxGrants = 64

// state is the desk's own part of a thread's state. A loaded one belongs to who loaded it and may be changed.
type state struct {
	Request statement.ID         `json:"request"`
	Asker   party.Code           `json:"asker"`
	Limit   thread.Limit         `json:"limit,omitzero"`
	Asked   map[party.Code]*line `json:"asked"`
}

// Clone implements thread.Cloner.
func (st state) Clone() state {
	asked := make(map[party.Code]*line, len(st.Asked))
	for code, l := range st.Asked {
		own := *l
		own.Grants = slices.Clone(l.Grants)
		asked[code] = &own // a refusal is replaced, never changed
	}
	st.Asked = asked
	return st
}

// line is one asked party.
type line struct {
	Status       Status         `json:"status"`
	Before       Status         `json:"before,omitzero"`  // what a supplement gives back
	Clarify      statement.ID   `json:"clarify,omitzero"` // the clarification that waits for one
	Acknowledged statement.Time `json:"acknowledged,omitzero"`
	Postponed    statement.Time `json:"postponed,omitzero"` // the new date
	Grants       []grant        `json:"grants,omitempty"`
	Refusal      *refusal       `json:"refusal,omitzero"`
}

// grant is one answer that gives something.
type grant struct {
	ID     statement.ID   `json:"id"`
	Time   statement.Time `json:"time"`
	Extent Extent         `json:"extent"`
	Stands bool           `json:"stands"` // it had no conditions, or they were accepted
	Use    bool           `json:"use"`    // its author has asked how it was used
}

// refusal is an answer that gives nothing, or no more. Grounds are an officer's grounds or a rule's articles.
type refusal struct {
	ID      statement.ID   `json:"id"`
	Time    statement.Time `json:"time"`
	Grounds []string       `json:"grounds,omitempty"`
}

// may is the table of AST-4 and AST-5: what by can say now. Moves offers nothing else and apply admits nothing else.
func (st *state) may(by party.Code) []statement.Kind {
	// spec: AST-4, AST-5, AST-7
	if l := st.Asked[by]; l != nil {
		return l.may()
	}
	if by != st.Asker {
		return nil // it takes part, and looks on
	}
	var can []statement.Kind
	for _, l := range st.Asked {
		if !l.final() {
			can = append(can, KindSupplement, KindWithdraw)
		}
		if l.Status == GrantedOnConditions {
			can = append(can, KindAccept)
		}
		if slices.ContainsFunc(l.Grants, func(g grant) bool { return g.Use }) {
			can = append(can, KindReportUse)
		}
	}
	return can
}

// may is what this asked party can say now.
func (l *line) may() []statement.Kind {
	var can []statement.Kind
	switch {
	case l.final():
	case l.Status == Open:
		can = []statement.Kind{KindAcknowledge, KindClarify, KindPostpone, KindGrant, KindRefuse}
	case l.Status == GrantedOnConditions:
		can = []statement.Kind{KindGrant, KindRefuse}
	case l.Status == PartlyGranted:
		can = []statement.Kind{KindPostpone, KindGrant, KindRefuse}
	default:
		can = []statement.Kind{KindClarify, KindPostpone, KindGrant, KindRefuse}
	}
	if len(l.Grants) >= MaxGrants {
		can = slices.DeleteFunc(can, func(k statement.Kind) bool { return k == KindGrant })
	}
	if len(l.Grants) > 0 {
		can = append(can, KindAskUse)
	}
	return can
}

// final tells whether nothing is owed any more; what was granted can still be asked about.
func (l *line) final() bool {
	switch l.Status {
	case Granted, Refused, RefusedByRule, Withdrawn:
		return true
	case PartlyGranted:
		return l.Refusal != nil // of the rest
	}
	return false
}

// apply changes st as h says, or gives why h is void.
func (st *state) apply(h *statement.Head) error {
	l := st.Asked[h.From]
	switch h.Kind {
	case KindRequest:
		return st.open(h)
	case KindAcknowledge:
		return say(st, h, func(Acknowledge) error {
			l.Status, l.Acknowledged = Acknowledged, h.Time
			return nil
		})
	case KindClarify:
		return say(st, h, func(Clarify) error {
			l.clarify(h.ID)
			return nil
		})
	case KindSupplement:
		return say(st, h, func(f Supplement) error {
			st.supplement(f.For)
			return nil
		})
	case KindPostpone:
		return say(st, h, func(f Postpone) error {
			l.become(Postponed)
			l.Postponed = f.Until
			return nil
		})
	case KindGrant:
		return say(st, h, func(f Grant) error {
			l.grant(h, f)
			return nil
		})
	case KindAccept:
		return say(st, h, func(f Accept) error { return st.accept(f.Answer) })
	case KindRefuse:
		return say(st, h, func(f Refuse) error {
			l.refuse(refusal{ID: h.ID, Time: h.Time, Grounds: f.Grounds})
			return nil
		})
	case KindWithdraw:
		return say(st, h, func(Withdraw) error {
			st.withdraw()
			return nil
		})
	case KindAskUse:
		return say(st, h, func(f AskUse) error { return l.askUse(f.Answer) })
	case KindReportUse:
		return say(st, h, func(f ReportUse) error { return st.reportUse(f.Answer) })
	case thread.KindRefused:
		return st.refusedByRule(h)
	}
	return nil
}

// say reads the facts of h and, where its author may say it now, lets do take effect. Facts come first (THR-6).
func say[F any](st *state, h *statement.Head, do func(F) error) error {
	f, err := thread.Facts[F](h)
	if err != nil {
		return err
	}
	if !slices.Contains(st.may(h.From), h.Kind) {
		return thread.Void(thread.NotAdmissible, "AST-5", "its author cannot say this at this point of the request")
	}
	return do(f)
}

// open makes the state of a new request.
func (st *state) open(h *statement.Head) error {
	f, err := thread.Facts[Request](h)
	switch {
	case err != nil:
		return err
	case !h.IsOpener():
		return thread.Void(thread.NotAdmissible, "AST-1", "a request opens a thread of its own")
	}
	st.Request, st.Asker, st.Asked = h.ID, h.From, make(map[party.Code]*line, len(h.To))
	for _, c := range h.To {
		st.Asked[c] = &line{Status: Open}
	}
	if f.Clock != nil {
		st.Limit = *f.Clock
	}
	return nil
}

// become leaves whatever waited.
func (l *line) become(s Status) {
	l.Status, l.Before, l.Clarify = s, "", statement.ID{}
}

// clarify keeps the status that a supplement will give back; a second question takes the place of the first.
func (l *line) clarify(id statement.ID) {
	if l.Status != ClarificationAsked {
		l.Before = l.Status
	}
	l.Status, l.Clarify = ClarificationAsked, id
}

// supplement gives back what was before to who asked for it: to one, or, for the zero id, to all.
func (st *state) supplement(to statement.ID) {
	for _, l := range st.Asked {
		if l.Status == ClarificationAsked && (to.IsZero() || l.Clarify == to) {
			l.become(l.Before)
		}
	}
}

// grant replaces one whose conditions wait.
func (l *line) grant(h *statement.Head, f Grant) {
	stands := len(f.Conditions) == 0
	l.Grants = append(l.Grants, grant{ID: h.ID, Time: h.Time, Extent: f.Extent, Stands: stands})
	if stands {
		l.become(f.Extent.status())
	} else {
		l.become(GrantedOnConditions)
	}
}

// status is what a grant of this extent makes of an asked party.
func (e Extent) status() Status {
	if e == Full {
		return Granted
	}
	return PartlyGranted
}

// accept makes the grant stand whose conditions wait: the last of an asked party.
func (st *state) accept(answer statement.ID) error {
	for _, l := range st.Asked {
		if l.Status != GrantedOnConditions {
			continue
		}
		if g := &l.Grants[len(l.Grants)-1]; g.ID == answer {
			g.Stands = true
			l.become(g.Extent.status())
			return nil
		}
	}
	return thread.Void(thread.NotAdmissible, "AST-4", "there is no grant with conditions that wait under this id")
}

// refuse declines all, or, when something stands already, the rest.
func (l *line) refuse(r refusal) {
	l.Refusal = &r
	if l.standing(Part) != nil {
		l.become(PartlyGranted)
	} else {
		l.become(Refused)
	}
}

// standing is the first grant of that extent that counts, or nil.
func (l *line) standing(e Extent) *grant {
	i := slices.IndexFunc(l.Grants, func(g grant) bool { return g.Stands && g.Extent == e })
	if i < 0 {
		return nil
	}
	return &l.Grants[i]
}

// withdraw ends it for all who have not answered in full.
func (st *state) withdraw() {
	for _, l := range st.Asked {
		if !l.final() {
			l.become(Withdrawn)
		}
	}
}

// askUse marks a grant as asked about.
func (l *line) askUse(answer statement.ID) error {
	i := slices.IndexFunc(l.Grants, func(g grant) bool { return g.ID == answer })
	if i < 0 {
		return thread.Void(thread.NotAdmissible, "AST-7", "it names no grant of its author's")
	}
	l.Grants[i].Use = true
	return nil
}

// reportUse changes nothing: the report itself is what was wanted.
func (st *state) reportUse(answer statement.ID) error {
	for _, l := range st.Asked {
		if slices.ContainsFunc(l.Grants, func(g grant) bool { return g.ID == answer && g.Use }) {
			return nil
		}
	}
	return thread.Void(thread.NotAdmissible, "AST-7", "it names no grant that has been asked about")
}

// refusedByRule sees an asked party's node refuse the request itself. A refusal of any other head is no answer to it.
func (st *state) refusedByRule(h *statement.Head) error {
	f, err := thread.Facts[thread.Refused](h)
	if err != nil {
		return err
	}
	if l := st.Asked[h.From]; l != nil && f.ID == st.Request && !l.final() && len(l.Grants) == 0 {
		l.Refusal = &refusal{ID: h.ID, Time: h.Time, Grounds: f.Articles}
		l.become(RefusedByRule)
	}
	return nil
}
