package statement

import (
	"bytes"
	"strings"
	"unicode"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/comity-exchange/comity/fault"
	"github.com/comity-exchange/comity/wire"
)

// Blob names an attachment. Size in bytes.
type Blob struct {
	Name   string `json:"name"`
	Type   string `json:"type"`
	Size   int64  `json:"size"`
	SHA256 Digest `json:"sha256"`
}

// Body is a parsed body. Rest holds the members that the kind defines.
type Body struct {
	Nonce Nonce  `json:"nonce"`
	Title string `json:"title,omitzero"`
	Text  string `json:"text,omitzero"`
	Blobs []Blob `json:"blobs,omitempty"`

	Rest map[string]jsontext.Value `json:",embed"`

	Raw []byte `json:"-"` // the bytes as written, without line feed
}

// ParseBody reads and checks one body by itself; Matches holds it against its head.
func ParseBody(raw []byte) (*Body, error) {
	// spec: STM-3
	if len(raw) > MaxBody {
		return nil, fault.New(fault.TooLarge, "STM-3", "a body has at most %d bytes", MaxBody)
	}
	if b := (&Body{}); scanBody(raw, b) {
		b.Raw = bytes.Clone(raw)
		return b, nil
	}
	return decodeBody(raw)
}

// decodeBody is ParseBody for every form that a body may have: it says what is wrong with one.
func decodeBody(raw []byte) (*Body, error) {
	if err := CheckJSON(raw, MaxBody); err != nil {
		return nil, err
	}
	b := &Body{Raw: bytes.Clone(raw)}
	if err := wire.Decode(b.Raw, b, "STM-3", "the body has a member of the wrong form"); err != nil {
		return nil, err
	}
	if b.Nonce == "" {
		return nil, fault.New(fault.Malformed, "STM-3", "the body lacks its nonce")
	}
	if len(b.Blobs) > MaxBlobs {
		return nil, fault.New(fault.Malformed, "STM-3", "at most %d blobs", MaxBlobs)
	}
	for _, blob := range b.Blobs {
		switch {
		case !isFileName(blob.Name):
			return nil, fault.New(fault.Malformed, "STM-3", "a blob's name has 1 to 255 bytes without control characters or path separators")
		case !mediaTypePattern.MatchString(blob.Type):
			return nil, fault.New(fault.Malformed, "STM-3", "a blob's type is no media type")
		case blob.SHA256.IsZero():
			return nil, fault.New(fault.Malformed, "STM-3", "a blob lacks its digest")
		case blob.Size < 0 || blob.Size > 1<<50:
			return nil, fault.New(fault.Malformed, "STM-3", "a blob's size is out of bounds")
		}
	}
	return b, nil
}

func isFileName(s string) bool {
	return s != "" && len(s) <= 255 && s != "." && s != ".." && !strings.ContainsAny(s, `/\`) &&
		strings.IndexFunc(s, func(r rune) bool { return unicode.IsControl(r) || unicode.Is(unicode.Cf, r) }) < 0
}

// ComposeBody writes a body's bytes once and parses them back. Raw of the draft is ignored.
func ComposeBody(draft Body) (*Body, error) {
	if raw, plain := appendBody(nil, &draft); plain {
		if b := (&Body{}); len(raw) <= MaxBody && scanBody(raw, b) {
			b.Raw = raw
			return b, nil
		}
	}
	raw, err := json.Marshal(draft, json.Deterministic(true))
	if err != nil {
		return nil, fault.Wrap(err, fault.Internal, "", "the body could not be written")
	}
	return ParseBody(raw)
}

// Ref is what a head says of this body.
func (b *Body) Ref() BodyRef {
	r := BodyRef{SHA256: Sum(b.Raw), Size: int64(len(b.Raw)), Blobs: len(b.Blobs)}
	for _, blob := range b.Blobs {
		r.BlobBytes += blob.Size
	}
	return r
}

// Matches holds the body against its head: digest, size, blobs. Error: fault.NotAuthentic, STM-3.
func (b *Body) Matches(h *Head) error {
	// spec: STM-3
	if h.Body == nil || *h.Body != b.Ref() {
		return fault.New(fault.NotAuthentic, "STM-3", "the body is not the one that the head names")
	}
	return nil
}
