package model

import (
	"maps"
	"slices"
	"strconv"
	"strings"
)

// progress is what a client has been told of the changes of its lists.
// docs/protocol/lists.md#version
type progress struct {
	synced bool  // it has lists
	told   int   // the version up to which it was told everything
	ahead  []int // versions above the next of which it was told
	rough  []int // versions that it was not told quite, and never reaches
}

// reach is a change that the client is told of. It returns the version that comes with it.
func (p *progress) reach(version int) int {
	if !p.synced {
		return version
	}
	if slices.Contains(p.rough, version) {
		return p.told
	}
	p.ahead = slices.Sorted(slices.Values(append(slices.Clone(p.ahead), version)))
	for len(p.ahead) > 0 && p.ahead[0] <= p.told+1 {
		p.told = max(p.told, p.ahead[0])
		p.ahead = p.ahead[1:]
	}
	p.ahead = slices.Compact(p.ahead)
	return p.told
}

// What stands in a line for the version that comes with it, and for the group that a contact is in.
const (
	newest = "{v}"
	place  = "{g}"
)

// heard is what a client gets because of something. The version in it depends on what it was
// told before: where several things happen at once, on the order in which they reach it.
type heard struct {
	text  string
	tells []int    // versions of the changes that it tells of
	block []string // lines that follow at once
	lists int      // the version of the lists that it sends or confirms, or 0
	of    string   // the contact whose doing it is, or ""
	props []string // lines that tell his properties, if he is on the forward list
	on    string   // the contact who is on the forward list with it, or ""
	off   []string // contacts who are off the forward list with it
	group int      // that it names if the client was told of all before it, or else 0
}

func (h heard) version() int {
	if len(h.tells) == 0 {
		return 0
	}
	return h.tells[len(h.tells)-1]
}

// length is how many lines it has.
func (h heard) length() int {
	n := len(h.props) + len(h.block)
	if h.text != "" {
		n++
	}
	return n
}

// meet makes a client hear something, and returns the lines that come.
func (p *progress) meet(h heard) []string {
	for _, version := range h.tells {
		p.reach(version)
	}
	if h.lists > 0 {
		*p = progress{synced: true, told: h.lists}
	}
	told := p.told
	if !p.synced {
		told = h.version()
	}
	group := h.group
	if group > 0 && told < h.version() {
		group = 0
		p.ahead = slices.DeleteFunc(slices.Clone(p.ahead), func(v int) bool { return v == h.version() })
		p.rough = append(slices.Clone(p.rough), h.version())
	}
	var lines []string
	if h.text != "" {
		lines = append(lines, strings.ReplaceAll(h.text, place, strconv.Itoa(group)))
	}
	lines = append(lines, h.props...)
	for i, line := range lines {
		lines[i] = strings.ReplaceAll(line, newest, strconv.Itoa(told))
	}
	return append(lines, h.block...)
}

// comparison is of what came on a connection with what the model says.
type comparison struct {
	got      []string
	seen     int // how many of these lines are explained
	want     []heard
	progress progress
	whole    int      // the version of the lists that it got meanwhile, or 0
	off      []string // contacts who went off the forward list meanwhile
	free     freedom
	names    map[string]string
}

// fits reports whether the lines that came are those that the model says, and returns the names
// that are known then.
func (c comparison) fits() (map[string]string, bool) {
	if c.seen == len(c.got) && !slices.ContainsFunc(c.want, func(h heard) bool {
		return h.length() > 0 && (c.free != removing || !ofContact(h.text))
	}) {
		return c.names, true
	}
	for k, h := range c.want {
		if k > 0 && c.free == none {
			break
		}
		for _, next := range c.take(k, h) {
			if names, ok := next.fits(); ok {
				return names, true
			}
		}
	}
	if c.seen == len(c.got) || c.free == none {
		return nil, false
	}
	if line := c.got[c.seen]; repeated(c.got[:c.seen], line) || c.free == removing && (ofContact(line) || c.last(line)) {
		c.seen++
		return c.fits()
	}
	return nil, false
}

// take returns what may be after what is wanted at k was heard.
func (c comparison) take(k int, h heard) []comparison {
	if slices.ContainsFunc(c.want, func(other heard) bool { return other.lists > 0 && other.lists < h.version() }) {
		return nil // it happened after the lists were read that are still to come
	}
	rest := slices.Delete(slices.Clone(c.want), k, k+1)
	switch {
	case h.of != "" && slices.Contains(c.off, h.of): // of whom it hears no more
		h.props = nil
	case h.of != "" && slices.ContainsFunc(rest, func(other heard) bool { return other.on == h.of && other.version() < h.version() }):
		return nil // of him it hears behind the reply
	}
	if h.lists == 0 && h.version() > 0 && h.version() <= c.whole { // which was in the lists
		h.text, h.props = "", nil
	}
	return c.hear(h, rest)
}

// hear returns what is after something was heard, if the next lines are the ones for it.
func (c comparison) hear(h heard, rest []heard) []comparison {
	c.want = rest
	lines := c.progress.meet(h)
	if c.seen+len(lines) > len(c.got) {
		return nil
	}
	c.names = maps.Clone(c.names)
	for i, line := range lines {
		if !match(line, c.got[c.seen+i], c.names) {
			return nil
		}
	}
	c.seen += len(lines)
	if len(h.block) > 0 {
		c.whole = h.lists
	}
	c.off = slices.Concat(c.off, h.off)
	return []comparison{c}
}

// freedom is how far what comes may differ from what is expected.
type freedom int

const (
	none     freedom = iota
	order            // several do something at once: any order, and what that brings with it
	removing         // and the one who hears it takes people off his list: their presence he may hear or not
)

// ofContact reports whether a line is told of the presence of contacts only.
func ofContact(line string) bool {
	verb, _, _ := strings.Cut(line, " ")
	return verb == "NLN" || verb == "FLN"
}

// last reports whether a line tells a number of somebody who is just being taken off the forward
// list: of him the client may hear until it has the reply.
func (c comparison) last(line string) bool {
	words := append(strings.Fields(line), "", "")
	return words[0] == "BPR" && slices.ContainsFunc(c.want, func(h heard) bool { return slices.Contains(h.off, words[2]) })
}

// repeated reports whether a line tells once more what the last one about the same person
// told. Somebody who comes to see a person at the moment of a change may be told of it twice.
func repeated(before []string, line string) bool {
	tail, ok := strings.CutPrefix(line, "NLN ")
	if !ok {
		return false
	}
	handle := strings.Fields(tail)[1]
	for i := len(before) - 1; i >= 0; i-- {
		words := strings.Fields(before[i])
		switch words[0] {
		case "ILN":
			if words[3] == handle {
				return strings.Join(words[2:], " ") == tail
			}
		case "NLN":
			if words[2] == handle {
				return strings.Join(words[1:], " ") == tail
			}
		case "FLN":
			if words[1] == handle {
				return false
			}
		}
	}
	return false
}

// versionIn returns the version in a line, which the client keeps with its copy of the lists, or
// -1.
func versionIn(line string) int {
	words := append(strings.Fields(line), "", "", "", "")
	switch words[0] {
	case "SYN", "REA", "ADG", "REG", "RMG", "GTC", "BLP", "PRP":
		return atoi(words[2])
	case "ADD", "REM":
		return atoi(words[3])
	case "BPR":
		return atoi(words[1])
	}
	return -1
}
