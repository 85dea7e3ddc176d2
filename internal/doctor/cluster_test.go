package doctor_test

import (
	"context"
	"errors"
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"

	"monarch/internal/config"
	"monarch/internal/doctor"
	"monarch/internal/loopback"
)

// severalNodes is a configuration of one of several, with a peer at an address.
func severalNodes(t *testing.T, peer string) config.Config {
	t.Helper()
	cfg := freePorts(t)
	cfg.Cluster.Mode, cfg.Cluster.Node, cfg.Cluster.Secret, cfg.Cluster.Peers = config.ClusterEmbedded, "node-1", "a secret of the tests", []string{peer}
	return cfg
}

// examineNodes examines one of several nodes that runs, and knows these.
func examineNodes(t *testing.T, cfg config.Config, nodes ...doctor.Node) findings {
	t.Helper()
	return doctor.Examine(t.Context(), doctor.Patient{
		Config: cfg, Running: true, Nodes: nodes, Command: func(rest string) string { return "monarch " + rest },
		Resolver: &net.Resolver{PreferGo: true, Dial: func(context.Context, string, string) (net.Conn, error) {
			return nil, errors.New("there is no name server")
		}},
	})
}

// listening returns an address where something listens until the test ends.
func listening(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	return l.Addr().String()
}

func TestSeveralNodesThatAreWell(t *testing.T) {
	everything := []string{"dispatch", "notification", "switchboard", "passport"}
	all := examineNodes(t, severalNodes(t, loopback.Address(t)),
		doctor.Node{Name: "node-1", State: "here", Roles: everything[:2], Notification: "10.0.0.1:1864"},
		doctor.Node{Name: "node-2", State: "alive", Roles: everything[1:], Notification: listening(t), Switchboards: []string{listening(t)}, Ahead: 2 * time.Second},
		doctor.Node{Name: "node-3", State: "left"})
	all.expect(t, doctor.OK, "nodes", "node-1, node-2 hear each other")
	all.expect(t, doctor.OK, "clocks of nodes", "agree")
	all.expect(t, doctor.OK, "roles", "everything")
	all.expect(t, doctor.OK, "addresses of nodes", "Each node has its own")
}

func TestSeveralNodesThatAreNot(t *testing.T) {
	same, away := listening(t), loopback.Address(t)
	some := []string{"notification", "switchboard"}
	all := examineNodes(t, severalNodes(t, loopback.Address(t)),
		doctor.Node{Name: "node-1", State: "here", Release: "v1.0.0", Roles: some, Notification: same, Draining: true},
		doctor.Node{Name: "node-2", State: "alive", Release: "v1.1.0", Roles: some, Notification: same, Switchboards: []string{away}, Ahead: time.Minute},
		doctor.Node{Name: "node-3", State: "silent", Heard: time.Now().Add(-30 * time.Second)},
		doctor.Node{Name: "node-4", State: "alive", Release: "v1.1.0", Ahead: -time.Hour})
	all.expect(t, doctor.Warning, "nodes", "several releases: v1.0.0, v1.1.0")
	all.expect(t, doctor.Warning, "nodes", "node-3 has not been heard for 3")
	all.expect(t, doctor.Warning, "clocks of nodes", "node-2 is 1m0s off")
	all.expect(t, doctor.Problem, "clocks of nodes", "node-4 is -1h0m0s off, and tickets live")
	all.expect(t, doctor.Problem, "roles", "dispatch, passport")
	all.expect(t, doctor.Problem, "addresses of nodes", same+" for node-1 and for node-2")
	all.expect(t, doctor.Warning, "addresses of nodes", away)
}

func TestAllNodesDrain(t *testing.T) {
	everything := []string{"dispatch", "notification", "switchboard", "passport"}
	examineNodes(t, severalNodes(t, loopback.Address(t)),
		doctor.Node{Name: "node-1", State: "here", Roles: everything, Notification: listening(t), Draining: true},
		doctor.Node{Name: "node-2", State: "alive", Roles: []string{"web"}},
	).expect(t, doctor.Problem, "roles", "draining")
}

func TestANodeThatHearsNoOther(t *testing.T) {
	here := doctor.Node{Name: "node-1", State: "here"}
	cfg := severalNodes(t, loopback.Address(t))
	cfg.Cluster.Listen = ":6222"
	cfg.Cluster.Peers = append(cfg.Cluster.Peers, "127.0.0.1:6222") // itself
	all := examineNodes(t, cfg, here)
	all.expect(t, doctor.Warning, "nodes", "hears no other")
	all.expect(t, doctor.Warning, "peers", cfg.Cluster.Peers[0])

	cfg.Cluster.Peers = append(cfg.Cluster.Peers, listening(t))
	examineNodes(t, cfg, here).expect(t, doctor.OK, "peers", "1 of 2")
	examine(t, cfg, stopped).expect(t, doctor.OK, "peers", "1 of 2")

	cfg.Cluster.Mode, cfg.Cluster.NATSURL = config.ClusterExternal, "nats://monarch:sesame@"+loopback.Address(t)
	examineNodes(t, cfg, here).expect(t, doctor.Warning, "NATS", "refused")
	cfg.Cluster.NATSURL = "tls://monarch:sesame@" + listening(t)
	examine(t, cfg, stopped).expect(t, doctor.OK, "NATS", "1 of 1")
}

func TestASecretThatWillNotDo(t *testing.T) {
	cfg := severalNodes(t, loopback.Address(t))
	path := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(path, []byte("too short\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	cfg.Cluster.Secret, cfg.Cluster.SecretFile = "", path
	all := examine(t, cfg, stopped)
	all.expect(t, doctor.Problem, "cluster secret", "shorter than 16 characters")
	all.expect(t, doctor.Problem, "cluster secret", "Others than its owner have rights to")
}
