package match

import (
	"bytes"
	"strings"
	"time"

	"github.com/comity-exchange/comity/fault"
)

// Format says how the lines of a log are read, once something was found in one.
type Format uint8

// The formats. Auto looks at each line: "{" begins JSON, a "#fields" line above makes Zeek's columns, all else is Plain.
const (
	Auto  Format = iota
	Zeek         // tab-separated columns under "#fields", as Zeek writes them
	JSON         // one object a line: Zeek's JSON, Suricata's EVE, most others
	Plain        // a line of text
)

// ParseFormat reads a format's name: auto, zeek, json, eve or plain.
func ParseFormat(name string) (Format, error) {
	switch strings.ToLower(name) {
	case "", "auto":
		return Auto, nil
	case "zeek":
		return Zeek, nil
	case "json", "eve":
		return JSON, nil
	case "plain":
		return Plain, nil
	}
	return 0, fault.New(fault.Usage, "", "a format is auto, zeek, json, eve or plain")
}

// columns are the fields of a Zeek log.
type columns struct {
	names     []string
	separator byte
}

// maxFields bounds the fields of a record that are told apart.
const maxFields = 1024

// parseColumns reads a "#fields" line. The sign behind the word is the separator; what "#separator" says is the same in other letters.
func parseColumns(line []byte) *columns {
	rest, ok := bytes.CutPrefix(bytes.TrimRight(line, "\r\n"), []byte("#fields"))
	if !ok || len(rest) < 2 || shapes[rest[0]] != 0 {
		return nil
	}
	names := strings.Split(string(rest[1:]), string(rest[:1]))
	if len(names) > maxFields {
		return nil
	}
	return &columns{names: names, separator: rest[0]}
}

// member is one value of a record.
type member struct {
	parent int  // member that holds it, -1 for none
	name   span // in the line; of a Zeek record the column's number in lo
	value  span // in the line, without quotation marks
}

// record is a line in its fields.
type record struct {
	line    []byte
	columns *columns // of a Zeek record
	members []member
}

// parse reads a line. A line that is not of the format has no fields. The record's memory is used again.
func (r *record) parse(line []byte, format Format, c *columns) {
	line = bytes.TrimRight(line, "\r\n")
	*r = record{line: line, members: r.members[:0]}
	object := len(line) > 1 && line[0] == '{'
	switch {
	case (format == Auto && object || format == JSON) && r.json():
	case (format == Auto && !object || format == Zeek) && c != nil && len(line) > 0 && line[0] != '#' && r.split(c):
	default:
		r.members = r.members[:0]
	}
}

// split cuts a line at its separators; it must have as many fields as the log has columns.
func (r *record) split(c *columns) bool {
	at := 0
	for i := range c.names {
		end := bytes.IndexByte(r.line[at:], c.separator)
		if end < 0 {
			end = len(r.line) - at
		} else if i == len(c.names)-1 {
			return false
		}
		r.members = append(r.members, member{parent: -1, name: span{i, i}, value: span{at, at + end}})
		if at += end + 1; at > len(r.line) && i < len(c.names)-1 {
			return false
		}
	}
	r.columns = c
	return true
}

// path is the name of a member with those of the objects around it: "http.hostname".
func (r *record) path(i int) string {
	if r.columns != nil {
		return r.columns.names[r.members[i].name.lo]
	}
	var parts []string
	for ; i >= 0; i = r.members[i].parent {
		if n := r.members[i].name; n.hi > n.lo {
			parts = append(parts, string(r.line[n.lo:n.hi]))
		}
	}
	var b strings.Builder
	for i := len(parts) - 1; i >= 0; i-- {
		if b.Len() > 0 {
			b.WriteByte('.')
		}
		b.WriteString(parts[i])
	}
	return b.String()
}

// at finds the innermost member that holds the place; -1 for none.
func (r *record) at(place int) int {
	for i := len(r.members) - 1; i >= 0; i-- {
		if v := r.members[i].value; v.lo <= place && place < v.hi {
			return i
		}
	}
	return -1
}

// get gives the value of the first of these fields that is there and set.
func (r *record) get(paths ...string) []byte {
	for _, want := range paths {
		last := want[strings.LastIndexByte(want, '.')+1:]
		for i, m := range r.members {
			if r.columns == nil && !bytes.HasSuffix(r.line[m.name.lo:m.name.hi], []byte(last)) {
				continue
			}
			if r.path(i) != want {
				continue
			}
			if v := r.line[m.value.lo:m.value.hi]; len(v) > 0 && string(v) != "-" && string(v) != "(empty)" && string(v) != "null" {
				return v
			}
		}
	}
	return nil
}

func (r *record) time() time.Time {
	if len(r.members) == 0 {
		return leading(r.line)
	}
	for _, name := range []string{"ts", "timestamp", "@timestamp", "time", "event_time", "_write_ts"} {
		if t := momentOf(r.get(name)); !t.IsZero() {
			return t
		}
	}
	return time.Time{}
}

// maxShown bounds what is taken from a log as the name of a field, a record's id or a value as it was written.
const maxShown = 256

func shown(b []byte) string { return string(b[:min(len(b), maxShown)]) }

func (r *record) uid() string { return shown(r.get("uid", "flow_id")) }

// field names where a place is; in plain text, what stands before "=" or ":" in front of it.
func (r *record) field(place int) string {
	if len(r.members) > 0 {
		if i := r.at(place); i >= 0 {
			return shown([]byte(r.path(i)))
		}
		return ""
	}
	from := max(0, place-maxShown)
	before := r.line[from:place]
	if i := bytes.LastIndexAny(before, " \t,;&"); i >= 0 && !bytes.HasSuffix(bytes.TrimRight(before[:i], " "), []byte(":")) {
		before = before[i+1:]
	}
	sign := bytes.LastIndexByte(before, '=')
	if sign < 0 {
		if sign = bytes.LastIndex(before, []byte(`":`)); sign < 0 {
			return ""
		}
	}
	end := sign
	for sign > 0 && shapes[before[sign-1]] != 0 && end-sign < 64 {
		sign--
	}
	return string(before[sign:end])
}

// portFields are the fields that hold the port of an address in a field of this name.
func portFields(name string) []string {
	var out []string
	for _, ends := range [][2]string{{"_h", "_p"}, {"_ip", "_port"}, {".ip", ".port"}, {"ip", "port"}, {"_addr", "_port"}, {"address", "port"}, {"host", "port"}, {"IP", "Port"}, {"Ip", "Port"}} {
		if base, ok := strings.CutSuffix(name, ends[0]); ok {
			out = append(out, base+ends[1])
		}
	}
	return out
}

// hostFields end the names of fields that hold the host of the URL whose path is in another field.
const hostFields = " host hostname http_host server_name domain cs-host resp_h dest_ip dst_ip destination.ip "

func isHostField(name string) bool {
	last := name[strings.LastIndexByte(name, '.')+1:]
	return strings.Contains(hostFields, " "+last+" ") || name == "destination.ip"
}

// pathOf is the path and query of the URL that a record is about.
func (r *record) pathOf() []byte {
	v := r.get("uri", "http.url", "url.path", "cs-uri-stem", "request_uri", "url", "path")
	if len(v) == 0 || v[0] != '/' {
		if v = unfold(nil, v); len(v) == 0 || v[0] != '/' {
			return nil
		}
	} else if bytes.IndexByte(v, '\\') >= 0 {
		v = unfold(nil, v)
	}
	return v
}
