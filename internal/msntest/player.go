package msntest

import (
	"errors"
	"fmt"
	"net"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// quiet is how long, in real time, nothing may arrive where a transcript says so.
const quiet = 300 * time.Millisecond

// Player plays the steps of transcripts: it is all the clients of one server. It belongs
// to one goroutine; only its connections may be used by others.
type Player struct {
	t    testing.TB
	fix  *Fixture
	dial func(conn string) (net.Conn, error) // by its name, like A.ns
	at   map[string]*Fixture                 // where an actor or a connection is that is not at fix
	spread

	people    map[string]person // by the letter of the actor
	fragments map[string][]step
	names     *names
	conns     map[string]*Conn
	log       *conversation
	bell      *bell
	readers   sync.WaitGroup

	lineEnd string
	split   int
	byHand  map[string]bool // connections that see their challenges
	strict  map[string]bool // actors whose clients count words
	backup  string          // the operator's last one
}

// person is who an actor is.
type person struct {
	handle   string
	nick     string
	password string
}

// failure is a step that did not go as written.
type failure struct {
	place, source string
	err           error
}

func (f *failure) Error() string { return fmt.Sprintf("%s: %s\n  %v", f.place, f.source, f.err) }

func (f *failure) Unwrap() error { return f.err }

// NewPlayer returns a player for a server, without connections.
func NewPlayer(t testing.TB, f *Fixture) *Player {
	var p *Player
	p = newPlayer(t, func(conn string) (net.Conn, error) { return p.fixture(conn).Dial(serverOf(conn)) })
	p.fix = f
	p.begin(f.All())
	return p
}

// At lets connections go to another node than the player's: all of an actor, such as B, or one,
// such as B.sb.
func (p *Player) At(f *Fixture, names ...string) {
	for _, name := range names {
		p.at[name] = f
	}
}

// fixture returns the node that a connection goes to.
func (p *Player) fixture(conn string) *Fixture {
	actor, _, _ := strings.Cut(conn, ".")
	for _, name := range []string{conn, actor} {
		if f := p.at[name]; f != nil {
			return f
		}
	}
	return p.place(conn)
}

func newPlayer(t testing.TB, dial func(string) (net.Conn, error)) *Player {
	p := &Player{
		t:       t,
		dial:    dial,
		at:      make(map[string]*Fixture),
		people:  make(map[string]person),
		names:   newNames(),
		conns:   make(map[string]*Conn),
		log:     new(conversation),
		bell:    newBell(),
		lineEnd: "\r\n",
		byHand:  make(map[string]bool),
		strict:  make(map[string]bool),
	}
	for _, nick := range nicks {
		p.people[nick[:1]] = newPerson(nick)
	}
	t.Cleanup(func() {
		p.hangUp()
		p.readers.Wait()
	})
	return p
}

func newPerson(nick string) person {
	name := strings.ToLower(nick)
	return person{handle: name + "@example.com", nick: nick, password: "secret-" + name}
}

// Play plays steps and ends the test at the first that does not go as written.
func (p *Player) Play(steps string) {
	p.t.Helper()
	parsed, err := parseSteps("script", steps)
	if err == nil {
		err = p.run(parsed)
	}
	p.check(err)
}

// Finish ends the conversation: nothing may be left unread.
func (p *Player) Finish() {
	p.t.Helper()
	p.check(p.finish())
}

func (p *Player) check(err error) {
	p.t.Helper()
	if err != nil {
		p.t.Fatalf("%v\n  the conversation before:\n%s", err, p.log.tail(20))
	}
}

// Value returns what a name stands for, or "".
func (p *Player) Value(name string) string { return p.names.values[name] }

// Set makes a name stand for a text.
func (p *Player) Set(name, text string) { p.names.values[name] = text }

// Conn returns a connection, opening it if need be.
func (p *Player) Conn(name string) *Conn {
	p.t.Helper()
	c, err := p.conn(name)
	p.check(err)
	return c
}

// who returns the person behind an actor or a connection: A, A2, A.ns, A2.ns.
func (p *Player) who(name string) (person, error) {
	if name == "" || p.people[name[:1]].handle == "" {
		return person{}, fmt.Errorf("nobody is called %q", name)
	}
	return p.people[name[:1]], nil
}

// conn returns a connection, opening it at its first use.
func (p *Player) conn(name string) (*Conn, error) {
	if c := p.conns[name]; c != nil {
		return c, nil
	}
	who, err := p.who(name)
	if err != nil {
		return nil, err
	}
	nc, err := p.dial(name)
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", name, err)
	}
	c := &Conn{
		Name: name, Account: who.handle, nc: nc, log: p.log, bell: p.bell,
		answers: serverOf(name) == "notification" && !p.byHand[name],
		strict:  p.strict[name[:strings.IndexByte(name, '.')]],
		split:   p.split,
	}
	p.conns[name] = c
	c.start(&p.readers)
	return c, nil
}

// serverOf tells which server a connection goes to.
func serverOf(conn string) string {
	_, kind, _ := strings.Cut(conn, ".")
	switch kind[:2] {
	case "ds":
		return "dispatch"
	case "sb":
		return "switchboard"
	default:
		return "notification"
	}
}

// hangUp closes every connection and forgets it.
func (p *Player) hangUp() {
	for name, c := range p.conns {
		c.Close()
		delete(p.conns, name)
	}
}

// run plays steps one after the other.
func (p *Player) run(steps []step) error {
	for i := 0; i < len(steps); {
		n := 1
		var err error
		if steps[i].op == opQuiet {
			for i+n < len(steps) && steps[i+n].op == opQuiet {
				n++
			}
			err = p.quiet(steps[i : i+n])
		} else {
			err = p.step(steps[i])
		}
		if err != nil {
			if inner := (*failure)(nil); errors.As(err, &inner) {
				return err
			}
			return &failure{place: steps[i].place, source: steps[i].source, err: err}
		}
		i += n
	}
	return nil
}

func (p *Player) step(s step) error {
	switch s.op {
	case opDo:
		return p.do(s)
	case opAny:
		return p.anyOrder(s.blocks[0])
	case opEither:
		return p.either(s.blocks)
	case opTogether:
		return p.together(s.blocks[0])
	case opRepeat:
		return p.repeat(s)
	case opRefused:
		return p.refused(s.conn)
	case opSend, opRaw, opShut:
		if err := p.turnTo(s); err != nil {
			return err
		}
	}
	c, err := p.conn(s.conn)
	if err != nil {
		return err
	}
	switch s.op {
	case opSend:
		return p.send(c, s)
	case opRaw:
		text, err := p.names.expand(s.text, c.Account, 0)
		if err != nil {
			return err
		}
		return c.write([]byte(text), fmt.Sprintf("%q", text))
	case opWant:
		return p.want(c, s)
	case opOptional:
		return p.optional(c, s)
	case opClosed:
		return p.closed(c)
	case opShut:
		c.log.add(c.Name, "!", s.text)
		c.close(s.text)
	}
	return nil
}

func (p *Player) repeat(s step) error {
	outer, nested := p.names.values["i"]
	for i := range s.count {
		p.names.values["i"] = fmt.Sprint(s.from + i)
		if err := p.run(s.blocks[0]); err != nil {
			return err
		}
	}
	delete(p.names.values, "i")
	if nested {
		p.names.values["i"] = outer
	}
	return nil
}

// finish checks that nothing unread is left, or comes within a while, on any connection.
func (p *Player) finish() error {
	var open []step
	for name, c := range p.conns {
		c.mu.Lock()
		done := c.shut || c.ignored
		c.mu.Unlock()
		if !done {
			open = append(open, step{place: "at the end", source: name + " -", conn: name})
		}
	}
	slices.SortFunc(open, func(a, b step) int { return strings.Compare(a.conn, b.conn) })
	if len(open) > 0 {
		if err := p.quiet(open); err != nil {
			return err
		}
	}
	p.hangUp()
	return nil
}
