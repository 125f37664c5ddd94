package cli

import (
	"context"
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/comity-exchange/comity/fault"
	"github.com/comity-exchange/comity/internal/node"
	"github.com/comity-exchange/comity/statement"
	"github.com/comity-exchange/comity/thread"
)

type threadCmd struct {
	ID     string `arg:"" name:"id" help:"The thread, or any statement of it; the first six digits or more."`
	Save   string `placeholder:"ATTACHMENT" help:"Save an attachment, by its number or name, instead of showing the thread."`
	Output string `short:"o" placeholder:"FILE" help:"Where it is saved. Without it: under its name, here. - is the standard output."`
	Quiet  bool   `help:"Do not tell the others that somebody has opened it."`
	speaker
}

func (threadCmd) Help() string {
	return `Opening a thread says so to its participants (receipt.retrieved), unless --quiet. Delivered is not read; acknowledged is not agreed.
  comity thread 3f2a1b
  comity thread 3f2a1b --save 1
  comity thread 3f2a1b --save sample.bin -o evidence/sample.bin`
}

func (c *threadCmd) Run(ctx context.Context, s *session) error {
	return s.with(ctx, func(n *node.Node) error {
		id, err := n.FindThread(ctx, c.ID)
		if err != nil {
			return err
		}
		v, said, err := n.Thread(ctx, id)
		if err != nil {
			return err
		}
		if c.Save != "" {
			return c.save(ctx, s, n, said)
		}
		if !c.Quiet && v.Unread > 0 {
			if err := n.Opened(ctx, id, c.by(n)); err != nil {
				s.note("the others could not be told that it was opened: " + line(fault.Show(err)))
			}
		}
		return s.show(struct {
			Thread node.ThreadView `json:"thread"`
			Said   []node.SaidView `json:"said"`
		}{v, said}, func(p *page) { writeThread(p, v, said) })
	})
}

// attached is an attachment with where it stands.
type attached struct {
	statement.Blob
	of   statement.ID
	part int
	here bool
}

func attachments(said []node.SaidView) []attached {
	var out []attached
	for _, one := range said {
		for i, a := range one.Attachments {
			out = append(out, attached{a.Blob, one.ID, i, a.Whole && !a.Erased})
		}
	}
	return out
}

// save writes an attachment to a file that was not there.
func (c *threadCmd) save(ctx context.Context, s *session, n *node.Node, said []node.SaidView) error {
	all := attachments(said)
	if len(all) == 0 {
		return fault.New(fault.NotFound, "", "the thread has no attachment here")
	}
	chosen := -1
	if i, err := strconv.Atoi(c.Save); err == nil && i >= 1 && i <= len(all) {
		chosen = i - 1
	}
	for i, a := range all {
		if a.Name != c.Save {
			continue
		}
		if chosen >= 0 && all[chosen].Name == c.Save {
			return fault.New(fault.Usage, "", "more than one attachment has this name: give its number")
		}
		chosen = i
	}
	if chosen < 0 {
		return fault.New(fault.NotFound, "", "the thread has no such attachment: they are numbered from 1 to %d", len(all))
	}
	a := all[chosen]
	if !a.here {
		return fault.New(fault.NotFound, "", "the attachment is not here: it has not arrived whole, or was erased")
	}
	write := func(w io.Writer) error {
		stop := s.working("saving")
		defer stop()
		return n.Save(ctx, a.of, a.part, w)
	}
	if c.Output == "-" {
		s.printed = true
		return write(s.out)
	}
	name := c.Output
	if name == "" {
		if name = saveName(a.Name); name == "" {
			return fault.New(fault.Usage, "", "the attachment's own name cannot be used for a file: name one with -o")
		}
	}
	if err := writeFile(name, false, write); err != nil {
		return advise(err, "-o FILE names another place")
	}
	return s.show(struct {
		File   string           `json:"file"`
		Of     statement.ID     `json:"of"`
		Name   string           `json:"name"`
		Size   int64            `json:"size"`
		SHA256 statement.Digest `json:"sha256"`
	}{name, a.of, a.Name, a.Size, a.SHA256}, func(p *page) { p.say("%s in %s, SHA-256 %s.", size(a.Size), name, a.SHA256) })
}

// saveName is an attachment's name if a file may have it: it comes from somebody else, so no path, nothing hidden, nothing that looks like a flag.
func saveName(name string) string {
	if name != line(name) || name != filepath.Base(name) || strings.HasPrefix(name, ".") || strings.HasPrefix(name, "-") || strings.ContainsAny(name, `/\`) {
		return ""
	}
	return name
}

func writeThread(p *page, v node.ThreadView, said []node.SaidView) {
	to := orNone(codes(v.To), "a local record")
	p.say("%s  %s", p.bold(v.ID.Short()), p.bold(line(v.Title)))
	p.say("%s → %s  %s  TLP:%s  %s", v.From, to, v.Desk, v.TLP, precedence(v))
	p.say("status: %s", v.Summary.Status)
	for _, c := range v.Clocks {
		text := "no receipt yet: the clock has not begun"
		if !c.Due.IsZero() {
			text = "by " + p.due(c.Due)
		}
		text = fmt.Sprintf("%s owes: %s, %s", c.Owes, c.Name, text)
		if c.Overdue {
			text = p.warn(text)
		}
		p.say("%s", text)
	}
	if v.Waiting > 0 {
		p.say("%s", p.warn(plural(v.Waiting, "statement waits", "statements wait")+" for others that have not arrived"))
	}
	attachment := 0
	for _, one := range said {
		p.gap()
		writeOne(p, one, &attachment)
	}
	p.gap()
	if len(v.Moves) == 0 {
		p.say("Nothing more can be said here by you.")
		return
	}
	p.say("%s", p.bold("You may say"))
	t := newTable("kind", "what it means")
	for _, m := range v.Moves {
		t.add(string(m.Kind), m.Means)
	}
	p.table(t)
}

func writeOne(p *page, one node.SaidView, attachment *int) {
	head := fmt.Sprintf("%s  %s  %s  %s  by %s", when(one.Time), p.bold(string(one.From)), p.bold(string(one.Kind)), one.ID.Short(), line(one.By.Role))
	if one.By.Officer != "" {
		head += " " + cut(one.By.Officer, 9)
	}
	p.say("%s", head)
	if one.Void != "" {
		p.say("    %s", p.warn("void: "+one.Void+"; it changes nothing"))
	}
	if f := facts(one.Facts); f != "" {
		p.say("    %s", f)
	}
	if m := labels(one); m != "" {
		p.say("    %s", m)
	}
	if one.Title != "" {
		p.say("    %s", p.bold(line(one.Title)))
	}
	if one.Text != "" {
		for _, l := range strings.Split(prose(one.Text), "\n") {
			p.say("    %s", l)
		}
	}
	switch one.Body {
	case "not-here":
		p.say("    %s", p.dim("its body is not here"))
	case "erased":
		p.say("    %s", p.dim("its body was erased"))
	}
	for _, a := range one.Attachments {
		*attachment++
		state := ""
		switch {
		case a.Erased:
			state = ", erased"
		case !a.Whole:
			state = fmt.Sprintf(", %s of it here", size(a.Arrived))
		}
		p.say("    [%d] %s  %s  %s%s", *attachment, line(a.Name), a.Type, size(a.Size), state)
	}
	for _, d := range one.Delivered {
		p.say("    %s", p.dim(delivered(one, d)))
	}
	for _, r := range one.Refused {
		text := fmt.Sprintf("refused by %s: %s (%s)", r.By, r.Reason, r.Clause)
		if len(r.Articles) > 0 {
			text += ", " + articles(r.Articles)
		}
		p.say("    %s", p.warn(line(text)))
	}
}

// delivered says what a recipient has receipted. Where there is no receipt it says just that, never that nothing was sent.
func delivered(one node.SaidView, d node.DeliveredView) string {
	// spec: RCP-6
	if d.Head.IsZero() {
		return fmt.Sprintf("no receipt from %s yet", d.To)
	}
	text := fmt.Sprintf("delivered to %s %s", d.To, when(d.Head))
	if one.Body != "none" && d.Body.IsZero() {
		return text + ", the body not yet"
	}
	if len(one.Attachments) > 0 && d.Blobs.IsZero() {
		return text + ", attachments not yet"
	}
	return text
}

// facts shows the facts as name: value.
func facts(raw jsontext.Value) string {
	var members map[string]jsontext.Value
	if json.Unmarshal(raw, &members) != nil {
		return ""
	}
	var names []string
	for name := range members {
		names = append(names, name)
	}
	slices.Sort(names)
	var out []string
	for _, name := range names {
		out = append(out, line(name)+": "+line(value(name, members[name])))
	}
	return strings.Join(out, "  ")
}

// value shows one fact: ids short, lists with commas, a clock by its spans.
func value(name string, raw jsontext.Value) string {
	var text string
	if json.Unmarshal(raw, &text) == nil {
		if id, err := statement.ParseID(text); err == nil {
			return id.Short()
		}
		return text
	}
	var list []jsontext.Value
	if json.Unmarshal(raw, &list) == nil {
		var out []string
		for _, v := range list {
			out = append(out, value("", v))
		}
		return strings.Join(out, ", ")
	}
	var clock thread.Limit
	if name == "clock" && json.Unmarshal(raw, &clock) == nil {
		return "acknowledge within " + seconds(clock.Acknowledge) + ", answer within " + seconds(clock.Answer)
	}
	return string(raw)
}

// labels shows a marking beyond the thread's TLP.
func labels(one node.SaidView) string {
	out := []string{"TLP:" + string(one.Marking.TLP)}
	if one.Marking.PAP != "" {
		out = append(out, "PAP:"+string(one.Marking.PAP))
	}
	if len(one.Marking.Handling) > 0 {
		out = append(out, "handling "+line(strings.Join(one.Marking.Handling, ", ")))
	}
	if one.Marking.PersonalData != "" {
		out = append(out, "personal data "+string(one.Marking.PersonalData))
	}
	if one.Marking.RetainUntil != "" {
		out = append(out, "erase by "+one.Marking.RetainUntil)
	}
	if one.Kind.Desk() == "receipt" {
		return ""
	}
	return strings.Join(out, "  ")
}
