package server

import (
	"net"
	"sync"

	"monarch/internal/cluster"
	"monarch/internal/config"
	"monarch/internal/conn"
	"monarch/internal/hub"
	"monarch/internal/ns"
	"monarch/internal/sb"
)

// buildMessenger makes the three servers that speak MSNP.
func (s *Server) buildMessenger() {
	s.buildBoards()
	s.ns = ns.New(ns.Config{
		Store: s.store, Hub: s.hub, Signer: s.signer, Clock: s.clock, Log: s.log, Audit: s.audit, Metrics: s.metrics,
		Trace:            s.trace,
		Turns:            s.arrivals,
		DispatchAddr:     s.told(s.cfg.Dispatch, "dispatch"),
		NotificationAddr: s.told(s.cfg.Notification, "notification"),
		Home:             s.home,
		Switchboard:      s.nextBoard,
		WebURL:           s.cfg.PagesURL(),
		Mail:             s.mail(),
		BareVersion:      s.cfg.Protocol.VerReply == config.VerSingle,
		Challenge:        ns.ChallengeMode(s.cfg.Protocol.Challenge),
		Rates:            ratesOf(s.cfg).ns,
		Limits:           sessionLimits(s.cfg),
	})
	s.hub.OnLapse(s.ns.Lapsed)
	s.hub.GiveTurns(s.ns.Turn)
	s.hub.ShareDebts(hub.Debts{Give: s.ns.Debts, Take: s.ns.TakeDebts})
}

// told returns the address that clients are told for a server: of another node, if this one has
// not that role.
func (s *Server) told(m config.Messenger, name string) string {
	if bound := s.Addr(name); bound != "" {
		return s.cfg.Advertised(m, bound)
	}
	return s.cfg.Advertised(m, m.Listen)
}

// buildBoards makes a switchboard for each address of switchboard.listen.
func (s *Server) buildBoards() {
	s.boards.paces = sb.NewPaces(s.clock, ratesOf(s.cfg).sb)
	advertised := config.List(s.cfg.Switchboard.Advertise)
	for i, l := range s.listeners.switchboards {
		told := config.Messenger{}
		if i < len(advertised) {
			told.Advertise = advertised[i]
		}
		s.boards.all = append(s.boards.all, sb.New(sb.Config{
			Hub: s.hub, Signer: s.signer, Clock: s.clock, Log: s.log, Metrics: s.metrics, Audit: s.audit,
			Addr:         s.cfg.Advertised(told, l.Addr().String()),
			DataForAll:   s.cfg.Protocol.AllowDBelowMSNP9,
			CloseOnExpel: s.cfg.Protocol.CloseSwitchboardsOnKick,
			Paces:        s.boards.paces,
			Limits:       boardLimits(s.cfg),
		}))
	}
	s.boards.stopped = make([]bool, len(s.boards.all))
}

// boards is the set of switchboards of this node.
type boards struct {
	all   []*sb.Server // immutable
	paces *sb.Paces    // of all of them; immutable

	mu      sync.Mutex // taken before the boards' own and no other
	stopped []bool
}

// list returns those that take conversations.
func (b *boards) list() (open []cluster.Board) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for i, each := range b.all {
		if !b.stopped[i] {
			open = append(open, cluster.Board{Addr: each.Addr, Seated: each.Seated()})
		}
	}
	return open
}

// role returns the role of the switchboard at an address. Most clients that come over HTTP
// leave out the port, so switchboards at one host cannot all be reached by them: then it is
// the first.
func (b *boards) role(addr string) (conn.Role, bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for i, each := range b.all {
		host, _, err := net.SplitHostPort(each.Addr)
		if !b.stopped[i] && (each.Addr == addr || err == nil && host == addr) {
			return each.Role(), true
		}
	}
	return conn.Role{}, false
}

func (b *boards) rooms() (n int) {
	for _, each := range b.all {
		n += each.Rooms()
	}
	return n
}

func (b *boards) seated() (n int) {
	for _, each := range b.all {
		n += each.Seated()
	}
	return n
}

// StopSwitchboard takes one of the addresses of switchboard.listen, counted from 0, out of
// service: its listener closes and its conversations end, sign-ins are not touched.
func (s *Server) StopSwitchboard(i int) error {
	s.boards.mu.Lock()
	s.boards.stopped[i] = true
	s.boards.mu.Unlock()
	err := s.listeners.switchboards[i].Close()
	s.boards.all[i].Farewell()
	return err
}
