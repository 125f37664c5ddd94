package taxii

import (
	"mime"
	"strconv"
	"strings"
)

// mediaType is of everything that is answered (TAXII 2.1, 1.6.8.1).
const mediaType = "application/taxii+json;version=2.1"

// accepts tells whether somebody who sends these Accept headers takes what is answered. Who sends none takes all.
func accepts(headers []string) bool {
	if len(headers) == 0 {
		return true
	}
	for _, one := range strings.Split(strings.Join(headers, ","), ",") {
		name, parameters, err := mime.ParseMediaType(one)
		if err != nil {
			continue
		}
		if q, given := parameters["q"]; given {
			if weight, err := strconv.ParseFloat(q, 64); err != nil || weight <= 0 {
				continue
			}
		}
		switch name {
		case "*/*", "application/*":
			return true
		case "application/taxii+json":
			if ours(parameters) {
				return true
			}
		}
	}
	return false
}

// brings tells whether a Content-Type is what is taken.
func brings(header string) bool {
	name, parameters, err := mime.ParseMediaType(header)
	return err == nil && name == "application/taxii+json" && ours(parameters)
}

func ours(parameters map[string]string) bool {
	version, given := parameters["version"]
	return !given || version == "2.1"
}
