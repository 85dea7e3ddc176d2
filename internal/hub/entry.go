package hub

import (
	"net/netip"
	"slices"
	"time"
	"unique"

	"monarch/internal/im"
	"monarch/msnp"
)

// Entry is a session's place in the directory, from [Hub.Enter] to [Hub.SignOut]. It is meant
// to be a part of the session: there are as many as people signed in, so its bytes are
// counted. The zero value is in no directory.
type Entry struct {
	// Immutable once it is in the directory.
	session Session
	handle  string
	client  unique.Handle[string] // most people have one of a few
	number  uint64

	told told

	name   string // guarded by the user's stripe, as are object, flags, boards and status
	object string
	flags  uint64

	ip      [16]byte // immutable, as are user, since, port and version
	user    uint32
	since   uint32 // Unix seconds
	boards  int32
	port    uint16
	version msnp.Version
	status  status
}

// status is a msnp.Status in one byte.
type status uint8

var statuses = [...]msnp.Status{
	"", msnp.Offline, msnp.Online, msnp.Busy, msnp.Idle, msnp.BRB, msnp.Away, msnp.Phone, msnp.Lunch, msnp.Hidden,
}

func packed(s msnp.Status) status { return status(max(slices.Index(statuses[:], s), 0)) }

// fill makes the entry that of a login. Its person's handle and name share one piece of
// memory, which nothing else does: what the caller has may be a part of much more.
func (e *Entry) fill(l Login, s Session) {
	both := l.Person.Handle + l.Person.Name
	e.session, e.user = s, l.Person.ID.Packed()
	e.handle, e.name = both[:len(l.Person.Handle)], both[len(l.Person.Handle):]
	e.client, e.version = unique.Make(l.Client), l.Version
	e.since = uint32(l.Since.Unix())
	e.ip, e.port = l.Addr.Addr().As16(), l.Addr.Port()
}

// login returns what the directory says. The user's stripe is locked. now is needed because
// the entry has the low bits of the time only, which begin anew in 2106.
func (e *Entry) login(now time.Time) Login {
	ago := int32(uint32(now.Unix()) - e.since)
	l := Login{
		Person: e.person(), Number: e.number, Version: e.version, Since: time.Unix(now.Unix()-int64(ago), 0),
		Client: e.client.Value(), Presence: e.presence(), Boards: int(e.boards),
	}
	if ip := netip.AddrFrom16(e.ip).Unmap(); !ip.IsUnspecified() {
		l.Addr = netip.AddrPortFrom(ip, e.port)
	}
	return l
}

// person returns who he is. The user's stripe is locked.
func (e *Entry) person() im.Person { return im.Person{ID: e.User(), Handle: e.handle, Name: e.name} }

// presence returns what the directory says of it. The user's stripe is locked.
func (e *Entry) presence() im.Presence {
	return im.Presence{Status: statuses[e.status], Flags: e.flags, Object: e.object}
}

func (e *Entry) setPresence(p im.Presence) {
	e.status, e.flags, e.object = packed(p.Status), p.Flags, p.Object
}

// User returns who signed in.
func (e *Entry) User() im.UserID { return im.UserID(e.user) }

// Handle returns his handle.
func (e *Entry) Handle() string { return e.handle }

// Number returns the number of the sign-in; it is zero before that.
func (e *Entry) Number() uint64 { return e.number }
