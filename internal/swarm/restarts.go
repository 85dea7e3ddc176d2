package swarm

import (
	"math/rand/v2"
	"net"
	"strings"
	"sync/atomic"
	"time"
)

// What the driver of a soak is told of nodes, before the host of one.
const (
	stepRestarts  = "restarts:"  // it will send its people away and stop
	stepRestarted = "restarted:" // it is there again
)

// place is one of several nodes that people may be at.
type place struct {
	dispatch  string       // the address of its dispatch server
	upheavals atomic.Int64 // of which it saw the beginning or the end: odd while it is restarted
}

// tenure is the time of a connection at a node. The zero value is that at the only server there is,
// which nothing ends.
type tenure struct {
	at    *place
	since int64 // what upheavals it had seen
	began time.Time
}

// ended reports whether the node may have ended the connection since: it was restarted, or is just now.
// Of one that began meanwhile nobody can tell for a while whether it is with the node that stopped.
func (t tenure) ended() bool {
	if t.at == nil {
		return false
	}
	within := t.since%2 == 1
	switch t.at.upheavals.Load() - t.since {
	case 0:
		return within
	case 1:
		return !within || time.Since(t.began) < patience
	}
	return true
}

// stay says on which of somebody's visits something was, and at which of the nodes one after the other.
type stay struct{ visit, moves int }

// settled reports whether he was signed in, and not on his way to another node.
func (s stay) settled() bool { return s.visit%2 == 1 && s.moves%2 == 0 }

// settle makes the places of a job.
func (t *town) settle() {
	if len(t.Dispatch) == 0 {
		return
	}
	t.places = make(map[string]*place)
	for _, addr := range t.Dispatch {
		t.places[hostOf(addr)] = &place{dispatch: addr}
	}
}

// tenure begins that of a connection to an address.
func (t *town) tenure(addr string) tenure {
	p := t.places[hostOf(addr)]
	if p == nil {
		return tenure{}
	}
	return tenure{p, p.upheavals.Load(), time.Now()}
}

// door is where somebody knocks who wants to sign in: at the only server, or at the dispatch server of
// any node, as a load balancer that knows little would lead him there.
func (t *town) door() string {
	if t.places == nil {
		return t.Addr
	}
	return t.Dispatch[rand.IntN(len(t.Dispatch))]
}

// upheaval takes a step that tells of a node, and reports false if it is another.
func (t *town) upheaval(step string) bool {
	for _, word := range []string{stepRestarts, stepRestarted} {
		host, ok := strings.CutPrefix(step, word)
		if p := t.places[host]; ok && p != nil {
			p.upheavals.Add(1)
			return true
		}
	}
	return false
}

func hostOf(addr string) string {
	host, _, err := net.SplitHostPort(addr)
	if err != nil {
		return ""
	}
	return host
}
