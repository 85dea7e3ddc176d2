package server

import (
	"time"

	"monarch/internal/config"
	"monarch/internal/login"
	"monarch/internal/passport"
	"monarch/internal/turns"
)

// setSignin makes the limits of signing in those of a configuration, also while the server runs.
func (s *Server) setSignin(cfg config.Config) {
	s.login.SetLimits(loginLimits(cfg))
	s.passport.SetLimits(passportLimits(cfg))
	s.hasher.Turns().SetLimits(passwordTurns(cfg))
	s.arrivals.SetLimits(signinTurns(cfg))
}

func loginLimits(cfg config.Config) login.Limits {
	in := cfg.Signin
	return login.Limits{
		Rates: cfg.Limits.Rates == config.RatesOn,
		Guesses: login.GuessLimits{
			Account: in.AccountFailures, Address: in.AddressFailures, Stranger: in.StrangerFailures,
			MaxDelay: in.MaxDelay.D(),
		},
	}
}

func passportLimits(cfg config.Config) passport.Limits {
	in := cfg.Signin
	return passport.Limits{
		Handshake: in.Handshake.D(), Header: in.Header.D(), Body: in.Body.D(), Answer: in.Answer.D(),
		Join: cfg.Accounts.Registration != config.RegistrationClosed,
	}
}

// passwordTurns bounds the checks of passwords.
func passwordTurns(cfg config.Config) turns.Limits {
	return turns.Limits{Parallel: cfg.Limits.HashParallel, Queue: cfg.Limits.HashQueue, Wait: cfg.Signin.QueueWait.D()}
}

// signinTurns bounds the sign-ins to the notification server.
func signinTurns(cfg config.Config) turns.Limits {
	return turns.Limits{Parallel: cfg.Signin.Parallel, Queue: cfg.Signin.Queue, Wait: cfg.Signin.QueueWait.D()}
}

// measureSignin publishes how it goes.
func (s *Server) measureSignin() {
	c, m := &s.login.Counts, s.metrics
	m.Total("monarch_passport_tickets_total", "Passwords that were right.", c.SignedIn.Load)
	m.Total("monarch_passport_refused_total", "Passwords that were wrong, and requests that made no sense.", c.Refused.Load)
	m.Total("monarch_passport_limited_total", "Sign-ins held back or turned away for too many failures.", c.Limited.Load)
	m.Total("monarch_passport_busy_total", "Sign-ins turned away for load.", c.Busy.Load)
	m.Total("monarch_passport_panics_total", "Faults caught at a request's edge.", s.passport.Counts.Panics.Load)
	m.Total("monarch_password_hashes_total", "Password hashes computed.", s.hasher.Computed)
	s.measureTurns("monarch_password_queue", "password checks", s.hasher.Turns())
	s.measureTurns("monarch_handshake_queue", "TLS handshakes", s.passport.Handshakes())
	s.measureTurns("monarch_signin_queue", "sign-ins to the notification server", s.arrivals)
}

func (s *Server) measureTurns(name, what string, q *turns.Queue) {
	m := s.metrics
	m.Gauge(name, "How many "+what+" wait for their turn.", func() float64 { return float64(q.Waiting()) })
	m.Total(name+"_waits_total", "How many "+what+" had to wait.", func() uint64 { n, _ := q.Waits(); return n })
	m.Duration(name+"_wait_seconds_total", "How long "+what+" have waited, all together.", func() time.Duration { _, d := q.Waits(); return d })
	m.Total(name+"_busy_total", "How many "+what+" were turned away because too many waited, or for too long.", q.Busy)
}
