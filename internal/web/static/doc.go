// Package static holds what browsers load beside the pages: one style sheet, one script, one icon. They are part of the program and come from nowhere else.
//
// Each is served under a name that has the digest of its bytes, so that browsers may keep it for ever and never show a page with the style of another version.
//
// Start with New.
package static
