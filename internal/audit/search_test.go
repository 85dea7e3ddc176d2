package audit_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"monarch/internal/audit"
	"monarch/internal/clock"
)

// TestTheNewestEntries searches a log of three files, of which one is longer than what is read at first.
func TestTheNewestEntries(t *testing.T) {
	begun := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	path := filepath.Join(t.TempDir(), "audit.log")
	at := 0
	write := func(name string, n int) {
		t.Helper()
		var b strings.Builder
		for range n {
			user := []string{"alice@example.com", "bob@example.com"}[at%2]
			fmt.Fprintf(&b, `{"time":%q,"event":"signed in","user":%q,"note":"%d"}`+"\n", begun.Add(time.Duration(at)*time.Second).Format(time.RFC3339Nano), user, at)
			at++
		}
		if err := os.WriteFile(name, []byte(b.String()), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	aside := func(n int) string {
		return strings.TrimSuffix(path, ".log") + fmt.Sprintf("-2026-03-0%dT00-00-00.000-size.log", n)
	}
	write(aside(1), 10)
	write(aside(2), 5000)
	write(path, 5)
	clk := clock.New()
	t.Cleanup(clk.Close)
	l := audit.New(audit.Config{Path: path, Limits: audit.Append, Clock: clk})
	t.Cleanup(func() { _ = l.Close() })
	second := func(n int) time.Time { return begun.Add(time.Duration(n) * time.Second) }
	for name, c := range map[string]struct {
		q           audit.Search
		n, from, to int // how many, with the notes of the first and the last
	}{
		"the last three":           {audit.Search{Limit: 3}, 3, 5014, 5012},
		"from two files":           {audit.Search{Limit: 10}, 10, 5014, 5005},
		"of somebody":              {audit.Search{Limit: 4, User: "Alice@example.com"}, 4, 5014, 5008},
		"before some time":         {audit.Search{Limit: 2, Before: second(12)}, 2, 11, 10},
		"in the oldest file":       {audit.Search{Limit: 100, Before: second(4)}, 4, 3, 0},
		"since some time":          {audit.Search{Limit: 100, Since: second(5013)}, 2, 5014, 5013},
		"everything":               {audit.Search{Limit: 10_000}, 5015, 5014, 0},
		"of an event there is not": {audit.Search{Limit: 100, Event: "backup written"}, 0, 0, 0},
	} {
		got, err := l.Latest(c.q)
		if err != nil || len(got) != c.n {
			t.Errorf("%s: %d entries, %v", name, len(got), err)
		} else if c.n > 0 && (got[0].Note != fmt.Sprint(c.from) || got[c.n-1].Note != fmt.Sprint(c.to)) {
			t.Errorf("%s: from %s to %s", name, got[0].Note, got[c.n-1].Note)
		}
	}
}

// TestWhatHappenedAtOneMomentStaysTogether has the log go on where an answer ended.
func TestWhatHappenedAtOneMomentStaysTogether(t *testing.T) {
	path := filepath.Join(t.TempDir(), "audit.log")
	line := `{"time":"2026-03-01T12:00:00Z","event":"signed in","user":"alice@example.com"}` + "\n"
	earlier := strings.Replace(line, "12:00:00", "11:00:00", 1)
	if err := os.WriteFile(path, []byte(earlier+line+line+line), 0o600); err != nil {
		t.Fatal(err)
	}
	clk := clock.New()
	t.Cleanup(clk.Close)
	l := audit.New(audit.Config{Path: path, Limits: audit.Append, Clock: clk})
	t.Cleanup(func() { _ = l.Close() })
	got, err := l.Latest(audit.Search{Limit: 2})
	if err != nil || len(got) != 3 {
		t.Errorf("%d at once, %v", len(got), err)
	}
	if rest, err := l.Latest(audit.Search{Limit: 2, Before: got[2].Time}); err != nil || len(rest) != 1 {
		t.Errorf("%d before it, %v", len(rest), err)
	}
	none := audit.New(audit.Config{Path: path + ".not", Limits: audit.Append, Clock: clk})
	t.Cleanup(func() { _ = none.Close() })
	if got, err := none.Latest(audit.Search{Limit: 2}); err != nil || len(got) != 0 {
		t.Errorf("of a log that was not begun: %v, %v", got, err)
	}
}
