package natsbus_test

import (
	"net"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"

	"monarch/internal/loopback"
	"monarch/internal/metrics"
	"monarch/internal/natsbus"
)

const anyNATS = "127.0.0.1:-1"

// runNATS starts a NATS server as operators run it, with a user.
func runNATS(t *testing.T, address string, change func(*server.Options)) *server.Server {
	t.Helper()
	host, number, _ := net.SplitHostPort(address)
	port, err := strconv.Atoi(number)
	if err != nil {
		t.Fatal(err)
	}
	opts := &server.Options{Host: host, Port: port, NoSigs: true, NoLog: true, Username: "monarch", Password: "sesame"}
	if change != nil {
		change(opts)
	}
	srv, err := server.NewServer(opts)
	if err != nil {
		t.Fatal(err)
	}
	srv.Start()
	if !srv.ReadyForConnections(30 * time.Second) {
		t.Fatal("the NATS server is not ready")
	}
	t.Cleanup(func() {
		srv.Shutdown()
		srv.WaitForShutdown()
	})
	return srv
}

func external(address, user string) *end {
	l := new(logs)
	return newEnd(natsbus.External(natsbus.ExternalConfig{
		URL: "nats://" + user + "@" + address, Log: l.logger(), Metrics: metrics.New(),
	}), l)
}

func TestNATSElsewhereMayBeStartedAgain(t *testing.T) {
	address := loopback.Address(t)
	srv := runNATS(t, address, nil)
	a, b := external(address, "monarch:sesame").start(t), external(address, "monarch:sesame").start(t)
	meet(t, a, b)
	a.tellOne(t, b, "to b")
	b.wait(t, "to b")

	srv.Shutdown()
	srv.WaitForShutdown()
	eventually(t, "sending fails", func() bool { return a.SendTo(b.id, []byte("lost")) != nil && a.Broadcast([]byte("lost")) != nil })
	eventually(t, "it knows", func() bool { return !a.Connected() && strings.Contains(a.log.String(), "lost NATS") })

	runNATS(t, address, nil)
	eventually(t, "it is there again", func() bool { return a.Connected() && b.Connected() })
	a.forget()
	b.forget()
	meet(t, a, b)
	a.tellOne(t, b, "to b again")
	b.wait(t, "to b again")
}

func TestNATSElsewhereThatWillNotDo(t *testing.T) {
	open := runNATS(t, anyNATS, nil).Addr().String()
	small := runNATS(t, anyNATS, func(o *server.Options) { o.MaxPayload = 100_000 }).Addr().String()
	for _, tc := range []struct{ address, user, want string }{
		{loopback.Address(t), "monarch:sesame", "cluster.nats_url"},
		{open, "monarch:wrong", "Authorization Violation"},
		{small, "monarch:sesame", "max_payload"},
	} {
		e := external(tc.address, tc.user)
		err := e.Start(e.id, e.receiver())
		if err == nil || !strings.Contains(err.Error(), tc.want) {
			t.Errorf("%s: %v, want something about %s", tc.address, err, tc.want)
		}
		if err != nil && (strings.Contains(err.Error(), "sesame") || strings.Contains(err.Error(), "wrong")) {
			t.Errorf("the password is told: %v", err)
		}
	}
}
