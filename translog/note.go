package translog

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/mod/sumdb/note"

	"github.com/comity-exchange/comity/fault"
	"github.com/comity-exchange/comity/party"
)

// Bounds of a signed note.
const (
	MaxNote           = 64 << 10 // bytes
	MaxSignatureLines = 64
)

// signature is a signature line: the key's name and four bytes of id, and behind the id what the key made.
type signature struct {
	name string
	raw  []byte // id ‖ signature
}

func (s signature) id() uint32 { return binary.BigEndian.Uint32(s.raw) }

// made is the signature itself, with its timestamp where the type has one.
func (s signature) made() []byte { return s.raw[4:] }

func (s signature) by(v note.Verifier) bool { return s.name == v.Name() && s.id() == v.KeyHash() }

func (s signature) append(b []byte) []byte {
	b = append(b, signatureMark...)
	b = append(b, s.name...)
	b = append(b, ' ')
	b = base64.StdEncoding.AppendEncode(b, s.raw)
	return append(b, '\n')
}

const signatureMark = "\u2014 "

// openNote takes a checkpoint's note apart. It verifies nothing.
func openNote(b []byte) (Tree, []signature, error) {
	bad := func(msg string) (Tree, []signature, error) {
		return Tree{}, nil, fault.New(fault.Malformed, "LOG-3", "%s", msg)
	}
	if len(b) > MaxNote {
		return Tree{}, nil, fault.New(fault.TooLarge, "LOG-3", "a checkpoint has at most %d bytes", MaxNote)
	}
	// spec: LOG-3
	text, lines, ok := bytes.Cut(b, []byte("\n\n"))
	if !ok || !utf8.Valid(b) {
		return bad("a checkpoint is a text, an empty line and signatures")
	}
	t, err := parseText(string(text))
	if err != nil {
		return Tree{}, nil, err
	}
	var sigs []signature
	for len(lines) > 0 {
		line, rest, ok := bytes.Cut(lines, []byte("\n"))
		s, good := parseSignature(string(line))
		if !ok || !good {
			return bad("a signature line is malformed")
		}
		if sigs = append(sigs, s); len(sigs) > MaxSignatureLines {
			return Tree{}, nil, fault.New(fault.TooLarge, "LOG-5", "a checkpoint has at most %d signature lines", MaxSignatureLines)
		}
		lines = rest
	}
	return t, sigs, nil
}

// parseText reads the three lines of a checkpoint, the last without its line feed.
func parseText(s string) (t Tree, err error) {
	// spec: LOG-3
	lines := strings.Split(s, "\n")
	if len(lines) != 3 {
		return t, fault.New(fault.Malformed, "LOG-3", "a checkpoint has an origin, a size and a root, a line each")
	}
	if t.Origin, err = party.ParseOrigin(lines[0]); err != nil {
		return t, err
	}
	if t.Size, err = parseSize(lines[1]); err != nil {
		return t, err
	}
	if t.Root, err = ParseHash(lines[2]); err != nil {
		return t, err
	}
	return t, t.check()
}

func parseSignature(line string) (signature, bool) {
	rest, ok := strings.CutPrefix(line, signatureMark)
	name, b64, _ := strings.Cut(rest, " ")
	raw, err := base64.StdEncoding.Strict().DecodeString(b64)
	s := signature{name, raw}
	return s, ok && err == nil && len(raw) > 4 && isKeyName(name) && len(b64) == base64.StdEncoding.EncodedLen(len(raw))
}

// isKeyName tells what a signed note allows as a key's name.
func isKeyName(s string) bool {
	return s != "" && !strings.Contains(s, "+") && strings.IndexFunc(s, func(r rune) bool { return unicode.IsSpace(r) || unicode.IsControl(r) }) < 0
}

// PeekOrigin tells whose checkpoint a note claims to be, so that the keys to open it with can be found. It verifies nothing.
func PeekOrigin(b []byte) (party.Origin, error) {
	t, _, err := openNote(b)
	return t.Origin, err
}
