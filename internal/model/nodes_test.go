package model

import (
	"hash/fnv"
	"maps"
	"slices"
	"strings"

	"monarch/internal/msntest"
)

// This file is about where people are when the service has several nodes: everybody signs in at one
// or another, and conversations are where clients are told that they are. What all of them see is
// compared when the nodes have heard of it.

// node returns the node for what somebody does now. The same play has the same one every time.
func (s *stage) node(key string) *msntest.Fixture {
	s.dials++
	h := fnv.New32a()
	h.Write([]byte{byte(s.dials), byte(s.dials >> 8)})
	h.Write([]byte(key))
	all := s.fix.All()
	return all[int(h.Sum32()>>8)%len(all)]
}

// dialNotification opens the connection with which somebody signs in, at any node. As long as he is not on
// line he stays where he is: of who comes on line at the third, watchers may be told what they see
// already.
func (s *stage) dialNotification(who int, key string) *client {
	quiet := slices.ContainsFunc(s.worlds, func(w *world) bool {
		at := w.people[who].at
		return at != nil && !at.online
	})
	if s.at[who] == nil || !quiet {
		s.at[who] = s.node(key)
	}
	return s.dialAt(s.at[who], key, "notification")
}

// dialBoard opens one to the switchboard where the cookie is good that a line shows.
func (s *stage) dialBoard(key, line string) *client {
	f := s.node(key)
	for _, word := range strings.Fields(line) {
		if addr := s.boards[word]; addr != "" {
			f = s.fix.All()[slices.IndexFunc(s.fix.All(), func(n *msntest.Fixture) bool { return n.Server.Addr("switchboard") == addr })]
		}
	}
	return s.dialAt(f, key, "switchboard")
}

func (s *stage) dialAt(f *msntest.Fixture, key, server string) *client {
	nc, err := f.Dial(server)
	s.check(err)
	s.conns[key] = newClient(nc, s.heard)
	return s.conns[key]
}

// heard notes where a line sends its reader, and says that it is to the one switchboard that there is in
// the model.
func (s *stage) heard(line string) string {
	words, at := strings.Split(line, " "), 0
	switch {
	case strings.HasPrefix(line, "XFR ") && len(words) > 5 && words[2] == "SB":
		at = 3
	case strings.HasPrefix(line, "RNG ") && len(words) > 4:
		at = 2
	default:
		return line
	}
	s.boards[words[at+2]] = words[at]
	words[at] = s.fix.Server.Addr("switchboard")
	return strings.Join(words, " ")
}

// signedIn reports whether somebody is signed in, so far as any node knows.
func (s *stage) signedIn(who int) bool {
	return slices.ContainsFunc(s.fix.All(), func(f *msntest.Fixture) bool {
		_, in := f.Server.Admin().Hub.ByHandle(s.users[who].Handle)
		return in
	})
}

// late returns the worlds after commands in which somebody comes on line, or puts a contact on his list,
// whose node does not know yet how a contact has just become at another one: he is told how the contact
// was, as in the world of another order, if he was there, and then what the contact has changed.
func late(of, ends []*world, all []command) (worlds []*world) {
	for _, c := range all {
		if !slices.Contains([]string{"CHG", "ADD", "web add"}, c.verb) {
			continue
		}
		for _, w := range of {
			for i, now := range w.out[c.key] {
				for _, before := range otherwise(ends, c.key, now.text) {
					next := w.clone()
					next.out = maps.Clone(w.out)
					change := []heard{now}
					change[0].text = "NLN " + presenceIn(now.text)
					if before != "" {
						change = []heard{{text: before, of: now.of}, change[0]}
					}
					next.out[c.key] = slices.Replace(slices.Clone(w.out[c.key]), i, i+1, change...)
					worlds = append(worlds, next)
				}
			}
		}
	}
	return worlds
}

// otherwise returns the lines that tell in other worlds what a line tells of somebody's presence, and ""
// if it is an answer and there is none in one of them.
func otherwise(worlds []*world, key, line string) (lines []string) {
	presence := presenceIn(line)
	if presence == "" {
		return nil
	}
	about := func(text string) string { // the verb, and of whom
		return text[:len("ILN")] + " " + strings.Fields(presenceIn(text))[1]
	}
	for _, w := range worlds {
		found := !strings.HasPrefix(line, "ILN ")
		for _, h := range w.out[key] {
			if presenceIn(h.text) == "" || about(h.text) != about(line) {
				continue
			}
			found = true
			if h.text != line {
				lines = append(lines, h.text)
			}
		}
		if !found {
			lines = append(lines, "")
		}
	}
	return lines
}

// presenceIn returns what an ILN or NLN says: the status, of whom, and the rest.
func presenceIn(line string) string {
	verb, rest, _ := strings.Cut(line, " ")
	switch verb {
	case "NLN":
		return rest
	case "ILN":
		_, rest, _ = strings.Cut(rest, " ")
		return rest
	}
	return ""
}
