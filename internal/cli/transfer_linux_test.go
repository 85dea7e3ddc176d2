package cli_test

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

func writeFile(t *testing.T, name, content string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestExportAndImport(t *testing.T) {
	freePorts(t)
	p, q := newPlace(t), newPlace(t)
	people := writeFile(t, "people.csv", "email,nick,password\nalice@example.com,Alice,open sesame\nbob@example.com,Bob\x1b[31m,secret\ncarol@example.com,,\n")
	if got := p.ok(t, "", "import", "--dry-run", people); !strings.Contains(got, "An import would make 3 accounts and put in 0 contacts. Nothing was changed.") {
		t.Errorf("the dry run said %s", got)
	}
	if _, err := os.Stat(p.dir); err == nil {
		t.Error("a dry run has made something")
	}
	got := p.ok(t, "", "import", people)
	for _, want := range []string{"carol@example.com has none that anybody knows", "1 account has no password", "Imported 3 accounts with 0 contacts.", "serve"} {
		if !strings.Contains(got, want) {
			t.Errorf("import did not say %q:\n%s", want, got)
		}
	}
	dir := t.TempDir()
	all, table := filepath.Join(dir, "all.jsonl.gz"), filepath.Join(dir, "table")+"/"
	t.Run("while a server runs", func(t *testing.T) {
		startServer(t, "--data", p.dir, "serve")
		if got := p.ok(t, "", "export", all); !strings.Contains(got, "Wrote 3 accounts and 0 contacts") {
			t.Errorf("export said %s", got)
		}
		if r := p.run("", "import", people); r.code != 1 || !strings.Contains(r.errout, "a server is running already") || !strings.Contains(r.errout, "stop the server") {
			t.Errorf("import said %+v", r)
		}
		r := p.run("", "import", "--dry-run", people)
		if r.code != 1 || !strings.Contains(r.out, "line 2, address: alice@example.com has an account here already") || !strings.Contains(r.errout, "3 things are wrong") {
			t.Errorf("the dry run said %+v", r)
		}
	})
	p.ok(t, "", "export", table)
	if r := p.run("", "export", all); r.code != 1 || !strings.Contains(r.errout, "choose another name") {
		t.Errorf("over a file: %+v", r)
	}
	report := filepath.Join(dir, "report.txt")
	if got := q.ok(t, "", "import", "--report", report, all); !strings.Contains(got, "Imported 3 accounts") || !strings.Contains(got, report) {
		t.Errorf("import said %s", got)
	}
	if text, err := os.ReadFile(report); err != nil || !strings.Contains(string(text), "line 4, password: carol@example.com has none") {
		t.Errorf("the report is %s, %v", text, err)
	}
	if r := q.run("", "import", table); r.code != 1 || !strings.Contains(r.errout, "3 things are wrong") {
		t.Errorf("again: %+v", r)
	}
	if got := q.ok(t, "", "import", "--on-conflict", "skip", table); !strings.Contains(got, "3 were here and are as they were") {
		t.Errorf("skip: %s", got)
	}
	if got := q.ok(t, "", "import", "--on-conflict", "replace", table); !strings.Contains(got, "Replaced 3.") {
		t.Errorf("replace: %s", got)
	}
	if got := q.ok(t, "", "audit"); strings.Count(got, "accounts imported") != 2 || !strings.Contains(p.ok(t, "", "audit"), "accounts exported") {
		t.Errorf("audit: %s", got)
	}
	if got := q.ok(t, "", "user", "list"); !strings.Contains(got, "Bob�[31m") {
		t.Errorf("accounts: %s", got)
	}
}

// crowd writes a file of people who know the next ones.
func crowd(t *testing.T, people, each int) string {
	var b strings.Builder
	b.WriteString(`{"format":"monarch accounts","version":1}` + "\n")
	for i := range people {
		fmt.Fprintf(&b, `{"account":"p%d@example.com","password_hash":"md5$salt$WDhmRj4SuJwWmxFYAQ0b8w=="}`+"\n", i)
	}
	for i := range people {
		var list []string
		for j := range each {
			list = append(list, fmt.Sprintf(`{"account":"p%d@example.com","lists":["FL","AL"]}`, (i+1+j)%people))
		}
		fmt.Fprintf(&b, `{"contacts_of":"p%d@example.com","contacts":[%s]}`+"\n", i, strings.Join(list, ","))
	}
	return writeFile(t, "crowd.jsonl", b.String())
}

// Whoever interrupts an import at a terminal, where he sees how far it is, is told how to go on.
func TestAnImportIsInterruptedAtATerminal(t *testing.T) {
	p := newPlace(t)
	file := crowd(t, 5000, 10)
	hand, terminal := pseudoTerminal(t)
	cmd := exec.Command(os.Args[0], "--data", p.dir, "import", file)
	var out bytes.Buffer
	cmd.Env, cmd.Stdout, cmd.Stderr = append(os.Environ(), commandEnv+"=1"), &out, terminal
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	terminal.Close()
	defer time.AfterFunc(5*time.Minute, func() { _ = cmd.Process.Kill() }).Stop()
	seen := bufio.NewReader(hand)
	shown := ""
	for !strings.Contains(shown, "Importing") {
		part, err := seen.ReadString('\r')
		if err != nil {
			t.Fatalf("the terminal shows %q, %v", shown, err)
		}
		shown += part
	}
	if !strings.Contains(shown, "\x1b[K") || !strings.Contains(shown, "Checking") || !strings.Contains(shown, "[#") {
		t.Errorf("the terminal shows %q", shown)
	}
	if err := cmd.Process.Signal(syscall.SIGINT); err != nil {
		t.Fatal(err)
	}
	_, _ = io.Copy(io.Discard, seen) // until it ends
	err := cmd.Wait()
	var failed *exec.ExitError
	if err != nil && (!errors.As(err, &failed) || failed.ExitCode() != 130) {
		t.Fatalf("it ended with %v", err)
	}
	if err != nil && !strings.Contains(out.String(), " --data "+p.dir+" import --on-conflict skip "+file) {
		t.Errorf("it said %s", &out)
	}
	if r := p.run("", "import", "--on-conflict", "skip", file); r.code != 0 {
		t.Fatalf("going on: %+v", r)
	}
	if got := p.ok(t, "", "user", "show", "p4999@example.com"); !strings.Contains(got, "Contact list      10 people") || !strings.Contains(got, "Listed by         10 people") {
		t.Errorf("the last one is %s", got)
	}
}

func TestImportFromAnotherService(t *testing.T) {
	p := newPlace(t)
	dump := filepath.Join("..", "foreign", "testdata", "r2m.sql")
	r := p.run("", "import", "--from", "r2m", dump)
	if r.code != 1 || !strings.Contains(r.out, `wrong  users id 4, address: "no address"`) || !strings.Contains(r.errout, "--partial") {
		t.Errorf("a broken row: %+v", r)
	}
	if got := p.ok(t, "", "import", "--from", "r2m", "--partial", dump); !strings.Contains(got, "Imported 3 accounts with 3 contacts.") {
		t.Errorf("it said %s", got)
	}
	if got := p.ok(t, "", "contacts", "alice@example.com"); !strings.Contains(got, "Friends, Work ♥") {
		t.Errorf("contacts: %s", got)
	}
	if r := p.run("", "import", "--from", "icq", dump); r.code != 2 {
		t.Errorf("a service nobody knows: %+v", r)
	}
}
