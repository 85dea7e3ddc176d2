package server_test

import (
	"testing"

	"monarch/internal/fleet"
	"monarch/internal/loopback"
	"monarch/internal/msntest"
)

// startNATS starts a NATS server until the test ends.
func startNATS(t *testing.T) *fleet.NATS {
	t.Helper()
	n, err := fleet.StartNATS(loopback.Address(t))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(n.Stop)
	return n
}

// TestNodesThatMeetAtNATS has people at two nodes see, call and write to each other, at a NATS server that
// is away for a time: those of one node go on, and afterwards everybody sees what is.
func TestNodesThatMeetAtNATS(t *testing.T) {
	t.Parallel()
	nats := startNATS(t)
	settings := map[string]string{"cluster.mode": "external", "cluster.nats_url": nats.URL(), "cluster.secret": "", "cluster.peers": ""}
	nodes := msntest.StartNodes(t, settings, settings)
	p := msntest.NewPlayer(t, nodes[0])
	p.At(nodes[1], "B.ns", "A2")
	p.Play(`mutual alice bob
mutual alice carol
signin9 A
signin9 C`)
	agree(t, nodes...)
	p.Play(`signin9 B, loud
B.ns< ILN 6 NLN alice@example.com Alice 268435492
A.ns< NLN NLN bob@example.com Bob 268435492
chat A B
A.sb> MSG 30 A {n} + P-HELLO
A.sb< ACK 30
B.sb< MSG alice@example.com Alice {n} + P-HELLO`)

	nats.Stop()
	for _, f := range nodes {
		await(t, "a node does not notice that NATS is away", func() bool { return gauge(t, f, "monarch_nats_connected") == 0 })
		if got := readiness(t, f); got != "ready" {
			t.Errorf("without NATS a node says %q", got)
		}
	}
	p.Play(`C.ns> CHG 21 BSY 268435492
C.ns< CHG 21 BSY 268435492
A.ns< NLN BSY carol@example.com Carol 268435492
B.ns> CHG 22 AWY 268435492
B.ns< CHG 22 AWY 268435492
A.sb> MSG 31 A {n} + P-HELLO
A.sb< ACK 31
B.sb< MSG alice@example.com Alice {n} + P-HELLO`)

	if err := nats.Start(); err != nil {
		t.Fatal(err)
	}
	p.Play(`A.ns< NLN AWY bob@example.com Bob 268435492
A.ns> CHG 23 PHN 268435492
A.ns< CHG 23 PHN 268435492
any {
  B.ns< NLN PHN alice@example.com Alice 268435492
  C.ns< NLN PHN alice@example.com Alice 268435492
}
signin9 A2, loud
A.ns< OUT OTH
A.ns x`)
}
