package admin

import (
	"cmp"
	"context"
	"encoding/json"
	"log/slog"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"sync"
	"time"

	"monarch/internal/cluster"
	"monarch/internal/history"
)

const (
	pathStatus = Root + "/status"
	pathErrors = Root + "/errors"

	topicStatus = "status" // nothing; the answer is a NodeStatus
	topicErrors = "errors" // a number of lines; the answer is a list of LogLine
)

// figuresTime is how long another node may take to tell its figures: whoever looks on wants to see
// those of the others meanwhile.
const figuresTime = 3 * time.Second

// Overview is the service at a glance.
type Overview struct {
	Service string    `json:"service" doc:"What it is called." example:"Monarch"`
	Version string    `json:"version" doc:"The release of the node that answers." example:"1.0.0"`
	Since   time.Time `json:"since" doc:"When that node started." example:"2026-03-01T12:00:00Z"`

	People int `json:"people" doc:"How many people are signed in, as that node knows." example:"120"`

	// All nodes together; of those that do not answer, what they told last of their sessions.
	Figures

	Nodes []NodeStatus `json:"nodes" doc:"How each node is doing, in the order of their names."`
}

// Figures are how a node is doing, or all of them together.
type Figures struct {
	Sessions       int     `json:"sessions" doc:"How many sessions there are." example:"40"`
	Connections    int     `json:"connections" doc:"How many connections of clients." example:"55"`
	Strangers      int     `json:"strangers" doc:"How many of these nobody has signed in on." example:"1"`
	Switchboards   int     `json:"switchboards" doc:"How many conversations there are." example:"7"`
	SignInsMinute  float64 `json:"sign_ins_minute" doc:"Sign-ins in the last minute." example:"1"`
	RefusedMinute  float64 `json:"refused_minute" doc:"Refused sign-ins in the last minute." example:"0"`
	MessagesMinute float64 `json:"messages_minute" doc:"Messages in the last minute." example:"80.5"`
	ErrorsHour     int     `json:"errors_hour" doc:"Errors that were logged in the last hour." example:"0"`
	WarningsHour   int     `json:"warnings_hour" doc:"Warnings that were logged in the last hour." example:"1"`
}

// add adds the figures of another node.
func (f *Figures) add(other Figures) {
	f.Sessions += other.Sessions
	f.Connections += other.Connections
	f.Strangers += other.Strangers
	f.Switchboards += other.Switchboards
	f.SignInsMinute += other.SignInsMinute
	f.RefusedMinute += other.RefusedMinute
	f.MessagesMinute += other.MessagesMinute
	f.ErrorsHour += other.ErrorsHour
	f.WarningsHour += other.WarningsHour
}

// NodeStatus is how one node is doing.
type NodeStatus struct {
	Name     string    `json:"name" doc:"What it is called; empty where it is alone." example:"node-1"`
	State    string    `json:"state" enum:"here joining alive silent left" doc:"How the node that answers knows it: here is itself." example:"alive"`
	Draining bool      `json:"draining" doc:"Whether it moves its people to other nodes." example:"false"`
	Roles    []string  `json:"roles" doc:"What it does." example:"[\"notification\",\"switchboard\"]"`
	Version  string    `json:"version" doc:"Its release." example:"1.0.0"`
	Since    time.Time `json:"since,omitzero" doc:"When it started. Absent when it does not answer." example:"2026-03-01T12:00:00Z"`
	Figures
	CPU     float64 `json:"cpu" doc:"How many cores it uses." example:"0.12"`
	Memory  int64   `json:"memory" doc:"Its resident memory, in bytes." example:"41943040"`
	Load    float64 `json:"load" doc:"Its sessions, as a share of its capacity." example:"0.004"`
	Unheard bool    `json:"unheard,omitempty" doc:"It does not answer: of its figures only the sessions are known, as it told them last. Absent: it does." example:"true"`
}

// LogLine is a line of the log that tells of trouble.
type LogLine struct {
	Time       time.Time         `json:"time" doc:"When it was written." example:"2026-03-01T12:00:00Z"`
	Level      string            `json:"level" doc:"WARN or ERROR." example:"WARN"`
	Node       string            `json:"node,omitempty" doc:"Whose log has it. Absent where there is one node." example:"node-1"`
	Text       string            `json:"text" doc:"What it says." example:"a webhook does not take what it is told"`
	Attributes map[string]string `json:"attributes,omitempty" doc:"What it says besides, by name." example:"{\"webhook\":\"wh_4FQ7ZJ2KXM5A\"}"`
}

// Overview returns how the service is doing now.
func (s *Service) Overview(ctx context.Context) Overview {
	o := Overview{Service: s.Name, Version: s.Version, People: s.Hub.CountAll(), Nodes: s.nodeStatuses(ctx)}
	if s.Past != nil {
		o.Since = s.Past.Began().UTC()
	}
	for _, n := range o.Nodes {
		o.add(n.Figures)
	}
	return o
}

// nodeStatuses asks every node.
func (s *Service) nodeStatuses(ctx context.Context) []NodeStatus {
	if s.nodes == nil {
		return []NodeStatus{}
	}
	all := s.nodes.All()
	list := make([]NodeStatus, len(all))
	var wait sync.WaitGroup
	for i, n := range all {
		wait.Go(func() { list[i] = s.nodeStatus(ctx, n) })
	}
	wait.Wait()
	slices.SortFunc(list, func(a, b NodeStatus) int { return cmp.Compare(a.Name, b.Name) })
	return list
}

// nodeStatus is how a node is doing, by what it says itself and by what is known here.
func (s *Service) nodeStatus(ctx context.Context, n cluster.Node) NodeStatus {
	var told NodeStatus
	switch {
	case n.State == cluster.Here:
		told = s.status()
	case n.State != cluster.Alive || s.askFigures(ctx, n, topicStatus, nil, &told) != nil:
		told = NodeStatus{Figures: Figures{Sessions: n.Sessions}, Unheard: true}
	}
	told.Name, told.State, told.Draining = n.Name, n.State.String(), n.Draining
	told.Roles, told.Version = slices.Clone(n.Roles), n.Release
	if n.Capacity > 0 {
		told.Load = float64(told.Sessions) / float64(n.Capacity)
	}
	return told
}

// askFigures asks another node, which has little time.
func (s *Service) askFigures(ctx context.Context, n cluster.Node, topic string, in, out any) error {
	ctx, cancel := context.WithTimeout(ctx, figuresTime)
	defer cancel()
	return s.nodes.Ask(ctx, n.ID, topic, in, out)
}

// status is how this node is doing, as far as only it knows.
func (s *Service) status() NodeStatus {
	if s.Past == nil {
		return NodeStatus{}
	}
	r := s.Past.Now()
	told := NodeStatus{
		Since: s.Past.Began().UTC(), CPU: short(r[history.CPU]), Memory: int64(r[history.Memory]),
		Figures: Figures{
			Sessions: int(r[history.Sessions]), Connections: int(r[history.Connections]),
			Strangers: int(r[history.Strangers]), Switchboards: int(r[history.Switchboards]),
			SignInsMinute: short(r[history.SignIns]), RefusedMinute: short(r[history.Refused]), MessagesMinute: short(r[history.Messages]),
		},
	}
	told.WarningsHour, told.ErrorsHour = s.Past.Lines.Hour(s.Clock.Now())
	return told
}

// Errors returns the last lines of the logs of all nodes that are warnings or errors, newest first
// and so many at most; 0 is as many as are kept of a node. Those of a node that does not answer are
// missing.
func (s *Service) Errors(ctx context.Context, limit int) ([]LogLine, error) {
	if limit <= 0 || limit > history.MaxLines {
		limit = history.MaxLines
	}
	lines := s.errors(limit)
	if !s.isAlone(ctx) {
		name := s.nodes.Self().Name()
		for i := range lines {
			lines[i].Node = name
		}
		var mu sync.Mutex
		_ = s.nodes.Each(func(n cluster.Node) error { // whoever does not answer is seen in the overview
			var theirs []LogLine
			if err := s.askFigures(ctx, n, topicErrors, limit, &theirs); err != nil {
				return err
			}
			mu.Lock()
			defer mu.Unlock()
			for _, l := range theirs {
				l.Node = n.Name
				lines = append(lines, l)
			}
			return nil
		})
	}
	slices.SortStableFunc(lines, func(a, b LogLine) int { return b.Time.Compare(a.Time) })
	return lines[:min(len(lines), limit)], nil
}

// errors returns those of this node.
func (s *Service) errors(limit int) []LogLine {
	lines := []LogLine{}
	if s.Past == nil {
		return lines
	}
	for _, l := range s.Past.Lines.Last() {
		level := slog.LevelWarn
		if l.Level >= slog.LevelError {
			level = slog.LevelError
		}
		lines = append(lines, LogLine{Time: l.Time, Level: level.String(), Text: l.Text, Attributes: l.Attributes})
	}
	return lines[:min(len(lines), limit)]
}

// tellStatus answers other nodes.
func (s *Service) tellStatus(context.Context, []byte) ([]byte, error) {
	return json.Marshal(s.status())
}

// tellErrors answers other nodes with as many lines as fit into an answer.
func (s *Service) tellErrors(_ context.Context, body []byte) ([]byte, error) {
	var limit int
	if err := json.Unmarshal(body, &limit); err != nil {
		return nil, err
	}
	told, length := []json.RawMessage{}, 0
	for _, l := range s.errors(min(max(limit, 0), history.MaxLines)) {
		b, err := json.Marshal(l)
		if err != nil {
			return nil, err
		}
		if length += len(b) + len(","); length > pageBytes {
			break
		}
		told = append(told, b)
	}
	return json.Marshal(told)
}

func (s *Service) statusRoutes() []route {
	return []route{
		{
			method: "GET", path: pathStatus, scope: ServiceRead, summary: "Show how the service is doing",
			notes: "All nodes together, and each of them. Of a node that does not answer only its sessions count, as it told them last.", answer: Overview{}, handle: s.showStatus,
		},
		{
			method: "GET", path: pathHistory, scope: ServiceRead, summary: "Show how it was doing",
			notes: "Figures of the last hour or day, evenly spaced in time.", answer: figures{}, refuses: []int{404, 502}, handle: s.showHistory,
			query: []parameter{
				{"span", "string", "hour or day. Without it, hour.", "day"},
				{"node", "string", "Of which node. Without it, of all together.", "node-1"},
			},
		},
		{
			method: "GET", path: pathErrors, scope: ServiceRead, summary: "List the last trouble",
			notes: "Warnings and errors of the logs of all nodes that answer, the newest first; 200 are kept of each node.",
			query: pages[:1], answer: List[LogLine]{}, handle: s.listErrors,
		},
	}
}

func (s *Service) showStatus(r *http.Request) (any, error) { return s.Overview(r.Context()), nil }

func (s *Service) listErrors(r *http.Request) (any, error) {
	limit, err := limitOf(r)
	if err != nil {
		return nil, err
	}
	lines, err := s.Errors(r.Context(), limit)
	return List[LogLine]{Items: lines}, err
}

// Overview is [Service.Overview].
func (c *Client) Overview(ctx context.Context) (Overview, error) {
	return ask[Overview](ctx, c, http.MethodGet, pathStatus, nil)
}

// Errors is [Service.Errors].
func (c *Client) Errors(ctx context.Context, limit int) ([]LogLine, error) {
	var l List[LogLine]
	q := url.Values{"limit": {strconv.Itoa(limit)}}
	err := c.call(ctx, http.MethodGet, pathErrors+"?"+q.Encode(), nil, &l)
	return l.Items, err
}
