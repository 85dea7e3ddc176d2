package config_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"monarch/internal/config"
)

func TestClustersThatWillDo(t *testing.T) {
	for name, text := range map[string]string{
		"with a secret": `mode = "embedded"
			peers = ["node-2:6222", "192.0.2.3:6222", "[2001:db8::1]:6222"]
			secret = "correct horse battery"`,
		"with a secret in a file": `mode = "embedded"
			secret_file = "/etc/monarch/cluster.secret"`,
		"with certificates": `mode = "embedded"
			cert = "node.pem"
			key = "node.key"
			ca = "ca.pem"`,
		"at NATS": `mode = "external"
			nats_url = "nats://monarch:sesame@nats-1:4222, tls://nats-2"`,
		"at NATS with an authority": `mode = "external"
			nats_url = "tls://token@nats-1"
			ca = "ca.pem"`,
	} {
		t.Run(name, func(t *testing.T) {
			load(t, "[database]\nurl = \"postgres://db/monarch\"\n[cluster]\nnode = \"node-1.example.com\"\n"+text+"\n")
		})
	}
}

func TestNodesHaveNames(t *testing.T) {
	host, err := os.Hostname()
	if err != nil {
		t.Fatal(err)
	}
	for node, want := range map[string]string{"": host, "node-1": "node-1"} {
		if got, err := (config.Cluster{Node: node}).NodeName(); got != want || err != nil {
			t.Errorf("%q is called %q, %v", node, got, err)
		}
	}
}

func TestTheSecretOfTheClusterMayBeInAFile(t *testing.T) {
	file, short := filepath.Join(t.TempDir(), "secret"), filepath.Join(t.TempDir(), "short")
	for name, text := range map[string]string{file: "open sesame, please\r\nnot this\n", short: "sesame\n"} {
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for _, tc := range []struct {
		name        string
		c           config.Cluster
		want, wrong string
	}{
		{"in the configuration", config.Cluster{Secret: "correct horse battery"}, "correct horse battery", ""},
		{"in a file", config.Cluster{Secret: "x", SecretFile: file}, "open sesame, please", ""},
		{"in a file, but short", config.Cluster{SecretFile: short}, "", "shorter than 16"},
		{"in a file that is missing", config.Cluster{SecretFile: file + "2"}, "", "cluster.secret_file"},
		{"in a file that is empty", config.Cluster{SecretFile: os.DevNull}, "", "write the secret there"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			got, err := tc.c.TheSecret()
			if got != tc.want || (err != nil) != (tc.wrong != "") || err != nil && !strings.Contains(err.Error(), tc.wrong) {
				t.Errorf("%q, %v", got, err)
			}
		})
	}
}
