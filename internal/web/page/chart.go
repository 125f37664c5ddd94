package page

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

// The pictures' own measures, in the units of their view boxes. A picture is as wide as its place.
const (
	barWidth     = 600
	barHeight    = 28
	columnWidth  = 26
	columnsTall  = 110
	columnsBelow = 22
	leastShown   = 3 // so that one of a thousand is seen
)

// placed is a segment where it stands.
type placed struct {
	Segment
	X, Y, Width, Height int
	Number              bool // there is room for it inside
}

// row places segments from the left, as wide as they count.
func (b Bar) row() (out []placed) {
	all, shown := 0, 0
	for _, s := range b.Segments {
		if all += s.Count; s.Count > 0 {
			shown++
		}
	}
	x, room := 0, barWidth-leastShown*shown
	for _, s := range b.Segments {
		if s.Count == 0 {
			continue
		}
		w := leastShown + room*s.Count/all
		out = append(out, placed{Segment: s, X: x, Width: w, Height: barHeight, Number: w >= 24})
		x += w
	}
	return out
}

// columns places bars side by side, as tall as they count.
func (c Columns) columns() (out []placed) {
	most := 0
	for _, b := range c.Bars {
		most = max(most, b.Count)
	}
	for i, b := range c.Bars {
		h := 0
		if b.Count > 0 {
			h = max(leastShown, (columnsTall-14)*b.Count/most)
		}
		out = append(out, placed{Segment: b, X: i * columnWidth, Y: columnsTall - h, Width: columnWidth - 3, Height: h, Number: b.Count > 0})
	}
	return out
}

// wide is how wide columns are.
func (c Columns) wide() int { return columnWidth * len(c.Bars) }
