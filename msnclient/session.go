package msnclient

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"monarch/msnp"
)

const (
	pingInterval = time.Minute      // unless the server says otherwise
	minInterval  = 10 * time.Second // whatever the server says
	pingPatience = 30 * time.Second // for the answer

	maxCalls = 32 // that are being answered at a time
)

// session is a connection to a dispatch or notification server. Its reader applies what the
// server says to the client.
type session struct {
	c      *Client
	link   *link
	done   chan struct{} // closed when the reader is done; err and moved are fixed then
	rhythm chan int      // seconds until the next PNG, of the last QNG

	err   error
	moved string // where the server sent us, or ""

	version   msnp.Version // of the sign-in alone
	returning bool         // guarded by Client.mu
	calls     atomic.Int32 // that are being answered

	// Touched by the reader only.
	sync    *synchronisation // while the answer to SYN comes in
	latest  *Contact         // of the last LST, for BPR; in the client's book or in sync
	refusal error            // error line that nobody waited for: perhaps the reason of the end
	arrived bool             // CHG was answered
	speaks  msnp.Version     // since then

	pmu   sync.Mutex      // leaf
	pings []chan struct{} // who waits for QNG, in order; nil for the keep-alive
}

// synchronisation collects the answer to SYN.
type synchronisation struct {
	answer   msnp.Frame // the line SYN, given to who asked when all is there
	book     *book
	contacts int // LST lines still to come
	groups   int // LSG lines still to come
}

// handlers says what the reader does with each verb. The client's lock is not held.
var handlers = map[msnp.Verb]func(*session, msnp.Frame) error{
	msnp.SYN: (*session).syn, msnp.GTC: (*session).setting, msnp.BLP: (*session).setting,
	msnp.PRP: (*session).prp, msnp.LSG: (*session).lsg, msnp.LST: (*session).lst, msnp.BPR: (*session).bpr,
	msnp.ADD: (*session).add, msnp.REM: (*session).rem, msnp.REA: (*session).rea,
	msnp.ADG: (*session).group, msnp.REG: (*session).group, msnp.RMG: (*session).group,
	msnp.CHG: (*session).chg, msnp.ILN: (*session).presence, msnp.NLN: (*session).presence, msnp.FLN: (*session).fln,
	msnp.CHL: (*session).chl, msnp.QNG: (*session).qng,
	msnp.MSG: (*session).msg, msnp.NOT: (*session).alert, msnp.IPG: (*session).alert,
	msnp.RNG: (*session).rng, msnp.XFR: (*session).xfr, msnp.OUT: (*session).out,
}

// read reads the connection to its end.
func (s *session) read(context.Context) {
	s.err = s.link.read(s.handle)
	if s.refusal != nil {
		s.err = fmt.Errorf("%w: %w", s.err, s.refusal)
	}
	s.link.finish(s.err)
	s.pmu.Lock()
	for _, ping := range s.pings {
		if ping != nil {
			close(ping)
		}
	}
	s.pings = nil
	s.pmu.Unlock()
	close(s.done)
}

func (s *session) handle(f msnp.Frame) error {
	if h, ok := handlers[f.Verb]; ok {
		if err := h(s, f); err != nil {
			return err
		}
	}
	if f.Verb == msnp.SYN && s.sync != nil {
		return nil // its answer is given with the last line
	}
	if code, ok := f.Code(); ok && !s.link.deliver(f) {
		s.refusal = code
		s.c.log.Info("error line nobody waited for", "err", code)
	} else if !ok {
		s.link.deliver(f)
	}
	return nil
}

// keepAlive pings as often as the server wants and ends a session that has gone silent.
// docs/protocol/presence.md#ping
func (s *session) keepAlive(ctx context.Context) {
	interval := pingInterval
	timer := time.NewTimer(interval)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-s.done:
			return
		case n := <-s.rhythm:
			if n > 0 {
				interval = max(time.Duration(n)*time.Second, minInterval)
				timer.Reset(interval)
			}
		case <-timer.C:
			quiet := time.Since(time.Unix(0, s.link.heard.Load()))
			if quiet > interval+pingPatience && !s.link.gate.isShut() {
				s.link.fail(fmt.Errorf("%w: %w", errLost, errSilent))
				return
			}
			if s.ping(nil) != nil {
				return
			}
			timer.Reset(interval)
		}
	}
}

// ping sends PNG; answered is closed when the answer comes or the session ends.
func (s *session) ping(answered chan struct{}) error {
	s.pmu.Lock()
	defer s.pmu.Unlock()
	if err := s.link.write(msnp.AppendLine(nil, msnp.PNG)); err != nil {
		return err
	}
	s.pings = append(s.pings, answered)
	return nil
}

func (s *session) qng(f msnp.Frame) error {
	select {
	case s.rhythm <- msnp.ParseQNG(f):
	default:
	}
	s.pmu.Lock()
	defer s.pmu.Unlock()
	if len(s.pings) > 0 {
		if s.pings[0] != nil {
			close(s.pings[0])
		}
		s.pings = s.pings[1:]
	}
	return nil
}

// chl answers a challenge. docs/protocol/presence.md#challenge
func (s *session) chl(f msnp.Frame) error {
	challenge, err := msnp.ParseCHL(f)
	if err != nil {
		return err
	}
	product, _ := msnp.ProductByID(s.c.cfg.Product)
	return s.link.tell(func(b []byte, t msnp.TrID) []byte {
		return msnp.AppendPayload(b, msnp.QRY, []byte(product.Answer(challenge)), string(t), product.ID)
	})
}

// rng answers a call, beside the reader. Before we are there nobody can call us. docs/protocol/switchboard.md#rng
func (s *session) rng(f msnp.Frame) error {
	m, err := msnp.ParseRNG(f)
	if err != nil {
		return err
	}
	if !s.arrived {
		return nil
	}
	if s.calls.Add(1) > maxCalls {
		s.calls.Add(-1)
		s.c.log.Info("a call too many", "user", m.Handle)
		return nil
	}
	version := s.speaks
	s.c.spawn(func(ctx context.Context) {
		defer s.calls.Add(-1)
		if err := s.c.answer(ctx, m, version); err != nil && ctx.Err() == nil {
			s.c.events.push(CallMissed{From: m.Handle, Name: m.Name, Err: err})
		}
	})
	return nil
}

// xfr moves to another server when nobody asked for the referral.
// docs/protocol/signin.md#dispatch
func (s *session) xfr(f msnp.Frame) error {
	m, err := msnp.ParseXFRReply(f)
	if err != nil || m.TrID != msnp.Async || m.Kind != "NS" || !strings.Contains(m.Addr, ":") {
		return err
	}
	s.moved = m.Addr
	return ErrMoved
}

// out is the server's goodbye. docs/protocol/signin.md#elsewhere
func (s *session) out(f msnp.Frame) error {
	switch msnp.ParseOUT(f) {
	case "OTH":
		s.c.dropChats(ErrElsewhere)
		return ErrElsewhere
	case "SSD":
		return ErrShutdown
	}
	return errLost
}
