package cli_test

import (
	"net"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"monarch/internal/doctor"
)

// freePorts lets every listener of the configuration take any free port.
func freePorts(t *testing.T) {
	t.Helper()
	for _, key := range []string{
		"DISPATCH_LISTEN", "NOTIFICATION_LISTEN", "SWITCHBOARD_LISTEN", "PASSPORT_HTTPS_LISTEN", "PASSPORT_HTTP_LISTEN",
		"WEB_LISTEN", "OPS_LISTEN",
	} {
		t.Setenv("MONARCH_"+key, "127.0.0.1:0")
	}
}

func TestDoctorOfAServiceThatIsWell(t *testing.T) {
	freePorts(t)
	p := newPlace(t)
	p.add(t, "alice@example.com")
	got := p.ok(t, "", "doctor")
	for _, want := range []string{
		`(?m)^ok       database  +Sound, schema \d+, 1 account\.$`,
		`(?m)^warning  service\.host  +127\.0\.0\.1 is right`,
		`(?m)^ +-> Set service\.host to`,
		`(?m)^ {10,}iptables -t nat -A OUTPUT -d 127\.0\.0\.1 -p tcp --dport 443 -j REDIRECT`,
		`\nNo problems, \d+ warnings\.\n$`,
	} {
		if !regexp.MustCompile(want).MatchString(got) {
			t.Errorf("no %s in:\n%s", want, got)
		}
	}
	var findings []doctor.Finding
	decode(t, p.ok(t, "", "doctor", "--json"), &findings)
	if len(findings) < 15 || findings[0].Level != doctor.OK || findings[0].Check != "settings" {
		t.Errorf("findings %+v", findings)
	}
}

func TestDoctorOfAServiceThatIsNot(t *testing.T) {
	freePorts(t)
	p := newPlace(t)
	p.add(t, "alice@example.com")
	if err := os.WriteFile(filepath.Join(p.dir, "monarch.db"), []byte(strings.Repeat("garbage ", 4096)), 0o600); err != nil {
		t.Fatal(err)
	}
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	t.Setenv("MONARCH_OPS_LISTEN", taken.Addr().String())
	r := p.run("", "doctor")
	if r.code != 1 || r.errout != "monarch: the doctor found 2 problems\n" || !strings.Contains(r.out, "\nproblem  database ") ||
		!strings.Contains(r.out, "\nproblem  operations ") {
		t.Errorf("exit code %d\n%s%s", r.code, r.out, r.errout)
	}
	var findings []doctor.Finding
	r = p.run("", "doctor", "--json")
	decode(t, r.out, &findings)
	if r.code != 1 {
		t.Errorf("with --json: exit code %d", r.code)
	}
}

func TestDoctorOfAConfigurationThatIsWrong(t *testing.T) {
	t.Setenv("MONARCH_LIMITS_RATES", "sometimes")
	r := run("", "doctor")
	if r.code != 1 || !strings.HasPrefix(r.out, "problem  settings  limits.rates is \"sometimes\"") || !strings.Contains(r.out, "-> Correct") {
		t.Errorf("exit code %d\n%s%s", r.code, r.out, r.errout)
	}
}
