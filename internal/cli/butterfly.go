package cli

import (
	"context"
	"crypto/rand"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"path/filepath"
	"strings"
	"time"

	"monarch/internal/admin"
	"monarch/internal/bot"
	"monarch/internal/config"
	"monarch/internal/server"
	"monarch/msnclient"
)

// butterflyEmail is the bot's account.
const butterflyEmail = "butterfly@example.com"

// farewell is how long the bot may take to sign out before the server stops without it.
const farewell = 2 * time.Second

// hatch makes the bot's account, or gives it a new password: nobody else needs to know one.
func hatch(ctx context.Context, service *admin.Service) (person, error) {
	p := person{email: butterflyEmail, nick: "Butterfly", password: rand.Text()[:16]}
	_, err := service.AddAccount(ctx, admin.NewAccount{Email: p.email, Nick: p.nick, Password: p.password})
	var refused *admin.Problem
	if errors.As(err, &refused) && refused.Code == admin.CodeEmailTaken {
		err = service.SetPassword(ctx, p.email, p.password)
	}
	if err != nil {
		return p, fmt.Errorf("make %s: %w", p.email, err)
	}
	return p, nil
}

// release lets the bot sign in, over sockets as any client, and live until ctx ends. gone
// waits until it has left.
func release(ctx context.Context, who person, cfg config.Config, srv *server.Server, log *slog.Logger) (gone func()) {
	done := make(chan struct{})
	go func() { // whoever calls gone waits for it
		defer close(done)
		client, err := butterflyClient(who, cfg, srv)
		if err == nil {
			err = bot.Run(ctx, bot.Config{Client: client, Log: log})
		}
		if err != nil {
			log.Warn("the bot has left", "user", who.email, "err", err)
		}
	}()
	return func() {
		timeout := time.NewTimer(farewell)
		defer timeout.Stop()
		select {
		case <-done:
		case <-timeout.C:
		}
	}
}

// butterflyClient says how to reach the server in this process, whatever its clients are told:
// its names and addresses lead to its own listeners.
func butterflyClient(who person, cfg config.Config, srv *server.Server) (msnclient.Config, error) {
	trust, err := butterflyTrust(cfg)
	if err != nil {
		return msnclient.Config{}, err
	}
	login := "https://" + cfg.Passport.LoginURL
	here := map[string]string{net.JoinHostPort(loginHost(cfg), "443"): reachable(srv.Addr("https"))}
	for _, m := range []struct {
		name string
		told config.Messenger
	}{{"notification", cfg.Notification}, {"switchboard", cfg.Switchboard}} {
		// Of several switchboards, the others are reached as clients are told.
		told, _, _ := strings.Cut(cfg.Advertised(m.told, srv.Addr(m.name)), ",")
		here[strings.TrimSpace(told)] = reachable(srv.Addr(m.name))
	}
	return msnclient.Config{
		Handle: who.email, Password: who.password, Server: reachable(srv.Addr("dispatch")), Login: login, TLS: trust,
		Dialer: func(ctx context.Context, network, addr string) (net.Conn, error) {
			if to, ok := here[addr]; ok {
				addr = to
			}
			return new(net.Dialer).DialContext(ctx, network, addr)
		},
	}, nil
}

// butterflyTrust trusts the certificate the server shows: by its authority, or as it is.
func butterflyTrust(cfg config.Config) (*tls.Config, error) {
	if cfg.Passport.Cert != "" {
		return trusting(cfg.Passport.Cert)
	}
	return trusting(filepath.Join(cfg.Data.Dir, caFile))
}
