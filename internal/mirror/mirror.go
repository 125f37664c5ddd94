package mirror

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"crypto/x509"
	"net"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/comity-exchange/comity/fault"
	"github.com/comity-exchange/comity/internal/config"
	"github.com/comity-exchange/comity/statement"
	"github.com/comity-exchange/comity/thread"
)

// Bounds of what is configured.
const (
	MinEvery = time.Minute
	MaxEvery = 31 * 24 * time.Hour
	MaxAll   = 64 // mirrors of one node: each may have a run under way

	maxAddress = 2048
	maxSecret  = 8 << 10
	maxUser    = 256
	maxRoots   = 64 << 10 // bytes of certificates
)

// Kind is what an outside collection is.
type Kind string

// The kinds.
const (
	TAXII Kind = "taxii" // a collection of a TAXII 2.1 server
	List  Kind = "list"  // a file of indicators, one a line
	CSV   Kind = "csv"   // a file of them with columns
	STIX  Kind = "stix"  // a file with a bundle, or objects one after another
)

// Kinds lists them.
func Kinds() []Kind { return []Kind{TAXII, List, CSV, STIX} }

// Mirror is an outside collection, and the source that it fills.
type Mirror struct {
	ID     string         `json:"id"`   // random; the same for its life
	Name   string         `json:"name"` // an identifier
	Kind   Kind           `json:"kind"`
	URL    string         `json:"url"`             // of the collection, or the file
	User   string         `json:"user,omitzero"`   // of HTTP Basic; "" with a credential: it is a bearer's
	Sealed []byte         `json:"sealed,omitzero"` // the credential; none: it is open to all
	Roots  string         `json:"roots,omitzero"`  // certificates, as PEM, that alone are trusted; "": whom the machine trusts
	Source thread.ID      `json:"source"`
	Every  int64          `json:"every"` // seconds between two runs
	Paused bool           `json:"paused,omitzero"`
	Made   statement.Time `json:"made"`
}

// Collection is one that a server outside lists. What it says of itself is cut and cleaned, so that it may be shown.
type Collection struct {
	URL         string `json:"url"`
	ID          string `json:"id"`
	Title       string `json:"title"`
	Description string `json:"description,omitzero"`
	Alias       string `json:"alias,omitzero"`
	Root        string `json:"root"` // the API root's title
	CanRead     bool   `json:"can_read"`
}

// Check holds a mirror against the bounds. Error: fault.Usage.
func (m *Mirror) Check() error {
	bad := func(format string, args ...any) error { return fault.New(fault.Usage, "", format, args...) }
	every := time.Duration(m.Every) * time.Second
	switch {
	case !statement.IsIdentifier(m.Name):
		return bad("the name of a mirror has letters, digits, dots and dashes")
	case !slices.Contains(Kinds(), m.Kind):
		return bad("a mirror is of a collection (taxii), or of a file (list, csv, stix)")
	case every < MinEvery || every > MaxEvery:
		return bad("a mirror is fetched every minute at most, and every %d days at least", int(MaxEvery.Hours()/24))
	case len(m.User) > maxUser || strings.ContainsAny(m.User, ":\r\n"):
		return bad("a user's name has no colon and no line's end, and at most %d bytes", maxUser)
	case m.User != "" && len(m.Sealed) == 0:
		return bad("a user has a password: give the file in which it is")
	}
	if _, err := Roots(m.Roots); err != nil {
		return err
	}
	_, err := Address(m.URL)
	return err
}

// Address reads the address of a server outside: https, or http on this machine. Error: fault.Usage.
func Address(text string) (*url.URL, error) {
	bad := func(format string, args ...any) error { return fault.New(fault.Usage, "", format, args...) }
	u, err := url.Parse(text)
	switch {
	case len(text) > maxAddress:
		return nil, bad("an address has at most %d bytes", maxAddress)
	case err != nil || u.Host == "" || u.Hostname() == "" || u.Opaque != "" || u.Scheme != "https" && u.Scheme != "http":
		return nil, bad("the address of an outside collection is a URL, like https://feeds.example/taxii2/")
	case u.User != nil:
		return nil, bad("an address has no password in it: give the credential in a file")
	case u.Fragment != "":
		return nil, bad("an address has no part after #")
	case u.Scheme == "http" && !local(u.Hostname()):
		return nil, bad("outside this machine only https is spoken: what comes in the clear may be anybody's")
	}
	if u.Path == "" {
		u.Path = "/"
	}
	return u, nil
}

// local tells whether a host is this machine.
func local(host string) bool {
	a, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && a.IsLoopback()
}

// origin is scheme, host and port of an address: where a credential may go.
func origin(u *url.URL) string {
	port := u.Port()
	if port == "" {
		port = map[string]string{"https": "443", "http": "80"}[u.Scheme]
	}
	return u.Scheme + "://" + net.JoinHostPort(strings.ToLower(u.Hostname()), port)
}

// Roots reads certificates that alone are trusted; nil for "". Error: fault.Usage.
func Roots(pem string) (*x509.CertPool, error) {
	if pem == "" {
		return nil, nil
	}
	p := x509.NewCertPool()
	if len(pem) > maxRoots || !p.AppendCertsFromPEM([]byte(pem)) {
		return nil, fault.New(fault.Usage, "", "certificates are given as PEM, at most %d bytes", maxRoots)
	}
	return p, nil
}

// Seal keeps a credential so that only who has key can use it, and only for the server, and as the user, that it was given for: whoever changes the address in the store has no
// credential to send there. key has 32 bytes. Error: fault.Usage for one that cannot stand in a header.
func (m *Mirror) Seal(key []byte, secret config.Secret) error {
	if len(secret) == 0 || len(secret) > maxSecret || slices.ContainsFunc(secret, func(b byte) bool { return b < ' ' || b == 0x7f }) {
		return fault.New(fault.Usage, "", "a credential is one line of at most %d bytes, without control characters", maxSecret)
	}
	a, bound, err := m.sealer(key)
	if err != nil {
		return err
	}
	nonce := make([]byte, a.NonceSize())
	rand.Read(nonce) // never fails: crypto/rand ends the process instead
	m.Sealed = a.Seal(nonce, nonce, secret, bound)
	return nil
}

// Open gives the credential; nil where there is none. Error: fault.Locked where it was given for another server, or to another node's keys.
func (m *Mirror) Open(key []byte) (config.Secret, error) {
	if len(m.Sealed) == 0 {
		return nil, nil
	}
	a, bound, err := m.sealer(key)
	if err != nil {
		return nil, err
	}
	if len(m.Sealed) < a.NonceSize() {
		return nil, errSealed(nil)
	}
	secret, err := a.Open(nil, m.Sealed[:a.NonceSize()], m.Sealed[a.NonceSize():], bound)
	if err != nil {
		return nil, errSealed(err)
	}
	return secret, nil
}

func errSealed(err error) error {
	return fault.Wrap(err, fault.Locked, "", "the credential of this mirror cannot be opened: it was given for another address, or to other keys. Give it again")
}

func (m *Mirror) sealer(key []byte) (cipher.AEAD, []byte, error) {
	u, err := Address(m.URL)
	if err != nil {
		return nil, nil, err
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, nil, fault.Wrap(err, fault.Internal, "", "the key of credentials cannot be used")
	}
	a, err := cipher.NewGCM(block)
	if err != nil {
		return nil, nil, fault.Wrap(err, fault.Internal, "", "the key of credentials cannot be used")
	}
	return a, []byte("comity/mirror/v1\n" + m.ID + "\n" + origin(u) + "\n" + m.User), nil
}
