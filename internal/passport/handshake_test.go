package passport_test

import (
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"

	"monarch/internal/turns"
)

// ask shakes hands with one set of ciphers and asks for a page.
func (w *world) ask(c net.Conn, version uint16, ciphers ...uint16) error {
	s := tls.Client(c, &tls.Config{
		RootCAs: w.roots, ServerName: "login.passport.com", MinVersion: tls.VersionTLS10, MaxVersion: version, CipherSuites: ciphers,
	})
	if _, err := io.WriteString(s, "GET /rdr/pprdr.asp HTTP/1.1\r\n\r\n"); err != nil {
		return err
	}
	answer, err := io.ReadAll(s)
	if err == nil && !strings.HasPrefix(string(answer), "HTTP/1.1 200 OK\r\n") {
		err = fmt.Errorf("answered %q", answer)
	}
	return err
}

// However many come at once, no more use the certificate's key at a time than may; the others
// wait, and are all served in the end. Who says nothing takes no turn.
func TestHandshakesTakeTurns(t *testing.T) {
	w := newWorld(t, nil)
	w.dialRaw()
	q := w.srv.Handshakes()
	q.SetLimits(turns.Limits{Parallel: 1, Queue: 1000})
	w.must(q.Take(t.Context(), netip.MustParseAddr("192.0.2.1")))
	const count = 24
	var all sync.WaitGroup
	for i := range count {
		c := w.dialRaw()
		all.Go(func() {
			var err error
			switch i % 3 {
			case 0:
				err = w.ask(c, tls.VersionTLS13)
			case 1:
				err = w.ask(c, tls.VersionTLS12, tls.TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256)
			default:
				err = w.ask(c, tls.VersionTLS10, tls.TLS_RSA_WITH_3DES_EDE_CBC_SHA)
			}
			w.check(err)
		})
	}
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for began := time.Now(); q.Waiting() < count; <-tick.C {
		if time.Since(began) > 20*time.Second {
			t.Fatalf("%d wait, want %d", q.Waiting(), count)
		}
	}
	q.Done()
	all.Wait()
	if n, _ := q.Waits(); n != count || q.Busy() != 0 {
		t.Errorf("%d waited and %d were turned away, want %d and none", n, q.Busy(), count)
	}
}

// Whoever waits in vain is closed in the end, and counted.
func TestHandshakesDoNotWaitForEver(t *testing.T) {
	w := newWorld(t, nil)
	q := w.srv.Handshakes()
	q.SetLimits(turns.Limits{Parallel: 1, Queue: 1000, Wait: 100 * time.Millisecond})
	w.must(q.Take(t.Context(), netip.MustParseAddr("192.0.2.1")))
	if err := w.ask(w.dialRaw(), tls.VersionTLS13); err == nil {
		t.Error("served")
	}
	if q.Busy() != 1 {
		t.Errorf("%d were turned away, want 1", q.Busy())
	}
}
