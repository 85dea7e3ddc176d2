package config

import (
	"net"
	"net/url"
	"strings"
)

// WebOff is what web.listen says to have no website, as an empty text does.
const WebOff = "off"

// Web is the website: signing up, account pages, and the messenger in the browser.
type Web struct {
	Listen string `toml:"listen"` // "" or "off" is none
	URL    string `toml:"url"`    // "" is service.host with the port of Listen
	Cert   string `toml:"cert"`   // "" speaks plain HTTP
	Key    string `toml:"key"`
}

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
	if c.Web.Cert != "" {
		scheme, usual = "https", "443"
	}
	_, port, err := net.SplitHostPort(bound)
	if err != nil || port == usual {
		return scheme + "://" + c.Service.Host
	}
	return scheme + "://" + net.JoinHostPort(c.Service.Host, port)
}

func (p *problems) web(w Web) {
	if (w.Cert == "") != (w.Key == "") {
		p.add("web.cert and web.key belong together; set both, or neither for plain HTTP")
	}
	if w.URL == "" {
		return
	}
	u, err := url.Parse(w.URL)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" || strings.Trim(u.Path, "/") != "" || u.RawQuery != "" || u.Fragment != "" {
		p.add("web.url is %q; write what people type, like \"https://im.example.com\", without a path, or leave it empty", w.URL)
	}
}

func (p *problems) accounts(a Accounts) {
	p.oneOf("accounts.registration", a.Registration, RegistrationOpen, RegistrationInvite, RegistrationClosed)
	if a.ProofOfWork != 0 && (a.ProofOfWork < 8 || a.ProofOfWork > 26) {
		p.add("accounts.proof_of_work is %d; choose between 8 and 26, or 0 for none", a.ProofOfWork)
	}
}
