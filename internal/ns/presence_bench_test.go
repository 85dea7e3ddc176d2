package ns

import (
	"fmt"
	"testing"

	"monarch/internal/hub"
	"monarch/internal/im"
	"monarch/msnp"
)

// onlooker signs somebody in, on line, with lists that are not in the database.
func (c *crowd) onlooker(id im.UserID, lists im.Roster) *session {
	s := c.open()
	s.dialect, s.state, s.online, s.greeted = msnp9, signedIn, true, true
	c.hub.Enter(&s.entry, hub.Login{
		Person: im.Person{ID: id, Handle: handleOf(int(id)), Name: "User"}, Version: msnp.MSNP9,
	}, s)
	s.links, s.linked = *im.NewLinks(lists), true
	return s
}

// stage is a crowd of one person with the others as watchers, of whom each has 150 contacts.
func stage(b testing.TB, watchers int) (c *crowd, star *session) {
	c = newCrowd(b, 0, 0)
	fans := im.Roster{User: im.User{Policy: im.AllowOthers}}
	for i := range watchers {
		id := im.UserID(i + 2)
		fans.Contacts = append(fans.Contacts, im.Contact{ID: id, Lists: im.Forward | im.Reverse, AllowsUser: true})
		lists := im.Roster{User: im.User{Policy: im.AllowOthers}}
		for k := range 150 {
			lists.Contacts = append(lists.Contacts, im.Contact{ID: im.UserID(1 + k*(1+i%7)), Lists: im.Forward | im.Reverse, AllowsUser: true})
		}
		c.sessions = append(c.sessions, c.onlooker(id, lists))
	}
	return c, c.onlooker(1, fans)
}

// What it costs to find a watcher's session, to see that he is to be told, and to hand the
// line to his connection, which is closed.
func BenchmarkPresence(b *testing.B) {
	for _, n := range []int{100, 600, 10_000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			c, star := stage(b, n)
			b.ReportAllocs()
			for i := uint64(0); b.Loop(); i++ {
				c.hub.SetPresence(&star.entry, im.Presence{Status: msnp.Online, Flags: i}, star.watchers)
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*n), "ns/watcher")
		})
	}
}

// What a change costs in memory does not depend on how many hear of it.
func TestPresenceMakesNoGarbageForWatchers(t *testing.T) {
	c, star := stage(t, 50)
	flags := uint64(0)
	n := testing.AllocsPerRun(100, func() {
		flags++
		c.hub.SetPresence(&star.entry, im.Presence{Status: msnp.Online, Flags: flags}, star.watchers)
	})
	if n > 6 {
		t.Errorf("%v allocations for a change that 50 people hear of", n)
	}
	if got := c.hub.Lines(); got != 101*50 {
		t.Errorf("%d lines, want %d", got, 101*50)
	}
}
