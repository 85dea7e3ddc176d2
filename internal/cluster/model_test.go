package cluster_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"monarch/internal/cluster"
	"monarch/internal/cluster/clustertest"
)

// step is something that happens to a cluster. What it does with the numbers is up to its kind.
type step struct {
	Kind    string
	A, B, N int
}

// model is a cluster to which anything happens.
type model struct {
	t     *testing.T
	net   *clustertest.Net
	nodes []*node
	last  int // value of a fact
}

// kinds are what may happen, by name. a and b are two different nodes.
var kinds = map[string]func(m *model, a, b, n int){
	"set": func(m *model, a, _, n int) {
		m.last++
		m.nodes[a].set(fmt.Sprint(n%10), m.last, cluster.Haste(n%2))
	},
	"remove": func(m *model, a, _, n int) {
		m.nodes[a].set(fmt.Sprint(n%10), 0, cluster.Haste(n%2))
	},
	"wait":    func(_ *model, _, _, n int) { pass(time.Duration(n) * 150 * time.Millisecond) },
	"cut":     func(m *model, a, b, _ int) { m.net.Cut(m.nodes[a].Self(), m.nodes[b].Self()) },
	"mend":    func(m *model, a, b, _ int) { m.net.Mend(m.nodes[a].Self(), m.nodes[b].Self()) },
	"cut off": func(m *model, a, _, _ int) { m.net.CutOff(m.nodes[a].Self()) },
	"lose":    func(m *model, a, b, n int) { m.net.Lose(m.nodes[a].Self(), m.nodes[b].Self(), n%5) },
	"lose in one direction": func(m *model, a, b, _ int) {
		m.net.Lose(m.nodes[a].Self(), m.nodes[b].Self(), 1<<30)
	},
	"delay": func(m *model, a, b, n int) {
		m.net.Delay(m.nodes[a].Self(), m.nodes[b].Self(), time.Duration(n)*10*time.Millisecond)
	},
	"break":       func(m *model, a, _, _ int) { m.nodes[a].bus.Break() },
	"repair":      func(m *model, a, _, _ int) { m.nodes[a].bus.Repair() },
	"stand still": func(m *model, a, _, n int) { m.nodes[a].clock.Advance(time.Duration(n) * time.Second) },
	"miss":        func(m *model, a, b, _ int) { m.nodes[a].bus.Miss(m.nodes[b].Self()) },
	"tell absent": func(m *model, _, _, _ int) { m.net.TellAbsent() },
	"leave": func(m *model, a, _, _ int) {
		m.nodes[a].end()
		m.again(a)
	},
	"crash": func(m *model, a, _, _ int) {
		m.nodes[a].crash(m.net)
		m.again(a)
	},
	"ask": func(m *model, a, b, _ int) {
		ctx, cancel := context.WithTimeout(m.t.Context(), 20*time.Second)
		defer cancel()
		got, err := m.nodes[a].Ask(ctx, m.nodes[b].Self(), []byte("well?"))
		if err == nil && string(got) != "yes" || err != nil && !errors.Is(err, cluster.ErrUnreachable) && !errors.Is(err, context.DeadlineExceeded) {
			m.nodes[a].faults = append(m.nodes[a].faults, fmt.Sprintf("asking: %q, %v", got, err))
		}
	},
}

// again starts a node that ended.
func (m *model) again(a int) {
	m.nodes[a] = newNode(m.net, m.nodes[a].Self().Name())
	if err := m.nodes[a].Start(m.t.Context()); err != nil {
		m.nodes[a].faults = append(m.nodes[a].faults, err.Error())
	}
}

// play lets the steps happen to four nodes, and then nothing more for as long as it may take until
// all is well. It returns what is not.
func (m *model) play(steps []step) error {
	for i := range 4 {
		n := newNode(m.net, string(rune('a'+i)))
		if err := n.Start(m.t.Context()); err != nil {
			return err
		}
		m.nodes = append(m.nodes, n)
	}
	defer func() {
		for _, n := range m.nodes {
			n.end()
		}
	}()
	for _, s := range steps {
		kinds[s.Kind](m, s.A, (s.A+s.B)%4, s.N)
	}
	m.net.MendAll()
	for _, a := range m.nodes {
		a.bus.Repair()
		for _, b := range m.nodes {
			m.net.Lose(a.Self(), b.Self(), 0)
			m.net.Delay(a.Self(), b.Self(), 0)
		}
	}
	pass(15 * time.Second)
	if err := agree(m.nodes...); err != nil {
		return err
	}
	pass(50 * time.Second)
	for _, n := range m.nodes {
		for _, other := range n.Nodes() {
			if other.State != cluster.Alive && other.State != cluster.Here {
				return fmt.Errorf("at last %s sees that %s is %s", n.Self(), other.ID, other.State)
			}
		}
	}
	return agree(m.nodes...)
}

// Whatever happened, 15 seconds after it is over everybody knows what everybody says.
func TestModel(t *testing.T) {
	var names []string
	for name := range kinds {
		names = append(names, name)
	}
	slices.Sort(names)
	steps := rapid.SliceOfN(rapid.Custom(func(t *rapid.T) step {
		return step{
			Kind: rapid.SampledFrom(names).Draw(t, "kind"),
			A:    rapid.IntRange(0, 3).Draw(t, "a"),
			B:    rapid.IntRange(1, 3).Draw(t, "b"),
			N:    rapid.IntRange(0, 100).Draw(t, "n"),
		}
	}), 0, 60)
	rapid.Check(t, func(rt *rapid.T) {
		drawn := steps.Draw(rt, "steps")
		var err error
		synctest.Test(t, func(t *testing.T) {
			err = (&model{t: t, net: clustertest.NewNet()}).play(drawn)
		})
		if err != nil {
			rt.Fatal(err)
		}
	})
}
