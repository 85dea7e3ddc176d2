package audit

import "slices"

// What says what happened. The set is closed.
type What string

// What there is to record.
const (
	PasswordAccepted What = "password accepted" // a ticket was given
	SignedIn         What = "signed in"
	SignInRefused    What = "sign-in refused"
	HeldBack         What = "sign-ins held back" // too many were refused
	LetterSent       What = "letter sent"        // by the website, to somebody who asked for it

	AccountAdded    What = "account added"
	AccountRenamed  What = "account renamed"
	AccountDisabled What = "account disabled"
	AccountEnabled  What = "account enabled"
	AccountDeleted  What = "account deleted"
	RoleChanged     What = "role changed"
	PasswordChanged What = "password changed"
	DataExported    What = "data exported" // all that is kept of somebody, to himself
	MailboxSet      What = "mailbox set"
	MailboxRemoved  What = "mailbox removed"
	SessionEnded    What = "session ended"
	Disconnected    What = "client disconnected" // for what it did
	AlertSent       What = "alert sent"

	ShutdownAnnounced What = "shutdown announced"
	ShutdownCancelled What = "shutdown cancelled"
	BackupWritten     What = "backup written"
	BackupRestored    What = "backup restored"
	AccountsExported  What = "accounts exported"
	AccountsImported  What = "accounts imported"
	InviteMade        What = "invite code made"
	InviteRevoked     What = "invite code revoked"
	WebhookAdded      What = "webhook added"
	WebhookRemoved    What = "webhook removed"
	NetworkDenied     What = "network denied"
	NetworkAllowed    What = "network allowed"
	NetworkRemoved    What = "network rule removed"
	KeyRotated        What = "key rotated"
	KeyRetired        What = "key retired"
	CertRenewed       What = "certificate renewed"
	Reloaded          What = "configuration reloaded"
	NodeDrained       What = "node drained"
	NodeUndrained     What = "node undrained"
	TokenMade         What = "token made"
	TokenRevoked      What = "token revoked"
	Started           What = "server started"
	Stopped           What = "server stopped"
)

// fromStrangers are the events that anybody on the network can bring about, fromPeople those that
// anybody with an account can.
var (
	fromStrangers = map[What]bool{SignInRefused: true, HeldBack: true, LetterSent: true}
	fromPeople    = map[What]bool{PasswordAccepted: true, SignedIn: true, Disconnected: true}
)

// events are all there are, in the order in which people look for one.
var events = []What{
	PasswordAccepted, SignedIn, SignInRefused, HeldBack, LetterSent, Disconnected,
	AccountAdded, AccountRenamed, AccountDisabled, AccountEnabled, AccountDeleted, RoleChanged,
	PasswordChanged, DataExported, MailboxSet, MailboxRemoved, SessionEnded, AlertSent,
	ShutdownAnnounced, ShutdownCancelled, BackupWritten, BackupRestored,
	AccountsExported, AccountsImported, InviteMade, InviteRevoked,
	NetworkDenied, NetworkAllowed, NetworkRemoved, WebhookAdded, WebhookRemoved,
	TokenMade, TokenRevoked, KeyRotated, KeyRetired, CertRenewed, Reloaded,
	NodeDrained, NodeUndrained, Started, Stopped,
}

// Events returns everything that there is to record.
func Events() []What { return slices.Clone(events) }
