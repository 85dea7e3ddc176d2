package web

import (
	"bytes"
	"context"
	"crypto/sha1" //nolint:gosec // thumbprints as old systems show them
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"time"
)

// Clients is what guides tell of the service as clients reach it.
type Clients struct {
	Dispatch string // host and port; empty: Config.Host and 1863
	Login    string // host name and path where passwords are sent
	HTTPS    string // port of the password check here; clients expect 443

	// TLS returns what the password check shows and speaks at the moment; nil: nothing is known.
	TLS func() *tls.Config
}

// The ports that clients know by heart.
const (
	dispatchPort = "1863"
	httpsPort    = "443"
)

func (c Clients) dispatch(host string) (name, port string) {
	if name, port, err := net.SplitHostPort(c.Dispatch); err == nil {
		return name, port
	}
	return host, dispatchPort
}

func (c Clients) loginHost() string {
	host, _, _ := strings.Cut(c.Login, "/")
	return host
}

// authority returns the certificate of an authority that clients have to trust: the last of those
// that the server shows, if it is signed by itself.
func (c Clients) authority() *x509.Certificate {
	if c.TLS == nil {
		return nil
	}
	settings := c.TLS()
	if settings == nil || len(settings.Certificates) == 0 {
		return nil
	}
	chain := settings.Certificates[0].Certificate
	cert, err := x509.ParseCertificate(chain[len(chain)-1])
	if err != nil || !cert.IsCA || !bytes.Equal(cert.RawSubject, cert.RawIssuer) {
		return nil
	}
	return cert
}

// modern reports whether the password check speaks nothing that old Windows does.
func (c Clients) modern() bool {
	if c.TLS == nil {
		return false
	}
	settings := c.TLS()
	return settings != nil && settings.MinVersion > tls.VersionTLS10
}

// surroundings is what guides and files are filled in with.
type surroundings struct {
	Host         string // where clients find the service
	Address      string // its IPv4 address, or an example
	Known        bool   // whether that is the address
	Here         bool   // whether it is good for this machine only
	DispatchHost string
	DispatchPort string
	Login        string
	LoginHost    string
	LoginPath    string
	HTTPS        string
	Handle       string // the visitor's, or an example
	Modern       bool   // see [Clients.modern]
	Authority    *authority

	asked  string // the address that the visitor gave
	system string
	text   *catalogue
	values []any
}

// authority is what a guide says of a certificate.
type authority struct {
	Name       string
	Thumbprint string // SHA-1, as old systems show it
	Old        bool   // signed with SHA-1
	Expires    string
	cert       *x509.Certificate
}

// exampleAddress stands for one that is not known, and is nobody's.
const exampleAddress = "192.0.2.10"

// surroundings finds out what a page is filled in with.
func (s *Server) surroundings(r *http.Request, on *system) surroundings {
	v := visitorOf(r)
	c := s.cfg.Clients
	a := surroundings{Host: s.cfg.Host, Login: c.Login, LoginHost: c.loginHost(), HTTPS: c.HTTPS, Handle: "alice@example.com", Modern: c.modern(), text: v.text}
	a.DispatchHost, a.DispatchPort = c.dispatch(s.cfg.Host)
	_, a.LoginPath, _ = strings.Cut(c.Login, "/")
	if v.Account != nil {
		a.Handle = v.Account.Handle
	}
	addr := s.address(r.Context())
	if asked, err := netip.ParseAddr(r.FormValue("address")); err == nil && asked.Is4() && (inside(asked) || inside(addr)) {
		addr, a.asked = asked, asked.String()
	}
	a.Address, a.Known = exampleAddress, addr.IsValid()
	if a.Known {
		a.Address, a.Here = addr.String(), addr.IsLoopback()
	}
	if cert := c.authority(); cert != nil {
		a.Authority = describeAuthority(cert)
	}
	a.values = s.guideValues(a)
	if on != nil && on.ID != "" {
		a.system = on.ID
		a.values = append(a.values, "file", code(on.Hosts))
	}
	return a
}

// shared are addresses behind the router of a provider, which are nobody else's either.
var shared = netip.MustParsePrefix("100.64.0.0/10")

// inside reports whether an address says nothing to the rest of the world. Only then may a visitor
// give another one: links that others make must not lead his programs to them.
func inside(a netip.Addr) bool {
	return !a.IsValid() || a.IsPrivate() || a.IsLoopback() || a.IsLinkLocalUnicast() || shared.Contains(a)
}

// guideValues returns what may be in any text of the area: what is the service's, and what is to be
// typed as it is.
func (s *Server) guideValues(a surroundings) []any {
	say := a.text.text
	values := []any{
		"service", s.cfg.Name,
		"patcher", link("/connect/patch", say("connect.patch_link")), "guide", link("/connect/msn-messenger-5-6", say("connect.patch_guide")),
		"msn5", link("/connect/msn-messenger-5-6", say("connect.msn5")),
		"messenger", link("/messenger", say("base.messenger")), "join", link("/join", say("base.join")),
	}
	dir := strings.NewReplacer("@", "_", ".", "_").Replace(a.Handle) // as aMSN names it
	for _, each := range [][2]string{
		{"host", a.Host},
		{"address", a.Address},
		{"handle", a.Handle},
		{"server", a.DispatchHost},
		{"port", a.DispatchPort},
		{"server_port", a.DispatchHost + ":" + a.DispatchPort},
		{"login_host", a.LoginHost},
		{"ping", "ping " + a.Host},
		{"ping_old", "ping messenger.hotmail.com"},
		{"sudo", "sudo nano /etc/hosts"},
		{"certutil", "certutil -addstore Root monarch-ca.crt"},
		{"renew", "monarch cert --renew --sha1"},
		{"try", "https://login.passport.com/"},
		{"login_old", "https://login.passport.com/login2.srf"},
		{"tls10", say("connect.use", "protocol", "TLS 1.0")},
		{"tls12", say("connect.use", "protocol", "TLS 1.2")},
		{"revocation", say("connect.revocation")},
		{"passport_key", `HKEY_LOCAL_MACHINE\Software\Microsoft\Windows\CurrentVersion\Internet Settings\Passport`},
		{"accounts", "~/.purple/accounts.xml"},
		{"purple", "/usr/share/purple/ca-certs/"},
		{"tls", "tls"},
		{"amsn_file", "~/.amsn/" + dir + "/config.xml"},
		{"amsn_dir", "~/.amsn"},
		{"blist", "blist"},
		{"add", "add 0 bob@example.com"},
		{"chat", "chat"},
		{"miranda_exe", "miranda32.exe"},
		{"passport_host", "MsnPassportHost"},
		{"monarch", "monarch"},
		{"downloads", "--downloads"},
		{"command", "monarch patch msnmsgr.exe"},
	} {
		values = append(values, each[0], code(each[1]))
	}
	return values
}

func describeAuthority(cert *x509.Certificate) *authority {
	sum := sha1.Sum(cert.Raw) //nolint:gosec // see the import
	return &authority{
		Name: cert.Subject.CommonName, Thumbprint: strings.ReplaceAll(fmt.Sprintf("% X", sum[:]), " ", ":"),
		Old: cert.SignatureAlgorithm == x509.SHA1WithRSA, Expires: cert.NotAfter.UTC().Format(time.DateOnly), cert: cert,
	}
}

// query returns the query of an address of a guide: what the visitor chose, with one value changed.
func (a surroundings) query(pairs ...string) string {
	v := make(url.Values)
	if a.asked != "" {
		v.Set("address", a.asked)
	}
	for i := 0; i+1 < len(pairs); i += 2 {
		v.Set(pairs[i], pairs[i+1])
	}
	if len(v) == 0 {
		return ""
	}
	return "?" + v.Encode()
}

// FileURL returns where a file is.
func (a surroundings) FileURL(name string) string { return "/connect/files/" + name + a.query() }

// IsAddress reports whether clients are told an address instead of a name.
func (a surroundings) IsAddress() bool {
	_, err := netip.ParseAddr(a.Host)
	return err == nil
}

// HostsLines are the names that clients have built in, led to the service.
// docs/clients/README.md
func (a surroundings) HostsLines() []string {
	lines := []string{
		"messenger.hotmail.com gateway.messenger.hotmail.com",
		"nexus.passport.com login.passport.com loginnet.passport.com msnialogin.passport.com login.live.com",
		"config.messenger.msn.com messenger.msn.com svcs.microsoft.com g.msn.com rad.msn.com",
		"members.msn.com memberservices.passport.net",
	}
	if a.IsAddress() && a.LoginHost != "" && !strings.Contains(strings.Join(lines, " "), a.LoginHost) {
		lines = append(lines, a.LoginHost) // a service without a name of its own has it in no DNS
	}
	for i := range lines {
		lines[i] = a.Address + " " + lines[i]
	}
	return lines
}

// resolved is the address that the service's name had lately.
type resolved struct {
	addr  netip.Addr // zero: none that is of use elsewhere
	until time.Time
}

// How long an address is taken for right, and how long the question may take.
const (
	resolvedLife  = 5 * time.Minute
	resolveWithin = 2 * time.Second
)

// address returns the IPv4 address of the service, or the zero address if it is not known.
func (s *Server) address(ctx context.Context) netip.Addr {
	if addr, err := netip.ParseAddr(s.cfg.Host); err == nil {
		if addr.Is4() {
			return addr
		}
		return netip.Addr{}
	}
	now := s.cfg.Clock.Now()
	if last := s.resolved.Load(); last != nil && now.Before(last.until) {
		return last.addr
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), resolveWithin) // it is for those after him, too
	defer cancel()
	next := &resolved{until: now.Add(resolvedLife)}
	if found, err := net.DefaultResolver.LookupNetIP(ctx, "ip4", s.cfg.Host); err == nil && len(found) > 0 {
		// A machine often has its own name for 127.0.1.1, which is right nowhere else.
		if addr := found[0].Unmap(); !addr.IsLoopback() || s.cfg.Host == "localhost" {
			next.addr = addr
		}
	}
	s.resolved.Store(next)
	return next.addr
}
