package cli

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"runtime"
	"syscall"

	"monarch/internal/admin"
	"monarch/internal/clock"
	"monarch/internal/config"
	"monarch/internal/server"
	"monarch/internal/store"
)

// demoDir is the data directory of a demonstration.
const demoDir = "monarch-demo"

type serveCmd struct {
	Roles string `help:"What this node does while others do the rest: some of dispatch, notification, switchboard, passport and web, with commas between. Without it, what cluster.roles says." placeholder:"ROLES"`
	Demo  bool   `help:"Make a few accounts that know each other, in the directory monarch-demo unless --data names one, and show how to use them."`
}

// Help gives the example.
func (*serveCmd) Help() string {
	return "monarch serve --demo\nmonarch serve --roles switchboard\nmonarch serve --config /etc/monarch/monarch.toml --data /var/lib/monarch"
}

// spareProcessors lets the Go scheduler believe in twice the cores there are, unless it was
// told how many to use. The event loop's goroutines spend their lives in system calls. With
// as many of them as processors the scheduler keeps taking the processors away, for others
// that may come, which was up to a sixth of a busy server's time; so it gets some to spare.
func spareProcessors() {
	if os.Getenv("GOMAXPROCS") == "" {
		runtime.GOMAXPROCS(2 * runtime.GOMAXPROCS(0))
	}
}

// heapFloor is memory that is asked for and never touched, so that it is not resident. The
// collector lets the heap double before it collects: without this, a server with few people
// would collect after every hundred sign-ins.
const heapFloor = 32 << 20

// Run serves until the process is told to stop. A second signal ends it at once.
func (c *serveCmd) Run(ctx context.Context, a *app) error {
	if c.Demo && a.data == "" {
		a.data = demoDir
	}
	if c.Roles != "" {
		a.environ = append(a.environ, "MONARCH_CLUSTER_ROLES="+c.Roles) // also for reloads
	}
	cfg, err := a.load()
	if err != nil {
		return err
	}
	if err := a.alone(ctx, cfg.Data.Dir); err != nil {
		return err
	}
	hangups := listenForHangups() // from here on, so that an early one does no harm
	floor := make([]byte, heapFloor)
	defer runtime.KeepAlive(floor)
	clk := clock.New()
	defer clk.Close()
	srv, err := server.New(cfg, slog.New(a.logHandler(cfg.Log)), clk)
	if err != nil {
		return advise(err)
	}
	ctx, left := context.WithCancel(ctx)
	defer left()
	defer a.reloads(ctx, srv, hangups, left)()
	spareProcessors() // after New, which counts them
	ctx, stop := context.WithCancel(ctx)
	defer stop()

	var demo cast
	if c.Demo {
		if demo, err = makeDemo(ctx, srv.Store(), srv.Admin(), cfg.Data.Dir); err != nil {
			stop()
			return errors.Join(err, srv.Run(ctx)) // which closes what New opened
		}
	}
	serving, halt := context.WithCancel(context.WithoutCancel(ctx))
	defer halt()
	ended := make(chan error, 1)
	go func() { ended <- srv.Run(serving) }()
	select {
	case err := <-ended:
		return err
	case <-srv.Ready():
	}
	gone := func() {} // waits until the bot has left, which it does before the server stops
	if c.Demo {
		gone = release(ctx, demo.bot, cfg, srv, srv.Log())
	}
	context.AfterFunc(ctx, func() {
		gone()
		halt()
	})
	a.listeners(srv)
	if c.Demo {
		a.introduce(demo, cfg, srv)
	} else if err := a.whatNext(ctx, srv, cfg); err != nil && ctx.Err() == nil {
		stop()
		return errors.Join(err, <-ended)
	}
	err = <-ended
	stop()
	gone()
	if err != nil {
		return err
	}
	fmt.Fprintln(a.stdout, "Stopped.")
	return nil
}

// logHandler writes lines of every level to standard error; the server has a level of its own.
func (a *app) logHandler(cfg config.Log) slog.Handler {
	every := &slog.HandlerOptions{Level: slog.LevelDebug}
	if cfg.Format == config.LogJSON {
		return slog.NewJSONHandler(a.stderr, every)
	}
	return slog.NewTextHandler(a.stderr, every)
}

// alone refuses to start a second server on a data directory.
func (a *app) alone(ctx context.Context, dir string) error {
	c, err := admin.Dial(ctx, dir)
	switch {
	case err == nil:
		c.Close()
		return fmt.Errorf("a server is running on the data directory %s already\n"+
			"Stop that one first, or name another directory with --data", dir)
	case errors.Is(err, admin.ErrNotRunning):
		return nil
	}
	return err
}

// listeners prints a line for each.
func (a *app) listeners(srv *server.Server) {
	fmt.Fprintln(a.stdout, "Monarch is running.")
	lines := [][2]string{}
	for _, l := range []struct{ name, what string }{
		{"dispatch", "where clients connect first"},
		{"notification", "sign-in, contact lists, who is there"},
		{"switchboard", "conversations"},
		{"https", "password checks"},
		{"http", "documents that clients fetch"},
		{"web", "the website, for people"},
		{"ops", "/healthz /readyz /metrics /api/v1"},
	} {
		if srv.Addr(l.name) == "" {
			continue
		}
		lines = append(lines, [2]string{"  " + l.name, fmt.Sprintf("%-21s  %s", srv.Addr(l.name), l.what)})
	}
	_ = pairs(a.stdout, lines) // a server does not stop because nobody reads what it says
}

// whatNext says what an operator does after a start.
func (a *app) whatNext(ctx context.Context, srv *server.Server, cfg config.Config) error {
	accounts, err := srv.Admin().Accounts(ctx, "", 1)
	if err != nil {
		return err
	}
	fmt.Fprintf(a.stdout, "\nClients are told to connect to %s.", cfg.Service.Host)
	if ip := net.ParseIP(cfg.Service.Host); ip != nil && ip.IsLoopback() {
		fmt.Fprint(a.stdout, " That is right on this machine only: set service.host for others.")
	}
	fmt.Fprint(a.stdout, "\nIn another terminal:\n")
	add := "user add bob@example.com --nick Bob"
	if len(accounts) == 0 {
		add = "user add alice@example.com --nick Alice"
	}
	lines := [][2]string{
		{"  " + a.command(add), "make an account"},
		{"  " + a.command("cert"), "make Windows trust the sign-in"},
		{"  " + a.command("session list"), "see who is there"},
	}
	_ = pairs(a.stdout, lines) // as above
	fmt.Fprintln(a.stdout, "Ctrl-C stops the server; a second one does it at once.")
	return nil
}

// advise adds to an error of starting what an operator can do about it.
func advise(err error) error {
	switch {
	case errors.Is(err, syscall.EADDRINUSE):
		return fmt.Errorf("%w\nAnother program uses this port. Stop it, or set the listener's key in the configuration to another one", err)
	case errors.Is(err, syscall.EACCES):
		return fmt.Errorf("%w\nPorts below 1024 and some files need rights that you do not have. Give the binary the capability\n"+
			"CAP_NET_BIND_SERVICE, redirect the port, or choose another", err)
	case errors.Is(err, store.ErrDamaged):
		return fmt.Errorf("%w\nPut a backup in its place, or name another data directory with --data", err)
	}
	return err
}
