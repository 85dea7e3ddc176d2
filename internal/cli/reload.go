package cli

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"slices"
	"strings"
	"syscall"

	"golang.org/x/term"

	"monarch/internal/admin"
	"monarch/internal/server"
)

type reloadCmd struct {
	JSON bool `name:"json" help:"Write JSON."`
}

// Help gives the example.
func (*reloadCmd) Help() string { return "monarch reload" }

// Run makes the server read its configuration again, and tells what became of it.
func (c *reloadCmd) Run(ctx context.Context, a *app) error {
	client, done, err := a.reloadable(ctx)
	if err != nil {
		return err
	}
	defer done()
	report, err := client.Reload(ctx)
	if err != nil {
		return unchanged(err)
	}
	if c.JSON {
		return encode(a.stdout, report)
	}
	a.tell(report)
	return nil
}

// reloadable returns a client of a server that runs.
func (a *app) reloadable(ctx context.Context) (*admin.Client, func(), error) {
	if a.remote.url != "" {
		return a.elsewhere()
	}
	cfg, err := a.load()
	if err != nil {
		return nil, nil, unchanged(err)
	}
	client, err := admin.Dial(ctx, cfg.Data.Dir)
	if errors.Is(err, admin.ErrNotRunning) {
		return nil, nil, fmt.Errorf("%w\nName the directory of the server with --data, or start one, which reads its configuration then:\n  %s",
			err, a.command("serve"))
	}
	if err != nil {
		return nil, nil, err
	}
	return client, client.Close, nil
}

// unchanged says of a configuration's faults that the server goes on with the one it has.
func unchanged(err error) error { return fmt.Errorf("nothing has changed:\n%w", err) }

// tell says what a reload has done.
func (a *app) tell(r admin.Report) {
	fmt.Fprintln(a.stdout, "The server has read its configuration again. Nobody was disconnected.")
	if r.NewCertificate {
		fmt.Fprintln(a.stdout, "Clients are shown a new certificate.")
	}
	for _, part := range []struct {
		title string
		keys  []string
	}{{"In force now", r.Applied}, {"In force after a restart only", r.Restart}} {
		if len(part.keys) > 0 {
			fmt.Fprintf(a.stdout, "%s:\n  %s\n", part.title, strings.Join(part.keys, "\n  "))
		}
	}
	if len(r.Applied)+len(r.Restart) == 0 {
		fmt.Fprintln(a.stdout, "No setting has changed.")
	}
}

// reloads lets the server read its configuration again when it is asked to and, until stop is
// called, whenever the process is sent SIGHUP. The log tells the outcome. When the terminal that
// the server was started at has gone, SIGHUP means what it meant at first, and end is called.
func (a *app) reloads(ctx context.Context, srv *server.Server, hangups *hangups, end func()) (stop func()) {
	srv.Admin().Configure = func() (admin.Report, error) {
		cfg, err := a.load()
		if err != nil {
			return admin.Report{}, err
		}
		return srv.Reload(cfg)
	}
	ctx, cancel := context.WithCancel(ctx)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		for {
			select {
			case <-ctx.Done():
				return
			case <-hangups.signals:
				if hangups.left() {
					srv.Log().Info("the terminal was closed")
					end()
					return
				}
				_, _ = srv.Admin().Reload(ctx) // which logs its errors
			}
		}
	}()
	return func() {
		signal.Stop(hangups.signals)
		cancel()
		<-ended
	}
}

// hangups are the SIGHUPs that the process is sent.
type hangups struct {
	signals   chan os.Signal
	terminals []int // those of the standard files that were terminals, unless SIGHUP was ignored
}

// listenForHangups begins to collect SIGHUP, which otherwise ends a process.
func listenForHangups() *hangups {
	h := &hangups{signals: make(chan os.Signal, 1)}
	for _, f := range []*os.File{os.Stdin, os.Stdout, os.Stderr} {
		if fd := int(f.Fd()); term.IsTerminal(fd) && !signal.Ignored(syscall.SIGHUP) {
			h.terminals = append(h.terminals, fd)
		}
	}
	signal.Notify(h.signals, syscall.SIGHUP)
	return h
}

// left reports whether one of the terminals has gone: it is a file that is none any more.
func (h *hangups) left() bool {
	return slices.ContainsFunc(h.terminals, func(fd int) bool { return !term.IsTerminal(fd) })
}
