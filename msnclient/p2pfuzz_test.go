package msnclient

import (
	"bytes"
	"context"
	"encoding/binary"
	"io"
	"log/slog"
	"sync"
	"testing"
	"testing/synctest"

	"monarch/internal/msntest"
	"monarch/msnp"
)

// script puts bodies into one, as FuzzReceive takes them apart.
func script(bodies ...[]byte) []byte {
	var b []byte
	for _, x := range bodies {
		b = append(binary.BigEndian.AppendUint16(b, uint16(len(x))), x...)
	}
	return b
}

// scene is somebody who fetches an object in session 77, has one to give, and takes every
// file, while a stranger says what he likes.
type scene struct {
	t    *testing.T
	p    *p2p
	ctx  context.Context
	wait context.CancelFunc
	work sync.WaitGroup

	spawned []func(context.Context) // what run does, one after the other

	mu   sync.Mutex
	next uint32
}

// wanted is the object that is fetched, owned the one that is given.
var wanted, owned = pattern(1500), pattern(3000)

func newScene(t *testing.T) *scene {
	s := &scene{t: t}
	s.ctx, s.wait = context.WithCancel(context.Background())
	numbers := []uint32{3000000, 77}
	s.p = startP2P("alice@example.com", slog.New(slog.DiscardHandler), p2pHost{
		post: func(string, []byte) (func(context.Context) error, error) {
			return func(context.Context) error { return nil }, nil
		},
		spawn: func(f func(context.Context)) bool {
			s.mu.Lock()
			defer s.mu.Unlock()
			s.spawned = append(s.spawned, f)
			return true
		},
		object: func(string) ([]byte, bool) { return owned, true },
		offer: func(o FileOffered) {
			s.work.Go(func() { _ = o.Accept(s.ctx, io.Discard, nil) })
		},
		random: func() uint32 {
			s.mu.Lock()
			defer s.mu.Unlock()
			if len(numbers) > 0 {
				n := numbers[0]
				numbers = numbers[1:]
				return n
			}
			s.next++
			return s.next
		},
		guid:  func() string { return "{G}" },
		ended: s.ctx.Done(),
	})
	started := make(chan struct{})
	s.work.Go(func() {
		o := msnp.NewObject("bob@example.com", msnp.ObjectPicture, "x", wanted)
		sess := &p2pSession{kind: p2pFetch, size: int64(o.Size)}
		if err := s.p.invite("bob@example.com", sess, "1", msnp.ObjectGUID, "AAAA"); err != nil {
			t.Error(err)
		}
		close(started)
		var got bytes.Buffer
		if err := s.p.drain(s.ctx, sess, &got, func(int64) {}); err == nil && got.Len() != o.Size {
			t.Errorf("%d bytes of %d were fetched", got.Len(), o.Size)
		}
	})
	<-started
	return s
}

// run does what would go on beside.
func (s *scene) run() {
	for {
		s.mu.Lock()
		all := s.spawned
		s.spawned = nil
		s.mu.Unlock()
		if len(all) == 0 {
			return
		}
		for _, f := range all {
			f(s.ctx)
		}
	}
}

// check fails the test if the stranger has got more than his share.
func (s *scene) check() {
	s.p.mu.Lock()
	defer s.p.mu.Unlock()
	if len(s.p.out) > 2*p2pMaxOut {
		s.t.Errorf("%d messages wait", len(s.p.out))
	}
	for _, peer := range s.p.peers {
		if peer.count(p2pServe) > p2pMaxServed || peer.count(p2pTake) > p2pMaxOffers || len(peer.partial) > p2pMaxPartial {
			s.t.Errorf("%d sessions, %d unfinished texts", len(peer.sessions), len(peer.partial))
		}
		for _, x := range peer.partial {
			if len(x.text) > p2pMaxText {
				s.t.Errorf("%d bytes of a text", len(x.text))
			}
		}
	}
}

// end waits for everybody.
func (s *scene) end() {
	s.p.close(nil)
	s.wait()
	s.run()
	s.work.Wait()
}

func FuzzReceive(f *testing.F) {
	ask, _ := msntest.Payload("P-DP1")
	_, ask, _ = bytes.Cut(ask, []byte("\r\n\r\n"))
	ack := func(session, id uint32) []byte {
		return msnp.P2P{Session: session, ID: 9, Flags: msnp.P2PAck, AckID: id}.Append(nil)
	}
	text := func(m msnp.SLP) []byte {
		b := m.Append(nil)
		return msnp.P2P{ID: 8, Total: uint64(len(b)), Data: b}.Append(nil)
	}
	data := func(session uint32, flags msnp.P2PFlags, d []byte) []byte {
		return msnp.P2P{Session: session, ID: 7, Total: uint64(len(d)), Flags: flags, Data: d}.Append(nil)
	}
	f.Add(script(ask, ack(0, 3000002), ack(1172536, 3000003), ack(1172536, 3000004), text(msnp.SLP{Method: "BYE", CallID: "{G}"})))
	f.Add(script(text(msnp.SLP{Status: 200, CallID: "{G}", Branch: "{G}"}), data(77, 0, make([]byte, 4)), data(77, msnp.P2PObject, wanted)))
	f.Add(script(text(msnp.SLP{Status: 603, CallID: "{G}", Branch: "{G}"})))
	f.Add(script(text(invitation(5, msnp.FileGUID, fileContext("notes.txt", 11))), data(5, msnp.P2PFile, []byte("hello world"))))
	f.Add(script(data(77, msnp.P2PError, nil), data(77, msnp.P2PClose, nil)))
	long := text(invitation(5, msnp.FileGUID, fileContext("notes.txt", 11)))
	m, _ := msnp.ParseP2P(long)
	first, second := m, m
	first.Data, second.Data, second.Offset = m.Data[:500], m.Data[500:], 500
	f.Add(script(first.Append(nil), second.Append(nil)))
	f.Fuzz(func(t *testing.T, b []byte) {
		synctest.Test(t, func(t *testing.T) {
			s := newScene(t)
			for len(b) >= 2 {
				n := min(int(binary.BigEndian.Uint16(b)), len(b)-2)
				s.p.receive("bob@example.com", bytes.Clone(b[2:2+n]))
				b = b[2+n:]
				s.check()
				s.run()
				synctest.Wait() // or the fuzzer sees something new in the order of goroutines
			}
			s.p.left("bob@example.com")
			s.end()
		})
	})
}
