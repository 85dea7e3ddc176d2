package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"monarch/internal/admin"
)

type nodesCmd struct {
	JSON bool `name:"json" help:"Write JSON."`
}

// Help gives the example.
func (*nodesCmd) Help() string { return "monarch nodes" }

// Run lists the nodes as that of this data directory sees them.
func (c *nodesCmd) Run(ctx context.Context, a *app) error {
	service, done, err := a.running(ctx)
	if err != nil {
		return err
	}
	defer done()
	nodes, err := service.Nodes(ctx)
	if err != nil {
		return err
	}
	if c.JSON {
		return encode(a.stdout, nodes)
	}
	rows := make([][]string, len(nodes))
	for i, n := range nodes {
		rows[i] = []string{
			cmp.Or(n.Name, "(alone)"), nodeState(n), strconv.Itoa(n.Sessions), strconv.Itoa(n.Seated), heard(n), ahead(n.ClockAhead),
			strings.Join(n.Roles, " "), n.Release,
		}
	}
	return table(a.stdout, []string{"NODE", "STATE", "SIGNED IN", "IN CHATS", "HEARD", "CLOCK", "ROLES", "RELEASE"}, rows)
}

func nodeState(n admin.Node) string {
	if n.Draining {
		return n.State + ", draining"
	}
	return n.State
}

// heard says how long ago a node was heard of.
func heard(n admin.Node) string {
	if n.State == "here" {
		return ""
	}
	return max(time.Since(n.Heard), 0).Round(time.Second).String() + " ago"
}

// ahead says by how much the clock of a node is off, if that is worth mentioning.
func ahead(seconds float64) string {
	if d := time.Duration(seconds * float64(time.Second)).Round(time.Second); d > time.Second || d < -time.Second {
		return fmt.Sprintf("%+d s", int(d.Seconds()))
	}
	return ""
}

type drainCmd struct {
	Node string `arg:"" help:"The node's name, as in monarch nodes."`
	Pace pace   `help:"How many people are moved in a second: 50, unless another number is given." default:"50/s" placeholder:"N/s"`
	Undo bool   `help:"Stop that: the node takes people again. A restart does, too."`
}

// pace is so many in a second.
type pace int

// UnmarshalText reads 50/s, or 50.
func (p *pace) UnmarshalText(text []byte) error {
	n, err := strconv.Atoi(strings.TrimSuffix(string(text), "/s"))
	if err != nil || n < 1 {
		return fmt.Errorf("%q is no pace; write it like 50/s", text)
	}
	*p = pace(n)
	return nil
}

// Help gives the example.
func (*drainCmd) Help() string {
	return "monarch drain node-1 --pace 20/s\nmonarch drain node-1 --undo"
}

// Run has a node move its people, or keep them.
func (c *drainCmd) Run(ctx context.Context, a *app) error {
	service, done, err := a.running(ctx)
	if err != nil {
		return err
	}
	defer done()
	if c.Undo {
		if err := service.Undrain(ctx, c.Node); err != nil {
			return err
		}
		fmt.Fprintf(a.stdout, "%s takes people again.\n", clean(c.Node))
		return nil
	}
	if err := service.Drain(ctx, c.Node, int(c.Pace)); err != nil {
		return err
	}
	fmt.Fprintf(a.stdout, "%s moves its people to other nodes, %d a second. To see how far it is: %s\n"+
		"Conversations stay until they end or it is stopped. To take it back: %s\n",
		clean(c.Node), c.Pace, a.command("nodes"), a.command("drain "+c.Node+" --undo"))
	return nil
}

// running returns the service of a server that runs.
func (a *app) running(ctx context.Context) (*admin.Client, func(), error) {
	service, done, err := a.service(ctx, mustExist)
	if err == nil && !service.Running() {
		done()
		err = errors.New("the server does not run. Start it: " + a.command("serve"))
	}
	return service, done, err
}
