package hub

import (
	"sync/atomic"

	"monarch/internal/cluster"
	"monarch/internal/im"
	"monarch/msnp"
)

// node is another node, as one where people are.
type node struct {
	id     cluster.NodeID
	silent atomic.Bool // nobody there can be reached

	// Guarded by peers.turn.
	begun, caught int  // snapshots of it that began; and of them, when it knew who is here
	lapsed        bool // events of it may have been lost
}

// far is somebody who is signed in at another node, as the directory has him. The user's stripe
// guards it.
type far struct {
	node   *node
	number uint64
	handle string
	name   string
	object string
	flags  uint64

	user    uint32
	version msnp.Version
	boards  int32  // his switchboard connections here
	status  status // 0 before the first CHG
	left    bool   // his node has let go of him; he may come back elsewhere
	noted   bool   // mentioned since the last snapshot began
}

func (f *far) person() im.Person {
	return im.Person{ID: im.UserID(f.user), Handle: f.handle, Name: f.name}
}

func (f *far) presence() im.Presence {
	return im.Presence{Status: statuses[f.status], Flags: f.flags, Object: f.object}
}

func (f *far) setPresence(p im.Presence) {
	f.status, f.flags, f.object = packed(p.Status), p.Flags, p.Object
}

func (f *far) login() Login {
	return Login{
		Person: f.person(), Number: f.number, Version: f.version, Presence: f.presence(), Node: string(f.node.id),
	}
}

func (f *far) known() Known { return Known{f.person(), f.presence()} }

// reachable reports whether events reach him.
func (f *far) reachable() bool { return !f.left && !f.node.silent.Load() }

// away returns a copy of a user's sign-in at another node.
func (d *directory) away(id im.UserID) (far, bool) {
	st := d.stripe(id)
	st.mu.RLock()
	defer st.mu.RUnlock()
	if f := st.far[id]; f != nil {
		return *f, true
	}
	return far{}, false
}

// addFar makes f the present sign-in of its user, of whom no session is present here. The stripe
// is locked.
func (d *directory) addFar(st *stripe, f *far) {
	id := im.UserID(f.user)
	if st.far[id] == nil {
		d.farCount.Add(1)
	}
	st.far[id] = f
	d.call(f.handle, f.user)
}

// removeFar takes him out. The stripe is locked.
func (d *directory) removeFar(st *stripe, f *far) {
	delete(st.far, im.UserID(f.user))
	d.farCount.Add(-1)
	d.forget(f.handle, f.user)
}
