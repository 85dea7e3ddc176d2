package server

import (
	"errors"
	"fmt"
	"net"

	"monarch/internal/admin"
	"monarch/internal/config"
)

// listeners holds every socket the server listens on. Those of roles that the node has not are nil.
type listeners struct {
	dispatch, notification, https, http, ops, manage net.Listener
	switchboards                                     []net.Listener
	web                                              net.Listener // nil, too, where there is no website

	dir *admin.Directory
}

// open claims the data directory and binds everything.
func (l *listeners) open(cfg config.Config) error {
	var err error
	if l.dir, err = admin.Claim(cfg.Data.Dir); err != nil {
		return err
	}
	if l.manage, err = l.dir.Listen(); err != nil {
		return err
	}
	for _, b := range []struct {
		to   *net.Listener
		role string // "": that of every node
		key  string
		addr string
	}{
		{&l.dispatch, config.RoleDispatch, "dispatch.listen", cfg.Dispatch.Listen},
		{&l.notification, config.RoleNotification, "notification.listen", cfg.Notification.Listen},
		{&l.https, config.RolePassport, "passport.https_listen", cfg.Passport.HTTPSListen},
		{&l.http, config.RolePassport, "passport.http_listen", cfg.Passport.HTTPListen},
		{&l.ops, "", "ops.listen", cfg.Ops.Listen},
		{&l.web, config.RoleWeb, "web.listen", cfg.WebListen()},
	} {
		if b.addr == "" || b.role != "" && !cfg.Cluster.Has(b.role) {
			continue // none is wanted
		}
		if *b.to, err = listen(b.key, b.addr); err != nil {
			return err
		}
	}
	if !cfg.Cluster.Has(config.RoleSwitchboard) {
		return nil
	}
	for _, addr := range config.List(cfg.Switchboard.Listen) {
		b, err := listen("switchboard.listen", addr)
		if err != nil {
			return err
		}
		l.switchboards = append(l.switchboards, b)
	}
	return nil
}

func listen(key, addr string) (net.Listener, error) {
	l, err := net.Listen("tcp", addr)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", key, err)
	}
	return l, nil
}

func (l *listeners) addr(name string) string {
	var found net.Listener
	switch name {
	case "dispatch":
		found = l.dispatch
	case "notification":
		found = l.notification
	case "switchboard":
		if len(l.switchboards) > 0 {
			found = l.switchboards[0]
		}
	case "https":
		found = l.https
	case "http":
		found = l.http
	case "web":
		found = l.web
	case "ops":
		found = l.ops
	}
	if found == nil {
		return ""
	}
	return found.Addr().String()
}

// addrs returns all addresses by name.
func (l *listeners) addrs() map[string]string {
	all := make(map[string]string)
	for _, name := range []string{"dispatch", "notification", "switchboard", "https", "http", "web", "ops"} {
		if addr := l.addr(name); addr != "" {
			all[name] = addr
		}
	}
	return all
}

// close closes what is open. Listeners that are closed already are no error.
func (l *listeners) close() error {
	var err error
	for _, each := range append([]net.Listener{l.dispatch, l.notification, l.https, l.http, l.web, l.ops, l.manage}, l.switchboards...) {
		if each == nil {
			continue
		}
		if e := each.Close(); e != nil && !errors.Is(e, net.ErrClosed) {
			err = errors.Join(err, e)
		}
	}
	return err
}

// release lets another server have the data directory.
func (l *listeners) release() error {
	if l.dir == nil {
		return nil
	}
	return l.dir.Release()
}
