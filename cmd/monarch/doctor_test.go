package main_test

import (
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// TestDoctorOfARunningServer asks the doctor while the server runs, with the configuration
// it runs on, and then with another.
func TestDoctorOfARunningServer(t *testing.T) {
	dir := t.TempDir()
	p := serve(t, dir)
	ok(t, dir, "secret\n", "Added", "user", "add", "alice@example.com", "--password-stdin")
	ask := func(changes ...string) (string, int) {
		cmd := exec.Command(programs.Path("monarch"), "doctor")
		cmd.Dir = dir
		cmd.Env = append(append(slices.Clone(environment()), p.variables()...), changes...)
		out, err := cmd.CombinedOutput()
		if err != nil && cmd.ProcessState == nil {
			t.Fatal(err)
		}
		return string(out), cmd.ProcessState.ExitCode()
	}
	out, code := ask()
	for _, line := range []string{
		`ok +database +Sound, schema \d+, 1 account\.`, `ok +dispatch server +\S+ speaks MSNP9`, `ok +sign-in \(HTTPS\) +\S+ answers as the nexus`,
		`ok +TLS 1.0 +Accepted`, `ok +file limit +\d+ files for the running server`,
	} {
		if !regexp.MustCompile(line).MatchString(out) {
			t.Errorf("no line %s", line)
		}
	}
	if code != 0 || t.Failed() {
		t.Errorf("exit code %d:\n%s", code, out)
	}
	ok(t, dir, "", "No problems", "doctor") // with any free port in the configuration, as the server was started
	out, code = ask("MONARCH_PASSPORT_LEGACY_TLS=false")
	if code != 1 || !strings.Contains(out, "problem  TLS 1.0") || !strings.Contains(out, "1 problem") {
		t.Errorf("with TLS 1.0 off, exit code %d:\n%s", code, out)
	}
	p.stop(t)
}

// variables sets every listener to where it is.
func (p *process) variables() []string {
	var env []string
	for name, key := range map[string]string{
		"dispatch": "DISPATCH", "notification": "NOTIFICATION", "switchboard": "SWITCHBOARD",
		"https": "PASSPORT_HTTPS", "http": "PASSPORT_HTTP", "web": "WEB", "ops": "OPS",
	} {
		env = append(env, "MONARCH_"+key+"_LISTEN="+p.addrs[name])
	}
	return env
}
