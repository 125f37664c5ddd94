package catalogue

import (
	"strings"

	"github.com/go-json-experiment/json"

	"github.com/comity-exchange/comity/misp"
	"github.com/comity-exchange/comity/stix"
)

// maxExtensionValue bounds the values in an extension that an object is found by, in bytes: what is longer is a text.
const maxExtensionValue = 1024

// mispValues are the values of the attributes of MISP's that an object came from: STIX has no place for some.
func mispValues(o *stix.Object) (values []string) {
	all, ok := o.Property("extensions")
	if !ok || !strings.Contains(all, misp.Extension) {
		return nil
	}
	type attribute struct {
		Type  string    `json:"type"`
		Value misp.Word `json:"value"`
	}
	var kept struct {
		Attribute attribute `json:"attribute"`
		Object    struct {
			Attributes []attribute `json:"Attribute"`
		} `json:"object"`
	}
	text, ok := o.Select("extensions." + misp.Extension)
	if !ok || json.Unmarshal([]byte(text), &kept) != nil {
		return nil
	}
	for _, a := range append(kept.Object.Attributes, kept.Attribute) {
		if v := string(a.Value); v != "" && len(v) <= maxExtensionValue {
			values = append(values, v)
			if first, second, two := strings.Cut(v, "|"); two && (strings.Contains(a.Type, "|") || a.Type == "malware-sample") {
				values = append(values, first, second)
			}
		}
	}
	return values
}
