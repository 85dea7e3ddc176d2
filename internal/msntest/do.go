package msntest

import (
	"crypto/md5"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Clients of the tests answer challenges as this one does. docs/protocol/presence.md#challenge
const (
	product    = "PROD0038W!61ZTF9"
	productKey = "VT6PX?UQTM4WM%YR"
)

func challengeAnswer(challenge, key string) string {
	sum := md5.Sum([]byte(challenge + key))
	return hex.EncodeToString(sum[:])
}

// directive is what a line that is no step on a connection does. Its words are those after
// its name.
type directive struct {
	least, most int // number of words
	run         func(p *Player, words []string) error
}

// acting are the directives that do something to the service while it runs. What was said before
// has come to every node then.
var acting = []string{"wait", "clock", "operator", "web", "hook"}

// many is the most words of a directive that takes any number.
const many = 1000

// directives are all there are. It is a function because some of them play steps.
func directives() map[string]directive {
	return map[string]directive{
		"mutual":   {2, 2, (*Player).mutual},
		"list":     {3, 4, (*Player).list},
		"unlist":   {3, 3, (*Player).unlist},
		"group":    {2, 2, (*Player).group},
		"policy":   {2, 2, (*Player).policy},
		"prompt":   {2, 2, (*Player).prompt},
		"property": {3, 3, (*Player).property},
		"nick":     {2, 2, (*Player).nick},
		"stored":   {3, 3, (*Player).stored},
		"account":  {2, 2, (*Player).account},

		"signin9": {1, many, (*Player).signin9},
		"signin8": {1, many, (*Player).signin8},
		"board":   {1, many, (*Player).board},
		"chat":    {2, many, (*Player).chat},
		"settle":  {0, many, (*Player).settle},
		"include": {1, many, (*Player).include},
		"login":   {1, 4, (*Player).login},
		"ticket":  {1, 3, (*Player).ticket},

		"ignore": {1, 1, (*Player).ignore},
		"fresh":  {1, 1, (*Player).fresh},
		"open":   {1, 1, (*Player).open},
		"pause":  {1, 1, func(p *Player, w []string) error { return p.pause(w[0], true) }},
		"resume": {1, 1, func(p *Player, w []string) error { return p.pause(w[0], false) }},
		"strict": {1, 1, (*Player).wordCounts},
		"split":  {1, 1, (*Player).segments},
		"lf":     {1, 1, (*Player).lineFeeds},
		"wait":   {1, 1, (*Player).wait},
		"clock":  {1, 1, (*Player).setClock},
		"forget": {1, 1, (*Player).forget},
		"differ": {2, many, (*Player).differ},
		"let":    {3, many, (*Player).let},
		"answer": {2, 2, (*Player).answer},

		"operator": {1, many, (*Player).operator},
		"web":      {2, 5, (*Player).web},
		"stopped":  {0, 1, (*Player).stopped},
		"member":   {1, 1, (*Player).member},
		"hook":     {2, many, (*Player).hook},
		"restart":  {0, 0, (*Player).restart},
	}
}

// checkWords refuses a line that is neither a step nor a known directive.
func checkWords(s step) error {
	words := strings.Fields(s.text)
	d, ok := directives()[words[0]]
	if !ok {
		return fmt.Errorf("%s: neither a step nor a directive: %s", s.place, s.source)
	}
	if n := len(words) - 1; n < d.least || n > d.most {
		return fmt.Errorf("%s: %s takes %d to %d words", s.place, words[0], d.least, d.most)
	}
	return nil
}

func (p *Player) do(s step) error {
	words := strings.Fields(s.text)
	if slices.Contains(acting, words[0]) {
		if err := p.agree(); err != nil {
			return err
		}
		p.last = ""
	}
	return directives()[words[0]].run(p, words[1:])
}

func (p *Player) include(words []string) error {
	name := strings.Join(words, " ")
	steps, ok := p.fragments[name]
	if !ok {
		return fmt.Errorf("no fragment is called %q", name)
	}
	return p.run(steps)
}

func (p *Player) ignore(words []string) error {
	c, err := p.conn(words[0])
	if err != nil {
		return err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.ignored, c.queue = true, nil
	return nil
}

func (p *Player) fresh(words []string) error {
	c := p.conns[words[0]]
	if c == nil {
		return fmt.Errorf("%s is not open", words[0])
	}
	c.Close()
	delete(p.conns, words[0])
	return nil
}

// open opens a connection and waits until the server has it: nothing that is said on it shows
// that, and time must not pass before.
func (p *Player) open(words []string) error {
	server, f := serverOf(words[0]), p.fixture(words[0])
	p.At(f, words[0])
	before, err := f.opened(server)
	if err != nil {
		return err
	}
	if _, err := p.conn(words[0]); err != nil {
		return err
	}
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for began := time.Now(); time.Since(began) < patience; <-tick.C {
		if now, err := f.opened(server); err != nil || now > before {
			return err
		}
	}
	return fmt.Errorf("the server has not taken %s after %v", words[0], patience)
}

func (p *Player) pause(conn string, paused bool) error {
	c, err := p.conn(conn)
	if err != nil {
		return err
	}
	c.mu.Lock()
	c.paused = paused
	c.mu.Unlock()
	p.bell.strike()
	return nil
}

// wordCounts makes the connections an actor opens from now on those of a strict client.
func (p *Player) wordCounts(words []string) error {
	p.strict[words[0]] = true
	return nil
}

func (p *Player) segments(words []string) error {
	size := 0
	if words[0] != "off" {
		var err error
		if size, err = strconv.Atoi(words[0]); err != nil || size < 1 {
			return fmt.Errorf("%s is no size of a segment", words[0])
		}
	}
	p.split = size
	for _, c := range p.conns {
		c.split = size
	}
	return nil
}

func (p *Player) lineFeeds(words []string) error {
	switch words[0] {
	case "on":
		p.lineEnd = "\n"
	case "off":
		p.lineEnd = "\r\n"
	default:
		return fmt.Errorf("lf is on or off, not %s", words[0])
	}
	return nil
}

// setClock sets the system's clock forward or back, so far as the server can tell.
func (p *Player) setClock(words []string) error {
	d, err := time.ParseDuration(words[0])
	if err != nil {
		return fmt.Errorf("clock: %w", err)
	}
	p.log.add("", "", "clock "+words[0])
	p.fix.Clock.Jump(d) // which all nodes have
	return nil
}

func (p *Player) wait(words []string) error {
	d, err := time.ParseDuration(words[0])
	if err != nil {
		return fmt.Errorf("wait: %w", err)
	}
	p.log.add("", "", "wait "+words[0])
	p.fix.Clock.Advance(d)
	return nil
}

func (p *Player) forget(words []string) error {
	delete(p.names.values, words[0])
	return nil
}

func (p *Player) differ(words []string) error {
	var values []string
	for _, name := range words {
		value, ok := p.names.values[name]
		if !ok {
			return fmt.Errorf("nothing is known as {%s}", name)
		}
		if i := slices.Index(values, value); i >= 0 {
			return fmt.Errorf("{%s} and {%s} are both %q", words[i], name, value)
		}
		values = append(values, value)
	}
	return nil
}

// let gives a name a text: let a = repeat x 100, or let a = any words.
func (p *Player) let(words []string) error {
	if words[1] != "=" {
		return errors.New("let takes a name, = and a text")
	}
	if words[2] == "repeat" && len(words) == 5 {
		count, err := strconv.Atoi(words[4])
		if err != nil {
			return fmt.Errorf("%s is no number", words[4])
		}
		p.names.values[words[0]] = strings.Repeat(words[3], count)
		return nil
	}
	text, err := p.names.expand(strings.Join(words[2:], " "), "", 0)
	p.names.values[words[0]] = text
	return err
}

// answer computes the answer to a challenge, whole and in two halves.
func (p *Player) answer(words []string) error {
	challenge, err := p.names.expand(words[0], "", 0)
	if err != nil {
		return err
	}
	a := challengeAnswer(challenge, words[1])
	p.names.values["answer"] = a
	p.names.values["answer1"] = a[:16]
	p.names.values["answer2"] = a[16:]
	return nil
}
