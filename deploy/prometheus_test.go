package deploy_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"math"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"go.yaml.in/yaml/v3"

	"monarch/internal/loopback"
	"monarch/internal/msntest"
)

// program finds one of Prometheus' programs.
func program(t *testing.T, name string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	if err != nil {
		t.Fatalf("%v (scripts/setup installs it: the Debian package prometheus)", err)
	}
	return path
}

func TestPrometheusFiles(t *testing.T) {
	promtool := program(t, "promtool")
	for _, args := range [][]string{
		{"check", "config", "prometheus.yml"},
		{"check", "rules", "monarch.rules.yml"},
		{"test", "rules", "monarch.rules.test.yml"},
	} {
		cmd := exec.Command(promtool, args...)
		cmd.Dir = "prometheus"
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Errorf("promtool %s: %v\n%s", strings.Join(args, " "), err, out)
		}
	}
}

// rules is a file of rules for Prometheus.
type rules struct {
	Groups []struct {
		Name  string
		Rules []rule
	}
}

type rule struct {
	Record, Alert, Expr string
	For                 string
	Labels, Annotations map[string]string
}

func (r rule) name() string { return r.Alert + r.Record }

// ourRules are those in deploy/prometheus.
func ourRules(t *testing.T) []rule {
	t.Helper()
	file := documents[rules](t, "prometheus/monarch.rules.yml")[0]
	strict(t, documents[any](t, "prometheus/monarch.rules.yml")[0], &rules{})
	var all []rule
	for _, g := range file.Groups {
		all = append(all, g.Rules...)
	}
	return all
}

// TestEveryAlertSaysWhatToDoAndIsTested: the test of an alert has somebody who sets it off and somebody
// who does not.
func TestEveryAlertSaysWhatToDoAndIsTested(t *testing.T) {
	type unit struct {
		Name   string
		Series []struct{ Series string } `yaml:"input_series"`
		Tests  []struct {
			Expr   string
			Expect []struct{ Labels string } `yaml:"exp_samples"`
		} `yaml:"promql_expr_test"`
	}
	units := make(map[string]unit)
	for _, u := range documents[struct{ Tests []unit }](t, "prometheus/monarch.rules.test.yml")[0].Tests {
		units[u.Name] = u
	}
	for _, r := range ourRules(t) {
		if r.Alert == "" {
			continue
		}
		if r.Annotations["summary"] == "" || r.Annotations["description"] == "" {
			t.Errorf("%s does not say what has happened and what to do", r.Alert)
		}
		if s := r.Labels["severity"]; s != "warning" && s != "critical" {
			t.Errorf("%s has the severity %q", r.Alert, s)
		}
		u := units[r.Alert]
		delete(units, r.Alert)
		fires, quiet := 0, 0
		for _, s := range u.Series {
			fires += strings.Count(s.Series, `"fires"`)
			quiet += strings.Count(s.Series, `"quiet"`)
		}
		if fires == 0 || fires != quiet || len(u.Tests) != 1 || len(u.Tests[0].Expect) != 1 ||
			!strings.Contains(u.Tests[0].Expr, `alertname="`+r.Alert+`"`) || !strings.Contains(u.Tests[0].Expect[0].Labels, `"fires"`) {
			t.Errorf("the test of %s does not show that it fires and that it does not", r.Alert)
		}
	}
	for name := range units {
		t.Errorf("there is a test of %s, but no such alert", name)
	}
}

// prometheus is a real one that runs.
type prometheus struct {
	t       *testing.T
	url     string
	metrics map[string]bool // the names that it knows
}

// startPrometheus has one collect from nodes by our configuration, only more often, until the test ends.
func startPrometheus(t *testing.T, nodes []*msntest.Fixture) *prometheus {
	t.Helper()
	addr, dir := loopback.Address(t), t.TempDir()
	log, err := os.Create(filepath.Join(dir, "log"))
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(program(t, "prometheus"), "--config.file="+configure(t, dir, nodes),
		"--storage.tsdb.path="+filepath.Join(dir, "data"), "--web.listen-address="+addr)
	cmd.Stdout, cmd.Stderr = log, log
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Signal(syscall.SIGTERM) // it may have ended
		if err := cmd.Wait(); err != nil || t.Failed() {
			t.Logf("prometheus: %v\n%s", err, read(t, log.Name()))
		}
		log.Close()
	})
	p := &prometheus{t: t, url: "http://" + addr}
	p.await("prometheus is not ready", func() bool {
		resp, err := http.Get(p.url + "/-/ready")
		if err != nil {
			return false
		}
		resp.Body.Close()
		return resp.StatusCode == http.StatusOK
	})
	return p
}

// configure writes our configuration for these nodes.
func configure(t *testing.T, dir string, nodes []*msntest.Fixture) string {
	t.Helper()
	var targets []string
	for _, f := range nodes {
		targets = append(targets, f.Server.Addr("ops"))
	}
	cfg := documents[map[string]any](t, "prometheus/prometheus.yml")[0]
	cfg["global"] = map[string]string{"scrape_interval": "1s", "evaluation_interval": "1s"}
	file, err := filepath.Abs(filepath.Join("prometheus", cfg["rule_files"].([]any)[0].(string)))
	if err != nil {
		t.Fatal(err)
	}
	cfg["rule_files"] = []string{file}
	job := cfg["scrape_configs"].([]any)[0].(map[string]any)
	job["static_configs"].([]any)[0].(map[string]any)["targets"] = targets
	text, err := yaml.Marshal(cfg)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, "prometheus.yml")
	if err := os.WriteFile(path, text, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// patience is how long something may take on a machine that has much else to do.
const patience = 3 * time.Minute

// await waits until something is so.
func (p *prometheus) await(complaint string, is func() bool) {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(p.t.Context(), patience)
	defer cancel()
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for !is() {
		select {
		case <-ctx.Done():
			p.t.Fatal(complaint)
		case <-tick.C:
		}
	}
}

// ask calls the interface of Prometheus; the answer's data is read into to.
func (p *prometheus) ask(path string, query url.Values, to any) error {
	resp, err := http.Get(p.url + path + "?" + query.Encode())
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		return err
	}
	answer := struct {
		Status, Error string
		Data          any
	}{Data: to}
	if err := json.Unmarshal(body, &answer); err != nil {
		return fmt.Errorf("%s: %w", body, err)
	}
	if answer.Status != "success" {
		return fmt.Errorf("%s: %s", resp.Status, answer.Error)
	}
	return nil
}

// values returns what an expression is, at this moment.
func (p *prometheus) values(expr string) ([]float64, error) {
	var data struct {
		Result []struct{ Value [2]any }
	}
	if err := p.ask("/api/v1/query", url.Values{"query": {expr}}, &data); err != nil {
		return nil, err
	}
	var all []float64
	for _, r := range data.Result {
		n, err := strconv.ParseFloat(r.Value[1].(string), 64)
		if err != nil {
			return nil, err
		}
		all = append(all, n)
	}
	return all, nil
}

// learn notes which metrics there are.
func (p *prometheus) learn() {
	p.t.Helper()
	var names []string
	if err := p.ask("/api/v1/label/__name__/values", nil, &names); err != nil {
		p.t.Fatal(err)
	}
	p.metrics = map[string]bool{"ALERTS": true} // which is there while one is pending
	for _, name := range names {
		p.metrics[name] = true
	}
}

var (
	beside     = regexp.MustCompile(`"[^"]*"|\{[^}]*\}|\[[^\]]*\]|\b(by|on|without|ignoring|group_left|group_right) \([^)]*\)|\boffset \w+`)
	word       = regexp.MustCompile(`[a-zA-Z_:][a-zA-Z0-9_:]*\s*\(?`)
	comparison = regexp.MustCompile(` (==|!=|>=|<=|>|<) `)
)

// named returns the metrics that an expression names.
func named(expr string) []string {
	var names []string
	for _, w := range word.FindAllString(beside.ReplaceAllString(expr, ""), -1) {
		switch w = strings.TrimSpace(w); {
		case strings.HasSuffix(w, "("), w == "and", w == "or", w == "unless", w == "bool":
		default:
			names = append(names, w)
		}
	}
	return names
}

// question is an expression that somebody will look at, with where it stands.
type question struct{ where, expr string }

// questions are all that an operator's Prometheus and Grafana will ask. What a comparison would leave out
// is there as 0 or 1: of an alert it is to be seen that there is something to compare.
func questions(t *testing.T) []question {
	t.Helper()
	var all []question
	for _, r := range ourRules(t) {
		all = append(all, question{r.name(), comparison.ReplaceAllString(r.Expr, " $1 bool ")})
	}
	fill := strings.NewReplacer("$job", "monarch", "$node", ".*", "$__rate_interval", "10m")
	d := ourDashboard(t)
	for _, a := range d.Annotations.List {
		all = append(all, question{"annotation", fill.Replace(comparison.ReplaceAllString(a.Expr, " $1 bool "))})
	}
	for _, p := range d.Panels {
		for _, target := range p.Targets {
			all = append(all, question{"panel " + p.Title, fill.Replace(target.Expr)})
		}
	}
	return all
}

// empty are expressions that have no data in the test, with the reason.
var empty = map[string]string{
	"MonarchSessionsFell": "it compares with ten minutes ago",
}

// TestPrometheusWatchesAService has a real Prometheus collect from two nodes where people do something, and
// asks it everything that the rules and the dashboard ask.
func TestPrometheusWatchesAService(t *testing.T) {
	nodes := msntest.StartNodes(t, everything, everything)
	p := startPrometheus(t, nodes)
	p.await("the nodes are not collected from", func() bool {
		up, err := p.values(`monarch_sessions and up == 1`)
		up2, _ := p.values(`up == 1`)
		return err == nil && len(up)+len(up2) > 0 && len(up2) == len(nodes)
	})
	live(t, nodes)
	missing := make(map[string]string)
	all := questions(t)
	p.awaitAnswers(all, missing)
	for _, where := range slices.Sorted(maps.Keys(missing)) {
		t.Errorf("%s: %s", where, missing[where])
	}
	p.learn()
	for _, q := range all {
		for _, name := range named(q.expr) {
			if !p.metrics[name] {
				t.Errorf("%s names %s, which does not exist: %s", q.where, name, q.expr)
			}
		}
	}
	p.rulesAreWell()
	t.Logf("%d expressions, %d metrics", len(all), len(p.metrics))
}

// awaitAnswers waits until everything has an answer that is a number, and leaves in missing what has not.
func (p *prometheus) awaitAnswers(all []question, missing map[string]string) {
	deadline := time.Now().Add(patience)
	for _, q := range all {
		_, mayBeEmpty := empty[q.where]
		for {
			got, err := p.values(q.expr)
			if err != nil {
				missing[q.where] = err.Error() + ": " + q.expr
				break
			}
			if mayBeEmpty || slices.ContainsFunc(got, func(n float64) bool { return !math.IsNaN(n) }) {
				break
			}
			if time.Now().After(deadline) {
				missing[q.where] = fmt.Sprintf("no data but %v: %s", got, q.expr)
				break
			}
			<-time.After(200 * time.Millisecond)
		}
	}
}

// rulesAreWell looks whether Prometheus has evaluated every rule.
func (p *prometheus) rulesAreWell() {
	p.t.Helper()
	var data struct {
		Groups []struct {
			Rules []struct{ Name, Health, LastError string }
		}
	}
	if err := p.ask("/api/v1/rules", nil, &data); err != nil {
		p.t.Fatal(err)
	}
	want := make(map[string]bool)
	for _, r := range ourRules(p.t) {
		want[r.name()] = true
	}
	for _, g := range data.Groups {
		for _, r := range g.Rules {
			delete(want, r.Name)
			if r.Health != "ok" {
				p.t.Errorf("the rule %s is %s: %s", r.Name, r.Health, r.LastError)
			}
		}
	}
	for name := range want {
		p.t.Errorf("prometheus has no rule %s", name)
	}
}
