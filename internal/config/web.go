package config

import (
	"net"
	"net/mail"
	"net/netip"
	"net/url"
	"strings"
)

// WebOff is what web.listen says to have no website, as an empty text does.
const WebOff = "off"

// Web is the website: signing up, account pages, and the messenger in the browser.
type Web struct {
	Listen string `toml:"listen"` // "" or "off" is none
	URL    string `toml:"url"`    // "" is service.host with the port of Listen
	Cert   string `toml:"cert"`   // "" speaks plain HTTP, or has a certificate by ACME
	Key    string `toml:"key"`

	ACME          string `toml:"acme"`
	ACMEEmail     string `toml:"acme_email"` // "" is none
	ACMEDirectory string `toml:"acme_directory"`
	ACMECA        string `toml:"acme_ca"` // "" is whom the system trusts
}

// The values of web.acme.
const (
	ACMEOff = "off" // no certificate is asked for
	ACMEOn  = "on"  // an authority issues one, and renews it
)

// LetsEncrypt is the directory of the authority that most use.
const LetsEncrypt = "https://acme-v02.api.letsencrypt.org/directory"

// Secure reports whether the website speaks HTTPS.
func (w Web) Secure() bool { return w.Cert != "" || w.ACME == ACMEOn }

// Accounts says who may make one, and how.
type Accounts struct {
	Registration string `toml:"registration"`
	ProofOfWork  int    `toml:"proof_of_work"` // bits; 0 asks for none
}

// The values of accounts.registration.
const (
	RegistrationOpen   = "open"   // anybody may sign up
	RegistrationInvite = "invite" // whoever has a code of monarch invite
	RegistrationClosed = "closed" // operators make accounts
)

// WebListen returns where the website listens, or "" for nowhere.
func (c Config) WebListen() string {
	if c.Web.Listen == WebOff {
		return ""
	}
	return c.Web.Listen
}

// WebURL returns where people find the website, which listens on the address bound, without a
// slash at the end; the default spelled out.
func (c Config) WebURL(bound string) string {
	if c.Web.URL != "" {
		return strings.TrimRight(c.Web.URL, "/")
	}
	scheme, usual := "http", "80"
	if c.Web.Secure() {
		scheme, usual = "https", "443"
	}
	_, port, err := net.SplitHostPort(bound)
	if err != nil || port == usual {
		return scheme + "://" + c.Service.Host
	}
	return scheme + "://" + net.JoinHostPort(c.Service.Host, port)
}

// WebHost returns the name that people find the website by, which its certificate has to have.
func (c Config) WebHost() string {
	if u, err := url.Parse(c.WebURL("")); err == nil {
		return strings.ToLower(u.Hostname())
	}
	return c.Service.Host // it is not valid
}

func (p *problems) web(c Config) {
	w := c.Web
	if (w.Cert == "") != (w.Key == "") {
		p.add("web.cert and web.key belong together; set both, or neither for plain HTTP")
	}
	p.acme(c)
	if w.URL == "" {
		return
	}
	u, err := url.Parse(w.URL)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" || strings.Trim(u.Path, "/") != "" || u.RawQuery != "" || u.Fragment != "" {
		p.add("web.url is %q; write what people type, like \"https://im.example.com\", without a path, or leave it empty", w.URL)
	}
}

// acme checks that an authority can be asked, and for a name that it may certify.
func (p *problems) acme(c Config) {
	w := c.Web
	p.oneOf("web.acme", w.ACME, ACMEOff, ACMEOn)
	if u, err := url.Parse(w.ACMEDirectory); err != nil || u.Host == "" || u.Scheme != "https" {
		p.add("web.acme_directory is %q; write the address of an ACME directory, like %q", w.ACMEDirectory, LetsEncrypt)
	}
	if w.ACMEEmail != "" {
		if a, err := mail.ParseAddress(w.ACMEEmail); err != nil || a.Address != w.ACMEEmail {
			p.add("web.acme_email is %q; write an address like \"you@example.com\", or leave it empty", w.ACMEEmail)
		}
	}
	if w.ACME != ACMEOn {
		return
	}
	if w.Cert != "" {
		p.add("web.acme is on, and web.cert names a certificate of yours; set one of the two")
	}
	if strings.HasPrefix(w.URL, "http://") {
		p.add("web.acme is on, and web.url begins with http://; write https://")
	}
	host := c.WebHost()
	if _, err := netip.ParseAddr(host); err == nil || !strings.Contains(host, ".") {
		p.add("web.acme is on, and the website is at %q, which no authority certifies; set web.url to a name, like \"https://im.example.com\"", host)
	}
}

func (p *problems) accounts(a Accounts) {
	p.oneOf("accounts.registration", a.Registration, RegistrationOpen, RegistrationInvite, RegistrationClosed)
	if a.ProofOfWork != 0 && (a.ProofOfWork < 8 || a.ProofOfWork > 26) {
		p.add("accounts.proof_of_work is %d; choose between 8 and 26, or 0 for none", a.ProofOfWork)
	}
}
