package fault

import (
	"errors"
	"fmt"
	"io"
	"testing"
)

func TestErrorText(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		err        *Error
		full, show string
	}{
		{New(Denied, "DEC-1", "Art. %d forbids it", 4), "Art. 4 forbids it (DEC-1)", "Art. 4 forbids it (DEC-1)"},
		{New(Usage, "", "one file"), "one file", "one file"},
		{Wrap(io.ErrUnexpectedEOF, Malformed, "PKT-2", "the packet ends early"), "the packet ends early (PKT-2): unexpected EOF", "the packet ends early (PKT-2)"},
		{Wrap(io.EOF, Unavailable, "", "no answer"), "no answer: EOF", "no answer"},
	} {
		if got := c.err.Error(); got != c.full {
			t.Errorf("Error() = %q, want %q", got, c.full)
		}
		// The cause may hold content: it is for the log alone.
		if got := Show(c.err); got != c.show {
			t.Errorf("Show() = %q, want %q", got, c.show)
		}
	}
}

func TestChain(t *testing.T) {
	t.Parallel()
	inner := New(NotAuthentic, "LOG-4", "a signature does not verify")
	outer := Wrap(fmt.Errorf("reading: %w", inner), Parked, "LOG-8", "a proof is missing")
	for _, c := range []struct {
		name   string
		err    error
		code   Code
		clause string
		show   string
	}{
		{"nil", nil, "", "", ""},
		{"fault", inner, NotAuthentic, "LOG-4", "a signature does not verify (LOG-4)"},
		{"wrapped by fmt", fmt.Errorf("while opening /secret: %w", inner), NotAuthentic, "LOG-4", "a signature does not verify (LOG-4)"},
		{"the outermost counts", outer, Parked, "LOG-8", "a proof is missing (LOG-8)"},
		{"joined", errors.Join(io.EOF, inner), NotAuthentic, "LOG-4", "a signature does not verify (LOG-4)"},
		{"foreign errors say nothing", errors.New("password is hunter2"), Internal, "", "internal error"},
	} {
		if got := CodeOf(c.err); got != c.code {
			t.Errorf("%s: CodeOf = %q, want %q", c.name, got, c.code)
		}
		if got := ClauseOf(c.err); got != c.clause {
			t.Errorf("%s: ClauseOf = %q, want %q", c.name, got, c.clause)
		}
		if got := Show(c.err); got != c.show {
			t.Errorf("%s: Show = %q, want %q", c.name, got, c.show)
		}
	}
	if !errors.Is(outer, inner) {
		t.Error("the cause is lost")
	}
	if foreign := errors.New("x"); !errors.Is(Of(foreign), foreign) {
		t.Error("Of loses a foreign error")
	}
	if Of(nil) != nil {
		t.Error("Of(nil) is not nil")
	}
}
