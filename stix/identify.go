package stix

import (
	"crypto/sha1"
	"encoding/hex"
	"slices"

	"github.com/go-json-experiment/json/jsontext"
)

// namespace is the UUID under which identifiers of observables are derived (§2.9): 00abedb4-aa42-466c-9c01-fed23315a9b7.
var namespace = [16]byte{0x00, 0xab, 0xed, 0xb4, 0xaa, 0x42, 0x46, 0x6c, 0x9c, 0x01, 0xfe, 0xd2, 0x33, 0x15, 0xa9, 0xb7}

// contributing has the properties that make an observable's identifier (§6). A process has none.
var contributing = map[Type][]string{
	"artifact":             {"hashes", "payload_bin"},
	"autonomous-system":    {"number"},
	"directory":            {"path"},
	"domain-name":          {"value"},
	"email-addr":           {"value"},
	"email-message":        {"from_ref", "subject", "body"},
	"file":                 {"hashes", "name", "parent_directory_ref", "extensions"},
	"ipv4-addr":            {"value"},
	"ipv6-addr":            {"value"},
	"mac-addr":             {"value"},
	"mutex":                {"name"},
	"network-traffic":      {"start", "end", "src_ref", "dst_ref", "src_port", "dst_port", "protocols", "extensions"},
	"software":             {"name", "cpe", "swid", "vendor", "version"},
	"url":                  {"value"},
	"user-account":         {"account_type", "user_id", "account_login"},
	"windows-registry-key": {"key", "values"},
	"x509-certificate":     {"hashes", "serial_number"},
}

// preferredHashes is the order in which one hash is taken for the identifier; where none of these is there, the first by name.
var preferredHashes = []string{"MD5", "SHA-1", "SHA-256", "SHA-512"}

// DeterministicID gives the identifier that §2.9 derives from what an observable is (§3.4): a UUIDv5 over the canonical JSON (RFC 8785) of
// the properties that contribute to it. ok is false for other types and where none of these properties is there: such an object has
// a random identifier.
func (o *Object) DeterministicID() (id ID, ok bool) { return deriveID(o.Type, o.Property) }

func deriveID(t Type, property func(string) (string, bool)) (ID, bool) {
	text := []byte{'{'}
	for _, name := range contributing[t] {
		v, ok := property(name)
		if !ok {
			continue
		}
		if name == "hashes" {
			if v = oneHash(v); v == "" {
				continue
			}
		}
		if len(text) > 1 {
			text = append(text, ',')
		}
		text = append(text, `"`+name+`":`...)
		text = append(text, v...)
	}
	if len(text) == 1 {
		return "", false
	}
	canonical := jsontext.Value(append(text, '}'))
	if canonical.Canonicalize() != nil {
		return "", false
	}
	return DeriveID(t, namespace, canonical), true
}

// oneHash gives hashes with one hash alone, "" where there is none.
func oneHash(v string) string {
	if v[0] != '{' {
		return ""
	}
	best, rank := member{}, -1
	for m := range properties(v) {
		r := slices.Index(preferredHashes, m.name)
		if r < 0 {
			r = len(preferredHashes)
		}
		if rank < 0 || r < rank || r == rank && m.name < best.name {
			best, rank = m, r
		}
	}
	if rank < 0 {
		return ""
	}
	name, err := jsontext.AppendQuote(nil, best.name)
	if err != nil {
		return ""
	}
	return "{" + string(name) + ":" + best.in(v) + "}"
}

// DeriveID gives the identifier of type t whose UUIDv5 is made of name in the caller's own namespace: the same for the same name
// everywhere. The namespace of observables must not be used for anything else (§2.9); for those there is Object.DeterministicID.
func DeriveID(t Type, namespace [16]byte, name []byte) ID {
	h := sha1.New()
	h.Write(namespace[:])
	h.Write(name)
	return idFrom(t, [16]byte(h.Sum(nil)), 5)
}

// NewID gives an identifier of type t with a UUIDv4 of the caller's 16 random bytes.
func NewID(t Type, random [16]byte) ID { return idFrom(t, random, 4) }

func idFrom(t Type, u [16]byte, version byte) ID {
	u[6] = u[6]&0x0f | version<<4
	u[8] = u[8]&0x3f | 0x80
	s := hex.EncodeToString(u[:])
	return ID(string(t) + "--" + s[:8] + "-" + s[8:12] + "-" + s[12:16] + "-" + s[16:20] + "-" + s[20:])
}
