// Package web is the website: what people see of the service in a browser, from the first page
// to the account and the messenger. It leaves passwords to login, changes of accounts to
// account, managing the service to admin, letters to mail, and the protocol of the messenger to ns and sb, which its sockets
// lead to.
package web

import (
	"context"
	"crypto/rand"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"sync/atomic"
	"time"

	"monarch/internal/account"
	"monarch/internal/admin"
	"monarch/internal/audit"
	"monarch/internal/auth"
	"monarch/internal/clock"
	"monarch/internal/conn"
	"monarch/internal/gate"
	"monarch/internal/hub"
	"monarch/internal/im"
	"monarch/internal/login"
	"monarch/internal/store"
	"monarch/internal/turns"
)

// Config is what the website is made of. All pointers but Audit and Admin are required.
type Config struct {
	Login   *login.Desk
	Account *account.Service
	Store   *store.Store
	Hub     *hub.Hub
	Signer  *auth.Signer
	Clock   *clock.Clock
	Log     *slog.Logger
	Audit   *audit.Log // nil: nothing is recorded
	Gate    *gate.Gate
	Admin   *admin.Service // nil: there are no pages for operators

	Name string // of the service
	URL  string // the website's, as people reach it, without a path
	Host string // where clients find the service

	Clients Clients // for guides

	Post    func(Letter) // hands a letter to the mail server, without waiting; nil: there is none
	Sockets Sockets
	Limits  Limits // to begin with

	Place  func(context.Context, im.UserID) (hub.Login, bool) // where somebody's client is signed in; nil: what Hub says
	Manage *admin.Bearer                                      // what answers below /api/; nil: nothing

	Tell func(Ended) // tells other nodes, without waiting; nil: there are none
}

// Sockets is where the messenger in the browser is connected to.
type Sockets struct {
	Engine       *conn.Engine
	Notification conn.Role
	Switchboard  func(addr string) (conn.Role, bool) // false: there is none with this address

	// Elsewhere returns what carries connections to another node: to the switchboard at an address, or,
	// for "", to a notification server, if there is to be none here. nil: there is no other node.
	Elsewhere func(addr string) (carry func(net.Conn) bool, ok bool)
}

// Ended is the end of sessions of the website, as servers of several nodes tell each other.
type Ended struct {
	Session string    `json:"session"` // that one or, of User, all others
	User    im.UserID `json:"user,omitempty"`
}

// Counts is what has happened since the start.
type Counts struct {
	Requests atomic.Uint64
	SignUps  atomic.Uint64 // accounts that came to be
	SignIns  atomic.Uint64
	Refused  atomic.Uint64 // forms from elsewhere, or too many
	Panics   atomic.Uint64
}

// Server answers on any number of listeners until it is shut down.
type Server struct {
	Counts Counts

	cfg       Config // immutable
	key       []byte // signs what forms carry; immutable
	languages *languages
	assets    *assets
	pages     *pages
	http      *http.Server
	limits    atomic.Pointer[Limits]
	habits    *clock.Recent[turns.Subscriber, habits]
	deeds     *clock.Recent[im.UserID, deeds]
	spent     spent
	errands   errands
	resolved  atomic.Pointer[resolved]
	silent    silent
	guests    guests
	sockets   *sockets
}

// New makes a server. It reads every template and message, so an error in one shows here.
func New(cfg Config) (*Server, error) {
	cfg.URL = strings.TrimRight(cfg.URL, "/")
	if cfg.Place == nil {
		cfg.Place = func(_ context.Context, id im.UserID) (hub.Login, bool) { return cfg.Hub.ByID(id) }
	}
	if cfg.Tell == nil {
		cfg.Tell = func(Ended) {}
	}
	s := &Server{
		cfg: cfg, key: make([]byte, 32),
		habits: clock.NewRecent[turns.Subscriber, habits](cfg.Clock, time.Hour),
		deeds:  clock.NewRecent[im.UserID, deeds](cfg.Clock, time.Hour),
	}
	s.sockets = newSockets(socketsConfig{
		To: cfg.Sockets, Clock: cfg.Clock, Origin: cfg.URL, Caller: s.caller, Lasts: s.lasts,
		Rates: func() bool { return s.limits.Load().Rates },
	})
	s.errands.waiting = make(chan func(context.Context), maxErrands)
	s.SetLimits(cfg.Limits)
	rand.Read(s.key)
	parts, err := contents()
	if err != nil {
		return nil, err
	}
	s.languages, s.assets, s.pages = parts.languages, parts.assets, parts.pages
	protocols := new(http.Protocols)
	protocols.SetHTTP1(true) // WebSockets need it, and there is little to fetch at once
	s.http = &http.Server{
		Handler:           s.chain(s.routes()),
		Protocols:         protocols,
		ReadHeaderTimeout: 10 * time.Second, ReadTimeout: 30 * time.Second,
		WriteTimeout: time.Minute, IdleTimeout: time.Minute,
		MaxHeaderBytes: 16 << 10,
		ConnContext:    withGuest,
		ConnState:      s.silent.note,
		ErrorLog:       slog.NewLogLogger(cfg.Log.Handler(), slog.LevelDebug),
	}
	return s, nil
}

// routes lets every area of the site say what it answers.
func (s *Server) routes() *http.ServeMux {
	mux := http.NewServeMux()
	for _, area := range []func(*http.ServeMux){
		s.baseRoutes, s.homeRoutes, s.joinRoutes, s.connectRoutes, s.accountRoutes, s.messengerRoutes, s.adminRoutes, s.handbookRoutes,
	} {
		area(mux)
	}
	return mux
}

// Serve answers what comes to l, with TLS unless t is nil. It returns nil after
// [Server.Shutdown].
func (s *Server) Serve(l net.Listener, t *tls.Config) error {
	s.errands.start()
	l = &lobby{Listener: l, gate: s.cfg.Gate, guests: &s.guests, secure: t != nil}
	if t != nil {
		l = tls.NewListener(l, t)
	}
	if err := s.http.Serve(l); !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("serve the website: %w", err)
	}
	return nil
}

// Evict closes the connections of addresses that are not wanted any more, messengers among them.
func (s *Server) Evict(unwanted func(netip.Addr) bool) { s.guests.evict(unwanted) }

// Shutdown stops accepting and waits for the requests in hand, or until ctx ends: then it
// breaks them off and says so. Messengers belong to their engine, which must have ended them.
func (s *Server) Shutdown(ctx context.Context) error {
	s.silent.end()
	err := s.http.Shutdown(ctx)
	s.errands.end()
	s.sockets.stop(ctx)
	if err != nil {
		err = errors.Join(fmt.Errorf("wait for requests of the website: %w", err), s.http.Close())
	}
	return err
}
