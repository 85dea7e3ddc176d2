package roff_test

import (
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"monarch/internal/roff"
)

func TestPage(t *testing.T) {
	p := roff.New("monarch.toml", 5, time.Date(2026, 11, 23, 23, 0, 0, 0, time.UTC), "Monarch")
	p.Section("NAME")
	p.Plain("monarch.toml", "the configuration of Monarch")
	p.Section("DESCRIPTION")
	p.Subsection("[service]")
	p.Text("Sign-in: run `monarch config check --config FILE`, which reads C:\\monarch.toml and nothing else; " +
		"a line that is long is broken. .hidden stays.")
	p.Item("`--help`", "It helps.", "So does this.")
	p.Example("a = 1\n'b'\n.c \\n")
	want := `.TH MONARCH.TOML 5 "2026-11-23" "" "Monarch"
.SH NAME
monarch.toml \- the configuration of Monarch
.SH DESCRIPTION
.SS [service]
Sign-in: run \fBmonarch config check \-\-config FILE\fP, which reads
C:\emonarch.toml and nothing else; a line that is long is broken. .hidden
stays.
.TP
\fB\-\-help\fP
It helps.
.IP
So does this.
.PP
.RS 4
.nf
a = 1
\&'b'
\&.c \en
.fi
.RE
`
	if diff := cmp.Diff(want, p.String()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if first, _, _ := strings.Cut(roff.New("a", 1, time.Time{}, "A").String(), "\n"); first != `.TH A 1 "" "" "A"` {
		t.Errorf("without a date: %s", first)
	}

	show := exec.Command("mandoc", "-T", "ascii")
	show.Stdin = strings.NewReader(p.String())
	out, err := show.CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %s(scripts/setup installs it: the Debian package mandoc)", err, out)
	}
	for _, line := range []string{"       'b'\n", "       .c \\n\n", "--config FILE", "       So does this.\n"} {
		if !strings.Contains(strings.ReplaceAll(unbold(string(out)), "           ", "       "), line) {
			t.Errorf("is not shown: %q in\n%s", line, unbold(string(out)))
		}
	}
}

// unbold takes away how terminals of old printed letters twice.
func unbold(s string) string {
	var b strings.Builder
	for _, r := range s {
		if r == '\b' {
			before := b.String()
			b.Reset()
			b.WriteString(before[:len(before)-1])
			continue
		}
		b.WriteRune(r)
	}
	return b.String()
}
