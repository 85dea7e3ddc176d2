package arch

import (
	"regexp"
	"strings"
	"testing"
)

// What is looser under the race detector, which scripts/check runs all tests with, holds only
// if its package's tests run without it, too.
func TestWhatIsLooserUnderRaceIsCheckedWithout(t *testing.T) {
	tr := open(t)
	script, err := tr.read("scripts/check")
	if err != nil {
		t.Fatal(err)
	}
	without := ""
	for line := range strings.Lines(string(script)) {
		if strings.Contains(line, "go test") && strings.Contains(line, "Garbage") && !strings.Contains(line, "-race") {
			without = line
		}
	}
	var findings []string
	for _, s := range tr.sources {
		if s.isTest() && looserUnderRace.Match(s.text) && !regexp.MustCompile(`\./`+s.dir()+`\b`).MatchString(without) {
			findings = append(findings, s.complain(1, "scripts/check does not test ./%s without the race detector", s.dir()))
		}
	}
	report(t, findings)
}

var looserUnderRace = regexp.MustCompile(`(?m)^//go:build .*!race\b`)
