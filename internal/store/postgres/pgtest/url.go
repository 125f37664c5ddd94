package pgtest

import (
	"net/url"
	"strings"
)

// URL is an address in libpq's words as a node's settings have it.
func URL(address string) string {
	u, q := url.URL{Scheme: "postgres"}, url.Values{}
	for _, word := range strings.Fields(address) {
		key, value, _ := strings.Cut(word, "=")
		if key == "dbname" {
			u.Path = "/" + value
		} else {
			q.Set(key, value)
		}
	}
	u.RawQuery = q.Encode()
	return u.String()
}
