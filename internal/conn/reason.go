package conn

// Reason says why a connection ended. The set is closed: a reason is a log field and a
// metric label.
type Reason int32

// The reasons.
const (
	_           Reason = iota
	PeerClosed         // the peer closed it
	PeerReset          // the peer reset it
	Broken             // reading or writing failed
	Slow               // the peer did not read what it was sent
	Timeout            // a deadline of the protocol passed
	Idle               // nothing was said for too long
	Malformed          // not a command of the protocol
	OutOfPlace         // a command that this state or version does not have
	ProxyHeader        // it began like one from a proxy, which its address is not
	Refused            // sign-in, cookie or challenge did not pass
	SignedOut          // the client said OUT
	Displaced          // the account signed in elsewhere
	Kicked             // an operator ended it
	Banned             // an operator has shut out its network
	Revoked            // the account was locked or removed, or got another password
	Flood              // a limit was exceeded
	Unavailable        // the server stops, or could not do its work
	Panicked           // a fault of the server's own
)

var reasons = [...]string{
	PeerClosed: "peer_closed", PeerReset: "peer_reset", Broken: "broken", Slow: "slow", Timeout: "timeout",
	Idle: "idle", Malformed: "malformed", OutOfPlace: "out_of_place", ProxyHeader: "proxy_header", Refused: "refused",
	SignedOut: "signed_out", Displaced: "displaced", Kicked: "kicked", Banned: "banned", Revoked: "revoked", Flood: "flood",
	Unavailable: "unavailable", Panicked: "panicked",
}

// Reasons returns all of them as they stand in logs and metrics.
func Reasons() []string { return reasons[PeerClosed:] }

// flushes reports whether the peer still gets what is queued for him.
func (r Reason) flushes() bool { return r != Slow && r != Broken }

// String returns the reason as it stands in logs and metrics.
func (r Reason) String() string {
	if r > 0 && int(r) < len(reasons) {
		return reasons[r]
	}
	return "open"
}
