package model

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"pgregory.net/rapid"

	"monarch/internal/im"
	"monarch/internal/msntest"
	"monarch/internal/store"
	"monarch/msnp"
)

// stage is where people and the server meet. Where several do something at once, more than
// one world may be what came of it.
type stage struct {
	t      rapid.TB
	fix    *msntest.Fixture
	worlds []*world
	users  []im.User
	conns  map[string]*client
	names  map[string]string // what the words <x> stand for
	n      int               // the last command's number

	owners map[string]int  // of notification connections
	synced map[string]bool // connections on which lists were asked for
	kept   []replica       // what somebody's client keeps

	dials  int                // connections until now
	boards map[string]string  // addresses, by the cookies for them
	at     []*msntest.Fixture // where somebody signed in last
}

// settings make times long enough not to pass by themselves, and lists and rooms small.
var settings = map[string]string{
	"limits.rates": "off", "protocol.challenge": "off",
	"limits.max_contacts": fmt.Sprint(maxContacts), "limits.max_participants": fmt.Sprint(maxRoom),
	"limits.contact_debounce": "60s", "limits.signin_hold": "60s", "limits.cookie_life": "195s",
	"limits.switchboard_idle": "455s", "limits.switchboard_idle_group": "845s",
	"limits.ticket_life": "24h",
}

// tick is how far the clock goes at a time. No limit is near a multiple of it.
const tick = 130 * time.Second

// people is how many there are.
const people = 4

func newStage(t rapid.TB, f *msntest.Fixture, number int) *stage {
	w := &world{rooms: make(map[string]room), members: make(map[string]member), moves: make(map[[2]int]bool), cookies: make(map[string]cookie)}
	s := &stage{
		t: t, fix: f, worlds: []*world{w}, conns: make(map[string]*client), names: map[string]string{"<board>": f.Server.Addr("switchboard")},
		owners: make(map[string]int), synced: make(map[string]bool), kept: make([]replica, people),
		boards: make(map[string]string), at: make([]*msntest.Fixture, people),
	}
	for i := range people {
		name := string(rune('a' + i))
		u, err := f.AddAccount(fmt.Sprintf("%s%d@example.com", name, number), strings.ToUpper(name))
		s.check(err)
		s.users = append(s.users, u)
		w.people = append(w.people, person{
			handle: u.Handle, name: u.Name, version: 1, prompt: "A", policy: "AL", held: -1,
			groups: map[int]string{0: "Other Contacts"}, links: make(map[int]link), props: make(map[string]string),
		})
	}
	return s
}

func (s *stage) check(err error) {
	if err != nil {
		s.t.Fatal(err)
	}
}

// befriend puts somebody on a list before the play begins.
func (s *stage) befriend(owner, list, peer int) {
	w := s.worlds[0]
	_, err := s.fix.Store.Add(context.Background(), s.users[owner].ID, store.Addition{
		List: im.List(list), Handle: s.users[peer].Handle, Name: "Friend", Group: -1,
	})
	s.check(err)
	l := w.people[owner].links[peer]
	l.lists |= list
	if list == forward {
		l.groups, l.stored = []int{0}, "Friend"
		w.step(owner, peer)
	} else {
		w.step(owner)
	}
	w.people[owner].links[peer] = l
}

// do lets somebody do something and compares what everybody sees with the model.
func (s *stage) do(c command) { s.together(c) }

// together lets people do something at the same time. What they see must be what the model
// says for one order or another.
func (s *stage) together(all ...command) {
	var worlds []*world
	for _, w := range s.worlds {
		w.before = w.clients()
		ends := outcomes(w, all)
		worlds = append(worlds, ends...)
		if len(s.fix.All()) > 1 {
			once := late(ends, ends, all)
			worlds = slices.Concat(worlds, once, late(once, ends, all))
		}
	}
	for _, c := range all {
		s.t.Log(c)
		s.send(c)
	}
	got := s.observe(all, worlds)
	free := freedoms(all)
	var fits []*world
	seen := make(map[string]bool)
	for _, w := range worlds {
		names, ok := w.agrees(got, free, s.names)
		if !ok || seen[w.String()] {
			continue
		}
		seen[w.String()] = true
		w.out = make(map[string][]heard)
		fits = append(fits, w)
		s.names = names
	}
	for _, key := range slices.Sorted(maps.Keys(got)) {
		for _, line := range got[key] {
			s.t.Logf("%s< %s", key, line)
			s.keep(key, line)
		}
		if slices.Contains(got[key], closed) {
			delete(s.conns, key)
		}
	}
	if len(fits) == 0 {
		s.t.Fatalf("%v\nis answered%s\nwhich is not what the model says:%s", all, shown(got), expectation(worlds))
	}
	s.worlds = fits
	for who := range s.kept {
		s.compare(who)
	}
}

// compare compares the copy of somebody's client with his lists.
func (s *stage) compare(who int) {
	r, own := s.kept[who], s.users[who].Handle
	if !slices.ContainsFunc(s.worlds, func(w *world) bool {
		return r.version != w.people[who].version || r.show(own) == w.replica(who).show(own)
	}) {
		s.t.Fatalf("the client of %s keeps\n  %s\nin place of\n  %s", own, r.show(own), s.worlds[0].replica(who).show(own))
	}
}

// outcomes returns the worlds after commands in each order.
func outcomes(w *world, all []command) []*world {
	if len(all) == 0 {
		return []*world{w}
	}
	var worlds []*world
	for i, c := range all {
		next := w.clone()
		for key, lines := range w.out {
			next.out[key] = slices.Clone(lines)
		}
		next.do(c)
		worlds = append(worlds, outcomes(next, slices.Concat(all[:i], all[i+1:]))...)
	}
	return worlds
}

// removals are the commands that take people off the forward list.
var removals = []string{"REM", "RMG", "web remove"}

// freedoms tells by connection how exactly commands determine what is heard there.
func freedoms(all []command) func(key string) freedom {
	return func(key string) freedom {
		switch {
		case len(all) == 1 && all[0].verb != "tick":
			return none
		case slices.ContainsFunc(all, func(c command) bool { return c.key == key && slices.Contains(removals, c.verb) }):
			return removing
		}
		return order
	}
}

// agrees reports whether what came is what the model says, and returns the names that are known
// then.
func (w *world) agrees(got map[string][]string, free func(string) freedom, names map[string]string) (map[string]string, bool) {
	for key, want := range w.out {
		if _, ok := got[key]; !ok && slices.ContainsFunc(want, func(h heard) bool { return h.length() > 0 }) {
			return nil, false
		}
	}
	for _, key := range slices.Sorted(maps.Keys(got)) {
		var ok bool
		names, ok = comparison{got: got[key], want: w.out[key], progress: w.before[key], free: free(key), names: names}.fits()
		if !ok {
			return nil, false
		}
	}
	return names, true
}

func expectation(worlds []*world) string {
	var texts []string
	for _, w := range worlds {
		out := make(map[string][]string)
		for key, all := range w.out {
			client := w.before[key]
			for _, h := range all {
				out[key] = append(out[key], client.meet(h)...)
			}
		}
		texts = append(texts, shown(out))
	}
	slices.Sort(texts)
	return strings.Join(slices.Compact(texts), "\nor")
}

// shown is what was said, as a text.
func shown(out map[string][]string) (text string) {
	for _, key := range slices.Sorted(maps.Keys(out)) {
		for _, line := range out[key] {
			text += "\n  " + key + "< " + line
		}
	}
	return text
}

// clients returns the progress of all.
func (w *world) clients() map[string]progress {
	all := make(map[string]progress)
	for _, p := range w.people {
		if p.at != nil {
			all[p.at.key] = p.at.progress
		}
	}
	return all
}

// keep lets somebody's client keep what a line says, once it has asked for its lists.
func (s *stage) keep(key, line string) {
	if who, ok := s.owners[key]; ok {
		s.synced[key] = s.synced[key] || strings.HasPrefix(line, "SYN ")
		if s.synced[key] {
			s.kept[who].update(s.users[who].Handle, line)
		}
	}
}

// send does what a command says.
func (s *stage) send(c command) {
	ctx := context.Background()
	switch c.verb {
	case "tick":
		s.check(s.fix.Agree())
		s.fix.Clock.Advance(tick)
		return
	case "kick":
		s.check(s.node(c.key).Server.Admin().Kick(ctx, s.users[c.who].Handle))
		return
	case "sign in":
		s.signIn(c)
		return
	case "drop":
		s.check(s.conns[c.key].Close())
		return
	}
	if what, ok := strings.CutPrefix(c.verb, "web "); ok {
		s.visit(what, c)
		return
	}
	verb, board := strings.CutPrefix(c.verb, "sb ")
	line := strings.Join(append([]string{verb, fmt.Sprint(c.n)}, c.args...), " ")
	for name, value := range s.names {
		line = strings.ReplaceAll(line, name, value)
	}
	conn := s.conns[c.key]
	if board && conn == nil {
		conn = s.dialBoard(c.key, line)
	}
	if verb == "MSG" {
		s.check(conn.say("%s %d\r\n%s", line, len(c.payload), c.payload))
		return
	}
	s.check(conn.say("%s", line))
}

// signIn goes as far as the last command before USR OK.
func (s *stage) signIn(c command) {
	conn, u := s.dialNotification(c.who, c.key), s.users[c.who]
	s.owners[c.key] = c.who
	s.check(conn.say("VER 1 MSNP%s CVR0", c.args[0]))
	s.await(conn, "VER 1 MSNP"+c.args[0])
	s.check(conn.say("USR 3 TWN I %s", u.Handle))
	s.await(conn, "USR 3 TWN S ")
	ticket, err := s.fix.Ticket(u)
	s.check(err)
	s.check(conn.say("USR 4 TWN S %s", ticket))
}

func (s *stage) await(c *client, start string) {
	if line, ok := c.next(); !ok || !strings.HasPrefix(line, start) {
		s.t.Fatalf("%q comes in place of %q", line, start)
	}
}

// observe returns what came on each connection because of commands. First those who act are
// waited for: all that they cause has happened then.
func (s *stage) observe(all []command, worlds []*world) map[string][]string {
	got := make(map[string][]string)
	want, ends := make(map[string]int), make(map[string]bool)
	for key := range s.conns {
		for _, w := range worlds {
			length := 0
			for _, h := range w.out[key] {
				length += h.length()
				ends[key] = ends[key] || h.text == closed
			}
			want[key] = max(want[key], length)
		}
	}
	look := func(key string, wait bool) {
		if isBoard(key) || ends[key] || wait {
			got[key] = append(got[key], s.take(key, want[key]-len(got[key]))...)
		}
		if !isBoard(key) && !slices.Contains(got[key], closed) {
			got[key] = append(got[key], s.upToNow(key)...)
		}
	}
	for _, c := range all {
		if s.conns[c.key] != nil {
			look(c.key, false)
		}
	}
	s.check(s.fix.Agree())
	waits := len(all) == 1 && slices.Contains([]string{"tick", "drop", "kick"}, all[0].verb)
	for _, key := range slices.Sorted(maps.Keys(s.conns)) {
		if !slices.Contains(got[key], closed) {
			look(key, waits)
		}
	}
	s.catchUp(all, worlds, got)
	return got
}

func isBoard(key string) bool { return key[0] == 's' }

// take returns so many lines of a connection.
func (s *stage) take(key string, want int) (lines []string) {
	for len(lines) < want {
		line, ok := s.conns[key].next()
		if !ok {
			return lines
		}
		lines = append(lines, line)
		if line == closed {
			break
		}
	}
	return lines
}

// upToNow returns the lines of a connection up to the answer to a ping.
func (s *stage) upToNow(key string) (lines []string) {
	s.check(s.conns[key].say("PNG"))
	for {
		line, ok := s.conns[key].next()
		switch {
		case !ok:
			s.t.Fatalf("%s is not answered", key)
		case strings.HasPrefix(line, "QNG"):
			return lines
		}
		lines = append(lines, line)
		if line == closed {
			return lines
		}
	}
}

// catchUp waits for what nobody is told.
func (s *stage) catchUp(all []command, worlds []*world, got map[string][]string) {
	for _, c := range all {
		switch c.verb {
		case "tick":
			for i, u := range s.users {
				s.until("the version", func() bool {
					v, err := s.fix.Store.Version(context.Background(), u.ID)
					s.check(err)
					return slices.ContainsFunc(worlds, func(w *world) bool { return int(v) == w.people[i].version })
				})
				s.until("the end of a move", func() bool {
					return slices.ContainsFunc(worlds, func(w *world) bool { return s.told(w, i, got) })
				})
			}
		case "drop":
			if !isBoard(c.key) {
				s.until("the end of a session", func() bool { return !s.signedIn(c.who) })
			}
		}
	}
}

// told reports whether somebody's client has been told as much as it is in a world. A group that
// exists already is answered with the version up to which that is so, and nothing is changed.
func (s *stage) told(w *world, who int, got map[string][]string) bool {
	at := w.people[who].at
	if at == nil || !at.synced {
		return true
	}
	s.n++
	s.check(s.conns[at.key].say("ADG %d %s 0", s.n, msnp.Escape(w.people[who].groups[0])))
	answer := fmt.Sprintf("ADG %d ", s.n)
	for {
		line, ok := s.conns[at.key].next()
		switch {
		case !ok || line == closed:
			s.t.Fatalf("%s is not answered", at.key)
		case strings.HasPrefix(line, answer):
			return versionIn(line) == at.told
		}
		got[at.key] = append(got[at.key], line)
	}
}

func (s *stage) until(what string, done func() bool) {
	deadline := time.Now().Add(patience)
	for !done() {
		if time.Now().After(deadline) {
			s.t.Fatalf("%s does not come", what)
		}
		<-time.After(time.Millisecond)
	}
}

// end closes what is open and waits until the server has seen it.
func (s *stage) end() {
	for _, c := range s.conns {
		_ = c.Close() // the server may have
	}
	for i := range s.users {
		s.until("the end", func() bool { return !s.signedIn(i) })
	}
	s.check(s.fix.Agree())
}
