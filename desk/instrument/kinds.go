package instrument

import (
	"slices"

	"github.com/comity-exchange/comity/agreement"
	"github.com/comity-exchange/comity/fault"
	"github.com/comity-exchange/comity/party"
	"github.com/comity-exchange/comity/statement"
	"github.com/comity-exchange/comity/thread"
)

// What can be said.
const (
	KindPropose   statement.Kind = "instrument.propose"
	KindDeposit   statement.Kind = "instrument.deposit"
	KindComment   statement.Kind = "instrument.comment"
	KindAmend     statement.Kind = "instrument.amend"
	KindCirculate statement.Kind = "instrument.circulate"
	KindSilence   statement.Kind = "instrument.silence"
	KindObject    statement.Kind = "instrument.object"
	KindHeard     statement.Kind = "instrument.heard"
	KindClose     statement.Kind = "instrument.close"
	KindContest   statement.Kind = "instrument.contest"
	KindAdopt     statement.Kind = "instrument.adopt"
	KindOpen      statement.Kind = "instrument.open"
	KindSign      statement.Kind = "instrument.sign"
	KindRatify    statement.Kind = "instrument.ratify"
	KindInvite    statement.Kind = "instrument.invite"
	KindAccede    statement.Kind = "instrument.accede"
	KindSuspend   statement.Kind = "instrument.suspend"
	KindResume    statement.Kind = "instrument.resume"
	KindWithdraw  statement.Kind = "instrument.withdraw"
	KindTerminate statement.Kind = "instrument.terminate"
	KindPublish   statement.Kind = "instrument.publish"
	KindChair     statement.Kind = "instrument.chair"
)

func kinds() []thread.KindSpec {
	// spec: AGR-9
	return []thread.KindSpec{
		{Kind: KindPropose, Rank: 50, Opens: true, Facts: Propose{}, Body: Document{}, Label: "propose a draft",
			Means: "Puts a first text before those who negotiate; nobody is bound by it."},
		{Kind: KindDeposit, Rank: 50, Opens: true, Facts: Deposit{}, Body: Document{}, Label: "deposit an agreement",
			Means: "Puts a text that needs no negotiation before all its parties for signature; the depositor signs like the others."},
		{Kind: KindComment, Rank: 45, Facts: Comment{}, Label: "comment",
			Means: "Says something of a text, or of one of its articles; it changes nothing."},
		{Kind: KindAmend, Rank: 40, Facts: Amend{}, Body: Document{}, Label: "propose an amended draft",
			Means: "Lays another text beside the one in hand; said before silence expires, it breaks it."},
		{Kind: KindCirculate, Rank: 50, Facts: Text{}, Label: "circulate an amended draft",
			Means: "The chair puts an amended draft in the place of the text in hand; other amendments lapse."},
		{Kind: KindSilence, Rank: 50, Facts: Ask{}, Label: "place under silence",
			Means: "The chair proposes that the text is adopted unless somebody objects or amends before a moment."},
		{Kind: KindObject, Rank: 0, Facts: Object{}, Label: "object",
			Means: "Breaks the silence: the text is not adopted by it."},
		{Kind: KindHeard, Rank: 5, Facts: Object{}, Label: "say that an objection was heard",
			Means: "Tells when another party's objection had arrived here; it says nothing of agreeing with it."},
		{Kind: KindClose, Rank: 55, Facts: Close{}, Label: "close the silence",
			Means: "Tells all how the silence has ended."},
		{Kind: KindContest, Rank: 90, Facts: Object{}, Label: "contest the silence",
			Means: "Shows that an objection was made, and heard by another party, before the silence had expired: the text is in negotiation again."},
		{Kind: KindAdopt, Rank: 50, Facts: Text{}, Label: "adopt",
			Means: "Agrees that the text is final; it does not bind the party yet."},
		{Kind: KindOpen, Rank: 50, Facts: Text{}, Label: "open for signature",
			Means: "The chair opens the adopted text for signature."},
		{Kind: KindSign, Rank: 50, Facts: Sign{}, Label: "sign",
			Means: "Binds the party to the text, or where the text asks for ratification, announces that."},
		{Kind: KindRatify, Rank: 55, Facts: Ratify{}, Label: "ratify",
			Means: "Binds a party that has signed: ratification, acceptance or approval, as its own law calls it."},
		{Kind: KindInvite, Rank: 50, Facts: Invite{}, Label: "invite to accede",
			Means: "Agrees that another party joins; it may, once all who are bound have invited it."},
		{Kind: KindAccede, Rank: 60, Facts: Sign{}, Label: "accede",
			Means: "Binds a party that is not among the text's own to the agreement in force."},
		{Kind: KindSuspend, Rank: 20, Facts: Suspend{}, Label: "suspend",
			Means: "Nothing passes between this party and the others under the agreement until it resumes."},
		{Kind: KindResume, Rank: 50, Facts: struct{}{}, Label: "resume",
			Means: "Ends this party's suspension."},
		{Kind: KindWithdraw, Rank: 50, Facts: Withdraw{}, Label: "withdraw",
			Means: "Leaves the agreement at a time that keeps the notice that it asks for."},
		{Kind: KindTerminate, Rank: 50, Facts: struct{}{}, Label: "terminate",
			Means: "Agrees that the agreement ends for all; it does, once all who are bound have said so."},
		{Kind: KindPublish, Rank: 50, Facts: Publish{}, Label: "publish",
			Means: "From a time on the text is for everybody: it is no more confidential than TLP:CLEAR."},
		{Kind: KindChair, Rank: 50, Facts: Chair{}, Label: "name a chair",
			Means: "Wants a participant to chair; it does, once all parties of the text in hand but the present chair want that."},
	}
}

// Propose is the facts of instrument.propose.
type Propose struct {
	agreement.Terms `json:",embed"`
	Chair           party.Code `json:"chair,omitzero"` // "": the author
}

// Check wants the parties, and the chair, among those whom the head goes to and its author.
func (f Propose) Check(h *statement.Head) error {
	// spec: AGR-7
	if err := f.Terms.Check(); err != nil {
		return err
	}
	there := func(c party.Code) bool { return c == h.From || h.IsFor(c) }
	if f.Chair != "" && !there(f.Chair) || slices.ContainsFunc(f.Parties, func(c party.Code) bool { return !there(c) }) {
		return fault.New(fault.Malformed, "AGR-7", "a draft goes to all its parties and to its chair")
	}
	return nil
}

// Deposit is the facts of instrument.deposit.
type Deposit struct {
	agreement.Terms `json:",embed"`
}

// Check wants the parties to be the author and those whom the head goes to, each once.
func (f Deposit) Check(h *statement.Head) error {
	// spec: AGR-7
	if err := f.Terms.Check(); err != nil {
		return err
	}
	if present := slices.Sorted(slices.Values(append(slices.Clone(h.To), h.From))); !slices.Equal(f.Parties, present) {
		return fault.New(fault.Malformed, "AGR-7", "a deposit goes to all other parties of its document and to nobody else")
	}
	return nil
}

// Document is what the bodies of drafts have: the agreement's text.
type Document struct {
	Document string `json:"document"`
}

// Amend is the facts of instrument.amend.
type Amend struct {
	agreement.Terms `json:",embed"`
	Base            statement.Digest `json:"base"` // of the text in hand
}

// Check wants whole terms, of another text than the base.
func (f Amend) Check(*statement.Head) error {
	// spec: AGR-7
	if f.Base.IsZero() || f.Base == f.Digest {
		return fault.New(fault.Malformed, "AGR-7", "an amended draft names another text that it amends")
	}
	return f.Terms.Check()
}

// Text is the facts of what is said of one text.
type Text struct {
	Digest statement.Digest `json:"digest"`
}

// Check wants a digest.
func (f Text) Check(*statement.Head) error { return named(f.Digest) }

// named wants the digest of a text.
func named(digest statement.Digest) error {
	// spec: AGR-9
	if digest.IsZero() {
		return fault.New(fault.Malformed, "AGR-9", "it names the digest of a text")
	}
	return nil
}

// Comment is the facts of instrument.comment. Article is "" when it is of the text as a whole.
type Comment struct {
	Digest  statement.Digest `json:"digest"`
	Article string           `json:"article,omitzero"`
}

// Check wants a digest.
func (f Comment) Check(*statement.Head) error { return named(f.Digest) }

// Ask is the facts of instrument.silence.
type Ask struct {
	Digest  statement.Digest `json:"digest"`
	Expires statement.Time   `json:"expires"`
}

// Check wants an expiry that is still to come.
func (f Ask) Check(h *statement.Head) error {
	// spec: AGR-12
	if !h.Time.Before(f.Expires) {
		return fault.New(fault.Malformed, "AGR-12", "silence expires after it was asked for")
	}
	return named(f.Digest)
}

// Object is the facts of what is said of an objection; in instrument.object it names the silence that it breaks.
type Object struct {
	Of statement.ID `json:"of"`
}

// Check wants what it is of.
func (f Object) Check(*statement.Head) error {
	// spec: AGR-12, AGR-13
	if f.Of.IsZero() {
		return fault.New(fault.Malformed, "AGR-12", "it names the silence, or the objection, that it is of")
	}
	return nil
}

// Outcome is how a silence has ended.
type Outcome string

// The outcomes.
const (
	OutcomeAdopted Outcome = "adopted"
	OutcomeBroken  Outcome = "broken"
)

// Close is the facts of instrument.close.
type Close struct {
	Silence statement.ID `json:"silence"`
	Outcome Outcome      `json:"outcome"`
}

// Check wants one of the two outcomes.
func (f Close) Check(*statement.Head) error {
	// spec: AGR-12
	if f.Silence.IsZero() || f.Outcome != OutcomeAdopted && f.Outcome != OutcomeBroken {
		return fault.New(fault.Malformed, "AGR-12", "it names the silence, and that it ended adopted or broken")
	}
	return nil
}

// Sign is the facts of instrument.sign and instrument.accede. Reservations are numbers of articles; what a reservation says is in the body.
type Sign struct {
	Digest       statement.Digest `json:"digest"`
	Reservations []string         `json:"reservations,omitempty"`
}

// Check wants a digest, and no empty list.
func (f Sign) Check(*statement.Head) error {
	// spec: AGR-14
	if f.Reservations != nil && len(f.Reservations) == 0 {
		return fault.New(fault.Malformed, "AGR-14", "reservations are left out where there are none")
	}
	return named(f.Digest)
}

// Ratify is the facts of instrument.ratify.
type Ratify struct {
	Digest statement.Digest `json:"digest"`
	As     string           `json:"as"` // "ratification", "acceptance" or "approval": they bind alike
}

// Check wants one of the three words.
func (f Ratify) Check(*statement.Head) error {
	// spec: AGR-14
	if !slices.Contains([]string{"ratification", "acceptance", "approval"}, f.As) {
		return fault.New(fault.Malformed, "AGR-14", "a party ratifies, accepts or approves")
	}
	return named(f.Digest)
}

// Invite is the facts of instrument.invite.
type Invite struct {
	Party party.Code `json:"party"`
}

// Check wants a party.
func (f Invite) Check(*statement.Head) error {
	// spec: AGR-15
	if f.Party == "" {
		return fault.New(fault.Malformed, "AGR-15", "an invitation names whom it is for")
	}
	return nil
}

// Suspend is the facts of instrument.suspend. Without Until it lasts until the party resumes.
type Suspend struct {
	Until statement.Time `json:"until,omitzero"`
}

// Check wants an end that is still to come.
func (f Suspend) Check(h *statement.Head) error {
	// spec: AGR-11
	if !f.Until.IsZero() && !h.Time.Before(f.Until) {
		return fault.New(fault.Malformed, "AGR-11", "a suspension ends after it began")
	}
	return nil
}

// Withdraw is the facts of instrument.withdraw.
type Withdraw struct {
	At statement.Time `json:"at"`
}

// Check wants a time.
func (f Withdraw) Check(*statement.Head) error {
	// spec: AGR-11
	if f.At.IsZero() {
		return fault.New(fault.Malformed, "AGR-11", "a withdrawal says from when")
	}
	return nil
}

// Publish is the facts of instrument.publish.
type Publish struct {
	Digest statement.Digest `json:"digest"`
	At     statement.Time   `json:"at"`
}

// Check wants a time that is not past.
func (f Publish) Check(h *statement.Head) error {
	// spec: AGR-16
	if f.At.Before(h.Time) {
		return fault.New(fault.Malformed, "AGR-16", "a text cannot be published earlier than that is said")
	}
	return named(f.Digest)
}

// Chair is the facts of instrument.chair.
type Chair struct {
	Party party.Code `json:"party"`
}

// Check wants a party.
func (f Chair) Check(*statement.Head) error {
	// spec: AGR-18
	if f.Party == "" {
		return fault.New(fault.Malformed, "AGR-18", "it names who is to chair")
	}
	return nil
}
