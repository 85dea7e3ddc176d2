package main_test

import (
	"crypto/tls"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"monarch/internal/loopback"
	"monarch/internal/pgtest"
	"monarch/msnclient"
	"monarch/msnp"
)

// configure writes a configuration, monarch.toml, into a directory of its own.
func configure(t *testing.T, format string, args ...any) (dir string) {
	t.Helper()
	dir = t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "monarch.toml"), fmt.Appendf(nil, format, args...), 0o600); err != nil {
		t.Fatal(err)
	}
	return dir
}

// nodeConfig is what an operator writes for each node of a service.
const nodeConfig = `[service]
host = "127.0.0.1"
[database]
url = %q
[cluster]
mode = "embedded"
node = "node-%d"
listen = %q
peers = [%q, %q]
secret = "a secret of the tests"
`

// twoNodes starts two nodes of one service, each in a directory with its configuration.
func twoNodes(t *testing.T) (dirs [2]string, nodes [2]*process) {
	t.Helper()
	db := pgtest.Start(t)
	name, err := db.Create("")
	if err != nil {
		t.Fatal(err)
	}
	addrs := [2]string{loopback.Address(t), loopback.Address(t)}
	for i := range nodes {
		dirs[i] = configure(t, nodeConfig, db.URL(name), i+1, addrs[i], addrs[0], addrs[1])
		nodes[i] = serve(t, dirs[i], "--config", "monarch.toml")
	}
	return dirs, nodes
}

// about runs a command about the service that is configured in dir.
func about(t *testing.T, dir, command string) (output string, code int) {
	t.Helper()
	return run(t, dir, "", append([]string{"--config", "monarch.toml"}, strings.Fields(command)...)...)
}

// says wants a command to say what matches, and no more.
func says(t *testing.T, dir, command string, code int, pattern string) {
	t.Helper()
	out, got := about(t, dir, command)
	if got != code || !regexp.MustCompile(`^(?:`+pattern+`)\n$`).MatchString(out) {
		t.Errorf("monarch %s: exit code %d, want %d and %s in:\n%s", command, got, code, pattern, out)
	}
}

// comes waits until a command says what matches.
func comes(t *testing.T, dir, command, pattern string) {
	t.Helper()
	expr := regexp.MustCompile(pattern)
	last := ""
	for began := time.Now(); time.Since(began) < patience; <-time.After(100 * time.Millisecond) {
		if last, _ = about(t, dir, command); expr.MatchString(last) {
			return
		}
	}
	t.Fatalf("monarch %s does not come to say %s but:\n%s", command, pattern, last)
}

// person is somebody who is signed in with a client that comes back by itself.
type person struct {
	*msnclient.Client
	left chan string // who was seen to leave
}

// signsIn makes an account and signs in with it, by way of a node.
func signsIn(t *testing.T, p *process, dir, name string) *person {
	t.Helper()
	handle := name + "@example.com"
	if out, code := run(t, dir, "secret\n", "--config", "monarch.toml", "user", "add", handle, "--password-stdin"); code != 0 {
		t.Fatal(out)
	}
	c, err := msnclient.Dial(t.Context(), msnclient.Config{
		Handle: handle, Password: "secret", Server: p.addrs["dispatch"], Login: "https://" + p.addrs["https"] + "/login2.srf",
		TLS: &tls.Config{InsecureSkipVerify: true}, Reconnect: true,
	})
	if err != nil {
		t.Fatal(err)
	}
	one := &person{c, make(chan string, 100)}
	done := make(chan struct{})
	go func() {
		defer close(done)
		for ev := range c.Events() {
			if p, ok := ev.(msnclient.PresenceChanged); ok && p.Status == msnp.Offline {
				one.left <- p.Handle
			}
		}
	}()
	t.Cleanup(func() {
		_ = c.Close() // it may have been thrown out
		<-done
	})
	return one
}

// row is a line of monarch nodes, of a node that does everything.
func row(name, state string, signedIn, inChats int, heard string) string {
	return fmt.Sprintf(`%s +%s +%d +%d +%s *dispatch notification switchboard passport web  \S+`, name, state, signedIn, inChats, heard)
}

const (
	heading = `NODE +STATE +SIGNED IN  IN CHATS  HEARD +CLOCK  ROLES +RELEASE\n`
	ago     = `\d+s ago`
)

// TestANodeIsDrainedFromTheCommandLine moves somebody who is talking to another node, and back.
func TestANodeIsDrainedFromTheCommandLine(t *testing.T) {
	dirs, nodes := twoNodes(t)
	says(t, dirs[0], "nodes", 0, heading+row("node-1", "here", 0, 0, "")+`\n`+row("node-2", "alive", 0, 0, ago))
	says(t, dirs[1], "nodes", 0, heading+row("node-1", "alive", 0, 0, ago)+`\n`+row("node-2", "here", 0, 0, ""))

	comes(t, dirs[0], "doctor", `(?s)ok +nodes +node-1, node-2 hear each other\..*ok +clocks of nodes .*ok +roles .*ok +addresses of nodes +Each node has its own`)

	alice := signsIn(t, nodes[0], dirs[0], "alice")
	comes(t, dirs[1], "nodes", row("node-1", "alive", 1, 0, ago))
	bob := signsIn(t, nodes[1], dirs[1], "bob")
	if err := alice.Add(t.Context(), "bob@example.com", "Bob", 0); err != nil {
		t.Fatal(err)
	}
	if err := bob.Add(t.Context(), "alice@example.com", "Alice", 0); err != nil {
		t.Fatal(err)
	}
	comes(t, dirs[0], "session list", `(?s)alice@example\.com .* node-1\n.*bob@example\.com .* node-2\n`)

	says(t, dirs[1], "drain node-1 --pace 20/s", 0, `node-1 moves its people to other nodes, 20 a second\. To see how far it is: monarch --config monarch\.toml nodes\n`+
		`Conversations stay until they end or it is stopped\. To take it back: monarch --config monarch\.toml drain node-1 --undo`)
	comes(t, dirs[0], "nodes", row("node-1", "here, draining", 0, 0, "")+`\n`+row("node-2", "alive", 2, 0, ago))
	says(t, dirs[0], "drain node-2", 1, "monarch: no other node takes people: .*")
	carol := signsIn(t, nodes[0], dirs[0], "carol") // who asks the node that drains
	comes(t, dirs[0], "session list", `carol@example\.com .* node-2\n`)
	chat, err := bob.Open(t.Context(), "alice@example.com")
	if err != nil {
		t.Fatal(err)
	}
	if err := chat.Send(t.Context(), msnclient.Text{Body: "Hello"}); err != nil {
		t.Error(err)
	}
	comes(t, dirs[1], "nodes", row("node-1", "alive, draining", 0, 0, ago)+`\n`+row("node-2", "here", 3, 2, ""))

	says(t, dirs[0], "drain node-1 --undo", 0, `node-1 takes people again\.`)
	comes(t, dirs[1], "nodes", row("node-1", "alive", 0, 0, ago))
	says(t, dirs[0], "drain node-2", 0, `(?s).*`)
	comes(t, dirs[0], "nodes", row("node-1", "here", 3, 0, "")+`\n`+row("node-2", "alive, draining", 0, 2, ago))
	for _, one := range []*person{alice, bob, carol} {
		select {
		case who := <-one.left:
			t.Errorf("%s was seen to leave", who)
		default:
		}
	}
	nodes[1].stop(t)
	comes(t, dirs[0], "nodes", `node-2 +left, draining +0 +\d+ +`+ago)
	nodes[0].stop(t)
}

// TestWhatCannotBeDrained asks for what does not work.
func TestWhatCannotBeDrained(t *testing.T) {
	dirs, nodes := twoNodes(t)
	says(t, dirs[0], "drain node-3", 1, "monarch: there is no node \"node-3\"; `monarch nodes` shows those there are")
	says(t, dirs[0], "drain node-1 --pace fast", 2, `(?s)monarch: --pace: "fast" is no pace; write it like 50/s\n.*`)
	says(t, dirs[0], "drain node-1 --pace 20000/s", 1, `monarch: people can be moved at a pace of 1 to 10000 a second`)
	says(t, dirs[0], "drain --help", 0, `(?s)Usage: monarch drain <node> \[flags\]\n.*Example:\n  monarch drain node-1 --pace 20/s\n  monarch drain node-1 --undo`)
	says(t, dirs[0], "nodes --help", 0, `(?s)Usage: monarch nodes \[flags\]\n.*Example:\n  monarch nodes`)

	if err := nodes[1].cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	<-nodes[1].said
	nodes[1].ended = true
	_ = nodes[1].cmd.Wait() // killed, as it tells
	says(t, dirs[0], "drain node-2", 1, "monarch: node-2 does not answer; `monarch nodes` shows when it was last heard of|"+
		"monarch: node-2 is silent: nobody is sent there, and it cannot be told anything")
	comes(t, dirs[0], "nodes", row("node-2", "silent", 0, 0, ago))
	says(t, dirs[0], "drain node-2 --undo", 1, "monarch: node-2 is silent: nobody is sent there, and it cannot be told anything")
	says(t, dirs[0], "drain node-1", 1, "monarch: no other node takes people: start one with the role notification first, .*")
	nodes[0].stop(t)
	says(t, dirs[0], "drain node-1", 1, "monarch: the server does not run. Start it: monarch --config monarch.toml serve")
}

// TestANodeThatFindsNoNATS says what to do.
func TestANodeThatFindsNoNATS(t *testing.T) {
	db := pgtest.Start(t)
	name, err := db.Create("")
	if err != nil {
		t.Fatal(err)
	}
	dir := configure(t, "[database]\nurl = %q\n[cluster]\nmode = \"external\"\nnode = \"node-1\"\nnats_url = \"nats://monarch:sesame@%s\"\n",
		db.URL(name), loopback.Address(t))
	out, code := about(t, dir, "serve")
	if code != 1 || !strings.Contains(out, "is it running, and is cluster.nats_url right?") || strings.Contains(out, "sesame") {
		t.Errorf("exit code %d:\n%s", code, out)
	}
}
