package deploy_test

import (
	"io"
	"maps"
	"net/http"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"monarch/internal/msntest"
)

func TestMain(m *testing.M) { os.Exit(msntest.Main(m)) }

// everything are settings with which a server has all metrics there are.
var everything = map[string]string{
	"smtp.host": "127.0.0.1", "smtp.from": "robot@example.com",
	"ops.trace_endpoint": "http://127.0.0.1:9", // where nobody listens
	"web.acme":           "on", "web.url": "https://im.example.com", "web.acme_directory": "https://127.0.0.1:9/",
}

// busy starts two nodes that have all metrics, and has people do something at both.
func busy(t *testing.T) []*msntest.Fixture {
	t.Helper()
	nodes := msntest.StartNodes(t, everything, everything)
	live(t, nodes)
	return nodes
}

// live has people sign in, see and call each other and write, and do some of it wrong.
func live(t *testing.T, nodes []*msntest.Fixture) {
	t.Helper()
	p := msntest.NewPlayer(t, nodes[0])
	p.At(nodes[1], "B.ns")
	p.Play(`mutual alice bob
signin9 A
signin9 B, loud
B.ns< ILN 6 NLN alice@example.com Alice 268435492
A.ns< NLN NLN bob@example.com Bob 268435492
chat A B
A.sb> MSG 30 A {n} + P-HELLO
A.sb< ACK 30
B.sb< MSG alice@example.com Alice {n} + P-HELLO
A.sb> CAL 31 nobody@example.com
A.sb< 217 31
A.ns> ADD 40 FL nobody@example.com Nobody 0
A.ns< 205 40`)
}

// family is a metric as a server tells of it, or as our table does.
type family struct{ kind, labels string }

var (
	typeLine   = regexp.MustCompile(`^# TYPE (\S+) (\S+)$`)
	sampleLine = regexp.MustCompile(`^([a-z_:]+)(?:\{(.*)\})? \S+$`)
	labelName  = regexp.MustCompile(`([a-z_]+)="`)
)

// exported returns the metrics of ours that a node has.
func exported(t *testing.T, f *msntest.Fixture) map[string]family {
	t.Helper()
	resp, err := http.Get("http://" + f.Server.Addr("ops") + "/metrics")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	all, name := make(map[string]family), ""
	for line := range strings.Lines(string(text)) {
		line = strings.TrimSpace(line)
		if m := typeLine.FindStringSubmatch(line); m != nil {
			if name = m[1]; strings.HasPrefix(name, "monarch_") {
				all[name] = family{kind: m[2]}
			}
		} else if m := sampleLine.FindStringSubmatch(line); m != nil && strings.HasPrefix(name, "monarch_") {
			f := all[name]
			f.labels = labels(f.labels, m[2])
			all[name] = f
		}
	}
	return all
}

// labels returns the names that are known with those of a sample. le is a histogram's own.
func labels(known, sample string) string {
	names := strings.Fields(known)
	for _, m := range labelName.FindAllStringSubmatch(sample, -1) {
		if m[1] != "le" && !slices.Contains(names, m[1]) {
			names = append(names, m[1])
		}
	}
	slices.Sort(names)
	return strings.Join(names, " ")
}

var metricRow = regexp.MustCompile("^\\| `(monarch_[a-z_]+)` \\| ([a-z]+) \\|([^|]*)\\| ([^|]+) \\|$")

// documented returns the metrics of docs/metrics.md.
func documented(t *testing.T) map[string]family {
	t.Helper()
	all := make(map[string]family)
	for line := range strings.Lines(read(t, "../docs/metrics.md")) {
		if m := metricRow.FindStringSubmatch(strings.TrimSpace(line)); m != nil {
			if _, twice := all[m[1]]; twice {
				t.Errorf("%s is there twice", m[1])
			}
			names := strings.Fields(strings.NewReplacer("`", "", ",", "").Replace(m[3]))
			slices.Sort(names)
			all[m[1]] = family{m[2], strings.Join(names, " ")}
		}
	}
	return all
}

// TestMetricsAreDocumented compares docs/metrics.md with what a real server has.
func TestMetricsAreDocumented(t *testing.T) {
	want, got := documented(t), make(map[string]family)
	for _, f := range busy(t) {
		for name, of := range exported(t, f) { // what one node has not been asked for, the other has
			got[name] = family{of.kind, merged(got[name].labels, of.labels)}
		}
	}
	for _, name := range slices.Sorted(maps.Keys(got)) {
		if w, ok := want[name]; !ok {
			t.Errorf("docs/metrics.md lacks %s, a %s with the labels %q", name, got[name].kind, got[name].labels)
		} else if w != got[name] {
			t.Errorf("%s is a %s with the labels %q; docs/metrics.md has %+v", name, got[name].kind, got[name].labels, w)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(want)) {
		if _, ok := got[name]; !ok {
			t.Errorf("docs/metrics.md has %s, which no server has", name)
		}
	}
}

func merged(a, b string) string {
	names := append(strings.Fields(a), strings.Fields(b)...)
	slices.Sort(names)
	return strings.Join(slices.Compact(names), " ")
}
