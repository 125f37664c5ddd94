package noticetest

import (
	"bufio"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"fmt"
	"math/big"
	"net"
	"net/textproto"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// Post is a mail server. It takes what it is sent as RFC 5321 has it, and fails as it is told.
type Post struct {
	t        testing.TB
	listener net.Listener
	cert     tls.Certificate
	Roots    *x509.CertPool // whose certificate it has

	TLS     bool              // from the first byte
	Starts  bool              // it offers STARTTLS
	Auth    string            // what it offers after that; "": nothing
	User    string            // who may, a zero byte, and the password
	Refuse  map[string]string // a command's beginning → the answer to it
	Silence string            // the command that it never answers
	Drop    bool              // when the message is whole it is kept, and the connection ends without an answer

	Heard chan string // told of Silence

	mu  sync.Mutex
	got []Mailed // guarded by mu
}

// Mailed is a message that came.
type Mailed struct {
	From string
	To   []string
	Raw  string
	TLS  bool
	Auth string // the mechanism by which its sender signed in
}

// Open begins one; set changes it before it listens.
func Open(t testing.TB, set func(*Post)) *Post {
	t.Helper()
	p := &Post{t: t, Starts: true, Refuse: map[string]string{}, Heard: make(chan string, 1)}
	p.cert, p.Roots = Certificate(t)
	if set != nil {
		set(p)
	}
	l, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p.listener = l
	var open sync.WaitGroup
	open.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			open.Go(func() { p.serve(c) })
		}
	})
	t.Cleanup(func() {
		l.Close()
		open.Wait()
	})
	return p
}

// Certificate makes one for 127.0.0.1, and who trusts it.
func Certificate(t testing.TB) (tls.Certificate, *x509.CertPool) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), NotBefore: time.Unix(0, 0), NotAfter: time.Date(2100, 1, 1, 0, 0, 0, 0, time.UTC), IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
	}
	raw, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	parsed, err := x509.ParseCertificate(raw)
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	pool.AddCert(parsed)
	return tls.Certificate{Certificate: [][]byte{raw}, PrivateKey: key}, pool
}

// Address is its host and port.
func (p *Post) Address() string { return p.listener.Addr().String() }

// Close has nobody reach it any more.
func (p *Post) Close() { p.listener.Close() }

// Messages are those that came.
func (p *Post) Messages() []Mailed {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Clone(p.got)
}

func (p *Post) serve(c net.Conn) {
	defer func() { c.Close() }()
	m := Mailed{}
	if p.TLS {
		c, m.TLS = tls.Server(c, &tls.Config{Certificates: []tls.Certificate{p.cert}}), true
	}
	text := textproto.NewConn(c)
	say := func(s string) { _ = text.PrintfLine("%s", s) }
	if a, ok := p.Refuse["greeting"]; ok {
		say(a)
		return
	}
	say("220 mail.xa.example ESMTP")
	for {
		line, err := text.ReadLine()
		if err != nil {
			return
		}
		verb := strings.ToUpper(strings.SplitN(line, " ", 2)[0])
		if p.Silence == verb {
			p.Heard <- verb
			_, _ = text.ReadLine() // until the other side goes
			return
		}
		if a, ok := p.refused(line); ok {
			say(a)
			continue
		}
		switch verb {
		case "EHLO":
			p.hello(m.TLS, say)
		case "STARTTLS":
			say("220 go on")
			c, m.TLS = tls.Server(c, &tls.Config{Certificates: []tls.Certificate{p.cert}}), true
			text = textproto.NewConn(c)
		case "AUTH":
			m.Auth = p.signIn(line, text, say)
		case "MAIL":
			m.From = between(line)
			say("250 ok")
		case "RCPT":
			m.To = append(m.To, between(line))
			say("250 ok")
		case "DATA":
			say("354 go on")
			raw, err := bufferDot(text)
			if err != nil {
				return
			}
			m.Raw = raw
			p.mu.Lock()
			p.got = append(p.got, m)
			p.mu.Unlock()
			if p.Drop {
				return
			}
			say("250 it is here")
		case "QUIT":
			say("221 goodbye")
			return
		default:
			say("502 what is that?")
		}
	}
}

func (p *Post) refused(line string) (string, bool) {
	for beginning, answer := range p.Refuse {
		if strings.HasPrefix(line, beginning) {
			return answer, true
		}
	}
	return "", false
}

func (p *Post) hello(secure bool, say func(string)) {
	offers := []string{"mail.xa.example", "8BITMIME"}
	if p.Starts && !secure {
		offers = append(offers, "STARTTLS")
	}
	if p.Auth != "" && secure {
		offers = append(offers, "AUTH "+p.Auth)
	}
	for i, o := range offers {
		sep := "-"
		if i == len(offers)-1 {
			sep = " "
		}
		say("250" + sep + o)
	}
}

// signIn is AUTH PLAIN and AUTH LOGIN. It gives the mechanism where name and password hold.
func (p *Post) signIn(line string, text *textproto.Conn, say func(string)) string {
	ask := func(what string) string {
		say("334 " + base64.StdEncoding.EncodeToString([]byte(what)))
		answer, _ := text.ReadLine()
		raw, _ := base64.StdEncoding.DecodeString(answer)
		return string(raw)
	}
	fields := strings.Fields(line)
	got := ""
	switch {
	case len(fields) == 3 && fields[1] == "PLAIN":
		raw, _ := base64.StdEncoding.DecodeString(fields[2])
		got = string(raw)
	case len(fields) == 2 && fields[1] == "LOGIN":
		got = "\x00" + ask("Username:") + "\x00" + ask("Password:")
	}
	if got != "\x00"+p.User {
		say("535 no")
		return ""
	}
	say("235 come in")
	return fields[1]
}

func between(line string) string {
	_, rest, _ := strings.Cut(line, "<")
	inside, _, _ := strings.Cut(rest, ">")
	return inside
}

// bufferDot reads a message as it came, lines ended as they were.
func bufferDot(text *textproto.Conn) (string, error) {
	var b strings.Builder
	r := bufio.NewReader(text.R)
	for {
		line, err := r.ReadString('\n')
		if err != nil {
			return "", err
		}
		if line == ".\r\n" {
			return b.String(), nil
		}
		if !strings.HasSuffix(line, "\r\n") {
			return "", fmt.Errorf("a line ends badly: %q", line)
		}
		b.WriteString(strings.TrimPrefix(line, "."))
	}
}
