package msnclient

import (
	"time"

	"monarch/msnp"
)

// Event is something that happened without being asked for: one of the types below, as a
// value.
type Event interface{ event() }

// PresenceChanged tells that somebody on the forward list came, went (status Offline), or
// changed status, name or picture.
type PresenceChanged struct {
	Person
	Was msnp.Status
}

// ContactChanged tells that somebody changed his telephone numbers or another property.
type ContactChanged struct{ Contact }

// AddedBy tells that somebody put us on his list. It comes at the sign-in too, for everybody
// about whom the user has not decided: Accept or Block is the answer, and until then
// Contact.Pending says so.
type AddedBy struct{ Handle, Name string }

// RemovedBy tells that somebody took us off his list.
type RemovedBy struct{ Handle string }

// ChatOpened tells that somebody called us into a chat. The call is answered already.
type ChatOpened struct{ Chat *Chat }

// CallMissed tells that somebody called us, and why there is no chat.
type CallMissed struct {
	From, Name string
	Err        error
}

// Joined tells that somebody came into a chat.
type Joined struct {
	Chat         *Chat
	Handle, Name string
}

// Left tells that somebody left a chat.
type Left struct {
	Chat   *Chat
	Handle string
	Idle   bool // the service cleared a chat that nobody used
}

// ChatClosed is the last event of a chat.
type ChatClosed struct {
	Chat *Chat
	Err  error // nil: closed by us, or all the others had left
}

// TextReceived is an instant message.
type TextReceived struct {
	Chat       *Chat
	From, Name string // handle and friendly name
	Text       Text
}

// TypingStarted tells that somebody types; it comes again every few seconds while he does.
type TypingStarted struct {
	Chat *Chat
	From string
}

// NudgeReceived tells that somebody wants attention.
type NudgeReceived struct {
	Chat *Chat
	From string
}

// EmoticonAnnounced tells which picture a shortcut stands for in the text that comes next.
type EmoticonAnnounced struct {
	Chat           *Chat
	From, Shortcut string
	Object         msnp.Object
	ObjectText     string // as the sender wrote it
}

// MessageReceived is a message of a type that has no event of its own.
type MessageReceived struct {
	Chat   *Chat
	From   string
	Header msnp.Header
	Body   []byte
}

// MailCounted tells how much mail there is, once after the sign-in.
type MailCounted struct {
	Inbox, Folders                int // unread
	InboxURL, FoldersURL, PostURL string
}

// MailReceived tells of new mail.
type MailReceived struct {
	From, Address, Subject, Folder string // Folder ACTIVE is the inbox
	MessageURL, PostURL, SiteID    string
}

// MailMoved tells that mail was read, moved or deleted.
type MailMoved struct {
	From, To string // folders: ACTIVE is the inbox, trAsH the bin
	Count    int
}

// NoticeReceived tells that the service will stop.
type NoticeReceived struct{ Minutes int }

// AlertReceived is an alert of the service.
type AlertReceived struct{ msnp.Alert }

// PageReceived is a page from a telephone, or the news that one could not be sent.
type PageReceived struct{ msnp.Alert }

// Disconnected tells that the connection is lost and that the client will try again. It comes
// again for every try that fails. Everybody counts as off line until he is heard of again.
type Disconnected struct {
	Err     error
	RetryIn time.Duration
}

// Reconnected tells that the client is signed in again. What is on line now follows in
// PresenceChanged.
type Reconnected struct{}

// Closed is the last event.
type Closed struct{ Err error } // nil after Close

func (PresenceChanged) event()   {}
func (ContactChanged) event()    {}
func (AddedBy) event()           {}
func (RemovedBy) event()         {}
func (ChatOpened) event()        {}
func (CallMissed) event()        {}
func (Joined) event()            {}
func (Left) event()              {}
func (ChatClosed) event()        {}
func (TextReceived) event()      {}
func (TypingStarted) event()     {}
func (NudgeReceived) event()     {}
func (EmoticonAnnounced) event() {}
func (MessageReceived) event()   {}
func (MailCounted) event()       {}
func (MailReceived) event()      {}
func (MailMoved) event()         {}
func (NoticeReceived) event()    {}
func (AlertReceived) event()     {}
func (PageReceived) event()      {}
func (Disconnected) event()      {}
func (Reconnected) event()       {}
func (Closed) event()            {}
