package hub

import (
	"fmt"
	"reflect"
	"time"

	"github.com/fxamacker/cbor/v2"

	"monarch/internal/im"
	"monarch/msnp"
)

// message is what hubs tell each other: one of its fields, or the end of a sign-in and what people are
// told of that. What a node does not know is passed
// over, and what it misses is zero, so nodes of two releases understand each other as long as
// no key gets another meaning.
type message struct {
	SignedIn  *signedIn  `cbor:"1,keyasint,omitempty"`
	Changed   *changed   `cbor:"2,keyasint,omitempty"`
	SignedOut *signedOut `cbor:"3,keyasint,omitempty"`
	Event     *addressed `cbor:"4,keyasint,omitempty"`
	Boards    *boards    `cbor:"5,keyasint,omitempty"`
	TurnOver  uint64     `cbor:"6,keyasint,omitempty"` // the number in the answer to Turn

	// People of whom the sender knows no sign-in, though there may be one: whoever has it says so.
	Sought []im.UserID `cbor:"7,keyasint,omitempty"`

	CountingDown *countingDown `cbor:"8,keyasint,omitempty"`
}

// question is what hubs ask each other: one of its fields, or nothing, which is only about having been
// answered. The answer is yes or no, where nothing else is said.
type question struct {
	Event *addressed `cbor:"1,keyasint,omitempty"` // does the session take it?
	Ended *signedOut `cbor:"2,keyasint,omitempty"` // answered when nothing is left of the sign-in
	Turn  im.UserID  `cbor:"3,keyasint,omitempty"` // answered with a number when his lists may be changed
	Debts im.UserID  `cbor:"4,keyasint,omitempty"` // answered with what Debts of the hub gives, or no
}

// signedIn is a sign-in, when it begins and in a snapshot.
type signedIn struct {
	User     im.UserID    `cbor:"1,keyasint"`
	Number   uint64       `cbor:"2,keyasint"`
	Handle   string       `cbor:"3,keyasint"`
	Name     string       `cbor:"4,keyasint"`
	Version  msnp.Version `cbor:"5,keyasint"`
	Presence im.Presence  `cbor:"6,keyasint,omitempty"` // zero before the first CHG
	Noted    bool         `cbor:"7,keyasint,omitempty"` // it is a part of a snapshot
}

// changed is a change of somebody's presence or name, and who is to hear of it at the node that
// receives it.
type changed struct {
	User     im.UserID   `cbor:"1,keyasint"`
	Number   uint64      `cbor:"2,keyasint"` // of the sign-in that says it
	Handle   string      `cbor:"3,keyasint"`
	Name     string      `cbor:"4,keyasint"`
	Now      im.Presence `cbor:"5,keyasint"`
	Before   im.Presence `cbor:"6,keyasint,omitempty"` // as watchers know him
	Renamed  bool        `cbor:"7,keyasint,omitempty"`
	Watchers []im.UserID `cbor:"8,keyasint,omitempty"`
	More     bool        `cbor:"9,keyasint,omitempty"` // watchers, in the next message of this change
}

// signedOut is the end of a sign-in.
type signedOut struct {
	User   im.UserID `cbor:"1,keyasint"`
	Number uint64    `cbor:"2,keyasint"`
	How    Ending    `cbor:"3,keyasint,omitempty"`

	// There was an earlier one elsewhere, whose node may not have heard of this one.
	Unsure bool `cbor:"4,keyasint,omitempty"`

	// It is so because of a newer one elsewhere. Who knows that knows what this says.
	Displaced bool `cbor:"5,keyasint,omitempty"`
}

// addressed is an event for a session.
type addressed struct {
	User   im.UserID       `cbor:"1,keyasint"`
	Number uint64          `cbor:"2,keyasint,omitempty"` // of the only sign-in it is for; 0: any
	Kind   int             `cbor:"3,keyasint"`
	Body   cbor.RawMessage `cbor:"4,keyasint"`
}

// boards is how many switchboard connections of a sign-in there are at the node that says so.
type boards struct {
	User   im.UserID `cbor:"1,keyasint"`
	Number uint64    `cbor:"2,keyasint"`
	Count  int       `cbor:"3,keyasint"`
}

// countingDown is the announced end of the service, when it is announced or taken back and in a snapshot.
type countingDown struct {
	Number uint64        `cbor:"1,keyasint"`           // the greater one holds
	Left   time.Duration `cbor:"2,keyasint,omitempty"` // 0: it goes on
}

// decoding reads what encode wrote. Names are as clients sent them, which need not be UTF-8.
var decoding = func() cbor.DecMode {
	mode, err := cbor.DecOptions{UTF8: cbor.UTF8DecodeInvalid}.DecMode()
	if err != nil {
		panic(fmt.Sprintf("hub: %v", err)) // the options are to blame
	}
	return mode
}()

func encode(m any) []byte {
	b, err := cbor.Marshal(m)
	if err != nil {
		panic(fmt.Sprintf("hub: %T cannot be encoded: %v", m, err)) // its type is to blame
	}
	return b
}

// kinds are the events that may be for somebody elsewhere, at the places that are their numbers
// between nodes: those of an earlier release stay where they are.
var kinds = []reflect.Type{
	reflect.TypeFor[PrivacyChanged](), reflect.TypeFor[ListedBy](), reflect.TypeFor[PropertyChanged](),
	reflect.TypeFor[Invited](), reflect.TypeFor[Kicked](), reflect.TypeFor[Renamed](),
	reflect.TypeFor[Changing](), reflect.TypeFor[Enlisted](), reflect.TypeFor[Delisted](), reflect.TypeFor[PolicySet](),
	reflect.TypeFor[MailArrived](), reflect.TypeFor[MailMoved](), reflect.TypeFor[Alerted](), reflect.TypeFor[Notice](),
}

// address encodes an event.
func address(user im.UserID, number uint64, ev Event) *addressed {
	t := reflect.TypeOf(ev)
	for kind, each := range kinds {
		if each == t {
			return &addressed{User: user, Number: number, Kind: kind, Body: encode(ev)}
		}
	}
	panic(fmt.Sprintf("hub: %T is for nobody elsewhere", ev))
}

// event decodes it. It fails for one that this release does not know.
func (a *addressed) event() (Event, error) {
	if a.Kind < 0 || a.Kind >= len(kinds) {
		return nil, fmt.Errorf("event of kind %d", a.Kind)
	}
	v := reflect.New(kinds[a.Kind])
	if err := decoding.Unmarshal(a.Body, v.Interface()); err != nil {
		return nil, err
	}
	return v.Elem().Interface().(Event), nil
}
