package match

import "bytes"

// document is how a JSON document over many lines, such as "[", "  {", "    "timestamp": …", is cut into its records: by the lines with which they begin
// and end, which are indented alike.
type document struct{ open, shut []byte }

// maxRecord bounds a record that goes over many lines, in bytes on either side of a place.
const maxRecord = 1 << 16

// documentOf looks at how a log begins; nil where it is no such document.
func documentOf(start []byte) *document {
	start = start[:min(len(start), 256)]
	lead := bytes.TrimLeft(start, " \t\r\n")
	if bytes.HasPrefix(lead, []byte("[")) {
		start = lead[1:]
		lead = bytes.TrimLeft(start, " \t\r\n")
	} else {
		start = append([]byte{'\n'}, start...)
	}
	if len(lead) < 2 || lead[0] != '{' || lead[1] != '\n' && lead[1] != '\r' {
		return nil
	}
	before := start[:len(start)-len(lead)]
	line := bytes.LastIndexByte(before, '\n')
	if line < 0 {
		return nil
	}
	indent := before[line:]
	return &document{open: append(bytes.Clone(indent), '{'), shut: append(bytes.Clone(indent), '}')}
}

// cut gives where the last whole record ends, with its line; 0 where there is none.
func (d *document) cut(b []byte) int {
	at := bytes.LastIndex(b, d.shut)
	if at < 0 {
		return 0
	}
	end := bytes.IndexByte(b[at+len(d.shut):], '\n')
	if end < 0 {
		return 0
	}
	return at + len(d.shut) + end + 1
}

// record gives the record around a place.
func (d *document) record(b []byte, place int) (s span, ok bool) {
	from, to := max(0, place-maxRecord), min(len(b), place+maxRecord)
	lo := bytes.LastIndex(b[from:place], d.open)
	hi := bytes.Index(b[place:to], d.shut)
	switch {
	case lo >= 0:
		lo += from + len(d.open) - 1
	case from == 0 && bytes.HasPrefix(b, d.open[1:]): // the buffer begins with it
		lo = len(d.open) - 2
	default:
		return s, false
	}
	if hi < 0 {
		return s, false
	}
	return span{lo, place + hi + len(d.shut)}, true
}
