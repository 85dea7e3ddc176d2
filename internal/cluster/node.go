package cluster

import (
	"crypto/rand"
	"encoding/base32"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"time"
)

// NodeID is one run of one node: the node's name, a slash, and a number drawn at its start. A
// node that was started again is another one, so that nobody takes what it says now for a
// continuation of what it said before.
type NodeID string

const nodeName = `[A-Za-z0-9]([A-Za-z0-9._-]{0,62}[A-Za-z0-9])?`

var (
	names   = regexp.MustCompile(`^` + nodeName + `$`)
	ids     = regexp.MustCompile(`^` + nodeName + `/[a-z2-7]{13}$`)
	numbers = base32.NewEncoding("abcdefghijklmnopqrstuvwxyz234567").WithPadding(base32.NoPadding)
)

// CheckName says what is wrong with the name of a node.
func CheckName(name string) error {
	if names.MatchString(name) {
		return nil
	}
	return errors.New("must be 1 to 64 letters, digits, dots, hyphens and underscores, as host names are")
}

// NewID returns the id of a run of the node with this name that begins now.
func NewID(name string) NodeID {
	var number [8]byte
	rand.Read(number[:])
	return NodeID(name + "/" + numbers.EncodeToString(number[:]))
}

// valid reports whether it is the id of a node, so that a bus may make an address of it.
func (n NodeID) valid() bool { return ids.MatchString(string(n)) }

// Name returns what the operator calls the node.
func (n NodeID) Name() string {
	name, _, _ := strings.Cut(string(n), "/")
	return name
}

// Run returns what tells this run from all others: 13 small letters and digits.
func (n NodeID) Run() string {
	_, run, _ := strings.Cut(string(n), "/")
	return run
}

// Status is what a node tells of itself with every heartbeat. A field that a release adds is
// empty where the sender is older, and not seen where the reader is.
type Status struct {
	Name     string
	Release  string
	Protocol int // see [Protocol]
	Roles    []string
	Sessions int
	Capacity int // sessions it takes at most; 0 is not known
	Draining bool

	// Addresses as clients are told them; "" or none where the node has not that role.
	Notification string
	Switchboards []Board
	Web          string

	Clock int64 // in milliseconds since 1970: what its clock says; filled in
}

// Board is a switchboard.
type Board struct {
	Addr   string // as clients are told
	Seated int    // participants of its conversations
}

// Node is what is known of a node.
type Node struct {
	ID NodeID
	Status
	State State
	Heard time.Time     // when it last spoke, by our clock
	Ahead time.Duration // by how much its clock is ahead of ours, about
}

// State is how a node is doing, as seen from here.
type State uint8

// The states.
const (
	Here    State = iota // this very node
	Joining              // it is starting and serves nobody yet
	Alive
	Silent // unheard of for some seconds, or another run of it has taken its place
	Left   // it said goodbye
)

// String returns the word that people read.
func (s State) String() string {
	words := [...]string{"here", "joining", "alive", "silent", "left"}
	if int(s) < len(words) {
		return words[s]
	}
	return fmt.Sprintf("state %d", uint8(s))
}
