package doctor_test

import (
	"context"
	"errors"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"monarch/internal/config"
	"monarch/internal/doctor"
	"monarch/internal/loopback"
	"monarch/internal/msntest"
	"monarch/internal/passport"
	"monarch/internal/store"
)

// freePorts is a configuration for a server on any free ports, with a data directory of its
// own.
func freePorts(t *testing.T) config.Config {
	t.Helper()
	cfg := config.Default()
	msntest.FreePorts(&cfg)
	cfg.Data.Dir = filepath.Join(t.TempDir(), "data")
	return cfg
}

// serve runs a server until the test ends, and returns its configuration with the ports it
// got.
func serve(t *testing.T, cfg config.Config) config.Config {
	t.Helper()
	s := msntest.Serve(t, cfg)
	cfg.Dispatch.Listen, cfg.Notification.Listen = s.Addr("dispatch"), s.Addr("notification")
	cfg.Switchboard.Listen, cfg.Ops.Listen = s.Addr("switchboard"), s.Addr("ops")
	cfg.Passport.HTTPSListen, cfg.Passport.HTTPListen, cfg.Web.Listen = s.Addr("https"), s.Addr("http"), s.Addr("web")
	return cfg
}

// state says whether a server runs on what is examined.
type state bool

const (
	running state = true
	stopped state = false
)

// examine returns the findings, on a machine where no name has an address.
func examine(t *testing.T, cfg config.Config, s state) findings {
	t.Helper()
	return examineWith(t, cfg, s, func(context.Context, string, string) (net.Conn, error) {
		return nil, errors.New("there is no name server")
	})
}

// examineWith is examine with a way to a name server.
func examineWith(t *testing.T, cfg config.Config, s state, dial func(context.Context, string, string) (net.Conn, error)) findings {
	t.Helper()
	return doctor.Examine(t.Context(), doctor.Patient{
		Config: cfg, Running: bool(s), Resolver: &net.Resolver{PreferGo: true, Dial: dial},
		Command: func(rest string) string { return "monarch " + rest },
	})
}

type findings []doctor.Finding

// expect wants a finding of a check, of a level, that says certain words.
func (all findings) expect(t *testing.T, level doctor.Level, check, says string) {
	t.Helper()
	for _, f := range all {
		if f.Check == check && f.Level == level && strings.Contains(f.Found, says) {
			if (level == doctor.Problem || level == doctor.Warning) == (f.Do == "") {
				t.Errorf("%s, %s: what to do is %q", level, check, f.Do)
			}
			return
		}
	}
	t.Errorf("no %s of %s that says %q in:\n%s", level, check, says, all)
}

// sound wants no problem at all.
func (all findings) sound(t *testing.T) {
	t.Helper()
	for _, f := range all {
		if f.Level == doctor.Problem {
			t.Errorf("%+v", f)
		}
	}
}

func (all findings) String() string {
	var b strings.Builder
	for _, f := range all {
		b.WriteString(string(f.Level) + ", " + f.Check + ": " + f.Found + "\n")
	}
	return b.String()
}

func TestARunningServerIsSound(t *testing.T) {
	cfg := serve(t, freePorts(t))
	all := examine(t, cfg, running)
	all.sound(t)
	all.expect(t, doctor.OK, "settings", "valid")
	all.expect(t, doctor.OK, "data directory", "private")
	all.expect(t, doctor.OK, "database", "Sound")
	all.expect(t, doctor.OK, "certificate", "good until 31 December 2037")
	all.expect(t, doctor.Warning, "service.host", "this machine only")
	all.expect(t, doctor.OK, "dispatch server", "speaks MSNP9")
	all.expect(t, doctor.OK, "notification server", "speaks MSNP9")
	all.expect(t, doctor.OK, "switchboard", "accepts connections")
	all.expect(t, doctor.OK, "sign-in (HTTPS)", "answers as the nexus")
	all.expect(t, doctor.OK, "documents (HTTP)", "gives the documents")
	all.expect(t, doctor.OK, "operations", "ready")
	all.expect(t, doctor.OK, "TLS 1.0", "Accepted with RSA and 3DES, RC4, AES")
	all.expect(t, doctor.OK, "file limit", "for the running server")
	for _, port := range []string{"1863", "443", "80"} {
		if nc, err := net.Dial("tcp", "127.0.0.1:"+port); err == nil { // somebody else's, who may be a Monarch
			nc.Close()
			continue
		}
		all.expect(t, doctor.Warning, "port "+port, "Clients ask it")
	}
}

func TestAServerThatDoesNotRunYet(t *testing.T) {
	cfg := freePorts(t)
	all := examine(t, cfg, stopped)
	all.sound(t)
	all.expect(t, doctor.Warning, "data directory", "not there yet")
	all.expect(t, doctor.Skipped, "database", "none yet")
	all.expect(t, doctor.Skipped, "certificate", "none yet")
	all.expect(t, doctor.Skipped, "TLS 1.0", "does not run")
	all.expect(t, doctor.OK, "dispatch server", "is free")
	if _, err := os.Stat(cfg.Data.Dir); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the examination made the data directory: %v", err)
	}
}

func TestWithoutLegacyTLSOldHandshakesAreRefused(t *testing.T) {
	cfg := freePorts(t)
	cfg.Passport.LegacyTLS = false
	cfg = serve(t, cfg)
	all := examine(t, cfg, running)
	all.sound(t)
	all.expect(t, doctor.OK, "TLS 1.0", "Refused, as passport.legacy_tls is off")

	cfg.Passport.LegacyTLS = true // and the server was not restarted
	examine(t, cfg, running).expect(t, doctor.Problem, "TLS 1.0", "Refused with RSA and 3DES, RC4, AES")
}

func TestOldHandshakesThatShouldBeRefused(t *testing.T) {
	cfg := serve(t, freePorts(t))
	cfg.Passport.LegacyTLS = false
	examine(t, cfg, running).expect(t, doctor.Problem, "TLS 1.0", "though passport.legacy_tls is off")
}

func TestListenersThatDoNotAnswer(t *testing.T) {
	nobody := loopback.Address(t)
	other := stranger(t)
	for name, c := range map[string]struct {
		change func(*config.Config)
		check  string
		level  doctor.Level
		says   string
	}{
		"a closed port":                   {func(c *config.Config) { c.Switchboard.Listen = nobody }, "switchboard", doctor.Problem, "refused"},
		"another program's port":          {func(c *config.Config) { c.Dispatch.Listen = other }, "dispatch server", doctor.Problem, "like no messenger server"},
		"no TLS":                          {func(c *config.Config) { c.Passport.HTTPSListen = other }, "sign-in (HTTPS)", doctor.Problem, "tls"},
		"another web server":              {func(c *config.Config) { c.Passport.HTTPListen = other }, "documents (HTTP)", doctor.Problem, "without the document"},
		"health checks elsewhere":         {func(c *config.Config) { c.Ops.Listen = other }, "operations", doctor.Problem, "/readyz answers"},
		"a wrong advertised port":         {func(c *config.Config) { c.Notification.Advertise = nobody }, "notification server", doctor.Problem, "clients are told " + nobody},
		"an advertised router's address":  {func(c *config.Config) { c.Notification.Advertise = "router.invalid:1863" }, "notification server", doctor.Warning, "router.invalid"},
		"a switchboard elsewhere as well": {func(c *config.Config) { c.Switchboard.Listen += ", " + nobody }, "switchboard", doctor.Problem, nobody},
	} {
		t.Run(name, func(t *testing.T) {
			cfg := serve(t, freePorts(t))
			c.change(&cfg)
			examine(t, cfg, running).expect(t, c.level, c.check, c.says)
		})
	}
}

func TestPortsThatCannotBeBound(t *testing.T) {
	cfg := freePorts(t)
	cfg.Dispatch.Listen = stranger(t)
	cfg.Notification.Listen = "192.0.2.1:1864" // set aside for documents: no machine has it
	all := examine(t, cfg, stopped)
	all.expect(t, doctor.Problem, "dispatch server", "another program uses")
	all.expect(t, doctor.Problem, "notification server", "Nothing can listen")
}

// stranger listens like another program, and answers whatever it is told with a word.
func stranger(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			_, _ = c.Read(make([]byte, 1024))
			_, _ = c.Write([]byte("220 hello\r\n"))
			c.Close()
		}
	}()
	t.Cleanup(func() {
		l.Close()
		<-done
	})
	return l.Addr().String()
}

func TestHostsThatAreWrong(t *testing.T) {
	for host, c := range map[string]struct {
		level doctor.Level
		says  string
	}{
		"no-such-host.invalid": {doctor.Problem, "no address"},
		"0.0.0.0":              {doctor.Problem, "no address to connect to"},
		"192.0.2.1":            {doctor.OK, "no address of this machine"},
	} {
		cfg := freePorts(t)
		cfg.Service.Host = host
		examine(t, cfg, stopped).expect(t, c.level, "service.host", c.says)
	}
}

func TestSettingsThatAreRarelyMeant(t *testing.T) {
	cfg := freePorts(t)
	cfg.Limits.Rates = config.RatesOff
	cfg.Ops.Listen = ":0"
	cfg.Passport.Templates = filepath.Join(t.TempDir(), "absent")
	all := examine(t, cfg, stopped)
	all.expect(t, doctor.Warning, "settings", "limits.rates")
	all.expect(t, doctor.Warning, "settings", "ops.listen")
	all.expect(t, doctor.Problem, "settings", "passport.templates")
}

func TestDataDirectories(t *testing.T) {
	open, file := t.TempDir(), filepath.Join(t.TempDir(), "file")
	if err := os.Chmod(open, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for dir, c := range map[string]struct {
		level doctor.Level
		says  string
	}{
		open:                         {doctor.Warning, "mode 0755"},
		file:                         {doctor.Problem, "is a file"},
		filepath.Join(file, "below"): {doctor.Problem, "cannot be looked at"},
		"/proc":                      {doctor.Problem, "cannot be written"}, // by nobody, not even root
	} {
		cfg := freePorts(t)
		cfg.Data.Dir = dir
		examine(t, cfg, stopped).expect(t, c.level, "data directory", c.says)
	}
}

func TestDatabases(t *testing.T) {
	for name, c := range map[string]struct {
		spoil func(t *testing.T, path string)
		level doctor.Level
		says  string
	}{
		"garbage": {func(t *testing.T, path string) {
			write(t, path, strings.Repeat("garbage ", 4096))
		}, doctor.Problem, "damaged"},
		"cut short": {func(t *testing.T, path string) {
			if err := os.Truncate(path, 12288); err != nil {
				t.Fatal(err)
			}
		}, doctor.Problem, "damaged"},
		"open to others": {func(t *testing.T, path string) {
			if err := os.Chmod(path, 0o644); err != nil {
				t.Fatal(err)
			}
		}, doctor.Problem, "holds secrets"},
		"in good order": {func(*testing.T, string) {}, doctor.OK, "1 account"},
	} {
		t.Run(name, func(t *testing.T) {
			cfg := freePorts(t)
			cfg.Data.Dir = t.TempDir()
			s, err := store.Open(t.Context(), cfg.DatabaseURL())
			if err != nil {
				t.Fatal(err)
			}
			if _, err := s.CreateUser(t.Context(), "alice@example.com", "", ""); err != nil {
				t.Fatal(err)
			}
			if err := s.Close(); err != nil {
				t.Fatal(err)
			}
			c.spoil(t, filepath.Join(cfg.Data.Dir, "monarch.db"))
			examine(t, cfg, stopped).expect(t, c.level, "database", c.says)
		})
	}
}

func TestAFileOfSomebodyElse(t *testing.T) {
	cfg := freePorts(t)
	cfg.Data.Dir = t.TempDir()
	path := filepath.Join(cfg.Data.Dir, "monarch.db")
	write(t, path, "")
	if err := os.Chown(path, 65534, 65534); err != nil {
		if os.Geteuid() == 0 {
			t.Fatal(err)
		}
		return // only root can give files away
	}
	examine(t, cfg, stopped).expect(t, doctor.Warning, "data directory", "monarch.db")
}

func TestAnAccountOfTheFutureTellsOfAWrongClock(t *testing.T) {
	cfg := freePorts(t)
	cfg.Data.Dir = t.TempDir()
	s, err := store.Open(t.Context(), cfg.DatabaseURL())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.CreateUser(t.Context(), "alice@example.com", "", ""); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	execSQL(t, filepath.Join(cfg.Data.Dir, "monarch.db"), `UPDATE account SET created = created + 86400`)
	examine(t, cfg, stopped).expect(t, doctor.Problem, "clock", "made later")
}

func TestACertificateThatTheServerDoesNotShow(t *testing.T) {
	cfg := serve(t, freePorts(t))
	if _, err := passport.RenewCertificate(cfg.Data.Dir, cfg.Hosts(), passport.SHA1); err != nil {
		t.Fatal(err)
	}
	all := examine(t, cfg, running)
	all.expect(t, doctor.Problem, "sign-in (HTTPS)", "another certificate")
	all.expect(t, doctor.Warning, "certificate", "SHA-1")
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// Where the server takes connections from this machine for those of a proxy, all is well too.
func TestAProxyOnThisMachineIsNoProblem(t *testing.T) {
	cfg := freePorts(t)
	cfg.Networks.Proxies = []string{"127.0.0.0/8"}
	cfg = serve(t, cfg)
	got := examine(t, cfg, running)
	for _, check := range []string{
		"dispatch server", "notification server", "switchboard", "sign-in (HTTPS)", "documents (HTTP)", "operations", "TLS 1.0",
	} {
		got.expect(t, doctor.OK, check, "")
	}
}
