package server_test

import (
	"testing"

	"monarch/internal/msntest"
)

// TestWebsiteOfAnotherNode has somebody whose client has not asked for its lists, at one node, block
// people at the website of another. His session does not tell them, so the website does.
func TestWebsiteOfAnotherNode(t *testing.T) {
	t.Parallel()
	settings := map[string]string{"limits.signin_hold": "60s", "protocol.alerts": "on"}
	nodes := msntest.StartNodes(t, settings, settings)
	p := msntest.NewPlayer(t, nodes[0]) // whose website it is
	p.At(nodes[1], "A2")
	p.Play(`mutual alice bob
mutual alice carol
signin9 A1
signin9 B
signin9 C
signin9 A2, until USR, loud
A1.ns< OUT OTH
A1.ns x
web alice block bob
B.ns< FLN alice@example.com
web alice undecide carol
web alice policy BL
C.ns< FLN alice@example.com
operator alert alice text=Hello refused=client_without_alerts`)
	p.Finish()
}
