package passport

import (
	"crypto/sha256"
	"net"
	"strconv"
	"strings"

	"monarch/internal/clock"
)

// tunnel is a session of the gateway.
//
// The second part of its id changes with every answer, and clients send back what they got
// last. So a request that is sent again because its answer was lost shows by its old id. A
// client that never sends a new one is served as well, but has no such protection.
type tunnel struct {
	key  string       // immutable; the first part of the id
	conn *gatewayConn // immutable

	requests int         // under way or waiting; guarded by the gateway's mu
	uses     int         // requests after the first; guarded by the gateway's mu
	expiry   clock.Timer // guarded by the clock

	turn chan struct{} // holds one element while a request is under way, which owns the rest

	steps   int  // answers given
	follows bool // the client has used an id that came with an answer to another
	last    exchanged
}

// exchanged is a request that was answered, and its answer.
type exchanged struct {
	over  net.Conn
	query string
	body  [sha256.Size]byte
	reply []byte
}

// id returns the id to use in the next request. Its second part has five digits, as ever.
func (t *tunnel) id() string { return t.key + "." + strconv.Itoa(10000+t.steps%90000) }

// repeats reports whether q is the last request once more, and returns what the answer was.
// Over one connection nothing is lost, so a request that comes there is always a new one.
func (t *tunnel) repeats(q *request) ([]byte, bool) {
	if strings.Contains(q.query, t.id()) {
		t.follows = t.follows || t.steps > 1
		return nil, false
	}
	again := t.follows && q.conn != t.last.over && q.query == t.last.query && sha256.Sum256(q.body) == t.last.body
	return t.last.reply, again
}

// answered notes a request and its answer.
func (t *tunnel) answered(q *request, reply []byte) {
	t.steps++
	t.last = exchanged{over: q.conn, query: q.query, body: sha256.Sum256(q.body), reply: reply}
}
