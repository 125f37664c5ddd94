package spec

import _ "embed"

// Charter is charter.cedar.
//
//go:embed charter.cedar
var Charter string

// Schema is schema.cedarschema, without the actions: those come from the kinds.
//
//go:embed schema.cedarschema
var Schema string
