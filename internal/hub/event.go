package hub

import (
	"monarch/internal/im"
	"monarch/msnp"
)

// Session is what the hub knows of a signed-in connection.
type Session interface {
	// Deliver hands the session an event. It is quick and never blocks. It reports false when
	// the session does not take it: it is closing, or, for [Invited], the user may not or
	// does not want to be called.
	Deliver(Event) bool
}

// Event is something that concerns a signed-in user. The set is closed.
type Event interface{ event() }

// PresenceChanged tells a watcher that somebody's status, flags, picture or name changed;
// Now is not visible when he left or hid.
type PresenceChanged struct {
	Who         im.Person // with his present name
	Before, Now im.Presence
	Renamed     bool

	rendered []renderedLine // sessions of one version share the bytes
	lines    uint64         // that sessions took
}

type renderedLine struct {
	version msnp.Version
	line    []byte
}

// Line returns what render makes, once per version, for a session to send. One event is
// delivered to one session after another, never to two at a time.
func (ev *PresenceChanged) Line(v msnp.Version, render func() []byte) []byte {
	ev.lines++
	for _, l := range ev.rendered {
		if l.version == v {
			return l.line
		}
	}
	line := render()
	ev.rendered = append(ev.rendered, renderedLine{v, line})
	return line
}

// PrivacyChanged tells that somebody lets the receiver see him, or no longer does.
type PrivacyChanged struct {
	Who     im.Person
	Allowed bool
	Now     im.Presence // the zero value: what the receiver was last told
	Seen    Known       // how the receiver's node saw him when he was put on his list, if he just was
}

// ListedBy tells that somebody put the receiver on his forward list, or took him off.
type ListedBy struct {
	Who     im.Person
	How     Listing
	Version uint32 // of the receiver's lists after that

	// The properties that the receiver saw before, if he has the other on his own forward list,
	// and those that he sees now.
	Before, Now []im.Property

	Seen Known // if he came on it: how the receiver was known at the other's node
}

// Listing says what became of the receiver on somebody's forward list. Clients move people
// between groups by taking them off and putting them on again, so of the former the
// receiver's client is told later. docs/protocol/lists.md#moves
type Listing int

// The listings.
const (
	Added    Listing = iota // on the list
	Removed                 // off the list
	Leaving                 // off the list, perhaps on a move
	Returned                // on the list again, at the end of a move
	Gone                    // not back in time
)

// On reports whether the receiver is on the list.
func (l Listing) On() bool { return l == Added || l == Returned }

// PropertyChanged tells a phone value of somebody who has the receiver on his forward list.
type PropertyChanged struct {
	Who     im.Person
	Type    string
	Value   string // decoded; "" when cleared
	Version uint32 // of the receiver's lists after that
}

// Invited calls the receiver to a switchboard.
type Invited struct {
	Session uint32
	Addr    string // host:port of the switchboard
	Cookie  string
	Caller  im.Person // as he entered the session
}

// KickReason says why a session is ended from outside.
type KickReason int

// The reasons.
const (
	Elsewhere      KickReason = iota // the account signed in at another place
	ByOperator                       // an operator ended the session, or its owner at the website; he may come back
	AccountChanged                   // the account was disabled or removed, or got another password
	ServerStops                      // the server shuts down
)

// Kicked ends the session.
type Kicked struct{ Why KickReason }

// Notice announces that the service stops in some minutes.
type Notice struct{ Minutes int }

// Missed has the receiver look again at people of whose changes not even the hub knew in time,
// because they are or were at another node: the directory says how they are. He may know some of
// them.
type Missed struct {
	People map[im.UserID]Known // not to be written to
}

// Known is what was known of somebody before.
type Known struct {
	Who      im.Person
	Presence im.Presence
}

// Renamed gives the receiver another friendly name, by an operator's hand.
type Renamed struct{ Name string }

// What follows tells that the receiver's own lists change by another way than his client.

// Changing tells that they are about to, or that this is over. Of what the receiver is told of
// contacts meanwhile nobody knows yet whether the change counts it.
type Changing struct{ Over bool }

// Enlisted tells that somebody came on one of them.
type Enlisted struct {
	List        im.List
	Contact     im.Contact // as he stands on them after that
	Group       int        // of the forward list, else -1
	First       bool       // he came on the forward list, where he was not before
	Version     uint32     // of the lists after that
	PeerVersion uint32     // if First: of the contact's own

	Shown []im.Property // where List is the forward one: what the receiver shows to those on it
}

// Delisted tells that somebody went off one of them.
type Delisted struct {
	List        im.List
	Peer        im.UserID
	Handle      string
	Version     uint32 // of the lists after that
	PeerVersion uint32 // of the contact's own, where List is the forward one

	Shown []im.Property // as in Enlisted
}

// PolicySet tells what holds for people on neither the allow nor the block list from now on.
type PolicySet struct{ Policy im.Policy }

func (Changing) event()  {}
func (Enlisted) event()  {}
func (Delisted) event()  {}
func (PolicySet) event() {}

func (*PresenceChanged) event() {}
func (PrivacyChanged) event()   {}
func (ListedBy) event()         {}
func (PropertyChanged) event()  {}
func (Invited) event()          {}
func (Kicked) event()           {}
func (Notice) event()           {}
func (Renamed) event()          {}
func (Missed) event()           {}

// MailArrived tells of a new message in the receiver's mailbox.
type MailArrived struct {
	From    string // address
	Name    string // of the sender, or ""
	Subject string
	URL     string     // of a page with the message, or ""
	Box     im.Mailbox // the mailbox with it
}

// MailMoved tells that messages were read, moved or deleted.
type MailMoved struct {
	Delta int        // unread messages that came to the inbox or, below 0, left it
	Box   im.Mailbox // the mailbox after that
}

// Alerted shows the receiver an alert.
type Alerted struct {
	Number uint32 // of the alert
	Alert  im.Alert
}

func (MailArrived) event() {}
func (MailMoved) event()   {}
func (Alerted) event()     {}
