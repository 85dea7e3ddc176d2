package process

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"time"
)

// startTime is how long a server may take to start.
const startTime = 60 * time.Second

// Find returns the paths of the server's binary, which may be named, and of this program.
func Find(named string) (monarch, self string, err error) {
	if self, err = os.Executable(); err != nil {
		return "", "", fmt.Errorf("find this program: %w", err)
	}
	places := []string{named}
	if named == "" {
		places = []string{filepath.Join(filepath.Dir(self), "monarch"), filepath.Join("bin", "monarch")}
	}
	for _, file := range places {
		if info, err := os.Stat(file); err == nil && !info.IsDir() {
			monarch, err = filepath.Abs(file)
			return monarch, self, err
		}
	}
	return "", "", fmt.Errorf("there is no server at %s\nBuild it with \"make build\", or name it with --monarch", strings.Join(places, " or "))
}

// Environment is that of a server on a data directory, which nothing outside changes: free ports,
// no limits of how often things may be done, and more settings by their names.
func Environment(dir string, settings map[string]string) []string {
	var env []string
	for _, v := range os.Environ() {
		if !strings.HasPrefix(v, "MONARCH_") {
			env = append(env, v)
		}
	}
	for _, key := range []string{
		"DISPATCH_LISTEN", "NOTIFICATION_LISTEN", "SWITCHBOARD_LISTEN", "PASSPORT_HTTPS_LISTEN", "PASSPORT_HTTP_LISTEN",
		"WEB_LISTEN", "OPS_LISTEN",
	} {
		env = append(env, "MONARCH_"+key+"=127.0.0.1:0")
	}
	env = append(env, "MONARCH_DATA_DIR="+dir, "MONARCH_LIMITS_RATES=off")
	for key, value := range settings {
		env = append(env, "MONARCH_"+strings.ToUpper(strings.ReplaceAll(key, ".", "_"))+"="+value)
	}
	return env
}

// listenerLine is how the server tells of a listener.
var listenerLine = regexp.MustCompile(`^  ([a-z]+)  +(\S+:\d+) `)

// Listeners waits until a server that was just started serves, and returns the addresses of
// its listeners by their names.
func (p *Process) Listeners(ctx context.Context) (map[string]string, error) {
	ctx, cancel := context.WithTimeout(ctx, startTime)
	defer cancel()
	defer p.Hush()
	addrs := make(map[string]string)
	for addrs["ops"] == "" { // the last that it tells
		line, err := p.Line(ctx)
		if err != nil {
			return nil, p.Explain(fmt.Errorf("start the %s: %w", p.name, err))
		}
		if m := listenerLine.FindStringSubmatch(line); m != nil {
			addrs[m[1]] = m[2]
		}
	}
	return addrs, nil
}
