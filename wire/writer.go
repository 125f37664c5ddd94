package wire

import "encoding/hex"

// Writer appends compact JSON by hand, where the general encoder takes too long: the same bytes, for strings of printable ASCII. Names come with what
// stands before and after them, as in `,"from":`.
type Writer struct {
	Text     []byte
	NotPlain bool // a string was not printable ASCII without quotes and backslashes: Text is not to be used
}

// Quoted appends a string.
func (w *Writer) Quoted(v string) {
	for i := range len(v) {
		c := v[i]
		w.NotPlain = w.NotPlain || c < ' ' || c > '~' || c == '"' || c == '\\'
	}
	w.Text = append(append(append(w.Text, '"'), v...), '"')
}

// String appends a member.
func (w *Writer) String(name, v string) {
	w.Text = append(w.Text, name...)
	w.Quoted(v)
}

// Optional appends a member that is left out when it is empty.
func (w *Writer) Optional(name, v string) {
	if v != "" {
		w.String(name, v)
	}
}

// Hex appends 32 bytes as lower-case hexadecimal digits (ENC-4).
func (w *Writer) Hex(v [32]byte) {
	w.Text = append(hex.AppendEncode(append(w.Text, '"'), v[:]), '"')
}

// Hash appends a member that is 32 bytes.
func (w *Writer) Hash(name string, v [32]byte) {
	w.Text = append(w.Text, name...)
	w.Hex(v)
}

// List appends an array of n elements.
func (w *Writer) List(name string, n int, element func(i int)) {
	w.Text = append(append(w.Text, name...), '[')
	for i := range n {
		if i > 0 {
			w.Text = append(w.Text, ',')
		}
		element(i)
	}
	w.Text = append(w.Text, ']')
}
