package ns

import (
	"context"
	"errors"
	"strconv"
	"strings"
	"time"

	"monarch/internal/auth"
	"monarch/internal/conn"
	"monarch/internal/hub"
	"monarch/internal/im"
	"monarch/internal/metrics"
	"monarch/internal/store"
	"monarch/internal/trace"
	"monarch/internal/turns"
	"monarch/msnp"
)

// partingTime is how long a client that was sent elsewhere may take to hang up.
const partingTime = 5 * time.Second

// ver settles the version. docs/protocol/signin.md#ver
func (s *session) ver(f msnp.Frame) error {
	m, err := msnp.ParseVER(f)
	if err != nil {
		return err
	}
	if s.state != connected {
		return fatal{msnp.CodeNotExpected, conn.OutOfPlace}
	}
	cvr0 := false
	for _, token := range m.Versions {
		cvr0 = cvr0 || strings.EqualFold(token, msnp.CVR0)
		v, _ := msnp.ParseVersion(token)
		if d := s.srv.dialect(v); d != nil && (s.dialect == nil || d.version > s.dialect.version) {
			s.dialect = d
		}
	}
	answer := []string{string(m.TrID)}
	if s.dialect != nil {
		answer = append(answer, s.dialect.version.String())
	}
	if cvr0 && (s.dialect == nil || !s.srv.BareVersion) {
		answer = append(answer, msnp.CVR0)
	}
	if len(answer) == 1 {
		s.conn.Send(msnp.AppendLine(nil, msnp.VER, string(m.TrID), "0"))
		return fatal{why: conn.Refused}
	}
	s.state = versioned
	if !s.conn.Turned() { // one too many has its greeting for all
		s.conn.Expect(s.srv.Limits().SignInStart)
	}
	return s.reply(msnp.VER, answer...)
}

// cvr answers CVR and CVQ: whatever the client is, it is recent enough.
// docs/protocol/signin.md#cvr
func (s *session) cvr(f msnp.Frame) error {
	if s.state == connected {
		return outOfPlace
	}
	m, err := msnp.ParseCVR(f)
	if err != nil {
		return closeOn(err, conn.Malformed)
	}
	if s.state != signedIn {
		s.private.arrival.client = client{shorten(m.Library), shorten(m.Version)}
	}
	if f.Verb == msnp.CVQ {
		s.conn.Expect(partingTime)
	}
	v := m.Version
	return s.reply(f.Verb, string(m.TrID), v, v, v, s.srv.WebURL+"/help", s.srv.WebURL+"/help")
}

// maxWord is how many bytes are kept of what strangers call their client.
const maxWord = 64

func shorten(word string) string { return strings.Clone(word[:min(len(word), maxWord)]) }

// closeOn makes a code end the connection as well.
func closeOn(err error, why conn.Reason) error {
	var code msnp.Code
	if errors.As(err, &code) {
		return fatal{code, why}
	}
	return err
}

// usr takes the two stages of the sign-in. docs/protocol/signin.md#usr
func (s *session) usr(ctx context.Context, f msnp.Frame) error {
	if s.state == connected || s.dialect == nil {
		return outOfPlace
	}
	m, err := msnp.ParseUSR(f)
	if err != nil {
		return err
	}
	switch {
	case m.Package != "TWN":
		return outOfPlace
	case m.Stage != "I" && s.srv.draining.Load():
		return fatal{msnp.CodeUnavailable, conn.Unavailable}
	case s.conn.Turned():
		return fatal{msnp.CodeBusy, conn.Flood}
	case m.Stage == "I":
		return s.identify(m)
	case m.Stage == "S" && s.state == challenged:
		return s.authenticate(ctx, m)
	}
	return outOfPlace
}

// identify answers stage I: a dispatch server refers the client, and so does a notification server
// that is to have nobody any more, if another takes people. Others challenge it. None says whether
// the account exists.
func (s *session) identify(m msnp.Authentication) error {
	handle, err := im.ParseCallee(m.Value)
	if err != nil {
		return fatal{msnp.CodeAuthFailed, conn.Refused}
	}
	addr, referred := "", false
	if s.dispatch || s.srv.Draining() {
		addr, referred = s.srv.Home(handle)
		if !referred && (s.dispatch || s.srv.draining.Load()) {
			return fatal{msnp.CodeUnavailable, conn.Unavailable}
		}
	}
	if s.state == versioned { // asking again does not buy time
		s.conn.Expect(s.forSignIn(referred))
	}
	s.state = challenged
	if referred {
		return s.reply(msnp.XFR, string(m.TrID), "NS", addr, "0", s.srv.DispatchAddr)
	}
	s.own().handle = handle
	return s.reply(msnp.USR, string(m.TrID), "TWN", "S", twnChallenge(s.srv.Clock.Now()))
}

// forSignIn is how long a client may take after USR I: to sign in, or to go where it was sent.
func (s *session) forSignIn(referred bool) time.Duration {
	if referred {
		return partingTime
	}
	return s.srv.Limits().SignIn
}

// twnChallenge is what clients pass on to the login server. It must begin with lc and hold
// all ten keys, which some clients take apart without looking; nothing in it is trusted
// when it comes back. docs/protocol/signin.md#usr
func twnChallenge(now time.Time) string {
	return "lc=1033,id=507,tw=40,fs=1,ru=http%3A%2F%2Fmessenger%2Emsn%2Ecom,ct=" + strconv.FormatInt(now.Unix(), 10) +
		",kpp=1,kv=5,ver=2.1.0173.1,tpf=" + auth.Token()
}

// authenticate answers stage S: the ticket alone proves who the client is.
func (s *session) authenticate(ctx context.Context, m msnp.Authentication) error {
	now := s.srv.Clock.Now()
	user, err := s.account(ctx, m.Value)
	if err != nil {
		s.recordRefusal(ctx, err)
		return err
	}
	if s.allowTo(user.ID, signIns) != nil {
		return fatal{msnp.CodeBusy, conn.Flood}
	}
	arrived := s.private.arrival
	by := arrived.client
	name := strings.TrimSpace(by.library + " " + by.version)
	arrived.trace.Is(trace.Subject{Handle: user.Handle, Client: name, Version: s.dialect.version.String(), Connection: s.conn.ID()})
	s.state, s.alerts, s.private, s.credential = signedIn, takesAlerts(by.library), arrived.left(), user.Credential
	s.conn.SignedIn()
	s.srv.Hub.Enter(&s.entry, hub.Login{
		Person:  user.Person,
		Version: s.dialect.version,
		Since:   now,
		Addr:    s.conn.Peer(),
		Client:  name,
	}, s)
	user, box, err := s.settled(ctx, user)
	if err != nil {
		s.recordRefusal(ctx, err)
		return err
	}
	s.srv.Metrics.SignIns.Inc()
	s.srv.Metrics.SignIn.Took(time.Since(arrived.began))
	s.recordSignIn(ctx, user, name)
	s.openMailbox(box)
	s.conn.SetGrammar(msnp.NotificationGrammar)
	s.conn.Expect(s.srv.Limits().Idle)

	out := msnp.AppendLine(nil, msnp.USR, string(m.TrID), "OK", user.Handle, msnp.Escape(user.Name), "1", "0")
	out = s.appendProfile(out, user, now)
	s.mu.Lock()
	s.greeted = true
	s.conn.Send(out)
	s.mu.Unlock()
	s.srv.Hub.SetName(&s.entry, user.Name, s.watchers)
	return nil
}

// settled reads the account again now that the hub reaches this session, and its mailbox, of
// which the hub tells all that comes after. A displaced session can change nothing any more,
// and who was locked out or got another password meanwhile was not told so yet.
func (s *session) settled(ctx context.Context, before im.User) (im.User, *im.Mailbox, error) {
	wait, cancel := context.WithTimeout(ctx, partingTime)
	defer cancel()
	began := time.Now()
	s.srv.Hub.AwaitPrior(wait, &s.entry)
	began = s.stepped(metrics.DisplacementStep, began)
	if err := s.overdrawn(); err != nil {
		return before, nil, err
	}
	if err := s.srv.Turns.Await(ctx); err != nil {
		return before, nil, fatal{msnp.CodeUnavailable, conn.Unavailable}
	}
	defer s.srv.Turns.Done()
	user, box, err := s.srv.Store.UserWithMailbox(ctx, before.ID)
	s.stepped(metrics.MailboxStep, began)
	switch {
	case errors.Is(err, im.ErrNoUser):
	case err != nil:
		s.srv.Log.Error("reading an account again", "conn", s.conn.ID(), "user", before.Handle, "err", err)
		return user, nil, fatal{msnp.CodeInternal, conn.Refused}
	case user.Credential == before.Credential && !user.Locked(s.srv.Clock.Now()):
		return user, box, nil
	}
	return user, nil, fatal{msnp.CodeAuthFailed, conn.Refused}
}

// account finds the account that a ticket proves, which must be the one of stage I, when its
// turn has come. Whatever is wrong, the answer is the same.
func (s *session) account(ctx context.Context, ticket string) (im.User, error) {
	refused := fatal{msnp.CodeAuthFailed, conn.Refused}
	began := time.Now()
	t, err := s.srv.Signer.OpenTicket(ticket, s.srv.Clock.Steady(), s.srv.Limits().TicketLife)
	began = s.stepped(metrics.TicketStep, began)
	if err == nil {
		s.tracing().Proved(ticket)
	}
	if err != nil {
		return im.User{}, refused
	}
	switch err := s.srv.Turns.Take(ctx, s.conn.Peer().Addr()); {
	case errors.Is(err, turns.ErrBusy):
		return im.User{}, fatal{msnp.CodeBusy, conn.Unavailable}
	case err != nil:
		return im.User{}, fatal{msnp.CodeUnavailable, conn.Unavailable}
	}
	defer s.srv.Turns.Done()
	user, err := s.srv.Store.UserByID(ctx, im.UserID(t.User))
	s.stepped(metrics.AccountStep, began)
	switch {
	case errors.Is(err, im.ErrNoUser):
		return im.User{}, refused
	case errors.Is(err, store.ErrUnavailable):
		s.srv.Log.Error("nobody can sign in", "conn", s.conn.ID(), "user", s.handle(), "err", err)
		return im.User{}, fatal{msnp.CodeUnavailable, conn.Unavailable}
	case err != nil:
		return im.User{}, err
	case user.Handle != s.handle() || user.Credential != t.Credential || user.Locked(s.srv.Clock.Now()):
		return im.User{}, refused
	}
	return user, nil
}

// again answers USR of somebody who is signed in.
func (s *session) again(msnp.Frame) error { return msnp.CodeAlreadyLoggedIn }
