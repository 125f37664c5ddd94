// Package demo shows a whole federation alive, in one process and in plain words: three nodes with folders, keys, stores and HTTPS listeners of
// their own, and a story that they live through.
//
// It is a spectator: whatever it prints was returned by a node, and whatever it claims is a check that is counted. It has no rules and no shortcuts
// into the nodes; only their clocks and the wire between them are in its hand, so that hours pass in seconds and a link can be cut.
//
// The parties are fictional and have codes that ISO 3166 leaves to users. The agreements in data/ were written for it. The STIX bundle in data/
// was written from published facts, and each of its objects names its source.
//
// Start with Run; story.go is the table of contents.
package demo
