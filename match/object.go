package match

// json reads the line as one JSON object into members: enough to say in which field a place is. It is lenient where that does no harm, and false for
// what is no object at all. Depth and number of members are bounded; what is beyond has no name.
func (r *record) json() bool {
	w := walk{r: r, b: r.line}
	w.blank()
	if w.i >= len(w.b) || w.b[w.i] != '{' || !w.value(-1, span{}, 0) {
		return false
	}
	w.blank()
	return w.i == len(w.b)
}

// maxDepth bounds objects and lists in each other.
const maxDepth = 32

type walk struct {
	r *record
	b []byte
	i int
}

func (w *walk) blank() {
	for w.i < len(w.b) && (w.b[w.i] == ' ' || w.b[w.i] == '\t' || w.b[w.i] == '\r' || w.b[w.i] == '\n') {
		w.i++
	}
}

// text reads a string and gives what stands between its quotation marks, as written.
func (w *walk) text() (span, bool) {
	if w.i >= len(w.b) || w.b[w.i] != '"' {
		return span{}, false
	}
	w.i++
	lo := w.i
	for w.i < len(w.b) {
		switch w.b[w.i] {
		case '"':
			w.i++
			return span{lo, w.i - 1}, true
		case '\\':
			w.i++
		}
		w.i++
	}
	return span{}, false
}

// value reads one value under a name and notes it.
func (w *walk) value(parent int, name span, depth int) bool {
	if w.i >= len(w.b) || depth > maxDepth {
		return false
	}
	self, lo := -1, w.i
	if len(w.r.members) < maxFields {
		self = len(w.r.members)
		w.r.members = append(w.r.members, member{parent: parent, name: name, value: span{lo, lo}})
	}
	var v span
	var ok bool
	switch w.b[w.i] {
	case '"':
		v, ok = w.text()
	case '{':
		ok = w.object(self, depth)
		v = span{lo, w.i}
	case '[':
		ok = w.list(self, depth)
		v = span{lo, w.i}
	default:
		for w.i < len(w.b) && (shapes[w.b[w.i]]&(digit|letter|dot|joint) != 0 || w.b[w.i] == '+') {
			w.i++
		}
		v, ok = span{lo, w.i}, w.i > lo
	}
	if self >= 0 {
		w.r.members[self].value = v
	}
	return ok
}

func (w *walk) object(self, depth int) bool {
	for first := true; ; first = false {
		w.i++ // "{" or ","
		w.blank()
		if first && w.i < len(w.b) && w.b[w.i] == '}' {
			w.i++
			return true
		}
		name, ok := w.text()
		w.blank()
		if !ok || w.i >= len(w.b) || w.b[w.i] != ':' {
			return false
		}
		w.i++
		w.blank()
		if !w.value(self, name, depth+1) {
			return false
		}
		if end, more := w.next('}'); !more {
			return end
		}
	}
}

func (w *walk) list(self, depth int) bool {
	for first := true; ; first = false {
		w.i++ // "[" or ","
		w.blank()
		if first && w.i < len(w.b) && w.b[w.i] == ']' {
			w.i++
			return true
		}
		if !w.value(self, span{}, depth+1) {
			return false
		}
		if end, more := w.next(']'); !more {
			return end
		}
	}
}

// next looks behind a value: more values follow a comma, and the closing sign is read.
func (w *walk) next(closing byte) (end, more bool) {
	w.blank()
	switch {
	case w.i >= len(w.b):
		return false, false
	case w.b[w.i] == ',':
		return true, true
	case w.b[w.i] == closing:
		w.i++
		return true, false
	}
	return false, false
}
