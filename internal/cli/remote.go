package cli

import (
	"fmt"
	"net/netip"
	"net/url"
	"os"
	"slices"
	"strings"

	"monarch/internal/admin"
	"monarch/internal/command"
)

// tokenVariable has the token for --api. It is none of the configuration's.
const tokenVariable = "MONARCH_TOKEN"

// remote is a service that is managed over the network.
type remote struct {
	url  string // "": the service of this machine is
	file string // with the token; "": the environment has it
}

// settings are the variables of the environment that are for the configuration.
func (a *app) settings() []string {
	return slices.DeleteFunc(slices.Clone(a.environ), func(v string) bool { return strings.HasPrefix(v, tokenVariable+"=") })
}

// here refuses --api for what is about this machine.
func (a *app) here() error {
	if a.remote.url != "" {
		return command.UsageError("this command is about this machine: leave --api out")
	}
	return nil
}

// elsewhere returns a client of the service that --api names.
func (a *app) elsewhere() (*admin.Client, func(), error) {
	token, err := a.token()
	if err != nil {
		return nil, nil, err
	}
	c, err := admin.Remote(a.remote.url, token)
	if err != nil {
		return nil, nil, command.UsageError("--api: " + err.Error())
	}
	if u, err := url.Parse(a.remote.url); err == nil && u.Scheme == "http" && !loopback(u.Hostname()) {
		fmt.Fprintln(a.stderr, "warning: over http everybody on the way can read the token; use https")
	}
	return c, c.Close, nil
}

// loopback reports whether a host is this machine.
func loopback(host string) bool {
	addr, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && addr.IsLoopback()
}

// token returns the token for --api.
func (a *app) token() (string, error) {
	if a.remote.file != "" {
		text, err := os.ReadFile(a.remote.file)
		if err != nil {
			return "", fmt.Errorf("read the token: %w", err)
		}
		if token := strings.TrimSpace(string(text)); token != "" {
			return token, nil
		}
		return "", fmt.Errorf("%s is empty; it is to have a token of `monarch token create`", a.remote.file)
	}
	for _, v := range a.environ {
		if token, ok := strings.CutPrefix(v, tokenVariable+"="); ok && token != "" {
			return token, nil
		}
	}
	return "", command.UsageError("--api needs a token: set " + tokenVariable + ", or name a file with --token-file\n" +
		"At the service itself, `monarch token create NAME --role administrator` makes one.")
}
