package match

import "strings"

// Kind says what an indicator names, and with it what counts as an occurrence (docs/match.md has the table).
type Kind uint8

// The kinds. Zero asks Parse to find out.
const (
	Address  Kind = iota + 1 // one IPv4 or IPv6 address
	Range                    // a CIDR range of addresses
	Endpoint                 // an address with a port
	Domain                   // a domain with all its subdomains
	URL                      // a URL, with or without scheme; without a path, everything below it
	Path                     // the path of a URL on whatever host, "/gate.php"
	Mail                     // a mail address
	Hash                     // MD5, SHA-1, SHA-256 or SHA-512 of a file, told by its length
	File                     // the name of a file, without folders; only ever meant when it is named
)

const kindNames = "address range endpoint domain url path mail hash file"

// String is the kind's name in lists and output.
func (k Kind) String() string {
	if all := strings.Fields(kindNames); k >= 1 && int(k) <= len(all) {
		return all[k-1]
	}
	return "unknown"
}

// KindOf reads a kind's name: ours, or what others call it (STIX object types with or without ":value", MISP attribute types); 0 when it is none.
func KindOf(name string) Kind {
	switch name = strings.ToLower(strings.TrimSpace(name)); name {
	case "ip", "ipv4", "ipv6", "ipv4-addr", "ipv6-addr", "ipv4-addr:value", "ipv6-addr:value", "ip-src", "ip-dst":
		return Address
	case "cidr":
		return Range
	case "ip-src|port", "ip-dst|port", "ip:port":
		return Endpoint
	case "hostname", "host", "domain-name", "domain-name:value", "fqdn":
		return Domain
	case "uri", "link", "url:value":
		return URL
	case "url-path", "http-path":
		return Path
	case "email", "e-mail", "email-src", "email-dst", "email-addr", "email-addr:value":
		return Mail
	case "md5", "sha1", "sha256", "sha512", "sha-1", "sha-256", "sha-512":
		return Hash
	case "filename", "file:name":
		return File
	}
	for i, n := range strings.Fields(kindNames) {
		if n == name {
			return Kind(i + 1)
		}
	}
	return 0
}
