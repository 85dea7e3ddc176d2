package msnclient

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	mathrand "math/rand/v2"
	"strings"
	"sync"
	"time"

	"monarch/msnp"
)

// How a transfer can fail, for errors.Is.
var (
	ErrDeclined  = errors.New("declined")                      // he does not want the file
	ErrCancelled = errors.New("ended by the other side")       // he ended the transfer, or left
	ErrTimeout   = errors.New("the other side does not go on") // nothing came in time
	ErrNoObject  = errors.New("no such object")                // he does not have it, or has no picture
	ErrDamaged   = errors.New("not what was announced")        // what came has another size or hash
	ErrTooLarge  = errors.New("larger than an object may be")  // see MaxObject
	ErrAnswered  = errors.New("offer is answered already")     // a second Accept or Decline
)

// MaxObject is the size in bytes of the largest picture or emoticon that is fetched.
const MaxObject = 1 << 20

// What the others in a chat, who may be anybody, can make us keep, and for how long.
const (
	p2pMaxText    = 64 << 10 // bytes of an MSNSLP message
	p2pMaxPartial = 4        // unfinished ones of one person
	p2pMaxServed  = 16       // objects that one person fetches at a time
	p2pMaxOffers  = 8        // files that one person offers or sends at a time
	p2pMaxOut     = 256      // messages that wait to be written; then what asks for one is ignored

	p2pPatience = time.Minute      // without any progress
	p2pDecision = 5 * time.Minute  // for a person to accept a file
	p2pObjects  = 10 * time.Minute // for all of an object
)

// p2pHost is what the engine needs of its chat.
type p2pHost struct {
	// post sends a body to somebody, after those posted before; wait tells its fate.
	post func(to string, body []byte) (wait func(context.Context) error, err error)
	// spawn starts a goroutine that ends with the chat, unless that has ended.
	spawn func(func(context.Context)) bool
	// object returns the data of something we have announced.
	object func(sha1d string) ([]byte, bool)
	// offer tells the user of a file.
	offer func(FileOffered)
	// random returns a number to count from, or to name something with.
	random func() uint32
	guid   func() string
	// ended is closed when nobody waits for anything any more, at the latest with the chat.
	ended <-chan struct{}
}

// p2p transfers pictures, emoticons and files with the others of one chat: it agrees with
// them in MSNSLP, cuts and joins, acknowledges, and gives up. It has no socket and no MIME;
// the chat brings bodies and takes bodies. docs/protocol/payloads.md#p2p
type p2p struct {
	self string       // handle
	log  *slog.Logger // never gets contents
	host p2pHost

	mu      sync.Mutex // held for memory only, and for host.spawn
	err     error      // why the chat has ended, or nil
	peers   map[string]*p2pPeer
	out     []p2pOut
	writing bool // a goroutine empties out
}

func newP2P(ch *Chat) *p2p {
	return startP2P(ch.c.cfg.Handle, ch.log, p2pHost{
		post: func(to string, body []byte) (func(context.Context) error, error) {
			r, err := ch.postData(to, body)
			if err != nil {
				return nil, err
			}
			return r.wait, nil
		},
		spawn:  ch.spawn,
		object: ch.c.object,
		offer: func(o FileOffered) {
			o.Chat = ch
			ch.used()
			ch.emit(o)
		},
		random: func() uint32 { return 1<<8 + mathrand.Uint32N(1<<31-1<<8) }, // libpurple reads an int
		guid:   newGUID,
		ended:  ch.life.Done(),
	})
}

func startP2P(self string, log *slog.Logger, host p2pHost) *p2p {
	return &p2p{self: self, log: log, host: host, peers: make(map[string]*p2pPeer)}
}

// newGUID returns a random GUID as MSNSLP writes it.
func newGUID() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // never fails
	b[6], b[8] = b[6]&0x0F|0x40, b[8]&0x3F|0x80
	return fmt.Sprintf("{%X-%X-%X-%X-%X}", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}

// receive takes a body that somebody sent to us. Bodies come one at a time, in the order they
// were sent. It blocks while a file comes faster than its receiver writes it, which is how
// the sender gets slowed down; not longer than p2pPatience.
func (p *p2p) receive(from string, body []byte) {
	m, err := msnp.ParseP2P(body)
	if err != nil {
		p.log.Debug("ignored a P2P message", "user", from, "err", err)
		return
	}
	switch kind := m.Flags.Kind(); {
	case kind == msnp.P2PAck:
		p.acknowledged(from, m)
	case m.Flags.Failure():
		p.failed(from, m)
	case m.Flags.Data():
		p.part(from, m)
	case kind == msnp.P2PText && m.Session != 0:
		p.prepared(from, m)
	case kind == msnp.P2PText:
		p.text(from, m)
	}
}

// left ends what goes on with somebody who is no longer there.
func (p *p2p) left(handle string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	key := strings.ToLower(handle)
	if peer, ok := p.peers[key]; ok {
		delete(p.peers, key)
		peer.endAll(fmt.Errorf("%w: %s has left the chat", ErrCancelled, handle))
	}
}

// close ends everything, because the chat has ended.
func (p *p2p) close(err error) {
	if err == nil {
		err = ErrChatClosed
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.err != nil {
		return
	}
	p.err = err
	for _, peer := range p.peers {
		peer.endAll(err)
	}
	p.peers = nil
	p.dropQueue()
}

// peer returns what we know of somebody; mu is held. It is nil when the chat has ended.
func (p *p2p) peer(handle string) *p2pPeer {
	if p.err != nil {
		return nil
	}
	key := strings.ToLower(handle)
	peer, ok := p.peers[key]
	if !ok {
		peer = &p2pPeer{handle: handle, ids: p2pIDs{base: p.host.random()}, sessions: make(map[uint32]*p2pSession)}
		p.peers[key] = peer
	}
	return peer
}

// text takes a part of an MSNSLP message.
func (p *p2p) text(from string, m msnp.P2P) {
	p.mu.Lock()
	peer := p.peer(from)
	if peer == nil || len(p.out) >= p2pMaxOut {
		p.mu.Unlock()
		return
	}
	text, complete := peer.assemble(m)
	if complete {
		p.acknowledge(peer, m)
	}
	p.mu.Unlock()
	if !complete {
		return
	}
	slp, err := msnp.ParseSLP(text)
	if err != nil {
		p.log.Debug("ignored an MSNSLP message", "user", from, "err", err)
		return
	}
	p.handle(from, slp)
}
