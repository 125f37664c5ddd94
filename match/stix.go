package match

import (
	"fmt"
	"strings"
)

// Pattern says in STIX's language what an indicator names (STIX 2.1, 9).
func (v Value) Pattern() string { return PatternOf(v.Kind, v.Text) }

// PatternOf is Pattern for a canonical text of a kind.
func PatternOf(kind Kind, value string) string {
	quoted := "'" + escaped(value) + "'"
	family := "ipv4-addr"
	if strings.Count(value, ":") > 1 {
		family = "ipv6-addr"
	}
	switch kind {
	case Address:
		return "[" + family + ":value = " + quoted + "]"
	case Range:
		return "[" + family + ":value ISSUBSET " + quoted + "]"
	case Endpoint:
		i := strings.LastIndexByte(value, ':')
		return fmt.Sprintf("[network-traffic:dst_ref.value = '%s' AND network-traffic:dst_port = %s]", strings.Trim(value[:i], "[]"), value[i+1:])
	case Domain:
		return "[domain-name:value = " + quoted + "]"
	case URL:
		return urlPattern(value)
	case Path:
		return "[network-traffic:extensions.'http-request-ext'.request_value = " + quoted + "]"
	case Mail:
		return "[email-addr:value = " + quoted + "]"
	case Hash:
		return "[file:hashes." + map[int]string{32: "MD5", 40: "'SHA-1'", 64: "'SHA-256'", 128: "'SHA-512'"}[len(value)] + " = " + quoted + "]"
	}
	return "[file:name = " + quoted + "]"
}

// escaped is a text as it stands between quotation marks in a pattern.
func escaped(value string) string {
	if !strings.ContainsAny(value, `\'`) {
		return value
	}
	return strings.NewReplacer(`\`, `\\`, `'`, `\'`).Replace(value)
}

// urlPattern is an equality where the URL is whole; one without a scheme, or without a path, stands for many.
func urlPattern(value string) string {
	scheme, rest, _ := strings.Cut(value, "//")
	site := !strings.ContainsAny(rest, "/?")
	if scheme != "" && !site {
		return "[url:value = '" + escaped(value) + "']"
	}
	like := escaped(value)
	if scheme == "" {
		like = "%" + like
	}
	if site {
		return "[url:value = '" + strings.TrimPrefix(like, "%") + "' OR url:value LIKE '" + like + "/%']"
	}
	return "[url:value LIKE '" + like + "']"
}
