// Package natsbus is the bus of a cluster over NATS: with a NATS server inside each node, or with
// one that runs elsewhere. It carries packets and leaves to cluster what they say, and what
// is done about those that get lost.
package natsbus

import (
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"

	"monarch/internal/cluster"
	"monarch/internal/metrics"
)

// The subjects: one for all nodes, one for each run of a node. Each packet to one has its sender's
// subject for absence and the run of whom it is for as the place to answer to. There NATS itself answers
// when nobody listens to the node's.
const (
	toAll  = "monarch.all"
	toOne  = "monarch.node."
	absent = "monarch.absent."

	nobody = "503" // the status of such an answer
)

// arriving is how many packets there may be that NATS has read and that are not in the queue yet, where a
// goroutine puts them that waits for nobody.
const arriving = 4096

// Times that this node waits.
const (
	connecting = 10 * time.Second // for NATS at the start
	flushing   = 2 * time.Second  // for what was sent last to get away
)

// Bus is a node's connection with NATS, and the server in the node, if there is one. It must be made
// by [Embedded] or [External].
type Bus struct {
	log    *slog.Logger
	open   func(self cluster.NodeID) (*nats.Conn, error)
	server *server.Server // nil when it runs elsewhere; set by Start
	peers  int            // of that server

	conn    *nats.Conn
	absence string // the subject for that, with a dot at its end
	packets chan *nats.Msg
	queue   *queue
	done    chan struct{}
	reading sync.WaitGroup

	closed     atomic.Bool
	up         atomic.Bool
	slow       atomic.Uint64 // times that packets came faster than they were read
	reconnects atomic.Uint64
}

func newBus(log *slog.Logger, m *metrics.Metrics) *Bus {
	b := &Bus{log: log, packets: make(chan *nats.Msg, arriving), queue: newQueue(), done: make(chan struct{})}
	m.Gauge("monarch_nats_connected", "1 while this node is connected with NATS.", func() float64 {
		if b.up.Load() {
			return 1
		}
		return 0
	})
	m.Total("monarch_nats_reconnects_total", "Times that the connection with NATS was made again.", b.reconnects.Load)
	m.Total("monarch_nats_slow_total", "Times that packets of other nodes were lost because this one did not read them fast enough.", b.slow.Load)
	return b
}

// Start implements cluster.Bus.
func (b *Bus) Start(self cluster.NodeID, r cluster.Receiver) error {
	conn, err := b.open(self)
	if err != nil {
		b.shutDown()
		return err
	}
	b.conn, b.absence = conn, absent+self.Run()+"."
	if err := b.subscribe(self); err != nil {
		conn.Close()
		b.shutDown()
		return err
	}
	b.up.Store(true)
	b.reading.Go(b.collect)
	b.reading.Go(func() { b.read(r) })
	b.await()
	return nil
}

// subscribe has what comes to all subjects come through one channel, in the order in which NATS sends
// it.
func (b *Bus) subscribe(self cluster.NodeID) error {
	if largest := b.conn.MaxPayload(); largest < cluster.MaxPacket {
		return fmt.Errorf("NATS takes messages of %d bytes at most: set its max_payload to at least %d, 1MB is its default", largest, cluster.MaxPacket)
	}
	for _, subject := range []string{toAll, toOne + self.Run(), b.absence + "*"} {
		if _, err := b.conn.ChanSubscribe(subject, b.packets); err != nil {
			return fmt.Errorf("subscribe to %s: %w", subject, err)
		}
	}
	if err := b.conn.FlushTimeout(connecting); err != nil {
		return fmt.Errorf("subscribe: %w", err)
	}
	return nil
}

// collect has what comes wait in the queue, which is bounded in bytes, as the channel is not.
func (b *Bus) collect() {
	for {
		select {
		case <-b.done:
			return
		case m := <-b.packets:
			if b.queue.put(m) {
				b.lose()
			}
		}
	}
}

func (b *Bus) read(r cluster.Receiver) {
	for {
		m := b.queue.take()
		if m == nil {
			return
		}
		run, about := strings.CutPrefix(m.Subject, b.absence)
		switch {
		case !about:
			r.Packet(m.Data)
		case m.Header.Get("Status") == nobody:
			r.Absent(run)
		}
	}
}

// lose tells that packets are being lost.
func (b *Bus) lose() {
	b.slow.Add(1)
	b.log.Warn("packets of other nodes were lost, because this one did not read them fast enough")
}

// Broadcast implements cluster.Bus.
func (b *Bus) Broadcast(packet []byte) error { return b.conn.Publish(toAll, packet) }

// SendTo implements cluster.Bus.
func (b *Bus) SendTo(node cluster.NodeID, packet []byte) error {
	run := node.Run()
	return b.conn.PublishRequest(toOne+run, b.absence+run, packet)
}

// Close implements cluster.Bus. Closing twice does nothing more.
func (b *Bus) Close() error {
	if b.closed.Swap(true) {
		return nil
	}
	err := b.conn.FlushTimeout(flushing)
	b.drain()
	b.conn.Close()
	close(b.done)
	b.queue.close()
	b.reading.Wait()
	b.shutDown()
	if err != nil {
		return fmt.Errorf("what was sent last may not have arrived: %w", err)
	}
	return nil
}

func (b *Bus) shutDown() {
	if b.server != nil {
		b.server.Shutdown()
		b.server.WaitForShutdown()
	}
}

// Connected reports whether this node can send and receive. A server in this node always can;
// whom it reaches is the cluster's to know.
func (b *Bus) Connected() bool { return b.up.Load() }

// options are how this node is connected with NATS, wherever it runs. What cannot be sent while it is
// not connected is not kept: the cluster does that, as long as it makes sense.
func (b *Bus) options(self cluster.NodeID) []nats.Option {
	return []nats.Option{
		nats.Name("monarch " + string(self)),
		nats.NoEcho(),
		nats.Timeout(connecting),
		nats.MaxReconnects(-1),
		nats.IgnoreAuthErrorAbort(), // whoever mends a password need not start the nodes again
		nats.ReconnectWait(250 * time.Millisecond),
		nats.ReconnectJitter(250*time.Millisecond, 250*time.Millisecond),
		nats.ReconnectBufSize(-1),
		nats.PingInterval(pinging),
		nats.MaxPingsOutstanding(unanswered),
		nats.DisconnectErrHandler(func(_ *nats.Conn, err error) {
			if b.up.Swap(false) && err != nil { // without an error it is closing
				b.log.Error("lost NATS, and the other nodes with it; trying to reach it again", "err", err)
			}
		}),
		nats.ReconnectHandler(func(c *nats.Conn) {
			b.up.Store(true)
			b.reconnects.Add(1)
			b.log.Info("NATS is there again", "url", c.ConnectedUrlRedacted())
		}),
		nats.ErrorHandler(func(_ *nats.Conn, _ *nats.Subscription, err error) {
			if errors.Is(err, nats.ErrSlowConsumer) {
				b.lose()
				return
			}
			b.log.Warn("NATS complains", "err", err)
		}),
	}
}
