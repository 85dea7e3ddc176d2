package server

import (
	"crypto/tls"
	"crypto/x509"
	"runtime"
	"time"

	"monarch/internal/conn"
	"monarch/internal/gate"
	"monarch/internal/metrics"
	"monarch/internal/turns"
)

// measure publishes what is known without anybody counting it, once everything is there. docs/metrics.md
// lists all metrics, and a test compares it with what a server has.
func (s *Server) measure() {
	s.metrics.Info("monarch_build_info", "Which release this is; always 1.", map[string]string{"version": release(), "goversion": runtime.Version()})
	for _, role := range []string{"dispatch", "notification", "switchboard"} {
		s.metrics.Expect(role, conn.Reasons())
	}
	for _, listener := range []string{"dispatch", "notification", "switchboard", "https", "http", "web"} {
		s.metrics.ExpectRefusals(listener, gate.Causes())
	}
	s.measurePeople()
	s.measureConnections()
	s.measureSignin()
	s.measureStore()
	s.measureMail()
	s.measureWebsite()
	s.measureManagement()
	if s.trace != nil {
		s.metrics.Total("monarch_trace_spans_sent_total", "Spans of traces that the collector took.", func() uint64 { sent, _ := s.trace.Counts(); return sent })
		s.metrics.Total("monarch_trace_spans_lost_total", "Spans that it did not take, or not as fast as they came.", func() uint64 { _, lost := s.trace.Counts(); return lost })
	}
}

func count(n func() int) func() float64 { return func() float64 { return float64(n()) } }

func (s *Server) measurePeople() {
	m := s.metrics
	m.Gauge("monarch_sessions", "Users signed in.", count(s.hub.Count))
	m.Gauge("monarch_capacity", "How many sessions this node is good for, by cluster.capacity.", func() float64 { return float64(s.cfg.Cluster.Capacity) })
	m.Gauge("monarch_switchboard_sessions", "Conversations that are going on or may still be entered.", count(s.boards.rooms))
	m.Gauge("monarch_switchboard_participants", "Participants of all conversations.", count(s.boards.seated))
	m.Gauge("monarch_gateway_sessions", "Connections of clients that come over HTTP.", count(s.passport.GatewaySessions))
	m.Total("monarch_presence_lines_total", "Presence lines sent to watchers.", s.hub.Lines)
}

func (s *Server) measureConnections() {
	m := s.metrics
	m.Gauge("monarch_connections", "Open connections of clients.", count(s.engine.Count))
	m.Gauge("monarch_carried_connections", "Connections of clients over HTTP and of the website's messenger that are carried to other nodes.", count(s.carrier.count))
	m.Gauge("monarch_strangers", "Connections, requests over HTTP included, that nobody has signed in on.", count(s.gate.Strangers))
	m.Gauge("monarch_strangers_limit", "How many there may be; 0 is no limit.", func() float64 { return float64(s.gate.Limits().Strangers) })
	m.Gauge("monarch_strangers_bytes", "What their buffers take together.", func() float64 { return float64(s.gate.Held()) })
	m.Gauge("monarch_strangers_limit_bytes", "What they may take; 0 is no limit.", func() float64 { return float64(s.gate.Limits().Memory) })
	m.Gauge("monarch_slow_handlers", "Commands at work that wait for something, such as the database.", count(s.engine.Slow))
	m.Gauge("monarch_slow_handlers_limit", "How many may be at work; others wait in the queue slow_handlers.", count(s.engine.MaxSlow))
	m.Queue(metrics.Queue{Name: "slow_handlers", Length: s.engine.Waiting})
	s.measureCertificate("https", func() float64 { return expiry(s.tls.Load()) })
	if s.listeners.web != nil {
		s.measureCertificate("web", s.expires)
	}
}

// measureCertificate publishes until when the certificate of a listener is good.
func (s *Server) measureCertificate(listener string, expires func() float64) {
	s.metrics.Labelled("monarch_certificate_expiry_timestamp_seconds", "When the certificate of a listener expires, in seconds since 1970; 0 without one.",
		map[string]string{"listener": listener}, expires)
}

// expiry returns when the certificate that is shown by default expires, or 0 if that is not known.
func expiry(t *tls.Config) float64 {
	if t == nil || len(t.Certificates) == 0 {
		return 0
	}
	cert := t.Certificates[0]
	if cert.Leaf == nil {
		var err error
		if cert.Leaf, err = x509.ParseCertificate(cert.Certificate[0]); err != nil {
			return 0
		}
	}
	return float64(cert.Leaf.NotAfter.Unix())
}

// measureSignin publishes how signing in goes.
func (s *Server) measureSignin() {
	c, m := &s.login.Counts, s.metrics
	m.Total("monarch_passport_tickets_total", "Passwords that were right.", c.SignedIn.Load)
	m.Total("monarch_passport_refused_total", "Passwords that were wrong, and requests that made no sense.", c.Refused.Load)
	m.Total("monarch_passport_limited_total", "Sign-ins held back or turned away for too many failures.", c.Limited.Load)
	m.Total("monarch_passport_busy_total", "Sign-ins turned away for load.", c.Busy.Load)
	m.Total("monarch_passport_panics_total", "Faults caught at a request's edge.", s.passport.Counts.Panics.Load)
	m.Total("monarch_password_hashes_total", "Password hashes computed.", s.hasher.Computed)
	for _, q := range []struct {
		name  string
		turns *turns.Queue
	}{{"passwords", s.hasher.Turns()}, {"handshakes", s.passport.Handshakes()}, {"sign_ins", s.arrivals}} {
		m.Queue(metrics.Queue{Name: q.name, Length: q.turns.Waiting, Limit: q.turns.Limit, Waits: q.turns.Waits, Refused: q.turns.Busy})
	}
}

func (s *Server) measureStore() {
	m, used := s.metrics, s.store.Usage
	m.Queue(metrics.Queue{Name: "store", Length: func() int { return used().Waiting }})
	m.Gauge("monarch_store_connections", "Connections to the database in use.", func() float64 { return float64(used().Connections) })
	m.Gauge("monarch_store_connections_limit", "How many there may be.", func() float64 { return float64(used().Most) })
	m.Total("monarch_store_connection_waits_total", "Times that work waited for a connection to the database.", func() uint64 { return used().Waits })
	m.Duration("monarch_store_connection_wait_seconds_total", "How long it has waited, all together.", func() time.Duration { return used().Waited })
}

// measureMail publishes what becomes of letters, if there is a mail server.
func (s *Server) measureMail() {
	m, sender := s.metrics, s.post.sender
	if sender == nil {
		return
	}
	m.Total("monarch_invitations_sent_total", "Invitations that the mail server took.", sender.Sent)
	m.Total("monarch_invitations_lost_total", "Invitations that it did not take.", sender.Lost)
	m.Total("monarch_letters_sent_total", "Letters to confirm addresses and reset passwords that the mail server took.", sender.LettersSent)
	m.Total("monarch_letters_lost_total", "Such letters that it did not take.", sender.LettersLost)
	m.Queue(metrics.Queue{Name: "mail", Length: sender.Waiting, Limit: sender.MaxWaiting, Refused: sender.Dropped})
}

// measureWebsite publishes what the website does, if there is one.
func (s *Server) measureWebsite() {
	if s.website.server == nil {
		return
	}
	c, m := &s.website.server.Counts, s.metrics
	m.Total("monarch_web_requests_total", "Requests to the website.", c.Requests.Load)
	m.Total("monarch_web_sign_ups_total", "Accounts that people made at the website.", c.SignUps.Load)
	m.Total("monarch_web_sign_ins_total", "Sign-ins at the website.", c.SignIns.Load)
	m.Total("monarch_web_refused_total", "Forms that were refused: not from a page of ours, or too many.", c.Refused.Load)
	m.Total("monarch_web_panics_total", "Faults caught at a page's edge.", c.Panics.Load)
	errands := s.website.server.Errands
	m.Queue(metrics.Queue{
		Name: "errands", Length: func() int { n, _ := errands(); return n }, Limit: func() int { _, most := errands(); return most },
	})
}

// measureManagement publishes what operators and their programs do.
func (s *Server) measureManagement() {
	m, hooks := s.metrics, &s.hooks.sender.Counts
	m.Gauge("monarch_network_rules", "Networks that operators deny or allow beside the configuration.", func() float64 { return float64(s.bans.inForce.Load()) })
	m.Total("monarch_api_requests_total", "Requests to the management interface with a good token.", s.bearer.Requests.Load)
	m.Total("monarch_api_refused_total", "Requests with a wrong token, or from whom too many of those came.", s.bearer.Refused.Load)
	m.Total("monarch_webhook_deliveries_total", "Events that webhooks took.", hooks.Delivered.Load)
	m.Total("monarch_webhook_failures_total", "Attempts to tell webhooks that failed.", hooks.Failed.Load)
	m.Total("monarch_webhook_lost_total", "Events that webhooks will not be told of.", hooks.Lost.Load)
}
