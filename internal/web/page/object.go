package page

import (
	"math"
	"time"
)

// Object is all that is here on one object.
type Object struct {
	ObjectRow
	ID          string
	Description string
	Values      []string // defanged
	Words       []Word   // what each party has said last, side by side
	MoreWords   int      // that are not beside them
	Members     []Member
	Apart       map[string]bool // of "modified", "valid" and "confidence", which stand apart: whether they differ
	Differ      int             // on how many things they do not agree
	Older       []ObjectRow     // versions that stand behind a later one
	Patterns    []Pattern
	Seen        []SeenRow
	SeenMore    bool
	Passed      []PassedRow // what this party's feeds and shares have done with it
	PassedMore  bool
	Links       []Cited
	Relations   Relations
	Raw         []RawText
}

// Word is one party's last word on an object, with how it came.
type Word struct {
	From       string
	Ours       bool
	With       Link // the statement
	Via        *Link
	Agreement  *Link
	To         []string // who else got it
	Version    time.Time
	At         time.Time
	TLP        string
	Marking    []FactRow
	Revoked    bool
	Expired    bool
	ValidFrom  time.Time
	ValidUntil time.Time
	Confidence string // "" where none is given
	Defects    int    // rules of STIX that it breaks
}

// PassedRow is what became of one word on an object in one feed or share of this party's.
type PassedRow struct {
	Feed    Link
	To      string
	By      string    // whose word
	Version time.Time // of it
	Went    string    // "passed", "held", "waits" or "past"
	With    *Link     // the increment or share
	Time    time.Time // when it was said
	Arrived time.Time // there; zero: not known
	Held    []string  // the rules that hold it back
}

// Member is a property as each of the words has it.
type Member struct {
	Name    string
	Cells   []Cell
	Differs bool
}

// Cell is a value of a member.
type Cell struct {
	Text   string
	Absent bool
	Mono   bool
}

// Pattern is what an indicator looks for, over several lines.
type Pattern struct {
	By   []string
	Kind string // "stix", "sigma", …
	Text string
}

// Cited is an external reference.
type Cited struct {
	Source, Name, ID, URL string // URL is defanged
}

// RawText is an object as its source wrote it.
type RawText struct {
	By, Text string
	At       time.Time
}

// Relations is how an object stands to others.
type Relations struct {
	Name, Type string // of the object in the middle
	Means      string
	Rows       []Related
	Shown      int  // of the rows, in the picture
	More       int  // that are neither in the picture nor among the rows; at least so many
	Mirrored   bool // the page is read from right to left
}

// Related is an object that another one has to do with.
type Related struct {
	Href     string // "" where it is not here
	Class    string // of its type, for the style sheet; what it says in colour the words say too
	Type     string
	Name     string
	Relation string
	Out      bool // the object in the middle says it of the other
	By       []string
	TLP      string
	Revoked  bool
}

// MostDrawn is how many related objects a picture has; the table has more.
const MostDrawn = 40

// A picture of relations: across, its measures are hundredths of the width, down they are points (see chart.go).
const (
	ringRow    = 44   // from one label to the next
	ringEdge   = 30   // above the first and below the last
	ringLeast  = 220  // so that the middle has room
	ringWide   = 21.0 // of the ring from the middle
	ringNarrow = 13.0 // at its upper and lower end, so that labels of both sides do not meet
	boxWide    = 190
	boxTall    = 50
)

// spot is a related object where it stands.
type spot struct {
	Related
	X      share
	Y      int
	Anchor string
	DX     int // of the label from the point
}

// tall is how tall the picture is.
func (r Relations) tall() int {
	return max(ringLeast, 2*ringEdge+ringRow*((r.drawn()+1)/2))
}

func (r Relations) drawn() int { return min(len(r.Rows), MostDrawn) }

// spots places what is related on a ring: down on the side where reading ends, and up again on the other. Each has a row of its own on its side, so that no label lies on another.
func (r Relations) spots() (out []spot) {
	n := r.drawn()
	first := (n + 1) / 2
	for i, one := range r.Rows[:n] {
		side, place, count := share(1), i, first
		if i >= first {
			side, count = -1, n-first
			place = count - 1 - (i - first)
		}
		room := float64(r.tall() - 2*ringEdge)
		y := float64(ringEdge) + room*(float64(place)+0.5)/float64(count)
		bow := (y - float64(r.tall())/2) / (float64(r.tall()) / 2)
		x := ringNarrow + (ringWide-ringNarrow)*math.Sqrt(max(0, 1-bow*bow))
		s := spot{Related: one, Y: int(y), Anchor: "start", DX: 14}
		if r.Mirrored {
			side = -side
		}
		if side < 0 {
			s.Anchor, s.DX = "end", -14
		}
		s.X = 50 + side*share(x)
		out = append(out, s)
	}
	return out
}

// marker is the arrow at the end of a line, which points to whom it is said of.
func (r Related) marker() (start, end string) {
	if r.Out {
		return "", "url(#rel-out)"
	}
	return "url(#rel-in)", ""
}

// says is a relation in words, for those who do not see the arrow.
func (r Related) says(s *Shell, middle string) string {
	if r.Out {
		return s.T("intel.relation.is", middle, r.Relation, r.Name, r.Type)
	}
	return s.T("intel.relation.of", r.Name, r.Relation, middle, r.Type)
}

// label is a name as the picture has room for it.
func label(text string, most int) string {
	if r := []rune(text); len(r) > most {
		return string(r[:most-1]) + "…"
	}
	return text
}
