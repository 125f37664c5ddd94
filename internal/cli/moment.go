package cli

import (
	"strconv"
	"strings"
	"time"

	"github.com/comity-exchange/comity/fault"
	"github.com/comity-exchange/comity/statement"
)

// moment reads a time as people give it: 2026-12-01, 2026-12-01T10:00Z, the protocol's own form, or +36h and +3d from now. Days begin in UTC.
func (s *session) moment(flag, text string) (statement.Time, error) {
	if ahead, ok := strings.CutPrefix(text, "+"); ok {
		if days, found := strings.CutSuffix(ahead, "d"); found {
			if n, err := strconv.Atoi(days); err == nil && n >= 0 && n <= 36500 {
				return statement.TimeOf(s.now().AddDate(0, 0, n)), nil
			}
		}
		if d, err := time.ParseDuration(ahead); err == nil && d >= 0 {
			return statement.TimeOf(s.now().Add(d)), nil
		}
	}
	for _, layout := range []string{time.RFC3339Nano, "2006-01-02T15:04Z07:00", "2006-01-02 15:04Z07:00", time.DateOnly} {
		if t, err := time.Parse(layout, text); err == nil {
			return statement.ParseTime(statement.TimeOf(t).String()) // held against the protocol's bounds
		}
	}
	return statement.Time{}, fault.New(fault.Usage, "", "%s: a time is like 2026-12-01, 2026-12-01T10:00Z, +36h or +3d", flag)
}
