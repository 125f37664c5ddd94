package config

import (
	"net"
	"net/netip"
	"net/url"
	"strings"

	"github.com/comity-exchange/comity/fault"
	"github.com/comity-exchange/comity/wire"
)

const maxProxies = 16

// checkWeb holds the settings of the pages against each other: nobody signs in over a line that others can read.
func (c *Config) checkWeb() error {
	secure := strings.HasPrefix(c.WebURL, "https:")
	switch {
	case (c.WebCertificate == "") != (c.WebKey == ""):
		return fault.New(fault.Usage, "", "the settings name both web_certificate and web_key, or neither")
	case c.WebCertificate != "" && !secure:
		return bad("web_url", "with web_certificate it begins with https://")
	case c.WebListen != "" && !secure && !isLoopback(c.WebListen):
		return bad("web_listen", "without https only an address of this machine, like 127.0.0.1:8080: give web_certificate and web_key, or web_url where a proxy before it does https")
	case (c.OIDCIssuer == "") != (c.OIDCClient == ""):
		return fault.New(fault.Usage, "", "the settings name both oidc_issuer and oidc_client, or neither")
	case c.SessionLife < c.SessionIdle:
		return bad("session_life", "at least as long as session_idle")
	}
	return nil
}

// WebOrigin is what browsers call the pages; "" where there are none, or where that is known only once they are served.
func (c *Config) WebOrigin() string {
	if c.WebURL != "" || c.WebListen == "" {
		return c.WebURL
	}
	if _, port, err := net.SplitHostPort(c.WebListen); err == nil && port != "0" {
		return "http://localhost:" + port
	}
	return ""
}

// isLoopback tells an address that nobody but this machine reaches.
func isLoopback(address string) bool {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return false
	}
	ip, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && ip.IsLoopback()
}

// checkOrigin is for the origin of the pages. Passkeys are bound to its host, which is a name; empty is none.
func checkOrigin(key, v string) error {
	if v == "" {
		return nil
	}
	u, err := url.Parse(v)
	if err != nil || u.Host == "" || u.Scheme+"://"+u.Host != v || v != strings.ToLower(v) {
		return bad(key, "an origin is like https://desk.xa.example, without a path")
	}
	if u.Port() != "" {
		if err := checkAddress(key, u.Host); err != nil {
			return err
		}
	}
	host := u.Hostname()
	if _, err := netip.ParseAddr(host); err == nil {
		return bad(key, "a name and no number: passkeys are bound to it")
	}
	if u.Scheme != "https" && (u.Scheme != "http" || host != "localhost" && !strings.HasSuffix(host, ".localhost")) {
		return bad(key, "https; http is for http://localhost alone")
	}
	if u.Port() == "443" && u.Scheme == "https" || u.Port() == "80" && u.Scheme == "http" || strings.HasSuffix(u.Host, ":") || strings.HasSuffix(host, ".") {
		return bad(key, "written as browsers do, without the port that goes without saying")
	}
	return checkText(key, v)
}

// checkIssuer is for a provider of identities; empty is none.
func checkIssuer(key, v string) error {
	if v == "" {
		return nil
	}
	u, err := url.Parse(v)
	if err != nil || u.Host == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" || u.Scheme != "https" && (u.Scheme != "http" || !isLoopback(net.JoinHostPort(u.Hostname(), "1"))) {
		return bad(key, "an issuer is like https://id.xa.example, without a name, a password or a query")
	}
	return checkText(key, v)
}

func checkSources(key string, v []string) error {
	if len(v) > maxSources {
		return bad(key, "at most %d", maxSources)
	}
	for _, name := range v {
		if !wire.IsIdentifier(name) {
			return bad(key, "sources are named as they were opened, like sensors")
		}
	}
	return nil
}

const maxSources = 16

func checkProxies(key string, v []string) error {
	if len(v) > maxProxies {
		return bad(key, "at most %d", maxProxies)
	}
	for _, s := range v {
		if _, err := netip.ParseAddr(s); err != nil {
			return bad(key, "addresses are like 127.0.0.1 or ::1")
		}
	}
	return nil
}
