package httpapi

import (
	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/comity-exchange/comity/fault"
	"github.com/comity-exchange/comity/internal/form"
	"github.com/comity-exchange/comity/thread"
)

// factsSchema is the JSON Schema of a kind's facts.
func factsSchema(spec thread.KindSpec) (jsontext.Value, error) {
	raw, err := json.Marshal(form.Schema(spec))
	if err != nil {
		return nil, fault.Wrap(err, fault.Internal, "", "a schema cannot be written")
	}
	return raw, nil
}
