package passport

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"os"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"monarch/internal/clock"
	"monarch/internal/gate"
	"monarch/internal/metrics"
)

// This file is inside the package because it looks at what the engine sees of a session, and
// because from outside nobody can tell when a request has begun to wait.

// pipe returns a connection of the gateway, of a client that is not there.
func pipe(t *testing.T) *gatewayConn {
	t.Helper()
	a, b := net.Pipe()
	t.Cleanup(func() { a.Close(); b.Close() })
	return newGatewayConn(a, openGate(gate.Limits{}).Open("gateway"))
}

// openGate is a gate that lets everybody in, within limits.
func openGate(l gate.Limits) *gate.Gate {
	return gate.New(metrics.New(), slog.New(slog.DiscardHandler), gate.Networks{}, l)
}

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Error(err)
	}
}

func TestGatewayConnHonoursDeadlines(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, begun := pipe(t), time.Now()
		check(t, c.SetReadDeadline(begun.Add(time.Second)))
		if _, err := c.Read(make([]byte, 1)); !errors.Is(err, os.ErrDeadlineExceeded) || time.Since(begun) != time.Second {
			t.Errorf("read: %v after %v", err, time.Since(begun))
		}
		check(t, c.SetDeadline(time.Time{}))
		go func() {
			<-time.After(time.Second)
			check(t, c.SetReadDeadline(time.Now()))
		}()
		if _, err := c.Read(make([]byte, 1)); !errors.Is(err, os.ErrDeadlineExceeded) || time.Since(begun) != 2*time.Second {
			t.Errorf("read whose deadline came later: %v after %v", err, time.Since(begun))
		}
		if n, err := c.Write(make([]byte, 3*maxOutward)); n != 3*maxOutward || err != nil {
			t.Errorf("a large write: %d, %v", n, err)
		}
		check(t, c.SetWriteDeadline(time.Now().Add(time.Second)))
		if n, err := c.Write([]byte("x")); n != 0 || !errors.Is(err, os.ErrDeadlineExceeded) || time.Since(begun) != 3*time.Second {
			t.Errorf("one more: %d, %v after %v", n, err, time.Since(begun))
		}
	})
}

func TestGatewayConnEnds(t *testing.T) {
	ctx := t.Context()
	poll := patience{any: true}

	c := pipe(t)
	c.put(ctx, []byte("in"))
	c.hangUp()
	if b, err := io.ReadAll(c); string(b) != "in" || err != nil {
		t.Errorf("after the client has gone: read %q, %v", b, err)
	}
	if n, err := c.Write([]byte("out")); n != 3 || err != nil {
		t.Errorf("after the client has gone: wrote %d, %v", n, err)
	}
	if out, last := c.take(ctx, poll); len(out) > 0 || !last {
		t.Errorf("after the client has gone: took %q, last: %t", out, last)
	}

	c = pipe(t)
	if _, err := c.Write([]byte("out")); err != nil {
		t.Error(err)
	}
	check(t, c.Close())
	if _, err := c.Read(make([]byte, 1)); !errors.Is(err, net.ErrClosed) {
		t.Errorf("after Close: read %v", err)
	}
	if _, err := c.Write([]byte("x")); !errors.Is(err, net.ErrClosed) {
		t.Errorf("after Close: wrote %v", err)
	}
	if !c.put(ctx, []byte("in")) {
		t.Error("after Close: no room, where nothing matters")
	}
	if out, last := c.take(ctx, poll); string(out) != "out" || !last {
		t.Errorf("after Close: took %q, last: %t", out, last)
	}
}

func TestGatewayConnIsBoundedInwards(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, begun := pipe(t), time.Now()
		if !c.put(t.Context(), make([]byte, maxInward)) {
			t.Fatal("no room at the beginning")
		}
		if c.put(t.Context(), []byte("x")) || time.Since(begun) != longest {
			t.Errorf("room for more than there is, or refused after %v", time.Since(begun))
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if c.put(ctx, []byte("x")) || time.Since(begun) != longest+time.Second {
			t.Errorf("refused after %v", time.Since(begun))
		}
		go func() {
			_, err := c.Read(make([]byte, 1))
			check(t, err)
		}()
		if !c.put(t.Context(), []byte("x")) {
			t.Error("no room after a read")
		}
	})
}

// What a session has on its way is taken from what strangers may hold, until somebody has
// signed in.
func TestGatewaySessionsShareWhatStrangersHave(t *testing.T) {
	g := openGate(gate.Limits{Memory: 100})
	a, b := net.Pipe()
	defer a.Close()
	defer b.Close()
	c := newGatewayConn(a, g.Open("gateway"))
	held := func(want int64) {
		t.Helper()
		if got := g.Held(); got != want {
			t.Errorf("%d bytes are held, want %d", got, want)
		}
	}
	if !c.put(t.Context(), make([]byte, 60)) || c.put(t.Context(), make([]byte, 50)) {
		t.Error("60 and 50 of 100 bytes are not had and refused")
	}
	if _, err := c.Write(make([]byte, 50)); !errors.Is(err, errStrangers) {
		t.Errorf("written: %v", err)
	}
	held(60)
	if _, err := c.Read(make([]byte, 60)); err != nil {
		t.Error(err)
	}
	if _, err := c.Write(make([]byte, 80)); err != nil {
		t.Error(err)
	}
	held(80)
	if out, _ := c.take(t.Context(), patience{any: true}); len(out) != 80 {
		t.Errorf("%d bytes come out", len(out))
	}
	held(0)
	if _, err := c.Write(make([]byte, 10)); err != nil {
		t.Error(err)
	}
	c.SignedIn()
	held(0)
	if _, err := c.Write(make([]byte, 1000)); err != nil || !c.known() {
		t.Error(err)
	}
	held(0)
	c.hangUp()
	check(t, c.Close())
	held(0)
}

func TestGatewayRefusesACrowd(t *testing.T) {
	clk := clock.New()
	defer clk.Close()
	g := newGateway(Gateway{}, clk, openGate(gate.Limits{}))
	c := pipe(t)
	one := &tunnel{key: "1", conn: c, turn: make(chan struct{}, 1)}
	if !g.admit(one) {
		t.Fatal("not admitted")
	}
	for range maxCrowd - 1 {
		if _, crowded := g.enter("1"); crowded {
			t.Fatal("crowded too early")
		}
	}
	if _, crowded := g.enter("1"); !crowded {
		t.Error("not crowded")
	}
	q := &request{method: "POST", query: "SessionID=1.10000", conn: c}
	if got := g.answer(t.Context(), q).status; got != 503 {
		t.Errorf("answered %d", got)
	}
	clk.Advance(2 * tunnelLife)
	if g.count() != 1 {
		t.Error("expired while there are requests")
	}
	for range maxCrowd {
		g.leave(one)
	}
	clk.Advance(2 * tunnelLife)
	if g.count() != 0 {
		t.Errorf("%d sessions", g.count())
	}
}

func TestGatewayIdsFitClients(t *testing.T) {
	for range 1000 {
		one := &tunnel{key: newTunnelKey(), steps: 123456}
		id := one.id()
		if len(id) > maxTunnelID || strings.Trim(id, "0123456789") != "." || len(id) < 20 {
			t.Fatalf("id %s", id)
		}
	}
}
