package cli

import (
	"context"
	"maps"
	"slices"
	"strings"

	"github.com/comity-exchange/comity/agreement"
	"github.com/comity-exchange/comity/desk/instrument"
	"github.com/comity-exchange/comity/internal/node"
	"github.com/comity-exchange/comity/party"
	"github.com/comity-exchange/comity/statement"
)

// How the making of an agreement is shown.

// showMaking shows how the making of an agreement stands.
func showMaking(ctx context.Context, s *session, n *node.Node, id agreement.ID, done string) error {
	v, err := n.Agreement(ctx, id)
	if err != nil {
		return err
	}
	return s.show(v, func(p *page) {
		p.say("%s", done)
		writeMaking(p, v)
	})
}

// writeMaking says in a few lines how far an agreement has come, and what comes next.
func writeMaking(p *page, v node.AgreementView) {
	p.say("Agreement %s between %s: %s.", p.bold(v.ID.Short()), codes(v.Parties), spaced(v.Status))
	m := v.Making
	if m == nil {
		return
	}
	switch m.Stage {
	case instrument.Negotiating, instrument.UnderSilence:
		p.say("Text in hand: %s, by %s. Chair: %s.", short(m.Draft.Digest), m.Draft.By, m.Chair)
	}
	for _, d := range m.Table {
		p.say("On the table: %s, by %s, %s.", short(d.Digest), d.By, when(d.Time))
	}
	if len(m.Adopted) > 0 && m.Stage == instrument.Negotiating {
		p.say("Adopted by %s.", codes(m.Adopted))
	}
	writeSilence(p, m)
	writeConsents(p, v)
	for _, code := range slices.Sorted(maps.Keys(m.Exits)) {
		writeExit(p, code, m.Exits[code])
	}
	for _, pub := range m.Published {
		p.say("Text %s is for everybody from %s.", short(pub.Digest), pub.At)
	}
	if m.Stage == instrument.OpenForSignature || m.Stage == instrument.StatusInForce {
		writeForce(p, v)
	}
}

func writeSilence(p *page, m *instrument.View) {
	q := m.Silence
	if q == nil {
		return
	}
	switch {
	case q.Outcome == "" && len(q.Objections) == 0:
		p.say("Silence expires %s.", when(q.Expires))
	case q.Outcome != "":
		p.say("The silence that expired %s was closed: %s.", when(q.Expires), q.Outcome)
	}
	for _, o := range q.Objections {
		switch {
		case !o.Late:
			p.say("%s broke the silence.", o.By)
		case len(o.Heard) == 0:
			p.say("%s objected, and whoever closed the silence had not heard of it.", o.By)
		default:
			p.say("%s objected; %s had heard of it %s. It can be contested: comity agreement contest.", o.By, o.Heard[0].By, when(o.Heard[0].Time))
		}
	}
}

// severalParties is from how many on they are counted instead of listed.
const severalParties = 16

// writeConsents says who has done what to be bound: each party in a line, or of many how many, and who has made a reservation.
func writeConsents(p *page, v node.AgreementView) {
	m := v.Making
	given, reserved := 0, 0
	for _, code := range slices.Sorted(maps.Keys(m.Consents)) {
		c := m.Consents[code]
		if !c.Given.IsZero() {
			given++
		}
		if len(c.Reserved) > 0 {
			reserved++
		}
		if len(m.Consents) < severalParties || len(c.Reserved) > 0 && reserved <= severalParties {
			p.say("%s", consented(code, c, m.Draft.Terms.Consent))
		}
	}
	if len(m.Consents) >= severalParties {
		p.say("%d of %d have signed, %d with reservations; %d have given the consent that binds.", len(m.Consents), len(v.Parties), reserved, given)
	}
}

// consented says what a party has done to be bound.
func consented(code party.Code, c instrument.Consent, asked agreement.Consent) string {
	out := "Signed by " + string(code) + " " + when(c.Signed)
	switch {
	case c.As == "accession":
		out = "Acceded to by " + string(code) + " " + when(c.Given)
	case c.Given.IsZero() && asked == agreement.ByRatification:
		out += "; ratification is missing"
	case c.As != "signature":
		out += ", " + c.As + " " + when(c.Given)
	}
	if len(c.Reserved) > 0 {
		out += ", with a reservation to " + articles(c.Reserved)
	}
	return out + "."
}

func writeExit(p *page, code party.Code, e instrument.Exit) {
	for _, i := range e.Suspended {
		if i.Until.IsZero() {
			p.say("%s has suspended it since %s.", code, when(i.From))
		} else {
			p.say("%s suspended it from %s until %s.", code, when(i.From), when(i.Until))
		}
	}
	if !e.Left.IsZero() {
		p.say("%s leaves it %s.", code, when(e.Left))
	}
	if !e.Ends.IsZero() {
		p.say("%s agrees that it ends.", code)
	}
}

func short(d statement.Digest) string { return d.String()[:8] }

// spaced is an identifier as people write it.
func spaced(s string) string { return strings.ReplaceAll(s, "-", " ") }
