package server

import (
	"net"

	"monarch/internal/conn"
	"monarch/msnp"
)

// This file lets the tests of the whole server speak to it over connections in memory, and
// see what it holds.

// Attach makes one end of a connection a client's of a listener: dispatch, notification or
// switchboard. ended is called last, with the reason.
func (s *Server) Attach(nc net.Conn, listener string, ended func(conn.Reason)) {
	var r conn.Role
	switch listener {
	case "dispatch":
		r = s.ns.Dispatch()
	case "notification":
		r = s.ns.Notification()
	case "switchboard":
		r = s.boards.all[0].Role()
	}
	open := r.Open
	r.Open = func(c *conn.Conn) conn.Handler { return witness{open(c), ended} }
	s.engine.Attach(nc, r)
}

// witness is a handler whose end is told.
type witness struct {
	conn.Handler
	ended func(conn.Reason)
}

func (w witness) Frame(f msnp.Frame) { w.Handler.Frame(f) }

func (w witness) Closed(why conn.Reason) {
	defer w.ended(why)
	w.Handler.Closed(why)
}

// ServePages answers requests on a listener of the test's: those of port 443, without TLS or
// with it, or those of port 80.
func (s *Server) ServePages(l net.Listener, port string) error {
	switch port {
	case "https":
		return s.passport.ServeHTTPS(l, s.tls.Load())
	case "https without TLS":
		return s.passport.ServeHTTPS(l, nil)
	}
	return s.passport.ServeHTTP(l)
}

// Held is what a server holds for its clients.
type Held struct{ Conns, Sessions, Rooms, Seats, Tunnels int }

// Held counts it.
func (s *Server) Held() Held {
	return Held{s.engine.Count(), s.hub.Count(), s.boards.rooms(), s.boards.seated(), s.passport.GatewaySessions()}
}

// PageFaults counts the requests that made a handler panic.
func (s *Server) PageFaults() uint64 { return s.passport.Counts.Panics.Load() }

// ManagementSocket is where administration connects.
func (s *Server) ManagementSocket() string { return s.listeners.manage.Addr().String() }
