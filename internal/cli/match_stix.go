package cli

import (
	"crypto/sha1"
	"fmt"
	"strings"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/comity-exchange/comity/fault"
	"github.com/comity-exchange/comity/match"
)

// matchNamespace makes the ids below: the same indicator has the same id in every run, so that sightings of it meet.
const matchNamespace = "\x8e\x0d\x3b\x52\x6f\x0c\x4d\x2a\x9b\x41\x57\x7c\x1d\x6a\x90\x3e"

// stixID is a version 5 UUID (RFC 9562) behind the object's type.
func stixID(kind, name string) string {
	sum := sha1.Sum([]byte(matchNamespace + kind + "\x00" + name))
	sum[6], sum[8] = sum[6]&0x0f|0x50, sum[8]&0x3f|0x80
	return fmt.Sprintf("%s--%x-%x-%x-%x-%x", kind, sum[:4], sum[4:6], sum[6:8], sum[8:10], sum[10:16])
}

// stixObject has what an indicator or a sighting needs of STIX 2.1 (5.2 and 5.3).
type stixObject struct {
	Type        string   `json:"type"`
	SpecVersion string   `json:"spec_version"`
	ID          string   `json:"id"`
	Created     string   `json:"created"`
	Modified    string   `json:"modified"`
	Pattern     string   `json:"pattern,omitzero"`
	PatternType string   `json:"pattern_type,omitzero"`
	ValidFrom   string   `json:"valid_from,omitzero"`
	Indicates   []string `json:"indicator_types,omitempty"`
	SightingOf  string   `json:"sighting_of_ref,omitzero"`
	FirstSeen   string   `json:"first_seen,omitzero"`
	LastSeen    string   `json:"last_seen,omitzero"`
	Count       int64    `json:"count,omitzero"`
}

// maxSightings is the greatest count that a sighting may have (STIX 2.1, 5.3).
const maxSightings = 999_999_999

// printBundle prints findings as a bundle of indicators and sightings: how often and when, and nothing of the logs.
func (s *session) printBundle(f *findings) error {
	now := stixTime(s.now())
	var objects []stixObject
	for _, x := range f.sorted() {
		pattern := stixPattern(x.kind, x.Indicator)
		indicator := stixObject{
			Type: "indicator", SpecVersion: "2.1", ID: stixID("indicator", pattern), Created: now, Modified: now,
			Pattern: pattern, PatternType: "stix", ValidFrom: now, Indicates: []string{"malicious-activity"},
		}
		sighting := stixObject{
			Type: "sighting", SpecVersion: "2.1", Created: now, Modified: now, SightingOf: indicator.ID, Count: min(x.Count, maxSightings),
		}
		if !x.First.IsZero() {
			indicator.ValidFrom = stixTime(x.First)
			sighting.FirstSeen, sighting.LastSeen = stixTime(x.First), stixTime(x.Last)
		}
		sighting.ID = stixID("sighting", strings.Join([]string{indicator.ID, now, sighting.FirstSeen, sighting.LastSeen, fmt.Sprint(x.Count)}, " "))
		objects = append(objects, indicator, sighting)
	}
	bundle := struct {
		Type    string       `json:"type"`
		ID      string       `json:"id"`
		Objects []stixObject `json:"objects,omitempty"`
	}{Type: "bundle", Objects: objects}
	for _, o := range objects {
		bundle.ID += o.ID
	}
	bundle.ID = stixID("bundle", bundle.ID+now)
	b, err := json.Marshal(bundle, json.Deterministic(true), jsontext.WithIndent("  "))
	if err != nil {
		return fault.Wrap(err, fault.Internal, "", "the sightings cannot be written as JSON")
	}
	return s.print(append(b, '\n'))
}

func stixTime(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000Z") }

// stixPattern says in STIX's language what an indicator names (STIX 2.1, 9).
func stixPattern(kind match.Kind, value string) string {
	quoted := "'" + strings.NewReplacer(`\`, `\\`, `'`, `\'`).Replace(value) + "'"
	family := "ipv4-addr"
	if strings.Count(value, ":") > 1 {
		family = "ipv6-addr"
	}
	switch kind {
	case match.Address:
		return "[" + family + ":value = " + quoted + "]"
	case match.Range:
		return "[" + family + ":value ISSUBSET " + quoted + "]"
	case match.Endpoint:
		i := strings.LastIndexByte(value, ':')
		return fmt.Sprintf("[network-traffic:dst_ref.value = '%s' AND network-traffic:dst_port = %s]", strings.Trim(value[:i], "[]"), value[i+1:])
	case match.Domain:
		return "[domain-name:value = " + quoted + "]"
	case match.URL:
		return stixURL(value)
	case match.Path:
		return "[network-traffic:extensions.'http-request-ext'.request_value = " + quoted + "]"
	case match.Mail:
		return "[email-addr:value = " + quoted + "]"
	case match.Hash:
		return "[file:hashes." + map[int]string{32: "MD5", 40: "'SHA-1'", 64: "'SHA-256'", 128: "'SHA-512'"}[len(value)] + " = " + quoted + "]"
	}
	return "[file:name = " + quoted + "]"
}

// stixURL is an equality where the URL is whole; one without a scheme, or without a path, stands for many.
func stixURL(value string) string {
	scheme, rest, _ := strings.Cut(value, "//")
	site := !strings.ContainsAny(rest, "/?")
	if scheme != "" && !site {
		return "[url:value = '" + strings.NewReplacer(`\`, `\\`, `'`, `\'`).Replace(value) + "']"
	}
	like := strings.NewReplacer(`\`, `\\`, `'`, `\'`).Replace(value)
	if scheme == "" {
		like = "%" + like
	}
	if site {
		return "[url:value = '" + strings.TrimPrefix(like, "%") + "' OR url:value LIKE '" + like + "/%']"
	}
	return "[url:value LIKE '" + like + "']"
}
