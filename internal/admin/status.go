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
	pathStatus = "/api/v1/status"
	pathErrors = "/api/v1/errors"

	topicStatus = "status" // nothing; the answer is a NodeStatus
	topicErrors = "errors" // a number of lines; the answer is a list of LogLine
)

// figuresTime is how long another node may take to tell its figures: whoever looks on wants to see
// those of the others meanwhile.
const figuresTime = 3 * time.Second

// Overview is the service at a glance.
type Overview struct {
	Service string    `json:"service"` // what it is called
	Version string    `json:"version"` // of this node
	Since   time.Time `json:"since"`   // when this node started

	// All nodes together; of those that do not answer, what they told last of their sessions.
	People         int     `json:"people"` // whom this node knows to be signed in
	Sessions       int     `json:"sessions"`
	Connections    int     `json:"connections"`
	Strangers      int     `json:"strangers"`
	Switchboards   int     `json:"switchboards"`
	SignInsMinute  float64 `json:"sign_ins_minute"`
	RefusedMinute  float64 `json:"refused_minute"`
	MessagesMinute float64 `json:"messages_minute"`
	ErrorsHour     int     `json:"errors_hour"`
	WarningsHour   int     `json:"warnings_hour"`

	Nodes []NodeStatus `json:"nodes"` // by name, this one among them
}

// NodeStatus is how one node is doing. Numbers per minute are of the last minute.
type NodeStatus struct {
	Name           string    `json:"name"`  // "" where it is alone
	State          string    `json:"state"` // as in [Node]
	Draining       bool      `json:"draining"`
	Roles          []string  `json:"roles"`
	Version        string    `json:"version"`
	Since          time.Time `json:"since"` // zero when it does not answer
	Sessions       int       `json:"sessions"`
	Connections    int       `json:"connections"`
	Strangers      int       `json:"strangers"` // of the connections, those without a sign-in
	Switchboards   int       `json:"switchboards"`
	SignInsMinute  float64   `json:"sign_ins_minute"`
	RefusedMinute  float64   `json:"refused_minute"`
	MessagesMinute float64   `json:"messages_minute"`
	CPU            float64   `json:"cpu"`    // cores in use
	Memory         int64     `json:"memory"` // resident, in bytes
	Load           float64   `json:"load"`   // sessions, as a share of its capacity
	Errors         int       `json:"errors"` // lines of the log in the last hour
	Warnings       int       `json:"warnings"`
	Unheard        bool      `json:"unheard,omitempty"` // it does not answer; only what it told before is known
}

// LogLine is a line of the log that tells of trouble.
type LogLine struct {
	Time       time.Time         `json:"time"`
	Level      string            `json:"level"` // WARN or ERROR
	Node       string            `json:"node,omitempty"`
	Text       string            `json:"text"`
	Attributes map[string]string `json:"attributes,omitempty"`
}

// Overview returns how the service is doing now.
func (s *Service) Overview(ctx context.Context) (Overview, error) {
	o := Overview{Service: s.Name, Version: s.Version, People: s.Hub.CountAll(), Nodes: []NodeStatus{}}
	if s.Past != nil {
		o.Since = s.Past.Began().UTC()
	}
	o.Nodes = s.nodeStatuses(ctx)
	for _, n := range o.Nodes {
		o.Sessions += n.Sessions
		o.Connections += n.Connections
		o.Strangers += n.Strangers
		o.Switchboards += n.Switchboards
		o.SignInsMinute += n.SignInsMinute
		o.RefusedMinute += n.RefusedMinute
		o.MessagesMinute += n.MessagesMinute
		o.ErrorsHour += n.Errors
		o.WarningsHour += n.Warnings
	}
	return o, nil
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
		told = NodeStatus{Sessions: n.Sessions, Unheard: true}
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
		Since:    s.Past.Began().UTC(),
		Sessions: int(r[history.Sessions]), Connections: int(r[history.Connections]),
		Strangers: int(r[history.Strangers]), Switchboards: int(r[history.Switchboards]),
		SignInsMinute: short(r[history.SignIns]), RefusedMinute: short(r[history.Refused]), MessagesMinute: short(r[history.Messages]),
		CPU: short(r[history.CPU]), Memory: int64(r[history.Memory]),
	}
	told.Warnings, told.Errors = s.Past.Lines.Hour(s.Clock.Now())
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

func (s *Service) showStatus(r *http.Request) (any, error) { return s.Overview(r.Context()) }

func (s *Service) listErrors(r *http.Request) (any, error) {
	limit, err := limitOf(r)
	if err != nil {
		return nil, err
	}
	return s.Errors(r.Context(), limit)
}

// Overview is [Service.Overview].
func (c *Client) Overview(ctx context.Context) (o Overview, err error) {
	return o, c.call(ctx, http.MethodGet, pathStatus, nil, &o)
}

// Errors is [Service.Errors].
func (c *Client) Errors(ctx context.Context, limit int) (lines []LogLine, err error) {
	q := url.Values{"limit": {strconv.Itoa(limit)}}
	return lines, c.call(ctx, http.MethodGet, pathErrors+"?"+q.Encode(), nil, &lines)
}
