package config

import (
	"net"
	"net/url"
	"path/filepath"
	"slices"
	"strings"
)

// List reads a comma-separated list, as listen addresses may be; an empty text is an empty
// list.
func List(text string) []string {
	list := []string{}
	for item := range strings.SplitSeq(text, ",") {
		if item = strings.TrimSpace(item); item != "" {
			list = append(list, item)
		}
	}
	return list
}

// DatabaseURL returns where accounts are stored, the default spelled out.
func (c Config) DatabaseURL() string {
	if c.Database.URL != "" {
		return c.Database.URL
	}
	return "sqlite:" + filepath.Join(c.Data.Dir, "monarch.db")
}

// PagesURL returns where the pages are that menus of the client lead to, the default
// spelled out. It is not the website: clients sign in there over TLS of old, and what the pages
// leave to the website they name.
func (c Config) PagesURL() string {
	if c.Passport.URL != "" {
		return c.Passport.URL
	}
	return "https://" + c.Service.Host
}

// Hosts returns every name that clients may be told to connect to: what a certificate of
// our own has to cover beside the names of old.
func (c Config) Hosts() []string {
	hosts := []string{c.Service.Host}
	add := func(host string) {
		if host != "" && !slices.Contains(hosts, host) {
			hosts = append(hosts, host)
		}
	}
	for _, m := range []Messenger{c.Dispatch, c.Notification, c.Switchboard} {
		for _, addr := range List(m.Advertise) {
			if host, _, err := net.SplitHostPort(addr); err == nil {
				add(host)
			}
		}
	}
	login, _, _ := strings.Cut(c.Passport.LoginURL, "/")
	add(login)
	if u, err := url.Parse(c.PagesURL()); err == nil {
		add(u.Hostname())
	}
	return hosts
}

// Advertised returns the address clients are told for m, which is bound to the address
// bound: its own if it has one, or else the service's host with the port that is listened
// on.
func (c Config) Advertised(m Messenger, bound string) string {
	if m.Advertise != "" {
		return m.Advertise
	}
	_, port, err := net.SplitHostPort(bound)
	if err != nil {
		return c.Service.Host
	}
	return net.JoinHostPort(c.Service.Host, port)
}
