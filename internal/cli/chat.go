package cli

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/term"

	"monarch/internal/admin"
	"monarch/internal/command"
	"monarch/internal/config"
	"monarch/internal/im"
	"monarch/internal/tui"
	"monarch/msnclient"
)

type chatCmd struct {
	Email         string `arg:"" help:"Whom to sign in. The messenger asks for the password."`
	Server        string `help:"Server, with :PORT if it is not 1863. Without one, the server of the data directory on this machine, or messenger.hotmail.com." placeholder:"HOST"`
	Nexus         string `name:"nexus" help:"Where to ask for the login server." placeholder:"URL" xor:"signin"`
	Login         string `name:"login" help:"Login server, without asking." placeholder:"URL" xor:"signin"`
	CA            string `name:"ca" help:"Certificate authority to trust, a PEM file." placeholder:"FILE" xor:"trust"`
	Insecure      bool   `help:"Do not check certificates. Whoever is on the way can read the password." xor:"trust"`
	PasswordStdin bool   `name:"password-stdin" help:"Read the password from standard input."`
	Downloads     string `help:"Where to save files, in place of the present directory." placeholder:"DIR"`
}

// Help gives the example.
func (*chatCmd) Help() string {
	return "monarch chat alice@example.com\n" +
		"monarch chat alice@example.com --server im.example.com --ca monarch-ca.pem"
}

// caFile is the certificate authority's certificate in a data directory.
const caFile = "ca.pem"

// legacyHost is a name that every certificate of ours covers.
// docs/protocol/passport.md#names
const legacyHost = "login.passport.com"

// Run runs the messenger.
func (c *chatCmd) Run(ctx context.Context, a *app) error {
	handle, err := im.ParseHandle(c.Email)
	if err != nil {
		return command.UsageError(fmt.Sprintf("%q is no e-mail address", c.Email))
	}
	if f, ok := a.stdout.(*os.File); !ok || !term.IsTerminal(int(f.Fd())) {
		return command.UsageError("chat needs a terminal to show itself on")
	}
	cfg := tui.Config{Downloads: c.Downloads}
	if cfg.Client, cfg.Where, err = c.connection(ctx, a); err != nil {
		return err
	}
	cfg.Client.Handle, cfg.Client.Reconnect = handle, true
	if c.PasswordStdin {
		if cfg.Client.Password, err = a.readPassword(ctx, true); err != nil {
			return err
		}
	}
	return tui.Run(ctx, cfg)
}

// connection says where the servers are and whom to trust. where names the server for people.
func (c *chatCmd) connection(ctx context.Context, a *app) (cfg msnclient.Config, where string, err error) {
	cfg = msnclient.Config{Server: c.Server, Nexus: c.Nexus, Login: c.Login}
	switch {
	case c.Insecure:
		cfg.TLS = &tls.Config{InsecureSkipVerify: true, MinVersion: tls.VersionTLS12} //nolint:gosec // asked for by name
	case c.CA != "":
		if cfg.TLS, err = trusting(c.CA); err != nil {
			return cfg, "", err
		}
	}
	if c.Server == "" || isThisMachine(c.host()) {
		addrs, dir, err := c.nearby(ctx, a)
		if err != nil {
			return cfg, "", err
		}
		if addrs != nil {
			conf, err := a.load()
			if err != nil {
				return cfg, "", err
			}
			cfg.Dialer = introducing(conf.Networks, addrs)
			err = c.near(&cfg, addrs, dir)
			return cfg, "the server on this machine", err
		}
	}
	if c.Server == "" {
		return cfg, "messenger.hotmail.com", nil
	}
	cfg.Dialer = passportAt(c.host(), httpsPort(c.Nexus))
	return cfg, c.Server, nil
}

// host returns the name in --server.
func (c *chatCmd) host() string {
	if host, _, err := net.SplitHostPort(c.Server); err == nil {
		return host
	}
	return strings.Trim(c.Server, "[]")
}

// port returns the port in --server, "" for none.
func (c *chatCmd) port() string {
	_, p, err := net.SplitHostPort(c.Server)
	if err != nil {
		return ""
	}
	return p
}

// nearby looks for a server that runs on this machine, on the data directory of the
// configuration or of a demonstration, and returns its addresses; none if there is no such
// server, or if --server names another port than its own.
func (c *chatCmd) nearby(ctx context.Context, a *app) (addrs map[string]string, dir string, err error) {
	conf, err := a.load()
	if err != nil {
		return nil, "", err
	}
	dirs := []string{conf.Data.Dir}
	if a.data == "" && a.config == "" {
		dirs = append(dirs, demoDir)
	}
	for _, dir := range dirs {
		if !own(dir) {
			continue
		}
		client, err := admin.Dial(ctx, dir)
		if errors.Is(err, admin.ErrNotRunning) || errors.Is(err, fs.ErrPermission) {
			continue
		}
		if err != nil {
			return nil, "", err
		}
		addrs, err := client.Listeners(ctx)
		client.Close()
		if err != nil {
			return nil, "", err
		}
		if p := c.port(); p == "" || p == port(addrs["dispatch"]) {
			return addrs, dir, nil
		}
	}
	return nil, "", nil
}

// near fills in what a server on this machine makes known.
func (c *chatCmd) near(cfg *msnclient.Config, addrs map[string]string, dir string) error {
	cfg.Server = reachable(addrs["dispatch"])
	if c.Nexus != "" || c.Login != "" {
		return nil
	}
	cfg.Login = "https://" + reachable(addrs["https"]) + "/login2.srf"
	if cfg.TLS != nil {
		return nil
	}
	trust, err := trusting(filepath.Join(dir, caFile))
	if errors.Is(err, fs.ErrNotExist) {
		return nil // its certificate is not of our own making: the system decides
	}
	if err != nil {
		return err
	}
	trust.ServerName = legacyHost
	cfg.TLS = trust
	return nil
}

// introducing returns a dialer that tells the listeners of a server on this machine that this is
// no proxy, where they would take it for one.
func introducing(n config.Networks, addrs map[string]string) func(ctx context.Context, network, addr string) (net.Conn, error) {
	guarded := make(map[string]bool) // ports
	for name, addr := range addrs {
		guarded[port(addr)] = name != "ops"
	}
	return func(ctx context.Context, network, addr string) (net.Conn, error) {
		var d net.Dialer
		c, err := d.DialContext(ctx, network, addr)
		if err != nil {
			return nil, err
		}
		if hello := n.Introduction(c.LocalAddr()); hello != "" && guarded[port(addr)] {
			if _, err := io.WriteString(c, hello); err != nil {
				c.Close()
				return nil, err
			}
		}
		return c, nil
	}
}

// reachable returns an address to connect to for one that is listened on.
func reachable(addr string) string {
	host, port, err := net.SplitHostPort(addr)
	if err != nil {
		return addr
	}
	if ip := net.ParseIP(host); host == "" || ip != nil && ip.IsUnspecified() {
		host = "127.0.0.1"
	}
	return net.JoinHostPort(host, port)
}

// trusting returns a configuration that trusts the authority in a file, and no other.
func trusting(path string) (*tls.Config, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("read certificate authority: %w", err)
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(text) {
		return nil, fmt.Errorf("%s holds no certificate in PEM form", path)
	}
	return &tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS12}, nil
}

// isThisMachine reports whether a host is this one.
func isThisMachine(host string) bool {
	if own, err := os.Hostname(); host == "localhost" || err == nil && host == own {
		return true
	}
	ip := net.ParseIP(host)
	if ip == nil {
		return false
	}
	addrs, err := net.InterfaceAddrs()
	if err != nil {
		return ip.IsLoopback()
	}
	for _, a := range addrs {
		if n, ok := a.(*net.IPNet); ok && n.IP.Equal(ip) {
			return true
		}
	}
	return ip.IsLoopback()
}

// passportAt returns a dialer that finds the sign-in service's names of old on a host: one
// who names a server means all of it. Certificates are checked by those names.
func passportAt(host, https string) func(ctx context.Context, network, addr string) (net.Conn, error) {
	return func(ctx context.Context, network, addr string) (net.Conn, error) {
		name, port, err := net.SplitHostPort(addr)
		if err == nil && strings.HasSuffix(name, ".passport.com") {
			if port == "443" {
				port = https
			}
			addr = net.JoinHostPort(host, port)
		}
		var d net.Dialer
		return d.DialContext(ctx, network, addr)
	}
}

// httpsPort returns the port of a nexus, where the login server is too unless it says
// otherwise.
func httpsPort(nexus string) string {
	if u, err := url.Parse(nexus); err == nil && u.Port() != "" {
		return u.Port()
	}
	return "443"
}
