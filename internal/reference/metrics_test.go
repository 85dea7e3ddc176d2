package reference

import (
	"io"
	"maps"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"

	"monarch/internal/msntest"
)

var (
	metric = regexp.MustCompile(`\bmonarch_[a-z][a-z0-9_]*\b`)
	family = regexp.MustCompile(`(?m)^# TYPE (monarch_[a-z0-9_]+) `)
	quoted = regexp.MustCompile(`"(monarch_[a-z][a-z0-9_]*)"`)
)

func TestDocumentsNameMetricsThatExist(t *testing.T) {
	have := metrics(t)
	each(documents(t), func(where, line string, _ bool) {
		for _, name := range metric.FindAllString(line, -1) {
			whole := name
			for _, part := range []string{"_bucket", "_sum", "_count"} { // of a histogram
				whole = strings.TrimSuffix(whole, part)
			}
			if !have[name] && !have[whole] {
				t.Errorf("%s: there is no metric %s", where, name)
			}
		}
	})
}

// TestEveryMetricIsInItsChapter holds as soon as there is that chapter, metrics.md.
func TestEveryMetricIsInItsChapter(t *testing.T) {
	have := metrics(t)
	for _, d := range documents(t) {
		if d.file == "metrics.md" {
			for _, name := range missing(slices.Sorted(maps.Keys(have)), d.whole()) {
				t.Errorf("metrics.md says nothing of %s", name)
			}
		}
	}
}

// missing returns the names that a text does not have as whole words.
func missing(names []string, text string) []string {
	return slices.DeleteFunc(slices.Clone(names), func(name string) bool {
		return regexp.MustCompile(regexp.QuoteMeta(name) + `(?:[^\w/-]|$)`).MatchString(text)
	})
}

func TestMissing(t *testing.T) {
	names := []string{"one", "one_total", "/a", "/a/b"}
	if got := missing(names, "`one_total{x}` and /a/b"); !slices.Equal(got, []string{"one", "/a"}) || names[3] != "/a/b" {
		t.Errorf("%q of %q", got, names)
	}
}

// metrics returns the names of all metrics: what a server shows that has just begun, and what the
// source names, as some come with other nodes, with mail, or with the first fault.
func metrics(t *testing.T) map[string]bool {
	t.Helper()
	have := make(map[string]bool)
	f := msntest.Start(t, nil)
	resp, err := http.Get("http://" + f.Server.Addr("ops") + "/metrics")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range family.FindAllSubmatch(body, -1) {
		have[string(m[1])] = true
	}
	if len(have) < 30 {
		t.Fatalf("a server shows %d metrics", len(have))
	}
	for _, m := range quoted.FindAllStringSubmatch(goSource(t), -1) {
		have[m[1]] = true
	}
	return have
}
