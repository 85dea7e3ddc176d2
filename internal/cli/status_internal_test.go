package cli

import (
	"math"
	"strings"
	"testing"
	"time"

	"monarch/internal/admin"
)

func TestCurves(t *testing.T) {
	nan := math.NaN()
	for want, points := range map[string][]float64{
		"":         nil,
		"▁▁":       {0, 0},
		" ▁▅█":     {nan, 0, 4, 8},
		"▁▂▃▄▅▆▇█": {0, 1, 2, 3, 4, 5, 6, 8},
	} {
		if got := spark(points); got != want {
			t.Errorf("%v is %q, want %q", points, got, want)
		}
	}
	if got := spark(make([]float64, 360)); got != strings.Repeat("▁", 60) {
		t.Errorf("an hour is %q", got)
	}
}

func TestSpansAreWrittenInTwoUnits(t *testing.T) {
	for want, d := range map[string]time.Duration{
		"7 s": 7 * time.Second, "59 min": time.Hour - time.Second, "2 h 5 min": 125 * time.Minute,
		"1 day, 1 h": 25 * time.Hour, "3 days, 0 h": 72 * time.Hour, "0 s": -time.Hour,
	} {
		if got := span(d); got != want {
			t.Errorf("%v is %q, want %q", d, got, want)
		}
	}
}

func TestTheScreenOfTwoNodes(t *testing.T) {
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	var b strings.Builder
	err := writeNodes(&b, []admin.NodeStatus{
		{
			Name: "a", State: "here", Load: 0.5, CPU: 0.251, Memory: 50 << 20, Since: now.Add(-time.Hour),
			Figures: admin.Figures{Sessions: 12, Connections: 14, Switchboards: 1, SignInsMinute: 1.5, MessagesMinute: 80, ErrorsHour: 2},
		},
		{Name: "b", State: "alive", Figures: admin.Figures{Sessions: 3}, Unheard: true},
	}, now)
	want := "NODE  STATE            SIGNED IN  LOAD  CONNS  CHATS  SIGN-INS/MIN  MESSAGES/MIN  CORES  MEMORY  ERRORS/H  UP\n" +
		"a     here             12         50%   14     1      1.5           80            0.25   50 MiB  2         1 h 0 min\n" +
		"b     does not answer  3\n"
	if err != nil || b.String() != want {
		t.Errorf("%v\n%swant\n%s", err, b.String(), want)
	}
	b.Reset()
	err = writeTrouble(&b, []admin.LogLine{{Time: now, Level: "WARN", Node: "b", Text: "odd\x1b[2J", Attributes: map[string]string{"z": "1", "a": "two words\nand more"}}})
	if got := b.String(); err != nil || !strings.Contains(got, `WARN   b: odd�[2J a="two words" z=1`) {
		t.Errorf("%v, %q", err, got)
	}
}
