package stix

import (
	"io"
	"strings"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/comity-exchange/comity/fault"
)

// Writer writes objects in one of the forms, each exactly as its Raw has it. Nothing is held back but what belongs behind the last
// object, so a writer costs the same for a million. The standards forbid empty lists: without objects there is no list.
//
// Close ends the text and must be called. A Writer is not safe for concurrent use; after an error it stays useless.
type Writer struct {
	dst   io.Writer
	form  Form
	id    ID
	wrote bool
	err   error
}

// NewWriter writes a bundle with the given id, or objects in another form, for which id is "".
func NewWriter(dst io.Writer, form Form, id ID) (*Writer, error) {
	switch form {
	case Bundle:
		if id.Type() != "bundle" || !id.valid() {
			return nil, fault.New(fault.Malformed, "", "a bundle needs an identifier of its own, such as NewID gives")
		}
	case Envelope, Array, Lines:
	default:
		return nil, fault.New(fault.Malformed, "", "there is no such form of several objects")
	}
	return &Writer{dst: dst, form: form, id: id}, nil
}

// Write writes one object. In Lines it loses the line feeds between its tokens, if it has any; elsewhere no byte changes.
func (w *Writer) Write(o *Object) error {
	text := o.Raw
	if w.form == Lines && strings.ContainsAny(text, "\n\r") {
		// Inside strings there are none.
		text = strings.NewReplacer("\n", "", "\r", "").Replace(text)
	}
	switch {
	case w.form == Lines:
		text += "\n"
	case w.wrote:
		w.put(",")
	default:
		w.put(w.opening())
	}
	w.wrote = true
	w.put(text)
	return w.err
}

// Close ends a bundle, array or lines; of an envelope it says that there is no more.
func (w *Writer) Close() error { return w.CloseMore(false, "") }

// CloseMore ends an envelope with what to ask for next. The other forms have no place for that and leave it out.
func (w *Writer) CloseMore(more bool, next string) error {
	switch {
	case w.form == Lines:
		return w.err
	case w.form == Array && !w.wrote:
		w.put("[")
	case w.form == Bundle && !w.wrote:
		w.put(w.bundleHead())
	case w.form == Envelope && !w.wrote:
		w.put("{")
	case w.form != Array:
		w.put("]")
	}
	switch {
	case w.form == Array:
		w.put("]")
	case w.form == Envelope && more:
		if w.wrote {
			w.put(",")
		}
		w.put(`"more":true`)
		if next != "" {
			quoted, err := jsontext.AppendQuote(nil, next)
			if err != nil {
				return fault.Wrap(err, fault.Malformed, "", "next is not UTF-8")
			}
			w.put(`,"next":` + string(quoted))
		}
		w.put("}")
	default:
		w.put("}")
	}
	return w.err
}

func (w *Writer) bundleHead() string { return `{"type":"bundle","id":"` + string(w.id) + `"` }

// opening is what stands before the first object.
func (w *Writer) opening() string {
	switch w.form {
	case Bundle:
		return w.bundleHead() + `,"objects":[`
	case Envelope:
		return `{"objects":[`
	}
	return "["
}

func (w *Writer) put(s string) {
	if w.err == nil {
		_, w.err = io.WriteString(w.dst, s)
	}
}
