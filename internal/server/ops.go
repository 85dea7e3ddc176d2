package server

import (
	"net"
	"net/http"
	"net/http/pprof"
	"time"

	"monarch/internal/admin"
	"monarch/internal/history"
)

// opsHandler is everything on the operators' listener.
func (s *Server) opsHandler() http.Handler {
	mux := http.NewServeMux()
	mux.Handle("/", admin.Ops(s.unready, s.metrics.Handler()))
	s.setHook(s.cfg.Mail.HookToken)
	mux.HandleFunc(admin.HookPath, func(w http.ResponseWriter, r *http.Request) { (*s.hook.Load()).ServeHTTP(w, r) })
	mux.Handle(admin.Root+"/", s.bearer)
	mux.Handle("GET /debug/pprof/", profiles())
	if at, ok := s.listeners.ops.Addr().(*net.TCPAddr); ok && at.IP.IsLoopback() {
		return admin.Named(append(s.cfg.Hosts(), s.cfg.Cluster.Node), mux)
	}
	return mux
}

// unready says why nobody should be sent here, or nothing. That PostgreSQL or NATS is away is no reason: it is
// so for all nodes, and who chats over HTTP comes through the balancer, too.
func (s *Server) unready() string {
	switch {
	case !s.welcome.Load():
		return "starting or stopping"
	case s.ns.Draining():
		return "draining"
	case !s.nodes.Open():
		return "no node that is heard has the role notification and takes people"
	}
	return ""
}

// setHook changes the token of the mail hook.
func (s *Server) setHook(token string) {
	h := s.service.MailHook(token, s.clock)
	s.hook.Store(&h)
}

// profiles serves what go tool pprof asks for. The command line is not among it: it may name
// things that are nobody else's business.
func profiles() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("/debug/pprof/", pprof.Index)
	mux.HandleFunc("/debug/pprof/profile", pprof.Profile)
	mux.HandleFunc("/debug/pprof/symbol", pprof.Symbol)
	mux.HandleFunc("/debug/pprof/trace", pprof.Trace)
	mux.Handle("/debug/pprof/cmdline", http.NotFoundHandler())
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		// A profile takes longer than a request may otherwise, and ends with the listener's
		// limit for reading if that stays. A connection without deadlines has none to lift.
		_ = http.NewResponseController(w).SetReadDeadline(time.Time{})
		mux.ServeHTTP(w, r)
	})
}

// reading is what the history of this node is made of.
func (s *Server) reading() (r history.Reading) {
	r[history.Sessions] = float64(s.hub.Count())
	r[history.Connections] = float64(s.engine.Count())
	r[history.Strangers] = float64(s.gate.Strangers())
	r[history.Switchboards] = float64(s.boards.rooms())
	r[history.SignIns] = s.metrics.SignedIn()
	r[history.Refused] = float64(s.login.Counts.Refused.Load() + s.login.Counts.Limited.Load())
	r[history.Messages] = s.metrics.Messages()
	return r
}
