//go:build unix

package cli_test

import (
	"encoding/json"
	"io"
	"net"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"
)

// TestEveryLineOfAJSONLogIsAnObject: also those that libraries write, when somebody sends them nonsense.
func TestEveryLineOfAJSONLogIsAnObject(t *testing.T) {
	freePorts(t)
	t.Setenv("MONARCH_LOG_FORMAT", "json")
	t.Setenv("MONARCH_LOG_LEVEL", "debug")
	t.Setenv("MONARCH_OPS_TRACE_ENDPOINT", "http://127.0.0.1:9") // where nobody listens
	p := start(t, exec.Command(os.Args[0], "--data", newPlace(t).dir, "serve"))
	lines, sent, stopping := 0, false, false
	for p.log.Scan() {
		var line map[string]any
		if err := json.Unmarshal(p.log.Bytes(), &line); err != nil || line["level"] == nil || line["time"] == nil {
			t.Errorf("%q: %v", p.log.Text(), err)
		}
		lines++
		if line["msg"] == "serving" {
			for _, name := range []string{"dispatch", "notification", "switchboard", "https", "http", "web", "ops"} {
				nonsense(t, line[name].(string))
			}
			sent = true
		}
		if sent && !stopping {
			stopping = true
			p.signal(syscall.SIGTERM)
		}
	}
	if err := p.cmd.Wait(); err != nil || lines < 3 || !sent {
		t.Errorf("%d lines, %v", lines, err)
	}
}

// nonsense says what no protocol knows, and waits until the server has hung up or says nothing.
func nonsense(t *testing.T, addr string) {
	t.Helper()
	for _, text := range []string{"\x16\x03\x01\xff\xff\xff\r\n\r\n", "GET / HTTP/9.9\r\n\x00: \r\n\r\n", strings.Repeat("x", 1<<16) + "\r\n"} {
		c, err := net.Dial("tcp", addr)
		if err != nil {
			t.Fatal(err)
		}
		_ = c.SetDeadline(time.Now().Add(time.Second)) // it is a TCP connection
		_, _ = io.WriteString(c, text)                 // the server may have hung up
		_, _ = io.Copy(io.Discard, c)
		c.Close()
	}
}
