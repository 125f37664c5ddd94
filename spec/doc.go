// Package spec carries the two texts of this folder that programs execute: the charter (CHR-1) and the vocabulary of every
// policy (DEC-3). The clauses beside them are for people. Start with README.md.
package spec
