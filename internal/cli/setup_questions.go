package cli

import (
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"

	"monarch/internal/config"
)

// answers are what is known of the service so far.
type answers struct {
	config.Config
	tls string // of the website: none, acme or files
}

// The kinds of certificates that the website may have.
const (
	tlsNone  = "none"
	tlsACME  = "acme"
	tlsFiles = "files"
)

func tlsKind(w config.Web) string {
	switch {
	case w.ACME == config.ACMEOn:
		return tlsACME
	case w.Cert != "":
		return tlsFiles
	}
	return tlsNone
}

// question is something that must be known. Its flag answers it, or somebody at a terminal.
type question struct {
	flag    string
	key     string // the setting that it decides, which is looked at
	heading string // above it
	help    string
	title   string
	secret  bool
	when    func(*answers) bool // nil: always
	now     func(*answers) string
	set     func(*answers, string) error
}

// try takes an answer, or says what is wrong with it and leaves everything as it was.
func (q question) try(a *answers, said string) (wrong string) {
	before := *a
	if err := q.set(a, strings.TrimSpace(said)); err != nil {
		*a = before
		return err.Error()
	}
	if wrong = q.faults(a); wrong != "" {
		*a = before
	}
	return wrong
}

// faults returns what is wrong with the setting that a question decides.
func (q question) faults(a *answers) string {
	if q.key == "" {
		return ""
	}
	return strings.Join(a.Faults(q.key), "\n")
}

// textQuestion is a question for a setting that is a text as it is.
func textQuestion(q question, at func(*config.Config) *string) question {
	q.now = func(a *answers) string { return *at(&a.Config) }
	q.set = func(a *answers, said string) error {
		*at(&a.Config) = said
		return nil
	}
	return q
}

// portQuestion is a question for the port of a listener, whose address stays.
func portQuestion(q question, at func(*config.Config) *string) question {
	q.now = func(a *answers) string { return port(*at(&a.Config)) }
	q.set = func(a *answers, said string) error {
		if n, err := strconv.ParseUint(said, 10, 16); err != nil || n == 0 {
			return fmt.Errorf("%q is no port; choose a number from 1 to 65535", said)
		}
		listen := at(&a.Config)
		host, _, _ := net.SplitHostPort(*listen) // "off" has none
		*listen = net.JoinHostPort(host, said)
		return nil
	}
	return q
}

// questions are asked in this order.
var questions = []question{
	textQuestion(question{
		flag: "host", key: "service.host", heading: "Where clients find the service", title: "Host",
		help: "A host name, or an IPv4 address, that is right as seen from their machines.",
	}, func(c *config.Config) *string { return &c.Service.Host }),
	textQuestion(question{
		flag: "name", key: "service.name", title: "Name of the service",
	}, func(c *config.Config) *string { return &c.Service.Name }),
	portQuestion(question{
		flag: "https-port", key: "passport.https_listen", heading: "Ports", title: "Port for passwords (443)",
		help: "Clients insist on 443 for the password check and on 80 for documents. Ports below 1024 need the capability\n" +
			"of the service's unit, or a redirect: then name the ports that it leads to.",
	}, func(c *config.Config) *string { return &c.Passport.HTTPSListen }),
	portQuestion(question{
		flag: "http-port", key: "passport.http_listen", title: "Port for documents (80)",
	}, func(c *config.Config) *string { return &c.Passport.HTTPListen }),
	websitePort(portQuestion(question{
		flag: "web-port", key: "web.listen", heading: "The website", title: "Port of the website, or off",
		help: "People sign up there, look after their accounts, and chat in the browser.",
	}, func(c *config.Config) *string { return &c.Web.Listen })),
	{
		flag: "web-tls", title: "Certificate: none, acme or files", when: hasWebsite,
		help: "none: plain HTTP, on this network or behind a proxy that speaks HTTPS. acme: Let's Encrypt issues one for a\n" +
			"name that is reached from outside at port 80. files: one of yours.",
		now: func(a *answers) string { return a.tls },
		set: (*answers).setTLS,
	},
	textQuestion(question{
		flag: "web-cert", title: "File with the certificate chain", when: hasFiles,
	}, func(c *config.Config) *string { return &c.Web.Cert }),
	{
		flag: "web-key", title: "File with the private key", when: hasFiles,
		now: func(a *answers) string { return a.Web.Key },
		set: (*answers).setKey,
	},
	textQuestion(question{
		flag: "acme-email", title: "Where the authority may write to", when: hasACME,
	}, func(c *config.Config) *string { return &c.Web.ACMEEmail }),
	textQuestion(question{
		flag: "acme-directory", when: func(*answers) bool { return false }, // for those who know
	}, func(c *config.Config) *string { return &c.Web.ACMEDirectory }),
	{
		flag: "web-url", key: "web.url", title: "Address that people type", when: hasWebsite,
		now: func(a *answers) string {
			if len(a.Faults("web.acme is on")) > 0 {
				return "" // what it would be cannot be certified
			}
			return a.WebURL(a.Web.Listen)
		},
		set: func(a *answers, said string) error {
			if a.Web.URL = ""; said != a.WebURL(a.Web.Listen) {
				a.Web.URL = said
			}
			return nil
		},
	},
	textQuestion(question{
		flag: "registration", key: "accounts.registration", heading: "Accounts", title: "Who may sign up: open, invite or closed",
		help: "open: anybody. invite: whoever has a code of `monarch invite`. closed: you make the accounts.",
	}, func(c *config.Config) *string { return &c.Accounts.Registration }),
	textQuestion(question{
		flag: "smtp-host", heading: "Mail", title: "Mail server (enter: none)",
		help: "With one, addresses are confirmed by letter, and people replace forgotten passwords themselves.",
	}, func(c *config.Config) *string { return &c.SMTP.Host }),
	{
		flag: "smtp-port", key: "smtp.port", title: "Its port", when: hasMail,
		now: func(a *answers) string { return strconv.Itoa(a.SMTP.Port) },
		set: func(a *answers, said string) (err error) {
			if a.SMTP.Port, err = strconv.Atoi(said); err != nil {
				err = fmt.Errorf("%q is no port; choose a number from 1 to 65535", said)
			}
			return err
		},
	},
	textQuestion(question{
		flag: "smtp-tls", key: "smtp.tls", title: "Encryption: starttls, tls or none", when: hasMail,
	}, func(c *config.Config) *string { return &c.SMTP.TLS }),
	textQuestion(question{
		flag: "smtp-from", key: "smtp.from", title: "Address that letters come from", when: hasMail,
	}, func(c *config.Config) *string { return &c.SMTP.From }),
	{
		flag: "smtp-user", title: "Who signs in there, or - for nobody", when: hasMail,
		now: func(a *answers) string { return a.SMTP.User },
		set: func(a *answers, said string) error {
			if a.SMTP.User = said; said == "" {
				a.SMTP.Password, a.SMTP.PasswordFile = "", ""
			} else if a.SMTP.TLS == config.SMTPNoTLS {
				return errors.New("without encryption nobody may sign in there: the password would be for everybody to read")
			}
			return nil
		},
	},
	{
		flag: "smtp-password", title: "Password for that (enter: as it was)", secret: true,
		when: func(a *answers) bool { return hasMail(a) && a.SMTP.User != "" && a.SMTP.PasswordFile == "" },
		now:  func(a *answers) string { return a.SMTP.Password },
		set: func(a *answers, said string) error {
			if a.SMTP.Password = said; said == "" {
				return errors.New("there is none yet; type the one that the mail server knows")
			}
			return nil
		},
	},
	textQuestion(question{
		flag: "smtp-password-file", when: func(*answers) bool { return false }, // for scripts
	}, func(c *config.Config) *string { return &c.SMTP.PasswordFile }),
	{
		flag: "data", heading: "Files", title: "Data directory",
		help: "The database, certificates and their keys. It is its owner's alone.",
		now:  func(a *answers) string { return a.Data.Dir },
		set:  (*answers).setData,
	},
}

func hasWebsite(a *answers) bool { return a.WebListen() != "" }
func hasFiles(a *answers) bool   { return hasWebsite(a) && a.tls == tlsFiles }
func hasACME(a *answers) bool    { return hasWebsite(a) && a.tls == tlsACME }
func hasMail(a *answers) bool    { return a.SMTP.Host != "" }

// websitePort lets a port be none.
func websitePort(q question) question {
	now, set := q.now, q.set
	q.now = func(a *answers) string {
		if a.WebListen() == "" {
			return config.WebOff
		}
		return now(a)
	}
	q.set = func(a *answers, said string) error {
		if said == config.WebOff {
			a.Web.Listen, a.Web.ACME = config.WebOff, config.ACMEOff
			a.tls = tlsNone
			return nil
		}
		return set(a, said)
	}
	return q
}

// setTLS chooses the kind of certificate, and takes back what belongs to the others.
func (a *answers) setTLS(said string) error {
	switch said {
	case tlsNone:
		a.Web.Cert, a.Web.Key, a.Web.ACME = "", "", config.ACMEOff
	case tlsACME:
		a.Web.Cert, a.Web.Key, a.Web.ACME = "", "", config.ACMEOn
	case tlsFiles:
		a.Web.ACME = config.ACMEOff
	default:
		return fmt.Errorf("%q is no such kind; choose %s, %s or %s", said, tlsNone, tlsACME, tlsFiles)
	}
	a.tls = said
	if a.Web.Secure() && strings.HasPrefix(a.Web.URL, "http://") {
		a.Web.URL = "" // it was another website's
	}
	return nil
}

// setKey takes the key, if it is that of the certificate.
func (a *answers) setKey(said string) error {
	a.Web.Key = said
	if a.Web.Cert == "" {
		return errors.New("name the certificate as well")
	}
	if _, err := tls.LoadX509KeyPair(a.Web.Cert, said); err != nil {
		return fmt.Errorf("certificate and key cannot be used: %w", err)
	}
	return nil
}

// setData takes a directory that is there and can be written, or can be made.
func (a *answers) setData(said string) error {
	if said == "" {
		return errors.New("name a directory")
	}
	dir, err := filepath.Abs(said)
	if err != nil {
		return err
	}
	at := dir
	info, err := os.Stat(at)
	for (errors.Is(err, os.ErrNotExist) || errors.Is(err, syscall.ENOTDIR)) && filepath.Dir(at) != at {
		at = filepath.Dir(at)
		info, err = os.Stat(at)
	}
	switch {
	case err != nil:
		return fmt.Errorf("%s cannot be looked at: %w", at, err)
	case !info.IsDir():
		return fmt.Errorf("%s is a file; name a directory", at)
	}
	probe, err := os.CreateTemp(at, "monarch-setup-*.tmp")
	if err != nil {
		return fmt.Errorf("%s cannot be written by you; name another directory, or run this as root or as the user of the service", at)
	}
	probe.Close()
	os.Remove(probe.Name())
	a.Data.Dir = dir
	return nil
}

// suggestion is what a new configuration begins with: what is likely on this machine.
func suggestion() config.Config {
	c := config.Default()
	c.Service.Host = ownAddress()
	for _, l := range []struct {
		listen *string
		want   string
	}{{&c.Passport.HTTPSListen, ":443"}, {&c.Passport.HTTPListen, ":80"}} {
		if free, err := net.Listen("tcp", l.want); err == nil {
			free.Close()
			*l.listen = l.want
		}
	}
	c.Data.Dir = systemData
	if os.Geteuid() != 0 {
		if dir, err := filepath.Abs(config.Default().Data.Dir); err == nil {
			c.Data.Dir = dir
		}
	}
	return c
}

// ownAddress returns an IPv4 address of this machine, one that others may reach if there is any.
func ownAddress() string {
	addrs, _ := net.InterfaceAddrs() // a person names another
	for _, a := range addrs {
		if p, err := netip.ParsePrefix(a.String()); err == nil && p.Addr().Is4() && p.Addr().IsGlobalUnicast() {
			return p.Addr().String()
		}
	}
	return config.Default().Service.Host
}
