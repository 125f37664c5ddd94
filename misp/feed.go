package misp

import (
	"bytes"
	"crypto/md5"
	"encoding/hex"
	"errors"
	"io"
	"iter"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/comity-exchange/comity/fault"
	"github.com/comity-exchange/comity/stix"
)

// Manifest is what a feed says of its events: manifest.json, beside a file UUID.json for each.
type Manifest map[UUID]Entry

// Entry is what a manifest says of one event.
type Entry struct {
	Orgc        *Org           `json:"Orgc,omitzero"`
	Tags        []Tag          `json:"Tag,omitempty"`
	Info        string         `json:"info"`
	Date        string         `json:"date,omitzero"`
	Analysis    Word           `json:"analysis,omitzero"`
	ThreatLevel Word           `json:"threat_level_id,omitzero"`
	Timestamp   Seconds        `json:"timestamp"`
	Rest        jsontext.Value `json:",embed"`
}

// The bounds of a manifest.
const (
	MaxManifestBytes  = 64 << 20
	MaxManifestEvents = 1 << 18
)

// ParseManifest reads manifest.json. What it lists under a name that is no UUID, or cannot be read, is refused, each with its place and why, and costs the others nothing: a name is
// never more than a UUID. Errors: fault.Malformed, fault.TooLarge.
func ParseManifest(b []byte) (m Manifest, refused []stix.Item, err error) {
	if len(b) > MaxManifestBytes {
		return nil, nil, fault.New(fault.TooLarge, "", "a manifest has at most %d bytes", MaxManifestBytes)
	}
	if err := shallow(b, maxDepth); err != nil {
		return nil, nil, err
	}
	if bytes.Equal(bytes.TrimSpace(b), []byte("[]")) { // an empty feed, as some programs write it
		return Manifest{}, nil, nil
	}
	in := jsontext.NewDecoder(bytes.NewReader(b))
	if begin, err := in.ReadToken(); err != nil || begin.Kind() != '{' {
		return nil, nil, why(err, "the manifest cannot be read")
	}
	m = Manifest{}
	for i := 0; in.PeekKind() == '"'; i++ {
		if i == MaxManifestEvents {
			return nil, nil, fault.New(fault.TooLarge, "", "a manifest has at most %d events", MaxManifestEvents)
		}
		name, err := in.ReadToken()
		if err != nil {
			return nil, nil, why(err, "the manifest cannot be read")
		}
		u := UUID(name.String())
		v, err := in.ReadValue()
		if err != nil {
			return nil, nil, why(err, "the manifest cannot be read")
		}
		var e Entry
		if !u.Valid() {
			err = malformed("the manifest's event %d has a name that is no UUID", i+1)
		} else if failed := json.Unmarshal(v, &e); failed != nil || v.Kind() != '{' {
			err = malformed("what the manifest says of its event %d cannot be read", i+1)
		}
		if err != nil {
			refused = append(refused, stix.Item{Index: i, Err: err})
			continue
		}
		m[u] = e
	}
	for _, end := range []error{nil, io.EOF} {
		if _, err := in.ReadToken(); !errors.Is(err, end) {
			return nil, nil, why(err, "the manifest cannot be read")
		}
	}
	return m, refused, nil
}

// Entry is what a manifest says of e.
func (e *Event) Entry() Entry {
	return Entry{Orgc: e.Orgc, Tags: e.Tags, Info: e.Info, Date: e.Date, Analysis: e.Analysis, ThreatLevel: e.ThreatLevel, Timestamp: e.Timestamp}
}

// Hashes gives what hashes.csv has of the attributes of e, those in objects too, without deleted ones: the MD5 of a value, in
// hexadecimal digits, and of each part of a value that has two. One can occur more than once.
func (e *Event) Hashes() iter.Seq[string] {
	return func(yield func(string) bool) {
		for a := range e.All() {
			if a.Deleted {
				continue
			}
			parts := []string{string(a.Value)}
			if strings.Contains(a.Type, "|") || a.Type == "malware-sample" {
				parts = strings.SplitN(string(a.Value), "|", 2)
			}
			for _, p := range parts {
				sum := md5.Sum([]byte(p))
				if !yield(hex.EncodeToString(sum[:])) {
					return
				}
			}
		}
	}
}

// All gives the attributes of the event, then those of its objects.
func (e *Event) All() iter.Seq[*Attribute] {
	return func(yield func(*Attribute) bool) {
		for i := range e.Attributes {
			if !yield(&e.Attributes[i]) {
				return
			}
		}
		for i := range e.Objects {
			for j := range e.Objects[i].Attributes {
				if !yield(&e.Objects[i].Attributes[j]) {
					return
				}
			}
		}
	}
}
