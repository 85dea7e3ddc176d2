package torture

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"monarch/internal/admin"
	"monarch/internal/figures"
	"monarch/internal/process"
	"monarch/msnclient"
	"monarch/msnp"
)

// ReadersCase says how many people stop reading.
type ReadersCase struct {
	Slow     int           // who stop reading in a conversation, and as many on the notification server
	Length   time.Duration // how long others talk to them at least
	Vanished int           // whose machines vanish; 0 without a network of our own
}

// Settings of the servers of slow readers and of machines that vanish: the shortest times there
// may be. The kernel counts who does not read among the dead too, so one server cannot have both.
var (
	impatient = map[string]string{"limits.queue_stall": "5s"}
	alert     = map[string]string{"limits.dead_peer": "10s"}
)

const (
	stall    = 5 * time.Second
	deadPeer = 10 * time.Second

	// perReader is what the server may keep for somebody who does not read: limits.queue_bytes,
	// and room for what is on its way through it.
	perReader = 2 << 20
	slack     = 64 << 20
)

// Readers has people stop reading while others talk to them and change their status, and then
// lets machines vanish. The server gets rid of all of them, says why, keeps little for them,
// and nobody else loses anything.
func Readers(ctx context.Context, cfg Config, c ReadersCase) (Report, error) {
	r, end, err := begin(ctx, cfg, "readers")
	if err != nil {
		return Report{}, err
	}
	return end(r.readers(ctx, c))
}

// stopped is a connection whose reading can be stopped.
type stopped struct {
	net.Conn
	mu   sync.Mutex // leaf
	gate chan struct{}
}

// Read waits while the gate is closed.
func (s *stopped) Read(b []byte) (int, error) {
	s.mu.Lock()
	gate := s.gate
	s.mu.Unlock()
	if gate != nil {
		<-gate
	}
	return s.Conn.Read(b)
}

// stoppable are the connections of a client; those to one address can be stopped.
type stoppable struct {
	mu  sync.Mutex // leaf
	all []*stopped
}

func (s *stoppable) dial(ctx context.Context, network, addr string) (net.Conn, error) {
	nc, err := new(net.Dialer).DialContext(ctx, network, addr)
	if err != nil {
		return nil, err
	}
	if tcp, ok := nc.(*net.TCPConn); ok {
		_ = tcp.SetReadBuffer(4096) // or it takes longer until the server's queue fills
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	c := &stopped{Conn: nc}
	s.all = append(s.all, c)
	return c, nil
}

// stop lets nothing be read from an address any more, and returns what ends that.
func (s *stoppable) stop(addr string) (resume func()) {
	gate := make(chan struct{})
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, c := range s.all {
		if c.RemoteAddr().String() == addr {
			c.mu.Lock()
			c.gate = gate
			c.mu.Unlock()
		}
	}
	return sync.OnceFunc(func() { close(gate) })
}

// audience is the people who read and those who do not.
type audience struct {
	*run
	ReadersCase
	server *server
	people sync.WaitGroup // goroutines that read events

	talker, reader *msnclient.Client
	heard          atomic.Int64 // texts that the reader got, all in order
	slow           []*msnclient.Client
	wires          []*stoppable // of those
}

func (r *run) readers(ctx context.Context, c ReadersCase) error {
	if err := r.crowd(ctx, r.database(), 2, c.Slow+c.Vanished, 0); err != nil {
		return err
	}
	a := &audience{run: r, ReadersCase: c}
	err := a.on(ctx, impatient, a.come, a.conversation, a.presence)
	if err == nil && c.Vanished > 0 {
		err = a.on(ctx, alert, a.vanish)
	}
	return err
}

// on starts a server for some parts of the work, which end with the first that cannot be done.
func (a *audience) on(ctx context.Context, settings map[string]string, parts ...func(context.Context) error) (err error) {
	if a.server, err = a.start(ctx, settings, nil); err != nil {
		return err
	}
	defer a.server.Kill()
	for _, part := range parts {
		if err = part(ctx); err != nil {
			break
		}
	}
	a.part()
	if a.server.Fell() {
		a.fault("%v", a.server.Explain(errors.New("the server ended by itself")))
	}
	if err != nil {
		return err
	}
	return a.server.stop()
}

// come signs everybody in who stays at his machine.
func (a *audience) come(ctx context.Context) (err error) {
	if a.talker, err = a.enter(ctx, 0, nil, func(msnclient.Event) {}); err != nil {
		return err
	}
	if a.reader, err = a.enter(ctx, 1, nil, a.hear); err != nil {
		return err
	}
	for n := range a.Slow {
		w := new(stoppable)
		c, err := a.enter(ctx, 2+n, w, func(msnclient.Event) {})
		if err != nil {
			return err
		}
		a.slow, a.wires = append(a.slow, c), append(a.wires, w)
	}
	return nil
}

// enter signs the nth person in.
func (a *audience) enter(ctx context.Context, n int, w *stoppable, see func(msnclient.Event)) (*msnclient.Client, error) {
	c, err := msnclient.Dial(ctx, a.server.client(handleOf(n), everybodysPassword, func(cfg *msnclient.Config) {
		if w != nil {
			cfg.Dialer = w.dial
		}
	}))
	if err != nil {
		return nil, err
	}
	a.people.Go(func() {
		for ev := range c.Events() {
			see(ev)
		}
	})
	return c, nil
}

// hear counts the texts of the talker and looks whether they come in order.
func (a *audience) hear(ev msnclient.Event) {
	text, ok := ev.(msnclient.TextReceived)
	if !ok {
		return
	}
	var n int64
	if _, err := fmt.Sscan(text.Text.Body, &n); err != nil || n != a.heard.Load()+1 {
		a.fault("who reads hears text %d after %d", n, a.heard.Load())
	}
	a.heard.Store(n)
}

// part signs everybody out.
func (a *audience) part() {
	for _, c := range append(a.slow, a.talker, a.reader) {
		if c != nil {
			c.Close()
		}
	}
	a.people.Wait()
	a.slow, a.talker, a.reader = nil, nil, nil
}

// conversation has people stop reading in one, in which somebody goes on talking.
func (a *audience) conversation(ctx context.Context) error {
	chat, err := a.talker.Open(ctx, a.reader.Self().Handle)
	if err != nil {
		return err
	}
	for _, c := range a.slow {
		if err := chat.Invite(ctx, c.Self().Handle); err != nil {
			return err
		}
	}
	if !await(ctx, func() bool { return len(chat.Members()) == 1+a.Slow }) {
		return errors.New("not everybody comes into the conversation")
	}
	resume := a.stopAll(a.server.addrs["switchboard"])
	defer resume()
	a.say("%d people of a conversation stop reading", a.Slow)
	var said int64
	var slowest time.Duration
	padding := strings.Repeat(" more", 280)
	grown := a.grows(func() {
		began := time.Now()
		for ctx.Err() == nil && (time.Since(began) < a.Length || len(chat.Members()) > 1) && time.Since(began) < a.Length+6*stall {
			said++
			sent := time.Now()
			err := chat.Send(ctx, msnclient.Text{Body: fmt.Sprint(said, padding)})
			if err != nil && !errors.Is(err, msnclient.ErrNotDelivered) { // to somebody who is just cut off
				a.fault("the talker cannot go on: %v", err)
				return
			}
			slowest = max(slowest, time.Since(sent))
		}
	})
	if n := len(chat.Members()); n != 1 {
		a.fault("%d of %d who do not read are still in the conversation", n-1, a.Slow)
	}
	if !await(ctx, func() bool { return a.heard.Load() == said }) {
		a.fault("who reads has %d of %d texts", a.heard.Load(), said)
	}
	a.figure("people who stop reading in a conversation", float64(a.Slow), "")
	a.figure("  texts said meanwhile, all of which the reader got in order", float64(said), "")
	a.figure("  longest time one took", slowest.Seconds()*1000, "ms")
	a.judge(ctx, "switchboard", grown)
	chat.Close()
	return ctx.Err()
}

// stopAll stops what the slow ones read from an address.
func (a *audience) stopAll(addr string) (resume func()) {
	var all []func()
	for _, w := range a.wires {
		all = append(all, w.stop(addr))
	}
	return func() {
		for _, f := range all {
			f()
		}
	}
}

// presence has people stop reading on the notification server, while somebody changes his
// status all the time.
func (a *audience) presence(ctx context.Context) error {
	long := strings.Repeat("long ", 40)
	if err := a.talker.SetName(ctx, long); err != nil {
		return err
	}
	resume := a.stopAll(a.server.addrs["notification"])
	defer resume()
	a.say("%d people stop reading what others do", a.Slow)
	changes := 0
	statuses := []msnp.Status{msnp.Busy, msnp.Online}
	grown := a.grows(func() {
		began := time.Now()
		for ctx.Err() == nil && (time.Since(began) < a.Length || a.sessions(ctx) > 2) && time.Since(began) < a.Length+6*stall {
			for range 100 {
				changes++
				if err := a.talker.SetStatus(ctx, statuses[changes%2]); err != nil {
					a.fault("the talker cannot change his status: %v", err)
					return
				}
			}
		}
	})
	if n := a.sessions(ctx); n != 2 {
		a.fault("%d of %d who do not read are still signed in", n-2, a.Slow)
	}
	if err := a.talker.SetStatus(ctx, msnp.Lunch); err != nil {
		return err
	}
	talker := a.talker.Self().Handle
	if !await(ctx, func() bool {
		c, _ := a.reader.Roster().Contact(talker)
		return c.Status == msnp.Lunch
	}) {
		a.fault("who reads does not see the talker's last status")
	}
	a.figure("people who stop reading what others do", float64(a.Slow), "")
	a.figure("  changes of status meanwhile", float64(changes), "")
	a.judge(ctx, "notification", grown)
	return ctx.Err()
}

// judge looks whether the slow ones were cut off for the right reason and cost little.
func (a *audience) judge(ctx context.Context, role string, grown int64) {
	cut, err := a.server.metric(ctx, `monarch_connections_closed_total{reason="slow",role="`+role+`"}`)
	if err != nil || int(cut) != a.Slow {
		a.fault("%.0f connections of the %s are counted as slow, not %d (%v)", cut, role, a.Slow, err)
	}
	a.figure("  who were cut off, and counted as slow", cut, "")
	a.figure("  memory they took", float64(grown)/(1<<20), "MiB")
	if most := int64(a.Slow)*perReader + slack; grown > most {
		a.fault("who does not read takes %d MiB of the %s's memory, of %d at most", grown>>20, role, most>>20)
	}
}

// grows returns by how much the server's memory grows, at most, while do runs.
func (a *audience) grows(do func()) int64 {
	p := figures.Of(a.server.PID())
	before, err := p.RSS()
	if err != nil {
		do() // where the kernel does not tell
		return 0
	}
	most := before
	over := make(chan struct{})
	var watching sync.WaitGroup
	watching.Go(func() {
		tick := time.NewTicker(50 * time.Millisecond)
		defer tick.Stop()
		for {
			select {
			case <-over:
				return
			case <-tick.C:
				if now, err := p.RSS(); err == nil {
					most = max(most, now)
				}
			}
		}
	})
	do()
	close(over)
	watching.Wait()
	return most - before
}

// sessions is how many people are signed in, as operators are told.
func (a *audience) sessions(ctx context.Context) int {
	c, err := admin.Dial(ctx, a.dir)
	if err != nil {
		return -1
	}
	defer c.Close()
	all, err := c.Sessions(ctx)
	if err != nil {
		return -1
	}
	return len(all.Items)
}

// await waits until something holds.
func await(ctx context.Context, holds func() bool) bool {
	for began := time.Now(); !holds(); {
		if time.Since(began) > patience || !wait(ctx, 10*time.Millisecond) {
			return false
		}
	}
	return true
}

// vanish takes the network away from people who are signed in. It is ours alone.
func (a *audience) vanish(ctx context.Context) error {
	var gone []*msnclient.Client
	defer func() {
		for _, c := range gone {
			c.Close()
		}
		a.people.Wait()
	}()
	for n := range a.Vanished {
		c, err := a.enter(ctx, 2+a.Slow+n, nil, func(msnclient.Event) {})
		if err != nil {
			return err
		}
		gone = append(gone, c)
	}
	before, err := a.server.metric(ctx, `monarch_connections_closed_total{`)
	if err != nil {
		return err
	}
	a.say("%d machines vanish", a.Vanished)
	if err := process.Loopback(false); err != nil {
		return err
	}
	began := time.Now()
	for a.sessions(ctx) != 0 && time.Since(began) < 3*deadPeer {
		if !wait(ctx, 100*time.Millisecond) {
			break
		}
	}
	took := time.Since(began)
	n := a.sessions(ctx)
	if err := process.Loopback(true); err != nil {
		return err
	}
	if n != 0 {
		a.fault("%d of %d machines that vanished are still signed in after %v", n, a.Vanished, took)
	}
	after, err := a.server.metric(ctx, `monarch_connections_closed_total{`)
	if err != nil {
		return err
	}
	if int(after-before) < a.Vanished {
		a.fault("%.0f of %d machines that vanished are counted", after-before, a.Vanished)
	}
	a.figure("machines that vanished", float64(a.Vanished), "")
	a.figure("  all noticed within", took.Seconds(), "s")
	return ctx.Err()
}
