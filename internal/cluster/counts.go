package cluster

import "sync/atomic"

// counts are what metrics tell of.
type counts struct {
	packets, bytes, received, gaps, snapshots atomic.Uint64
}

func (n *counts) sent(bytes int) {
	n.packets.Add(1)
	n.bytes.Add(uint64(bytes))
}

// publish offers what this node knows of the cluster as metrics.
func (c *Cluster) publish() {
	m := c.cfg.Metrics
	m.Gauge("monarch_cluster_nodes", "Nodes that are alive, with this one.", func() float64 {
		alive := 1
		for _, p := range c.peers.all() {
			if p.is(Alive) {
				alive++
			}
		}
		return float64(alive)
	})
	m.Gauge("monarch_cluster_waiting_bytes", "What waits to be sent to the node for which most does; at 4 MiB it is dropped, for a snapshot later.", func() float64 {
		most := 0
		for _, p := range c.peers.all() {
			most = max(most, p.out.waiting())
		}
		return float64(most)
	})
	m.Total("monarch_cluster_batches_sent_total", "Batches of messages sent to other nodes.", c.counts.packets.Load)
	m.Total("monarch_cluster_sent_bytes_total", "Bytes of these batches.", c.counts.bytes.Load)
	m.Total("monarch_cluster_packets_received_total", "Packets of other nodes, with heartbeats.", c.counts.received.Load)
	m.Total("monarch_cluster_gaps_total", "Times that something of another node was missed, so that it began anew.", c.counts.gaps.Load)
	m.Total("monarch_cluster_snapshots_total", "Times that another node was sent everything.", c.counts.snapshots.Load)
}
