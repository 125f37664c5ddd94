package page

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Segment is a part of a bar, or a bar of a chart: a number with what it counts.
type Segment struct {
	Class string // of the style sheet; what it says in colour its words say too
	Words string // "refused"
	Tip   string // the whole of it in words: "refused: 3 of 12"
	Count int
}

// Bar is a row of segments that together are a whole.
type Bar struct {
	ID       string // of the picture, unique in its page
	Title    string
	Means    string // a sentence for those who do not see it
	Segments []Segment
}

// Columns are counts side by side.
type Columns struct {
	ID     string
	Title  string
	Means  string
	Under  []string // what stands below the first, the middle and the last
	Mark   int      // before which column a line stands
	MarkIs string   // what it marks
	Bars   []Segment
}

// Growth is a number that only rises, over time.
type Growth struct {
	ID     string
	Title  string
	Means  string
	Points []GrowthPoint // by time; the last one is the greatest
	Under  []string      // what stands below the first and the last
	CSV    string        // where the numbers are downloaded
}

// GrowthPoint is the number at a time.
type GrowthPoint struct {
	Time time.Time
	Size int64
	Tip  string
}

// A picture is as wide as its place: across, its measures are hundredths of that, so that its words keep their size on a phone; down, they are points. Above the bars is
// room for the words of the one that is looked at.
const (
	barTop       = 20
	barTall      = 28
	columnsTop   = 22
	columnsTall  = 96
	growthTop    = 24
	growthTall   = 150
	below        = 22  // for what stands under the floor
	gap          = 0.4 // between bars, in hundredths of the width
	leastWide    = 0.8 // so that one of a thousand is seen
	leastTall    = 3
	inset        = 0.75       // of a curve, so that its first and last points are whole
	least, most  = 30.0, 70.0 // beyond, words begin or end at the edge of the picture, so that they are not cut off
	leastMiddle  = 38.0
	mostMiddle   = 62.0
	growthFormat = 1000 // the units of the curve's own view box, across
)

// share is a part of the width.
type share float64

func (s share) String() string { return strconv.FormatFloat(float64(s), 'f', 2, 64) + "%" }

// placed is a segment where it stands.
type placed struct {
	Segment
	X, Width  share
	Y, Height int
	Words     words
}

// words are where the words of a part stand.
type words struct {
	X      share
	Anchor string
}

// wordsAt keeps words inside the picture, near the place that they are about.
func wordsAt(x share) words {
	switch {
	case x < least:
		return words{0, "start"}
	case x > most:
		return words{100, "end"}
	}
	return words{min(max(x, leastMiddle), mostMiddle), "middle"}
}

// row places segments from the left, as wide as they count.
func (b Bar) row() (out []placed) {
	all, shown := 0, 0
	for _, s := range b.Segments {
		if all += s.Count; s.Count > 0 {
			shown++
		}
	}
	x, room := share(0), 100-leastWide*share(shown)
	for _, s := range b.Segments {
		if s.Count == 0 {
			continue
		}
		w := leastWide + room*share(s.Count)/share(all)
		out = append(out, placed{Segment: s, X: x, Width: w - gap, Y: barTop, Height: barTall, Words: wordsAt(x + w/2)})
		x += w
	}
	return out
}

// columns places bars side by side, as tall as they count.
func (c Columns) columns() (out []placed) {
	most, wide := 0, c.wide()
	for _, b := range c.Bars {
		most = max(most, b.Count)
	}
	for i, b := range c.Bars {
		h := 0
		if b.Count > 0 {
			h = max(leastTall, columnsTall*b.Count/most)
		}
		x := share(i) * wide
		out = append(out, placed{Segment: b, X: x, Width: wide - gap, Y: columnsTop + columnsTall - h, Height: h, Words: wordsAt(x + wide/2)})
	}
	return out
}

// wide is how wide a column is.
func (c Columns) wide() share { return 100 / share(max(1, len(c.Bars))) }

// mark is where the line stands.
func (c Columns) mark() share { return share(c.Mark)*c.wide() - gap/2 }

// grown is a point of a curve where it stands.
type grown struct {
	GrowthPoint
	X, From, Width share // From and Width are of the part of the picture that is nearer to it than to others
	Y              int
	Words          words
}

// points places them: by time across, by number up.
func (g Growth) points() []grown {
	if len(g.Points) == 0 {
		return nil
	}
	first, last := g.Points[0].Time, g.Points[len(g.Points)-1]
	all := last.Time.Sub(first)
	out := make([]grown, len(g.Points))
	for i, p := range g.Points {
		x := share(100 - inset)
		if all > 0 {
			x = inset + (100-2*inset)*share(float64(p.Time.Sub(first))/float64(all))
		}
		y := growthTop + growthTall - int(float64(growthTall)*float64(p.Size)/float64(max(1, last.Size)))
		out[i] = grown{GrowthPoint: p, X: x, Y: y, Words: wordsAt(x)}
	}
	for i := range out {
		from, to := share(0), share(100)
		if i > 0 {
			from = (out[i-1].X + out[i].X) / 2
		}
		if i+1 < len(out) {
			to = (out[i].X + out[i+1].X) / 2
		}
		out[i].From, out[i].Width = from, to-from
	}
	return out
}

// curve is the line through the points, in the units of its own view box; with the floor, what lies under it. Between two points the number had already risen to the
// later one's or had not: a step would say which, and nobody knows.
func (g Growth) curve(floor bool) string {
	var b strings.Builder
	at := func(x share, y int) { fmt.Fprintf(&b, "%.1f,%d ", float64(x)*growthFormat/100, y-growthTop) }
	points := g.points()
	if floor && len(points) > 0 {
		at(points[0].X, growthTop+growthTall)
	}
	for _, p := range points {
		at(p.X, p.Y)
	}
	if floor && len(points) > 0 {
		at(points[len(points)-1].X, growthTop+growthTall)
	}
	return strings.TrimSpace(b.String())
}
