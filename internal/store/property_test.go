package store_test

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"

	"monarch/internal/im"
	"monarch/internal/store"
)

// machine does the same to the store and to the model, and compares what they say.
type machine struct {
	s   *store.Store
	m   *model
	ctx context.Context
}

func TestTheStoreDoesWhatTheModelDoes(t *testing.T) {
	s := openNew(t)
	round := 0
	rapid.Check(t, func(t *rapid.T) {
		round++
		m, err := newModel(s, 3, func(n int) string { return fmt.Sprintf("p%d@r%d.example.com", n, round) })
		if err != nil {
			t.Fatal(err)
		}
		c := &machine{s: s, m: m, ctx: context.Background()}
		t.Repeat(map[string]func(*rapid.T){
			"": c.compare, "add": c.add, "add forward": c.addForward, "remove": c.remove, "name contact": c.nameContact,
			"rename": c.rename, "add group": c.addGroup, "rename group": c.renameGroup, "remove group": c.removeGroup,
			"set prompt": c.setPrompt, "set policy": c.setPolicy, "set property": c.setProperty,
		})
	})
}

// compare checks the roster of somebody. What is wrong with another's will be found later: a
// roster of everybody after each step would take most of the time there is for steps.
func (c *machine) compare(t *rapid.T) {
	n := c.pick(t, "whose roster")
	got, err := c.s.Roster(c.ctx, c.id(n))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(c.m.roster(n), got, cmpopts.EquateEmpty()); diff != "" {
		t.Fatalf("roster of %d: %s", n, diff)
	}
}

// agree checks that both refused for the same reason or both told the same version of owner.
func (c *machine) agree(t *rapid.T, owner int, want, got error, version uint32) bool {
	if !errors.Is(got, want) || (want == nil) != (got == nil) {
		t.Fatalf("got %v, want %v", got, want)
	}
	if want == nil && version != c.version(owner) {
		t.Fatalf("version %d, want %d", version, c.version(owner))
	}
	c.m.tidy()
	return want == nil
}

func (c *machine) id(n int) im.UserID   { return c.m.people[n].user.ID }
func (c *machine) version(n int) uint32 { return c.m.people[n].user.Version }
func (c *machine) handle(n int) string  { return c.m.people[n].user.Handle }

func (c *machine) pick(t *rapid.T, what string) int {
	return rapid.IntRange(0, len(c.m.people)-1).Draw(t, what)
}

var (
	someList  = rapid.SampledFrom([]im.List{im.Forward, im.Allow, im.Block})
	someGroup = rapid.IntRange(-1, 2)
	someName  = rapid.SampledFrom([]string{"A", "B", "two words", "50%", "\xff"})
)

func (c *machine) add(t *rapid.T)        { c.addTo(t, someList.Draw(t, "list")) }
func (c *machine) addForward(t *rapid.T) { c.addTo(t, im.Forward) }

func (c *machine) addTo(t *rapid.T, list im.List) {
	owner, peer := c.pick(t, "owner"), c.pick(t, "peer")
	a := store.Addition{
		List: list, Handle: c.handle(peer), Group: someGroup.Draw(t, "group"), Limit: 2,
		Name: rapid.OneOf(someName, rapid.Just("")).Draw(t, "name"),
	}
	wasOn := c.m.on(im.Forward, owner, peer)
	want := c.m.add(owner, peer, a)
	got, err := c.s.Add(c.ctx, c.id(owner), a)
	if !c.agree(t, owner, want, err, got.Version) {
		return
	}
	first := list == im.Forward && !wasOn
	if got.First != first || (first && got.PeerVersion != c.version(peer)) {
		t.Fatalf("first %v, want %v; peer's version %d", got.First, first, got.PeerVersion)
	}
	for _, shown := range c.m.roster(owner).Contacts {
		if shown.ID != c.id(peer) {
			continue
		}
		if diff := cmp.Diff(shown, got.Contact, cmpopts.EquateEmpty()); diff != "" {
			t.Fatal(diff)
		}
	}
}

func (c *machine) remove(t *rapid.T) {
	owner, peer := c.pick(t, "owner"), c.pick(t, "peer")
	r := store.Removal{List: someList.Draw(t, "list"), Handle: c.handle(peer), Group: someGroup.Draw(t, "group")}
	want := c.m.remove(owner, peer, r)
	got, err := c.s.Remove(c.ctx, c.id(owner), r)
	if !c.agree(t, owner, want, err, got.Version) {
		return
	}
	left := r.List == im.Forward && !c.m.on(im.Forward, owner, peer)
	if got.Peer != c.id(peer) || got.Left != left || (left && got.PeerVersion != c.version(peer)) {
		t.Fatalf("got %+v, left %v", got, left)
	}
}

func (c *machine) nameContact(t *rapid.T) {
	owner, peer, name := c.pick(t, "owner"), c.pick(t, "peer"), someName.Draw(t, "name")
	want := c.m.nameContact(owner, peer, name)
	version, err := c.s.NameContact(c.ctx, c.id(owner), c.handle(peer), name)
	c.agree(t, owner, want, err, version)
}

func (c *machine) rename(t *rapid.T) {
	owner, name := c.pick(t, "owner"), someName.Draw(t, "name")
	c.m.people[owner].user.Name = name
	c.m.step(owner)
	version, err := c.s.Rename(c.ctx, c.id(owner), name)
	c.agree(t, owner, nil, err, version)
}

func (c *machine) addGroup(t *rapid.T) {
	owner, name := c.pick(t, "owner"), someName.Draw(t, "name")
	number, want := c.m.addGroup(owner, name)
	g, err := c.s.AddGroup(c.ctx, c.id(owner), name)
	if c.agree(t, owner, want, err, g.Version) && (g.Group != im.Group{Number: number, Name: name}) {
		t.Fatalf("got %+v, want number %d", g, number)
	}
}

func (c *machine) renameGroup(t *rapid.T) {
	owner, number, name := c.pick(t, "owner"), someGroup.Draw(t, "group"), someName.Draw(t, "name")
	want := c.m.renameGroup(owner, number, name)
	version, err := c.s.RenameGroup(c.ctx, c.id(owner), number, name)
	c.agree(t, owner, want, err, version)
}

func (c *machine) removeGroup(t *rapid.T) {
	owner, number := c.pick(t, "owner"), someGroup.Draw(t, "group")
	gone, want := c.m.removeGroup(owner, number)
	version, left, err := c.s.RemoveGroup(c.ctx, c.id(owner), number)
	if !c.agree(t, owner, want, err, version) {
		return
	}
	var wantLeft []store.Left
	for _, peer := range gone {
		wantLeft = append(wantLeft, store.Left{Peer: c.id(peer), PeerVersion: c.version(peer)})
	}
	if diff := cmp.Diff(wantLeft, left); diff != "" {
		t.Fatal(diff)
	}
}

func (c *machine) setPrompt(t *rapid.T) {
	owner, prompt := c.pick(t, "owner"), rapid.SampledFrom([]im.Prompt{im.Ask, im.AddSilent}).Draw(t, "prompt")
	want := im.ErrSameMode
	if u := &c.m.people[owner].user; u.Prompt != prompt {
		u.Prompt, want = prompt, nil
		c.m.step(owner)
	}
	version, err := c.s.SetPrompt(c.ctx, c.id(owner), prompt)
	c.agree(t, owner, want, err, version)
}

func (c *machine) setPolicy(t *rapid.T) {
	owner, policy := c.pick(t, "owner"), rapid.SampledFrom([]im.Policy{im.AllowOthers, im.BlockOthers}).Draw(t, "policy")
	want := im.ErrSameMode
	if u := &c.m.people[owner].user; u.Policy != policy {
		u.Policy, want = policy, nil
		c.m.step(owner)
	}
	version, err := c.s.SetPolicy(c.ctx, c.id(owner), policy)
	c.agree(t, owner, want, err, version)
}

func (c *machine) setProperty(t *rapid.T) {
	owner := c.pick(t, "owner")
	typ := rapid.SampledFrom([]string{"PHH", "PHW", "PHM", "MOB", "MBE", "WWE"}).Draw(t, "type")
	value := rapid.SampledFrom([]string{"", "Y", "1 555"}).Draw(t, "value")
	seen := c.m.setProperty(owner, typ, value)
	version, told, err := c.s.SetProperty(c.ctx, c.id(owner), typ, value)
	if !c.agree(t, owner, nil, err, version) {
		return
	}
	var want []store.Told
	for _, n := range seen {
		want = append(want, store.Told{User: c.id(n), Version: c.version(n)})
	}
	if diff := cmp.Diff(want, told); diff != "" {
		t.Fatal(diff)
	}
}
