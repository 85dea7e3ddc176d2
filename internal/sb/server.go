// Package sb is the switchboard: conversations of two or more people, and the relaying of
// their messages. Who is signed in and who may be called is the hub's and ns's to say;
// sb meets them through signed cookies and hub events.
package sb

import (
	"log/slog"
	"maps"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"monarch/internal/audit"
	"monarch/internal/auth"
	"monarch/internal/clock"
	"monarch/internal/conn"
	"monarch/internal/hub"
	"monarch/internal/im"
	"monarch/internal/metrics"
	"monarch/msnp"
)

// Config is what a server is made of and told to do. All of it is needed.
type Config struct {
	Hub     *hub.Hub
	Signer  *auth.Signer
	Clock   *clock.Clock
	Log     *slog.Logger
	Metrics *metrics.Metrics
	Audit   *audit.Log // nil: nothing is recorded

	Addr         string // host:port as clients are told
	DataForAll   bool   // let clients below MSNP9 send data messages
	CloseOnExpel bool   // a sign-in that the server ends loses its conversations
	Paces        *Paces // which all servers of one service share
	Limits       Limits
}

// Limits holds times and sizes. docs/protocol/limits.md#times
type Limits struct {
	Entrance     time.Duration // from accept to USR or ANS
	CookieLife   time.Duration // also how long an invitation rings
	Idle         time.Duration // of a conversation of one or two
	IdleGroup    time.Duration // of a larger one
	Participants int
}

// Server is the state that conversations share.
type Server struct {
	Config
	limits  atomic.Pointer[Limits]
	cookies *usedCookies // immutable

	mu      sync.Mutex // taken after room.mu; a leaf but for conn.Expect
	rooms   map[uint32]*room
	callers map[im.UserID][]*caller             // a user's sign-ins, of which most have one
	ringing map[uint64]map[*invitation]struct{} // by number of the callee's sign-in
	seated  int                                 // participants of all rooms
	stopped bool                                // no more rooms are made
}

// New returns a server and registers it with the hub.
func New(cfg Config) *Server {
	s := &Server{
		Config:  cfg,
		rooms:   make(map[uint32]*room),
		callers: make(map[im.UserID][]*caller),
		ringing: make(map[uint64]map[*invitation]struct{}),
	}
	s.limits.Store(&cfg.Limits)
	s.cookies = newUsedCookies(cfg.Clock, cfg.Limits.CookieLife)
	cfg.Hub.OnEnd(s.signedOut)
	cfg.Hub.OnMove(s.moved)
	return s
}

// SetLimits replaces the limits for what happens from now on; conversations that are idle
// already are measured anew.
func (s *Server) SetLimits(l Limits) {
	s.limits.Store(&l)
	s.cookies.setLife(l.CookieLife)
	for _, r := range s.present() {
		r.mu.Lock()
		r.watch()
		r.mu.Unlock()
	}
}

// Limits returns those that are in force.
func (s *Server) Limits() *Limits { return s.limits.Load() }

// Role is the role of the switchboard listener.
func (s *Server) Role() conn.Role {
	return conn.Role{Name: "switchboard", Grammar: msnp.SwitchboardGrammar, Open: s.open}
}

func (s *Server) open(c *conn.Conn) conn.Handler {
	if c.Turned() { // a switchboard has no word for it that suits all clients
		return nil
	}
	c.Expect(s.Limits().Entrance)
	return &member{srv: s, conn: c}
}

// create makes a room with its first participant, under the number his cookie names or
// another when that is taken. It reports false once the server has been stopped.
func (s *Server) create(id uint32, m *member, reply []byte) bool {
	r := &room{srv: s, ringing: make(map[im.UserID]*invitation), members: []*member{m}}
	r.mu.Lock()
	defer r.mu.Unlock()
	if !s.register(r, id) {
		return false
	}
	m.room = r
	s.Metrics.Rooms.Inc()
	r.touch()
	r.watch()
	m.conn.Send(reply)
	return true
}

func (s *Server) register(r *room, id uint32) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.stopped {
		return false
	}
	for s.rooms[id] != nil {
		id = auth.SessionID()
	}
	r.id = id
	s.rooms[id] = r
	return true
}

func (s *Server) room(id uint32) *room {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.rooms[id]
}

func (s *Server) forget(r *room) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.rooms, r.id)
}

// Rooms returns how many conversations there are.
func (s *Server) Rooms() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.rooms)
}

// Seated returns how many participants all conversations have together.
func (s *Server) Seated() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.seated
}

// Farewell tells every participant that the server shuts down, and closes the connections.
// Nobody gets in any more.
func (s *Server) Farewell() {
	s.mu.Lock()
	s.stopped = true
	s.mu.Unlock()
	for _, r := range s.present() {
		r.farewell()
	}
}

// present returns the rooms there are.
func (s *Server) present() []*room {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Collect(maps.Values(s.rooms))
}
