package statement

import (
	"bytes"
	"cmp"
	"errors"
	"io"
	"slices"
	"strconv"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/comity-exchange/comity/fault"
	"github.com/comity-exchange/comity/marking"
	"github.com/comity-exchange/comity/party"
	"github.com/comity-exchange/comity/wire"
)

// Bounds of STM-1 to STM-4, in bytes and counts.
const (
	MaxHead     = 16 << 10
	MaxBody     = 1 << 20
	MaxFacts    = 12 << 10
	MaxTo       = 255
	MaxAfter    = 16
	MaxBlobs    = 256
	MaxMakingAt = 64
)

// Track is the channel that was chosen, itself a message.
type Track string

// The tracks.
const (
	Technical  Track = "technical"
	Diplomatic Track = "diplomatic"
	Leadership Track = "leadership"
)

// Precedence says how fast a statement is to be handled, fastest first.
type Precedence string

// The precedences.
const (
	Flash     Precedence = "flash"
	Immediate Precedence = "immediate"
	Priority  Precedence = "priority"
	Routine   Precedence = "routine"
)

// Precedences lists them, fastest first. Its order is the order in which heads travel (PKT-2).
func Precedences() []Precedence { return []Precedence{Flash, Immediate, Priority, Routine} }

// Rank is 0 for flash … 3 for routine, −1 for none of them.
func (p Precedence) Rank() int { return slices.Index(Precedences(), p) }

// AgreementRef says under what a head is said (DEC-2).
type AgreementRef struct {
	ID     ID     `json:"id"`
	Digest Digest `json:"digest"`
	At     []ID   `json:"at"`
}

// By says in what role somebody spoke. Officer is a pseudonym that only the author's party can resolve; "" when the node speaks.
type By struct {
	Role    string `json:"role"`
	Officer string `json:"officer,omitzero"`
}

// BodyRef commits a head to its body (STM-3). Sizes in bytes.
type BodyRef struct {
	SHA256    Digest `json:"sha256"`
	Size      int64  `json:"size"`
	Blobs     int    `json:"blobs"`
	BlobBytes int64  `json:"blob_bytes"`
}

// Head is a parsed head. It is not changed after ParseHead or Compose made it.
type Head struct {
	V          int             `json:"v"`
	Nonce      Nonce           `json:"nonce"`
	From       party.Code      `json:"from"`
	To         []party.Code    `json:"to"`
	Thread     ID              `json:"thread,omitzero"` // zero in an opener
	After      []ID            `json:"after,omitempty"`
	Kind       Kind            `json:"kind"`
	Agreement  *AgreementRef   `json:"agreement,omitempty"`
	Marking    marking.Marking `json:"marking"`
	Track      Track           `json:"track"`
	Precedence Precedence      `json:"precedence"`
	Exercise   bool            `json:"exercise"`
	Time       Time            `json:"time"`
	By         By              `json:"by"`
	Facts      jsontext.Value  `json:"facts"`
	Body       *BodyRef        `json:"body,omitempty"`

	Raw   []byte `json:"-"` // the bytes as written, without line feed
	ID    ID     `json:"-"` // SHA-256 of Raw
	Place Place  `json:"-"` // where it was proven to stand; whoever proved it sets it, once
}

// Place is a leaf of a log. The zero Place is that of a head of which it is not known yet.
type Place struct {
	Origin party.Origin
	Index  int64
}

// Compare orders two places in the logs of one party: by the log's serial, then by leaf.
func (p Place) Compare(o Place) int {
	return cmp.Or(cmp.Compare(p.Origin.Serial(), o.Origin.Serial()), cmp.Compare(p.Index, o.Index))
}

// required are the members that each object of a head has, whatever their values (STM-1). The key is the member that holds the
// object, "" for the head itself.
var required = map[string][]string{
	"":          {"v", "nonce", "from", "to", "kind", "marking", "track", "precedence", "exercise", "time", "by", "facts"},
	"agreement": {"id", "digest", "at"},
	"marking":   {"tlp"},
	"by":        {"role"},
	"body":      {"sha256", "size", "blobs", "blob_bytes"},
}

// ParseHead reads and checks one head. Errors: fault.Malformed or fault.TooLarge with the clause.
func ParseHead(raw []byte) (*Head, error) {
	// spec: STM-1
	if len(raw) > MaxHead {
		return nil, fault.New(fault.TooLarge, "STM-1", "a head has at most %d bytes", MaxHead)
	}
	raw = slices.Clone(raw)
	if h, ok := plainHead(raw); ok {
		return h, nil
	}
	return decodeHead(raw)
}

// plainHead is ParseHead for heads in the plain form (scan.go), which all are that nodes of ours write.
func plainHead(raw []byte) (*Head, bool) {
	h := &Head{}
	if len(raw) > MaxHead || !scanHead(raw, h) || h.checkPlain() != nil {
		return nil, false
	}
	h.Raw, h.ID = raw, IDOf(raw)
	return h, true
}

// Reread parses a head that was parsed before it was stored, under the id that it had then; raw becomes the head's. It checks less, and hashes nothing.
func Reread(id ID, raw []byte) (*Head, error) {
	h := &Head{Raw: raw, ID: id}
	if scanHead(raw, h) {
		return h, nil
	}
	return ParseHead(raw)
}

// decodeHead is ParseHead for every form that a head may have: it says what is wrong with one.
func decodeHead(raw []byte) (*Head, error) {
	if err := CheckJSON(raw, MaxHead); err != nil {
		return nil, err
	}
	h := &Head{Raw: raw, ID: IDOf(raw)}
	if err := wire.Decode(h.Raw, h, "STM-1", "the head has a member of the wrong form"); err != nil {
		return nil, err
	}
	if err := checkMembers(h); err != nil {
		return nil, err
	}
	if err := h.checkPlain(); err != nil {
		return nil, err
	}
	if err := CheckFacts(h.Facts); err != nil {
		return nil, err
	}
	return h, nil
}

// checkMembers refuses what decoding cannot tell from an absent member: one that is lacking, empty or zero where it has to say
// something. Two heads that differ in bytes alone would otherwise be two statements with one meaning.
func checkMembers(h *Head) error {
	// spec: STM-1, STM-5
	dec := jsontext.NewDecoder(bytes.NewReader(h.Raw))
	seen := map[string]bool{}
	parent, name := "", ""
	for {
		if dec.StackDepth() == 1 && name == "facts" { // the kind decides on these
			if err := dec.SkipValue(); err != nil {
				return fault.Wrap(err, fault.Malformed, "ENC-2", "not valid JSON")
			}
			name = ""
			continue
		}
		tok, err := dec.ReadToken()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return fault.Wrap(err, fault.Malformed, "ENC-2", "not valid JSON")
		}
		depth := dec.StackDepth()
		kind, length := dec.StackIndex(depth)
		switch {
		case kind == '{' && length%2 == 1: // a member's name was read
			name = tok.String()
			if depth == 1 {
				parent = ""
			}
			seen[parent+"."+name] = true
		case tok.Kind() == '{':
			parent = name
		case tok.Kind() == '"' && tok.String() == "":
			return fault.New(fault.Malformed, "STM-1", "a member of the head is empty: what is absent is left out")
		}
	}
	for parent, names := range required {
		for _, n := range names {
			if (parent == "" || seen["."+parent]) && !seen[parent+"."+n] {
				return fault.New(fault.Malformed, "STM-1", "the head lacks %q", strings.TrimPrefix(parent+"."+n, "."))
			}
		}
	}
	if seen[".thread"] && h.Thread.IsZero() || seen[".after"] && len(h.After) == 0 {
		return fault.New(fault.Malformed, "STM-1", "an opener has neither thread nor after: they are absent")
	}
	return nil
}

// checkPlain holds what the types do not: bounds and relations between members. Facts are for CheckFacts.
func (h *Head) checkPlain() error {
	bad := func(clause, format string, args ...any) error {
		return fault.New(fault.Malformed, clause, format, args...)
	}
	switch {
	case h.V != 1:
		return bad("STM-1", "the head's version is not 1")
	case len(h.To) > MaxTo:
		return bad("STM-1", "at most %d recipients", MaxTo)
	case slices.Contains(h.To, h.From):
		return bad("STM-1", "the author is among the recipients")
	case repeated(h.To):
		return bad("STM-1", "a recipient is named twice")
	case len(h.After) > MaxAfter || repeated(h.After):
		return bad("STM-1", "after has at most %d distinct ids", MaxAfter)
	case h.Thread.IsZero() && len(h.After) > 0:
		return bad("STM-1", "an opener has no after")
	case !h.Thread.IsZero() && len(h.After) == 0:
		return bad("STM-1", "a head of a thread names what it comes after")
	case h.Track != Technical && h.Track != Diplomatic && h.Track != Leadership:
		return bad("STM-1", "the track is technical, diplomatic or leadership")
	case h.Precedence.Rank() < 0:
		return bad("STM-1", "the precedence is flash, immediate, priority or routine")
	case h.Time.IsZero():
		return bad("ENC-5", "the head has no time")
	case !IsIdentifier(h.By.Role):
		return bad("STM-1", "the role is no identifier")
	case h.By.Officer != "" && !isPseudonym(h.By.Officer):
		return bad("STM-1", "the officer is 16 to 64 hexadecimal digits")
	case h.Agreement != nil && (len(h.Agreement.At) > MaxMakingAt || repeated(h.Agreement.At)):
		return bad("STM-1", "the agreement is relied on at no more than %d distinct heads", MaxMakingAt)
	}
	if err := h.Marking.Check(); err != nil {
		return err
	}
	for _, c := range h.Marking.Handling {
		if !IsIdentifier(c) {
			return bad("STM-5", "a handling code is no identifier")
		}
	}
	if r := h.Marking.RetainUntil; r != "" {
		if _, err := ParseTime(r); err != nil {
			return bad("STM-5", "retain_until is no time of the protocol")
		}
	}
	if b := h.Body; b != nil && (b.Size < 2 || b.Size > MaxBody || b.Blobs < 0 || b.Blobs > MaxBlobs || b.BlobBytes < 0 || b.BlobBytes > 1<<50) {
		return bad("STM-3", "the body's size or its count of blobs is out of bounds")
	}
	return nil
}

func isPseudonym(s string) bool { return len(s) >= 16 && len(s) <= 64 && wire.IsHex(s) }

func repeated[T comparable](s []T) bool {
	for i, v := range s {
		if slices.Contains(s[:i], v) {
			return true
		}
	}
	return false
}

// CheckFacts holds facts against STM-4: an object, bounded, and without free text.
func CheckFacts(facts jsontext.Value) error {
	// spec: STM-4
	if len(facts) > MaxFacts {
		return fault.New(fault.TooLarge, "STM-4", "facts have at most %d bytes", MaxFacts)
	}
	if facts.Kind() != '{' {
		return fault.New(fault.Malformed, "STM-4", "facts are an object")
	}
	dec := jsontext.NewDecoder(bytes.NewReader(facts))
	for {
		tok, err := dec.ReadToken()
		if err != nil {
			if errors.Is(err, io.EOF) {
				return nil
			}
			return fault.Wrap(err, fault.Malformed, "STM-4", "facts are not valid JSON")
		}
		if dec.StackDepth() > 16 {
			return fault.New(fault.Malformed, "STM-4", "facts are nested too deeply")
		}
		switch tok.Kind() {
		case '"':
			if s := tok.String(); s != "" && !IsIdentifier(s) {
				return fault.New(fault.Malformed, "STM-4", "a string in facts is no identifier: free text belongs in the body")
			}
		case '0':
			// spec: ENC-2
			if n, err := strconv.ParseInt(tok.String(), 10, 64); err != nil || n > 1<<53-1 || n < -(1<<53-1) {
				return fault.New(fault.Malformed, "ENC-2", "a number in facts is no integer in the safe range")
			}
		}
	}
}

// DecodeFacts reads a head's facts into the type of its kind; a member that the type does not have is refused.
func DecodeFacts[T any](h *Head) (T, error) {
	var v T
	if err := json.Unmarshal(h.Facts, &v, json.RejectUnknownMembers(true)); err != nil {
		return v, wire.DecodeFault(err, "THR-6", "the facts do not fit the kind")
	}
	return v, nil
}

// Compose writes a head's bytes once and parses them back, so that what is sent has passed what a receiver checks. Raw and ID of the draft are ignored.
func Compose(draft Head) (*Head, error) {
	draft.V = 1
	if draft.To == nil {
		draft.To = []party.Code{}
	}
	if draft.Facts == nil {
		draft.Facts = jsontext.Value("{}")
	}
	if draft.Agreement != nil && draft.Agreement.At == nil {
		a := *draft.Agreement
		a.At = []ID{}
		draft.Agreement = &a
	}
	if raw, plain := appendHead(make([]byte, 0, 1024), &draft); plain {
		if h, ok := plainHead(raw); ok {
			return h, nil
		}
	}
	raw, err := json.Marshal(draft, json.Deterministic(true))
	if err != nil {
		return nil, fault.Wrap(err, fault.Internal, "", "the head could not be written")
	}
	return ParseHead(raw)
}

// ThreadID is the thread that the head belongs to: its own id when it opens one.
func (h *Head) ThreadID() ID {
	if h.Thread.IsZero() {
		return h.ID
	}
	return h.Thread
}

// IsOpener tells whether the head opens a thread.
func (h *Head) IsOpener() bool { return h.Thread.IsZero() }

// IsFor tells whether code is among the recipients.
func (h *Head) IsFor(code party.Code) bool { return slices.Contains(h.To, code) }
