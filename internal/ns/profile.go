package ns

import (
	"fmt"
	"math/bits"
	"strconv"
	"time"

	"monarch/internal/auth"
	"monarch/internal/im"
	"monarch/msnp"
)

// hotmail is the sender of every message of the server's own.
const hotmail = "Hotmail"

// appendMessage appends a message of the server's own. docs/protocol/signin.md#profile
func appendMessage(b []byte, body string) []byte {
	return msnp.AppendPayload(b, msnp.MSG, []byte(body), hotmail, hotmail)
}

// appendProfile appends the message that follows USR OK. The order of the fields, the blank
// after an empty one and the empty line at the end are those of the original service.
// docs/protocol/signin.md#profile
func (s *session) appendProfile(b []byte, user im.User, now time.Time) []byte {
	peer := s.conn.Peer()
	token := s.srv.Signer.WebToken(auth.Ticket{User: int64(user.ID), Credential: user.Credential, Issued: s.srv.Clock.Steady()})
	return appendMessage(b, fmt.Sprintf("MIME-Version: 1.0\r\n"+
		"Content-Type: text/x-msmsgsprofile; charset=UTF-8\r\n"+
		"LoginTime: %d\r\n"+
		"EmailEnabled: %d\r\n"+
		"MemberIdHigh: %d\r\n"+
		"MemberIdLow: %d\r\n"+
		"lang_preference: 1033\r\n"+
		"preferredEmail: %s\r\n"+
		"country: \r\n"+
		"PostalCode: \r\n"+
		"Gender: \r\n"+
		"Kid: 0\r\n"+
		"Age: \r\n"+
		"BDayPre: \r\n"+
		"Birthday: \r\n"+
		"Wallet: \r\n"+
		"Flags: 1027\r\n"+
		"sid: 507\r\n"+
		"kv: 11\r\n"+
		"MSPAuth: %s\r\n"+
		"ClientIP: %s\r\n"+
		"ClientPort: %d\r\n"+
		"\r\n",
		now.Unix(), s.emailEnabled(), uint32(user.ID>>32), uint32(user.ID), user.Handle, token,
		peer.Addr(), bits.ReverseBytes16(peer.Port())))
}

// appendNotice appends the announcement that the service stops.
// docs/protocol/signin.md#system-message
func appendNotice(b []byte, minutes int) []byte {
	return appendMessage(b, "MIME-Version: 1.0\r\n"+
		"Content-Type: application/x-msmsgssystemmessage\r\n"+
		"\r\n"+
		"Type: 1\r\n"+
		"Arg1: "+strconv.Itoa(minutes)+"\r\n")
}
