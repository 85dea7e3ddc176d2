package store_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"monarch/internal/im"
	"monarch/internal/store"
)

// made is a change that was accepted: what it does to the model, and which versions it told.
type made struct {
	what     string
	versions map[int]uint32 // by the number of the person
	do       func(m *model) error
}

// nodeWorld is one database that several stores have open, as nodes do, and whose people are
// changed by all of them at once.
type nodeWorld struct {
	t     *testing.T
	nodes []*store.Store
	m     *model

	mu   sync.Mutex
	made []made
}

func TestChangesOfSeveralNodesAreAsIfOneAfterTheOther(t *testing.T) {
	const people, nodes, workers, each = 4, 3, 3, 60
	url := store.NewDatabase(t)
	w := &nodeWorld{t: t}
	for range nodes {
		w.nodes = append(w.nodes, open(t, url))
	}
	var err error
	w.m, err = newModel(w.nodes[0], people, func(n int) string { return fmt.Sprintf("p%d@example.com", n) })
	if err != nil {
		t.Fatal(err)
	}
	var all sync.WaitGroup
	for n := range nodes * workers {
		all.Go(func() {
			c := &changer{w: w, s: w.nodes[n%nodes], rnd: rand.New(rand.NewPCG(uint64(n), 7))}
			for range each {
				c.change()
			}
		})
	}
	all.Wait()
	w.replay()
	for n := range w.m.people {
		for i, s := range w.nodes {
			got, err := s.Roster(t.Context(), w.m.people[n].user.ID)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(w.m.roster(n), got, cmpopts.EquateEmpty()); diff != "" {
				t.Errorf("roster of %d at node %d: %s", n, i, diff)
			}
		}
	}
	if faults, err := store.CheckLists(t.Context(), url); err != nil || len(faults) > 0 {
		t.Errorf("%q, %v", faults, err)
	}
	if len(w.made) < nodes*workers*each/4 {
		t.Errorf("%d changes were accepted; too few to prove anything", len(w.made))
	}
}

// replay makes the accepted changes in the model, in an order that every version told agrees
// with: each is one more than that before it.
func (w *nodeWorld) replay() {
	w.t.Helper()
	left := w.made
	for len(left) > 0 {
		next := slices.IndexFunc(left, func(c made) bool {
			for who, version := range c.versions {
				if version != w.m.people[who].user.Version+1 {
					return false
				}
			}
			return true
		})
		if next < 0 {
			for _, c := range left[:min(len(left), 10)] {
				w.t.Logf("%s told %v", c.what, c.versions)
			}
			for n, p := range w.m.people {
				w.t.Logf("%d is at version %d", n, p.user.Version)
			}
			w.t.Fatalf("%d of %d changes fit nowhere", len(left), len(w.made))
		}
		c := left[next]
		if err := c.do(w.m); err != nil {
			w.t.Fatalf("%s was accepted: %v", c.what, err)
		}
		w.m.tidy()
		for who, version := range c.versions {
			if now := w.m.people[who].user.Version; now != version {
				w.t.Fatalf("%s told version %d of %d, want %d", c.what, version, who, now)
			}
		}
		left = slices.Delete(left, next, next+1)
	}
}

// changer makes changes at one of the nodes.
type changer struct {
	w   *nodeWorld
	s   *store.Store
	rnd *rand.Rand
}

// accepted notes a change, unless it was refused, which others tests look at.
func (c *changer) accepted(err error, what string, versions map[int]uint32, do func(m *model) error) {
	if err != nil {
		if errors.Is(err, store.ErrUnavailable) {
			c.w.t.Errorf("%s: %v", what, err)
		}
		return
	}
	c.w.mu.Lock()
	defer c.w.mu.Unlock()
	c.w.made = append(c.w.made, made{what, versions, do})
}

func (c *changer) id(n int) im.UserID { return c.w.m.people[n].user.ID } // which never changes

// number returns whose id it is.
func (c *changer) number(id im.UserID) int {
	return slices.IndexFunc(c.w.m.people, func(p *modelPerson) bool { return p.user.ID == id })
}

func (c *changer) change() {
	owner, peer := c.rnd.IntN(len(c.w.m.people)), c.rnd.IntN(len(c.w.m.people))
	switch c.rnd.IntN(9) {
	case 0, 1:
		c.add(owner, peer)
	case 2, 3:
		c.remove(owner, peer)
	case 4:
		c.property(owner)
	case 5:
		c.group(owner)
	case 6:
		c.name(owner, peer)
	case 7:
		c.policy(owner)
	case 8: // which leaves a record, that must not be of other lists in the end
		if _, err := c.s.Roster(c.w.t.Context(), c.id(owner)); err != nil {
			c.w.t.Error(err)
		}
	}
}

func (c *changer) list() im.List { return []im.List{fl, fl, fl, al, bl}[c.rnd.IntN(5)] }

func (c *changer) add(owner, peer int) {
	a := store.Addition{List: c.list(), Handle: c.w.m.people[peer].user.Handle, Group: c.rnd.IntN(3) - 1, Limit: 3, Name: fmt.Sprint("n", c.rnd.IntN(9))}
	got, err := c.s.Add(c.w.t.Context(), c.id(owner), a)
	versions := map[int]uint32{owner: got.Version}
	if got.First {
		versions[peer] = got.PeerVersion
	}
	c.accepted(err, fmt.Sprintf("%d adds %d: %+v", owner, peer, a), versions, func(m *model) error { return m.add(owner, peer, a) })
}

func (c *changer) remove(owner, peer int) {
	r := store.Removal{List: c.list(), Handle: c.w.m.people[peer].user.Handle, Group: c.rnd.IntN(3) - 1}
	got, err := c.s.Remove(c.w.t.Context(), c.id(owner), r)
	versions := map[int]uint32{owner: got.Version}
	if got.Left {
		versions[peer] = got.PeerVersion
	}
	c.accepted(err, fmt.Sprintf("%d removes %d: %+v", owner, peer, r), versions, func(m *model) error { return m.remove(owner, peer, r) })
}

func (c *changer) property(owner int) {
	value := fmt.Sprint(c.rnd.IntN(3))
	version, told, err := c.s.SetProperty(c.w.t.Context(), c.id(owner), "PHH", value)
	versions := map[int]uint32{owner: version}
	for _, each := range told {
		versions[c.number(each.User)] = each.Version
	}
	c.accepted(err, fmt.Sprintf("%d has number %s", owner, value), versions, func(m *model) error {
		m.setProperty(owner, "PHH", value)
		return nil
	})
}

func (c *changer) group(owner int) {
	ctx, number := c.w.t.Context(), 1+c.rnd.IntN(2)
	if c.rnd.IntN(2) == 0 {
		name := fmt.Sprint("g", c.rnd.IntN(3))
		got, err := c.s.AddGroup(ctx, c.id(owner), name)
		if got.Existed {
			return
		}
		c.accepted(err, fmt.Sprintf("%d has group %s", owner, name), map[int]uint32{owner: got.Version}, func(m *model) error {
			n, err := m.addGroup(owner, name)
			if n != got.Group.Number {
				return fmt.Errorf("group %d, want %d", got.Group.Number, n)
			}
			return err
		})
		return
	}
	version, left, err := c.s.RemoveGroup(ctx, c.id(owner), number)
	versions := map[int]uint32{owner: version}
	for _, each := range left {
		versions[c.number(each.Peer)] = each.PeerVersion
	}
	c.accepted(err, fmt.Sprintf("%d removes group %d", owner, number), versions, func(m *model) error {
		_, err := m.removeGroup(owner, number)
		return err
	})
}

func (c *changer) name(owner, peer int) {
	ctx, name := c.w.t.Context(), fmt.Sprint("m", c.rnd.IntN(9))
	if c.rnd.IntN(2) == 0 {
		version, err := c.s.Rename(ctx, c.id(owner), name)
		c.accepted(err, fmt.Sprintf("%d is %s", owner, name), map[int]uint32{owner: version}, func(m *model) error {
			m.people[owner].user.Name = name
			m.step(owner)
			return nil
		})
		return
	}
	version, err := c.s.NameContact(ctx, c.id(owner), c.w.m.people[peer].user.Handle, name)
	c.accepted(err, fmt.Sprintf("%d calls %d %s", owner, peer, name), map[int]uint32{owner: version}, func(m *model) error {
		return m.nameContact(owner, peer, name)
	})
}

func (c *changer) policy(owner int) {
	p := []im.Policy{im.AllowOthers, im.BlockOthers}[c.rnd.IntN(2)]
	version, err := c.s.SetPolicy(c.w.t.Context(), c.id(owner), p)
	c.accepted(err, fmt.Sprintf("%d has policy %s", owner, p), map[int]uint32{owner: version}, func(m *model) error {
		if m.people[owner].user.Policy == p {
			return im.ErrSameMode
		}
		m.people[owner].user.Policy = p
		m.step(owner)
		return nil
	})
}
