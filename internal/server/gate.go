package server

import (
	"fmt"
	"net"
	"net/netip"

	"monarch/internal/config"
	"monarch/internal/conn"
	"monarch/internal/gate"
)

// buildGate makes what decides who may connect, and puts it before the listeners of clients.
func (s *Server) buildGate() error {
	networks, err := networks(s.cfg.Networks)
	if err != nil {
		return err
	}
	s.gate = gate.New(s.metrics, s.log, networks, connections(s.cfg))
	for i, l := range s.listeners.switchboards {
		s.listeners.switchboards[i] = s.gate.Listen("switchboard", l)
	}
	l := &s.listeners
	for name, each := range map[string]*net.Listener{
		"dispatch": &l.dispatch, "notification": &l.notification, "https": &l.https, "http": &l.http, "web": &l.web,
	} {
		if *each != nil {
			*each = s.gate.Listen(name, *each)
		}
	}
	return nil
}

// door is the gate as the engine knows it.
func (s *Server) door() conn.Door {
	return conn.Door{
		Enter:    func(role string, from netip.Addr) conn.Standing { return standings[s.gate.Enter(role, from)] },
		SignedIn: s.gate.SignedIn,
		Leave:    func(from netip.Addr, as conn.Standing) { s.gate.Leave(from, gateStandings[as]) },
		Hold:     s.gate.Hold,
	}
}

// The words of the gate and of the engine for the same.
var (
	standings = [...]conn.Standing{
		gate.Refused: conn.Barred, gate.Stranger: conn.Stranger, gate.Turned: conn.Turned, gate.SignedIn: conn.SignedIn,
	}
	gateStandings = [...]gate.Standing{
		conn.Barred: gate.Refused, conn.Stranger: gate.Stranger, conn.Turned: gate.Turned, conn.SignedIn: gate.SignedIn,
	}
)

func (s *Server) reloadNetworks(next config.Config) (func(), error) {
	read, err := networks(next.Networks)
	return func() { s.gate.SetNetworks(read) }, err
}

func (s *Server) setConnections(next config.Config) { s.gate.SetLimits(connections(next)) }

func networks(n config.Networks) (read gate.Networks, err error) {
	for _, l := range []struct {
		key  string
		list []string
		to   *[]netip.Prefix
	}{{"allow", n.Allow, &read.Allow}, {"deny", n.Deny, &read.Deny}, {"proxies", n.Proxies, &read.Proxies}} {
		if *l.to, err = config.Prefixes(l.list); err != nil {
			return gate.Networks{}, fmt.Errorf("networks.%s: %w", l.key, err)
		}
	}
	return read, nil
}

// connections returns the limits that hold: none, where rates are off.
func connections(cfg config.Config) gate.Limits {
	if cfg.Limits.Rates == config.RatesOff {
		return gate.Limits{}
	}
	c := cfg.Connections
	return gate.Limits{
		PerAddress: c.PerAddress, StrangersPerAddress: c.StrangersPerAddress, Strangers: c.Strangers, Memory: int64(c.Memory),
	}
}
