package server

import (
	"monarch/internal/clock"
	"monarch/internal/config"
	"monarch/internal/ns"
	"monarch/internal/sb"
)

// rates are those of a configuration, as the parts of the server take them.
type rates struct {
	ns    ns.Rates
	sb    sb.Rates
	bytes clock.Rate
}

// ratesOf returns the rates of a configuration: none, if limits.rates is off.
func ratesOf(cfg config.Config) rates {
	if cfg.Limits.Rates != config.RatesOn {
		return rates{}
	}
	c := cfg.Rates
	of := func(r config.Rate) clock.Rate { return clock.Rate{Burst: r.Burst, Per: r.Per.D()} }
	return rates{
		ns: ns.Rates{
			SignIns: of(c.SignIns), Statuses: of(c.Status), Names: of(c.Names), Lists: of(c.Lists), Commands: of(c.Commands),
			Switchboards: of(c.Switchboards), Invitations: of(c.Invitations), OpenSwitchboards: c.OpenSwitchboards,
		},
		sb: sb.Rates{
			Calls: of(c.Calls), FailedCalls: of(c.FailedCalls), Messages: of(c.Messages), FailedMessages: of(c.FailedMessages),
		},
		bytes: of(config.Rate(c.Bytes)),
	}
}

// setRates makes the rates of another configuration those of the running server. People who
// are signed in notice it with their next command.
func (s *Server) setRates(cfg config.Config) {
	r := ratesOf(cfg)
	s.ns.SetRates(r.ns)
	s.boards.paces.SetRates(r.sb)
	s.engine.SetBytes(r.bytes)
}
