// Package admin is the management of a running service: operations on sessions, mailboxes, keys
// and the service as a whole, an HTTP interface to them and to those on accounts on a socket in
// the data directory, the client of that interface, and the operators' listener for health and
// metrics. Operations on accounts belong to account; how people ask for one, to cli; who may
// reach the socket, to the file system.
package admin

import (
	"context"
	"log/slog"
	"sync/atomic"
	"time"

	"monarch/internal/account"
	"monarch/internal/audit"
	"monarch/internal/auth"
	"monarch/internal/clock"
	"monarch/internal/history"
	"monarch/internal/hub"
	"monarch/internal/im"
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

	Name    string           // of the service
	Version string           // of this program
	Past    *history.History // what this node remembers of its figures; nil where no server runs

	MailURL string // page of mailboxes without one of their own; "" is none
	Alerts  bool   // whether alerts may be sent

	Listeners map[string]string      // addresses by name; nil where no server runs
	Configure func() (Report, error) // reads the configuration again; nil where no server runs

	Drainer Drainer // nil where no server runs
	Hooks   *webhook.Sender

	// Enforce has the rules of networks be in force that are in the database, and returns how many connections
	// of clients it ended; Configured returns those of the configuration. Both are nil where no server runs.
	Enforce    func(context.Context) (ended int, err error)
	Configured func() []NetworkRule

	nodes      *nodes.Nodes  // nil where no server runs
	alerts     atomic.Uint32 // number of the last one
	tokens     knownTokens
	goodTokens goodTokens
}

// Account is what lists show of an account.
type Account struct {
	Email    string    `json:"email" doc:"The address that the account signs in with." example:"alice@example.com"`
	Nick     string    `json:"nick" doc:"What its owner calls himself." example:"Alice"`
	Role     im.Role   `json:"role,omitempty" enum:"moderator administrator" doc:"What its owner may do for the service. Absent: nothing." example:"moderator"`
	Disabled bool      `json:"disabled" doc:"Whether it is locked: nobody can sign in." example:"false"`
	Lock     *Lock     `json:"lock,omitempty" doc:"How it is locked. Absent when it is not."`
	SignedIn bool      `json:"signed_in" doc:"Whether a client is signed in, at any node." example:"true"`
	Created  time.Time `json:"created" doc:"When it was made." example:"2026-03-01T12:00:00Z"`
}

// Lock is how an account is locked.
type Lock struct {
	Reason string    `json:"reason,omitempty" doc:"Why, for operators only." example:"guesses passwords"`
	Until  time.Time `json:"until,omitzero" doc:"Until when. Absent: for good." example:"2026-03-08T12:00:00Z"`
}

// NewAccount is an account to be made.
type NewAccount struct {
	Email    string `json:"email" doc:"The address that it signs in with; it need not receive mail." example:"alice@example.com"`
	Nick     string `json:"nick,omitempty" doc:"What its owner is called. Without it, the part of the address before the at sign." example:"Alice"`
	Password string `json:"password" doc:"Its password: 1 to 256 bytes, of which old clients send 16." example:"open sesame"`
}

// Details is everything about one account but its contacts.
type Details struct {
	Account
	ListVersion   uint32         `json:"list_version" doc:"The version of its lists, which grows with every change." example:"17"`
	AsksWhenAdded bool           `json:"asks_when_added" doc:"Whether its client asks its owner when somebody adds him (GTC)." example:"true"`
	AllowsOthers  bool           `json:"allows_others" doc:"Whether people who are on no list may write to its owner (BLP)." example:"true"`
	Listed        map[string]int `json:"listed" doc:"How many people are on FL, AL, BL and RL." example:"{\"FL\":2,\"AL\":2}"`
	Groups        []string       `json:"groups" doc:"The groups of the contact list, by number." example:"[\"Other Contacts\"]"`
	Properties    []Property     `json:"properties" doc:"What its owner tells of himself."`
	Mailbox       *Mailbox       `json:"mailbox,omitempty" doc:"What is known of its mail. Absent when it has no mailbox."`
	Session       *Session       `json:"session,omitempty" doc:"Where it is signed in. Absent when it is not."`
}

// Property is one property of an account, such as PHM, the mobile number.
type Property struct {
	Type  string `json:"type" doc:"Which one: PHH, PHW, PHM, MOB, MBE, as the protocol has it." example:"PHM"`
	Value string `json:"value" doc:"Its value." example:"555 1234"`
}

// Contact is a person on an account's lists.
type Contact struct {
	Email    string   `json:"email" doc:"The person's address." example:"bob@example.com"`
	Nick     string   `json:"nick" doc:"What the person calls himself." example:"Bob"`
	Stored   string   `json:"stored" doc:"What the account's owner has for him." example:"Bob from work"`
	Lists    []string `json:"lists" enum:"FL AL BL RL" doc:"The lists that he is on: FL forward, AL allow, BL block, RL reverse." example:"[\"FL\",\"AL\"]"`
	Groups   []string `json:"groups" doc:"The groups that he is in." example:"[\"Friends\"]"`
	SignedIn bool     `json:"signed_in" doc:"Whether he is signed in." example:"false"`
}

// Session is one signed-in client.
type Session struct {
	Email   string    `json:"email" doc:"Whose it is." example:"alice@example.com"`
	Nick    string    `json:"nick" doc:"What he is called." example:"Alice"`
	Status  string    `json:"status" enum:"NLN BSY IDL BRB AWY PHN LUN HDN FLN" doc:"His status; FLN while he signs in." example:"NLN"`
	Version string    `json:"version" doc:"The version of the protocol." example:"MSNP9"`
	Client  string    `json:"client" doc:"What the client calls itself." example:"MSNMSGR 6.0.0602"`
	Address string    `json:"address" doc:"Where it comes from. Empty when its node does not tell." example:"192.0.2.7:1029"`
	Since   time.Time `json:"since" doc:"When it signed in." example:"2026-03-01T12:00:00Z"`
	Node    string    `json:"node,omitempty" doc:"The node that it is at. Absent where there is only one." example:"node-1"`
}
