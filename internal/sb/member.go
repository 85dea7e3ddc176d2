package sb

import (
	"errors"
	"strconv"
	"strings"
	"time"

	"monarch/internal/auth"
	"monarch/internal/conn"
	"monarch/internal/hub"
	"monarch/internal/im"
	"monarch/msnp"
)

// member is one connection: a stranger at first, then a participant of one room.
type member struct {
	srv  *Server
	conn *conn.Conn

	// Touched only by the running handler until the room has it, immutable afterwards.
	room   *room // nil before USR or ANS
	who    im.Person
	nick   string // who.Name in the form of a parameter, unchanged until he leaves
	login  uint64 // number of the sign-in he came from; caller knows the present one
	data   bool   // may send data messages
	caller *caller
	talker *talker

	// Touched only by the running handler.
	header   []byte        // of the message being relayed
	failures int           // NAK and 282 sent since failedAt
	failedAt time.Duration // by the clock's Elapsed, as all times here

	gone bool // guarded by room.mu: the others heard BYE
}

// What participants and strangers may say.
var (
	forMembers = map[msnp.Verb]func(*member, msnp.Frame) error{
		msnp.CAL: (*member).cal,
		msnp.MSG: (*member).msg,
		msnp.OUT: (*member).out,
	}
	forStrangers = map[msnp.Verb]func(*member, msnp.Frame) error{
		msnp.USR: (*member).usr,
		msnp.ANS: (*member).ans,
		msnp.OUT: (*member).out,
	}
)

// errRefused closes the connection after its code was sent.
var errRefused = errors.New("refused")

// errOutOfPlace closes the connection without an answer.
var errOutOfPlace = errors.New("out of place")

// Frame handles one command. All are quick but calling somebody who is signed in at another node.
func (m *member) Frame(f msnp.Frame) {
	commands := forMembers
	if m.room == nil {
		commands = forStrangers
	}
	run, ok := commands[f.Verb]
	if !ok {
		m.conn.Close(conn.OutOfPlace)
		return
	}
	if err := run(m, f); err != nil {
		m.fail(f, err)
	}
}

// fail turns an error into bytes or a closed connection.
func (m *member) fail(f msnp.Frame, err error) {
	var code msnp.Code
	switch {
	case errors.As(err, &code):
		t, malformed := f.TrID()
		if malformed != nil {
			m.conn.Close(conn.Malformed)
			return
		}
		m.srv.Metrics.Refused("switchboard", strconv.Itoa(int(code)))
		m.conn.Send(code.Append(nil, t))
		if errors.Is(err, errRefused) {
			m.conn.Close(conn.Refused)
		}
	case errors.Is(err, errOutOfPlace):
		m.conn.Close(conn.OutOfPlace)
	default:
		m.conn.Close(conn.Malformed)
	}
}

// Closed takes the participant out of his room.
func (m *member) Closed(conn.Reason) {
	m.srv.unseat(m)
	if m.room != nil {
		m.room.leave(m)
	}
}

func (m *member) out(msnp.Frame) error {
	m.conn.Close(conn.SignedOut)
	return nil
}

// unauthenticated is the answer to a cookie that does not pass.
// docs/protocol/switchboard.md#usr
func (m *member) unauthenticated() error {
	m.srv.Metrics.CookieFailures.Inc()
	return errors.Join(msnp.CodeAuthFailed, errRefused)
}

// become makes the connection that of a signed-in user.
func (m *member) become(l hub.Login) {
	m.who, m.nick = l.Person, msnp.Escape(l.Person.Name)
	m.login, m.data = l.Number, l.Version.HasData() || m.srv.DataForAll
}

// usr lets a caller in, who opens the room. docs/protocol/switchboard.md#usr
func (m *member) usr(f msnp.Frame) error {
	e, err := msnp.ParseEntrance(f)
	if err != nil {
		return err
	}
	if !m.srv.cookies.present(e.Cookie) {
		return m.unauthenticated()
	}
	l, _ := m.srv.Hub.ByHandle(strings.ToLower(e.Handle)) // nobody, when he is not signed in
	here := auth.Admission{Board: m.srv.Addr, User: int64(l.Person.ID), Login: l.Number}
	a, err := m.srv.Signer.OpenCookie(e.Cookie, here, m.srv.Clock.Steady(), m.srv.cookies.oldest())
	if err != nil {
		m.srv.cookies.refused(e.Cookie)
		return m.unauthenticated()
	}
	m.become(l)
	if !m.enter() || !m.srv.create(a.Session, m, msnp.AppendLine(nil, msnp.USR, string(e.TrID), "OK", m.who.Handle, m.nick)) {
		return m.unauthenticated()
	}
	return nil
}

// enter seats somebody who has shown who he is, if he is still signed in.
func (m *member) enter() bool {
	if !m.srv.seat(m) {
		return false
	}
	m.conn.SignedIn()
	m.conn.Expect(0)
	return true
}

// ans lets somebody in who was called. docs/protocol/switchboard.md#ans
func (m *member) ans(f msnp.Frame) error {
	a, err := msnp.ParseANS(f)
	if err != nil {
		return err
	}
	if !m.srv.cookies.present(a.Cookie) {
		return m.unauthenticated()
	}
	l, _ := m.srv.Hub.ByHandle(strings.ToLower(a.Handle)) // as above
	m.become(l)
	id, err := strconv.ParseUint(a.Session, 10, 31)
	r := m.srv.room(uint32(id))
	if err != nil || r == nil || !r.expects(m, a) || !m.enter() || !r.answer(m, a) {
		m.srv.cookies.refused(a.Cookie)
		return m.unauthenticated()
	}
	return nil
}
