// Package wire holds the byte forms that every other package reads: compact JSON, digests, times, identifiers.
//
// It knows forms and no meanings: what a member is for is the business of the package that decodes it. Invariant: each form has
// exactly one spelling, so two nodes never differ on whether some bytes are allowed. Clauses: ENC-1, ENC-2, ENC-4, ENC-5, ENC-9.
//
// Start with CheckJSON.
package wire
