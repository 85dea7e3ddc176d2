package cli_test

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"monarch/internal/admin"
	"monarch/internal/cli"
	"monarch/internal/config"
)

// result is what one command did.
type result struct {
	code        int
	out, errout string
}

// place is a data directory that commands work on.
type place struct{ dir string }

func newPlace(t *testing.T) place {
	t.Helper()
	return place{filepath.Join(t.TempDir(), "data")}
}

// run runs a command, with stdin as its standard input.
func (p place) run(stdin string, args ...string) result {
	return run(stdin, append([]string{"--data", p.dir}, args...)...)
}

func run(stdin string, args ...string) result {
	var out, errout bytes.Buffer
	code := cli.Main(args, strings.NewReader(stdin), &out, &errout)
	return result{code, out.String(), errout.String()}
}

// ok runs a command that must succeed without complaint and returns what it printed.
func (p place) ok(t *testing.T, stdin string, args ...string) string {
	t.Helper()
	r := p.run(stdin, args...)
	if r.code != 0 || r.errout != "" {
		t.Fatalf("%q: exit code %d\n%s%s", args, r.code, r.out, r.errout)
	}
	return r.out
}

func (p place) add(t *testing.T, email string, more ...string) {
	t.Helper()
	p.ok(t, "secret\n", append([]string{"user", "add", email, "--password-stdin"}, more...)...)
}

func TestUserCommands(t *testing.T) {
	p := newPlace(t)
	got := p.ok(t, "open sesame\n", "user", "add", "Alice@example.com", "--nick", "Alice ♥", "--password-stdin")
	if !strings.Contains(got, "Added alice@example.com, called Alice ♥.") || !strings.Contains(got, "serve") {
		t.Errorf("add: %s", got)
	}
	p.add(t, "bob@example.com")
	p.ok(t, "", "user", "rename", "bob@example.com", "Bob\x1b[31m")
	p.ok(t, "", "user", "disable", "bob@example.com")
	date := regexp.MustCompile(`\d{4}-\d\d-\d\d \d\d:\d\d`)
	want := "EMAIL              NICK      STATE     CREATED\n" +
		"alice@example.com  Alice ♥   -         DATE\n" +
		"bob@example.com    Bob�[31m  disabled  DATE\n"
	if got := date.ReplaceAllString(p.ok(t, "", "user", "list"), "DATE"); got != want {
		t.Errorf("list:\n%swant:\n%s", got, want)
	}
	p.ok(t, "", "user", "enable", "bob@example.com")
	p.ok(t, "another\n", "user", "passwd", "bob@example.com", "--password-stdin")
	got = p.ok(t, "", "user", "show", "bob@example.com")
	for _, line := range []string{"Disabled          no", "Contact list      0 people, version", "Groups            Other Contacts", "Signed in         no"} {
		if !strings.Contains(got, line) {
			t.Errorf("show has no line %q:\n%s", line, got)
		}
	}
	p.ok(t, "", "user", "delete", "bob@example.com")
	if got := p.ok(t, "", "user", "list"); strings.Contains(got, "bob") {
		t.Errorf("list after deletion:\n%s", got)
	}
	if got := p.ok(t, "", "contacts", "alice@example.com"); !strings.Contains(got, "nobody on any list") {
		t.Errorf("contacts: %s", got)
	}
	if got := p.ok(t, "", "session", "list"); !strings.Contains(got, "the server does not run") {
		t.Errorf("session list: %s", got)
	}
}

func TestListsComeAsJSON(t *testing.T) {
	p := newPlace(t)
	p.add(t, "alice@example.com", "--nick", "A & B")
	var accounts []admin.Account
	decode(t, p.ok(t, "", "user", "list", "--json"), &accounts)
	if len(accounts) != 1 || accounts[0].Nick != "A & B" {
		t.Errorf("accounts %+v", accounts)
	}
	var details admin.Details
	decode(t, p.ok(t, "", "user", "show", "alice@example.com", "--json"), &details)
	if details.Email != "alice@example.com" || len(details.Groups) != 1 {
		t.Errorf("details %+v", details)
	}
	for _, args := range [][]string{{"contacts", "alice@example.com", "--json"}, {"session", "list", "--json"}} {
		if got := p.ok(t, "", args...); got != "[]\n" {
			t.Errorf("%q: %s", args, got)
		}
	}
}

func decode(t *testing.T, text string, into any) {
	t.Helper()
	if err := json.Unmarshal([]byte(text), into); err != nil {
		t.Fatalf("%v in:\n%s", err, text)
	}
}

func TestErrorsSayWhatToDo(t *testing.T) {
	p := newPlace(t)
	p.add(t, "alice@example.com")
	empty := place{t.TempDir()}
	for _, tc := range []struct {
		name string
		at   place
		args []string
		code int
		want string
	}{
		{"an unknown command", p, []string{"usr"}, 2, `did you mean "user"`},
		{"no subcommand", p, []string{"user"}, 2, "monarch --help"},
		{"a missing argument", p, []string{"user", "show"}, 2, "<email>"},
		{"nobody of that name", p, []string{"user", "show", "bob@example.com"}, 1, "monarch user list"},
		{"an address twice", p, []string{"user", "add", "alice@example.com", "--password-stdin"}, 1, "monarch user passwd"},
		{"no address", p, []string{"user", "add", "alice", "--password-stdin"}, 1, "one like alice@example.com"},
		{"no address, before a password is asked for", p, []string{"user", "add", "bob"}, 1, "one like alice@example.com"},
		{"nobody to give a password", p, []string{"user", "passwd", "bob@example.com"}, 1, "monarch user list"},
		{"no terminal to ask on", p, []string{"user", "passwd", "alice@example.com"}, 2, "--password-stdin"},
		{"nobody to kick", p, []string{"session", "kick", "alice@example.com"}, 1, "is not signed in"},
		{"nobody to tell", p, []string{"notice", "--shutdown-in", "5m"}, 1, "the server does not run"},
		{"a notice without time", p, []string{"notice"}, 2, "--shutdown-in 5m"},
		{"a notice and its end", p, []string{"notice", "--shutdown-in", "5m", "--cancel"}, 2, "can't be used together"},
		{"nobody to alert", p, []string{"alert", "alice@example.com", "Hello"}, 1, "Start it: "},
		{"another directory", empty, []string{"user", "list"}, 1, "--data"},
		{"a form without a file", p, []string{"cert", "--der"}, 2, "add --out FILE"},
		{"a signature for nothing", p, []string{"cert", "--sha1"}, 2, "add --renew"},
		{"an absent configuration", p, []string{"--config", "absent.toml", "user", "list"}, 1, "absent.toml"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			r := tc.at.run("secret\n", tc.args...)
			if r.code != tc.code || !strings.HasPrefix(r.errout, "monarch: ") || !strings.Contains(r.errout, tc.want) {
				t.Errorf("exit code %d, want %d and %q in:\n%s", r.code, tc.code, tc.want, r.errout)
			}
		})
	}
	if files, err := os.ReadDir(empty.dir); err != nil || len(files) != 0 {
		t.Errorf("the other directory has %v, %v", files, err)
	}
}

func TestPasswordsThatSomeClientsCannotSend(t *testing.T) {
	p := newPlace(t)
	for password, want := range map[string]string{
		"correct horse battery": "has 21 characters",
		"pässword":              "outside ASCII",
		"exactly sixteen!":      "",
	} {
		r := p.run(password+"\r\n", "user", "add", "u"+string(rune('0'+len(password)%10))+"@example.com", "--password-stdin")
		if r.code != 0 || want == "" && r.errout != "" || !strings.Contains(r.errout, want) {
			t.Errorf("password %q: exit code %d\n%s", password, r.code, r.errout)
		}
		if strings.Contains(r.out+r.errout, password) {
			t.Errorf("the password is in the output:\n%s%s", r.out, r.errout)
		}
	}
	if r := p.run("\n", "user", "add", "empty@example.com", "--password-stdin"); r.code != 2 || !strings.Contains(r.errout, "empty") {
		t.Errorf("empty password: %+v", r)
	}
}

func TestEveryCommandHasHelpWithAnExample(t *testing.T) {
	top := run("")
	if top.code != 0 {
		t.Fatalf("without arguments: %+v", top)
	}
	_, list, ok := strings.Cut(top.out, "\nCommands:\n")
	if !ok {
		t.Fatalf("no commands in:\n%s", top.out)
	}
	commands := regexp.MustCompile(`(?m)^  ([a-z]+(?: [a-z]+)?)  +[A-Z]`).FindAllStringSubmatch(list, -1)
	if len(commands) < 19 {
		t.Errorf("%d commands:\n%s", len(commands), list)
	}
	for _, c := range commands {
		r := run("", append(strings.Fields(c[1]), "--help")...)
		if r.code != 0 || !strings.Contains(r.out, "\nExample:\n  monarch "+c[1]) {
			t.Errorf("%s: exit code %d\n%s%s", c[1], r.code, r.out, r.errout)
		}
	}
}

func TestConfigCommands(t *testing.T) {
	r := run("", "config", "print")
	if r.out != config.Annotated {
		t.Errorf("config print is not the annotated file:\n%s", r.out)
	}
	dir := t.TempDir()
	good, bad, secret := filepath.Join(dir, "good.toml"), filepath.Join(dir, "bad.toml"), filepath.Join(dir, "secret.toml")
	for path, text := range map[string]string{
		secret: "[database]\nurl = \"postgres://db.example.com/monarch\"\n[cluster]\nmode = \"embedded\"\nnode = \"a\"\nsecret_file = \"" + filepath.Join(dir, "none") + "\"\n",
		good:   "[service]\nhost = \"im.example.com\"\n",
		bad:    "[limits]\ncooky_life = \"1m\"\n\n[servce]\nhost = \"x\"\n",
	} {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if r := run("", "config", "check", good); r.code != 0 || !strings.Contains(r.out, "im.example.com") {
		t.Errorf("check of a good file: %+v", r)
	}
	if r := run("", "config", "check", secret); r.code != 1 || !strings.Contains(r.errout, "cluster.secret_file") {
		t.Errorf("check of a file that names one that is not there: %+v", r)
	}
	r = run("", "config", "check", bad)
	for _, want := range []string{
		`bad.toml:2: unknown key "limits.cooky_life"; did you mean "limits.cookie_life"?`,
		`bad.toml:4: unknown section or key "servce"; did you mean "service"?`,
	} {
		if r.code != 1 || !strings.Contains(r.errout, want) {
			t.Errorf("check of a bad file, exit code %d, want %s in:\n%s", r.code, want, r.errout)
		}
	}
	t.Setenv("MONARCH_SERVICE_NAME", "Test")
	if r := run("", "--config", good, "config", "print"); !strings.Contains(r.out, "\nname = \"Test\"\n") ||
		!strings.Contains(r.out, "\nhost = \"im.example.com\"\n") {
		t.Errorf("print with file and environment:\n%s", r.out)
	}
	t.Setenv("MONARCH_SERVICE_NAMES", "Test")
	if r := run("", "config", "check"); r.code != 1 || !strings.Contains(r.errout, "did you mean MONARCH_SERVICE_NAME?") {
		t.Errorf("misspelt variable: %+v", r)
	}
}

func TestBackupAndVersion(t *testing.T) {
	p := newPlace(t)
	p.add(t, "alice@example.com")
	copied := place{t.TempDir()}
	file := filepath.Join(copied.dir, "monarch.db")
	p.ok(t, "", "backup", file)
	if got := copied.ok(t, "", "user", "list"); !strings.Contains(got, "alice@example.com") {
		t.Errorf("accounts in the copy:\n%s", got)
	}
	if r := p.run("", "backup", file); r.code != 1 || !strings.Contains(r.errout, "exists already") {
		t.Errorf("backup over a file: %+v", r)
	}
	if got := p.ok(t, "", "version"); !strings.HasPrefix(got, "monarch ") {
		t.Errorf("version: %s", got)
	}
}
