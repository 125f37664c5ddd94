package cli

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/comity-exchange/comity/agreement"
	"github.com/comity-exchange/comity/desk/instrument"
	"github.com/comity-exchange/comity/fault"
	"github.com/comity-exchange/comity/internal/node"
	"github.com/comity-exchange/comity/party"
	"github.com/comity-exchange/comity/statement"
)

// The commands by which an agreement is made: each says one thing in its thread.

type agreementProposeCmd struct {
	File  string       `arg:"" help:"The document."`
	With  []party.Code `placeholder:"CODE" help:"Who negotiates beside the parties of the text, such as a secretariat."`
	Chair party.Code   `placeholder:"CODE" help:"Who chairs: puts texts before all, places them under silence, opens them. Without it: this node's party."`
	speaker
}

func (agreementProposeCmd) Help() string {
	return `A first draft, to be commented on and amended. Nobody is bound by it.
  comity agreement propose draft.json
  comity agreement propose draft.json --with XS --chair XS`
}

func (c *agreementProposeCmd) Run(ctx context.Context, s *session) error {
	raw, err := readFile(c.File, agreement.MaxDocument)
	if err != nil {
		return err
	}
	return s.with(ctx, func(n *node.Node) error {
		said, err := n.Propose(ctx, raw, c.With, c.Chair, c.by(n))
		if err != nil {
			return err
		}
		return showMaking(ctx, s, n, said.ID, "Proposed.")
	})
}

type agreementAmendCmd struct {
	agreementOf
	File string `arg:"" help:"The amended document, whole."`
	Text string `placeholder:"TEXT" help:"What is amended, and why, for people."`
	speaker
}

func (agreementAmendCmd) Help() string {
	return `Another text beside the one in hand, which 'comity agreement show --document' gives to edit. The chair circulates it, or it lapses. Said before silence expires, it
breaks the silence.
  comity agreement amend 3f2a1b amended.json --text "Seven days are too short."`
}

func (c *agreementAmendCmd) Run(ctx context.Context, s *session) error {
	raw, err := readFile(c.File, agreement.MaxDocument)
	if err != nil {
		return err
	}
	return c.do(ctx, s, "The amended draft lies on the table.", func(n *node.Node, id agreement.ID) error {
		_, err := n.Amend(ctx, id, raw, c.Text, c.by(n))
		return err
	})
}

// agreementOf is the argument of what is said in the making of an agreement.
type agreementOf struct {
	ID string `arg:"" name:"agreement" help:"The agreement; the first six digits of its id or more."`
}

// do finds the agreement, does something in its making, and shows what has come of it.
func (c agreementOf) do(ctx context.Context, s *session, done string, f func(n *node.Node, id agreement.ID) error) error {
	return s.with(ctx, func(n *node.Node) error {
		id, err := n.FindThread(ctx, c.ID)
		if err != nil {
			return err
		}
		if err := f(n, id); err != nil {
			return err
		}
		return showMaking(ctx, s, n, id, done)
	})
}

// say says one thing in the making of an agreement and shows what has come of it. facts makes what is said of how the making stands.
func (c agreementOf) say(ctx context.Context, s *session, by speaker, kind statement.Kind, text, done string, facts func(v node.AgreementView) (any, error)) error {
	return c.do(ctx, s, done, func(n *node.Node, id agreement.ID) error {
		v, err := n.Agreement(ctx, id)
		if err != nil {
			return err
		}
		if v.Making == nil {
			return fault.New(fault.NotFound, "AGR-9", "what the making begins with has not arrived yet")
		}
		f, err := facts(v)
		if err != nil {
			return err
		}
		_, err = n.Negotiate(ctx, id, kind, f, text, by.by(n))
		return err
	})
}

// inHand are the facts of what is said of the text in hand.
func inHand(v node.AgreementView) (any, error) { return instrument.Text{Digest: v.Digest}, nil }

// pick finds a draft by the beginning of its digest; "" is the text in hand, or the only one on the table where table is set.
func pick(v node.AgreementView, given string, table bool) (statement.Digest, error) {
	all := v.Making.Table
	if !table {
		all = append(slices.Clone(all), v.Making.Draft)
	}
	var found []statement.Digest
	for _, d := range all {
		if given != "" && strings.HasPrefix(d.Digest.String(), given) || given == "" && (table || d.Digest == v.Digest) {
			found = append(found, d.Digest)
		}
	}
	switch len(found) {
	case 1:
		return found[0], nil
	case 0:
		return statement.Digest{}, advise(fault.New(fault.NotFound, "AGR-9", "no such draft is before the parties"), "comity agreement show "+v.ID.Short()+" lists them")
	}
	return statement.Digest{}, advise(fault.New(fault.Usage, "AGR-9", "%d drafts are before the parties: say which one, by the beginning of its digest", len(found)),
		"comity agreement show "+v.ID.Short()+" lists them")
}

type agreementCirculateCmd struct {
	agreementOf
	Digest string `arg:"" optional:"" help:"Which amended draft, by the beginning of its digest; the only one may be left out."`
	speaker
}

func (agreementCirculateCmd) Help() string {
	return `For the chair. The amended draft is the text in hand from now on; other amendments lapse.
  comity agreement circulate 3f2a1b 77c0`
}

func (c *agreementCirculateCmd) Run(ctx context.Context, s *session) error {
	return c.say(ctx, s, c.speaker, instrument.KindCirculate, "", "Circulated: this is the text in hand.", func(v node.AgreementView) (any, error) {
		digest, err := pick(v, c.Digest, true)
		return instrument.Text{Digest: digest}, err
	})
}

type agreementCommentCmd struct {
	agreementOf
	Text    string `arg:"" help:"What there is to say."`
	Article string `placeholder:"NUMBER" help:"Of which article."`
	Draft   string `placeholder:"DIGEST" help:"Of which draft, by the beginning of its digest. Without it: the text in hand."`
	speaker
}

func (agreementCommentCmd) Help() string {
	return `  comity agreement comment 3f2a1b --article 4 "Three days do not suffice for this."`
}

func (c *agreementCommentCmd) Run(ctx context.Context, s *session) error {
	return c.say(ctx, s, c.speaker, instrument.KindComment, c.Text, "Said.", func(v node.AgreementView) (any, error) {
		digest, err := pick(v, c.Draft, false)
		return instrument.Comment{Digest: digest, Article: c.Article}, err
	})
}

type agreementSilenceCmd struct {
	agreementOf
	Expires string `required:"" placeholder:"TIME" help:"When it expires: +48h, or a moment; 24 to 72 hours are usual."`
	speaker
}

func (agreementSilenceCmd) Help() string {
	return `For the chair. The text in hand is adopted unless somebody objects or amends before the moment; close it then.
  comity agreement silence 3f2a1b --expires +48h
  comity agreement silence 3f2a1b --expires "2026-12-01 12:00Z"`
}

func (c *agreementSilenceCmd) Run(ctx context.Context, s *session) error {
	at, err := s.moment("--expires", c.Expires)
	if err != nil {
		return err
	}
	if !statement.TimeOf(s.now()).Before(at) {
		return fault.New(fault.Usage, "AGR-12", "%s is not to come: a silence expires after it was asked for", at)
	}
	return c.say(ctx, s, c.speaker, instrument.KindSilence, "", "The text is under silence.", func(v node.AgreementView) (any, error) {
		return instrument.Ask{Digest: v.Digest, Expires: at}, nil
	})
}

// running is the silence that is, or was last, asked for.
func running(v node.AgreementView) (*instrument.Silence, error) {
	if v.Making.Silence == nil {
		return nil, fault.New(fault.Inadmissible, "AGR-12", "the text was not placed under silence")
	}
	return v.Making.Silence, nil
}

type agreementObjectCmd struct {
	agreementOf
	Text string `arg:"" optional:"" help:"Why, for people."`
	speaker
}

func (agreementObjectCmd) Help() string {
	return `  comity agreement object 3f2a1b "Article 5 would bind us to what our law forbids."`
}

func (c *agreementObjectCmd) Run(ctx context.Context, s *session) error {
	return c.say(ctx, s, c.speaker, instrument.KindObject, c.Text, "The objection is said.", func(v node.AgreementView) (any, error) {
		q, err := running(v)
		if err != nil {
			return nil, err
		}
		return instrument.Object{Of: q.ID}, nil
	})
}

type agreementCloseCmd struct {
	agreementOf
	speaker
}

func (agreementCloseCmd) Help() string {
	return `For the chair; for anybody once a day has passed since it expired. Tells all whether the text is adopted or the silence was broken.
  comity agreement close 3f2a1b`
}

func (c *agreementCloseCmd) Run(ctx context.Context, s *session) error {
	return c.say(ctx, s, c.speaker, instrument.KindClose, "", "The silence is closed.", func(v node.AgreementView) (any, error) {
		q, err := running(v)
		if err != nil {
			return nil, err
		}
		if len(q.Objections) > 0 {
			return instrument.Close{Silence: q.ID, Outcome: instrument.OutcomeBroken}, nil
		}
		return instrument.Close{Silence: q.ID, Outcome: instrument.OutcomeAdopted}, nil
	})
}

type agreementContestCmd struct {
	agreementOf
	speaker
}

func (agreementContestCmd) Help() string {
	return `When the text was adopted although an objection had been made in time, and another party had heard of it before the silence expired: it is in negotiation again.
  comity agreement contest 3f2a1b`
}

func (c *agreementContestCmd) Run(ctx context.Context, s *session) error {
	return c.say(ctx, s, c.speaker, instrument.KindContest, "", "The text is in negotiation again.", func(v node.AgreementView) (any, error) {
		q, err := running(v)
		if err != nil {
			return nil, err
		}
		for _, o := range q.Objections {
			if o.Late && len(o.Heard) > 0 {
				return instrument.Object{Of: o.ID}, nil
			}
		}
		return nil, fault.New(fault.Inadmissible, "AGR-13", "no objection was left out that another party had heard of in time")
	})
}

type agreementAdoptCmd struct {
	agreementOf
	speaker
}

func (agreementAdoptCmd) Help() string {
	return `The text is final once all its parties have said so. It binds nobody yet.
  comity agreement adopt 3f2a1b`
}

func (c *agreementAdoptCmd) Run(ctx context.Context, s *session) error {
	return c.say(ctx, s, c.speaker, instrument.KindAdopt, "", "Adopted by this party.", inHand)
}

type agreementOpenCmd struct {
	agreementOf
	speaker
}

func (agreementOpenCmd) Help() string {
	return "For the chair: the adopted text can be signed from now on.\n  comity agreement open 3f2a1b"
}

func (c *agreementOpenCmd) Run(ctx context.Context, s *session) error {
	return c.say(ctx, s, c.speaker, instrument.KindOpen, "", "Open for signature.", inHand)
}

type agreementRatifyCmd struct {
	agreementOf
	As string `name:"by" default:"ratification" enum:"ratification,acceptance,approval" help:"What this party's own law calls it: ratification, acceptance or approval."`
	speaker
}

func (agreementRatifyCmd) Help() string { return "  comity agreement ratify 3f2a1b --by acceptance" }

func (c *agreementRatifyCmd) Run(ctx context.Context, s *session) error {
	return c.do(ctx, s, "This party is bound, once the text is in force.", func(n *node.Node, id agreement.ID) error {
		_, err := n.Ratify(ctx, id, c.As, c.by(n))
		return err
	})
}

type agreementInviteCmd struct {
	agreementOf
	Party party.Code `arg:"" help:"Who may join."`
	speaker
}

func (agreementInviteCmd) Help() string { return "  comity agreement invite 3f2a1b XD" }

func (c *agreementInviteCmd) Run(ctx context.Context, s *session) error {
	return c.say(ctx, s, c.speaker, instrument.KindInvite, "", "Invited by this party.", func(node.AgreementView) (any, error) {
		return instrument.Invite{Party: c.Party}, nil
	})
}

type agreementSuspendCmd struct {
	agreementOf
	Until string `placeholder:"TIME" help:"It ends by itself then. Without it: until 'comity agreement resume'."`
	Text  string `placeholder:"TEXT" help:"Why, for people."`
	speaker
}

func (agreementSuspendCmd) Help() string {
	return `Nothing passes between this party and the others under the agreement meanwhile. It binds each of them from when it has arrived there, and in any case once the notice
that the agreement asks for has passed.
  comity agreement suspend 3f2a1b --until +30d`
}

func (c *agreementSuspendCmd) Run(ctx context.Context, s *session) error {
	var f instrument.Suspend
	if c.Until != "" {
		var err error
		if f.Until, err = s.moment("--until", c.Until); err != nil {
			return err
		}
	}
	return c.say(ctx, s, c.speaker, instrument.KindSuspend, c.Text, "Suspended between this party and the others.", func(node.AgreementView) (any, error) { return f, nil })
}

type agreementResumeCmd struct {
	agreementOf
	speaker
}

func (agreementResumeCmd) Help() string { return "  comity agreement resume 3f2a1b" }

func (c *agreementResumeCmd) Run(ctx context.Context, s *session) error {
	return c.say(ctx, s, c.speaker, instrument.KindResume, "", "This party's suspension has ended.", nothing)
}

func nothing(node.AgreementView) (any, error) { return struct{}{}, nil }

type agreementWithdrawCmd struct {
	agreementOf
	At   string `placeholder:"TIME" help:"From when on. Without it: as soon as the notice allows."`
	Text string `placeholder:"TEXT" help:"Why, for people."`
	speaker
}

func (agreementWithdrawCmd) Help() string { return "  comity agreement withdraw 3f2a1b" }

func (c *agreementWithdrawCmd) Run(ctx context.Context, s *session) error {
	return c.say(ctx, s, c.speaker, instrument.KindWithdraw, c.Text, "This party leaves the agreement.", func(v node.AgreementView) (any, error) {
		if c.At != "" {
			at, err := s.moment("--at", c.At)
			return instrument.Withdraw{At: at}, err
		}
		// A minute more than the notice, since the statement's own time is a moment later than now.
		notice := time.Duration(v.Notice)*time.Second + time.Minute
		return instrument.Withdraw{At: statement.TimeOf(s.now().Add(notice))}, nil
	})
}

type agreementTerminateCmd struct {
	agreementOf
	speaker
}

func (agreementTerminateCmd) Help() string {
	return "It ends once all who are bound have said so.\n  comity agreement terminate 3f2a1b"
}

func (c *agreementTerminateCmd) Run(ctx context.Context, s *session) error {
	return c.say(ctx, s, c.speaker, instrument.KindTerminate, "", "This party agrees that the agreement ends.", nothing)
}

type agreementPublishCmd struct {
	agreementOf
	At string `placeholder:"TIME" help:"From when on. Without it: now."`
	speaker
}

func (agreementPublishCmd) Help() string {
	return `For the chair: the text is for everybody from then on. Said again before that time has come, it puts another in its place.
  comity agreement publish 3f2a1b --at "2027-01-01 00:00Z"`
}

func (c *agreementPublishCmd) Run(ctx context.Context, s *session) error {
	return c.say(ctx, s, c.speaker, instrument.KindPublish, "", "Published.", func(v node.AgreementView) (any, error) {
		at := statement.TimeOf(s.now().Add(time.Minute)) // the statement's own time is a moment later than now
		if c.At != "" {
			var err error
			if at, err = s.moment("--at", c.At); err != nil {
				return nil, err
			}
		}
		return instrument.Publish{Digest: v.Digest, At: at}, nil
	})
}

type agreementAccedeCmd struct {
	agreementOf
	reserving
	speaker
}

func (agreementAccedeCmd) Help() string { return "  comity agreement accede 3f2a1b" }

func (c *agreementAccedeCmd) Run(ctx context.Context, s *session) error {
	return c.do(ctx, s, "This party has acceded.", func(n *node.Node, id agreement.ID) error {
		_, err := n.Accede(ctx, id, c.Reserve, c.Text, c.by(n))
		return err
	})
}

type agreementChairCmd struct {
	agreementOf
	Party party.Code `arg:"" help:"Who is to chair."`
	speaker
}

func (agreementChairCmd) Help() string {
	return `It chairs once all parties of the text but the present chair have named it.
  comity agreement chair 3f2a1b XB`
}

func (c *agreementChairCmd) Run(ctx context.Context, s *session) error {
	return c.say(ctx, s, c.speaker, instrument.KindChair, "", "This party wants "+string(c.Party)+" to chair.", func(node.AgreementView) (any, error) {
		return instrument.Chair{Party: c.Party}, nil
	})
}

// reserving are the flags of reservations.
type reserving struct {
	Reserve []string `placeholder:"ARTICLE" help:"With a reservation to this article; may be given several times."`
	Text    string   `placeholder:"TEXT" help:"What the reservation says, or another declaration, for people."`
}

type agreementAdmitCmd struct {
	agreementOf
	Party party.Code `arg:"" help:"Who takes part from now on."`
	speaker
}

func (agreementAdmitCmd) Help() string {
	return `The party gets all that was said in the making before, from each of those who said it. It signs nothing by that; see 'comity agreement invite'.
  comity agreement admit 3f2a1b XD`
}

func (c *agreementAdmitCmd) Run(ctx context.Context, s *session) error {
	return c.do(ctx, s, string(c.Party)+" takes part.", func(n *node.Node, id agreement.ID) error {
		_, err := n.Admit(ctx, id, c.Party, c.by(n))
		return err
	})
}
