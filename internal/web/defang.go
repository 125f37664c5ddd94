package web

import (
	"net/netip"
	"regexp"
	"strings"
)

// fanged finds what somebody could click on, or a program could take for a link: addresses of pages and of mail, addresses of machines, names of hosts.
var fanged = regexp.MustCompile(`(?i)(?:https?|ftps?)://[^\s'"<>]+|[\p{L}\p{N}._%+-]+@(?:[\p{L}\p{N}-]+\.)+[\p{L}\p{N}-]+|[0-9]{1,3}(?:\.[0-9]{1,3}){3}|(?:[\p{L}\p{N}_-]+\.)+(?:\p{L}{2,}|xn--[\p{L}\p{N}-]+)`)

// defang writes a text so that nothing in it can be clicked on. catalogue.Normal undoes it: what is copied from a page is found.
func defang(text string) string {
	if bare := strings.Trim(text, "'"); strings.Contains(bare, ":") {
		if a, err := netip.ParsePrefix(bare); err == nil && a.Addr().Is6() {
			return strings.Replace(text, ":", "[:]", 1)
		}
		if a, err := netip.ParseAddr(bare); err == nil && a.Is6() {
			return strings.Replace(text, ":", "[:]", 1)
		}
	}
	return fanged.ReplaceAllStringFunc(text, func(found string) string {
		scheme, rest, isURL := strings.Cut(found, "://")
		if !isURL {
			return strings.NewReplacer(".", "[.]", "@", "[@]").Replace(found)
		}
		end := strings.IndexAny(rest, "/?#")
		if end < 0 {
			end = len(rest)
		}
		scheme = strings.NewReplacer("tt", "xx", "TT", "XX", "Tt", "Xx").Replace(scheme)
		return scheme + "://" + strings.ReplaceAll(rest[:end], ".", "[.]") + rest[end:]
	})
}
