package cli

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strings"

	"monarch/internal/admin"
	"monarch/internal/command"
	"monarch/internal/im"
	"monarch/internal/passport"
)

// administratorOf is the account that is to have the role.
type administratorOf struct {
	email    string // "" is nobody
	password string
	made     bool // the password, by us
}

// administrator gets the first administrator, by flags or from the person at the terminal.
func (s *setup) administrator(ctx context.Context) (administratorOf, error) {
	var who administratorOf
	asked := s.dialogue != nil
	if s.flags.Admin != nil {
		who.email, asked = *s.flags.Admin, false
	}
	if s.flags.PasswordStdin && asked {
		return who, command.UsageError("--password-stdin is the administrator's: add --admin EMAIL")
	}
	if asked {
		fmt.Fprintf(s.stderr, "\n%s\n%s\n", bold("Administrator"), indent("The account that may do everything at the website. It need not receive mail."))
	}
	for {
		if asked {
			var err error
			if who.email, err = s.line(ctx, "E-mail (enter: nobody now)", "", false); err != nil {
				return who, err
			}
		}
		if who.email == "" {
			return who, nil
		}
		email, err := im.ParseHandle(who.email)
		if err == nil {
			who.email = email
			break
		}
		wrong := fmt.Sprintf("%q is no address an account can have; write one like you@example.com", who.email)
		if !asked {
			return who, command.UsageError("--admin: " + wrong)
		}
		fmt.Fprintf(s.stderr, "  %s\n", wrong)
	}
	err := s.choosePassword(ctx, &who)
	return who, err
}

// choosePassword asks twice for a password, reads it, or makes one.
func (s *setup) choosePassword(ctx context.Context, who *administratorOf) error {
	if s.flags.PasswordStdin {
		var err error
		who.password, err = s.newPassword(ctx, true)
		return err
	}
	for s.dialogue != nil {
		first, err := s.line(ctx, "Password (enter: one is made)", "", true)
		if err != nil {
			return err
		}
		if first == "" {
			break
		}
		second, err := s.line(ctx, "Once more", "", true)
		if err != nil {
			return err
		}
		if first == second {
			s.judge(first)
			who.password = first
			return nil
		}
		fmt.Fprintln(s.stderr, "  The two are not the same.")
	}
	who.password, who.made = strings.ToLower(rand.Text()[:clientPassword-4]), true
	return nil
}

// make writes the file, makes the database and the administrator, and says what to do next. All but the
// file is made by the service's user himself.
func (s *setup) make(ctx context.Context, to owner, who administratorOf) error {
	kept, err := s.write(to)
	if err != nil {
		return err
	}
	fmt.Fprintf(s.stdout, "\nThe configuration is in %s.\n", s.config)
	if kept != "" {
		fmt.Fprintf(s.stdout, "The former one is %s.\n", kept)
	}
	s.data = "" // it is in the file now
	err = s.settle(to)
	told := ""
	if err == nil {
		told, err = s.enrol(ctx, who)
	}
	if err != nil {
		return fmt.Errorf("%w\n%sThe configuration is written. When this is mended: %s", err, s.whose(to), s.command("setup"))
	}
	fmt.Fprintf(s.stdout, "The database is %s.\n%s", s.databaseName(), told)
	if to.name != "" {
		fmt.Fprintf(s.stdout, "What was made belongs to the user %s, who may read the configuration and not change it.\n", to.name)
	}
	s.next(to)
	return nil
}

// whose says whose the data directory has to be, where that is not whoever runs this.
func (s *setup) whose(to owner) string {
	if to.name == "" {
		return ""
	}
	dir, give := s.answers.Data.Dir, fmt.Sprintf("chown -hR %[1]s:", to.name)
	if _, err := os.Stat(dir); errors.Is(err, fs.ErrNotExist) {
		give = fmt.Sprintf("install -d -m 700 -o %[1]s -g %[1]s", to.name)
	}
	return fmt.Sprintf("This is done as the user %s, whose %s and all in it has to be: sudo %s %s\n", to.name, dir, give, dir)
}

func (s *setup) databaseName() string {
	if s.answers.Database.URL != "" && !strings.HasPrefix(s.answers.Database.URL, "sqlite:") {
		return "the one of database.url"
	}
	return databaseFile(s.answers.Config)
}

// enrol opens the database, which makes it, and the certificates, and makes the administrator. It
// returns what is to be told of that.
func (s *setup) enrol(ctx context.Context, who administratorOf) (string, error) {
	service, done, err := s.offline(ctx, s.answers.Config)
	if err != nil {
		return "", err
	}
	defer done()
	if s.answers.Passport.Cert == "" {
		if _, err := passport.EnsureCertificate(s.answers.Data.Dir, s.answers.Hosts()); err != nil {
			return "", err
		}
	}
	if who.email == "" {
		return "Nobody was made an administrator; run this again with --admin EMAIL for that.\n", nil
	}
	_, err = service.AddAccount(ctx, admin.NewAccount{Email: who.email, Password: who.password})
	told := who.email + " is an administrator.\n"
	var refused *admin.Problem
	switch {
	case errors.As(err, &refused) && refused.Code == admin.CodeEmailTaken:
		told = who.email + " is an administrator now; the password stays as it was.\n"
	case err != nil:
		return "", fmt.Errorf("make the administrator: %w", err)
	case who.made:
		told = fmt.Sprintf("%s is an administrator, with the password %s\nIt is shown this once: keep it, or change it at the website.\n", who.email, who.password)
	}
	if err := service.SetRole(ctx, who.email, im.Administrator); err != nil {
		return "", fmt.Errorf("make %s an administrator: %w", who.email, err)
	}
	return told, nil
}

// next says what to do now.
func (s *setup) next(to owner) {
	as, asRoot := "", ""
	if to.name != "" { // nobody else may read the configuration
		as, asRoot = "sudo -u "+to.name+" ", "sudo "
	}
	start := [2]string{"  " + as + s.command("serve"), "start the server"}
	if to.name != "" && s.config == systemFile && hasUnit() {
		start[0] = "  sudo systemctl enable --now monarch"
	}
	if s.running {
		start = [2]string{"  " + as + s.command("reload"), "put in force what needs no restart; it tells the rest"}
	}
	lines := [][2]string{
		start,
		{"  " + as + s.command("doctor"), "look whether all is well"},
		{"  " + as + s.command("cert"), "make Windows trust the sign-in"},
		{"  " + asRoot + s.command("patch msnmsgr.exe"), "lead a copy of MSN Messenger here"},
	}
	fmt.Fprintln(s.stdout, "\nNext:")
	_ = pairs(s.stdout, lines) // the service is made, whoever reads this
	if s.answers.WebListen() != "" {
		site := s.answers.WebURL(s.answers.Web.Listen)
		fmt.Fprintf(s.stdout, "\nWhen it runs, people find it at %s, and what their clients need at\n%s/connect.\n", site, site)
	}
	for _, r := range []struct{ want, listen string }{{"443", s.answers.Passport.HTTPSListen}, {"80", s.answers.Passport.HTTPListen}} {
		if have := port(r.listen); have != r.want {
			fmt.Fprintf(s.stdout, "\nClients ask port %s, and the server listens on %s. Lead the one to the other, for instance:\n"+
				"  sudo iptables -t nat -A PREROUTING -p tcp --dport %s -j REDIRECT --to-ports %s\n", r.want, have, r.want, have)
		}
	}
	if ip := net.ParseIP(s.answers.Service.Host); ip != nil && ip.IsLoopback() {
		fmt.Fprintf(s.stdout, "\n%s is right for clients on this machine only.\n", s.answers.Service.Host)
	}
}

// hasUnit reports whether the service is one of systemd's.
func hasUnit() bool {
	for _, dir := range []string{"/etc/systemd/system", "/usr/lib/systemd/system", "/lib/systemd/system"} {
		if _, err := os.Stat(filepath.Join(dir, "monarch.service")); err == nil {
			return true
		}
	}
	return false
}
