package stix

import "strings"

// The forms of addresses and names (§6). Package net/netip is not for the kernel, and says less.

// isIPv4 tells whether s is four decimal numbers without leading zeros, and at most a CIDR length of 0 to 32.
func isIPv4(s string) bool {
	s, length, ranged := strings.Cut(s, "/")
	if ranged && !isNumber(length, 32) {
		return false
	}
	n := 0
	for part := range strings.SplitSeq(s, ".") {
		if n++; n > 4 || !isNumber(part, 255) {
			return false
		}
	}
	return n == 4
}

// isNumber tells whether s is a decimal number of at most three digits without leading zeros that is not over most.
func isNumber(s string, most int) bool {
	n := 0
	for _, c := range []byte(s) {
		if c < '0' || c > '9' {
			return false
		}
		n = n*10 + int(c-'0')
	}
	return s != "" && len(s) <= 3 && n <= most && (s[0] != '0' || s == "0")
}

// isIPv6 tells whether s is an address of RFC 4291 §2.2, with at most a CIDR length of 0 to 128 and no zone.
func isIPv6(s string) bool {
	s, length, ranged := strings.Cut(s, "/")
	if ranged && !isNumber(length, 128) {
		return false
	}
	groups := 8
	if i := strings.LastIndexByte(s, ':'); i >= 0 && strings.Contains(s[i:], ".") {
		if !isIPv4(s[i+1:]) || strings.Contains(s[i+1:], "/") {
			return false
		}
		// The last two groups are written as IPv4; one group that stands for both keeps the colons right.
		s, groups = s[:i+1]+"0", 7
	}
	before, after, gap := strings.Cut(s, "::")
	if strings.Contains(after, "::") {
		return false
	}
	n, ok := countGroups(before)
	m, okAfter := 0, true
	if gap {
		m, okAfter = countGroups(after)
	}
	if !ok || !okAfter {
		return false
	}
	if gap {
		return n+m < groups
	}
	return n == groups
}

// countGroups counts groups of one to four hexadecimal digits between single colons.
func countGroups(s string) (int, bool) {
	if s == "" {
		return 0, true
	}
	n := 0
	for g := range strings.SplitSeq(s, ":") {
		if g == "" || len(g) > 4 || strings.Trim(g, "0123456789abcdefABCDEF") != "" {
			return 0, false
		}
		n++
	}
	return n, true
}

func isMAC(s string) bool {
	if len(s) != 17 {
		return false
	}
	for i, c := range []byte(s) {
		if i%3 == 2 {
			if c != ':' {
				return false
			}
		} else if (c < '0' || c > '9') && (c < 'a' || c > 'f') {
			return false
		}
	}
	return true
}

// isDomain tells whether s can be a domain name, internationalised ones included: labels of 1 to 63 characters, 253 in all. Underscores
// are taken, since service names have them; letters outside ASCII too.
func isDomain(s string) bool {
	s = strings.TrimSuffix(s, ".")
	if s == "" || len(s) > 253 {
		return false
	}
	for label := range strings.SplitSeq(s, ".") {
		if label == "" || len(label) > 63 || label[0] == '-' || label[len(label)-1] == '-' {
			return false
		}
		for _, r := range label {
			if r < 0x80 && (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && r != '-' && r != '_' {
				return false
			}
		}
	}
	return true
}
