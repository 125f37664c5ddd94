package agreement

import (
	"math"
	"math/bits"
	"slices"
	"strconv"
	"strings"

	"github.com/comity-exchange/comity/marking"
	"github.com/comity-exchange/comity/party"
)

// This file says a verdict in words. It looks at rules by itself, and tests hold it against Cedar (TestSetIsCedar, TestExplanationAgrees), so
// that no explanation contradicts a decision.

// condition is one member of a rule.
type condition uint32

const (
	onKinds condition = 1 << iota
	onFrom
	onTo
	onTLPMax
	onTLPMin
	onPAPMax
	onPersonalData
	onPrecedence
	onTracks
	onExercise
	onPurposes
	onSectors
	onTypes
	onHandling
	onWithout
	onBodyMax
	onRetainMax
	onPerDay
	lastCondition = onPerDay

	// No members of a rule: its article does not hold between the two; it asks for approval; what policies alone can look at that are written in Cedar.
	onReservation condition = lastCondition << 1
	onApproval              = onReservation << 1
	onCedar                 = onApproval << 1
	everything              = onCedar<<1 - 1
)

// present gives the conditions that r has.
func (r *Rule) present() (has condition) {
	for c, yes := range [...]bool{
		r.Kinds != nil, r.From != nil, r.To != nil, r.TLPMax != nil, r.TLPMin != nil, r.PAPMax != nil, r.PersonalData != nil, r.Precedence != nil,
		r.Tracks != nil, r.Exercise != nil, r.Purposes != nil, r.Sectors != nil, r.Types != nil, r.Handling != nil, r.Without != nil, r.BodyMax != nil,
		r.RetainMax != nil, r.PerDay != nil,
	} {
		if yes {
			has |= 1 << c
		}
	}
	return has
}

// failing gives the conditions of r that do not hold, and those that r has.
func (r *Rule) failing(q *Question, to party.Code) (failed, present condition) {
	present = r.present()
	for rest := present; rest != 0; rest &= rest - 1 {
		if c := rest & -rest; !r.holds(c, q, to) {
			failed |= c
		}
	}
	return failed, present
}

// applies tells whether all of the conditions that r has hold.
func (r *Rule) applies(present condition, q *Question, to party.Code) bool {
	for rest := present; rest != 0; rest &= rest - 1 {
		if !r.holds(rest&-rest, q, to) {
			return false
		}
	}
	return true
}

// holds tells whether one condition, which r has, holds.
func (r *Rule) holds(c condition, q *Question, to party.Code) bool {
	// spec: AGR-3
	switch c {
	case onKinds:
		return slices.ContainsFunc(r.Kinds, func(k KindPattern) bool { return k.Matches(q.Kind) })
	case onFrom:
		return slices.ContainsFunc(r.From, func(c CodePattern) bool { return c.Matches(q.From) })
	case onTo:
		return slices.ContainsFunc(r.To, func(c CodePattern) bool { return c.Matches(to) })
	case onTLPMax:
		return q.Marking.TLP.Rank() <= r.TLPMax.Rank()
	case onTLPMin:
		return q.Marking.TLP.Rank() >= r.TLPMin.Rank()
	case onPAPMax:
		return q.Marking.PAP.Rank() <= r.PAPMax.Rank()
	case onPersonalData:
		has, limit := q.Marking.PersonalData.Rank(), r.PersonalData.Rank()
		return r.restricts() && has >= limit || !r.restricts() && has <= limit
	case onPrecedence:
		return slices.Contains(r.Precedence, q.Precedence)
	case onTracks:
		return slices.Contains(r.Tracks, q.Track)
	case onExercise:
		return q.Exercise == *r.Exercise
	case onPurposes:
		return q.Purpose != "" && slices.Contains(r.Purposes, q.Purpose)
	case onSectors:
		return q.Sector != "" && slices.Contains(r.Sectors, q.Sector)
	case onTypes:
		return q.Type != "" && slices.Contains(r.Types, q.Type)
	case onHandling:
		return !slices.ContainsFunc(r.Handling, func(h string) bool { return !slices.Contains(q.Marking.Handling, h) })
	case onWithout:
		return !slices.ContainsFunc(r.Without, func(h string) bool { return slices.Contains(q.Marking.Handling, h) })
	case onBodyMax:
		return q.BodyBytes <= *r.BodyMax
	case onRetainMax:
		ms, dated := q.retention()
		return (dated && ms <= *r.RetainMax*1000) != r.restricts()
	}
	return (q.Today[to] < *r.PerDay) != r.restricts()
}

// limit words a condition: "would permit it …".
func (r *Rule) limit(c condition) string {
	switch c {
	case onKinds:
		return "for " + anyOf(r.Kinds)
	case onFrom:
		return "from " + anyOf(r.From)
	case onTo:
		return "to " + anyOf(r.To)
	case onTLPMax:
		return "up to TLP:" + string(*r.TLPMax)
	case onTLPMin:
		return "from TLP:" + string(*r.TLPMin) + " upwards"
	case onPAPMax:
		return "up to PAP:" + string(*r.PAPMax)
	case onPersonalData:
		return personalLimit(*r.PersonalData, r.Effect)
	case onPrecedence:
		return "at " + anyOf(r.Precedence) + " precedence"
	case onTracks:
		return "on the " + anyOf(r.Tracks) + " track"
	case onExercise:
		if *r.Exercise {
			return "in exercises"
		}
		return "outside exercises"
	case onPurposes:
		return "for the purpose " + anyOf(r.Purposes)
	case onSectors:
		return "in the sector " + anyOf(r.Sectors)
	case onTypes:
		return "of the type " + anyOf(r.Types)
	case onHandling:
		return "under " + handlingCodes(r.Handling)
	case onWithout:
		return "without " + handlingCodes(r.Without)
	case onRetainMax:
		if r.restricts() {
			return "unless it is to be erased within " + duration(*r.RetainMax)
		}
		return "where it is to be erased within " + duration(*r.RetainMax)
	case onPerDay:
		if r.restricts() {
			return "past " + grouped(*r.PerDay) + " a day"
		}
		return "up to " + grouped(*r.PerDay) + " a day"
	}
	return "up to " + grouped(*r.BodyMax) + " bytes"
}

func handlingCodes(codes []string) string {
	return plural(len(codes), "the handling code ", "the handling codes ") + strings.Join(codes, ", ")
}

func personalLimit(p marking.PersonalData, e Effect) string {
	switch {
	case e != Permit && p == marking.PersonalNone:
		return "with or without personal data"
	case e != Permit && p == marking.PersonalMinimised:
		return "with personal data, even minimised"
	case e != Permit:
		return "with personal data that is not minimised"
	case p == marking.PersonalNone:
		return "without personal data"
	case p == marking.PersonalMinimised:
		return "with personal data at most minimised"
	}
	return "with personal data"
}

// actual words what the question has where a condition fails: "this is …".
func (q *Question) actual(c condition, to party.Code) string {
	or := func(with, value, without string) string {
		if value == "" {
			return without
		}
		return with + value
	}
	switch c {
	case onKinds:
		return string(q.Kind)
	case onFrom:
		return "from " + string(q.From)
	case onTo:
		return "to " + string(to)
	case onTLPMax, onTLPMin:
		return "TLP:" + string(q.Marking.TLP)
	case onPAPMax:
		return "PAP:" + string(q.Marking.PAP)
	case onPersonalData:
		switch q.Marking.PersonalData {
		case marking.PersonalMinimised:
			return "with minimised personal data"
		case marking.PersonalAllowed:
			return "with personal data that is not minimised"
		}
		return "without personal data"
	case onPrecedence:
		return string(q.Precedence)
	case onTracks:
		return "on the " + string(q.Track) + " track"
	case onExercise:
		if q.Exercise {
			return "an exercise"
		}
		return "no exercise"
	case onPurposes:
		return or("for the purpose ", q.Purpose, "without a purpose")
	case onSectors:
		return or("in the sector ", q.Sector, "without a sector")
	case onTypes:
		return or("of the type ", q.Type, "without a type")
	case onHandling, onWithout:
		return or("under the handling codes ", strings.Join(q.Marking.Handling, ", "), "without a handling code")
	case onRetainMax:
		return or("to be erased at ", q.Marking.RetainUntil, "without a date of erasure")
	case onPerDay:
		return "number " + grouped(q.Today[to]+1) + " of the day"
	}
	return grouped(q.BodyBytes) + " bytes"
}

// distance tells how far a rule is from permitting: a rule for other parties is farther than any other, and of the rest the one with the
// fewest failing conditions is nearest. gap is how many steps its scales are too low, which tells apart rules that lack the same.
func (r *Rule) distance(failed condition, q *Question) (lacks, gap int) {
	lacks = bits.OnesCount32(uint32(failed))
	if failed&onReservation != 0 && failed != onReservation {
		lacks += 50 // no officer can change that; an article that nothing else keeps from holding is told of all the same
	}
	if failed&(onFrom|onTo) != 0 {
		lacks += 100
	}
	if failed&onTLPMax != 0 {
		gap += q.Marking.TLP.Rank() - r.TLPMax.Rank()
	}
	if failed&onTLPMin != 0 {
		gap += r.TLPMin.Rank() - q.Marking.TLP.Rank()
	}
	if failed&onPAPMax != 0 {
		gap += q.Marking.PAP.Rank() - r.PAPMax.Rank()
	}
	if failed&onPersonalData != 0 {
		gap += q.Marking.PersonalData.Rank() - r.PersonalData.Rank()
	}
	if failed&onBodyMax != 0 {
		gap += int(min(q.BodyBytes-*r.BodyMax, 1<<40))
	}
	if ms, dated := q.retention(); failed&onRetainMax != 0 {
		gap += 1
		if dated {
			gap = int(min(ms-*r.RetainMax*1000, 1<<40))
		}
	}
	return lacks, gap
}

// near is a permitting rule about the kind that does not hold.
type near struct {
	entry  *entry
	failed condition
	gap    int
}

// nearest words what the permitting rules that came nearest lack: at most three, none when no rule is about the kind at all.
func (c *chooser) nearest(to party.Code) []string {
	q, fewest, found, least := c.q, math.MaxInt, []near(nil), map[condition]int{}
	reserved := c.without(to)
	for _, i := range c.some {
		n := near{entry: &c.set.entries[i]}
		if n.entry.rule == nil || n.entry.rule.Effect != Permit {
			continue
		}
		n.failed, _ = n.entry.rule.failing(q, to)
		if slices.Contains(reserved, n.entry.article) {
			n.failed |= onReservation
		}
		if n.failed == 0 {
			continue
		}
		var lacks int
		lacks, n.gap = n.entry.rule.distance(n.failed, q)
		if lacks > fewest {
			continue
		}
		if lacks < fewest {
			fewest, found = lacks, found[:0]
		}
		found = append(found, n)
		if g, ok := least[n.failed]; !ok || n.gap < g {
			least[n.failed] = n.gap
		}
	}
	var words []string
	for _, n := range found {
		// Of the rules that lack the same, only those that lack it by least are news.
		if n.gap > least[n.failed] {
			continue
		}
		w := n.entry.label + " would permit it " + n.entry.rule.words(n.failed) + "; this is " + q.words(n.failed, to) + "."
		if n.failed&onReservation != 0 {
			w = n.entry.label + " does not hold between " + string(q.From) + " and " + string(to) + ", for a reservation."
		}
		if !slices.Contains(words, w) {
			words = append(words, w)
		}
		if len(words) == 3 {
			break
		}
	}
	return words
}

func (r *Rule) words(some condition) string {
	return list(some, r.limit)
}

func (q *Question) words(some condition, to party.Code) string {
	var said []string
	list(some, func(c condition) string {
		if s := q.actual(c, to); !slices.Contains(said, s) {
			said = append(said, s)
		}
		return ""
	})
	return and(said)
}

func list(some condition, word func(condition) string) string {
	var words []string
	for c := onKinds; c <= lastCondition; c <<= 1 {
		if some&c != 0 {
			words = append(words, word(c))
		}
	}
	return and(words)
}

// permits says which entries permit.
func (s *set) permits(matched []int) string {
	if e := &s.entries[matched[0]]; len(matched) == 1 {
		return e.label + " permits it."
	}
	labels := s.labels(matched)
	return and(labels) + plural(len(labels), " permits it.", " permit it.")
}

// forbids says which entries forbid, and what each is about.
func (s *set) forbids(matched []int) string {
	var words []string
	for _, i := range matched {
		e := &s.entries[i]
		w := e.label + " forbids it."
		if e.rule != nil {
			// Who speaks of what to whom is plain to both; what else the rule is about is the news.
			if present := e.rule.present() &^ (onKinds | onFrom | onTo); present != 0 {
				w = e.label + " forbids it " + e.rule.words(present) + "."
			}
		}
		if !slices.Contains(words, w) {
			words = append(words, w)
		}
	}
	return strings.Join(words, " ")
}

// lacking says that nothing permits, and what came nearest.
func (c *chooser) lacking(nearest []string) string {
	switch {
	case len(nearest) > 0:
		return "No article permits it. " + strings.Join(nearest, " ")
	case c.reserved != nil:
		return "No article permits " + string(c.q.Kind) + "."
	}
	return "Without an agreement " + string(c.q.Kind) + " is not permitted."
}

func (s *set) labels(some []int) []string {
	var labels []string
	for _, i := range some {
		if l := s.entries[i].label; len(labels) == 0 || labels[len(labels)-1] != l {
			labels = append(labels, l)
		}
	}
	return labels
}

// tooShort says which clock of the facts is shorter than the article's.
func tooShort(q *Question, c clock) string {
	owed := func(to string, has, wants int64) string {
		return "Art. " + c.article + " gives " + duration(wants) + " to " + to + " at " + string(q.Precedence) + " precedence; this gives " + duration(has) + "."
	}
	if q.Clock.Acknowledge < c.limit.Acknowledge {
		return owed("acknowledge", q.Clock.Acknowledge, c.limit.Acknowledge)
	}
	return owed("answer", q.Clock.Answer, c.limit.Answer)
}

// duration words seconds in the largest unit that divides them.
func duration(seconds int64) string {
	if seconds <= 0 {
		return "none"
	}
	for _, u := range []struct {
		name string
		size int64
	}{{"day", 86400}, {"hour", 3600}, {"minute", 60}} {
		if n := seconds / u.size; seconds%u.size == 0 {
			return strconv.FormatInt(n, 10) + " " + plural(int(n), u.name, u.name+"s")
		}
	}
	return strconv.FormatInt(seconds, 10) + plural(int(seconds), " second", " seconds")
}

// grouped writes 1048576 as 1,048,576.
func grouped(n int64) string {
	s := strconv.FormatInt(n, 10)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

func plural(n int, one, many string) string {
	if n == 1 {
		return one
	}
	return many
}

// anyOf lists alternatives: "a, b or c"; past six it says how many more there are.
func anyOf[T ~string](values []T) string {
	const most = 6
	words := make([]string, 0, most+1)
	for i, v := range values {
		if i == most && len(values) > most+1 {
			words = append(words, "one of "+itoa(len(values)-most)+" more")
			break
		}
		words = append(words, string(v))
	}
	return join(words, " or ")
}

func and(words []string) string { return join(words, " and ") }

func join(words []string, last string) string {
	if n := len(words); n > 1 {
		return strings.Join(words[:n-1], ", ") + last + words[n-1]
	}
	return strings.Join(words, "")
}
