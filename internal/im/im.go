// Package im is the domain: people, their lists and groups, privacy, and who may see
// whom. It is pure: no input or output, no clock, no lock. Storing it belongs to store,
// speaking it to ns.
package im

import (
	"errors"
	"math"
	"time"

	"monarch/msnp"
)

// UserID identifies an account for ever, also after a change of handle, and is never given to
// another. It is positive and below 2^31: the store counts from 1.
type UserID int64

// Possible reports whether the store can have given the id.
func (id UserID) Possible() bool { return id > 0 && id <= math.MaxInt32 }

// Packed returns the id in four bytes. It panics if it is not possible.
func (id UserID) Packed() uint32 {
	if !id.Possible() {
		panic("im: an account has an id that the store does not give")
	}
	return uint32(id)
}

// Person is what others may know of an account: who he is and what he calls himself.
type Person struct {
	ID     UserID
	Handle string // canonical: lower case
	Name   string // friendly name, decoded; never empty
}

// User is an account.
type User struct {
	Person
	PasswordHash string
	Credential   uint32 // counts password changes and lock-outs; old tickets name an older one
	Disabled     bool   // locked, unless LockedUntil has come; see [User.Locked]
	LockedUntil  int64  // Unix seconds; 0: for good
	LockReason   string // for operators
	Version      uint32 // of the lists; starts at 1 and only grows
	Prompt       Prompt
	Policy       Policy
	Created      int64 // Unix seconds
	Role         Role
}

// Locked reports whether the account lets nobody in at a time.
func (u User) Locked(now time.Time) bool {
	return u.Disabled && (u.LockedUntil == 0 || now.Unix() < u.LockedUntil)
}

// Role is what somebody may do for the service besides using it.
type Role string

// The roles.
const (
	NoRole        Role = ""
	Moderator     Role = "moderator"     // looks after people
	Administrator Role = "administrator" // looks after the service, too
)

// Prompt is the GTC setting: whether the client asks its user when somebody adds him.
type Prompt string

// The two prompts.
const (
	Ask       Prompt = "A"
	AddSilent Prompt = "N"
)

// Policy is the BLP setting: what holds for people on neither the allow nor the block list.
type Policy string

// The two policies.
const (
	AllowOthers Policy = "AL"
	BlockOthers Policy = "BL"
)

// List is a set of contact lists; the values are those of LST.
// docs/protocol/lists.md#lists
type List uint8

// The four lists.
const (
	Forward List = 1 << iota // FL: whose presence the user wants
	Allow                    // AL: who may see and call him
	Block                    // BL: who may not
	Reverse                  // RL: who has him on FL; kept by the server
)

// ParseList reads a list's two-letter name.
func ParseList(b []byte) (List, bool) {
	switch string(b) {
	case "FL":
		return Forward, true
	case "AL":
		return Allow, true
	case "BL":
		return Block, true
	case "RL":
		return Reverse, true
	}
	return 0, false
}

// String returns the two-letter name of a single list.
func (l List) String() string {
	switch l {
	case Forward:
		return "FL"
	case Allow:
		return "AL"
	case Block:
		return "BL"
	case Reverse:
		return "RL"
	}
	return "?"
}

// MaxGroups is how many groups an account may have, group 0 included. Their numbers are
// 0 to MaxGroups-1.
const MaxGroups = 30

// Group is a folder of the forward list. Group 0 always exists.
type Group struct {
	Number int
	Name   string // decoded
}

// Property is one value of PRP and BPR: a phone number or a switch of the account.
type Property struct {
	Type  string // PHH, PHW, PHM, MOB, MBE or WWE
	Value string // decoded; never empty, an unset property is absent
}

// Contact is one person on any of the user's lists. The person's own name is not part of it,
// unless Stored is that: it changes often, and nobody is told it by way of lists.
type Contact struct {
	ID         UserID
	Handle     string // canonical
	Lists      List
	Stored     string     // the name the user gave; the person's own when not on FL
	Groups     []int      // ascending; of FL contacts, at least one
	AllowsUser bool       // whether the person lets the user see him
	Properties []Property // of people who are on FL and RL, in the order PHH PHW PHM MOB
}

// Roster is everything SYN tells: an account with its lists and groups, and what the
// people on them permit.
type Roster struct {
	User       User
	Properties []Property // own, in the order PHH PHW PHM MOB MBE WWE
	Groups     []Group    // by number
	Contacts   []Contact  // by id
}

// Presence is what watchers are told about somebody.
type Presence struct {
	Status msnp.Status
	Flags  uint64 // client id
	Object string // MSNObject exactly as its owner sent it, or ""
}

// Visible reports whether others see him as being there.
func (p Presence) Visible() bool { return p.Status.Visible() }

// The refusals of the domain. One table in ns gives each its number on the wire.
var (
	ErrNoUser         = errors.New("no such account")
	ErrHandleTaken    = errors.New("an account with this handle exists")
	ErrBadHandle      = errors.New("not a valid handle")
	ErrListFull       = errors.New("the list is full")
	ErrAlreadyListed  = errors.New("already on this list")
	ErrNotListed      = errors.New("not on this list")
	ErrOpposite       = errors.New("on the opposite list")
	ErrSameMode       = errors.New("already in this mode")
	ErrTooManyGroups  = errors.New("too many groups")
	ErrNoGroup        = errors.New("no such group")
	ErrNotInGroup     = errors.New("not in this group")
	ErrGroupName      = errors.New("another group has this name")
	ErrGroupZero      = errors.New("group 0 cannot be removed")
	ErrNameRefused    = errors.New("this name is not accepted")
	ErrUnknownSetting = errors.New("no such property")
)
