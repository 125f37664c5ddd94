package party

import (
	"strings"
	"time"
)

// Duty is what a contact's hours say of a moment.
type Duty string

// What they can say. Hours are text for people; Unstated is where a program cannot read them.
const (
	OnDuty   Duty = "on-duty"
	OffDuty  Duty = "off-duty"
	Unstated Duty = "unstated"
)

// DutyAt reads hours and tells whether somebody is on duty at t. What can be read is "24/7", or one or more spans, separated by semicolons, like
// "Mon-Fri 08:00-17:00 UTC+3": days (left out: every day), from and to (to before from: into the next day), and the zone as UTC with an offset in hours or hours and
// minutes (left out: UTC).
func DutyAt(hours string, t time.Time) Duty {
	text := strings.TrimSpace(hours)
	if text == "24/7" {
		return OnDuty
	}
	duty := Unstated
	for part := range strings.SplitSeq(text, ";") {
		s, ok := parseSpan(strings.Fields(part))
		if !ok {
			return Unstated
		}
		if s.has(t) {
			return OnDuty
		}
		duty = OffDuty
	}
	return duty
}

// span is a stretch of some days of the week, in minutes from midnight.
type span struct {
	days     [7]bool
	from, to int
	offset   time.Duration
}

func (s *span) has(t time.Time) bool {
	t = t.UTC().Add(s.offset)
	at, day := t.Hour()*60+t.Minute(), t.Weekday()
	if s.from < s.to {
		return s.days[day] && s.from <= at && at < s.to
	}
	before := (day + 6) % 7
	return s.days[day] && at >= s.from || s.days[before] && at < s.to
}

func parseSpan(words []string) (s span, ok bool) {
	if len(words) > 0 && strings.HasPrefix(words[len(words)-1], "UTC") {
		if s.offset, ok = parseOffset(strings.TrimPrefix(words[len(words)-1], "UTC")); !ok {
			return s, false
		}
		words = words[:len(words)-1]
	}
	days := "Mon-Sun"
	if len(words) == 2 {
		days, words = words[0], words[1:]
	}
	if len(words) != 1 {
		return s, false
	}
	from, to, ok := strings.Cut(words[0], "-")
	if !ok {
		return s, false
	}
	var good [3]bool
	s.from, good[0] = parseMinute(from)
	s.to, good[1] = parseMinute(to)
	s.days, good[2] = parseDays(days)
	return s, good[0] && good[1] && good[2] && s.from != s.to && s.from < 24*60
}

func parseDays(text string) (days [7]bool, ok bool) {
	names := []string{"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"}
	index := func(name string) int {
		for i, n := range names {
			if n == name {
				return i
			}
		}
		return -1
	}
	for part := range strings.SplitSeq(text, ",") {
		first, last, ranged := strings.Cut(part, "-")
		if !ranged {
			last = first
		}
		i, j := index(first), index(last)
		if i < 0 || j < 0 {
			return days, false
		}
		for days[j] = true; i != j; i = (i + 1) % 7 {
			days[i] = true
		}
	}
	return days, true
}

// parseMinute reads "08:00"; "24:00" is the end of the day.
func parseMinute(text string) (int, bool) {
	if text == "24:00" {
		return 24 * 60, true
	}
	t, err := time.Parse("15:04", text)
	return t.Hour()*60 + t.Minute(), err == nil && len(text) == len("15:04")
}

// parseOffset reads what follows UTC: nothing, "+3", "-03:30".
func parseOffset(text string) (time.Duration, bool) {
	if text == "" {
		return 0, true
	}
	sign := 1
	switch text[0] {
	case '+':
	case '-':
		sign = -1
	default:
		return 0, false
	}
	text = text[1:]
	if !strings.Contains(text, ":") {
		text += ":00"
	}
	if len(text) == len("3:00") {
		text = "0" + text
	}
	minutes, ok := parseMinute(text)
	return time.Duration(sign*minutes) * time.Minute, ok && minutes <= 14*60
}
