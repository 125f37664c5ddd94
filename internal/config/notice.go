package config

import (
	"encoding/base64"
	"net"
	"net/mail"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/comity-exchange/comity/fault"
	"github.com/comity-exchange/comity/marking"
)

// Notices are the settings of what is told outside the node: that there is something, never what it says.
type Notices struct {
	MailServer       string // host:port; it goes with MailFrom and MailTo
	MailFrom         string
	MailTo           []string
	MailUser         string // with MailPasswordFile, or neither
	MailPasswordFile string
	MailTLS          string // "starttls", "tls" or "none"

	WebhookURL        string // with WebhookSecretFile, or neither
	WebhookSecretFile string

	NoticeEvery    time.Duration
	NoticeDue      time.Duration
	NoticeLanguage string
	NoticeParties  string // NoticeHide or NoticeTell
	NoticeMarking  string // NoticeHide, or the strictest label that is told

	// MailPassword and WebhookSecret are what Load found in the files. They are no settings and are never written.
	MailPassword  Secret
	WebhookSecret Secret // the key itself
}

// What a notice does with what it could tell.
const (
	NoticeHide = "hide"
	NoticeTell = "tell"
)

// How mail goes to its server.
const (
	MailStartTLS = "starttls"
	MailTLS      = "tls"
	MailOpen     = "none"
)

// Bounds.
const (
	MinNotice = time.Minute

	maxRecipients = 16
	maxURL        = 500
	minSecret     = 24 // bytes of a webhook's key, by Standard Webhooks
	maxSecret     = 64
	secretPrefix  = "whsec_"
)

// noticeDefaults are those of a node that tells nobody.
func noticeDefaults() Notices {
	return Notices{MailTLS: MailStartTLS, NoticeEvery: 15 * time.Minute, NoticeDue: 2 * time.Hour, NoticeLanguage: "en", NoticeParties: NoticeHide, NoticeMarking: NoticeHide}
}

// noticeSettings are their rows.
func noticeSettings() []setting {
	return []setting{
		{
			key: "mail_server", doc: "Server that takes mail for officers, like mail.xa.example:587. A mail tells that there is something, never what it says (docs/notices.md). Empty: no mail.",
			text: func(c *Config) *string { return &c.MailServer }, checkText: checkServer,
		},
		{
			key: "mail_from", doc: "Address that the mail comes from, like comity@xa.example.",
			text: func(c *Config) *string { return &c.MailFrom }, checkText: checkMailbox,
		},
		{
			key: "mail_to", doc: "Addresses that it goes to. At most 16.",
			list: func(c *Config) *[]string { return &c.MailTo }, checkList: checkMailboxes,
		},
		{
			key: "mail_user", doc: "Name by which the node signs in to the server. Empty: it does not.",
			text: func(c *Config) *string { return &c.MailUser }, checkText: checkText,
		},
		{
			key: "mail_password_file", doc: "File whose first line is the password for that.",
			text: func(c *Config) *string { return &c.MailPasswordFile }, checkText: checkFile,
		},
		{
			key: "mail_tls", doc: "TLS to the server: starttls (begun after the greeting, and insisted on), tls (from the first byte), or none (for a server on this machine alone).",
			text: func(c *Config) *string { return &c.MailTLS }, checkText: checkOneOf(MailStartTLS, MailTLS, MailOpen),
		},
		{
			key: "webhook_url", doc: "Where the same is posted for programs, like https://hooks.xa.example/comity, signed as Standard Webhooks has it. Empty: nowhere.",
			text: func(c *Config) *string { return &c.WebhookURL }, checkText: checkHook,
		},
		{
			key: "webhook_secret_file", doc: "File whose first line is the key of the signature: whsec_ and 24 to 64 bytes in base64.",
			text: func(c *Config) *string { return &c.WebhookSecretFile }, checkText: checkFile,
		},
		{
			key: "notice_every", doc: "How often at most what can wait is told; what is flash or immediate goes at once. At least 1m, at most 24h.",
			span: func(c *Config) *time.Duration { return &c.NoticeEvery }, checkSpan: checkSpan(MinNotice),
		},
		{
			key: "notice_due", doc: "How long before an answer is due it is told that it is. At least 1m, at most 24h.",
			span: func(c *Config) *time.Duration { return &c.NoticeDue }, checkSpan: checkSpan(MinNotice),
		},
		{
			key: "notice_language", doc: "Language of the mail: en or ru.",
			text: func(c *Config) *string { return &c.NoticeLanguage }, checkText: checkOneOf("en", "ru"),
		},
		{
			key: "notice_parties", doc: "Whether a notice names the parties that it is about: hide or tell.",
			text: func(c *Config) *string { return &c.NoticeParties }, checkText: checkOneOf(NoticeHide, NoticeTell),
		},
		{
			key: "notice_marking", doc: "The strictest label that a notice tells, like TLP:GREEN; of what is stricter it tells none. hide: it never tells any.",
			text: func(c *Config) *string { return &c.NoticeMarking }, checkText: checkTold,
		},
	}
}

// Mails tells whether there is mail.
func (c *Notices) Mails() bool { return c.MailServer != "" }

// Hooks tells whether there is a webhook.
func (c *Notices) Hooks() bool { return c.WebhookURL != "" }

// MayTell is a label as a notice has it: the label, or "" where it is not to be told.
func (c *Notices) MayTell(tlp marking.TLP) marking.TLP {
	most, ok := strings.CutPrefix(c.NoticeMarking, labelTLP)
	if !ok || tlp.Rank() < 0 || tlp.Rank() > marking.TLP(most).Rank() {
		return ""
	}
	return tlp
}

// checkNotices holds them against each other: nothing goes over a line that others can read, but on this machine.
func (c *Config) checkNotices() error {
	switch {
	case c.Mails() != (c.MailFrom != "") || c.Mails() != (len(c.MailTo) > 0):
		return fault.New(fault.Usage, "", "the settings name all of mail_server, mail_from and mail_to, or none of them")
	case (c.MailUser == "") != (c.MailPasswordFile == ""):
		return fault.New(fault.Usage, "", "the settings name both mail_user and mail_password_file, or neither")
	case c.Mails() && c.MailTLS == MailOpen && !isLoopback(c.MailServer):
		return bad("mail_tls", "none is for a server on this machine, like 127.0.0.1:25")
	case c.MailTLS == MailOpen && c.MailUser != "":
		return bad("mail_user", "nobody signs in without TLS: set mail_tls")
	case c.Hooks() != (c.WebhookSecretFile != ""):
		return fault.New(fault.Usage, "", "the settings name both webhook_url and webhook_secret_file, or neither")
	}
	return nil
}

func checkServer(key, v string) error {
	if v == "" {
		return nil
	}
	if err := checkAddress(key, v); err != nil {
		return err
	}
	if host, port, err := net.SplitHostPort(v); err != nil || host == "" || port == "0" || strings.ContainsAny(host, " /@") {
		return bad(key, "a server is like mail.xa.example:587")
	}
	return checkText(key, v)
}

// checkMailbox is for a bare address, in ASCII, without a name. What passes has no line's end and no comma in it; empty is none.
func checkMailbox(key, v string) error {
	if v == "" {
		return nil
	}
	a, err := mail.ParseAddress(v)
	plain := !strings.ContainsFunc(v, func(r rune) bool { return r <= ' ' || r > '~' || strings.ContainsRune(`<>,;:"()[]\`, r) })
	if err != nil || a.Name != "" || a.Address != v || !plain {
		return bad(key, "an address is like officers@xa.example, without a name")
	}
	return checkText(key, v)
}

func checkMailboxes(key string, v []string) error {
	if len(v) > maxRecipients {
		return bad(key, "at most %d", maxRecipients)
	}
	for i, s := range v {
		if err := checkMailbox(key, s); err != nil {
			return err
		}
		if s == "" || slices.Contains(v[:i], s) {
			return bad(key, "an address is empty, or named twice")
		}
	}
	return nil
}

// checkHook is for the address of a webhook's receiver; empty is none.
func checkHook(key, v string) error {
	if v == "" {
		return nil
	}
	u, err := url.Parse(v)
	if err != nil || u.Hostname() == "" || u.User != nil || u.Fragment != "" || len(v) > maxURL ||
		u.Scheme != "https" && (u.Scheme != "http" || !isLoopback(net.JoinHostPort(u.Hostname(), "1"))) {
		return bad(key, "https, like https://hooks.xa.example/comity, without a name or a password; http is for this machine alone")
	}
	if strings.ContainsFunc(v, func(r rune) bool { return r <= ' ' || r > '~' }) {
		return bad(key, "printable ASCII without blanks")
	}
	return nil
}

func checkTold(key, v string) error {
	label, ok := strings.CutPrefix(v, labelTLP)
	if v != NoticeHide && (!ok || !slices.Contains(marking.TLPs(), marking.TLP(label))) {
		return bad(key, "hide, or a label like TLP:GREEN")
	}
	return nil
}

// readNoticeSecrets takes the first lines of MailPasswordFile and WebhookSecretFile.
func (c *Config) readNoticeSecrets(dir string) (err error) {
	if c.MailPassword, err = firstLine(dir, "mail_password_file", c.MailPasswordFile); err != nil {
		return err
	}
	line, err := firstLine(dir, "webhook_secret_file", c.WebhookSecretFile)
	if err != nil || line == nil {
		c.WebhookSecret = nil
		return err
	}
	text, ok := strings.CutPrefix(strings.TrimSpace(string(line)), secretPrefix)
	key, err := base64.StdEncoding.DecodeString(text)
	if !ok || err != nil || len(key) < minSecret || len(key) > maxSecret {
		return bad("webhook_secret_file", "its first line is %s and %d to %d random bytes in base64", secretPrefix, minSecret, maxSecret)
	}
	c.WebhookSecret = key
	return nil
}
