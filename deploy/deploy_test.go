// Package deploy_test checks the files with which a service is set up: what they say of the
// configuration is put to the server's own reader of it, and what programs there are that read the
// rest are asked. Whether somebody else's cloud takes them is left to be tried.
package deploy_test

import (
	"bytes"
	"errors"
	"io"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"

	"monarch/internal/config"
)

func read(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// documents reads a file of YAML. A key that is there twice is an error.
func documents[T any](t *testing.T, path string) []T {
	t.Helper()
	var all []T
	for d := yaml.NewDecoder(strings.NewReader(read(t, path))); ; {
		var one T
		switch err := d.Decode(&one); {
		case errors.Is(err, io.EOF):
			return all
		case err != nil:
			t.Fatalf("%s: %v", path, err)
		}
		all = append(all, one)
	}
}

// load has the server read a configuration, as far as that goes without its files.
func load(t *testing.T, file string, environment map[string]string) config.Config {
	t.Helper()
	var environ []string
	for key, value := range environment {
		if strings.HasPrefix(key, "MONARCH_") { // others are not the server's
			environ = append(environ, key+"="+value)
		}
	}
	c, err := config.Load(file, environ)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// compose is what we look at in a file of docker compose.
type compose struct {
	Services map[string]struct {
		Image       string
		Build       struct{ Context, Dockerfile string }
		Environment map[string]string
		Volumes     []string
		Ports       []string
		Networks    any
	}
	Volumes map[string]any
}

func TestCompose(t *testing.T) {
	const file = "docker/compose.yaml"
	c := documents[compose](t, file)[0]
	settings := settingsOf(t, "docker/env.example")
	for key, value := range settings {
		if value != "" {
			t.Errorf("%s has a value that somebody may leave as it is", key)
		}
		settings[key] = "0123456789abcdef.example.com"
	}
	addresses := make(map[string]bool)
	for i, name := range []string{"node-1", "node-2", "node-3"} {
		node := c.Services[name]
		environment := make(map[string]string)
		for key, value := range node.Environment {
			environment[key] = interpolate(t, value, settings)
		}
		cfg := load(t, "", environment)
		if cfg.Cluster.Mode != config.ClusterEmbedded || cfg.Cluster.Node != name || cfg.Cluster.Peers[i] != name+":6222" {
			t.Errorf("%s is %+v", name, cfg.Cluster)
		}
		if cfg.Networks.Proxies[0] != addressOf(c.Services["balancer"].Networks) {
			t.Errorf("%s takes headers from %s, which is not the balancer", name, cfg.Networks.Proxies)
		}
		for _, advertised := range []string{cfg.Notification.Advertise, cfg.Switchboard.Advertise} {
			_, port, _ := strings.Cut(advertised, ":")
			if addresses[advertised] || !slices.Contains(c.Services["balancer"].Ports, port+":"+port) {
				t.Errorf("%s tells clients of %s, which is not its own or not published", name, advertised)
			}
			addresses[advertised] = true
		}
	}
	for name, s := range c.Services {
		for _, v := range s.Volumes {
			from, _, _ := strings.Cut(v, ":")
			_, named := c.Volumes[from]
			if _, err := os.Stat(filepath.Join("docker", from)); !named && (err != nil || !strings.HasPrefix(from, ".")) {
				t.Errorf("%s: there is no volume and no file %s", name, from)
			}
		}
		if s.Build.Dockerfile != "" {
			read(t, filepath.Join("docker", s.Build.Context, s.Build.Dockerfile))
		}
	}
	for _, port := range boundPorts(t) {
		if !slices.Contains(c.Services["balancer"].Ports, port+":"+port) {
			t.Errorf("the balancer's port %s is not published", port)
		}
	}
}

// settingsOf reads a file of environment variables.
func settingsOf(t *testing.T, path string) map[string]string {
	t.Helper()
	settings := make(map[string]string)
	for line := range strings.Lines(read(t, path)) {
		if key, value, ok := strings.Cut(strings.TrimSpace(line), "="); ok && !strings.HasPrefix(key, "#") {
			settings[key] = value
		}
	}
	return settings
}

var variable = regexp.MustCompile(`\$\{([A-Z_]+)(:\?[^}]*)?\}`)

// interpolate does what compose does with a value.
func interpolate(t *testing.T, value string, settings map[string]string) string {
	t.Helper()
	return variable.ReplaceAllStringFunc(value, func(v string) string {
		key := variable.FindStringSubmatch(v)[1]
		if settings[key] == "" {
			t.Errorf("%s is not in env.example", key)
		}
		return settings[key]
	})
}

// addressOf returns the fixed address of a service.
func addressOf(networks any) string {
	all, _ := networks.(map[string]any)
	inside, _ := all["inside"].(map[string]any)
	address, _ := inside["ipv4_address"].(string)
	return address
}

var (
	bind   = regexp.MustCompile(`(?m)^\s+bind :(\d+)$`)
	target = regexp.MustCompile(`(?m)^\s+server node-[123] node-[123]:(\d+)`)
)

func boundPorts(t *testing.T) []string {
	t.Helper()
	var ports []string
	for _, m := range bind.FindAllStringSubmatch(read(t, "haproxy/haproxy.cfg"), -1) {
		ports = append(ports, m[1])
	}
	return ports
}

func TestHAProxy(t *testing.T) {
	program, err := exec.LookPath("haproxy")
	if err != nil {
		program = "/usr/sbin/haproxy" // where Debian has it, which is not everybody's path
	}
	if out, err := exec.Command(program, "-c", "-f", "haproxy/haproxy.cfg").CombinedOutput(); err != nil {
		t.Errorf("haproxy -c: %v\n%s(scripts/setup installs it: the Debian package haproxy)", err, out)
	}
	// It leads to the ports that a node has by default, and to all that clients use.
	def := config.Default()
	want := []string{
		def.Dispatch.Listen, def.Notification.Listen, def.Switchboard.Listen, def.Passport.HTTPSListen, def.Passport.HTTPListen, def.Web.Listen,
	}
	found := make(map[string]bool)
	for _, m := range target.FindAllStringSubmatch(read(t, "haproxy/haproxy.cfg"), -1) {
		found[":"+m[1]] = true
	}
	slices.Sort(want)
	if got := slices.Sorted(maps.Keys(found)); !slices.Equal(got, want) {
		t.Errorf("leads to %s, want %s", got, want)
	}
}

func TestDockerfile(t *testing.T) {
	text := read(t, "docker/Dockerfile")
	for _, line := range []string{
		"CGO_ENABLED=0 go build", "\nFROM scratch\n", "\nUSER 65532:65532\n", "\nSTOPSIGNAL SIGTERM\n",
		`org.opencontainers.image.version="$VERSION"`, `org.opencontainers.image.licenses="MIT"`, `CMD ["/monarch", "nodes"]`,
	} {
		if !strings.Contains(text, line) {
			t.Errorf("the image lacks %q", line)
		}
	}
	version := regexp.MustCompile(`(?m)^go (\d+\.\d+)`).FindStringSubmatch(read(t, "../go.mod"))[1]
	if !strings.Contains(text, "FROM golang:"+version+"-") {
		t.Errorf("it is not built with Go %s", version)
	}
	environment := make(map[string]string)
	for _, m := range regexp.MustCompile(`(?m)^ENV (\w+)=(\S+)$`).FindAllStringSubmatch(text, -1) {
		environment[m[1]] = m[2]
	}
	if strings.Contains(read(t, "docker/Dockerfile.dockerignore"), ".git\n") {
		t.Error("without .git nobody knows which release it is")
	}
	if c := load(t, "", environment); !strings.Contains(text, "\nVOLUME "+c.Data.Dir+"\n") {
		t.Errorf("the data is in %s, which is no volume", c.Data.Dir)
	}
}

func TestUnitsOfOneMachineAreLikeThatOfOneNode(t *testing.T) {
	var lines [2]map[string]bool
	for i, path := range []string{"systemd/monarch.service", "systemd/monarch@.service"} {
		lines[i] = make(map[string]bool)
		for line := range strings.Lines(read(t, path)) {
			if line = strings.TrimSpace(line); !strings.HasPrefix(line, "#") {
				lines[i][line] = true
			}
		}
	}
	own := regexp.MustCompile(`^(Description|ExecStart|Environment|StateDirectory|ReadWritePaths)=`)
	for i, unit := range lines {
		for line := range unit {
			if !lines[1-i][line] && !own.MatchString(line) {
				t.Errorf("only one of the units has %s", line)
			}
		}
	}
	environment := regexp.MustCompile(`(?m)^Environment=(.*)$`).FindStringSubmatch(read(t, "systemd/monarch@.service"))
	settings := make(map[string]string)
	for _, each := range strings.Fields(strings.ReplaceAll(environment[1], "%i", "node-1")) {
		key, value, _ := strings.Cut(each, "=")
		settings[key] = value
	}
	if c := load(t, "", settings); c.Cluster.Node != "node-1" || c.Data.Dir != "/var/lib/monarch/node-1" {
		t.Errorf("%+v, %+v", c.Cluster, c.Data)
	}
}

// strict reports what a document has that its type has not.
func strict(t *testing.T, from, to any) {
	t.Helper()
	var text bytes.Buffer
	if err := yaml.NewEncoder(&text).Encode(from); err != nil {
		t.Fatal(err)
	}
	d := yaml.NewDecoder(&text)
	d.KnownFields(true)
	if err := d.Decode(to); err != nil {
		t.Error(err)
	}
}
