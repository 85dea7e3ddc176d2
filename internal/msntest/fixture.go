package msntest

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"monarch/internal/admin"
	"monarch/internal/auth"
	"monarch/internal/clock"
	"monarch/internal/config"
	"monarch/internal/im"
	"monarch/internal/server"
	"monarch/internal/store"
	"monarch/msnp"
)

// nicks are the people every fixture has. Their handles are at example.com, their passwords
// secret-alice and so on.
var nicks = []string{"Alice", "Bob", "Carol", "Dave", "Erin"}

// Fixture is a complete server on free ports of the loopback, with accounts.
type Fixture struct {
	Server *server.Server
	Store  *store.Store
	Clock  *clock.Clock

	t      testing.TB
	config config.Config
	others []*Fixture // further nodes of its service, on the same clock; see Spread
	cancel context.CancelFunc
	ended  chan error // of Run; one value
}

// Start starts a server with the default settings but for the given ones, by the names of
// the configuration file. It ends with the test, which fails if it does not end cleanly.
func Start(t testing.TB, settings map[string]string) *Fixture {
	t.Helper()
	return startOn(t, settings, 1)
}

// startOn starts a service of some nodes.
func startOn(t testing.TB, settings map[string]string, nodes int) *Fixture {
	t.Helper()
	cfg, err := config.Load("", environ(settings))
	if err != nil {
		t.Fatal(err)
	}
	if cfg.Database.URL == "" {
		if cfg.Database.URL = newDatabase(t); cfg.Database.URL != "" {
			cfg.Database.MaxConnections = connections
		}
	}
	f := run(t, cfg, nodes)
	for _, nick := range nicks {
		if err := f.addAccount(t.Context(), newPerson(nick)); err != nil {
			t.Fatal(err)
		}
	}
	return f
}

// run starts nodes with a configuration, on free ports, until the test ends.
func run(t testing.TB, cfg config.Config, nodes int) *Fixture {
	t.Helper()
	FreePorts(&cfg)
	cfg.Passport.Cert = writeFile(t, "cert.pem", certificate().cert)
	cfg.Passport.Key = writeFile(t, "key.pem", certificate().key)
	if nodes > 1 { // with a certificate, as a secret costs a node the time that is to keep others from guessing it
		cfg.Cluster.Mode = config.ClusterEmbedded
		cfg.Cluster.Cert = writeFile(t, "node.pem", nodeCertificate().cert)
		cfg.Cluster.Key, cfg.Cluster.CA = writeFile(t, "node.key", nodeCertificate().key), cfg.Cluster.Cert
	}
	var f *Fixture
	for i := range nodes {
		cfg.Data.Dir = t.TempDir()
		if nodes > 1 {
			cfg.Cluster.Node = nodeName(i)
		}
		if n := (&Fixture{t: t, config: cfg}); i == 0 {
			f = n
		} else {
			f.others = append(f.others, n)
		}
	}
	if err := f.start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := f.stop(); err != nil {
			t.Errorf("stop server: %v", err)
		}
	})
	return f
}

// Roots trust the server.
func (*Fixture) Roots() *x509.CertPool { return certificate().pool }

// FreePorts lets every listener that is not configured take any free port of the loopback.
func FreePorts(cfg *config.Config) {
	def := config.Default()
	for _, l := range []struct{ listen, usual *string }{
		{&cfg.Dispatch.Listen, &def.Dispatch.Listen},
		{&cfg.Notification.Listen, &def.Notification.Listen},
		{&cfg.Switchboard.Listen, &def.Switchboard.Listen},
		{&cfg.Passport.HTTPSListen, &def.Passport.HTTPSListen},
		{&cfg.Passport.HTTPListen, &def.Passport.HTTPListen},
		{&cfg.Web.Listen, &def.Web.Listen},
		{&cfg.Ops.Listen, &def.Ops.Listen},
		{&cfg.Cluster.Listen, &def.Cluster.Listen},
	} {
		if *l.listen == *l.usual {
			*l.listen = "127.0.0.1:0"
		}
	}
}

// Serve runs a server until the test ends, which fails if that does not end cleanly. Nobody has
// an account there.
func Serve(t testing.TB, cfg config.Config) *server.Server {
	t.Helper()
	clk := clock.New()
	s, err := server.New(cfg, slog.New(slog.NewTextHandler(t.Output(), nil)), clk)
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- s.Run(ctx) }()
	t.Cleanup(func() {
		stop()
		if err := <-ended; err != nil {
			t.Error(err)
		}
		clk.Close()
	})
	<-s.Ready()
	return s
}

// environ returns settings as the environment variables that they are.
func environ(settings map[string]string) []string {
	variables := make([]string, 0, len(settings))
	for key, value := range settings {
		variables = append(variables, "MONARCH_"+strings.ToUpper(strings.ReplaceAll(key, ".", "_"))+"="+value)
	}
	return variables
}

// Reload gives the running node other settings, by their names. The rest stays.
func (f *Fixture) Reload(settings map[string]string) (admin.Report, error) {
	changed, err := config.Load("", environ(settings))
	if err != nil {
		return admin.Report{}, err
	}
	next := f.config.With(changed, slices.Collect(maps.Keys(settings))...)
	report, err := f.Server.Reload(next)
	if err == nil {
		f.config = next
	}
	return report, err
}

func writeFile(t testing.TB, name string, content []byte) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, content, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// start starts the nodes and waits until they serve.
func (f *Fixture) start() error {
	clk := clock.New()
	for i, n := range f.All() {
		if i > 0 {
			n.config.Cluster.Peers = []string{f.Server.Addr("cluster")}
		}
		if err := n.launch(clk); err != nil {
			return err
		}
		if i == 0 {
			if err := n.serving(); err != nil {
				return err
			}
		}
	}
	for _, n := range f.others {
		if err := n.serving(); err != nil {
			return err
		}
	}
	return f.meet()
}

// launch builds the server and runs it.
func (f *Fixture) launch(clk *clock.Clock) error {
	f.Clock = clk
	s, err := server.New(f.config, slog.New(slog.NewTextHandler(f.t.Output(), nil)), clk)
	if err != nil {
		return fmt.Errorf("build server: %w", err)
	}
	f.Server, f.Store = s, s.Store()
	var ctx context.Context
	ctx, f.cancel = context.WithCancel(context.Background())
	f.ended = make(chan error, 1)
	go func() { f.ended <- s.Run(ctx) }() // stop waits for it
	return nil
}

// serving waits until the server serves.
func (f *Fixture) serving() error {
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case <-f.Server.Ready():
			return nil
		case err := <-f.ended:
			f.cancel = nil
			return fmt.Errorf("run server: %w", err)
		case <-tick.C:
			f.hurry()
		}
	}
}

// stop ends the nodes, if they run, and waits until they have.
func (f *Fixture) stop() error {
	if f.cancel == nil {
		return nil
	}
	f.end()
	return f.await()
}

// end tells the nodes to stop.
func (f *Fixture) end() {
	for _, n := range f.All() {
		n.cancel()
	}
}

// await waits until the nodes have ended.
func (f *Fixture) await() error {
	defer f.Clock.Close()
	timeout := time.NewTimer(4 * patience)
	defer timeout.Stop()
	var failed error
	for _, n := range f.All() {
		defer n.cancel()
		n.cancel = nil
		select {
		case err := <-n.ended:
			failed = errors.Join(failed, err)
		case <-timeout.C:
			return fmt.Errorf("it still runs after %v", 4*patience)
		}
	}
	return failed
}

// Dial connects to one of the servers: dispatch, notification or switchboard.
func (f *Fixture) Dial(server string) (net.Conn, error) {
	return net.Dial("tcp", f.Server.Addr(server))
}

// opened returns how many connections one of the servers has taken until now.
func (f *Fixture) opened(server string) (int, error) {
	resp, err := http.Get("http://" + f.Server.Addr("ops") + "/metrics")
	if err != nil {
		return 0, fmt.Errorf("read metrics: %w", err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		return 0, fmt.Errorf("read metrics: %w", err)
	}
	_, rest, found := strings.Cut(string(text), `monarch_connections_opened_total{role="`+server+`"} `)
	if !found {
		return 0, nil
	}
	count, _, _ := strings.Cut(rest, "\n")
	return strconv.Atoi(count)
}

// AddAccount makes one more account, which has no password.
func (f *Fixture) AddAccount(handle, name string) (im.User, error) {
	return f.Store.CreateUser(context.Background(), handle, name, "")
}

// Ticket makes a ticket as the login service would.
func (f *Fixture) Ticket(u im.User) (string, error) { return f.ticket(u, 0) }

func (f *Fixture) ticket(u im.User, age time.Duration) (string, error) {
	keys, err := f.Store.Keys(context.Background())
	if err != nil {
		return "", err
	}
	return auth.NewSigner(keys).Ticket(auth.Ticket{
		User: int64(u.ID), Credential: u.Credential, Issued: f.Clock.Steady().Add(-age),
	}), nil
}

func (f *Fixture) addAccount(ctx context.Context, who person) error {
	hash, err := cheapHash(who.password)
	if err != nil {
		return fmt.Errorf("hash password of %s: %w", who.handle, err)
	}
	_, err = f.Store.CreateUser(ctx, who.handle, msnp.Unescape(who.nick), hash)
	return err
}

// hasher makes hashes that cost next to nothing.
var hasher = auth.NewHasher(1, 1000, auth.Params{Memory: 8, Time: 1})

func cheapHash(password string) (string, error) { return hasher.Hash(context.Background(), password) }
