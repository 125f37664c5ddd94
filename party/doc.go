// Package party says who talks: party codes, log origins, letters of credence, keys, and the Signer that guards them.
//
// It reads and checks letters and says which letter may follow which (LTR-1…10). It keeps no keys (internal/keystore does) and
// does not know which letters an operator confirmed (internal/store does).
//
// Start with ParseLetter; Words is what two people read to each other.
package party
