package natsbus

import (
	"bytes"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// What people can make this node write by coming to its port is little.
func TestItIsToldOnceAMinuteThatSomebodyIsNotLetIn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var all bytes.Buffer
		l := &logger{log: slog.New(slog.NewTextHandler(&all, nil))}
		for range 3 * 60 * 10 {
			l.Errorf("TLS route handshake error: %v", "tls: first record does not look like a TLS handshake")
			l.Errorf("TLS handshake timeout")
			l.Errorf("TLS route handshake error: %v", "x509: certificate signed by unknown authority")
			<-time.After(time.Second / 10)
		}
		lines := strings.Split(strings.TrimSpace(all.String()), "\n")
		if len(lines) != 2*3 {
			t.Errorf("%d lines:\n%s", len(lines), all.String())
		}
		for _, want := range []string{"cluster.listen", "cluster.secret", "times=1\n", "times=601\n", "times=1202\n"} {
			if !strings.Contains(all.String(), want) {
				t.Errorf("nothing of %q:\n%s", want, all.String())
			}
		}
		l.Errorf("something else")
		if !strings.Contains(all.String(), "something else") {
			t.Error("something else is not told")
		}
	})
}
