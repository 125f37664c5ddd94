package config

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// setting is one row of the list. Exactly one of text, list and span is set, and says where the value lives.
type setting struct {
	key string
	doc string // one or more sentences, for the file's comments and the reference

	lock bool // one of those that exclude each other

	text func(*Config) *string
	list func(*Config) *[]string
	span func(*Config) *time.Duration

	checkText func(key, v string) error
	checkList func(key string, v []string) error
	checkSpan func(key string, v time.Duration) error
}

// settings is the list, in the order in which people meet them.
func settings() []setting {
	return slices.Concat(reachSettings(), webSettings(), storeSettings(), noticeSettings(), diarySettings())
}

// reachSettings say who the node is and where it is reached.
func reachSettings() []setting {
	return []setting{
		{
			key: "code", doc: "The party whose node this is: a State (XA), an organisation, or an office (XA.cert).",
			text: func(c *Config) *string { return (*string)(&c.Code) }, checkText: checkCode,
		},
		{
			key: "listen", doc: "Address on which peers reach this node, like :8443. Empty: the node cannot be reached and fetches its packets.",
			text: func(c *Config) *string { return &c.Listen }, checkText: checkAddress,
		},
		{
			key: "endpoints", doc: "Addresses that the letter of credence tells peers, like https://comity.xa.example:8443. At most 8. A change needs a new letter.",
			list: func(c *Config) *[]string { return &c.Endpoints }, checkList: checkEndpoints,
		},
		{
			key: "log_listen", doc: "Address on which anybody may read the party's log over HTTP. Its ids disclose nothing but the log's growth. Empty: nobody may.",
			text: func(c *Config) *string { return &c.LogListen }, checkText: checkAddress,
		},
		{
			key: "watch_listen", doc: "Address on which the node's health and metrics are served over HTTP, without a lock: best one of this machine alone, like 127.0.0.1:9464. Empty: they are not.",
			text: func(c *Config) *string { return &c.WatchListen }, checkText: checkAddress,
		},
		{
			key: "trace_endpoint", doc: "URL of an OTLP/HTTP receiver to which the node sends traces of its work, like http://127.0.0.1:4318. Empty: none are made.",
			text: func(c *Config) *string { return &c.TraceEndpoint }, checkText: checkReceiver,
		},
	}
}

// webSettings are of the pages, and of who signs in.
func webSettings() []setting {
	return []setting{
		{
			key: "web_listen", doc: "Address on which officers' browsers and programs reach the pages and the API, like 127.0.0.1:8080. Empty: there are none.",
			text: func(c *Config) *string { return &c.WebListen }, checkText: checkAddress,
		},
		{
			key: "web_url", doc: "What officers' browsers call that, like https://desk.xa.example. Passkeys are bound to its host and are lost when it changes. Nothing is answered under another name, but for programs at 127.0.0.1 and [::1] where it is localhost. Empty: http://localhost with the port of web_listen.",
			text: func(c *Config) *string { return &c.WebURL }, checkText: checkOrigin,
		},
		{
			key: "web_certificate", doc: "File of the certificate for web_url and those above it, as PEM. Empty: the pages are served without TLS, to this machine alone or to a proxy that does TLS.",
			text: func(c *Config) *string { return &c.WebCertificate }, checkText: checkFile,
		},
		{
			key: "web_key", doc: "File of that certificate's private key, as PEM.",
			text: func(c *Config) *string { return &c.WebKey }, checkText: checkFile,
		},
		{
			key: "web_proxies", doc: "Addresses of proxies before the pages, like 127.0.0.1. Of a request from one of them, the last address in X-Forwarded-For is whose attempts to sign in are counted. At most 16.",
			list: func(c *Config) *[]string { return &c.WebProxies }, checkList: checkProxies,
		},
		{
			key: "misp_open", doc: "Sources of this party's own, by name, of which everybody who can reach the pages may fetch what is TLP:CLEAR as a MISP feed, without a token. At most 16.",
			list: func(c *Config) *[]string { return &c.MISPOpen }, checkList: checkSources,
		},
		{
			key: "session_idle", doc: "An officer who has done nothing for so long signs in again. At least 1m, at most 24h.",
			span: func(c *Config) *time.Duration { return &c.SessionIdle }, checkSpan: checkSpan(MinSession),
		},
		{
			key: "session_life", doc: "An officer signs in again after so long, whatever was done. At least session_idle, at most 24h.",
			span: func(c *Config) *time.Duration { return &c.SessionLife }, checkSpan: checkSpan(MinSession),
		},
		{
			key: "oidc_issuer", doc: "Provider of identities (OpenID Connect) by which officers may sign in beside passkeys, like https://id.xa.example. It lets in whom an officer or an administrator has bound. Empty: none.",
			text: func(c *Config) *string { return &c.OIDCIssuer }, checkText: checkIssuer,
		},
		{
			key: "oidc_client", doc: "What the provider calls this node. The address to return to is web_url with /sign-in/oidc/callback.",
			text: func(c *Config) *string { return &c.OIDCClient }, checkText: checkText,
		},
		{
			key: "oidc_secret_file", doc: "File whose first line is the secret that the provider has given this node. Empty: it takes none.",
			text: func(c *Config) *string { return &c.OIDCSecretFile }, checkText: checkFile,
		},
	}
}

// storeSettings are of what the node keeps, and of what it does.
func storeSettings() []setting {
	return []setting{
		{
			key: "store", doc: "What keeps the node's memory: a file in the node's folder, or a PostgreSQL database, like postgres://comity@db.xa.example/comity (docs/postgres.md).",
			text: func(c *Config) *string { return &c.Store }, checkText: checkStore,
		},
		{
			key: "keys", doc: "File of the locked private keys, in the node's folder.",
			text: func(c *Config) *string { return &c.Keys }, checkText: checkInside,
		},
		{
			key: "key_file", doc: "File that unlocks the private keys; best on a device that can be taken away. Either this or passphrase_file.", lock: true,
			text: func(c *Config) *string { return &c.KeyFile }, checkText: checkFile,
		},
		{
			key: "passphrase_file", doc: "File whose first line is the passphrase of the private keys. Either this or key_file.", lock: true,
			text: func(c *Config) *string { return &c.PassphraseFile }, checkText: checkFile,
		},
		{
			key: "pull_interval", doc: "How often the node asks a peer for packets while it cannot be reached itself. At least 100ms, at most 24h.",
			span: func(c *Config) *time.Duration { return &c.PullInterval }, checkSpan: checkSpan(MinPull),
		},
		{
			// spec: LOG-11
			key: "witness_interval", doc: "How often at most the node cosigns one peer's checkpoints. At least 60s, at most 24h.",
			span: func(c *Config) *time.Duration { return &c.WitnessInterval }, checkSpan: checkSpan(MinWitness),
		},
		{
			key: "role", doc: "Role in which the command line speaks when it is not told another.",
			text: func(c *Config) *string { return &c.Role }, checkText: checkIdentifier,
		},
		{
			key: "officer", doc: "Officer for whom the command line speaks when it is not told another; peers see a pseudonym. Empty: the node itself.",
			text: func(c *Config) *string { return &c.Officer }, checkText: checkText,
		},
		{
			key: "on_recall", doc: "What happens when a party recalls what it said: ask (an officer erases or says why it is kept) or erase (the node erases and says so by itself).",
			text: func(c *Config) *string { return &c.OnRecall }, checkText: checkOneOf(RecallAsk, RecallErase),
		},
		{
			key: "approval", doc: "What a second officer approves before it is said, beside what agreements and caveats ask for: kinds (\"assist.grant\", \"assist.*\"), labels (\"TLP:AMBER\": that and stricter), or \"all\". Empty: nothing more.",
			list: func(c *Config) *[]string { return &c.Approval }, checkList: checkApproval,
		},
	}
}

// diarySettings stand last.
func diarySettings() []setting {
	return []setting{
		{
			key: "log_level", doc: "What the node's own diary tells: debug, info, warn or error.",
			text: func(c *Config) *string { return &c.LogLevel }, checkText: checkOneOf("debug", "info", "warn", "error"),
		},
		{
			key: "log_format", doc: "How it tells it: text or json.",
			text: func(c *Config) *string { return &c.LogFormat }, checkText: checkOneOf("text", "json"),
		},
	}
}

func (s setting) check(c *Config) error {
	switch {
	case s.text != nil:
		return s.checkText(s.key, *s.text(c))
	case s.list != nil:
		return s.checkList(s.key, *s.list(c))
	}
	return s.checkSpan(s.key, *s.span(c))
}

// value is the setting's value for a TOML writer.
func (s setting) value(c *Config) any {
	switch {
	case s.text != nil:
		return *s.text(c)
	case s.list != nil:
		return append([]string{}, *s.list(c)...)
	}
	return s.span(c).String()
}

// set takes a value from a TOML file, or what layer made of an environment variable.
func (s setting) set(c *Config, v any) error {
	switch {
	case s.text != nil:
		t, ok := v.(string)
		if !ok {
			return bad(s.key, "a text in quotes is wanted")
		}
		*s.text(c) = t
	case s.list != nil:
		l, ok := texts(v)
		if !ok {
			return bad(s.key, "a list of texts in brackets is wanted")
		}
		*s.list(c) = l
	default:
		t, _ := v.(string)
		d, err := time.ParseDuration(t)
		if err != nil {
			return bad(s.key, `a span of time in quotes is wanted, like "90s" or "5m"`)
		}
		*s.span(c) = d
	}
	return nil
}

func texts(v any) ([]string, bool) {
	switch v := v.(type) {
	case []string:
		return v, true
	case []any:
		var out []string
		for _, e := range v {
			t, ok := e.(string)
			if !ok {
				return nil, false
			}
			out = append(out, t)
		}
		return out, true
	}
	return nil, false
}

// isEmpty tells a value that need not be written.
func (s setting) isEmpty(c *Config) bool {
	return s.text != nil && *s.text(c) == "" || s.list != nil && len(*s.list(c)) == 0
}

const envPrefix = "COMITY_"

// What the command line takes from the environment and is no setting, so that Load passes over it: the node's folder, the officer, and the officer's token.
const (
	EnvDir   = envPrefix + "DIR"
	EnvAs    = envPrefix + "AS"
	EnvToken = envPrefix + "TOKEN"
)

func (s setting) env() string { return envPrefix + strings.ToUpper(s.key) }

// Row describes one setting for help texts.
type Row struct {
	Key     string // in comity.toml
	Env     string // in the environment
	Kind    string // "text", "list" or "span"
	Default string // as it is written; "" when there is none
	Doc     string
}

// Reference lists every setting in order.
func Reference() []Row {
	d := Defaults("")
	var rows []Row
	for _, s := range settings() {
		r := Row{Key: s.key, Env: s.env(), Kind: "text", Doc: s.doc}
		switch {
		case s.list != nil:
			r.Kind = "list"
		case s.span != nil:
			r.Kind = "span"
		}
		if !s.isEmpty(&d) {
			r.Default = fmt.Sprint(s.value(&d))
		}
		rows = append(rows, r)
	}
	return rows
}

// Markdown is the reference as a table for the documentation.
func Markdown() string {
	var b strings.Builder
	b.WriteString("| setting | environment | default | |\n|---|---|---|---|\n")
	for _, r := range Reference() {
		def := r.Default
		if def != "" {
			def = "`" + def + "`"
		}
		fmt.Fprintf(&b, "| `%s` | `%s` | %s | %s |\n", r.Key, r.Env, def, r.Doc)
	}
	return b.String()
}
