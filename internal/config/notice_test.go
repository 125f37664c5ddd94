package config

import (
	"encoding/base64"
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/comity-exchange/comity/fault"
	"github.com/comity-exchange/comity/marking"
)

func fullNotices() Notices {
	return Notices{
		MailServer: "mail.xa.example:465", MailFrom: "comity@xa.example", MailTo: []string{"duty@xa.example", "lead@xa.example"}, MailTLS: MailTLS,
		NoticeEvery: 5 * time.Minute, NoticeDue: time.Hour, NoticeLanguage: "ru", NoticeParties: NoticeTell, NoticeMarking: "TLP:GREEN",
	}
}

const fullNoticesText = `mail_server = "mail.xa.example:465"
mail_from = "comity@xa.example"
mail_to = ["duty@xa.example", "lead@xa.example"]
mail_tls = "tls"
notice_every = "5m"
notice_due = "1h"
notice_language = "ru"
notice_parties = "tell"
notice_marking = "TLP:GREEN"`

func TestNoticesRefuse(t *testing.T) {
	t.Parallel()
	const mail = "mail_server = \"mail.xa.example:587\"\nmail_from = \"comity@xa.example\"\n"
	const to = "mail_to = [\"duty@xa.example\"]\n"
	for _, c := range []struct{ name, text, says string }{
		{"mail without anybody to go to", mail, "all of mail_server, mail_from and mail_to"},
		{"somebody without a server", to, "all of mail_server, mail_from and mail_to"},
		{"a server without a port", "mail_server = \"mail.xa.example\"", "setting mail_server: an address is like"},
		{"a port without a server", "mail_server = \":587\"", "setting mail_server: a server is like"},
		{"an address with a name", mail + "mail_to = [\"Duty <duty@xa.example>\"]", "setting mail_to: an address is like"},
		{"two addresses in one", mail + "mail_to = [\"a@xa.example, b@xa.example\"]", "setting mail_to: an address is like"},
		{"an address with a header behind it", mail + "mail_to = [\"a@xa.example\\r\\nBcc: b@xc.example\"]", "setting mail_to: an address is like"},
		{"a sender with a header behind it", "mail_from = \"a@xa.example\\nBcc: b@xc.example\"", "setting mail_from: an address is like"},
		{"an address in quotes", mail + "mail_to = ['\"a b\"@xa.example']", "setting mail_to: an address is like"},
		{"an address twice", mail + "mail_to = [\"a@xa.example\", \"a@xa.example\"]", "named twice"},
		{"seventeen addresses", mail + "mail_to = [" + strings.Repeat("\"a@xa.example\",", 17) + "]", "setting mail_to: at most 16"},
		{"an open line to elsewhere", mail + to + "mail_tls = \"none\"", "setting mail_tls: none is for a server on this machine"},
		{"a password over an open line", strings.Replace(mail, "mail.xa.example", "127.0.0.1", 1) + to + "mail_tls = \"none\"\nmail_user = \"u\"\nmail_password_file = \"p\"", "setting mail_user: nobody signs in without TLS"},
		{"TLS if it pleases", mail + to + "mail_tls = \"opportunistic\"", "setting mail_tls: one of"},
		{"a user without a password", mail + to + "mail_user = \"u\"", "both mail_user and mail_password_file"},
		{"a password that is not there", mail + to + "mail_user = \"u\"\nmail_password_file = \"absent\"", "setting mail_password_file: there is no file"},
		{"a webhook over http", "webhook_url = \"http://hooks.xa.example/\"\nwebhook_secret_file = \"s\"", "setting webhook_url: https"},
		{"a webhook with a password", "webhook_url = \"https://u:p@hooks.xa.example/\"\nwebhook_secret_file = \"s\"", "setting webhook_url: https"},
		{"a webhook with a header behind it", "webhook_url = \"https://hooks.xa.example/ HTTP/1.1\"\nwebhook_secret_file = \"s\"", "setting webhook_url: printable"},
		{"a webhook that nobody signs", "webhook_url = \"https://hooks.xa.example/\"", "both webhook_url and webhook_secret_file"},
		{"a digest every second", "notice_every = \"1s\"", "setting notice_every: from 1m0s"},
		{"a language that is not here", "notice_language = \"xx\"", "setting notice_language: one of en, ru"},
		{"a label that is none", "notice_marking = \"TLP:BLUE\"", "setting notice_marking: hide, or a label"},
		{"a label without its scheme", "notice_marking = \"GREEN\"", "setting notice_marking: hide, or a label"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			_, err := Load(folder(t, "code = \"XA\"\n"+c.text), nil)
			if fault.CodeOf(err) != fault.Usage || !strings.Contains(fault.Show(err), c.says) {
				t.Fatalf("got %q: %q, want it to say %q", fault.CodeOf(err), fault.Show(err), c.says)
			}
		})
	}
}

func TestNoticeSecrets(t *testing.T) {
	t.Parallel()
	const text = "code = \"XA\"\nmail_server = \"[::1]:25\"\nmail_from = \"c@xa.example\"\nmail_to = [\"d@xa.example\"]\nmail_user = \"u\"\nmail_password_file = \"p\"\n" +
		"webhook_url = \"http://127.0.0.1:9/x?y=z\"\nwebhook_secret_file = \"s\"\n"
	key := strings.Repeat("k", 24)
	dir := folder(t, text)
	put(t, filepath.Join(dir, "p"), "open sesame\n", 0o600)
	for _, c := range []struct{ line, key, says string }{
		{"whsec_" + base64.StdEncoding.EncodeToString([]byte(key)) + "\n", key, ""},
		{"whsec_" + base64.StdEncoding.EncodeToString([]byte(key[1:])), "", "24 to 64 random bytes"},
		{"whsec_" + base64.StdEncoding.EncodeToString([]byte(strings.Repeat("k", 65))), "", "24 to 64 random bytes"},
		{base64.StdEncoding.EncodeToString([]byte(key)), "", "whsec_"},
		{"whsec_not base64", "", "whsec_"},
	} {
		put(t, filepath.Join(dir, "s"), c.line, 0o600)
		got, err := Load(dir, nil)
		if c.says != "" {
			if fault.CodeOf(err) != fault.Usage || !strings.Contains(fault.Show(err), c.says) || strings.Contains(fault.Show(err), c.line) {
				t.Errorf("%q: %v", c.line, err)
			}
			continue
		}
		if err != nil || string(got.WebhookSecret) != c.key || string(got.MailPassword) != "open sesame" || !got.Mails() || !got.Hooks() {
			t.Fatalf("%q: %+v, %v", c.line, got.Notices, err)
		}
		for _, shown := range []string{fmt.Sprintf("%v %+v %#v", got, got, got), fmt.Sprintf("%v %+v %#v", got.Notices, got.Notices, got.Notices)} {
			if strings.Contains(shown, key) || strings.Contains(shown, "sesame") {
				t.Error("a secret shows:", shown)
			}
		}
	}
}

func TestMayTell(t *testing.T) {
	t.Parallel()
	for most, want := range map[string][]marking.TLP{
		NoticeHide:         {"", "", "", "", ""},
		"TLP:CLEAR":        {marking.Clear, "", "", "", ""},
		"TLP:AMBER":        {marking.Clear, marking.Green, marking.Amber, "", ""},
		"TLP:AMBER+STRICT": {marking.Clear, marking.Green, marking.Amber, marking.AmberStrict, ""},
		"TLP:RED":          marking.TLPs(),
	} {
		c := Notices{NoticeMarking: most}
		for i, tlp := range marking.TLPs() {
			if got := c.MayTell(tlp); got != want[i] {
				t.Errorf("%s: of %s it tells %q", most, tlp, got)
			}
		}
		if got := c.MayTell("BLUE"); got != "" {
			t.Errorf("%s: %q", most, got)
		}
	}
}
