// Package misp reads and writes MISP's formats (the MISP core, object template and feed formats, IETF drafts) and maps them to STIX 2.1 and back.
//
// An Event keeps every member that it does not know, so that what went in comes out, equal in meaning. Read gives the elements of
// events of any size one at a time; ParseEvent takes one event whole. Items maps a file to STIX as a stream.
//
// It is no instance of MISP: it knows no database, no peer and no rights. Whether an event may be passed on is the node's to decide, by
// the markings of the objects that it becomes.
//
// Invariants: no input makes it panic or take memory past Limits; one broken element costs the others nothing; the same input gives the
// same output on every node; MISP to STIX to MISP gives the same event, since what STIX has no place for stays in an extension, and is
// believed only where it still says what the object says; STIX to MISP to STIX gives the same objects, which travel along.
//
// docs/misp.md has what becomes what, and a test holds it to the tables in kind.go and template.go. Start with Read, Event.STIX and FromSTIX.
package misp
