package notice

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"mime"
	"mime/quotedprintable"
	"net"
	"net/smtp"
	"net/textproto"
	"strings"
	"time"

	"github.com/comity-exchange/comity/fault"
)

// How a mail's way is kept from readers and writers between.
const (
	StartTLS = "starttls" // asked for after the greeting; a server that has it not is not used
	TLS      = "tls"      // from the first byte
	Open     = "none"     // not at all: for a server on this machine
)

// Bounds of one try.
const (
	mailTimeout = 30 * time.Second
	maxReplies  = 1 << 20 // bytes that the server may answer
)

// Mail is how mail goes out. It is safe for concurrent use.
type Mail struct {
	Server   string // host:port
	Security string // StartTLS, TLS or Open
	From     string
	User     string // "": nobody signs in
	Password []byte
	Roots    *x509.CertPool // whose certificates are trusted; nil: whose the machine trusts
}

// Send sends a letter under an id, as of a time. It gives who has not got it, and an error that says why: fault.Unavailable, without any address. When the connection
// breaks at the very end, the server may have taken it; then it comes again with the same Message-ID.
func (m *Mail) Send(ctx context.Context, id string, at time.Time, to []string, l Letter) (left []string, err error) {
	raw, err := m.compose(id, at, to, l)
	if err != nil {
		return to, err
	}
	ctx, cancel := context.WithTimeout(ctx, mailTimeout)
	defer cancel()
	c, done, err := m.connect(ctx)
	if err != nil {
		return to, why(ctx, "", err)
	}
	defer done()
	if err := c.Mail(m.From); err != nil {
		return to, why(ctx, "the sender (mail_from)", err)
	}
	var got []string
	var refused error
	for _, r := range to {
		if err := c.Rcpt(r); err != nil {
			left, refused = append(left, r), why(ctx, "a recipient (mail_to)", err)
			continue
		}
		got = append(got, r)
	}
	if len(got) == 0 {
		return to, refused
	}
	w, err := c.Data()
	if err == nil {
		if _, err = w.Write(raw); err == nil {
			err = w.Close()
		}
	}
	if err != nil {
		return to, why(ctx, "the message", err)
	}
	_ = c.Quit() // it has the message
	return left, refused
}

// connect gives a server that is ready for a message. Its connection ends with ctx, and by done.
func (m *Mail) connect(ctx context.Context) (_ *smtp.Client, done func(), err error) {
	host, _, err := net.SplitHostPort(m.Server)
	if err != nil {
		return nil, nil, err
	}
	secure := &tls.Config{ServerName: host, RootCAs: m.Roots, MinVersion: tls.VersionTLS12}
	raw, err := new(net.Dialer).DialContext(ctx, "tcp", m.Server)
	if err != nil {
		return nil, nil, err
	}
	stop := context.AfterFunc(ctx, func() { _ = raw.Close() }) // whoever reads or writes then fails
	end := func() {
		stop()
		_ = raw.Close()
	}
	defer func() {
		if err != nil {
			end()
		}
	}()
	var conn net.Conn = &brief{Conn: raw, left: maxReplies}
	if m.Security == TLS {
		over := tls.Client(conn, secure)
		if err := over.HandshakeContext(ctx); err != nil {
			return nil, nil, err
		}
		conn = over
	}
	c, err := smtp.NewClient(conn, host)
	if err != nil {
		return nil, nil, err
	}
	if err := c.Hello(domain(m.From)); err != nil {
		return nil, nil, err
	}
	if m.Security == StartTLS {
		if ok, _ := c.Extension("STARTTLS"); !ok {
			return nil, nil, fault.New(fault.Unavailable, "", "the mail server offers no STARTTLS: set mail_tls to tls if it wants TLS from the first byte")
		}
		if err := c.StartTLS(secure); err != nil {
			return nil, nil, err
		}
	}
	if m.User == "" {
		return c, end, nil
	}
	return c, end, m.signIn(ctx, c, host)
}

// signIn shows the server who sends. Over an open line nobody signs in.
func (m *Mail) signIn(ctx context.Context, c *smtp.Client, host string) error {
	if _, secure := c.TLSConnectionState(); !secure {
		return fault.New(fault.Unavailable, "", "nobody signs in to a mail server without TLS")
	}
	_, offered := c.Extension("AUTH")
	ways := strings.Fields(strings.ToUpper(offered))
	var how smtp.Auth
	for _, w := range ways {
		switch {
		case w == "PLAIN":
			how = smtp.PlainAuth("", m.User, string(m.Password), host)
		case w == "LOGIN" && how == nil:
			how = &login{m.User, string(m.Password)}
		}
	}
	if how == nil {
		return fault.New(fault.Unavailable, "", "the mail server offers neither PLAIN nor LOGIN to sign in with")
	}
	if err := c.Auth(how); err != nil {
		return why(ctx, "to let the node sign in (mail_user, mail_password_file)", err)
	}
	return nil
}

// login is the mechanism LOGIN: some servers have no other.
type login struct{ user, password string }

// Start implements smtp.Auth.
func (*login) Start(server *smtp.ServerInfo) (string, []byte, error) {
	if !server.TLS {
		return "", nil, errors.New("no TLS")
	}
	return "LOGIN", nil, nil
}

// Next implements smtp.Auth: the server asks for the name, then for the password.
func (l *login) Next(asked []byte, more bool) ([]byte, error) {
	if !more {
		return nil, nil
	}
	if strings.Contains(strings.ToLower(string(asked)), "password") {
		return []byte(l.password), nil
	}
	return []byte(l.user), nil
}

// compose writes the message. No value of a header has a line's end in it, whoever wrote it.
func (m *Mail) compose(id string, at time.Time, to []string, l Letter) ([]byte, error) {
	var b bytes.Buffer
	for _, h := range [][2]string{
		{"Date", at.UTC().Format(time.RFC1123Z)},
		{"From", m.From},
		{"To", strings.Join(to, ", ")},
		{"Subject", mime.QEncoding.Encode("utf-8", l.Subject)},
		{"Message-ID", "<" + id + "@" + domain(m.From) + ">"},
		{"Auto-Submitted", "auto-generated"},
		{"MIME-Version", "1.0"},
		{"Content-Type", "text/plain; charset=utf-8"},
		{"Content-Transfer-Encoding", "quoted-printable"},
	} {
		name, value := h[0], h[1]
		if name == "Subject" { // folded where it was encoded in parts
			value = strings.ReplaceAll(value, "\r\n ", " ")
		}
		if strings.ContainsAny(value, "\r\n\x00") || value == "" {
			return nil, fault.New(fault.Internal, "", "a mail's %s has a line's end in it, or is empty", name)
		}
		b.WriteString(name + ": " + fold(name, value) + "\r\n")
	}
	b.WriteString("\r\n")
	w := quotedprintable.NewWriter(&b)
	if _, err := w.Write([]byte(l.Text)); err != nil {
		return nil, fault.Wrap(err, fault.Internal, "", "a mail cannot be written")
	}
	if err := w.Close(); err != nil {
		return nil, fault.Wrap(err, fault.Internal, "", "a mail cannot be written")
	}
	return b.Bytes(), nil
}

// fold breaks a header's value at blanks, so that no line is long.
func fold(name, value string) string {
	const long = 76
	var b strings.Builder
	col := len(name) + 2
	for i, word := range strings.Split(value, " ") {
		switch {
		case col+1+len(word) > long:
			b.WriteString("\r\n ")
			col = 1
		case i > 0:
			b.WriteByte(' ')
			col++
		}
		b.WriteString(word)
		col += len(word)
	}
	return b.String()
}

// domain is that of an address. The node calls itself so too: its machine's own name is nobody's business.
func domain(address string) string { return address[strings.LastIndexByte(address, '@')+1:] }

// why says what went wrong, in words that name no address. refused is what a server refuses when it answers so.
func why(ctx context.Context, refused string, err error) error {
	var f *fault.Error
	var answer *textproto.Error
	var late net.Error
	say := func(format string, args ...any) error { return fault.New(fault.Unavailable, "", format, args...) }
	switch {
	case errors.As(err, &f):
		return f
	case errors.As(err, &answer) && refused != "":
		return say("the mail server refuses %s: it answers %d", refused, answer.Code)
	case errors.As(err, &answer):
		return say("the mail server is not ready: it answers %d", answer.Code)
	case errors.As(err, new(*tls.CertificateVerificationError)):
		return say("the mail server's certificate is not one that this machine trusts for that name")
	case ctx.Err() != nil, errors.As(err, &late) && late.Timeout():
		return say("the mail server did not answer in time")
	case errors.As(err, new(*net.OpError)) && refused == "":
		return say("the mail server cannot be reached")
	}
	return say("the connection to the mail server broke")
}

// brief is a connection over which only so much is read.
type brief struct {
	net.Conn
	left int
}

var errTooMuch = errors.New("the server answers too much")

// Read implements net.Conn.
func (c *brief) Read(b []byte) (int, error) {
	if c.left <= 0 {
		return 0, errTooMuch
	}
	n, err := c.Conn.Read(b[:min(len(b), c.left)])
	c.left -= n
	return n, err
}
