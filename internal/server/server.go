// Package server builds a complete service from a configuration, and runs it until it is
// told to stop. It decides nothing about the protocol; it only knows what is made of what,
// and in which order things begin and end.
package server

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"monarch/internal/account"
	"monarch/internal/admin"
	"monarch/internal/audit"
	"monarch/internal/auth"
	"monarch/internal/clock"
	"monarch/internal/cluster"
	"monarch/internal/config"
	"monarch/internal/conn"
	"monarch/internal/gate"
	"monarch/internal/history"
	"monarch/internal/hub"
	"monarch/internal/login"
	"monarch/internal/metrics"
	"monarch/internal/natsbus"
	"monarch/internal/nodes"
	"monarch/internal/ns"
	"monarch/internal/passport"
	"monarch/internal/store"
	"monarch/internal/trace"
	"monarch/internal/turns"
)

// Server is one node: every role in one process.
type Server struct {
	cfg     config.Config
	log     *slog.Logger
	level   slog.LevelVar // of log
	clock   *clock.Clock
	metrics *metrics.Metrics
	trace   *trace.Tracer // nil: nobody wants to know how sign-ins went

	lines *history.Lines // of the log, the last ones
	past  *history.History

	audit      *audit.Log
	store      *store.Store
	hub        *hub.Hub
	cluster    *cluster.Cluster // nil: this node is alone
	bus        *natsbus.Bus     // of the cluster
	nodes      *nodes.Nodes
	carrier    carrier
	signer     *auth.Signer
	gate       *gate.Gate
	hasher     *auth.Hasher
	login      *login.Desk
	users      *account.Service
	arrivals   *turns.Queue // to the notification server
	engine     *conn.Engine
	ns         *ns.Server
	boards     boards
	passport   *passport.Server
	website    website
	post       post
	certifying certifying
	hooks      hooks
	tls        atomic.Pointer[tls.Config] // what the HTTPS listener shows and speaks
	hook       atomic.Pointer[http.Handler]
	service    *admin.Service
	bearer     *admin.Bearer
	opsHTTP    *http.Server
	manage     *http.Server

	listeners  listeners
	ready      chan struct{} // closed once everything serves
	welcome    atomic.Bool   // what /readyz says
	serving    sync.WaitGroup
	stopMemory context.CancelFunc
	reloading  reloading
	keys       keyKeeper
	bans       networkKeeper
	failed     chan error    // the first listener that broke; buffered
	over       chan struct{} // the announced end has come; buffered
}

// New makes a server: it takes the data directory, opens the database, makes certificates
// where there are none, and binds every listener. Nothing is served before [Server.Run]. When
// it fails, nothing is left open. Of the log it writes what log.level lets pass.
func New(cfg config.Config, log *slog.Logger, clk *clock.Clock) (*Server, error) {
	s := &Server{
		cfg: cfg, clock: clk, metrics: metrics.New(),
		ready: make(chan struct{}), failed: make(chan error, 1), over: make(chan struct{}, 1),
	}
	s.keys.due, s.keys.sweepDue = make(chan struct{}, 1), make(chan struct{}, 1)
	s.bans.init()
	s.level.Set(levels[cfg.Log.Level])
	s.reloading.inForce = cfg
	s.lines = new(history.Lines)
	s.log = slog.New(s.lines.Beside(leveled{log.Handler(), &s.level, s.metrics}))
	if err := s.build(context.Background()); err != nil {
		return nil, errors.Join(err, s.release())
	}
	return s, nil
}

func (s *Server) build(ctx context.Context) error {
	if err := os.MkdirAll(s.cfg.Data.Dir, 0o700); err != nil {
		return fmt.Errorf("make the data directory: %w", err)
	}
	if err := s.listeners.open(s.cfg); err != nil {
		return err
	}
	if err := errors.Join(s.buildGate(), s.openAudit(), s.openTraces()); err != nil {
		return err
	}
	var err error
	if s.store, err = store.OpenWith(ctx, databaseConfig(s.cfg, s.metrics)); err != nil {
		return err
	}
	if _, err := s.readNetworks(ctx); err != nil {
		return err
	}
	keys, err := s.store.Keys(ctx)
	if err != nil {
		return err
	}
	s.signer = auth.NewSigner(keys)
	s.signer.OnUnknown(s.unknownKey)
	s.arrivals = turns.New(signinTurns(s.cfg))
	s.hub = hub.New(s.clock, s.cfg.Limits.SigninHold.D())
	s.hub.OnTold(s.metrics.Fanout.Took)
	s.nodes = nodes.New(s.clock, s.status)
	if err := s.buildCluster(); err != nil {
		return err
	}
	s.engine = conn.New(conn.Config{
		Kind: conn.Kind(s.cfg.Conn.Engine), Clock: s.clock, Log: s.log, Metrics: s.metrics,
		Limits: connLimits(s.cfg), Bytes: ratesOf(s.cfg).bytes, Door: s.door(),
	})
	if err := s.buildACME(ctx); err != nil {
		return err
	}
	s.hub.OnStop(s.end)
	s.hub.OnCountdown(s.counting)
	if err := s.buildPost(); err != nil {
		return err
	}
	s.buildMessenger()
	if err := errors.Join(s.buildPassport(), s.buildWebsite()); err != nil {
		return err
	}
	s.buildOps()
	return nil
}

// buildPassport makes what clients call over HTTP and HTTPS.
func (s *Server) buildPassport() error {
	s.hasher = auth.NewHasher(s.cfg.Limits.HashParallel, s.cfg.Limits.HashQueue, auth.DefaultParams)
	s.login = login.New(login.Config{
		Store: s.store, Hasher: s.hasher, Clock: s.clock, Log: s.log, Audit: s.audit, Limits: loginLimits(s.cfg),
		Tell:    func(n login.News) { s.nodes.Tell(topicGuess, n) },
		Measure: func(took time.Duration) { s.metrics.Step(metrics.PasswordStep, took) },
	})
	s.nodes.Hear(topicGuess, hear(s.login.Learn))
	s.past = history.New(s.clock, s.lines, s.reading)
	s.buildHooks()
	s.users = &account.Service{Store: s.store, Hub: s.hub, Hasher: s.hasher, Clock: s.clock, Log: s.log, Audit: s.audit, Messenger: s.ns}
	s.service = &admin.Service{
		Users: s.users, Store: s.store, Hub: s.hub, Signer: s.signer, Clock: s.clock, Log: s.log, Audit: s.audit,
		Listeners: s.listeners.addrs(), Hooks: s.hooks.sender,
		Name: s.cfg.Service.Name, Version: release(), Past: s.past,
	}
	s.service.Join(s.nodes)
	s.bearer = admin.NewBearer(s.service)
	s.service.Drainer = drainer{s}
	s.service.Enforce, s.service.Configured = s.readNetworks, s.configuredNetworks
	s.service.MailURL, s.service.Alerts = s.cfg.Mail.URL, s.cfg.Protocol.Alerts == config.AlertsOn
	settings, err := loadTLS(s.cfg)
	if err != nil {
		return err
	}
	s.tls.Store(settings)
	s.passport, err = passport.New(passport.Config{
		Store: s.store, Login: s.login, Signer: s.signer, Clock: s.clock, Log: s.log, Gate: s.gate,
		Name: s.cfg.Service.Name, LoginURL: s.cfg.Passport.LoginURL, URL: s.cfg.PagesURL(), Site: s.site(), MailURL: s.cfg.Mail.URL,
		Gateway: &passport.Gateway{
			Engine: s.engine, Notification: s.ns.Notification(), Switchboard: s.boards.role,
			Elsewhere: s.elsewhere, Host: s.cfg.Passport.GatewayAdvertise,
		},
		Templates: s.cfg.Passport.Templates, WebLife: webLife, Trace: s.trace, Challenge: s.challenge(),
		Limits: passportLimits(s.cfg),
	})
	if err == nil {
		s.setSignin(s.cfg)
	}
	return err
}

// webLife is how long the token in a client's profile opens pages. Sessions are rarely
// longer.
const webLife = auth.MaxLife

// buildOps makes the interfaces for operators.
func (s *Server) buildOps() {
	complaints := slog.NewLogLogger(s.log.Handler(), slog.LevelWarn) // else they would come in a form of their own
	s.opsHTTP = &http.Server{
		Handler:           s.opsHandler(),
		ReadHeaderTimeout: 10 * time.Second, ReadTimeout: 15 * time.Second, IdleTimeout: time.Minute, ErrorLog: complaints,
	}
	s.manage = &http.Server{
		Handler:           s.service.Handler(),
		ConnContext:       admin.Actor,
		ReadHeaderTimeout: 10 * time.Second, ReadTimeout: 15 * time.Second, IdleTimeout: time.Minute, ErrorLog: complaints,
	}
	s.measure()
}

// Store returns the database.
func (s *Server) Store() *store.Store { return s.store }

// Admin returns the operations on accounts and sessions.
func (s *Server) Admin() *admin.Service { return s.service }

// Users returns the operations on accounts that their owners have, too.
func (s *Server) Users() *account.Service { return s.users }

// Log returns the log, with the level that is in force.
func (s *Server) Log() *slog.Logger { return s.log }

// Addr returns the address a listener is bound to: dispatch, notification, switchboard,
// https, http, web or ops, or cluster, where the other nodes find this one while it runs. It is ""
// for what this node has not.
func (s *Server) Addr(name string) string {
	if name == "cluster" {
		if s.cfg.Cluster.Mode != config.ClusterEmbedded {
			return ""
		}
		return s.bus.Address()
	}
	return s.listeners.addr(name)
}

// Ready is closed once everything serves.
func (s *Server) Ready() <-chan struct{} { return s.ready }

// release closes what New opened.
func (s *Server) release() error {
	err := s.listeners.close()
	s.closeTraces()
	if s.store != nil {
		err = errors.Join(err, s.store.Close())
	}
	return errors.Join(err, s.audit.Close(), s.listeners.release())
}

// serve runs one listener until it is closed. One that breaks stops the server.
func (s *Server) serve(name string, l net.Listener, fn func(net.Listener) error) {
	if l == nil {
		return // this node has not that role
	}
	s.serving.Add(1)
	go func() {
		defer s.serving.Done()
		err := fn(l)
		if err == nil || errors.Is(err, http.ErrServerClosed) || errors.Is(err, net.ErrClosed) {
			return
		}
		select {
		case s.failed <- fmt.Errorf("%s listener: %w", name, err):
		default:
		}
	}()
}
