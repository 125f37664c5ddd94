package cli

import (
	"strings"

	"github.com/comity-exchange/comity/evidence"
	"github.com/comity-exchange/comity/fault"
	"github.com/comity-exchange/comity/party"
)

// This file imports no node, no store and no network, and a test sees to it: evidence is checked offline, against letters alone (EVD-1).

type evidenceVerifyCmd struct {
	File    string   `arg:"" help:"The evidence."`
	Letters []string `name:"letter" sep:"none" placeholder:"FILE" help:"A letter of credence that you trust: you have compared its words with its party."`
}

func (evidenceVerifyCmd) Help() string {
	return `It needs no node, no folder and no network. It says whose letters it relied on; without --letter it takes those that came with the evidence, whose words you then
compare with the parties yourself. Ends with status 1 unless everything is proven.
  comity evidence verify request.evidence --letter xa.letter --letter xb.letter
  comity evidence verify request.evidence --json`
}

func (c *evidenceVerifyCmd) Run(s *session) error {
	raw, err := readFile(c.File, evidence.MaxBytes+1)
	if err != nil {
		return err
	}
	bundle, err := evidence.Parse(raw)
	if err != nil {
		return err
	}
	var trusted []*party.Letter
	for _, name := range c.Letters {
		raw, err := readFile(name, party.MaxLetter)
		if err != nil {
			return err
		}
		l, err := party.ParseLetter(raw)
		if err != nil {
			return err
		}
		trusted = append(trusted, l)
	}
	stop := s.working("verifying")
	report := evidence.Verify(bundle, trusted)
	stop()
	err = s.show(struct {
		Proven bool `json:"proven"`
		evidence.Report
	}{report.OK(), report}, func(p *page) { writeReport(p, report) })
	if err == nil && !report.OK() {
		err = &answered{fault.New(fault.Failed, "EVD-3", "not everything is proven")}
	}
	return err
}

func writeReport(p *page, r evidence.Report) {
	// spec: EVD-6, EVD-8
	for _, i := range r.Items {
		writeItem(p, i)
		p.gap()
	}
	p.say("%s", p.bold("Letters"))
	for _, l := range r.Letters {
		if l.Why != nil {
			p.say("%s: %s", l.Code, p.warn(line(l.Why.Message)+" ("+l.Why.Clause+")"))
			continue
		}
		source := "given by you"
		if l.Source == evidence.Embedded {
			source = "came with the evidence"
		}
		relied := "relied on"
		if !l.Relied {
			relied = "not needed"
		}
		p.say("%s  letter %d, log %s: %s, %s", p.bold(string(l.Code)), l.Serial, l.Origin, source, relied)
		p.say("    words: %s", strings.Join(l.Words, " "))
		if l.Relied && l.Source == evidence.Embedded {
			p.say("    %s", p.warn("Compare these words with "+string(l.Code)+" before you rely on the above."))
		}
	}
	if len(r.Letters) == 0 {
		p.say("none: nothing can be proven without letters")
	}
}

func writeItem(p *page, i evidence.ItemReport) {
	verdict := p.bold(string(i.Verdict))
	if i.Verdict != evidence.Proven {
		verdict = p.warn(string(i.Verdict))
	}
	p.say("%s  %s  %s → %s  %s", verdict, i.Kind, i.From, orNone(codes(i.To), "nobody"), i.ID.Short())
	if i.Why != nil {
		p.say("    %s (%s); what follows is only what it claims", line(i.Why.Message), i.Why.Clause)
	}
	p.say("    said %s by the author's clock, leaf %d of %s, signed %s", i.Time, i.Index, i.Origin, when(i.Signed))
	switch i.Body {
	case evidence.BodyPresent:
		p.say("    its body is here and is the one that was said")
	case evidence.BodyWithheld:
		p.say("    its body is withheld: what was asked, by whom and when is proven, what it said is not shown")
	case evidence.BodyNone:
	}
	if i.Blobs > 0 {
		p.say("    it names %s", plural(i.Blobs, "attachment", "attachments"))
	}
	for _, w := range i.Witnessed {
		p.say("    witnessed by %s, %s", w.Party, when(w.Time))
	}
	if i.Unwitnessed != nil {
		p.say("    not witnessed: %s (%s)", line(i.Unwitnessed.Message), i.Unwitnessed.Clause)
	}
	for _, a := range i.Arrived {
		p.say("    arrived at %s, %s: %s (receipt %s)", a.Party, when(a.Time), arrived(a), a.Receipt.Short())
	}
}

// arrived says what a receipt covers. Delivered is not read, and not agreed.
func arrived(a evidence.Arrival) string {
	var parts []string
	if a.Head {
		parts = append(parts, "head")
	}
	if a.Body {
		parts = append(parts, "body")
	}
	if a.Blobs > 0 {
		parts = append(parts, plural(a.Blobs, "attachment", "attachments"))
	}
	return strings.Join(parts, ", ")
}
