package admin

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"time"

	"monarch/internal/audit"
	"monarch/internal/cluster"
)

const pathNodes = Root + "/nodes"

// Node is a node of the service, as the node that is asked sees it.
type Node struct {
	Name        string    `json:"name" doc:"Its name. Empty where there is only one." example:"node-1"`
	State       string    `json:"state" enum:"here joining alive silent left" doc:"How the node that answers knows it: here is itself." example:"alive"`
	Release     string    `json:"release" doc:"The version that it runs." example:"1.4.0"`
	Roles       []string  `json:"roles" doc:"What it does." example:"[\"notification\",\"switchboard\"]"`
	Sessions    int       `json:"sessions" doc:"People signed in there." example:"120"`
	Seated      int       `json:"seated" doc:"Participants of conversations there." example:"14"`
	Capacity    int       `json:"capacity" doc:"How many people it takes, compared with others." example:"100"`
	Draining    bool      `json:"draining" doc:"Whether it moves its people to others." example:"false"`
	Heard       time.Time `json:"heard" doc:"When it last said something." example:"2026-03-01T12:00:00Z"`
	ClockAhead  float64   `json:"clock_ahead" doc:"By how many seconds its clock is ahead, about." example:"0.1"`
	Reached     string    `json:"notification" doc:"Where clients find its notification server. Empty when it has none." example:"192.0.2.1:1864"`
	Switchboard []string  `json:"switchboards" doc:"Where they find its switchboards." example:"[\"192.0.2.1:1865\"]"`
	Web         string    `json:"web,omitempty" doc:"Where its website listens. Absent when it has none." example:"192.0.2.1:8080"`
}

// draining is the body that has a node's people move to others.
type draining struct {
	Pace int `json:"pace,omitempty" doc:"How many people are moved in a second: 1 to 10000. Without it, 50." example:"50"`
}

// Drainer moves the people of a node away.
type Drainer interface {
	Drain(pace int) // so many a second, from now on, also those who come yet
	Undrain()       // stops that
}

// The paces of draining, in people a second.
const (
	UsualPace = 50
	maxPace   = 10_000
)

// Nodes returns the nodes that are known.
func (s *Service) Nodes(context.Context) ([]Node, error) {
	if s.nodes == nil {
		return []Node{}, nil
	}
	list := []Node{}
	for _, n := range s.nodes.All() {
		shown := Node{
			Name: n.Name, State: n.State.String(), Release: n.Release, Roles: n.Roles,
			Sessions: n.Sessions, Capacity: n.Capacity, Draining: n.Draining, Heard: n.Heard.UTC(), ClockAhead: n.Ahead.Seconds(),
			Reached: n.Notification, Switchboard: []string{}, Web: n.Web,
		}
		for _, b := range n.Switchboards {
			shown.Seated += b.Seated
			shown.Switchboard = append(shown.Switchboard, b.Addr)
		}
		list = append(list, shown)
	}
	return list, nil
}

// Drain moves the people of a node to others, so many a second; 0 is [UsualPace].
func (s *Service) Drain(ctx context.Context, node string, pace int) error {
	if pace == 0 {
		pace = UsualPace
	}
	if pace < 0 || pace > maxPace {
		return problem(http.StatusBadRequest, CodeBadRequest, "people can be moved at a pace of 1 to %d a second", maxPace).about("pace")
	}
	n, err := s.node(node)
	switch {
	case err != nil:
		return err
	case n.State != cluster.Here:
		return s.at(n.ID).Drain(ctx, node, pace)
	case !s.othersTake(n):
		return problem(http.StatusConflict, CodeNoNode,
			"no other node takes people: start one with the role notification first, or end the draining of one (--undo); "+
				"`monarch nodes` shows those there are")
	}
	s.Drainer.Drain(pace)
	s.Log.InfoContext(ctx, "draining", "pace", pace)
	s.Audit.Record(ctx, audit.Event{What: audit.NodeDrained, Note: fmt.Sprintf("%s, at %d people a second", node, pace)})
	return nil
}

// Undrain lets a node have people again.
func (s *Service) Undrain(ctx context.Context, node string) error {
	n, err := s.node(node)
	if err != nil {
		return err
	}
	if n.State != cluster.Here {
		return s.at(n.ID).Undrain(ctx, node)
	}
	s.Drainer.Undrain()
	s.Log.InfoContext(ctx, "no longer draining")
	s.Audit.Record(ctx, audit.Event{What: audit.NodeUndrained, Note: node})
	return nil
}

// node finds a node that is there by its name.
func (s *Service) node(name string) (cluster.Node, error) {
	if s.nodes == nil {
		return cluster.Node{}, problem(http.StatusConflict, CodeNoNode, "the server does not run")
	}
	var away *cluster.Node
	for _, n := range s.nodes.All() {
		switch {
		case n.Name != name || name == "":
		case n.State == cluster.Here || n.State == cluster.Alive:
			return n, nil
		default:
			away = &n
		}
	}
	if away != nil {
		return cluster.Node{}, problem(http.StatusConflict, CodeNodeSilent,
			"%s is %s: nobody is sent there, and it cannot be told anything", name, away.State)
	}
	return cluster.Node{}, problem(http.StatusNotFound, CodeNoNode, "there is no node %q; `monarch nodes` shows those there are", name)
}

// othersTake reports whether a node other than n takes people.
func (s *Service) othersTake(n cluster.Node) bool {
	for _, other := range s.nodes.Alive() {
		if other.ID != n.ID && other.Notification != "" && !other.Draining {
			return true
		}
	}
	return false
}

func (s *Service) nodeRoutes() []route {
	return []route{
		{
			method: "GET", path: pathNodes, scope: ServiceRead, summary: "List the nodes",
			notes: "As the node that answers sees them, in the order of their names.", query: pages, answer: List[Node]{}, handle: s.listNodes,
		},
		{
			method: "PUT", path: pathNodes + "/{name}/drain", scope: ServiceWrite, summary: "Drain a node",
			notes: "Moves its people to other nodes, until that is stopped or the node is. Asked for again, only the pace changes.",
			body:  draining{}, refuses: []int{404, 409, 502}, handle: s.drain,
		},
		{
			method: "DELETE", path: pathNodes + "/{name}/drain", scope: ServiceWrite, summary: "Stop draining a node",
			notes: "It takes people again. Where it does already, nothing happens.", refuses: []int{404, 409, 502}, handle: s.undrain,
		},
	}
}

func (s *Service) listNodes(r *http.Request) (any, error) {
	list, err := s.Nodes(r.Context())
	if err != nil {
		return nil, err
	}
	return listed(r, list, func(n Node) string { return n.Name })
}

func (s *Service) drain(r *http.Request) (any, error) {
	body, err := read[draining](r)
	if err != nil {
		return nil, err
	}
	return nil, s.Drain(r.Context(), r.PathValue("name"), body.Pace)
}

func (s *Service) undrain(r *http.Request) (any, error) {
	return nil, s.Undrain(r.Context(), r.PathValue("name"))
}

// Nodes is [Service.Nodes].
func (c *Client) Nodes(ctx context.Context) ([]Node, error) {
	return each[Node](ctx, c, pathNodes)
}

// Drain is [Service.Drain].
func (c *Client) Drain(ctx context.Context, node string, pace int) error {
	return c.call(ctx, http.MethodPut, drainPath(node), draining{Pace: pace}, nil)
}

// Undrain is [Service.Undrain].
func (c *Client) Undrain(ctx context.Context, node string) error {
	return c.call(ctx, http.MethodDelete, drainPath(node), nil, nil)
}

func drainPath(node string) string { return pathNodes + "/" + url.PathEscape(node) + "/drain" }
