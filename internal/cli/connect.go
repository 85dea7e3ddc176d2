package cli

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"strings"

	"monarch/internal/account"
	"monarch/internal/admin"
	"monarch/internal/auth"
	"monarch/internal/clock"
	"monarch/internal/config"
	"monarch/internal/hub"
	"monarch/internal/store"
	"monarch/internal/webhook"
)

// beginning says what to do where there is no database yet.
type beginning int

const (
	mustExist beginning = iota
	mayMake
)

// service returns a client of the service: of the one that --api names, of the running server, or
// of the database if none runs. done releases it.
func (a *app) service(ctx context.Context, b beginning) (c *admin.Client, done func(), err error) {
	if a.remote.url != "" {
		return a.elsewhere()
	}
	cfg, err := a.load()
	if err != nil {
		return nil, nil, err
	}
	c, err = admin.Dial(ctx, cfg.Data.Dir)
	if err == nil {
		return c, c.Close, nil
	}
	if !errors.Is(err, admin.ErrNotRunning) {
		return nil, nil, err
	}
	if b == mayMake {
		if err := os.MkdirAll(cfg.Data.Dir, 0o700); err != nil {
			return nil, nil, fmt.Errorf("make data directory: %w", err)
		}
	} else if _, err := os.Stat(databaseFile(cfg)); !store.IsPostgres(cfg.DatabaseURL()) && errors.Is(err, fs.ErrNotExist) {
		return nil, nil, fmt.Errorf("there is no database in %s, and no server runs there\n"+
			"Name the directory of your service with --data, or make the first account:\n  %s",
			cfg.Data.Dir, a.command("user add alice@example.com"))
	}
	return a.offline(ctx, cfg)
}

// offline returns a client that works on the database itself.
func (a *app) offline(ctx context.Context, cfg config.Config) (*admin.Client, func(), error) {
	s, err := store.OpenWith(ctx, store.Config{URL: cfg.DatabaseURL(), MaxConnections: 2})
	if err != nil {
		return nil, nil, err
	}
	clk := clock.New()
	quiet := slog.New(slog.DiscardHandler) // the person sees the outcome
	hooks := webhook.New(webhook.Config{Store: s, Clock: clk, Log: quiet, Service: cfg.Service.Name})
	records := a.auditLog(cfg, clk, hooks.Hear)
	users := &account.Service{
		Store:  s,
		Hub:    hub.New(clk, 0),
		Hasher: auth.NewHasher(cfg.Limits.HashParallel, cfg.Limits.HashQueue, auth.DefaultParams),
		Clock:  clk,
		Log:    quiet,
		Audit:  records,
	}
	c := admin.Local(&admin.Service{
		Users:  users,
		Store:  s,
		Hub:    users.Hub,
		Signer: auth.NewSigner(nil), // nothing is signed
		Clock:  clk,
		Log:    users.Log,
		Audit:  records,

		MailURL: cfg.Mail.URL,
		Hooks:   hooks,
	})
	return c, func() {
		hooks.Keep(context.WithoutCancel(ctx))
		clk.Close()
		a.closed("database", s.Close())
		a.closed("audit log", records.Close())
	}, nil
}

// closed tells of the trouble in closing something, if there was any.
func (a *app) closed(what string, err error) {
	if err != nil {
		fmt.Fprintf(a.stderr, "monarch: close %s: %v\n", what, err)
	}
}

// databaseFile returns the path in a SQLite url.
func databaseFile(cfg config.Config) string {
	return strings.TrimPrefix(strings.TrimPrefix(cfg.DatabaseURL(), "sqlite:"), "//")
}
