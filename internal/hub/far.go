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
	begun, caught int                 // snapshots of it that began; and of them, when it knew who is here
	lapsed        bool                // events of it may have been lost
	partly        map[im.UserID]Known // whose change not all who are to hear of have heard yet; as they knew them
}

// tells notes whether more of those who are to hear of a change will be told of. peers.turn is held.
func (n *node) tells(before Known, more bool) {
	if !more {
		delete(n.partly, before.Who.ID)
		return
	}
	if n.partly == nil {
		n.partly = make(map[im.UserID]Known)
	}
	n.partly[before.Who.ID] = before
}

// far is somebody who is signed in at another node.
type far struct {
	whereabouts
	handle string
	name   string
	object string
	flags  uint64

	version msnp.Version
	status  status // 0 before the first CHG
}

// whereabouts is where and which a sign-in at another node is.
type whereabouts struct {
	node   *node
	number uint64
	user   im.UserID
	left   bool // his node has let go of him; he may come back elsewhere
}

func (f *far) person() im.Person { return im.Person{ID: f.user, Handle: f.handle, Name: f.name} }

func (f *far) presence() im.Presence {
	return im.Presence{Status: statuses[f.status], Flags: f.flags, Object: f.object}
}

func (f *far) setPresence(p im.Presence) {
	f.status, f.flags, f.object = packed(p.Status), p.Flags, p.Object
}

func (f *far) known() Known { return Known{f.person(), f.presence()} }

func (f *far) login() Login {
	return Login{
		Person: f.person(), Number: f.number, Version: f.version, Presence: f.presence(), Node: string(f.node.id),
	}
}

// reachable reports whether events reach him.
func (w whereabouts) reachable() bool { return !w.left && !w.node.silent.Load() }

// where returns where a user is signed in elsewhere.
func (d *directory) where(id im.UserID) (whereabouts, bool) {
	st := d.stripe(id)
	st.mu.RLock()
	defer st.mu.RUnlock()
	if r := st.far.find(id); r != nil {
		return st.far.whereabouts(id, r), true
	}
	return whereabouts{}, false
}

// addFar makes f the present sign-in of its user, of whom no session is present here, and one that
// the snapshot of its node mentions. The stripe is locked.
func (d *directory) addFar(st *stripe, f far) {
	switch r := st.far.find(f.user); {
	case r == nil:
		d.farCount.Add(1)
	case r.number() != f.number:
		delete(st.counted, r.number())
	}
	st.far.put(f)
	d.call(f.handle, f.user.Packed())
}

// removeFar takes him out. The stripe is locked.
func (d *directory) removeFar(st *stripe, f far) {
	st.far.remove(f.user)
	delete(st.counted, f.number)
	d.farCount.Add(-1)
	d.forget(f.handle, f.user.Packed())
}
