package node

import (
	"strings"
	"testing"
	"time"

	"github.com/comity-exchange/comity/internal/config"
	"github.com/comity-exchange/comity/statement"
)

// TestNoticeSettings: processes that share a database and would tell otherwise are found, whatever the setting; nobody learns a setting from what is compared.
func TestNoticeSettings(t *testing.T) {
	t.Parallel()
	key := []byte("the party's")
	of := func(change func(*config.Config)) string {
		c := config.Config{WebURL: "https://desk.xa.example"}
		c.MailServer, c.MailFrom, c.MailTo, c.MailPassword, c.MailPasswordFile = "mail.xa.example:587", "comity@xa.example", []string{"duty@xa.example"}, config.Secret("quince"), "a"
		if change != nil {
			change(&c)
		}
		return noticeDigest(&c, key)
	}
	same := of(nil)
	if none := noticeDigest(&config.Config{}, key); none != "" || len(same) != 32 {
		t.Errorf("%q %q", none, same)
	}
	if of(func(c *config.Config) { c.MailPasswordFile = "/etc/another" }) != same {
		t.Error("where the password lies counts")
	}
	now := time.Date(2026, 11, 22, 3, 0, 0, 0, time.UTC)
	found := func(digests ...string) Finding {
		var all []Sharing
		for i, d := range digests {
			all = append(all, Sharing{State: "agrees", Process: Process{Name: "host:/" + strings.Repeat("x", i), Seen: statement.TimeOf(now), Notices: d}})
		}
		return lookAtProcesses(all, now)
	}
	for name, change := range map[string]func(*config.Config){
		"server": func(c *config.Config) { c.MailServer = "mail.xb.example:587" }, "to": func(c *config.Config) { c.MailTo = append(c.MailTo, "night@xa.example") },
		"password": func(c *config.Config) { c.MailPassword = config.Secret("medlar") }, "webhook": func(c *config.Config) { c.WebhookURL = "https://hooks.xa.example" },
		"parties": func(c *config.Config) { c.NoticeParties = config.NoticeTell }, "span": func(c *config.Config) { c.NoticeDue = time.Hour }, "pages": func(c *config.Config) { c.WebURL = "https://other.xa.example" },
	} {
		other := of(change)
		if other == same {
			t.Errorf("%s does not count", name)
		}
		if f := found(same, "", same, other); f.Health != Warning || !strings.Contains(f.Says, "host:/xxx has other settings of notices") {
			t.Errorf("%s: %+v", name, f)
		}
	}
	for _, digests := range [][]string{{same}, {same, same}, {"", same}, {"", ""}} {
		if f := found(digests...); f.Health != Good {
			t.Errorf("%q: %+v", digests, f)
		}
	}
}
