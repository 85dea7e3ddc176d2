// Package admin is the management of a running service: operations on sessions, mailboxes, keys
// and the service as a whole, an HTTP interface to them and to those on accounts on a socket in
// the data directory, the client of that interface, and the operators' listener for health and
// metrics. Operations on accounts belong to account; how people ask for one, to cli; who may
// reach the socket, to the file system.
package admin

import (
	"log/slog"
	"sync/atomic"
	"time"

	"monarch/internal/account"
	"monarch/internal/audit"
	"monarch/internal/auth"
	"monarch/internal/clock"
	"monarch/internal/hub"
	"monarch/internal/nodes"
	"monarch/internal/store"
	"monarch/internal/webhook"
)

// Service carries out operations at once: it changes the database, then tells the sessions
// concerned. All pointers but Audit are required; where no server runs, Hub is an empty one and
// Signer has no keys.
type Service struct {
	Users  *account.Service // operations on accounts
	Store  *store.Store
	Hub    *hub.Hub
	Signer *auth.Signer
	Clock  *clock.Clock
	Log    *slog.Logger
	Audit  *audit.Log // nil: nothing is recorded

	MailURL string // page of mailboxes without one of their own; "" is none
	Alerts  bool   // whether alerts may be sent

	Listeners map[string]string      // addresses by name; nil where no server runs
	Configure func() (Report, error) // reads the configuration again; nil where no server runs

	Drainer Drainer // nil where no server runs
	Hooks   *webhook.Sender

	nodes  *nodes.Nodes  // nil where no server runs
	alerts atomic.Uint32 // number of the last one
}

// Account is what lists show of an account.
type Account struct {
	Email    string    `json:"email"`
	Nick     string    `json:"nick"`
	Disabled bool      `json:"disabled"`
	SignedIn bool      `json:"signed_in"`
	Created  time.Time `json:"created"`
}

// NewAccount is an account to be made.
type NewAccount struct {
	Email    string `json:"email"`
	Nick     string `json:"nick"` // empty: the part of Email before the at sign
	Password string `json:"password"`
}

// Details is everything about one account but its contacts.
type Details struct {
	Account
	ListVersion   uint32         `json:"list_version"`
	AsksWhenAdded bool           `json:"asks_when_added"` // GTC A
	AllowsOthers  bool           `json:"allows_others"`   // BLP AL
	Listed        map[string]int `json:"listed"`          // how many people on FL, AL, BL and RL
	Groups        []string       `json:"groups"`          // by number
	Properties    []Property     `json:"properties"`
	Mailbox       *Mailbox       `json:"mailbox,omitempty"` // absent when there is none
	Session       *Session       `json:"session,omitempty"` // absent when not signed in
}

// Property is one property of an account, such as PHM, the mobile number.
type Property struct {
	Type  string `json:"type"`
	Value string `json:"value"`
}

// Contact is a person on an account's lists.
type Contact struct {
	Email    string   `json:"email"`
	Nick     string   `json:"nick"`   // what the person calls himself
	Stored   string   `json:"stored"` // what the account's owner has for him
	Lists    []string `json:"lists"`  // of FL, AL, BL and RL
	Groups   []string `json:"groups"`
	SignedIn bool     `json:"signed_in"`
}

// Session is one signed-in client.
type Session struct {
	Email   string    `json:"email"`
	Nick    string    `json:"nick"`
	Status  string    `json:"status"` // NLN, BSY, ... or HDN; FLN before the first CHG
	Version string    `json:"version"`
	Client  string    `json:"client"`
	Address string    `json:"address"`
	Since   time.Time `json:"since"`
	Node    string    `json:"node,omitempty"` // where it is; absent where there is only one
}
