package cli

import (
	"bufio"
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"monarch/internal/admin"
	"monarch/internal/config"
	"monarch/internal/im"
	"monarch/internal/server"
	"monarch/internal/store"
)

// person is somebody of a demonstration.
type person struct {
	email, nick string
	password    string
	changed     bool // the password is not the one that was made for him
}

// cast is everybody of a demonstration.
type cast struct {
	people []person
	bot    person
}

// demoFile remembers the passwords of a demonstration, for its next start.
const demoFile = "demo-passwords"

// demoGroup is the group everybody has everybody else in.
const demoGroup = "Friends"

// makeDemo makes the people of a demonstration who are not there yet, and makes them and the
// bot know each other.
func makeDemo(ctx context.Context, s *store.Store, service *admin.Service, dir string) (cast, error) {
	people := []person{
		{email: "alice@example.com", nick: "Alice"},
		{email: "bob@example.com", nick: "Bob"},
		{email: "carol@example.com", nick: "Carol"},
		{email: "dave@example.com", nick: "Dave"},
	}
	if err := givePasswords(people, filepath.Join(dir, demoFile)); err != nil {
		return cast{}, err
	}
	for i := range people {
		p := &people[i]
		_, err := service.AddAccount(ctx, admin.NewAccount{Email: p.email, Nick: p.nick, Password: p.password})
		var refused *admin.Problem
		if errors.As(err, &refused) && refused.Code == admin.CodeEmailTaken {
			same, checkErr := service.PasswordIs(ctx, p.email, p.password)
			p.changed, err = !same, checkErr
		}
		if err != nil {
			return cast{}, fmt.Errorf("make %s: %w", p.email, err)
		}
	}
	bot, err := hatch(ctx, service)
	if err != nil {
		return cast{}, err
	}
	everybody := append(slices.Clone(people), bot)
	for _, p := range everybody {
		if err := befriend(ctx, s, p, everybody); err != nil {
			return cast{}, fmt.Errorf("fill the lists of %s: %w", p.email, err)
		}
	}
	return cast{people, bot}, nil
}

// givePasswords fills in the passwords that the file at path holds, makes the others, and
// writes the file. It comes before the accounts, so that none is without.
func givePasswords(people []person, path string) error {
	text, err := os.ReadFile(path)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("read passwords of the demonstration: %w", err)
	}
	known := make(map[string]string)
	for lines := bufio.NewScanner(bytes.NewReader(text)); lines.Scan(); {
		if f := strings.Fields(lines.Text()); len(f) == 2 {
			known[f[0]] = f[1]
		}
	}
	var b strings.Builder
	for i := range people {
		p := &people[i]
		if p.password = known[p.email]; p.password == "" {
			p.password = strings.ToLower(rand.Text()[:10])
		}
		fmt.Fprintf(&b, "%s %s\n", p.email, p.password)
	}
	if err := os.WriteFile(path, []byte(b.String()), 0o600); err != nil {
		return fmt.Errorf("keep passwords of the demonstration: %w", err)
	}
	return nil
}

// befriend puts everybody else on p's forward and allow lists. Who is there already, or is
// blocked, stays as he is.
func befriend(ctx context.Context, s *store.Store, p person, people []person) error {
	u, err := s.User(ctx, p.email)
	if err != nil {
		return err
	}
	g, err := s.AddGroup(ctx, u.ID, demoGroup)
	if err != nil {
		return err
	}
	for _, other := range people {
		if other.email == p.email {
			continue
		}
		for _, list := range []im.List{im.Forward, im.Allow} {
			_, err := s.Add(ctx, u.ID, store.Addition{List: list, Handle: other.email, Name: other.nick, Group: g.Group.Number})
			if err != nil && !errors.Is(err, im.ErrAlreadyListed) && !errors.Is(err, im.ErrOpposite) {
				return err
			}
		}
	}
	return nil
}

// clientHosts are the names that clients of the time look for, as lines of a hosts file.
// docs/protocol/passport.md#names
var clientHosts = [...]string{
	"messenger.hotmail.com gateway.messenger.hotmail.com config.messenger.msn.com",
	"nexus.passport.com login.passport.com loginnet.passport.com",
}

// introduce prints who the people of the demonstration are and what to do with them.
func (a *app) introduce(demo cast, cfg config.Config, srv *server.Server) {
	w := a.stdout
	fmt.Fprintln(w, "\nFour people who have each other on their lists:")
	for _, p := range demo.people {
		if p.changed {
			fmt.Fprintf(w, "  %-18s  password changed since\n", p.email)
		} else {
			fmt.Fprintf(w, "  %-18s  password %s\n", p.email, p.password)
		}
	}
	fmt.Fprintf(w, `
Connect MSN Messenger 6.0 or 5.0, Pidgin with the MSNP9 plug-in, aMSN 0.94 or BitlBee:
  1. In the hosts file of the client's machine, lead the names of old to this server:%s
  2. Clients ask port 443 for the password check and port 80 for documents.%s
  3. Windows and Pidgin check certificates. How to make them trust this server:
       %s
  4. Sign in as alice@example.com here and as bob@example.com in another client. The server's
     name is messenger.hotmail.com, its port %s.

Try next, in another terminal:
`, hostsLines(cfg.Service.Host), redirects(cfg.Service.Host, srv), a.command("cert"), port(srv.Addr("dispatch")))
	lines := [][2]string{
		{"  " + a.command("session list"), "see who is there"},
		{"  " + a.command("contacts alice@example.com"), "see what alice's client is told"},
		{"  " + a.command(`user rename alice@example.com "Alice in Wonderland"`), "bob's client shows it at once"},
		{"  " + a.command("notice --shutdown-in 5m"), "warn everybody"},
		{"  " + a.command("user add erin@example.com"), "make an account of your own"},
	}
	_ = pairs(w, lines) // a server does not stop because nobody reads what it says
	fmt.Fprintln(w, "Ctrl-C stops the server; a second one does it at once.")
	if site := srv.Addr("web"); site != "" {
		fmt.Fprintf(w, "\nThe website, with a messenger in the browser:\n  %s\n", cfg.WebURL(site))
	}
	fmt.Fprintf(w, "\nNow open this in another terminal, and talk to %s, who is on line already:\n  %s\n",
		demo.bot.email, a.command("chat alice@example.com"))
}

// hostsLines returns what a hosts file needs, with a word on clients elsewhere.
func hostsLines(host string) string {
	var b strings.Builder
	ip := net.ParseIP(host)
	if ip == nil {
		host = "<address of " + host + ">"
	}
	for _, names := range clientHosts {
		fmt.Fprintf(&b, "\n       %s %s", host, names)
	}
	if ip != nil && ip.IsLoopback() {
		b.WriteString("\n     That is for clients on this machine. For others, start with this machine's address in the\n" +
			"     environment variable MONARCH_SERVICE_HOST.")
	}
	return b.String()
}

// redirects says how the well-known ports are led to ours, if they are others.
func redirects(host string, srv *server.Server) string {
	chain := "PREROUTING"
	if ip := net.ParseIP(host); ip != nil && ip.IsLoopback() {
		chain = "OUTPUT -d " + host
	}
	var b strings.Builder
	for _, r := range []struct{ from, to string }{{"443", port(srv.Addr("https"))}, {"80", port(srv.Addr("http"))}} {
		if r.from != r.to {
			fmt.Fprintf(&b, "\n       sudo iptables -t nat -A %s -p tcp --dport %s -j REDIRECT --to-ports %s", chain, r.from, r.to)
		}
	}
	if b.Len() == 0 {
		return ""
	}
	return " On Linux, once:" + b.String()
}

// port returns the port of host:port.
func port(addr string) string {
	_, p, err := net.SplitHostPort(addr)
	if err != nil {
		return addr
	}
	return p
}
