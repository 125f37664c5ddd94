// Package spec carries the two texts of this folder that programs execute: the charter (CHR-1) and the vocabulary of every
// policy (DEC-3). The clauses beside them are for people.
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
