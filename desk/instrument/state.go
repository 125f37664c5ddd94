package instrument

import (
	"maps"
	"slices"
	"time"

	"github.com/comity-exchange/comity/agreement"
	"github.com/comity-exchange/comity/party"
	"github.com/comity-exchange/comity/statement"
	"github.com/comity-exchange/comity/thread"
)

// Stage is how far the text in hand has come.
type Stage string

// The stages.
const (
	Negotiating      Stage = "negotiating"
	UnderSilence     Stage = "under-silence"
	Adopted          Stage = "adopted"
	OpenForSignature Stage = "open-for-signature"
	StatusInForce    Stage = "in-force"
	Terminated       Stage = "terminated"
)

// Bounds of what a state keeps (AGR-9).
const (
	MaxTable     = 8  // amendments of one author beside the text in hand
	MaxVersions  = 64 // texts that were opened for signature
	MaxIntervals = 64 // suspensions of one party
)

// maxFall is by how much the time of what somebody says may lie before that of what they said earlier: as along a log (LOG-7).
const maxFall = time.Minute

// graceOfChair is for how long after its expiry a silence is the chair's alone to close.
const graceOfChair = 24 * time.Hour

// state is the desk's own part of a thread's state. A loaded one belongs to who loaded it and may be changed.
type state struct {
	Chair     party.Code                  `json:"chair"`
	Stage     Stage                       `json:"stage"` // of the text in hand, up to OpenForSignature; stage says the rest
	Draft     Draft                       `json:"draft"` // the text in hand
	Table     []Draft                     `json:"table,omitempty"`
	Adopted   map[party.Code]bool         `json:"adopted,omitempty"`
	Silence   *Silence                    `json:"silence,omitzero"` // the last one of the text in hand
	Versions  []version                   `json:"versions,omitempty"`
	Invited   map[party.Code][]party.Code `json:"invited,omitempty"` // who is, by whom
	Exits     map[party.Code]Exit         `json:"exits,omitempty"`
	Ended     statement.Time              `json:"ended,omitzero"`
	Published []Publication               `json:"published,omitempty"`
	Basis     []statement.ID              `json:"basis,omitempty"`  // agreement.Standing's
	Chairs    map[party.Code]party.Code   `json:"chairs,omitempty"` // who wants whom to chair
	Spoke     moments                     `json:"spoke,omitempty"`  // the latest time of what each has said, comments apart
}

// Draft is a text that was proposed.
type Draft struct {
	ID    statement.ID     `json:"id"` // the head whose body has it
	By    party.Code       `json:"by"`
	Time  statement.Time   `json:"time"`
	Base  statement.Digest `json:"base,omitzero"` // what it amends
	Terms *agreement.Terms `json:"terms,omitzero"`
	// Digest is that of the text. On the table, terms that differ from those of the text in hand by the digest alone are left out.
	Digest statement.Digest `json:"digest"`
}

// terms are a draft's whole terms, as one beside the text in hand.
func (d *Draft) terms(hand *Draft) *agreement.Terms {
	if d.Terms != nil {
		return d.Terms
	}
	t := *hand.Terms
	t.Digest = d.Digest
	return &t
}

// Silence is a silence procedure (AGR-12).
type Silence struct {
	ID         statement.ID   `json:"id"`
	Expires    statement.Time `json:"expires"`
	Objections []Objection    `json:"objections,omitempty"`
	Closed     statement.ID   `json:"closed,omitzero"` // the head that said how it ended
	Outcome    Outcome        `json:"outcome,omitzero"`
}

// Objection is one that was said in time by its author's clock: an instrument.object or an amendment.
type Objection struct {
	ID    statement.ID `json:"id"`
	By    party.Code   `json:"by"`
	Heard []Hearing    `json:"heard,omitempty"` // which other parties had it in time, and said so
	// Late is one that the head which closed the silence had not heard of.
	Late bool `json:"late,omitzero"`
}

// Hearing is that a party had another's objection before the silence expired.
type Hearing struct {
	ID   statement.ID   `json:"id"` // the head that says so
	By   party.Code     `json:"by"`
	Time statement.Time `json:"time"`
}

// Publication is a text that is for everybody from a time on.
type Publication struct {
	Digest statement.Digest `json:"digest"`
	At     statement.Time   `json:"at"`
	By     statement.ID     `json:"by"`
}

// Clone implements thread.Cloner.
func (st state) Clone() state {
	st.Table, st.Basis, st.Published = slices.Clone(st.Table), slices.Clone(st.Basis), slices.Clone(st.Published)
	st.Adopted, st.Chairs, st.Spoke = maps.Clone(st.Adopted), maps.Clone(st.Chairs), maps.Clone(st.Spoke)
	st.Invited, st.Exits = maps.Clone(st.Invited), maps.Clone(st.Exits) // what they hold is replaced, never changed
	if st.Silence != nil {
		own := *st.Silence
		own.Objections = slices.Clone(own.Objections)
		st.Silence = &own
	}
	st.Versions = slices.Clone(st.Versions) // Consents and From are replaced, never changed
	return st
}

// stage is how far the making has come as a whole.
func (st *state) stage() Stage {
	switch {
	case !st.Ended.IsZero():
		return Terminated
	case st.Stage == OpenForSignature && len(st.Versions) > 0 && len(st.Versions[len(st.Versions)-1].From) > 0:
		return StatusInForce
	}
	return st.Stage
}

// may is what by, who takes part, can say now: Moves offers nothing else and apply admits nothing else.
func (st *state) may(by party.Code) []statement.Kind {
	// spec: AGR-9
	stage := st.stage()
	if stage == Terminated || stage == "" {
		return nil
	}
	can := []statement.Kind{KindComment}
	if stage != OpenForSignature || st.binding() || st.Silence != nil {
		can = append(can, KindAmend)
	}
	can = append(can, st.maySilence(by)...)
	if by == st.Chair {
		can = append(can, st.mayChair(stage)...)
	}
	if stage == Negotiating && st.Draft.Terms.In(by) && !st.Adopted[by] {
		can = append(can, KindAdopt)
	}
	if st.Draft.Terms.In(by) {
		can = append(can, KindChair)
	}
	return append(can, st.mayBind(by)...)
}

// maySilence is what can be said of a silence procedure.
func (st *state) maySilence(by party.Code) (can []statement.Kind) {
	// spec: AGR-12, AGR-13
	s := st.Silence
	if s == nil {
		return nil
	}
	if !slices.ContainsFunc(s.Objections, func(o Objection) bool { return o.By == by }) {
		can = append(can, KindObject)
	}
	if slices.ContainsFunc(s.Objections, func(o Objection) bool { return o.By != by && !o.heardBy(by) }) {
		can = append(can, KindHeard)
	}
	if s.Closed.IsZero() {
		can = append(can, KindClose)
	}
	if slices.ContainsFunc(s.Objections, Objection.counts) {
		can = append(can, KindContest)
	}
	return can
}

// mayChair is what the chair can say beside.
func (st *state) mayChair(stage Stage) (can []statement.Kind) {
	switch stage {
	case Negotiating:
		can = []statement.Kind{KindSilence}
	case Adopted:
		can = []statement.Kind{KindOpen, KindPublish}
	case OpenForSignature, StatusInForce:
		can = []statement.Kind{KindPublish}
	}
	// At any stage: what somebody says late, in ignorance of all that came after, must not undo what the chair has put before all.
	if len(st.Table) > 0 {
		can = append(can, KindCirculate)
	}
	return can
}

// apply changes st as h says, or gives why h is void. s is the thread's state before.
func (st *state) apply(s *thread.State, h *statement.Head) error {
	if h.IsOpener() {
		return st.begin(h)
	}
	effect, err := saying(h)
	if err != nil {
		return err
	}
	switch {
	case !slices.Contains(st.may(h.From), h.Kind):
		return thread.Void(thread.NotAdmissible, "AGR-9", "its author cannot say that now: the making is %s", st.stage())
	case st.Spoke[h.From].Std().Sub(h.Time.Std()) > maxFall: // spec: AGR-17
		return thread.Void(thread.NotAdmissible, "AGR-17", "its time is before that of what its author said earlier")
	}
	if err := effect(st, s, h); err != nil {
		return err
	}
	if h.Kind != KindComment && st.Spoke[h.From].Before(h.Time) {
		if st.Spoke == nil {
			st.Spoke = moments{}
		}
		st.Spoke[h.From] = h.Time
	}
	return nil
}

// effect is what a head does to a state that admits its kind; it fails before it changes anything.
type effect func(st *state, s *thread.State, h *statement.Head) error

// reading reads a head's facts for the effect that takes them.
func reading[T any](h *statement.Head, do func(st *state, s *thread.State, h *statement.Head, f T) error) (effect, error) {
	f, err := thread.Facts[T](h)
	return func(st *state, s *thread.State, h *statement.Head) error { return do(st, s, h, f) }, err
}

// saying is the effect of a head that does not open a thread.
func saying(h *statement.Head) (effect, error) {
	switch h.Kind {
	case KindComment:
		return reading(h, (*state).comment)
	case KindAmend:
		return reading(h, (*state).amend)
	case KindCirculate:
		return reading(h, (*state).circulate)
	case KindSilence:
		return reading(h, (*state).silence)
	case KindObject:
		return reading(h, (*state).object)
	case KindHeard:
		return reading(h, (*state).heard)
	case KindClose:
		return reading(h, (*state).close)
	case KindContest:
		return reading(h, (*state).contest)
	case KindAdopt:
		return reading(h, (*state).adopt)
	case KindOpen:
		return reading(h, (*state).open)
	case KindPublish:
		return reading(h, (*state).publish)
	case KindChair:
		return reading(h, (*state).chair)
	}
	return binding(h)
}

// begin takes an opener: a first draft, or a text that is open for signature at once.
func (st *state) begin(h *statement.Head) error {
	// spec: AGR-7
	if h.Kind == KindDeposit {
		f, err := thread.Facts[Deposit](h)
		if err != nil {
			return err
		}
		st.Chair, st.Draft = h.From, draftOf(h, f.Terms, statement.Digest{})
		st.openText(h)
		return nil
	}
	f, err := thread.Facts[Propose](h)
	if err != nil {
		return err
	}
	if st.Chair = f.Chair; st.Chair == "" {
		st.Chair = h.From
	}
	st.Draft, st.Stage = draftOf(h, f.Terms, statement.Digest{}), Negotiating
	return nil
}

func draftOf(h *statement.Head, t agreement.Terms, base statement.Digest) Draft {
	return Draft{ID: h.ID, By: h.From, Time: h.Time, Base: base, Terms: &t, Digest: t.Digest}
}

// inHand is the void of a head that speaks of another text than the one in hand.
func (st *state) inHand(digest statement.Digest) error {
	if digest != st.Draft.Digest {
		return thread.Void(thread.NotAdmissible, "AGR-9", "another text is in hand")
	}
	return nil
}

// tabled is how many amendments of one author lie on the table.
func (st *state) tabled(by party.Code) (n int) {
	for i := range st.Table {
		if st.Table[i].By == by {
			n++
		}
	}
	return n
}

// binding tells whether any text is in force for somebody.
func (st *state) binding() bool {
	return slices.ContainsFunc(st.Versions, func(v version) bool { return len(v.From) > 0 })
}

// onTable finds an amendment by its text's digest.
func (st *state) onTable(digest statement.Digest) int {
	return slices.IndexFunc(st.Table, func(d Draft) bool { return d.Digest == digest })
}

func (st *state) comment(_ *thread.State, _ *statement.Head, f Comment) error {
	terms := st.Draft.Terms
	if i := st.onTable(f.Digest); i >= 0 {
		terms = st.Table[i].terms(&st.Draft)
	} else if v := st.version(f.Digest); v != nil {
		terms = &v.Terms
	} else if err := st.inHand(f.Digest); err != nil {
		return err
	}
	if f.Article != "" && !slices.Contains(terms.Articles, f.Article) {
		return thread.Void(thread.NotAdmissible, "AGR-9", "the text has no such article")
	}
	return nil
}

// amend lays a text on the table. It amends the text in hand or nothing; said in time, it breaks the silence that the text is under.
func (st *state) amend(s *thread.State, h *statement.Head, f Amend) error {
	// spec: AGR-9, AGR-12
	if err := st.inHand(f.Base); err != nil {
		return err
	}
	inTime := st.Silence != nil && h.Time.Before(st.Silence.Expires) && (st.Silence.Closed.IsZero() || !s.Knew(st.Silence.Closed))
	if st.stage() == OpenForSignature && !st.binding() {
		if !inTime {
			return thread.Void(thread.NotAdmissible, "AGR-9", "the text is final: it is amended once it is in force")
		}
		st.Silence.object(h) // it was on its way when the silence was closed
		return nil
	}
	outside := func(c party.Code) bool { _, found := slices.BinarySearch(s.Participants, c); return !found }
	switch {
	case slices.ContainsFunc(f.Parties, outside):
		return thread.Void(thread.NotAdmissible, "AGR-9", "a party of the draft takes no part in the thread: it is admitted first")
	case st.version(f.Digest) != nil || slices.ContainsFunc(st.Table, func(d Draft) bool { return d.By == h.From && d.Digest == f.Digest }):
		return thread.Void(thread.NotAdmissible, "AGR-9", "this text was proposed before")
	case st.tabled(h.From) >= MaxTable:
		return thread.Void(thread.NotAdmissible, "AGR-9", "%d amendments of its author wait for the chair", MaxTable)
	}
	d := draftOf(h, f.Terms, f.Base)
	if like := *d.Terms; d.likes(st.Draft.Terms, &like) {
		d.Terms = nil
	}
	st.Table = append(st.Table, d)
	if inTime && st.Silence.object(h) {
		st.breaks()
	}
	return nil
}

// likes tells whether terms differ from others by the digest alone.
func (d *Draft) likes(others, mine *agreement.Terms) bool {
	mine.Digest = others.Digest
	return mine.Equal(others)
}

// circulate puts an amendment in the place of the text in hand. Where that binds somebody already, it is amended from here on, and goes on binding meanwhile.
func (st *state) circulate(s *thread.State, h *statement.Head, f Text) error {
	// spec: AGR-9
	// Others may have proposed the same text: it is the one that the chair has seen.
	i := slices.IndexFunc(st.Table, func(d Draft) bool { return d.Digest == f.Digest && s.Knew(d.ID) })
	if i < 0 {
		return thread.Void(thread.NotAdmissible, "AGR-9", "no such amendment lies on the table")
	}
	d := st.Table[i]
	d.Terms = d.terms(&st.Draft)
	st.Draft, st.Stage = d, Negotiating
	st.Table, st.Adopted, st.Silence = nil, nil, nil
	st.rests(s, h)
	return nil
}

// adopt counts who agrees that the text is final, where no silence procedure does.
func (st *state) adopt(s *thread.State, h *statement.Head, f Text) error {
	// spec: AGR-9
	if err := st.inHand(f.Digest); err != nil {
		return err
	}
	if st.Adopted == nil {
		st.Adopted = map[party.Code]bool{}
	}
	st.Adopted[h.From] = true
	if len(st.Adopted) == len(st.Draft.Terms.Parties) {
		st.Stage, st.Silence = Adopted, nil
	}
	st.rests(s, h)
	return nil
}

func (st *state) open(s *thread.State, h *statement.Head, f Text) error {
	// spec: AGR-9
	if err := st.inHand(f.Digest); err != nil {
		return err
	}
	if len(st.Versions) >= MaxVersions {
		return thread.Void(thread.NotAdmissible, "AGR-9", "an agreement has at most %d texts", MaxVersions)
	}
	st.openText(h)
	st.rests(s, h)
	return nil
}

// openText opens the text in hand for signature.
func (st *state) openText(h *statement.Head) {
	st.Stage, st.Table = OpenForSignature, nil
	st.Versions = append(st.Versions, version{ID: st.Draft.ID, Opened: h.ID, Terms: *st.Draft.Terms, Consents: consents{}})
}

func (st *state) publish(_ *thread.State, h *statement.Head, f Publish) error {
	// spec: AGR-16
	if st.version(f.Digest) == nil {
		if err := st.inHand(f.Digest); err != nil {
			return err
		}
	}
	p := Publication{Digest: f.Digest, At: f.At, By: h.ID}
	switch i := slices.IndexFunc(st.Published, func(p Publication) bool { return p.Digest == f.Digest }); {
	case i < 0 && len(st.Published) >= MaxVersions:
		return thread.Void(thread.NotAdmissible, "AGR-16", "an agreement has at most %d published texts", MaxVersions)
	case i < 0:
		st.Published = append(st.Published, p)
	case !h.Time.Before(st.Published[i].At):
		return thread.Void(thread.NotAdmissible, "AGR-16", "the text is published already")
	default: // it is put off, or brought forward
		st.Published[i] = p
	}
	return nil
}

// chair counts who wants whom to chair. The chair changes when all parties of the text in hand but the one that chairs want the same.
func (st *state) chair(s *thread.State, h *statement.Head, f Chair) error {
	// spec: AGR-18
	if _, found := slices.BinarySearch(s.Participants, f.Party); !found {
		return thread.Void(thread.NotAdmissible, "AGR-18", "whoever chairs takes part in the thread: it is admitted first")
	}
	if st.Chairs == nil {
		st.Chairs = map[party.Code]party.Code{}
	}
	st.Chairs[h.From] = f.Party
	for _, code := range st.Draft.Terms.Parties {
		if code != st.Chair && st.Chairs[code] != f.Party {
			return nil
		}
	}
	st.Chair, st.Chairs = f.Party, nil
	return nil
}
