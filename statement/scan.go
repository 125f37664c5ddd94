package statement

import (
	"strconv"
	"strings"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/comity-exchange/comity/marking"
	"github.com/comity-exchange/comity/party"
	"github.com/comity-exchange/comity/wire"
)

// Heads are read and written on the bulk path, where the general decoder takes most of a node's time. scanHead reads the plain form of a head, in
// one pass and by hand: known members, strings without escapes, whole numbers. It refuses nothing. Whatever is not plain, or not right, it leaves to
// the general decoder, which says what is wrong; so what it takes must be what that takes, with the same meaning, and a fuzz target holds it to that.

// scanHead fills h from raw; false leaves h in no particular state.
func scanHead(raw []byte, h *Head) bool {
	s := scanner{in: string(raw), raw: raw} // one copy, of which every string of the head is a part
	var seen fields
	if !s.object(func(name string) bool { return seen.once(name) && s.headMember(name, h) }) || s.at != len(raw) {
		return false
	}
	return seen.all(required[""]) &&
		(!seen.has("thread") || !h.Thread.IsZero()) && (!seen.has("after") || len(h.After) > 0)
}

func (s *scanner) headMember(name string, h *Head) (ok bool) {
	switch name {
	case "v":
		h.V, ok = small(s)
	case "nonce":
		h.Nonce, ok = checked(s, ParseNonce)
	case "from":
		h.From, ok = checked(s, party.ParseCode)
	case "to":
		h.To = []party.Code{}
		ok = s.array(func() bool {
			c, ok := checked(s, party.ParseCode)
			h.To = append(h.To, c)
			return ok
		})
	case "thread":
		h.Thread, ok = hash[ID](s)
	case "after":
		h.After, ok = s.ids()
	case "kind":
		h.Kind, ok = checked(s, ParseKind)
	case "agreement":
		h.Agreement = &AgreementRef{}
		ok = s.agreement(h.Agreement)
	case "marking":
		ok = s.marking(&h.Marking)
	case "track":
		h.Track, ok = text[Track](s)
	case "precedence":
		h.Precedence, ok = text[Precedence](s)
	case "exercise":
		h.Exercise, ok = s.boolean()
	case "time":
		h.Time, ok = checked(s, ParseTime)
	case "by":
		ok = s.by(&h.By)
	case "facts":
		from := s.at
		ok = s.at < len(s.in) && s.in[s.at] == '{' && s.facts(1) && s.at-from <= MaxFacts
		h.Facts = jsontext.Value(s.raw[from:s.at:s.at])
	case "body":
		h.Body = &BodyRef{}
		ok = s.bodyRef(h.Body)
	}
	return ok
}

func (s *scanner) agreement(a *AgreementRef) bool {
	var seen fields
	return s.object(func(name string) (ok bool) {
		switch name {
		case "id":
			a.ID, ok = hash[ID](s)
		case "digest":
			a.Digest, ok = hash[Digest](s)
		case "at":
			a.At, ok = s.ids()
		}
		return ok && seen.once(name)
	}) && seen.all(required["agreement"])
}

func (s *scanner) marking(m *marking.Marking) bool {
	var seen fields
	return s.object(func(name string) (ok bool) {
		switch name {
		case "tlp":
			m.TLP, ok = text[marking.TLP](s)
		case "pap":
			m.PAP, ok = text[marking.PAP](s)
		case "handling":
			m.Handling = []string{}
			ok = s.array(func() bool {
				c, ok := text[string](s)
				m.Handling = append(m.Handling, c)
				return ok
			})
		case "personal_data":
			m.PersonalData, ok = text[marking.PersonalData](s)
		case "retain_until":
			m.RetainUntil, ok = text[string](s)
		}
		return ok && seen.once(name)
	}) && seen.all(required["marking"])
}

func (s *scanner) by(b *By) bool {
	var seen fields
	return s.object(func(name string) (ok bool) {
		switch name {
		case "role":
			b.Role, ok = text[string](s)
		case "officer":
			b.Officer, ok = text[string](s)
		}
		return ok && seen.once(name)
	}) && seen.all(required["by"])
}

func (s *scanner) bodyRef(b *BodyRef) bool {
	var seen fields
	return s.object(func(name string) (ok bool) {
		switch name {
		case "sha256":
			b.SHA256, ok = hash[Digest](s)
		case "size":
			b.Size, ok = s.integer()
		case "blobs":
			b.Blobs, ok = small(s)
		case "blob_bytes":
			b.BlobBytes, ok = s.integer()
		}
		return ok && seen.once(name)
	}) && seen.all(required["body"])
}

// scanBody fills b from raw as scanHead does a head: a nonce, a title and a text in printable ASCII, nothing else.
func scanBody(raw []byte, b *Body) bool {
	s := scanner{in: string(raw)}
	var seen fields
	return s.object(func(name string) (ok bool) {
		switch name {
		case "nonce":
			b.Nonce, ok = checked(&s, ParseNonce)
		case "title":
			b.Title, ok = text[string](&s)
		case "text":
			b.Text, ok = text[string](&s)
		}
		return ok && seen.once(name)
	}) && s.at == len(raw) && b.Nonce != ""
}

// facts passes over a value that STM-4 allows.
func (s *scanner) facts(depth int) bool {
	if depth > 16 || s.at >= len(s.in) {
		return false
	}
	switch s.in[s.at] {
	case '{':
		var seen fields
		return s.object(func(name string) bool { return seen.once(name) && IsIdentifier(name) && s.facts(depth+1) })
	case '[':
		return s.array(func() bool { return s.facts(depth + 1) })
	case '"':
		v, ok := s.str()
		return ok && (len(v) == 0 || IsIdentifier(v))
	case 't', 'f':
		_, ok := s.boolean()
		return ok
	}
	_, ok := s.integer()
	return ok
}

// scanner goes through compact JSON. Its methods stop at what is not plain.
type scanner struct {
	in  string
	raw []byte // the same
	at  int
}

// next passes over c if it is what comes.
func (s *scanner) next(c byte) bool {
	if s.at < len(s.in) && s.in[s.at] == c {
		s.at++
		return true
	}
	return false
}

func (s *scanner) object(member func(name string) bool) bool {
	if !s.next('{') {
		return false
	}
	for first := true; !s.next('}'); first = false {
		if !first && !s.next(',') {
			return false
		}
		name, ok := s.str()
		if !ok || !s.next(':') || !member(name) {
			return false
		}
	}
	return true
}

func (s *scanner) array(element func() bool) bool {
	if !s.next('[') {
		return false
	}
	for first := true; !s.next(']'); first = false {
		if !first && !s.next(',') || !element() {
			return false
		}
	}
	return true
}

// str reads a string of printable ASCII without escapes.
func (s *scanner) str() (string, bool) {
	if !s.next('"') {
		return "", false
	}
	for from := s.at; s.at < len(s.in); s.at++ {
		switch c := s.in[s.at]; {
		case c == '"':
			s.at++
			return s.in[from : s.at-1], true
		case c < ' ' || c > '~' || c == '\\':
			return "", false
		}
	}
	return "", false
}

// integer reads a whole number of at most fifteen digits.
func (s *scanner) integer() (n int64, ok bool) {
	negative := s.next('-')
	from := s.at
	for ; s.at < len(s.in) && s.in[s.at] >= '0' && s.in[s.at] <= '9'; s.at++ {
		n = n*10 + int64(s.in[s.at]-'0')
		if s.at-from == 15 {
			return 0, false
		}
	}
	if s.at == from || s.in[from] == '0' && (s.at > from+1 || negative) {
		return 0, false
	}
	if negative {
		n = -n
	}
	return n, true
}

func (s *scanner) boolean() (v, ok bool) {
	for _, word := range []string{"true", "false"} {
		if strings.HasPrefix(s.in[s.at:], word) {
			s.at += len(word)
			return word == "true", true
		}
	}
	return false, false
}

func (s *scanner) ids() ([]ID, bool) {
	all := []ID{}
	ok := s.array(func() bool {
		id, ok := hash[ID](s)
		all = append(all, id)
		return ok
	})
	return all, ok
}

func small(s *scanner) (int, bool) {
	n, ok := s.integer()
	return int(n), ok
}

// text reads a string that says something.
func text[T ~string](s *scanner) (T, bool) {
	v, ok := s.str()
	return T(v), ok && len(v) > 0
}

// hash reads 64 lower-case hexadecimal digits.
func hash[T ~[32]byte](s *scanner) (h T, ok bool) {
	end := s.at + 1 + 2*len(h)
	if !s.next('"') || end >= len(s.in) || s.in[end] != '"' {
		return h, false
	}
	digits := s.in[s.at:end]
	for i := range len(h) {
		high, low := digit(digits[2*i]), digit(digits[2*i+1])
		if high|low > 15 {
			return h, false
		}
		h[i] = high<<4 | low
	}
	s.at = end + 1
	return h, true
}

// digit is the value of a lower-case hexadecimal digit, 255 for what is none.
func digit(c byte) byte {
	switch {
	case c >= '0' && c <= '9':
		return c - '0'
	case c >= 'a' && c <= 'f':
		return c - 'a' + 10
	}
	return 255
}

// checked reads a string that parse takes.
func checked[T any](s *scanner, parse func(string) (T, error)) (v T, ok bool) {
	text, ok := s.str()
	if !ok {
		return v, false
	}
	v, err := parse(text)
	return v, err == nil
}

// fields are the names that an object has had so far.
type fields struct {
	names [24]string
	n     int
}

// once notes a name; false when it was there before, or there are more than are kept.
func (f *fields) once(name string) bool {
	if f.has(name) || f.n == len(f.names) {
		return false
	}
	f.names[f.n] = name
	f.n++
	return true
}

func (f *fields) has(name string) bool {
	for _, have := range f.names[:f.n] {
		if have == name {
			return true
		}
	}
	return false
}

func (f *fields) all(names []string) bool {
	for _, n := range names {
		if !f.has(n) {
			return false
		}
	}
	return true
}

// appendHead writes a head as json.Marshal does; false when one of its strings is not plain.
func appendHead(b []byte, h *Head) ([]byte, bool) {
	w := wire.Writer{Text: b}
	w.Text = append(w.Text, `{"v":1`...)
	w.String(`,"nonce":`, string(h.Nonce))
	w.String(`,"from":`, string(h.From))
	w.List(`,"to":`, len(h.To), func(i int) { w.Quoted(string(h.To[i])) })
	if !h.Thread.IsZero() {
		w.Hash(`,"thread":`, h.Thread)
	}
	if len(h.After) > 0 {
		w.List(`,"after":`, len(h.After), func(i int) { w.Hex(h.After[i]) })
	}
	w.String(`,"kind":`, string(h.Kind))
	if a := h.Agreement; a != nil {
		w.Hash(`,"agreement":{"id":`, a.ID)
		w.Hash(`,"digest":`, a.Digest)
		w.List(`,"at":`, len(a.At), func(i int) { w.Hex(a.At[i]) })
		w.Text = append(w.Text, '}')
	}
	w.String(`,"marking":{"tlp":`, string(h.Marking.TLP))
	w.Optional(`,"pap":`, string(h.Marking.PAP))
	if len(h.Marking.Handling) > 0 {
		w.List(`,"handling":`, len(h.Marking.Handling), func(i int) { w.Quoted(h.Marking.Handling[i]) })
	}
	w.Optional(`,"personal_data":`, string(h.Marking.PersonalData))
	w.Optional(`,"retain_until":`, h.Marking.RetainUntil)
	w.String(`},"track":`, string(h.Track))
	w.String(`,"precedence":`, string(h.Precedence))
	w.Text = strconv.AppendBool(append(w.Text, `,"exercise":`...), h.Exercise)
	w.String(`,"time":`, h.Time.String())
	w.String(`,"by":{"role":`, h.By.Role)
	w.Optional(`,"officer":`, h.By.Officer)
	w.Text = append(append(w.Text, `},"facts":`...), h.Facts...)
	if r := h.Body; r != nil {
		w.Hash(`,"body":{"sha256":`, r.SHA256)
		w.Text = strconv.AppendInt(append(w.Text, `,"size":`...), r.Size, 10)
		w.Text = strconv.AppendInt(append(w.Text, `,"blobs":`...), int64(r.Blobs), 10)
		w.Text = append(strconv.AppendInt(append(w.Text, `,"blob_bytes":`...), r.BlobBytes, 10), '}')
	}
	return append(w.Text, '}'), !w.NotPlain
}

// appendBody writes a body as json.Marshal does; false when it has more than scanBody takes.
func appendBody(b []byte, d *Body) ([]byte, bool) {
	w := wire.Writer{Text: append(b, '{'), NotPlain: len(d.Blobs) > 0 || len(d.Rest) > 0}
	w.String(`"nonce":`, string(d.Nonce))
	w.Optional(`,"title":`, d.Title)
	w.Optional(`,"text":`, d.Text)
	return append(w.Text, '}'), !w.NotPlain
}
