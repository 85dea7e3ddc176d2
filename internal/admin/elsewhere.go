package admin

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"sync"

	"monarch/internal/audit"
	"monarch/internal/cluster"
	"monarch/internal/nodes"
)

// Services of several nodes ask each other in requests of the HTTP interface, which travel between
// the nodes as questions. Who is asked so answers for his own node.

// The topics of questions between nodes.
const (
	topicAdmin    = "admin"    // carried
	topicSessions = "sessions" // after
	topicKeys     = "keys"     // nothing
	topicTokens   = "tokens"   // nothing: one was revoked, so none that is remembered counts
)

// carried is a request on its way to another node.
type carried struct {
	Method string `json:"method"`
	Path   string `json:"path"`
	Body   []byte `json:"body,omitempty"`
	Actor  string `json:"actor,omitempty"` // who asks for it, for the audit log
}

// brought is what comes back.
type brought struct {
	Status int    `json:"status"`
	Body   []byte `json:"body,omitempty"`
}

// Join lets the service ask those of other nodes, and answer them. It is for construction time.
func (s *Service) Join(n *nodes.Nodes) {
	s.nodes = n
	n.Answer(topicAdmin, s.answer)
	n.Answer(topicSessions, s.page)
	n.Hear(topicTokens, func([]byte) { s.forgetTokens() })
	n.Answer(topicStatus, s.tellStatus)
	n.Answer(topicHistory, s.tellHistory)
	n.Answer(topicErrors, s.tellErrors)
	n.Answer(topicNetworks, s.enforceHere)
	n.Answer(topicKeys, func(ctx context.Context, _ []byte) ([]byte, error) {
		keys, err := s.Store.Keys(ctx)
		if err == nil {
			_, err = s.use(ctx, keys)
		}
		return []byte("null"), err
	})
}

// alone is the key of a context in which a service answers for its own node.
type alone struct{}

// isAlone reports whether only this node is asked.
func (s *Service) isAlone(ctx context.Context) bool {
	return s.nodes == nil || ctx.Value(alone{}) != nil
}

// answer answers another node.
func (s *Service) answer(ctx context.Context, body []byte) ([]byte, error) {
	var q carried
	if err := json.Unmarshal(body, &q); err != nil {
		return nil, err
	}
	ctx = context.WithValue(audit.WithActor(ctx, q.Actor), alone{}, true)
	r, err := http.NewRequestWithContext(ctx, q.Method, "http://monarch"+q.Path, bytes.NewReader(q.Body))
	if err != nil {
		return nil, err
	}
	if q.Body != nil {
		r.Header.Set("Content-Type", "application/json")
	}
	w := &answer{header: make(http.Header), status: http.StatusOK}
	s.Handler().ServeHTTP(w, r)
	return json.Marshal(brought{w.status, w.body.Bytes()})
}

// at returns a client of another node's service.
func (s *Service) at(node cluster.NodeID) *Client {
	return &Client{http: http.Client{Transport: overCluster{s.nodes, node}}}
}

// overCluster carries requests to another node.
type overCluster struct {
	nodes *nodes.Nodes
	node  cluster.NodeID
}

// RoundTrip asks, and waits for the answer. None, or one that cannot be understood, is a refusal.
func (t overCluster) RoundTrip(r *http.Request) (*http.Response, error) {
	q := carried{Method: r.Method, Path: r.URL.RequestURI(), Actor: audit.Actor(r.Context())}
	if r.Body != nil {
		defer r.Body.Close()
		var err error
		if q.Body, err = io.ReadAll(r.Body); err != nil {
			return nil, err
		}
	}
	var b brought
	switch err := t.nodes.Ask(r.Context(), t.node, topicAdmin, q, &b); {
	case r.Context().Err() != nil:
		return nil, r.Context().Err()
	case err != nil:
		b = t.unanswered(err)
	}
	return &http.Response{
		StatusCode: b.Status, Status: http.StatusText(b.Status), Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: make(http.Header), Body: io.NopCloser(bytes.NewReader(b.Body)), ContentLength: int64(len(b.Body)), Request: r,
	}, nil
}

// unanswered is the answer of a node that gives none.
func (t overCluster) unanswered(err error) brought {
	p := problem(http.StatusBadGateway, CodeNodeSilent, "%v", err)
	if errors.Is(err, cluster.ErrUnreachable) || errors.Is(err, context.DeadlineExceeded) {
		p.Detail = t.node.Name() + " does not answer; `monarch nodes` shows when it was last heard of"
	}
	body, err := json.Marshal(p)
	if err != nil {
		body = []byte("{}") // which has no code, so the client says what it thinks of that
	}
	return brought{p.Status, body}
}

// Roundup is a list of what all nodes have.
type Roundup[T any] struct {
	List[T]
	Unheard []string `json:"unheard,omitempty" doc:"Nodes that do not answer: what they have is missing. Absent: all answer." example:"[\"node-2\"]"`
}

// gather asks every other node at the same time, and returns the names of those that do not answer, and what
// went wrong with some of them. ask is called on several goroutines.
func (s *Service) gather(ask func(cluster.Node) error) (unheard []string, why error) {
	var (
		mu   sync.Mutex
		wait sync.WaitGroup
	)
	for _, n := range s.members() {
		if n.State == cluster.Here {
			continue
		}
		wait.Go(func() {
			err := errUnheard
			if n.State == cluster.Alive {
				err = ask(n)
			}
			if err == nil {
				return
			}
			mu.Lock()
			defer mu.Unlock()
			unheard = append(unheard, n.Name)
			if !errors.Is(err, errUnheard) {
				why = errors.Join(why, fmt.Errorf("%s: %w", n.Name, err))
			}
		})
	}
	wait.Wait()
	slices.Sort(unheard)
	return slices.Compact(unheard), why // a node may have died more than once
}

// errUnheard is the answer of a node that is not asked, as nothing has been heard of it for a while. The log has
// that from the cluster.
var errUnheard = errors.New("it has not been heard of for a while")

// members are the nodes that are there, or should be: not those that left, nor an earlier run of one.
func (s *Service) members() []cluster.Node {
	all := s.nodes.All()
	again := make(map[string]bool)
	for _, n := range all {
		again[n.Name] = again[n.Name] || n.State != cluster.Silent && n.State != cluster.Left
	}
	return slices.DeleteFunc(all, func(n cluster.Node) bool {
		return n.State == cluster.Left || n.State == cluster.Silent && again[n.Name]
	})
}

// spreadKeys has other nodes read the keys, so that they accept what a new one signs before it does.
// Those that do not answer learn of it when they meet something that it signed.
func (s *Service) spreadKeys(ctx context.Context) {
	if s.isAlone(ctx) {
		return
	}
	err := s.nodes.Each(func(n cluster.Node) error { return s.nodes.Ask(ctx, n.ID, topicKeys, nil, nil) })
	if err != nil {
		s.Log.WarnContext(ctx, "nodes have not read the new keys, and will in a minute", "err", err)
	}
}
