package msnclient

import (
	"errors"
	"fmt"

	"monarch/msnp"
)

// Errors of this package, for errors.Is. An error line of the service is in the chain too, as
// a [msnp.Code].
var (
	ErrPassword     = errors.New("account or password refused")
	ErrUnavailable  = errors.New("service unavailable")
	ErrVersion      = errors.New("no protocol version in common")
	ErrElsewhere    = errors.New("signed in elsewhere")
	ErrMoved        = errors.New("sent to another server")
	ErrShutdown     = errors.New("server is shutting down")
	ErrNotConnected = errors.New("not connected")
	ErrClosed       = errors.New("client is closed")
	ErrNotOnline    = errors.New("cannot be called")
	ErrNoAnswer     = errors.New("nobody answered the call")
	ErrNotDelivered = errors.New("not delivered to everybody")
	ErrChatClosed   = errors.New("chat has ended")
	ErrTooLong      = errors.New("longer than the protocol allows")
	ErrNotSupported = errors.New("not possible in this protocol version")
)

// errLost is the end of a connection that nobody explained.
var errLost = errors.New("connection lost")

// coded puts a sentinel in front of an error line of the service.
func coded(sentinel error, code msnp.Code) error { return fmt.Errorf("%w (%w)", sentinel, code) }

// refused explains an error that the sign-in met. docs/protocol/errors.md#codes
func refused(err error) error {
	var code msnp.Code
	if !errors.As(err, &code) {
		return err
	}
	switch code {
	case msnp.CodeAuthFailed, msnp.CodeBadTicket, msnp.CodeNotVerified, msnp.CodeKidsConsent:
		return coded(ErrPassword, code)
	}
	return coded(ErrUnavailable, code)
}

// uncallable explains an error line in answer to CAL. docs/protocol/switchboard.md#cal
func uncallable(err error) error {
	var code msnp.Code
	if !errors.As(err, &code) {
		return err
	}
	switch code {
	case msnp.CodeNotOnline, msnp.CodeNotListed, msnp.CodeInvalidHandle:
		return coded(ErrNotOnline, code)
	}
	return err
}
