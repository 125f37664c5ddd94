package agreement

import (
	"slices"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/comity-exchange/comity/party"
	"github.com/comity-exchange/comity/statement"
)

// Terms are what the making of an agreement depends on. The facts of a draft repeat them, since a fold sees no document (AGR-7).
type Terms struct {
	Digest    statement.Digest `json:"digest"`  // of the document
	Parties   []party.Code     `json:"parties"` // sorted
	InForce   InForce          `json:"in_force"`
	Consent   Consent          `json:"consent,omitzero"`         // "": ByApproval is not asked for
	Notice    int64            `json:"notice,omitzero"`          // seconds between saying that one withdraws and having withdrawn
	Accession Accession        `json:"accession,omitzero"`       // "": closed
	Articles  []string         `json:"articles"`                 // their numbers, in order
	Fixed     []string         `json:"no_reservations,omitzero"` // of these, those to which no reservation can be made
}

// InForce says what puts an agreement into force (AGR-8).
type InForce struct {
	When  When           `json:"when"`
	Count int            `json:"count,omitzero"` // of parties, with ByCount: from 2 to all of them
	Days  int            `json:"days,omitzero"`  // after that, not with ByDate: at most 3650
	Date  statement.Time `json:"date,omitzero"`  // with ByDate
}

// When names the condition.
type When string

// The conditions.
const (
	ByAll   When = "all"   // all parties have consented
	ByCount When = "count" // so many have; for others later, when they do
	ByDate  When = "date"  // a day has come and two have consented by then; for others later, when they do
)

// Consent is how a party binds itself, beside its signature.
type Consent string

// ByRatification has a party ratify, accept or approve after it has signed.
const ByRatification Consent = "ratification"

// Accession is who may join later.
type Accession string

// Who may: nobody; whom every party has invited; whoever takes part in the thread.
const (
	AccessionClosed     Accession = ""
	AccessionInvitation Accession = "invitation"
	AccessionOpen       Accession = "open"
)

// MaxDays bounds InForce.Days.
const MaxDays = 3650

// Day is a day as an agreement counts it.
const Day = 24 * time.Hour

// Terms are those of a document.
func (d *Document) Terms() Terms {
	t := Terms{
		Digest: d.Digest, Parties: slices.Sorted(slices.Values(d.Parties)), InForce: d.InForce, Consent: d.Consent, Notice: d.Notice, Accession: d.Accession,
	}
	for i := range d.Articles {
		a := &d.Articles[i]
		t.Articles = append(t.Articles, a.Number)
		if a.Reservations != nil && !*a.Reservations {
			t.Fixed = append(t.Fixed, a.Number)
		}
	}
	return t
}

// Check holds terms against AGR-7, as they come in facts. Errors: fault.Malformed.
func (t *Terms) Check() error {
	// spec: AGR-7
	switch {
	case t.Digest.IsZero():
		return malformed("AGR-7", "a draft names the digest of its document")
	case len(t.Parties) < 2 || len(t.Parties) > MaxParties || !slices.IsSorted(t.Parties) || repeated(t.Parties):
		return malformed("AGR-7", "an agreement has 2 to %d parties, each once, in order", MaxParties)
	case len(t.Articles) < 1 || len(t.Articles) > MaxArticles || repeated(t.Articles):
		return malformed("AGR-7", "an agreement has 1 to %d articles, each with a number of its own", MaxArticles)
	case repeated(t.Fixed) || slices.ContainsFunc(t.Fixed, func(n string) bool { return !slices.Contains(t.Articles, n) }):
		return malformed("AGR-7", "what forbids reservations is an article of the agreement")
	}
	if _, why := t.wrong(); why != "" {
		return malformed("AGR-7", "%s", why)
	}
	return nil
}

// wrong says which of the members that a document has too is wrong, and how.
func (t *Terms) wrong() (member jsontext.Pointer, why string) {
	in := t.InForce
	switch in.When {
	case ByAll, ByCount:
		if !in.Date.IsZero() {
			return "/in_force/date", "goes with \"date\" alone"
		}
	case ByDate:
		if in.Date.IsZero() || in.Days != 0 {
			return "/in_force/date", "is a time, and no days are added to it"
		}
	default:
		return "/in_force/when", form["when"]
	}
	switch {
	case in.When == ByCount && (in.Count < 2 || in.Count > len(t.Parties)):
		return "/in_force/count", "is a number of parties, from 2 to all of them"
	case in.When != ByCount && in.Count != 0:
		return "/in_force/count", "goes with \"count\" alone"
	case in.Days < 0 || in.Days > MaxDays:
		return "/in_force/days", "is a number of days, from 0 to 3650"
	case t.Consent != "" && t.Consent != ByRatification:
		return "/consent", form["consent"]
	case t.Notice < 0 || t.Notice > MaxSeconds:
		return "/notice", form["notice"]
	case t.Accession != AccessionClosed && t.Accession != AccessionInvitation && t.Accession != AccessionOpen:
		return "/accession", form["accession"]
	}
	return "", ""
}

// Entry is from when an agreement is in force for whom, by who has consented when. It is empty while its condition is not met.
func (t *Terms) Entry(consents map[party.Code]statement.Time) map[party.Code]statement.Time {
	// spec: AGR-8
	need := 2
	switch t.InForce.When {
	case ByAll:
		need = len(t.Parties)
	case ByCount:
		need = t.InForce.Count
	}
	times := make([]statement.Time, 0, len(consents))
	for code, at := range consents { // who has joined does not count: it joins what is in force
		if t.In(code) {
			times = append(times, at)
		}
	}
	if len(times) < need {
		return nil
	}
	slices.SortFunc(times, statement.Time.Compare)
	first := times[need-1]
	if t.InForce.When == ByDate && first.Before(t.InForce.Date) {
		first = t.InForce.Date
	}
	from := make(map[party.Code]statement.Time, len(consents))
	for code, at := range consents {
		if at.Before(first) {
			at = first
		}
		if at = at.Add(time.Duration(t.InForce.Days) * Day); latest().Before(at) {
			at = latest()
		}
		from[code] = at
	}
	return from
}

// latest is the last time that can be written (ENC-5).
func latest() statement.Time {
	return statement.TimeOf(time.Date(2199, 12, 31, 23, 59, 59, 999_000_000, time.UTC))
}

// In tells whether a code, or the party whose office it is, is one of the parties.
func (t *Terms) In(code party.Code) bool {
	_, found := slices.BinarySearch(t.Parties, code)
	return found
}

// Equal tells whether two terms are the same.
func (t *Terms) Equal(o *Terms) bool {
	return t.Digest == o.Digest && t.InForce == o.InForce && t.Consent == o.Consent && t.Notice == o.Notice && t.Accession == o.Accession &&
		slices.Equal(t.Parties, o.Parties) && slices.Equal(t.Articles, o.Articles) && slices.Equal(t.Fixed, o.Fixed)
}
