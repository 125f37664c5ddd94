package fault

import (
	"errors"
	"fmt"
)

// Code tells one kind of fault from another, for programs.
type Code string

// The codes. Adding one means a row in each table of tables.go.
const (
	Malformed    Code = "malformed"     // bytes that no version of the protocol allows
	TooLarge     Code = "too-large"     // over a bound of the spec
	NotAuthentic Code = "not-authentic" // a signature, path or digest does not verify
	NotAddressed Code = "not-addressed" // not meant for this party
	Denied       Code = "denied"        // an agreement, the charter, a caveat or an officer's roles forbid it
	Inadmissible Code = "inadmissible"  // the thread's state does not allow it
	NotFound     Code = "not-found"     // no such thing
	Withheld     Code = "withheld"      // exists, and is not for this asker; looks like NotFound outside
	Exists       Code = "exists"        // already there, and different
	Unknown      Code = "unknown-party" // no confirmed letter
	Revoked      Code = "revoked"       // keys or origin that no longer stand
	Fork         Code = "fork"          // a log with two histories
	Parked       Code = "parked"        // a proof is missing; try again with it
	Clock        Code = "clock"         // one of two clocks is wrong
	Behind       Code = "behind-mark"   // the store is older than the high-water mark
	Quota        Code = "quota"         // too much, too fast
	Unavailable  Code = "unavailable"   // cannot be reached or is busy; try again
	Locked       Code = "locked"        // keys cannot be opened
	Usage        Code = "usage"         // the command was called wrongly
	Failed       Code = "failed"        // a check that was asked for did not hold
	Canceled     Code = "canceled"      // the caller gave up
	Internal     Code = "internal"      // a defect or a broken machine
)

// Error is a fault. Msg is safe to show; Err is for the log only.
type Error struct {
	Code   Code
	Clause string // clause of spec/, such as "LOG-7"; empty when none applies
	Msg    string
	Err    error
}

// New makes a fault. The message names what was wrong in the reader's words, never what a peer sent.
func New(code Code, clause, format string, args ...any) *Error {
	return &Error{Code: code, Clause: clause, Msg: fmt.Sprintf(format, args...)}
}

// Wrap makes a fault with a cause. The cause is not shown.
func Wrap(err error, code Code, clause, format string, args ...any) *Error {
	return &Error{Code: code, Clause: clause, Msg: fmt.Sprintf(format, args...), Err: err}
}

// Error is the full text, cause included: for the log.
func (e *Error) Error() string {
	s := e.Msg
	if e.Clause != "" {
		s += " (" + e.Clause + ")"
	}
	if e.Err != nil {
		s += ": " + e.Err.Error()
	}
	return s
}

// Unwrap gives the cause.
func (e *Error) Unwrap() error { return e.Err }

// Of finds the outermost fault in err's chain. An error of another kind comes back as Internal with err as its cause; nil as nil.
func Of(err error) *Error {
	if err == nil {
		return nil
	}
	var f *Error
	if errors.As(err, &f) {
		return f
	}
	return &Error{Code: Internal, Msg: "internal error", Err: err}
}

// CodeOf is the code of the outermost fault in err's chain, "" for nil, Internal for other errors.
func CodeOf(err error) Code {
	if f := Of(err); f != nil {
		return f.Code
	}
	return ""
}

// ClauseOf is the clause of the outermost fault, "" when there is none.
func ClauseOf(err error) string {
	if f := Of(err); f != nil {
		return f.Clause
	}
	return ""
}

// Show is what may be shown to anybody: message and clause, without the cause.
func Show(err error) string {
	f := Of(err)
	switch {
	case f == nil:
		return ""
	case f.Clause != "":
		return f.Msg + " (" + f.Clause + ")"
	}
	return f.Msg
}
