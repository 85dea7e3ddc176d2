package server

import (
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
