package cli

import (
	"context"
	"io"
	"mime"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/comity-exchange/comity/agreement"
	"github.com/comity-exchange/comity/fault"
	"github.com/comity-exchange/comity/internal/compression"
	"github.com/comity-exchange/comity/internal/exchange"
	"github.com/comity-exchange/comity/internal/form"
	"github.com/comity-exchange/comity/internal/node"
	"github.com/comity-exchange/comity/marking"
	"github.com/comity-exchange/comity/party"
	"github.com/comity-exchange/comity/statement"
	"github.com/comity-exchange/comity/thread"
)

// headFlags is what the head of a statement says, as flags.
type headFlags struct {
	Kind         string       `required:"" placeholder:"KIND" help:"What is said, like assist.request; in a thread its desk may be left out: acknowledge."`
	To           []party.Code `placeholder:"CODE" help:"To whom. In a thread it goes to all participants."`
	TLP          string       `name:"tlp" placeholder:"LABEL" help:"TLP 2.0 label: CLEAR, GREEN, AMBER, AMBER+STRICT or RED. In a thread without it: the opener's."`
	PAP          string       `name:"pap" placeholder:"LABEL" help:"PAP label: CLEAR, GREEN, AMBER or RED."`
	Handling     []string     `placeholder:"CODE" help:"Handling codes, like H1."`
	PersonalData string       `placeholder:"DEGREE" help:"What it holds on identifiable people: none, minimised or allowed."`
	RetainUntil  string       `placeholder:"TIME" help:"When it is to be erased: 2026-12-01, 2026-12-01T10:00Z, +36h or +30d."`
	Precedence   string       `placeholder:"WORD" help:"How fast: flash, immediate, priority or routine. Without it: the opener's, or routine."`
	Track        string       `placeholder:"WORD" help:"technical, diplomatic or leadership. Without it: technical; in a thread it is the opener's."`
	Exercise     bool         `help:"This is an exercise."`
	Facts        string       `placeholder:"JSON" help:"All facts at once, as a JSON object; comity schema KIND shows them."`
	Fact         []string     `sep:"none" placeholder:"NAME=VALUE" help:"One fact, like type=preservation; lists with commas, members with dots."`
}

// marking reads the labels. In a thread without --tlp it is the opener's label.
func (f *headFlags) marking(s *session, opener marking.TLP) (marking.Marking, error) {
	m := marking.Marking{
		TLP: marking.TLP(strings.TrimPrefix(strings.ToUpper(f.TLP), "TLP:")), PAP: marking.PAP(strings.TrimPrefix(strings.ToUpper(f.PAP), "PAP:")),
		Handling: f.Handling, PersonalData: marking.PersonalData(f.PersonalData),
	}
	if m.TLP == "" {
		m.TLP = opener
	}
	if m.TLP == "" {
		return m, fault.New(fault.Usage, "STM-5", "say how far it may be passed on: --tlp CLEAR, GREEN, AMBER, AMBER+STRICT or RED")
	}
	if f.RetainUntil != "" {
		t, err := s.moment("--retain-until", f.RetainUntil)
		if err != nil {
			return m, err
		}
		m.RetainUntil = t.String()
	}
	if err := m.Check(); err != nil {
		return m, asUsage(err)
	}
	return m, nil
}

// asUsage makes of a fault in what was typed a wrong call, with the same words.
func asUsage(err error) error {
	f := fault.Of(err)
	return fault.Wrap(err, fault.Usage, f.Clause, "%s", f.Msg)
}

func oneOf[T ~string](flag, given string, words ...T) (T, error) {
	if given == "" || slices.Contains(words, T(given)) {
		return T(given), nil
	}
	var list []string
	for _, w := range words {
		list = append(list, string(w))
	}
	return "", fault.New(fault.Usage, "", "%s: one of %s", flag, strings.Join(list, ", "))
}

// draft makes the draft of a new thread, or, with a view, of the next statement in one.
func (f *headFlags) draft(ctx context.Context, s *session, n *node.Node, in *node.ThreadView) (exchange.Draft, error) {
	var d exchange.Draft
	var opener marking.TLP
	kind := f.Kind
	if in != nil {
		d.Thread, opener = in.ID, in.TLP
		if len(f.To) > 0 || f.Track != "" || f.Exercise {
			return d, fault.New(fault.Usage, "THR-1", "recipients, track and exercise are the thread's: leave --to, --track and --exercise out")
		}
		if !strings.Contains(kind, ".") {
			kind = in.Desk + "." + kind
		}
	}
	var err error
	if d.Kind, err = statement.ParseKind(kind); err != nil {
		return d, advise(fault.New(fault.Usage, "ENC-8", "--kind: a kind is like assist.request"), "comity schema lists the kinds")
	}
	spec, ok := n.Rules.Spec(d.Kind)
	if !ok {
		return d, advise(fault.New(fault.Usage, "ENC-8", "there is no kind %s", d.Kind), "comity schema lists the kinds")
	}
	if in == nil && !spec.Opens {
		return d, advise(fault.New(fault.Usage, "THR-1", "%s opens no thread", d.Kind), "name the thread that it answers in: --thread ID")
	}
	if d.Marking, err = f.marking(s, opener); err != nil {
		return d, err
	}
	if in == nil {
		d.To, d.Exercise = f.To, f.Exercise
		err = f.channel(&d.Track, &d.Precedence)
	} else {
		d.Precedence, err = oneOf("--precedence", f.Precedence, statement.Precedences()...)
	}
	if err != nil {
		return d, err
	}
	d.Facts, err = f.facts(ctx, s, n, spec, d.To)
	return d, err
}

// facts reads --facts or --fact as the kind's type.
func (f *headFlags) facts(ctx context.Context, s *session, n *node.Node, spec thread.KindSpec, to []party.Code) (jsontext.Value, error) {
	if f.Facts != "" && len(f.Fact) > 0 {
		return nil, fault.New(fault.Usage, "", "either --facts or --fact, not both")
	}
	help := "comity schema " + string(spec.Kind)
	r := &factReader{spec: spec, moment: s.moment, find: func(prefix string) (statement.ID, error) { return n.Find(ctx, prefix) }}
	raw, err := r.read(f.Facts, f.Fact)
	if err != nil {
		return nil, advise(err, help)
	}
	// The kind's own check, before anything is composed: it says better what is missing than a void statement would.
	h := &statement.Head{From: n.Config.Code, To: to, Kind: spec.Kind, Time: statement.TimeOf(s.now()), Facts: raw}
	if err := form.Check(spec, h); err != nil {
		return nil, advise(asUsage(err), help)
	}
	return raw, nil
}

// reliance finds the agreement that a new thread is to rely on: the one given, or the only one in force between the parties.
func reliance(ctx context.Context, n *node.Node, given string, kind statement.Kind, to []party.Code) (agreement.ID, string, error) {
	if given != "" {
		id, err := n.FindThread(ctx, given)
		return id, "", err
	}
	if len(to) == 0 || kind.Desk() == "instrument" || kind.Desk() == "credence" {
		return agreement.ID{}, "", nil
	}
	all, err := n.Agreements(ctx)
	if err != nil {
		return agreement.ID{}, "", err
	}
	var fits []node.AgreementView
	for _, v := range all {
		has := func(c party.Code) bool {
			return slices.Contains(v.Parties, c) || slices.Contains(v.Parties, c.Principal())
		}
		if !v.InForce.IsZero() && has(n.Config.Code) && !slices.ContainsFunc(to, func(c party.Code) bool { return !has(c) }) {
			fits = append(fits, v)
		}
	}
	switch len(fits) {
	case 0:
		return agreement.ID{}, "", nil // the charter decides, and says what is missing
	case 1:
		return fits[0].ID, line(fits[0].Title.In("en")), nil
	}
	return agreement.ID{}, "", advise(fault.New(fault.Usage, "DEC-2", "%d agreements are in force between these parties: say which one with --agreement", len(fits)),
		"comity agreement list")
}

// attach opens the files to send along. Close ends the progress shown and closes them.
func (s *session) attach(files []string) (blobs []exchange.Attachment, done func(), err error) {
	if len(files) == 0 {
		return nil, func() {}, nil
	}
	var open []*os.File
	var read atomic.Int64
	stop := s.progress("attaching", &read)
	done = func() {
		stop()
		for _, f := range open {
			_ = f.Close() // it was only read
		}
	}
	for _, name := range files {
		f, err := openFile(name)
		if err != nil {
			done()
			return nil, nil, err
		}
		open = append(open, f)
		if info, err := f.Stat(); err != nil || !info.Mode().IsRegular() {
			done()
			return nil, nil, fault.New(fault.Usage, "", "%s is no file", name)
		}
		kind, _, _ := strings.Cut(mime.TypeByExtension(filepath.Ext(name)), ";")
		if kind == "" {
			kind = "application/octet-stream"
		}
		blobs = append(blobs, exchange.Attachment{Name: filepath.Base(name), Type: kind, Data: &counted{compression.Tally{Reader: f, N: &read}, f}})
	}
	return blobs, done, nil
}

// text is what --text says, or the standard input for "-".
func (s *session) text(given string) (string, error) {
	if given != "-" {
		return given, nil
	}
	b, err := io.ReadAll(io.LimitReader(s.in, statement.MaxBody+1))
	if err != nil {
		return "", fault.Wrap(err, fault.Usage, "", "the standard input cannot be read")
	}
	if len(b) > statement.MaxBody {
		return "", fault.New(fault.TooLarge, "STM-3", "a text has less than %s; send more as an attachment", size(statement.MaxBody))
	}
	return strings.TrimRight(string(b), "\n"), nil
}
