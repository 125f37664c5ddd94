package misp

import (
	"bytes"

	"github.com/go-json-experiment/json/jsontext"
)

// Sniff tells whether a text that begins with begin has events of MISP, as against objects of STIX or anything else. Some kilobytes are enough.
func Sniff(begin []byte) bool {
	dec := jsontext.NewDecoder(bytes.NewReader(bytes.TrimPrefix(begin, []byte("\ufeff"))))
	for range 4 { // brackets around an event
		switch dec.PeekKind() {
		case '[':
			if _, err := dec.ReadToken(); err != nil {
				return false
			}
			continue
		case '{':
		default:
			return false
		}
		break
	}
	if _, err := dec.ReadToken(); err != nil {
		return false
	}
	for dec.PeekKind() == '"' {
		name, err := dec.ReadToken()
		if err != nil {
			return false
		}
		switch name.String() {
		case "Event", "response", "Attribute", "Orgc", "info", "threat_level_id", "orgc_id", "extends_uuid":
			return true
		case "type", "objects", "spec_version", "more":
			return false
		}
		if dec.SkipValue() != nil {
			return false
		}
	}
	return false
}
