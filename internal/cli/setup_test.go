package cli_test

import (
	"crypto/tls"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"monarch/internal/config"
	"monarch/internal/im"
	"monarch/internal/loopback"
	"monarch/internal/store"
	"monarch/msnclient"
)

// split returns the host and the port of an address.
func split(t *testing.T, addr string) (host, port string) {
	t.Helper()
	host, port, err := net.SplitHostPort(addr)
	if err != nil {
		t.Fatal(err)
	}
	return host, port
}

// setUp runs setup without a terminal and returns the configuration it wrote, too.
func setUp(t *testing.T, file, stdin string, args ...string) (result, config.Config) {
	t.Helper()
	r := run(stdin, append([]string{"--config", file, "setup"}, args...)...)
	if r.code != 0 {
		t.Fatalf("%q: exit code %d\n%s%s", args, r.code, r.out, r.errout)
	}
	cfg, err := config.Load(file, nil)
	if err != nil {
		t.Fatal(err)
	}
	return r, cfg
}

// role returns the role of an account.
func role(t *testing.T, cfg config.Config, email string) im.Role {
	t.Helper()
	s, err := store.Open(t.Context(), cfg.DatabaseURL())
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}()
	u, err := s.User(t.Context(), email)
	if err != nil {
		t.Fatal(err)
	}
	return u.Role
}

func TestSetupByFlags(t *testing.T) {
	dir := t.TempDir()
	file, data := filepath.Join(dir, "etc", "monarch.toml"), filepath.Join(dir, "data")
	secret := filepath.Join(dir, "secret")
	if err := os.WriteFile(secret, []byte("sesame\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	https, http, web := loopback.Port(t), loopback.Port(t), loopback.Port(t)
	mailHost, mailPort := split(t, loopback.Address(t))
	r, cfg := setUp(t, file, "open sesame\n",
		"--host", "127.0.0.1", "--name", "Our Place", "--https-port", https, "--http-port", http, "--web-port", web,
		"--web-url", "https://im.example.com", "--registration", "invite", "--smtp-host", mailHost, "--smtp-port", mailPort,
		"--smtp-tls", "tls", "--smtp-from", "robot@example.com", "--smtp-user", "robot", "--smtp-password-file", secret,
		"--data", data, "--admin", "You@example.com", "--password-stdin")
	want := config.Default()
	want.Service = config.Service{Host: "127.0.0.1", Name: "Our Place"}
	want.Passport.HTTPSListen, want.Passport.HTTPListen = ":"+https, ":"+http
	want.Web.Listen, want.Web.URL = ":"+web, "https://im.example.com"
	want.Accounts.Registration, want.Data.Dir = "invite", data
	want.SMTP = cfg.SMTP
	if diff := cmp.Diff(want, cfg); diff != "" {
		t.Error(diff)
	}
	if s := cfg.SMTP; s.Host != mailHost || s.TLS != "tls" || s.From != "robot@example.com" || s.User != "robot" || s.PasswordFile != secret {
		t.Errorf("%+v", s)
	}
	if got := role(t, cfg, "you@example.com"); got != im.Administrator {
		t.Errorf("the administrator's role is %q", got)
	}
	for _, text := range []string{"you@example.com is an administrator.", "serve", "doctor", "patch msnmsgr.exe", "https://im.example.com/connect", "--to-ports " + https} {
		if !strings.Contains(r.out, text) {
			t.Errorf("it does not say %q:\n%s", text, r.out)
		}
	}
	if !strings.Contains(r.errout, "does not take invitations") || strings.Contains(r.out+r.errout, "sesame") {
		t.Errorf("of the mail server:\n%s", r.errout)
	}
	if info, err := os.Stat(data); err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("the data directory: %v, %v", info, err)
	}
	for _, name := range []string{"monarch.db", "server.pem"} {
		if _, err := os.Stat(filepath.Join(data, name)); err != nil {
			t.Error(err)
		}
	}
}

func TestSetupMakesAPasswordAndShowsItOnce(t *testing.T) {
	file := filepath.Join(t.TempDir(), "monarch.toml")
	r, cfg := setUp(t, file, "", "--data", filepath.Join(t.TempDir(), "data"), "--host", "127.0.0.1", "--admin", "you@example.com", "--yes")
	made := regexp.MustCompile(`with the password ([a-z0-9]{12})\n`).FindStringSubmatch(r.out)
	if made == nil {
		t.Fatalf("no password in:\n%s", r.out)
	}
	if got := role(t, cfg, "you@example.com"); got != im.Administrator {
		t.Errorf("role %q", got)
	}
	again, _ := setUp(t, file, "", "--admin", "you@example.com")
	if !strings.Contains(again.out, "is an administrator now; the password stays as it was") {
		t.Errorf("the second time:\n%s", again.out)
	}
}

func TestSetupAgainKeepsWhatItWasNotTold(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "monarch.toml")
	const before = "# mine\n[limits]\nmax_contacts = 100\n[service]\nname = \"Before\"\nhost = \"127.0.0.1\"\n[smtp]\nfrom = \"a@example.com\"\npassword = \"sesame\"\nuser = \"a\"\n"
	if err := os.WriteFile(file, []byte(before), 0o600); err != nil {
		t.Fatal(err)
	}
	args := []string{"--config", file, "--data", filepath.Join(dir, "data"), "setup", "--name", "After"}
	if r := run("", args...); r.code != 1 || !strings.Contains(r.errout, "Add --force") {
		t.Errorf("over a configuration: %+v", r)
	}
	shown := run("", append(args, "--dry-run")...)
	if text, err := os.ReadFile(file); err != nil || string(text) != before || shown.code != 0 {
		t.Fatalf("a dry run has changed the file: %s, %v; %+v", text, err, shown)
	}
	if _, err := os.Stat(filepath.Join(dir, "data")); err == nil {
		t.Error("a dry run has made the data directory")
	}
	r := run("", append(args, "--force")...)
	text, err := os.ReadFile(file)
	if err != nil || r.code != 0 || string(text) != shown.out {
		t.Errorf("%+v, %v, wrote\n%s\nwhich is not what was shown:\n%s", r, err, text, shown.out)
	}
	cfg, err := config.Load(file, nil)
	if err != nil || cfg.Limits.MaxContacts != 100 || cfg.Service.Name != "After" || cfg.SMTP.Password != "sesame" {
		t.Errorf("%+v, %v", cfg, err)
	}
	if info, err := os.Stat(file); err != nil || info.Mode().Perm()&0o007 != 0 {
		t.Errorf("a file with a secret: %v, %v", info.Mode(), err)
	}
	kept, err := filepath.Glob(file + ".before-*")
	if err != nil || len(kept) != 1 {
		t.Fatalf("kept %q, %v", kept, err)
	}
	if text, err := os.ReadFile(kept[0]); err != nil || string(text) != before {
		t.Errorf("kept %q, %v", text, err)
	}
	if r := run("", "--config", file, "setup"); r.code != 0 {
		t.Errorf("a third time, with nothing new: %+v", r)
	}
	if kept, _ := filepath.Glob(file + ".before-*"); len(kept) != 1 {
		t.Errorf("kept %q of what did not change", kept)
	}
}

func TestSetupRefusesWhatCannotBe(t *testing.T) {
	dir := t.TempDir()
	taken, err := net.Listen("tcp", ":0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	_, busy, _ := net.SplitHostPort(taken.Addr().String())
	file := filepath.Join(dir, "a file")
	broken := filepath.Join(dir, "broken.toml")
	for path, text := range map[string]string{file: "", broken: "[service\n"} {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for _, c := range []struct {
		name string
		args []string
		code int
		want string
	}{
		{"a port that another makes room for", []string{"--http-port", "8080", "--web-port", loopback.Port(t), "--dry-run"}, 0, ""},
		{"a host with a port", []string{"--host", "im.example.com:1863"}, 2, `--host: service.host is "im.example.com:1863"; give the host name alone`},
		{"an address of IPv6", []string{"--host", "2001:db8::1"}, 2, "know IPv4 addresses and host names only"},
		{"no name", []string{"--name", ""}, 2, "--name: service.name is"},
		{"a port that is none", []string{"--https-port", "x"}, 2, `--https-port: "x" is no port; choose a number from 1 to 65535`},
		{"a port too high", []string{"--web-port", "70000"}, 2, `--web-port: "70000" is no port`},
		{"a port twice", []string{"--http-port", "8080"}, 2, "passport.http_listen and web.listen both have"},
		{"a port in use", []string{"--http-port", busy}, 0, "another program uses :" + busy},
		{"an unknown name", []string{"--host", "nobody.invalid"}, 0, "nobody.invalid has no address here"},
		{"an unknown certificate", []string{"--web-tls", "ssl"}, 2, `--web-tls: "ssl" is no such kind; choose none, acme or files`},
		{"files that are absent", []string{"--web-tls", "files", "--web-cert", "no.pem", "--web-key", "no.key"}, 2, "--web-key: certificate and key cannot be used"},
		{"ACME for an address", []string{"--web-tls", "acme", "--host", "192.0.2.10"}, 2, "which no authority certifies"},
		{"a website below a path", []string{"--web-url", "https://example.com/im"}, 2, "--web-url: web.url is"},
		{"somebody may sign up", []string{"--registration", "some"}, 2, `--registration: accounts.registration is "some"; choose "open"`},
		{"mail from nobody", []string{"--smtp-host", "127.0.0.1"}, 2, `smtp.from is ""`},
		{"mail in an unknown way", []string{"--smtp-host", "127.0.0.1", "--smtp-tls", "ssl"}, 2, "--smtp-tls: smtp.tls is"},
		{"a data directory that is a file", []string{"--data", file}, 2, "a file is a file; name a directory"},
		{"an administrator who is none", []string{"--admin", "you"}, 2, `--admin: "you" is no address an account can have`},
		{"an empty password", []string{"--admin", "you@example.com", "--password-stdin"}, 2, "the password is empty"},
		{"a broken configuration", []string{"--config", broken}, 1, "Correct the file, or move it away"},
	} {
		t.Run(c.name, func(t *testing.T) {
			args := append([]string{"--config", filepath.Join(t.TempDir(), "monarch.toml"), "--data", filepath.Join(t.TempDir(), "data"), "setup", "--host", "127.0.0.1"}, c.args...)
			r := run("", args...)
			if said := strings.Join(strings.Fields(r.errout), " "); r.code != c.code || !strings.Contains(said, c.want) {
				t.Errorf("exit code %d, want %d and %q in:\n%s", r.code, c.code, c.want, r.errout)
			}
		})
	}
}

// What setup wrote is what a server starts with, and its administrator signs in.
func TestAServerStartsWithWhatSetupWrote(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "monarch.toml")
	dispatch, login, page, web := loopback.Address(t), loopback.Address(t), loopback.Address(t), loopback.Address(t)
	host, https := split(t, login)
	_, http := split(t, page)
	_, site := split(t, web)
	text := "[dispatch]\nlisten = \"" + dispatch + "\"\n[notification]\nlisten = \"127.0.0.1:0\"\n[switchboard]\nlisten = \"127.0.0.1:0\"\n[ops]\nlisten = \"127.0.0.1:0\"\n" +
		"[passport]\nhttps_listen = \"" + host + ":1\"\nhttp_listen = \"" + host + ":2\"\n[web]\nlisten = \"" + host + ":3\"\n"
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	_, cfg := setUp(t, file, "secret\n", "--force", "--data", filepath.Join(dir, "data"), "--https-port", https, "--http-port", http,
		"--web-port", site, "--admin", "you@example.com", "--password-stdin")
	if cfg.Passport.HTTPSListen != login {
		t.Errorf("the address of the listener has changed: %s", cfg.Passport.HTTPSListen)
	}
	startServer(t, "--config", file, "serve")
	if r := run("", "--config", file, "setup", "--name", "Other", "--force"); r.code != 0 ||
		!strings.Contains(r.errout, "A server runs on") || !strings.Contains(r.out, "reload") || strings.Contains(r.errout, "uses") {
		t.Errorf("while a server runs: %+v", r)
	}
	c, err := msnclient.Dial(t.Context(), msnclient.Config{
		Handle: "you@example.com", Password: "secret", Server: dispatch, Login: "https://" + login + "/login2.srf",
		TLS: &tls.Config{InsecureSkipVerify: true},
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Close(); err != nil {
		t.Error(err)
	}
}
