package auth

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"log/slog"
	"strings"

	"github.com/comity-exchange/comity/statement"
)

// Secret is that of a token, a one-time link or a session, as it is shown once. No formatting shows it; Reveal does.
type Secret struct{ text string }

// The forms: a prefix by which scanners for leaked secrets know it, and 256 random bits.
const (
	tokenPrefix   = "comity_token_"
	linkPrefix    = "comity_link_"
	sessionPrefix = "comity_session_"
	secretSize    = 32 // bytes
)

// NewToken makes the secret of a token: in hexadecimal digits, since there are programs (MISP) that take no key in which others occur.
func NewToken() Secret {
	b := make([]byte, secretSize)
	rand.Read(b) // never fails: crypto/rand ends the process instead
	return Secret{tokenPrefix + hex.EncodeToString(b)}
}

// NewLink makes the secret of a one-time link.
func NewLink() Secret { return newSecret(linkPrefix) }

// NewSession makes the secret of a session.
func NewSession() Secret { return newSecret(sessionPrefix) }

func newSecret(prefix string) Secret {
	b := make([]byte, secretSize)
	rand.Read(b) // never fails: crypto/rand ends the process instead
	return Secret{prefix + base64.RawURLEncoding.EncodeToString(b)}
}

// Typed is a secret that somebody has shown, white space around it left out. Whether it is one is found out when it is looked up.
func Typed(text string) Secret { return Secret{strings.TrimSpace(text)} }

// Reveal is the secret itself.
func (s Secret) Reveal() string { return s.text }

// IsZero tells that there is none.
func (s Secret) IsZero() bool { return s.text == "" }

const hidden = "[secret]"

// String shows no secret.
func (Secret) String() string { return hidden }

// GoString shows no secret.
func (Secret) GoString() string { return hidden }

// LogValue shows no secret.
func (Secret) LogValue() slog.Value { return slog.StringValue(hidden) }

// MarshalText shows no secret; JSON encoders use it.
func (Secret) MarshalText() ([]byte, error) { return []byte(hidden), nil }

// is tells whether s has the form that begins with prefix. Tokens that were made before they had digits have the other one.
func (s Secret) is(prefix string) bool {
	rest, ok := strings.CutPrefix(s.text, prefix)
	b, err := base64.RawURLEncoding.Strict().DecodeString(rest)
	if len(rest) == hex.EncodedLen(secretSize) {
		b, err = hex.DecodeString(rest)
	}
	return ok && err == nil && len(b) == secretSize
}

// hash is what is kept of a secret: HMAC-SHA-256 under the registry's key. The secret has 256 random bits, so nothing slower is needed; the key is for whoever
// copies the store, who then cannot even tell whether a secret that was found elsewhere belongs to it.
func (r *Registry) hash(s Secret) statement.Digest {
	m := hmac.New(sha256.New, r.key)
	m.Write([]byte(s.text))
	return statement.Digest(m.Sum(nil))
}

// mark is a keyed hash of several texts for one purpose, which cannot be mistaken for one another's.
func (r *Registry) mark(purpose string, parts ...[]byte) statement.Digest {
	m := hmac.New(sha256.New, r.key)
	m.Write([]byte("comity/" + purpose + "\n"))
	for _, p := range parts {
		var n [8]byte
		binary.BigEndian.PutUint64(n[:], uint64(len(p)))
		m.Write(n[:])
		m.Write(p)
	}
	return statement.Digest(m.Sum(nil))
}

// nameOf is by what something is listed of which the store has a hash. It opens nothing.
func nameOf(hash statement.Digest) string { return hex.EncodeToString(hash[:5]) }

// TokenName is by what a token is listed and revoked. It opens nothing.
func TokenName(hash statement.Digest) string { return nameOf(hash) }
