package nodes

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"time"

	"monarch/internal/cluster"
)

// askTime is how long another node may take to answer.
const askTime = 10 * time.Second

// ErrUnknown is the answer of a node that does not know what is asked: it is of another release.
var ErrUnknown = errors.New("the node does not know the question; is it of another release?")

// AnswerFunc answers a question of another node. It may wait.
type AnswerFunc func(ctx context.Context, body []byte) ([]byte, error)

// envelope is what nodes send each other besides what hubs do, and begins with a brace, which
// theirs never do.
type envelope struct {
	Topic string          `json:"topic"`
	Body  json.RawMessage `json:"body,omitempty"`
}

// answer is what comes back.
type answer struct {
	Body  json.RawMessage `json:"body,omitempty"`
	Error string          `json:"error,omitempty"`
}

// Answer registers what answers questions about a topic. It is for construction time.
func (n *Nodes) Answer(topic string, fn AnswerFunc) { n.answers[topic] = fn }

// Hear registers what takes news about a topic. It must not wait. It is for construction time.
func (n *Nodes) Hear(topic string, fn func(body []byte)) { n.hears[topic] = fn }

// Tell sends all other nodes news, which those that are not there miss.
func (n *Nodes) Tell(topic string, news any) {
	if n.cluster == nil {
		return
	}
	if b, err := seal(topic, news); err == nil {
		n.cluster.SendAll(b, cluster.Soon)
	}
}

// Ask asks another node. in is encoded and the answer decoded into out, unless that is nil.
func (n *Nodes) Ask(ctx context.Context, node cluster.NodeID, topic string, in, out any) error {
	b, err := seal(topic, in)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, askTime)
	defer cancel()
	if b, err = n.cluster.Ask(ctx, node, b); err != nil {
		return err
	}
	var a answer
	switch err := json.Unmarshal(b, &a); {
	case err != nil:
		return fmt.Errorf("ask %s: %w", node.Name(), ErrUnknown)
	case a.Error != "":
		return fmt.Errorf("%s answers: %s", node.Name(), a.Error)
	case out == nil:
		return nil
	}
	return json.Unmarshal(a.Body, out)
}

// Each asks every other node that is alive, at the same time, and returns what went wrong with
// some of them. ask is called on several goroutines.
func (n *Nodes) Each(ask func(cluster.Node) error) error {
	var (
		mu   sync.Mutex
		errs []error
		wait sync.WaitGroup
	)
	for _, node := range n.Alive() {
		if node.State == cluster.Here {
			continue
		}
		wait.Go(func() {
			if err := ask(node); err != nil {
				mu.Lock()
				errs = append(errs, err)
				mu.Unlock()
			}
		})
	}
	wait.Wait()
	return errors.Join(errs...)
}

func seal(topic string, body any) ([]byte, error) {
	b, err := json.Marshal(body)
	if err != nil {
		return nil, err
	}
	return json.Marshal(envelope{topic, b})
}

// Member returns what takes the messages of the cluster: a hub takes those that are not ours.
func (n *Nodes) Member(hub cluster.Member) cluster.Member { return &member{hub, n} }

// Close waits for the answers that are being given. No more are.
func (n *Nodes) Close() {
	n.mu.Lock()
	n.closed = true
	n.mu.Unlock()
	n.work.Wait()
}

// member is both.
type member struct {
	cluster.Member
	nodes *Nodes
}

// Receive implements cluster.Member.
func (m *member) Receive(from cluster.NodeID, msg []byte) {
	if !ours(msg) {
		m.Member.Receive(from, msg)
		return
	}
	var e envelope
	if json.Unmarshal(msg, &e) == nil && m.nodes.hears[e.Topic] != nil {
		m.nodes.hears[e.Topic](e.Body)
	}
}

// Answer implements cluster.Member.
func (m *member) Answer(from cluster.NodeID, msg []byte, reply func([]byte)) {
	if !ours(msg) {
		m.Member.Answer(from, msg, reply)
		return
	}
	var e envelope
	if json.Unmarshal(msg, &e) != nil || m.nodes.answers[e.Topic] == nil || !m.nodes.begin() {
		reply(nil)
		return
	}
	go func() {
		defer m.nodes.work.Done()
		reply(m.nodes.reply(e))
	}()
}

// begin counts an answer, unless there are to be none.
func (n *Nodes) begin() bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	if !n.closed {
		n.work.Add(1)
	}
	return !n.closed
}

func (n *Nodes) reply(e envelope) []byte {
	ctx, cancel := context.WithTimeout(context.Background(), askTime)
	defer cancel()
	var a answer
	var err error
	if a.Body, err = n.answers[e.Topic](ctx, e.Body); err != nil {
		a = answer{Error: err.Error()}
	}
	b, err := json.Marshal(a)
	if err != nil {
		b, _ = json.Marshal(answer{Error: err.Error()})
	}
	if len(b) > cluster.MaxMessage {
		b, _ = json.Marshal(answer{Error: "the answer is too long"})
	}
	return b
}

func ours(msg []byte) bool { return len(msg) > 0 && msg[0] == '{' }
