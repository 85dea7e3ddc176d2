package store

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"

	"monarch/internal/im"
)

// recordMachine changes the lists of a few people at random, and computes and writes their
// records as late and in whatever order it likes.
type recordMachine struct {
	s       *Store
	ctx     context.Context
	people  []im.User
	pending []record
	round   int
	made    int // accounts in this round
}

func TestARecordShowsNothingButTheRosterOfThatMoment(t *testing.T) {
	s := open(t, NewDatabase(t))
	round := 0
	rapid.Check(t, func(t *rapid.T) {
		round++
		m := &recordMachine{s: s, ctx: context.Background(), round: round}
		for range 3 {
			m.create(t)
		}
		t.Repeat(map[string]func(*rapid.T){
			"": m.compare, "compute": m.compute, "write": m.write,
			"add": m.add, "remove": m.remove, "name contact": m.nameContact, "rename": m.rename, "group": m.group,
			"set policy": m.setPolicy, "set prompt": m.setPrompt, "set property": m.setProperty,
			"account": m.account, "replace": m.replace, "import": m.importContact,
		})
		// What was written last is found, or this test would prove nothing.
		m.pending = nil
		m.computeAll(t)
		m.writeAll(t)
		for _, u := range m.people {
			if _, ok, err := s.recordedRoster(m.ctx, "test", u.ID); err != nil || !ok {
				t.Fatalf("no record of %d: %v", u.ID, err)
			}
		}
	})
}

// compare is what this is about. Many changes then meet records of everybody.
func (m *recordMachine) compare(t *rapid.T) {
	defer func() {
		if rapid.Bool().Draw(t, "write all") {
			m.computeAll(t)
			m.writeAll(t)
		}
	}()
	for _, u := range m.people {
		got, ok, err := m.s.recordedRoster(m.ctx, "test", u.ID)
		if err != nil {
			t.Fatal(err)
		}
		if !ok {
			continue
		}
		want, _, err := m.s.computeRoster(m.ctx, "test", u.ID)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Fatalf("record of %d: %s", u.ID, diff)
		}
	}
}

func (m *recordMachine) pick(t *rapid.T, what string) im.User {
	return m.people[rapid.IntRange(0, len(m.people)-1).Draw(t, what)]
}

func (m *recordMachine) computeOf(t *rapid.T, id im.UserID) {
	r, epoch, err := m.s.computeRoster(m.ctx, "test", id)
	if err != nil {
		t.Fatal(err)
	}
	m.pending = append(m.pending, newRecord(r, epoch))
}

func (m *recordMachine) compute(t *rapid.T) { m.computeOf(t, m.pick(t, "whose").ID) }

func (m *recordMachine) computeAll(t *rapid.T) {
	for _, u := range m.people {
		m.computeOf(t, u.ID)
	}
}

func (m *recordMachine) write(t *rapid.T) {
	if len(m.pending) == 0 {
		return
	}
	i := rapid.IntRange(0, len(m.pending)-1).Draw(t, "which")
	if err := m.s.writeRecords(m.ctx, m.pending[i:i+1]); err != nil {
		t.Fatal(err)
	}
	m.pending = slices.Delete(m.pending, i, i+1)
}

func (m *recordMachine) writeAll(t *rapid.T) {
	if err := m.s.writeRecords(m.ctx, m.pending); err != nil {
		t.Fatal(err)
	}
	m.pending = nil
}

// refused takes the result of a change that may be refused: other tests know when.
func (m *recordMachine) refused(t *rapid.T, err error) {
	if errors.Is(err, ErrUnavailable) {
		t.Fatal(err)
	}
}

var (
	anyList  = rapid.SampledFrom([]im.List{im.Forward, im.Forward, im.Allow, im.Block})
	anyGroup = rapid.IntRange(-1, 2)
	anyName  = rapid.SampledFrom([]string{"A", "B", "50% C", "\xff"})
)

func (m *recordMachine) add(t *rapid.T) {
	_, err := m.s.Add(m.ctx, m.pick(t, "owner").ID, Addition{
		List: anyList.Draw(t, "list"), Handle: m.pick(t, "peer").Handle, Name: anyName.Draw(t, "name"), Group: anyGroup.Draw(t, "group"),
	})
	m.refused(t, err)
}

func (m *recordMachine) remove(t *rapid.T) {
	owner, peer, group := m.pick(t, "owner").ID, m.pick(t, "peer").Handle, anyGroup.Draw(t, "group")
	if anyList.Draw(t, "list") == im.Forward {
		_, err := m.s.Remove(m.ctx, owner, Removal{List: im.Forward, Handle: peer, Group: group})
		m.refused(t, err)
		return
	}
	_, err := m.s.Remove(m.ctx, owner, Removal{List: im.Allow, Handle: peer})
	m.refused(t, err)
	_, err = m.s.Remove(m.ctx, owner, Removal{List: im.Block, Handle: peer})
	m.refused(t, err)
}

func (m *recordMachine) nameContact(t *rapid.T) {
	_, err := m.s.NameContact(m.ctx, m.pick(t, "owner").ID, m.pick(t, "peer").Handle, anyName.Draw(t, "name"))
	m.refused(t, err)
}

func (m *recordMachine) rename(t *rapid.T) {
	_, err := m.s.Rename(m.ctx, m.pick(t, "who").ID, anyName.Draw(t, "name"))
	m.refused(t, err)
}

func (m *recordMachine) group(t *rapid.T) {
	owner, number, name := m.pick(t, "owner").ID, anyGroup.Draw(t, "group"), anyName.Draw(t, "name")
	switch rapid.IntRange(0, 2).Draw(t, "what") {
	case 0:
		_, err := m.s.AddGroup(m.ctx, owner, name)
		m.refused(t, err)
	case 1:
		_, err := m.s.RenameGroup(m.ctx, owner, number, name)
		m.refused(t, err)
	case 2:
		_, _, err := m.s.RemoveGroup(m.ctx, owner, number)
		m.refused(t, err)
	}
}

func (m *recordMachine) setPolicy(t *rapid.T) {
	_, err := m.s.SetPolicy(m.ctx, m.pick(t, "who").ID, rapid.SampledFrom([]im.Policy{im.AllowOthers, im.BlockOthers}).Draw(t, "policy"))
	m.refused(t, err)
}

func (m *recordMachine) setPrompt(t *rapid.T) {
	_, err := m.s.SetPrompt(m.ctx, m.pick(t, "who").ID, rapid.SampledFrom([]im.Prompt{im.Ask, im.AddSilent}).Draw(t, "prompt"))
	m.refused(t, err)
}

func (m *recordMachine) setProperty(t *rapid.T) {
	typ := rapid.SampledFrom([]string{"PHH", "MOB", "MBE"}).Draw(t, "type")
	_, _, err := m.s.SetProperty(m.ctx, m.pick(t, "who").ID, typ, rapid.SampledFrom([]string{"", "Y", "1 555"}).Draw(t, "value"))
	m.refused(t, err)
}

// account changes what is not about lists.
func (m *recordMachine) account(t *rapid.T) {
	id := m.pick(t, "who").ID
	m.refused(t, m.s.SetPassword(m.ctx, id, anyName.Draw(t, "hash")))
	m.refused(t, m.s.SetDisabled(m.ctx, id, rapid.Bool().Draw(t, "disabled")))
	m.refused(t, m.s.SetMailbox(m.ctx, id, ""))
}

func (m *recordMachine) create(t *rapid.T) {
	m.made++
	u, err := m.s.CreateUser(m.ctx, fmt.Sprintf("p%d@r%d.example.com", m.made, m.round), "", "")
	if err != nil {
		t.Fatal(err)
	}
	m.people = append(m.people, u)
}

// replace removes an account and makes one with the same handle.
func (m *recordMachine) replace(t *rapid.T) {
	i := rapid.IntRange(0, len(m.people)-1).Draw(t, "whom")
	if err := m.s.DeleteUser(m.ctx, m.people[i].ID); err != nil {
		t.Fatal(err)
	}
	u, err := m.s.CreateUser(m.ctx, m.people[i].Handle, "", "")
	if err != nil {
		t.Fatal(err)
	}
	m.people[i] = u
}

func (m *recordMachine) importContact(t *rapid.T) {
	m.refused(t, m.s.ImportContacts(m.ctx, slices.Values([]NewContact{{
		Owner: m.pick(t, "owner").Handle, Peer: m.pick(t, "peer").Handle,
		Lists: anyList.Draw(t, "list") | im.Allow, Name: anyName.Draw(t, "name"),
	}}), nil))
}

// pair is alice and bob, who have each other, and carol, who has alice blocked and is had by her.
func pair(t *testing.T) (s *Store, alice, bob, carol im.User) {
	t.Helper()
	ctx := context.Background()
	s = open(t, NewDatabase(t))
	users := make([]im.User, 3)
	for i, handle := range []string{"alice@example.com", "bob@example.com", "carol@example.com"} {
		var err error
		if users[i], err = s.CreateUser(ctx, handle, "", ""); err != nil {
			t.Fatal(err)
		}
	}
	alice, bob, carol = users[0], users[1], users[2]
	err := s.ImportContacts(ctx, slices.Values([]NewContact{
		{Owner: alice.Handle, Peer: bob.Handle, Lists: im.Forward | im.Allow},
		{Owner: bob.Handle, Peer: alice.Handle, Lists: im.Forward | im.Allow},
		{Owner: alice.Handle, Peer: carol.Handle, Lists: im.Forward},
		{Owner: carol.Handle, Peer: alice.Handle, Lists: im.Block},
	}), nil)
	if err != nil {
		t.Fatal(err)
	}
	return s, alice, bob, carol
}

// awaitRecord asks for a roster and waits until it is recorded.
func awaitRecord(t *testing.T, s *Store, id im.UserID) {
	t.Helper()
	want, err := s.Roster(context.Background(), id)
	if err != nil {
		t.Fatal(err)
	}
	for {
		got, ok, err := s.recordedRoster(context.Background(), "test", id)
		if err != nil {
			t.Fatal(err)
		}
		if !ok {
			runtime.Gosched()
			continue
		}
		if diff := cmp.Diff(want, got, cmpopts.EquateEmpty()); diff != "" {
			t.Fatal(diff)
		}
		return
	}
}

func TestARecordOutlastsWhatItDoesNotShow(t *testing.T) {
	s, alice, bob, carol := pair(t)
	ctx := context.Background()
	awaitRecord(t, s, alice.ID)
	_, ofBob := s.Rename(ctx, bob.ID, "Bobby")
	_, _, phone := s.SetProperty(ctx, carol.ID, "PHH", "1")
	_, policy := s.SetPolicy(ctx, bob.ID, im.BlockOthers)
	if err := s.SetPassword(ctx, alice.ID, "new"); ofBob != nil || phone != nil || policy != nil || err != nil {
		t.Fatal(ofBob, phone, policy, err)
	}
	r, ok, err := s.recordedRoster(ctx, "test", alice.ID)
	if err != nil || !ok {
		t.Fatalf("computed again: %v", err)
	}
	if r.User.PasswordHash != "new" {
		t.Errorf("the account is that of the record: %+v", r.User)
	}
}

func TestARecordThatCannotBeReadIsComputedAgain(t *testing.T) {
	s, alice, _, _ := pair(t)
	ctx := context.Background()
	awaitRecord(t, s, alice.ID)
	want, err := s.Roster(ctx, alice.ID)
	if err != nil {
		t.Fatal(err)
	}
	for _, body := range [][]byte{nil, {0}, {packedFormat, 1}, {packedFormat + 1, 0, 0, 0}} {
		if _, err := raw(s).Exec(`UPDATE roster_record SET body = $1`, append([]byte{}, body...)); err != nil {
			t.Fatal(err)
		}
		got, err := s.Roster(ctx, alice.ID)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%v: %s", body, diff)
		}
		awaitRecord(t, s, alice.ID)
	}
}

func TestARecorderThatCannotWriteToSQLiteHoldsSoMuchAndNoMore(t *testing.T) {
	s, alice, _, _ := pair(t)
	s.writer.turn <- struct{}{}
	one := record{owner: alice.ID, body: make([]byte, 100_000)}
	for range 1000 {
		s.recorder.offer(one)
		s.recorder.mu.Lock()
		size, n := s.recorder.size, len(s.recorder.queue)
		s.recorder.mu.Unlock()
		if size > mostQueued || n*len(one.body) != size {
			t.Fatalf("%d bytes in %d records", size, n)
		}
	}
	<-s.writer.turn
	awaitRecord(t, s, alice.ID)
}

// BenchmarkComputeRoster is what a roster takes when there is no record.
func BenchmarkComputeRoster(b *testing.B) {
	ctx := context.Background()
	s := open(b, NewDatabase(b))
	handle := func(n int) string { return fmt.Sprintf("user%05d@example.com", n) }
	const contacts = 150
	users, mutual := make([]NewUser, contacts+1), make([]NewContact, 0, 2*contacts)
	for i := range users {
		users[i].Handle = handle(i)
		if i > 0 {
			mutual = append(mutual, NewContact{Owner: handle(0), Peer: handle(i), Lists: im.Forward | im.Allow},
				NewContact{Owner: handle(i), Peer: handle(0), Lists: im.Forward | im.Allow})
		}
	}
	if err := s.ImportUsers(ctx, slices.Values(users), nil); err != nil {
		b.Fatal(err)
	}
	if err := s.ImportContacts(ctx, slices.Values(mutual), nil); err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		if _, _, err := s.computeRoster(ctx, "benchmark", 1); err != nil {
			b.Fatal(err)
		}
	}
}
