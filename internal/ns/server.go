// Package ns is the dispatch server and the notification server: it signs people in, keeps
// their lists, and tells them about each other. Conversations belong to sb, passwords to
// passport; ns meets them through signed cookies, signed tickets, and the hub.
package ns

import (
	"context"
	"log/slog"
	"sync/atomic"
	"time"

	"monarch/internal/audit"
	"monarch/internal/auth"
	"monarch/internal/clock"
	"monarch/internal/conn"
	"monarch/internal/hub"
	"monarch/internal/im"
	"monarch/internal/metrics"
	"monarch/internal/store"
	"monarch/internal/trace"
	"monarch/internal/turns"
	"monarch/msnp"
)

// ChallengeMode says what becomes of a client that fails a challenge.
type ChallengeMode string

// The modes.
const (
	Enforce ChallengeMode = "enforce" // it is disconnected
	Check   ChallengeMode = "check"   // it is logged
	Off     ChallengeMode = "off"     // no challenges are sent
)

// Config is what a server is made of and told to do. All of it is needed but Audit and Trace.
type Config struct {
	Store   *store.Store
	Hub     *hub.Hub
	Signer  *auth.Signer
	Clock   *clock.Clock
	Log     *slog.Logger
	Audit   *audit.Log // nil: nothing is recorded
	Metrics *metrics.Metrics
	Trace   *trace.Tracer // nil: sign-ins are not traced
	Turns   *turns.Queue  // at reading from the database for a sign-in

	DispatchAddr     string // host:port as clients are told
	NotificationAddr string
	Home             func(handle string) (addr string, ok bool) // the notification server for somebody; none: not ok
	Switchboard      func() (b Board, ok bool)                  // the one to use next
	WebURL           string                                     // pages for people, https, without a slash at the end

	BareVersion bool // answer VER with the version alone
	Challenge   ChallengeMode
	Rates       Rates
	Mail        Mail
	Limits      Limits
}

// Board is a switchboard, of whatever node.
type Board struct {
	Addr  string        // host:port as clients are told
	Ahead time.Duration // by how much its clock is ahead of ours
}

// Limits holds what may change while the server runs: times, sizes, and words that names must
// not have. docs/protocol/limits.md#times
type Limits struct {
	Greeting          time.Duration // from accept to VER
	SignInStart       time.Duration // from VER to USR I
	SignIn            time.Duration // from USR I to USR S
	TicketLife        time.Duration
	PingInterval      time.Duration // what QNG tells
	Idle              time.Duration // a silent client is closed after it; 0 never
	ChallengeTimeout  time.Duration
	ChallengeInterval time.Duration // half to whole of it passes between challenges
	Move              time.Duration // how long leaving the last group is kept from the contact
	MaxContacts       int
	ForbiddenNames    []string // in lower case
}

// Server is the state that sessions share.
type Server struct {
	Config
	limits   atomic.Pointer[Limits]
	timed    atomic.Bool // silence is limited, or was
	dialects []*dialect  // the newest comes last
	rates    atomic.Pointer[Rates]
	paces    *paces
	moves    moves
	changes  changes
	lapses   lapses
	drain    drain
	draining atomic.Bool // nobody is let in
	moving   atomic.Bool // whoever comes is sent to another node
}

// New returns a server. It has no goroutine of its own but short ones, which [Server.Close]
// waits for.
func New(cfg Config) *Server {
	s := &Server{Config: cfg, dialects: offered()}
	s.SetLimits(cfg.Limits)
	s.changes.underway = make(map[im.UserID]*change)
	s.moves.server = s
	s.moves.pending, s.moves.left = make(map[move]*departure), make(map[im.UserID]int)
	s.paces = clock.NewRecent[im.UserID, pace](cfg.Clock, cfg.Rates.longest())
	s.rates.Store(&cfg.Rates)
	s.lapses.server = s
	return s
}

// SetLimits replaces the limits for what happens from now on. A deadline that runs stays as it
// is until the client's next command.
func (s *Server) SetLimits(l Limits) {
	s.limits.Store(&l)
	if l.Idle > 0 {
		s.timed.Store(true)
	}
}

// Limits returns those that are in force.
func (s *Server) Limits() *Limits { return s.limits.Load() }

// Dispatch is the role of the dispatch listener.
func (s *Server) Dispatch() conn.Role {
	return conn.Role{Name: "dispatch", Grammar: msnp.SignInGrammar, Open: func(c *conn.Conn) conn.Handler {
		return s.open(c, true)
	}}
}

// Notification is the role of the notification listener.
func (s *Server) Notification() conn.Role {
	return conn.Role{Name: "notification", Grammar: msnp.SignInGrammar, Open: func(c *conn.Conn) conn.Handler {
		return s.open(c, false)
	}}
}

func (s *Server) open(c *conn.Conn, dispatch bool) *session {
	c.Expect(s.Limits().Greeting)
	a := &arrival{began: time.Now()}
	if !dispatch {
		a.trace = s.Trace.Begin(a.began)
	}
	return &session{srv: s, conn: c, dispatch: dispatch, private: &private{arrival: a}}
}

// dialect finds the dialect of a version, or nil.
func (s *Server) dialect(v msnp.Version) *dialect {
	for _, d := range s.dialects {
		if d.version == v {
			return d
		}
	}
	return nil
}

// knows reports whether any version has the verb.
func (s *Server) knows(v msnp.Verb) bool {
	for _, d := range s.dialects {
		if _, ok := d.commands[v]; ok {
			return true
		}
	}
	return false
}

// Drain makes the server refuse sign-ins and new switchboards from now on.
func (s *Server) Drain() { s.draining.Store(true) }

// Draining reports whether newcomers are refused or sent elsewhere.
func (s *Server) Draining() bool { return s.draining.Load() || s.moving.Load() }

// Farewell tells everybody that the server shuts down, and closes their connections. It
// takes the given time, so that they do not all come back at once.
func (s *Server) Farewell(spread time.Duration) {
	logins := s.Hub.Logins()
	tick := time.NewTicker(max(spread/time.Duration(len(logins)+1), 1))
	defer tick.Stop()
	for _, l := range logins {
		s.Hub.Deliver(l.Person.ID, hub.Kicked{Why: hub.ServerStops})
		<-tick.C
	}
}

// Turn waits for the turn at changing somebody's lists, for another node.
func (s *Server) Turn(ctx context.Context, owner im.UserID) (end func(), err error) {
	return s.changes.begin(ctx, owner)
}

// Lapsed has sessions read their lists again, because events for them may have been lost.
func (s *Server) Lapsed(of hub.Lapse) { s.lapses.begin(of) }

// Close ends what is still under way: contacts on the move have left.
func (s *Server) Close() {
	s.Stay()
	s.lapses.close()
	s.moves.close()
}
