package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"strings"

	"monarch/internal/admin"
	"monarch/internal/command"
	"monarch/internal/config"
	"monarch/internal/doctor"
)

// setupCmd makes a service: each question has a flag, which answers it.
type setupCmd struct {
	Host             *string `help:"The host name or IPv4 address that clients are told." placeholder:"NAME"`
	Name             *string `help:"What the service is called." placeholder:"NAME"`
	HTTPSPort        *string `name:"https-port" help:"Port for the password check, which clients expect at 443." placeholder:"PORT"`
	HTTPPort         *string `name:"http-port" help:"Port for documents, which clients expect at 80." placeholder:"PORT"`
	WebPort          *string `help:"Port of the website, or off for none." placeholder:"PORT"`
	WebTLS           *string `name:"web-tls" help:"The website's certificate: none (perhaps behind a proxy), acme or files." placeholder:"KIND"`
	WebCert          *string `help:"Of files: the certificate chain." placeholder:"FILE"`
	WebKey           *string `help:"Of files: the private key." placeholder:"FILE"`
	WebURL           *string `name:"web-url" help:"The address that people type for the website." placeholder:"URL"`
	ACMEEmail        *string `name:"acme-email" help:"Of acme: where the authority may write to." placeholder:"EMAIL"`
	ACMEDirectory    *string `name:"acme-directory" help:"Of acme: the authority, unless it is Let's Encrypt." placeholder:"URL"`
	Registration     *string `help:"Who may sign up: open, invite or closed." placeholder:"WHO"`
	SMTPHost         *string `name:"smtp-host" help:"The mail server for letters; empty is none." placeholder:"NAME"`
	SMTPPort         *string `name:"smtp-port" help:"Its port." placeholder:"PORT"`
	SMTPTLS          *string `name:"smtp-tls" help:"How it is spoken with: starttls, tls or none." placeholder:"HOW"`
	SMTPFrom         *string `name:"smtp-from" help:"Whom letters are from." placeholder:"EMAIL"`
	SMTPUser         *string `name:"smtp-user" help:"Who signs in at the mail server." placeholder:"NAME"`
	SMTPPasswordFile *string `name:"smtp-password-file" help:"A file whose first line is the password for that." placeholder:"FILE"`
	Admin            *string `help:"Make this account an administrator. It is made, unless it exists." placeholder:"EMAIL"`
	PasswordStdin    bool    `help:"Read the administrator's password from standard input. Without it, and a terminal, one is made and shown."`
	Yes              bool    `help:"Ask nothing: what no flag says stays as it is, or at its default."`
	Force            bool    `help:"Replace a configuration that there is. It is kept beside the new one."`
	DryRun           bool    `help:"Show the configuration, and write nothing."`
}

// Help gives the example.
func (*setupCmd) Help() string {
	return "monarch setup\n" +
		"sudo monarch setup --host im.example.com --web-tls acme --web-url https://im.example.com:8444 --web-port 8444 --admin you@example.com --yes"
}

// given returns what flags say, by their names.
func (c *setupCmd) given() map[string]string {
	said := make(map[string]string)
	for flag, value := range map[string]*string{
		"host": c.Host, "name": c.Name, "https-port": c.HTTPSPort, "http-port": c.HTTPPort, "web-port": c.WebPort, "web-tls": c.WebTLS,
		"web-cert": c.WebCert, "web-key": c.WebKey, "web-url": c.WebURL, "acme-email": c.ACMEEmail, "acme-directory": c.ACMEDirectory,
		"registration": c.Registration, "smtp-host": c.SMTPHost, "smtp-port": c.SMTPPort, "smtp-tls": c.SMTPTLS, "smtp-from": c.SMTPFrom,
		"smtp-user": c.SMTPUser, "smtp-password-file": c.SMTPPasswordFile, "admin": c.Admin,
	} {
		if value != nil {
			said[flag] = *value
		}
	}
	return said
}

// setup is a service that is being set up.
type setup struct {
	*app
	*dialogue // nil: nobody is asked
	flags     *setupCmd
	heading   string // that is still to be shown, above the next question
	answers   answers
	before    []byte // what is in the file; nil: there is none
	running   bool   // a server runs on the data directory
}

// Run asks what it must know, looks whether that can be, and makes the service.
func (c *setupCmd) Run(ctx context.Context, a *app) error {
	s := &setup{app: a, flags: c}
	if terminal, ok := a.terminal(); ok && !c.Yes {
		s.dialogue = newDialogue(a, terminal)
	}
	if a.config == "" {
		a.config = usualFile()
	}
	if err := s.begin(ctx); err != nil {
		return err
	}
	if err := s.answer(ctx); err != nil {
		return err
	}
	if c.DryRun {
		fmt.Fprintf(a.stdout, "%s", s.text())
		return nil
	}
	who, err := s.administrator(ctx)
	if err != nil {
		return err
	}
	if err := s.mayReplace(ctx); err != nil {
		return err
	}
	return s.make(ctx, serviceOwner(), who)
}

// begin reads the configuration that there is, or chooses what a new one begins with.
func (s *setup) begin(ctx context.Context) error {
	var err error
	s.before, err = os.ReadFile(s.config)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		s.answers.Config = suggestion()
	case err != nil:
		return fmt.Errorf("read the configuration that there is: %w", err)
	default:
		if s.answers.Config, err = config.Parse(s.config, s.before); err != nil {
			return fmt.Errorf("%w\nCorrect the file, or move it away to begin anew", err)
		}
	}
	if s.data != "" {
		s.answers.Data.Dir = s.data
	}
	s.answers.tls = tlsKind(s.answers.Web)
	if client, err := admin.Dial(ctx, s.answers.Data.Dir); err == nil {
		client.Close()
		s.running = true
	}
	s.greet()
	return nil
}

// greet says what this is, and what it begins with.
func (s *setup) greet() {
	switch {
	case s.before != nil:
		fmt.Fprintf(s.stderr, "There is a configuration, %s. What you leave as it is stays.\n", s.config)
	case s.dialogue != nil:
		fmt.Fprintf(s.stderr, "This makes a Monarch service: its configuration, %s, its database, and an administrator.\n", s.config)
	}
	if s.running {
		fmt.Fprintf(s.stderr, "A server runs on %s. It goes on as it is until it is started again or told to reload.\n", s.answers.Data.Dir)
	}
	if s.dialogue != nil {
		fmt.Fprintln(s.stderr, "Enter takes what is in brackets, and a dash stands for nothing. Until the end nothing is written.")
	}
	for _, variable := range s.environ {
		if name, _, _ := strings.Cut(variable, "="); strings.HasPrefix(name, "MONARCH_") {
			fmt.Fprintf(s.stderr, "warning: the environment variable %s wins over the file, wherever it is set.\n", name)
		}
	}
}

// answer gets every answer, by its flag, from the person at the terminal, or by leaving it as it is.
func (s *setup) answer(ctx context.Context) error {
	given := s.flags.given()
	if s.data != "" {
		given["data"] = s.data
	}
	if err := s.apply(ctx, given); err != nil {
		return err
	}
	for _, q := range questions {
		if q.heading != "" {
			s.heading = q.heading
		}
		_, said := given[q.flag]
		if said || s.dialogue == nil || q.when != nil && !q.when(&s.answers) {
			continue
		}
		if err := s.ask(ctx, q); err != nil {
			return err
		}
	}
	if s.dialogue == nil && s.before == nil && given["host"] == "" {
		fmt.Fprintf(s.stderr, "Clients are told to connect to %s, which is how this machine knows itself; --host says another.\n", s.answers.Service.Host)
	}
	if s.answers.SMTP.Host != "" && s.report(s.look(ctx, "smtp.host"), doctor.Warning) && s.dialogue != nil {
		if keep, err := s.yes(ctx, "Go on all the same?"); err != nil || !keep {
			return cmp.Or(err, errors.New("nothing was written"))
		}
	}
	if err := s.answers.Validate(); err != nil {
		return command.UsageError(err.Error() + "\nmonarch setup --help names the flags")
	}
	return nil
}

// apply takes what flags say: all of it before any is looked at, as one may make room for another.
func (s *setup) apply(ctx context.Context, given map[string]string) error {
	var said []question
	for _, q := range questions {
		value, ok := given[q.flag]
		if !ok {
			continue
		}
		if err := q.set(&s.answers, strings.TrimSpace(value)); err != nil {
			return command.UsageError("--" + q.flag + ": " + err.Error())
		}
		said = append(said, q)
	}
	for _, q := range said {
		if wrong := q.faults(&s.answers); wrong != "" {
			return command.UsageError("--" + q.flag + ": " + wrong)
		}
		s.report(s.look(ctx, q.key), doctor.Warning)
	}
	return nil
}

// ask asks until the answer is one that can be.
func (s *setup) ask(ctx context.Context, q question) error {
	switch {
	case s.heading != "":
		fmt.Fprintf(s.stderr, "\n%s\n", bold(s.heading))
		s.heading = ""
	case q.help != "":
		fmt.Fprintln(s.stderr)
	}
	if q.help != "" {
		fmt.Fprintf(s.stderr, "%s\n", indent(q.help))
	}
	for before := s.answers; ; s.answers = before {
		said, err := s.line(ctx, q.title, q.now(&s.answers), q.secret)
		if err != nil {
			return err
		}
		if wrong := q.try(&s.answers, said); wrong != "" {
			fmt.Fprintf(s.stderr, "  %s\n", wrap(wrong, "  "))
			continue
		}
		if !s.report(s.look(ctx, q.key), doctor.OK) {
			return nil
		}
		keep, err := s.yes(ctx, "Keep it all the same?")
		if err != nil || keep {
			return err
		}
	}
}

// look examines what a setting decides. A server that runs has its ports itself.
func (s *setup) look(ctx context.Context, key string) []doctor.Finding {
	if s.running && strings.HasSuffix(key, "listen") || key == "web.listen" && s.answers.WebListen() == "" {
		return nil
	}
	return doctor.Look(ctx, doctor.Patient{Config: s.answers.Config, Resolver: net.DefaultResolver, Command: s.command}, key)
}

// report tells findings from a level on, and whether there is a problem among them.
func (s *setup) report(all []doctor.Finding, from doctor.Level) (problem bool) {
	for _, f := range all {
		problem = problem || f.Level == doctor.Problem
		if f.Level == doctor.OK && from != doctor.OK || f.Level == doctor.Skipped {
			continue
		}
		margin := strings.Repeat(" ", len(f.Level)+4)
		fmt.Fprintf(s.stderr, "  %s: %s\n", f.Level, wrap(f.Found, margin))
		if f.Do != "" {
			fmt.Fprintf(s.stderr, "%s-> %s\n", margin, wrap(f.Do, margin+"   "))
		}
	}
	return problem
}
