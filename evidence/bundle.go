package evidence

import (
	"bytes"

	"github.com/go-json-experiment/json"
	"github.com/transparency-dev/formats/proof"

	"github.com/comity-exchange/comity/fault"
	"github.com/comity-exchange/comity/translog"
	"github.com/comity-exchange/comity/wire"
)

// Bounds of EVD-1 and EVD-2.
const (
	MaxBytes   = 64 << 20
	MaxItems   = 4096
	MaxLetters = 256
	MaxSteps   = 64 // of consistency, an item
)

// Bundle is what one file of evidence holds. Letters are whole letters, given for convenience (EVD-6).
type Bundle struct {
	Items   []Item
	Letters [][]byte
}

// Item is one statement and its proof. Head and Body are lines as written, without line feed; Body is empty when it is withheld or the
// head has none. Cosigned is a note, empty when there is none; Consistency leads from the proof's checkpoint to it.
type Item struct {
	Head, Body  []byte
	Proof       Proof
	Consistency []Step
	Cosigned    []byte
}

// Proof leads from the head's leaf to a checkpoint's root.
type Proof struct {
	Index      int64
	Path       []translog.Hash
	Checkpoint []byte // note
}

// Step is one consistency proof between two sizes of a log.
type Step struct {
	From, To int64
	Hashes   []translog.Hash
}

// bundleJSON and those below are the file's form.
type bundleJSON struct {
	V       int        `json:"v"`
	Items   []itemJSON `json:"items"`
	Letters []string   `json:"letters"`
}

type itemJSON struct {
	Head        string     `json:"head"`
	Body        string     `json:"body,omitzero"`
	Proof       string     `json:"proof"`
	Consistency []stepJSON `json:"consistency,omitempty"`
	Cosigned    string     `json:"cosigned,omitzero"`
}

type stepJSON struct {
	From   int64    `json:"from"`
	To     int64    `json:"to"`
	Hashes []string `json:"hashes"`
}

// Parse reads a file of evidence. It checks form and bounds alone: what is in it may still prove nothing. Errors: fault.Malformed,
// fault.TooLarge.
func Parse(raw []byte) (*Bundle, error) {
	// spec: EVD-1
	raw = bytes.TrimSuffix(raw, []byte("\n"))
	if len(raw) > MaxBytes {
		return nil, fault.New(fault.TooLarge, "EVD-1", "evidence has at most %d bytes", MaxBytes)
	}
	if err := wire.CheckJSON(raw, MaxBytes); err != nil {
		return nil, err
	}
	var f bundleJSON
	if err := wire.Decode(raw, &f, "EVD-1", "the evidence has a member of the wrong form"); err != nil {
		return nil, err
	}
	switch {
	case f.V != 1 || f.Items == nil || f.Letters == nil:
		return nil, fault.New(fault.Malformed, "EVD-1", "evidence has version 1, items and letters")
	case len(f.Items) > MaxItems || len(f.Letters) > MaxLetters:
		return nil, fault.New(fault.TooLarge, "EVD-1", "evidence has at most %d items and %d letters", MaxItems, MaxLetters)
	}
	b := &Bundle{}
	for _, i := range f.Items {
		item, err := i.parse()
		if err != nil {
			return nil, err
		}
		b.Items = append(b.Items, item)
	}
	for _, l := range f.Letters {
		b.Letters = append(b.Letters, []byte(l))
	}
	return b, nil
}

func (i itemJSON) parse() (Item, error) {
	// spec: EVD-2
	switch {
	case i.Head == "" || i.Proof == "":
		return Item{}, fault.New(fault.Malformed, "EVD-2", "an item has a head and a proof")
	case len(i.Consistency) > 0 && i.Cosigned == "":
		return Item{}, fault.New(fault.Malformed, "EVD-2", "steps of consistency lead to a cosigned checkpoint")
	case len(i.Consistency) > MaxSteps:
		return Item{}, fault.New(fault.TooLarge, "EVD-2", "at most %d steps of consistency", MaxSteps)
	}
	p, err := ParseProof([]byte(i.Proof))
	if err != nil {
		return Item{}, err
	}
	item := Item{Head: []byte(i.Head), Proof: p}
	if i.Body != "" {
		item.Body = []byte(i.Body)
	}
	if i.Cosigned != "" {
		item.Cosigned = []byte(i.Cosigned)
	}
	for _, s := range i.Consistency {
		step := Step{From: s.From, To: s.To}
		if len(s.Hashes) > translog.MaxConsistency {
			return Item{}, fault.New(fault.TooLarge, "LOG-13", "a consistency proof has at most %d hashes", translog.MaxConsistency)
		}
		for _, h := range s.Hashes {
			hash, err := translog.ParseHash(h)
			if err != nil {
				return Item{}, err
			}
			step.Hashes = append(step.Hashes, hash)
		}
		item.Consistency = append(item.Consistency, step)
	}
	return item, nil
}

// ParseProof reads a C2SP tlog-proof without extra data, in its one spelling.
func ParseProof(text []byte) (Proof, error) {
	// spec: EVD-2
	var p proof.TLogProof
	if err := p.Unmarshal(text); err != nil {
		return Proof{}, fault.Wrap(err, fault.Malformed, "EVD-2", "the proof is no C2SP tlog-proof")
	}
	if p.ExtraData != nil || p.Index >= translog.MaxSize || !bytes.Equal(p.Marshal(), text) {
		return Proof{}, fault.New(fault.Malformed, "EVD-2", "the proof is not an index, a path and a checkpoint")
	}
	if len(p.Hashes) > translog.MaxPath {
		return Proof{}, fault.New(fault.TooLarge, "LOG-13", "a path has at most %d hashes", translog.MaxPath)
	}
	out := Proof{Index: int64(p.Index), Checkpoint: p.Checkpoint}
	for _, h := range p.Hashes {
		out.Path = append(out.Path, h)
	}
	return out, nil
}

// Text writes the proof as C2SP tlog-proof has it, for other programs.
func (p Proof) Text() []byte {
	t := proof.TLogProof{Index: uint64(p.Index), Checkpoint: p.Checkpoint}
	for _, h := range p.Path {
		t.Hashes = append(t.Hashes, h)
	}
	return t.Marshal()
}

// Marshal writes the file, with a line feed, and reads it back, so that what leaves has the form that a verifier accepts.
func (b *Bundle) Marshal() ([]byte, error) {
	f := bundleJSON{V: 1, Items: []itemJSON{}, Letters: []string{}}
	for _, i := range b.Items {
		item := itemJSON{Head: string(i.Head), Body: string(i.Body), Proof: string(i.Proof.Text()), Cosigned: string(i.Cosigned)}
		for _, s := range i.Consistency {
			step := stepJSON{From: s.From, To: s.To, Hashes: []string{}}
			for _, h := range s.Hashes {
				step.Hashes = append(step.Hashes, h.String())
			}
			item.Consistency = append(item.Consistency, step)
		}
		f.Items = append(f.Items, item)
	}
	for _, l := range b.Letters {
		f.Letters = append(f.Letters, string(l))
	}
	raw, err := json.Marshal(f, json.Deterministic(true))
	if err != nil {
		return nil, fault.Wrap(err, fault.Malformed, "EVD-1", "the evidence could not be written")
	}
	if _, err := Parse(raw); err != nil {
		return nil, err
	}
	return append(raw, '\n'), nil
}
