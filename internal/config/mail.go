package config

import (
	"net/mail"
	"net/url"
	"strings"
)

// minToken is the shortest mail.hook_token that cannot be guessed.
const minToken = 16

// Secret returns the password for the mail server: that of the file, if one is named.
func (s SMTP) Secret() (string, error) {
	if s.PasswordFile == "" {
		return s.Password, nil
	}
	return firstLine("smtp.password_file", s.PasswordFile, "password")
}

// mail checks the sections mail and smtp. Values that may be secret are not repeated.
func (p *problems) mail(m Mail, s SMTP) {
	if m.URL != "" {
		u, err := url.Parse(strings.NewReplacer("{email}", "e", "{user}", "u", "{domain}", "d").Replace(m.URL))
		switch {
		case err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || strings.ContainsAny(m.URL, " \t\r\n\"<>"):
			p.add("mail.url is %q; write a web address like \"https://mail.example.com/?login={email}\", or leave it empty", m.URL)
		case strings.ContainsAny(u.String(), "{}") || strings.Contains(u.String(), "%7B"):
			p.add("mail.url is %q; only {email}, {user} and {domain} may stand in braces", m.URL)
		}
	}
	if t := m.HookToken; t != "" && (len(t) < minToken || strings.ContainsAny(t, " \t\r\n")) {
		p.add("mail.hook_token is shorter than %d characters or has blanks; make one with: openssl rand -hex 20", minToken)
	}
	p.smtp(s)
}

func (p *problems) smtp(s SMTP) {
	p.oneOf("smtp.tls", s.TLS, SMTPStartTLS, SMTPTLS, SMTPNoTLS)
	if s.Host == "" {
		return
	}
	if s.Port < 1 || s.Port > 65535 {
		p.add("smtp.port is %d; choose between 1 and 65535", s.Port)
	}
	if strings.ContainsAny(s.Host, ":/ \t") {
		p.add("smtp.host is %q; give the host name alone, the port belongs to smtp.port", s.Host)
	}
	if _, err := mail.ParseAddress(s.From); err != nil || strings.ContainsAny(s.From, "\r\n") {
		p.add("smtp.from is %q; give the address that invitations come from, like \"robot@example.com\"", s.From)
	}
	if (s.User == "") != (s.Password == "" && s.PasswordFile == "") {
		p.add("smtp.user and a password belong together; set both or neither")
	}
	if s.User != "" && s.TLS == SMTPNoTLS {
		p.add("smtp.tls is %q, which would send the password of smtp.user in the clear; choose %q or %q", SMTPNoTLS, SMTPStartTLS, SMTPTLS)
	}
}
