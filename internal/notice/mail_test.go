package notice

import (
	"context"
	"io"
	"mime"
	"mime/quotedprintable"
	"net/mail"
	"reflect"
	"strings"
	"testing"

	"github.com/comity-exchange/comity/fault"
	"github.com/comity-exchange/comity/internal/notice/noticetest"
)

func letter() Letter {
	return Letter{"FLASH: Comity XA: 1 thing", "Something.\n\n.\n.hidden\nПисьмо\n"}
}

// sender is one that trusts a server.
func sender(p *noticetest.Post, security string) *Mail {
	return &Mail{Server: p.Address(), Security: security, From: "comity@xa.example", Roots: p.Roots}
}

// TestMail sends over each kind of line, signed in or not, and reads what came.
func TestMail(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, security, auth, mechanism string
	}{
		{"starttls", StartTLS, "", ""},
		{"starttls and PLAIN", StartTLS, "LOGIN PLAIN", "PLAIN"},
		{"starttls and LOGIN", StartTLS, "LOGIN XOAUTH2", "LOGIN"},
		{"tls and PLAIN", TLS, "PLAIN", "PLAIN"},
		{"open", Open, "", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			p := noticetest.Open(t, func(p *noticetest.Post) {
				p.TLS, p.Auth, p.User = c.security == TLS, c.auth, "node\x00open sesame"
			})
			m := sender(p, c.security)
			if c.auth != "" {
				m.User, m.Password = "node", []byte("open sesame")
			}
			left, err := m.Send(t.Context(), "N1", moment(0).Std(), []string{"a@xa.example", "b@xa.example"}, letter())
			if err != nil || len(left) != 0 {
				t.Fatal(left, err)
			}
			all := p.Messages()
			if len(all) != 1 {
				t.Fatal(all)
			}
			got := all[0]
			if got.From != "comity@xa.example" || !reflect.DeepEqual(got.To, []string{"a@xa.example", "b@xa.example"}) || got.TLS != (c.security != Open) || got.Auth != c.mechanism {
				t.Errorf("%+v", got)
			}
			read(t, got.Raw, letter())
		})
	}
}

// read holds a message as it came against what was to be said.
func read(t *testing.T, raw string, l Letter) {
	t.Helper()
	for _, line := range strings.Split(raw, "\r\n") {
		if len(line) > 78 || strings.ContainsFunc(line, func(r rune) bool { return r > '~' || r < ' ' }) {
			t.Errorf("a line of %d bytes: %q", len(line), line)
		}
	}
	m, err := mail.ReadMessage(strings.NewReader(raw))
	if err != nil {
		t.Fatal(err)
	}
	subject, err := new(mime.WordDecoder).DecodeHeader(m.Header.Get("Subject"))
	if err != nil || subject != l.Subject {
		t.Errorf("%q, %v", subject, err)
	}
	for name, want := range map[string]string{
		"Date": "Mon, 02 Mar 2026 08:00:00 +0000", "From": "comity@xa.example", "To": "a@xa.example, b@xa.example", "Message-Id": "<N1@xa.example>",
		"Auto-Submitted": "auto-generated", "Content-Type": "text/plain; charset=utf-8",
	} {
		if got := m.Header.Get(name); got != want {
			t.Errorf("%s: %q", name, got)
		}
	}
	if len(m.Header) != 9 {
		t.Errorf("headers nobody knows of: %v", m.Header)
	}
	text, err := io.ReadAll(quotedprintable.NewReader(m.Body))
	if err != nil || strings.ReplaceAll(string(text), "\r\n", "\n") != l.Text {
		t.Errorf("%q, %v", text, err)
	}
}

// A long subject in another script is folded, and read back as it was.
func TestLongSubject(t *testing.T) {
	t.Parallel()
	p := noticetest.Open(t, nil)
	l := Letter{strings.Repeat("новости узла ", 12) + "конец", "x\n"}
	if _, err := sender(p, StartTLS).Send(t.Context(), "N1", moment(0).Std(), []string{"a@xa.example", "b@xa.example"}, l); err != nil {
		t.Fatal(err)
	}
	read(t, p.Messages()[0].Raw, l)
}

// TestMailRefused: what a server may do wrong, what is said of it, and that no address and no password is ever in that.
func TestMailRefused(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name     string
		set      func(*noticetest.Post)
		security string
		user     string
		says     string
	}{
		{"no STARTTLS", func(p *noticetest.Post) { p.Starts = false }, StartTLS, "", "no STARTTLS"},
		{"STARTTLS taken back", func(p *noticetest.Post) { p.Refuse["STARTTLS"] = "454 not now" }, StartTLS, "", "answers 454"},
		{"not ready", func(p *noticetest.Post) { p.Refuse["greeting"] = "554 go away 127.0.0.1" }, StartTLS, "", "not ready: it answers 554"},
		{"another certificate", func(p *noticetest.Post) { _, p.Roots = noticetest.Certificate(t) }, StartTLS, "", "certificate"},
		{"another certificate from the first byte", func(p *noticetest.Post) { p.TLS = true; _, p.Roots = noticetest.Certificate(t) }, TLS, "", "certificate"},
		{"a wrong password", func(p *noticetest.Post) { p.Auth, p.User = "PLAIN", "x\x00y" }, StartTLS, "node", "let the node sign in (mail_user, mail_password_file): it answers 535"},
		{"no way to sign in", func(p *noticetest.Post) { p.Auth = "GSSAPI" }, StartTLS, "node", "neither PLAIN nor LOGIN"},
		{"signing in over an open line", func(p *noticetest.Post) { p.Auth = "PLAIN" }, Open, "node", "without TLS"},
		{"the sender", func(p *noticetest.Post) { p.Refuse["MAIL"] = "550 not you, comity@xa.example" }, StartTLS, "", "the sender (mail_from): it answers 550"},
		{"all who are to get it", func(p *noticetest.Post) { p.Refuse["RCPT"] = "550 nobody" }, StartTLS, "", "a recipient (mail_to): it answers 550"},
		{"the message before it comes", func(p *noticetest.Post) { p.Refuse["DATA"] = "451 later" }, StartTLS, "", "the message: it answers 451"},
		{"no answer at the end", func(p *noticetest.Post) { p.Drop = true }, StartTLS, "", "broke"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			p := noticetest.Open(t, c.set)
			m := sender(p, c.security)
			m.User, m.Password = c.user, []byte("open sesame")
			to := []string{"a@xa.example", "b@xa.example"}
			left, err := m.Send(t.Context(), "N1", moment(0).Std(), to, letter())
			if fault.CodeOf(err) != fault.Unavailable || !strings.Contains(err.Error(), c.says) || !reflect.DeepEqual(left, to) {
				t.Errorf("%v, %v", left, err)
			}
			for _, secret := range []string{"example", "127.0.0.1", "sesame"} {
				if err != nil && strings.Contains(err.Error(), secret) {
					t.Errorf("it names %s: %v", secret, err)
				}
			}
		})
	}
	p := noticetest.Open(t, nil)
	p.Close()
	if _, err := sender(p, StartTLS).Send(t.Context(), "N1", moment(0).Std(), []string{"a@xa.example"}, letter()); err == nil || !strings.Contains(err.Error(), "cannot be reached") {
		t.Error(err)
	}
}

// One who is refused keeps it from nobody else, and is left.
func TestMailToSome(t *testing.T) {
	t.Parallel()
	p := noticetest.Open(t, func(p *noticetest.Post) { p.Refuse["RCPT TO:<b@"] = "450 later" })
	left, err := sender(p, StartTLS).Send(t.Context(), "N1", moment(0).Std(), []string{"a@xa.example", "b@xa.example", "c@xa.example"}, letter())
	if !reflect.DeepEqual(left, []string{"b@xa.example"}) || err == nil || !strings.Contains(err.Error(), "450") {
		t.Error(left, err)
	}
	if all := p.Messages(); len(all) != 1 || !reflect.DeepEqual(all[0].To, []string{"a@xa.example", "c@xa.example"}) {
		t.Error(all)
	}
}

// A server that falls silent at any step holds up nobody for longer than its time, here as long as ctx.
func TestMailHangs(t *testing.T) {
	t.Parallel()
	for _, step := range []string{"EHLO", "STARTTLS", "MAIL", "RCPT", "DATA"} {
		t.Run(step, func(t *testing.T) {
			t.Parallel()
			p := noticetest.Open(t, func(p *noticetest.Post) { p.Silence = step })
			ctx, cancel := context.WithCancel(t.Context())
			go func() {
				<-p.Heard
				cancel()
			}()
			if _, err := sender(p, StartTLS).Send(ctx, "N1", moment(0).Std(), []string{"a@xa.example"}, letter()); err == nil || !strings.Contains(err.Error(), "in time") {
				t.Error(err)
			}
		})
	}
}

// Nothing that is put into a header makes another one, nor does an address make another command.
func TestInjection(t *testing.T) {
	t.Parallel()
	const more = "x\r\nBcc: c@xc.example"
	p := noticetest.Open(t, nil)
	for name, send := range map[string]func(*Mail) error{
		"an id": func(m *Mail) error {
			_, err := m.Send(t.Context(), more, moment(0).Std(), []string{"a@xa.example"}, letter())
			return err
		},
		"a recipient": func(m *Mail) error {
			_, err := m.Send(t.Context(), "N1", moment(0).Std(), []string{"a@xa.example>\r\nRCPT TO:<c@xc.example"}, letter())
			return err
		},
		"a sender": func(m *Mail) error {
			m.From = "a@xa.example\r\nBcc: c@xc.example"
			_, err := m.Send(t.Context(), "N1", moment(0).Std(), []string{"a@xa.example"}, letter())
			return err
		},
	} {
		if err := send(sender(p, StartTLS)); fault.CodeOf(err) != fault.Internal {
			t.Errorf("%s: %v", name, err)
		}
	}
	if all := p.Messages(); len(all) != 0 {
		t.Error(all)
	}
	// A subject is encoded, line's end and all.
	if _, err := sender(p, StartTLS).Send(t.Context(), "N1", moment(0).Std(), []string{"a@xa.example", "b@xa.example"}, Letter{more, "x\n"}); err != nil {
		t.Fatal(err)
	}
	read(t, p.Messages()[0].Raw, Letter{more, "x\n"})
}
