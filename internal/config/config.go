package config

import (
	"log/slog"
	"net"
	"net/url"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"

	"github.com/comity-exchange/comity/fault"
	"github.com/comity-exchange/comity/party"
	"github.com/comity-exchange/comity/wire"
)

// FileName is the settings' file in a node's folder.
const FileName = "comity.toml"

// Bounds of settings.
const (
	MinPull    = 100 * time.Millisecond
	MinWitness = 60 * time.Second // LOG-11
	MinSession = time.Minute
	MaxSpan    = 24 * time.Hour

	maxEndpoints = 8   // LTR-3
	maxText      = 200 // bytes
)

// What a node does when a party recalls what it said.
const (
	RecallAsk   = "ask"   // an officer decides
	RecallErase = "erase" // the node erases, and says so, by itself
)

// Config is what a node is told. File names are relative to the node's folder unless they are absolute. settings.go says what each
// field means.
type Config struct {
	Code      party.Code
	Listen    string
	Endpoints []string
	LogListen string

	WatchListen   string
	TraceEndpoint string

	WebListen      string
	WebURL         string // an origin; see CheckWeb
	WebCertificate string // both of these, or neither
	WebKey         string
	WebProxies     []string
	MISPOpen       []string
	SessionIdle    time.Duration
	SessionLife    time.Duration
	OIDCIssuer     string
	OIDCClient     string
	OIDCSecretFile string

	Store          string
	Keys           string
	KeyFile        string // this or PassphraseFile, never both
	PassphraseFile string

	PullInterval    time.Duration
	WitnessInterval time.Duration

	Role    string
	Officer string

	OnRecall string // RecallAsk or RecallErase

	Approval []string // what a second officer must approve beside what agreements and caveats ask for: see AsksApproval

	Notices

	LogLevel  string
	LogFormat string

	// Passphrase and OIDCSecret are what Load found in PassphraseFile and OIDCSecretFile. They are no settings and are never written.
	Passphrase Secret
	OIDCSecret Secret
}

// Defaults is the configuration of a new node of that party: no listener, keys locked to a key file.
func Defaults(code party.Code) Config {
	return Config{
		Code:            code,
		Store:           "comity.db",
		Keys:            "keys.age",
		KeyFile:         "lock.key",
		PullInterval:    10 * time.Second,
		WitnessInterval: MinWitness,
		Role:            "duty-officer",
		OnRecall:        RecallAsk,
		SessionIdle:     30 * time.Minute,
		SessionLife:     12 * time.Hour,
		Notices:         noticeDefaults(),
		LogLevel:        "info",
		LogFormat:       "text",
	}
}

// Level is LogLevel for package slog.
func (c *Config) Level() slog.Level {
	var l slog.Level
	if l.UnmarshalText([]byte(c.LogLevel)) != nil {
		return slog.LevelInfo
	}
	return l
}

// Secret is bytes that no formatting shows.
type Secret []byte

const hidden = "[secret]"

func (Secret) String() string               { return hidden }
func (Secret) GoString() string             { return hidden }
func (Secret) LogValue() slog.Value         { return slog.StringValue(hidden) }
func (Secret) MarshalText() ([]byte, error) { return []byte(hidden), nil }

// Check holds every setting against its bounds. Error: fault.Usage, naming the setting.
func (c *Config) Check() error {
	for _, s := range settings() {
		if err := s.check(c); err != nil {
			return err
		}
	}
	if (c.KeyFile == "") == (c.PassphraseFile == "") {
		return fault.New(fault.Usage, "", "the settings name either key_file or passphrase_file, exactly one of them")
	}
	if c.Store == c.Keys || c.Store == c.lockFile() || c.Keys == c.lockFile() {
		return fault.New(fault.Usage, "", "the settings name one file for two purposes")
	}
	if err := c.checkNotices(); err != nil {
		return err
	}
	return c.checkWeb()
}

// Database is the address of the database that keeps the node's memory; ok is false where a file does.
func (c *Config) Database() (address string, ok bool) {
	return c.Store, isDatabase(c.Store)
}

func isDatabase(v string) bool {
	return strings.HasPrefix(v, "postgres://") || strings.HasPrefix(v, "postgresql://")
}

// checkStore holds a store against its two forms. An address with a password is refused: the settings are no place for a secret.
func checkStore(key, v string) error {
	if !isDatabase(v) {
		return checkInside(key, v)
	}
	u, err := url.Parse(v)
	if err != nil {
		return bad(key, "the address of a database is like postgres://comity@db.xa.example/comity") // it is not repeated: it may hold a password
	}
	if _, has := u.User.Password(); has || u.Query().Has("password") {
		return bad(key, "the address holds a password: put it into a password file (PGPASSFILE) instead")
	}
	return nil
}

func (c *Config) lockFile() string { return filepath.Clean(c.KeyFile + c.PassphraseFile) } // one of them is empty

func bad(key, format string, args ...any) error {
	return fault.New(fault.Usage, "", "setting "+key+": "+format, args...)
}

func checkCode(key, v string) error {
	// spec: ENC-6
	if _, err := party.ParseCode(v); err != nil {
		return bad(key, "a party code is like XA or XA.cert")
	}
	return nil
}

func checkAddress(key, v string) error {
	if v == "" {
		return nil
	}
	_, port, err := net.SplitHostPort(v)
	n, perr := strconv.Atoi(port)
	if err != nil || perr != nil || n < 0 || n > 65535 || strconv.Itoa(n) != port {
		return bad(key, "an address is like 192.0.2.1:8443 or :8443")
	}
	return nil
}

func checkEndpoints(key string, v []string) error {
	// spec: LTR-3
	if len(v) > maxEndpoints {
		return bad(key, "at most %d", maxEndpoints)
	}
	for i, s := range v {
		u, err := url.Parse(s)
		if err != nil || u.Scheme != "https" || u.Hostname() == "" || u.Port() == "" || "https://"+u.Host != s || len(s) > maxText {
			return bad(key, "an endpoint is like https://comity.xa.example:8443, without a path")
		}
		if err := checkAddress(key, u.Host); err != nil {
			return err
		}
		if slices.Contains(v[:i], s) {
			return bad(key, "an endpoint is named twice")
		}
	}
	return nil
}

// checkReceiver is for the URL of a receiver of traces; empty is none.
func checkReceiver(key, v string) error {
	if v == "" {
		return nil
	}
	u, err := url.Parse(v)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Hostname() == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" {
		return bad(key, "a URL is like http://127.0.0.1:4318, without a name, a password or a query")
	}
	return checkText(key, v)
}

// checkInside is for files that belong into the node's folder.
func checkInside(key, v string) error {
	if !filepath.IsLocal(v) || filepath.Base(v) != v || v == FileName {
		return bad(key, "a file name in the node's folder, without a path")
	}
	return checkText(key, v)
}

// checkFile is for files that may be elsewhere; empty is none.
func checkFile(key, v string) error {
	if v != "" && !filepath.IsAbs(v) && !filepath.IsLocal(v) {
		return bad(key, "a file in the node's folder, or an absolute path")
	}
	return checkText(key, v)
}

func checkText(key, v string) error {
	if len(v) > maxText || strings.ContainsFunc(v, func(r rune) bool { return unicode.IsControl(r) || r == unicode.ReplacementChar }) {
		return bad(key, "at most %d bytes of UTF-8 without control characters", maxText)
	}
	return nil
}

func checkIdentifier(key, v string) error {
	// spec: ENC-9
	if !wire.IsIdentifier(v) {
		return bad(key, "letters, digits and + . _ : / -, at most 128, like duty-officer")
	}
	return nil
}

func checkSpan(least time.Duration) func(string, time.Duration) error {
	return func(key string, v time.Duration) error {
		if v < least || v > MaxSpan {
			return bad(key, "from %v to %v", least, MaxSpan)
		}
		return nil
	}
}

func checkOneOf(words ...string) func(string, string) error {
	return func(key, v string) error {
		if !slices.Contains(words, v) {
			return bad(key, "one of %s", strings.Join(words, ", "))
		}
		return nil
	}
}
