package msnclient

import (
	"bytes"
	"context"
	"encoding/hex"
	"fmt"
	"log/slog"
	"os"
	"strings"
	"sync"
	"testing"

	"monarch/msnp"
)

// p2pNet stands for a chat: it brings bodies from one engine to another, in order.
type p2pNet struct {
	t     testing.TB
	nodes map[string]*p2pNode

	mu   sync.Mutex
	sent []p2pSent
}

// p2pSent is a body on its way, as tests look at it.
type p2pSent struct {
	from, to string
	body     []byte
}

func (s p2pSent) parse(t testing.TB) msnp.P2P {
	t.Helper()
	m, err := msnp.ParseP2P(s.body)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// p2pNode is somebody in the chat.
type p2pNode struct {
	*p2p
	net    *p2pNet
	handle string
	offers chan FileOffered
	inbox  chan p2pSent
	gone   chan struct{}
	ctx    context.Context
	leave  func()
	wg     sync.WaitGroup

	mu      sync.Mutex
	objects map[string][]byte
	numbers []uint32 // what random returns; then it counts
	guids   []string
	filter  func(p2pSent) bool // what the others get of this one; nil: all
}

func newP2PNet(t testing.TB) *p2pNet { return &p2pNet{t: t, nodes: make(map[string]*p2pNode)} }

// join adds somebody to the chat.
func (n *p2pNet) join(handle string) *p2pNode {
	ctx, cancel := context.WithCancel(context.Background())
	node := &p2pNode{
		net: n, handle: handle, objects: make(map[string][]byte), offers: make(chan FileOffered, 100),
		inbox: make(chan p2pSent, 10000), gone: make(chan struct{}), ctx: ctx,
	}
	node.leave = sync.OnceFunc(func() {
		close(node.gone)
		cancel()
		node.close(nil)
		node.wg.Wait()
		for _, other := range n.nodes {
			if other != node {
				other.inbox <- p2pSent{from: handle}
			}
		}
	})
	counter := uint32(len(handle)) << 20
	node.p2p = startP2P(handle, slog.New(slog.DiscardHandler), p2pHost{
		post:   node.post,
		spawn:  node.spawn,
		object: node.object,
		offer:  func(o FileOffered) { node.offers <- o },
		random: func() uint32 {
			node.mu.Lock()
			defer node.mu.Unlock()
			if len(node.numbers) > 0 {
				first := node.numbers[0]
				node.numbers = node.numbers[1:]
				return first
			}
			counter += 1000
			return counter
		},
		guid: func() string {
			node.mu.Lock()
			defer node.mu.Unlock()
			if len(node.guids) > 0 {
				first := node.guids[0]
				node.guids = node.guids[1:]
				return first
			}
			return newGUID()
		},
		ended: ctx.Done(),
	})
	n.nodes[handle] = node
	node.wg.Go(node.read)
	n.t.Cleanup(node.leave)
	return node
}

func (node *p2pNode) read() {
	for {
		select {
		case s := <-node.inbox:
			if s.body == nil {
				node.left(s.from)
				continue
			}
			node.receive(s.from, s.body)
		case <-node.gone:
			return
		}
	}
}

func (node *p2pNode) post(to string, body []byte) (func(context.Context) error, error) {
	select {
	case <-node.gone:
		return nil, ErrChatClosed
	default:
	}
	s := p2pSent{from: node.handle, to: to, body: bytes.Clone(body)}
	n := node.net
	n.mu.Lock()
	n.sent = append(n.sent, s)
	n.mu.Unlock()
	node.mu.Lock()
	filter := node.filter
	node.mu.Unlock()
	err := error(nil)
	if other, ok := n.nodes[to]; !ok {
		err = ErrNotDelivered
	} else if filter == nil || filter(s) {
		select {
		case other.inbox <- s:
		case <-other.gone:
			err = ErrNotDelivered
		}
	}
	return func(context.Context) error { return err }, nil
}

func (node *p2pNode) spawn(f func(context.Context)) bool {
	select {
	case <-node.gone:
		return false
	default:
		node.wg.Go(func() { f(node.ctx) })
		return true
	}
}

func (node *p2pNode) object(sha1d string) ([]byte, bool) {
	node.mu.Lock()
	defer node.mu.Unlock()
	data, ok := node.objects[sha1d]
	return data, ok
}

// owns gives somebody a picture.
func (node *p2pNode) owns(t msnp.ObjectType, data []byte) msnp.Object {
	o := msnp.NewObject(node.handle, t, "picture.dat", data)
	node.mu.Lock()
	defer node.mu.Unlock()
	node.objects[o.SHA1D] = data
	return o
}

// intercept lets a function decide what the others get.
func (node *p2pNode) intercept(f func(p2pSent) bool) {
	node.mu.Lock()
	defer node.mu.Unlock()
	node.filter = f
}

// all returns what was sent so far.
func (n *p2pNet) all() []p2pSent {
	n.mu.Lock()
	defer n.mu.Unlock()
	return append([]p2pSent(nil), n.sent...)
}

// said returns the first lines of the MSNSLP messages that somebody sent.
func (n *p2pNet) said(handle string) []string {
	var lines []string
	for _, s := range n.all() {
		m := s.parse(n.t)
		if s.from != handle || m.Flags != msnp.P2PText || m.Session != 0 || m.Offset != 0 {
			continue
		}
		slp, err := msnp.ParseSLP(m.Data)
		if err != nil {
			n.t.Fatal(err)
		}
		if slp.Method != "" {
			lines = append(lines, slp.Method)
		} else {
			lines = append(lines, fmt.Sprint(slp.Status))
		}
	}
	return lines
}

// idle fails the test if somebody still has a session or something to send.
func (node *p2pNode) idle(t testing.TB) {
	t.Helper()
	node.p2p.mu.Lock()
	defer node.p2p.mu.Unlock()
	for _, peer := range node.peers {
		if len(peer.sessions) > 0 {
			t.Errorf("%s still has %d sessions with %s", node.handle, len(peer.sessions), peer.handle)
		}
	}
	if len(node.out) > 0 || node.writing {
		t.Errorf("%s still sends %d messages", node.handle, len(node.out))
	}
}

// pattern is data that looks different everywhere.
func pattern(n int) []byte {
	data := make([]byte, n)
	for i := range data {
		data[i] = byte(31*i + 7 + i>>11)
	}
	return data
}

// hexFixtures reads a file of testdata: hex below headings of two dashes and a name.
func hexFixtures(t testing.TB, path string) map[string][]byte {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	all := make(map[string][]byte)
	for _, part := range strings.Split(string(text), "\n-- ")[1:] {
		heading, body, _ := strings.Cut(part, "\n")
		name, _, _ := strings.Cut(heading, " ")
		if all[name], err = hex.DecodeString(strings.Join(strings.Fields(body), "")); err != nil {
			t.Fatal(err)
		}
	}
	return all
}
