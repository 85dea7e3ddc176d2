package process_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"monarch/internal/process"
)

// spawn starts a shell with a script, which is gone at the end of the test.
func spawn(t *testing.T, script string) *process.Process {
	t.Helper()
	p, err := process.Spawn(t.Context(), "child", nil, nil, "sh", "-c", script)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.Kill)
	return p
}

// hears fails unless the child says these lines next.
func hears(t *testing.T, p *process.Process, lines ...string) {
	t.Helper()
	for _, want := range lines {
		if got, err := p.Line(t.Context()); got != want || err != nil {
			t.Fatalf("heard %q, want %q, %v", got, want, err)
		}
	}
}

// is fails unless that holds of a child.
func is(t *testing.T, p *process.Process, running, fell bool) {
	t.Helper()
	if p.Running() != running || p.Fell() != fell {
		t.Errorf("running %t, want %t; fell %t, want %t", p.Running(), running, p.Fell(), fell)
	}
}

func TestAChildIsHeardAndStopped(t *testing.T) {
	for name, script := range map[string]string{
		"by the end of its input": "trap '' TERM; echo $$; echo ready; exec cat",
		"by a signal":             "echo $$; echo ready; exec tail -f /dev/null",
		"though nobody listens":   "echo $$; echo ready; exec yes",
	} {
		t.Run(name, func(t *testing.T) {
			p := spawn(t, script)
			if pid, err := p.Line(t.Context()); err != nil || pid != strconv.Itoa(p.PID()) {
				t.Errorf("it is %s, not %d, %v", pid, p.PID(), err)
			}
			hears(t, p, "ready")
			is(t, p, true, false)
			if err := p.Stop(); err != nil {
				t.Error(err)
			}
			<-p.Ended
			is(t, p, false, false)
			if err := p.Stop(); err != nil {
				t.Errorf("once more: %v", err)
			}
		})
	}
}

func TestAChildThatFails(t *testing.T) {
	p := spawn(t, "echo hello; echo out of paper >&2; exit 7")
	hears(t, p, "hello")
	_, err := p.Line(t.Context())
	if want := "the child has ended\nexit status 7"; err == nil || err.Error() != want {
		t.Errorf("%v, want %s", err, want)
	}
	if want := err.Error() + "\nits last words:\nout of paper"; p.Explain(err).Error() != want {
		t.Errorf("%v, want %s", p.Explain(err), want)
	}
	is(t, p, false, true)
	if err := p.Stop(); err != nil {
		t.Errorf("stop what has ended: %v", err)
	}
	is(t, p, false, true)
}

func TestAChildThatFailsToStop(t *testing.T) {
	p := spawn(t, "trap 'echo cannot clean up >&2; exit 3' TERM; echo ready; while :; do read -r _; done")
	hears(t, p, "ready")
	err := p.Stop()
	if want := "end the child: exit status 3\nits last words:\ncannot clean up"; err == nil || err.Error() != want {
		t.Errorf("%v, want %s", err, want)
	}
}

func TestAChildIsKilled(t *testing.T) {
	p := spawn(t, "trap '' TERM; echo ready; exec tail -f /dev/null")
	hears(t, p, "ready")
	p.Kill()
	is(t, p, false, false)
	if err := p.Gone(); err == nil || !strings.Contains(err.Error(), "killed") {
		t.Errorf("it ended with %v", err)
	}
}

func TestAChildEndsWithItsContext(t *testing.T) {
	ctx, stop := context.WithCancel(t.Context())
	p, err := process.Spawn(ctx, "child", nil, nil, "sh", "-c", "trap 'exit 0' TERM; echo ready; while :; do read -r _; done")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.Kill)
	hears(t, p, "ready")
	enough := errors.New("enough")
	waiting, cancel := context.WithCancelCause(t.Context())
	cancel(enough)
	if _, err := p.Line(waiting); !errors.Is(err, enough) {
		t.Errorf("whoever waits no longer is told %v", err)
	}
	stop()
	<-p.Ended
	if err := p.Stop(); err != nil {
		t.Error(err)
	}
}

func TestOnlyTheEndIsKeptOfManyWords(t *testing.T) {
	p := spawn(t, "yes 'a long complaint' | head -n 100000 >&2; echo the end >&2")
	<-p.Ended
	words := p.Explain(errors.New("it broke")).Error()
	if !strings.HasSuffix(words, "a long complaint\nthe end") || len(words) > 17<<10 {
		t.Errorf("%d bytes that end in %q", len(words), words[max(0, len(words)-100):])
	}
}

func TestAProgramThatIsNotThere(t *testing.T) {
	_, err := process.Spawn(t.Context(), "child", nil, nil, filepath.Join(t.TempDir(), "nothing"))
	if !errors.Is(err, os.ErrNotExist) || !strings.HasPrefix(err.Error(), "start the child: ") {
		t.Error(err)
	}
}

func TestListenersAreReadFromWhatTheServerSays(t *testing.T) {
	p := spawn(t, `echo 'Monarch serves example.com'
		echo '  dispatch      127.0.0.1:1863  where clients begin'
		echo '  web           [::1]:8080      the website'
		echo '  ops           127.0.0.1:9090  for operators'
		exec cat`)
	got, err := p.Listeners(t.Context())
	if diff := cmp.Diff(map[string]string{"dispatch": "127.0.0.1:1863", "web": "[::1]:8080", "ops": "127.0.0.1:9090"}, got); diff != "" || err != nil {
		t.Errorf("%v (-want +got):\n%s", err, diff)
	}
	p = spawn(t, "echo the port is taken >&2; exit 1")
	_, err = p.Listeners(t.Context())
	if want := "start the child: the child has ended\nexit status 1\nits last words:\nthe port is taken"; err == nil || err.Error() != want {
		t.Errorf("%v, want %s", err, want)
	}
}

func TestTheEnvironmentIsOfTheTestAlone(t *testing.T) {
	t.Setenv("MONARCH_SERVICE_NAME", "from outside")
	t.Setenv("OTHER", "kept")
	env := process.Environment("/data", map[string]string{"limits.max_contacts": "7"})
	for _, want := range []string{"OTHER=kept", "MONARCH_DATA_DIR=/data", "MONARCH_LIMITS_MAX_CONTACTS=7", "MONARCH_WEB_LISTEN=127.0.0.1:0"} {
		if !slices.Contains(env, want) {
			t.Errorf("%s is missing in %q", want, env)
		}
	}
	if i := slices.IndexFunc(env, func(v string) bool { return strings.HasSuffix(v, "from outside") }); i >= 0 {
		t.Errorf("%s came in", env[i])
	}
}

func TestTheServerIsFound(t *testing.T) {
	dir := t.TempDir()
	t.Chdir(dir)
	if _, _, err := process.Find(""); err == nil || !strings.Contains(err.Error(), `"make build"`) {
		t.Errorf("there is none, but: %v", err)
	}
	file := filepath.Join(dir, "bin", "monarch")
	if err := errors.Join(os.Mkdir(filepath.Dir(file), 0o700), os.WriteFile(file, nil, 0o700)); err != nil {
		t.Fatal(err)
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	for _, named := range []string{"", file, "bin/monarch"} {
		if found, me, err := process.Find(named); found != file || me != self || err != nil {
			t.Errorf("named %q: %s and %s, %v", named, found, me, err)
		}
	}
	if _, _, err := process.Find(dir); err == nil {
		t.Error("a directory is a server")
	}
}
