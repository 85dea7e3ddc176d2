package ns

import (
	"context"
	"errors"
	"strconv"
	"strings"
	"sync"

	"monarch/internal/clock"
	"monarch/internal/conn"
	"monarch/internal/hub"
	"monarch/internal/im"
	"monarch/msnp"
)

// session is one connection to a dispatch or notification server, and from USR OK on one
// signed-in user.
//
// There are as many as people signed in, and most of them are idle: so what is not needed all
// the time is apart, and a test counts the bytes of the rest.
type session struct {
	entry hub.Entry  // not in the directory before sign-in
	srv   *Server    // immutable
	conn  *conn.Conn // immutable

	// Touched only by the running handler; fixed once the hub knows the session.
	dialect *dialect // nil before VER

	// Touched only by the running handler.
	private *private // nil while there is nothing in it

	mu       sync.Mutex // leaf, except for conn.Send and the hub's directory
	links    im.Links   // once linked
	aside    *aside     // nil while there is nothing in it
	block    uint32     // version of the lists the client was last sent; 0 when it had them
	told     uint32     // version up to which the client was told everything
	timers   [2]clock.Timer
	greeted  bool // USR OK is out
	synced   bool // the client has its lists
	online   bool // it has sent its first CHG
	visible  bool // as of the last CHG
	refusing bool // IMS OFF
	busy     busy
	ended    bool // Closed was called
	linked   bool // the links are loaded; set by the running handler, which may read it without mu

	dispatch bool  // immutable: on a dispatch listener
	alerts   bool  // the client can show alerts; as dialect
	early    bool  // it has changed something before it asked for its lists; as state
	state    state // touched only by the running handler

	credential uint32 // of the account, with which it signed in; as dialect
}

// busy is what a session waits for the database with. Events that come meanwhile, of which its
// answer may know or not, are kept.
type busy uint8

const (
	nothing busy = iota
	loading      // the lists
	adding       // to a list; what is kept is of people off the forward list
)

// private is what a running handler has of its own, before sign-in and at times.
type private struct {
	handle   string       // named in USR I
	arrival  *arrival     // until the sign-in is done, and told of if it is traced
	asked    string       // the challenge that the client asked for, or ""
	commands clock.Bucket // before sign-in
}

// own returns what the running handler may write to.
func (s *session) own() *private {
	if s.private == nil {
		s.private = new(private)
	}
	return s.private
}

// aside is what a session rarely has. The session's mu guards it.
type aside struct {
	missed    []hub.Event           // arrived while loading or adding
	leaving   map[im.UserID]leaving // took the user off their lists, which the client has not heard
	ahead     []ahead               // versions above told that the client was told of
	challenge string                // that is open, or ""
	mailbox   *mailbox
}

// leaving is what is kept from the client about somebody who may come back.
type leaving struct {
	version uint32
	anew    bool          // the user has added him since, so the client was told what he shows
	shown   []im.Property // what he showed to the user
}

// beside returns that part to be written to. s.mu is held.
func (s *session) beside() *aside {
	if s.aside == nil {
		s.aside = new(aside)
	}
	return s.aside
}

// tidy lets go of that part when there is nothing in it. s.mu is held.
func (s *session) tidy() {
	a := s.aside
	if a != nil && a.missed == nil && len(a.leaving) == 0 && len(a.ahead) == 0 && a.challenge == "" && a.mailbox == nil {
		s.aside = nil
	}
}

// handle returns the handle of who signed in, or wants to; for logs.
func (s *session) handle() string {
	if s.entry.Number() == 0 && s.private != nil {
		return s.private.handle
	}
	return s.entry.Handle()
}

// state is how far a connection has come. docs/protocol/signin.md#states
type state uint8

const (
	connected  state = iota
	versioned        // VER answered
	challenged       // USR I answered
	signedIn         // USR OK sent
)

// command says how a verb is handled: by a function that is quick and runs where the frame
// was read, or by one that may wait, for the database in most cases.
type command struct {
	quick func(*session, msnp.Frame) error
	slow  func(*session, context.Context, msnp.Frame) error
	links bool // needs the user's lists in memory
	free  bool // is not counted among the commands of a user
}

// beforeSignIn holds the commands of a connection that nobody has signed in on.
var beforeSignIn = map[msnp.Verb]command{
	msnp.VER: {quick: (*session).ver},
	msnp.CVR: {quick: (*session).cvr},
	msnp.CVQ: {quick: (*session).cvr},
	msnp.USR: {slow: (*session).usr},
	msnp.OUT: {quick: (*session).out},
	msnp.PNG: {quick: (*session).ignore},
}

// fatal is an error that ends the connection, after a code if there is one.
type fatal struct {
	code msnp.Code
	why  conn.Reason
}

func (e fatal) Error() string {
	if e.code == 0 {
		return e.why.String()
	}
	return e.code.Error()
}

// outOfPlace closes the connection without an answer.
// docs/protocol/wire.md#invalid-input
var outOfPlace = fatal{why: conn.OutOfPlace}

// codes gives the refusals of the domain their numbers.
var codes = map[error]msnp.Code{
	im.ErrBadHandle:      msnp.CodeInvalidParameter,
	im.ErrNoUser:         msnp.CodeNoSuchUser,
	im.ErrListFull:       msnp.CodeListFull,
	im.ErrAlreadyListed:  msnp.CodeAlreadyThere,
	im.ErrNotListed:      msnp.CodeNotListed,
	im.ErrOpposite:       msnp.CodeOppositeList,
	im.ErrSameMode:       msnp.CodeSameMode,
	im.ErrTooManyGroups:  msnp.CodeTooManyGroups,
	im.ErrNoGroup:        msnp.CodeNoGroup,
	im.ErrNotInGroup:     msnp.CodeNotInGroup,
	im.ErrGroupName:      msnp.CodeGroupNameTaken,
	im.ErrGroupZero:      msnp.CodeGroupZero,
	im.ErrNameRefused:    msnp.CodeNameRefused,
	im.ErrUnknownSetting: msnp.CodeNotExpected,
}

// Frame handles one command.
func (s *session) Frame(f msnp.Frame) {
	cmd, err := s.command(f)
	if err == nil {
		err = s.allowCommand(cmd)
	}
	if err != nil {
		s.fail(f, err)
		return
	}
	if s.state == signedIn && s.srv.timed.Load() {
		s.conn.Expect(s.srv.Limits().Idle)
	}
	began := s.tracing().Now()
	if cmd.quick != nil && (s.linked || !cmd.links) {
		err := cmd.quick(s, f)
		s.traced(f, began)
		if err != nil {
			s.fail(f, err)
		}
		return
	}
	f = f.Clone()
	s.conn.Go(func(ctx context.Context) {
		err := s.run(ctx, cmd, f)
		s.traced(f, began)
		if err != nil {
			s.fail(f, err)
		}
	})
}

// run carries out a command where waiting is allowed.
func (s *session) run(ctx context.Context, cmd command, f msnp.Frame) error {
	if s.state == signedIn {
		end, err := s.srv.changes.begin(ctx, s.entry.User())
		if err != nil {
			return err
		}
		defer end()
	}
	if cmd.links && !s.linked {
		if err := s.load(ctx); err != nil {
			return err
		}
	}
	if cmd.slow == nil {
		return cmd.quick(s, f)
	}
	s.early = s.early || s.state == signedIn && !s.synced && f.Verb != msnp.SYN
	return cmd.slow(s, ctx, f)
}

// command finds what to do with a frame in the present state.
func (s *session) command(f msnp.Frame) (command, error) {
	if s.state == signedIn {
		if cmd, ok := s.dialect.commands[f.Verb]; ok {
			return cmd, nil
		}
		return command{}, outOfPlace
	}
	if cmd, ok := beforeSignIn[f.Verb]; ok {
		return cmd, nil
	}
	if s.srv.knows(f.Verb) {
		return command{}, fatal{msnp.CodeNotLoggedIn, conn.OutOfPlace}
	}
	return command{}, outOfPlace
}

// fail turns an error into bytes, a closed connection, or a line in the log.
func (s *session) fail(f msnp.Frame, err error) {
	var (
		code   msnp.Code
		end    fatal
		syntax *msnp.SyntaxError
	)
	switch {
	case errors.As(err, &syntax):
		s.conn.Close(conn.Malformed)
		return
	case errors.As(err, &end):
		code = end.code
	case errors.As(err, &code):
	default:
		var ok bool
		if code, ok = refusal(err); !ok {
			s.srv.Log.Error("a command could not be carried out", "conn", s.conn.ID(), "user", s.handle(), "verb", f.Verb, "err", err)
			code = msnp.CodeInternal
		}
	}
	if code != 0 {
		t, malformed := f.TrID()
		if malformed != nil {
			s.conn.Close(conn.Malformed)
			return
		}
		s.srv.Metrics.Refused("notification", strconv.Itoa(int(code)))
		s.conn.Send(code.Append(nil, t))
	}
	if end != (fatal{}) {
		s.conn.Close(end.why)
	}
}

// refusal finds the code of a refusal of the domain.
func refusal(err error) (msnp.Code, bool) {
	for known, code := range codes {
		if errors.Is(err, known) {
			return code, true
		}
	}
	return 0, false
}

// Closed ends the sign-in, if there was one.
func (s *session) Closed(why conn.Reason) {
	s.untraced(why)
	s.mu.Lock()
	s.ended = true
	for i := range s.timers {
		s.srv.Clock.Stop(&s.timers[i])
	}
	s.mu.Unlock()
	if s.entry.Number() == 0 {
		return
	}
	s.srv.Hub.SignOut(&s.entry, s.watchers, s.ending(why))
}

// watchers appends who may see the user.
func (s *session) watchers(to []im.UserID) []im.UserID {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.linked {
		return to
	}
	return s.links.Watchers(to)
}

// reply sends a line that answers a command.
func (s *session) reply(v msnp.Verb, params ...string) error {
	s.conn.Send(msnp.AppendLine(nil, v, params...))
	return nil
}

func (s *session) out(msnp.Frame) error {
	s.conn.Close(conn.SignedOut)
	return nil
}

func (s *session) ignore(msnp.Frame) error { return nil }

// isOwn reports whether a handle as typed is the user's.
func (s *session) isOwn(handle string) bool { return strings.EqualFold(handle, s.entry.Handle()) }
