// Package match finds indicators in logs: addresses and ranges, endpoints, domains with their subdomains, URLs, paths, mail addresses, hashes of files
// and their names, by the million, at the speed at which logs can be read.
//
// Parse brings an indicator into its one canonical form; a Builder compiles many of them, each with the caller's number, the time for which it stands
// and whether it was revoked, into a Set, which is one run of bytes. Scan reads a log once, whatever its format, and looks at a line's fields only when
// something was found in it. Allow holds what is well known and harmless. It opens no files, follows none, and reports nothing to anybody: that is for
// internal/cli.
//
// Invariants: nothing that docs/match.md says is found is missed, wherever the log is cut; what is reported is there, since a value is compared by
// a keyed digest of 128 bits and not by the filter in front; whoever chooses indicators, and whoever writes into the logs, can make neither a set larger
// nor a scan slower than in proportion to what they sent, nor memory grow with a line; a Set never changes, and its bytes depend on its rows and key alone.
//
// Start with Parse, Builder.Add and Scan; scan.go is the loop that every byte passes, look.go and around.go what is done at the few places that need more.
package match
