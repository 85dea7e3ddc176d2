package model

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"pgregory.net/rapid"

	"monarch/internal/msntest"
	"monarch/msnp"
)

// names are what people call themselves and others, as sent.
var names = []string{"Al", "Al", "B%20b", "100%", "%e4%f6", "a+b", "(h)"}

// command returns a command of somebody's with a new number.
func (s *stage) command(who int, verb string, args ...string) command {
	s.n++
	c := command{n: s.n, who: who, verb: verb, args: args}
	if at := s.worlds[0].people[who].at; at != nil {
		c.key = at.key
	}
	return c
}

func one[T any](t *rapid.T, what string, of ...T) T { return rapid.SampledFrom(of).Draw(t, what) }

// someone draws somebody who is signed in, and signs somebody in if nobody is.
func (s *stage) someone(t *rapid.T) int {
	if there := s.there(); len(there) > 0 {
		return one(t, "who", there...)
	}
	return s.signsIn(t)
}

func (s *stage) there() (who []int) {
	for i, p := range s.worlds[0].people {
		if p.at != nil {
			who = append(who, i)
		}
	}
	return who
}

// handle draws a handle that somebody types, which need not be anybody's.
func (s *stage) handle(t *rapid.T) string {
	i := rapid.IntRange(0, people+1).Draw(t, "whom")
	switch i {
	case people:
		return one(t, "wrong handle", "nobody@example.com", "bad@example", "bad")
	case people + 1:
		return strings.ToUpper(s.users[0].Handle)
	}
	return s.users[i].Handle
}

// notification draws what somebody says to the notification server.
func (s *stage) notification(t *rapid.T, who int) command {
	name, group := one(t, "name", names...), one(t, "group", "0", "0", "1", "1", "2", "7")
	list := one(t, "list", "FL", "FL", "AL", "BL")
	switch verb := one(t, "verb", "SYN", "CHG", "CHG", "CHG", "ADD", "ADD", "ADD", "ADD", "REM", "REM", "REM",
		"REA", "REA", "ADG", "REG", "RMG", "GTC", "BLP", "BLP", "PRP", "PRP", "IMS", "USR"); verb {
	case "SYN":
		return s.command(who, verb, s.version(t, who))
	case "CHG":
		args := []string{one(t, "status", "NLN", "BSY", "HDN", "HDN", "FLN"), one(t, "flags", "0", "4"), one(t, "object", "0", "%3Co/%3E", "%3Cp/%3E")}
		return s.command(who, verb, args[:one(t, "words", 1, 2, 3, 3)]...)
	case "ADD":
		args := []string{list, s.handle(t), name}
		if list == "FL" && rapid.Bool().Draw(t, "group named") {
			args = append(args, group)
		}
		return s.command(who, verb, args...)
	case "REM":
		args := []string{list, s.handle(t)}
		if list == "FL" && rapid.Bool().Draw(t, "group named") {
			args = append(args, group)
		}
		return s.command(who, verb, args...)
	case "REA":
		if rapid.Bool().Draw(t, "own") {
			return s.command(who, verb, s.users[who].Handle, name)
		}
		return s.command(who, verb, s.handle(t), name)
	case "ADG":
		return s.command(who, verb, one(t, "group", name, msnp.Escape(s.worlds[0].people[who].groups[0])), "0")
	case "REG":
		return s.command(who, verb, group, name, "0")
	case "RMG":
		return s.command(who, verb, group)
	case "GTC":
		return s.command(who, verb, one(t, "prompt", "A", "N"))
	case "BLP":
		return s.command(who, verb, one(t, "policy", "AL", "BL"))
	case "PRP":
		typ := one(t, "type", "PHH", "PHM", "MOB", "MFN")
		args := []string{typ, "1%20555"}
		if typ == "MOB" {
			args[1] = one(t, "value", "Y", "N")
		}
		return s.command(who, verb, args[:one(t, "words", 1, 2)]...)
	case "IMS":
		return s.command(who, verb, one(t, "calls", "ON", "OFF"))
	default:
		return s.command(who, "USR", "TWN", "I", s.users[who].Handle)
	}
}

// version draws the version of the lists that somebody's client says it has: mostly the one that
// it does have. No other is that of a change which may be under way.
func (s *stage) version(t *rapid.T, who int) string {
	if msntest.Nodes() > 1 && s.worlds[0].moving(who) {
		return "0" // of a move only the node where it began knows; others give lists anew only to who needs them
	}
	kept, now := s.kept[who].version, s.worlds[0].people[who].version
	return one(t, "version", fmt.Sprint(kept), fmt.Sprint(kept), fmt.Sprint(kept), "0", fmt.Sprint(now), fmt.Sprint(now-1), fmt.Sprint(now+100), "x")
}

// signsIn signs somebody in, perhaps in place of an older session of his.
func (s *stage) signsIn(t *rapid.T) int {
	who := rapid.IntRange(0, people-1).Draw(t, "who")
	c := s.command(who, "sign in", one(t, "dialect", "9", "8"))
	c.key = fmt.Sprintf("n%d", c.n)
	s.do(c)
	if how := one(t, "up to", "CHG", "CHG", "SYN", "USR"); how != "USR" {
		s.do(s.command(who, "SYN", s.version(t, who)))
		if how == "CHG" {
			s.do(s.command(who, "CHG", one(t, "status", "NLN", "NLN", "HDN"), "0"))
		}
	}
	return who
}

func (s *stage) signsOut(t *rapid.T) {
	who := s.someone(t)
	switch how := one(t, "how", "OUT", "NLN", "drop", "kick", "RL"); how {
	case "RL":
		s.do(s.command(who, "ADD", "RL", s.users[0].Handle, "A"))
	default:
		s.do(s.command(who, how))
	}
}

// opens lets somebody come to a switchboard.
func (s *stage) opens(t *rapid.T) {
	who := s.someone(t)
	s.do(s.command(who, "XFR", one(t, "kind", "SB", "SB", "SB", "NS")))
	if mine := s.cookies(func(c cookie) bool { return c.room == "" }); len(mine) > 0 && rapid.IntRange(0, 3).Draw(t, "go there") > 0 {
		s.enters(who, "sb USR", s.users[who].Handle, mine[len(mine)-1])
	}
}

// cookies returns the cookies that are known, as they came.
func (s *stage) cookies(good func(cookie) bool) (list []string) {
	w := s.worlds[0]
	for _, name := range slices.SortedFunc(maps.Keys(w.cookies), func(a, b string) int { return atoi(a[4:len(a)-1]) - atoi(b[4:len(b)-1]) }) {
		if good(w.cookies[name]) && s.names[name] != "" {
			list = append(list, name)
		}
	}
	return list
}

func (s *stage) enters(who int, verb string, args ...string) {
	c := s.command(who, verb, args...)
	c.key = fmt.Sprintf("s%d", c.n)
	s.do(c)
}

// answers lets somebody come who was called.
func (s *stage) answers(t *rapid.T) {
	open := s.cookies(func(c cookie) bool { return c.room != "" && !c.used })
	if len(open) == 0 {
		return
	}
	name := one(t, "cookie", open...)
	k := s.worlds[0].cookies[name]
	who := rapid.IntRange(0, people-1).Draw(t, "somebody")
	for i, p := range s.worlds[0].people {
		if p.at != nil && p.at.key == k.login && rapid.IntRange(0, 9).Draw(t, "the one") > 0 {
			who = i
		}
	}
	s.enters(who, "sb ANS", s.users[who].Handle, name, k.room)
}

// cheats lets somebody use a cookie that is not for him, or not any more.
func (s *stage) cheats(t *rapid.T) {
	all := s.cookies(func(cookie) bool { return true })
	if len(all) == 0 {
		return
	}
	name := one(t, "cookie", all...)
	who := rapid.IntRange(0, people-1).Draw(t, "who")
	if room := s.worlds[0].cookies[name].room; room != "" && rapid.Bool().Draw(t, "answer") {
		s.enters(who, "sb ANS", s.users[who].Handle, name, room)
		return
	}
	s.enters(who, "sb USR", s.users[who].Handle, name)
}

// chats lets somebody do something on a switchboard.
func (s *stage) chats(t *rapid.T) {
	w := s.worlds[0]
	if len(w.members) == 0 {
		return
	}
	key := one(t, "connection", slices.Sorted(maps.Keys(w.members))...)
	m := w.members[key]
	var c command
	switch verb := one(t, "verb", "CAL", "CAL", "CAL", "MSG", "MSG", "OUT", "drop"); verb {
	case "CAL":
		c = s.command(m.who, "sb CAL", s.handle(t))
	case "MSG":
		c = s.command(m.who, "sb MSG", one(t, "letter", "U", "N", "A", "S", "D"))
		c.payload = one(t, "payload", textMessage, dataMessage, "")
	case "OUT":
		c = s.command(m.who, "sb OUT")
	default:
		if len(w.rooms[m.room].members) < 2 {
			return
		}
		c = s.command(m.who, "drop")
	}
	c.key = key
	s.do(c)
}

// meets lets several people do something at once.
func (s *stage) meets(t *rapid.T) {
	var all []command
	for _, who := range rapid.Permutation(s.there()).Draw(t, "who") {
		if len(all) < 3 {
			all = append(all, s.notification(t, who))
		}
	}
	s.together(all...)
}

// collides lets two people change what both have to do with at once.
func (s *stage) collides(t *rapid.T) {
	if there := rapid.Permutation(s.there()).Draw(t, "who"); len(there) > 1 {
		s.together(s.about(t, there[0], there[1]), s.about(t, there[1], there[0]))
	}
}

// moves lets somebody do something about somebody else alone.
func (s *stage) moves(t *rapid.T) {
	who := s.someone(t)
	s.do(s.about(t, who, rapid.IntRange(0, people-1).Draw(t, "whom")))
}

// about draws what somebody does that another is told, or whose version what the other does may
// count.
func (s *stage) about(t *rapid.T, who, whom int) command {
	p, handle := s.worlds[0].people[who], s.users[whom].Handle
	l := p.links[whom]
	switch verb := one(t, "verb", "list", "list", "list", "PRP", "PRP", "ADG", "GTC", "SYN"); {
	case verb == "PRP":
		return s.command(who, verb, one(t, "type", "PHW", "PHM"), one(t, "number", "1", "2"))
	case verb == "ADG":
		return s.command(who, verb, msnp.Escape(p.groups[0]), "0")
	case verb == "GTC":
		return s.command(who, verb, one(t, "prompt", "A", "N"))
	case verb == "SYN":
		return s.command(who, verb, s.version(t, who))
	case l.lists&forward == 0:
		return s.command(who, "ADD", "FL", handle, "Back", fmt.Sprint(one(t, "group", slices.Sorted(maps.Keys(p.groups))...)))
	case rapid.IntRange(0, 3).Draw(t, "as a whole") == 0:
		return s.command(who, "REM", "FL", handle)
	default:
		return s.command(who, "REM", "FL", handle, fmt.Sprint(one(t, "group", l.groups...)))
	}
}

// begin gives people lists, and signs them in.
func (s *stage) begin(t *rapid.T) {
	for owner := range people {
		for peer := range people {
			if owner != peer && s.worlds[0].count(owner) < maxContacts && rapid.IntRange(0, 3).Draw(t, "friend") > 0 {
				s.befriend(owner, forward, peer)
				if list := one(t, "privacy", 0, 0, allow, block); list != 0 {
					s.befriend(owner, list, peer)
				}
			}
		}
	}
	for who := range people {
		c := s.command(who, "sign in", one(t, "dialect", "9", "8"))
		c.key = fmt.Sprintf("n%d", c.n)
		s.do(c)
		s.do(s.command(who, "SYN", "0"))
		s.do(s.command(who, "CHG", "NLN", "0"))
	}
}

// finish asks everybody who is there for his lists, and every conversation whether it lives.
func (s *stage) finish() {
	for who, p := range s.worlds[0].people {
		if p.at != nil {
			s.do(s.command(who, "SYN", "0"))
		}
	}
	for _, key := range slices.Sorted(maps.Keys(s.worlds[0].members)) {
		c := s.command(s.worlds[0].members[key].who, "sb MSG", "A")
		c.key = key
		s.do(c)
	}
}
