package cli

import (
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/comity-exchange/comity/fault"
	"github.com/comity-exchange/comity/internal/exchange"
)

// advised is an error with what to do about it.
type advised struct {
	error
	do string
}

func (a *advised) Unwrap() error { return a.error }

func advise(err error, do string) error {
	if err == nil {
		return nil
	}
	return &advised{err, do}
}

// answered is an error that the printed result has told already: it gives the exit status and says nothing more.
type answered struct{ error }

func (a *answered) Unwrap() error { return a.error }

// failure is an error as --json prints it.
type failure struct {
	Code    fault.Code   `json:"code"`
	Clause  string       `json:"clause,omitzero"`
	Message string       `json:"message"`
	Do      string       `json:"do,omitzero"`
	Exit    int          `json:"exit"`
	Verdict *verdictView `json:"verdict,omitempty"`
}

// report says what went wrong: one line, then, indented, what to do. With --json it is the document, unless one is out already.
func (s *session) report(err error) {
	var told *answered
	if errors.As(err, &told) {
		return
	}
	f := failure{Code: fault.CodeOf(err), Clause: fault.ClauseOf(err), Message: fault.Of(err).Msg, Exit: fault.Exit(err), Do: adviceOn(err)}
	var denial *exchange.Denial
	if errors.As(err, &denial) {
		v := viewVerdict(denial.Verdict)
		f.Verdict = &v
	}
	if s.json && !s.printed {
		b, e := json.Marshal(map[string]failure{"error": f}, json.Deterministic(true), jsontext.WithIndent("  "))
		if e == nil {
			_ = s.print(append(escaped(b), '\n')) // the exit status says it too
			return
		}
	}
	var b strings.Builder
	fmt.Fprintf(&b, "comity: %s\n", line(fault.Show(err)))
	if f.Verdict != nil {
		for _, l := range f.Verdict.grounds() {
			fmt.Fprintf(&b, "    %s\n", line(l))
		}
	}
	if f.Do != "" {
		fmt.Fprintf(&b, "    %s\n", f.Do)
	}
	if s.verbose {
		fmt.Fprintf(&b, "    %s: %s\n", f.Code, line(err.Error()))
	}
	_, _ = io.WriteString(s.err, b.String()) // nobody is there to be told
}

// adviceOn is what to do about an error: what the command knows, else what its code suggests.
func adviceOn(err error) string {
	var a *advised
	if errors.As(err, &a) {
		return a.do
	}
	switch fault.CodeOf(err) {
	case fault.Denied:
		var denial *exchange.Denial
		if errors.As(err, &denial) && denial.Verdict.Agreement.IsZero() && !denial.Verdict.Caveat {
			return "comity agreement list shows what is in force, and with whom"
		}
	case fault.Unknown:
		return "comity credence import FILE, then comity credence confirm CODE WORDS, as the other side reads them to you"
	case fault.Locked:
		return "look at key_file or passphrase_file in comity.toml, and at who may read them"
	case fault.Parked:
		return "nothing is lost: take the packets before this one first, then this one again"
	case fault.Clock:
		return "compare this machine's clock with a second source, set it right, and try again"
	case fault.Behind:
		return "comity doctor says more"
	case fault.Fork:
		return "nothing more is accepted from that log; speak to the party over another channel, and keep the proof (comity doctor)"
	case fault.NotAddressed:
		return "it is for another party; hand it to the one that it was sealed for"
	case fault.Internal:
		return "run it again with --verbose, and keep what it says"
	}
	return ""
}
