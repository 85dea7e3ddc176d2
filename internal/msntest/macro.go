package msntest

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// play runs the steps of a macro. A step that fails is told with the line of the macro.
func (p *Player) play(text string) error {
	steps, err := parseSteps("macro", text)
	if err != nil {
		return err
	}
	err = p.run(steps)
	if f := (*failure)(nil); errors.As(err, &f) {
		return fmt.Errorf("at %s\n  %w", f.source, f.err)
	}
	return err
}

// options splits the words of a macro into those before the first comma and the options
// after it, of which each is a few words.
func options(words []string) (actors []string, opts []string) {
	parts := strings.Split(strings.Join(words, " "), ",")
	for _, o := range parts[1:] {
		opts = append(opts, strings.TrimSpace(o))
	}
	return strings.Fields(parts[0]), opts
}

func (p *Player) signin9(words []string) error { return p.signin("MSNP9 MSNP8", words) }

func (p *Player) signin8(words []string) error { return p.signin("MSNP8", words) }

// How far a sign-in macro goes.
const (
	untilVER = iota
	untilUSR
	untilSYN
	untilCHG
)

// signing is a sign-in as its options want it.
type signing struct {
	until  int
	status string
	caps   string // "" sends none
	object bool
	loud   bool
	byHand bool
}

func parseSigning(versions string, opts []string) (signing, error) {
	s := signing{until: untilCHG, status: "NLN"}
	if versions != "MSNP8" {
		s.caps = "268435492"
	}
	for _, o := range opts {
		word, rest, _ := strings.Cut(o, " ")
		switch {
		case o == "no CHG" || o == "until SYN":
			s.until = untilSYN
		case o == "until VER":
			s.until = untilVER
		case o == "until USR":
			s.until = untilUSR
		case word == "status":
			s.status = rest
		case word == "caps":
			s.caps = rest
		case o == "picture":
			s.object = true
		case o == "loud":
			s.loud = true
		case o == "challenge by hand":
			s.byHand = true
		default:
			return s, fmt.Errorf("no option of a sign-in: %q", o)
		}
	}
	return s, nil
}

// signin signs an actor in at the notification server. The ticket is made directly: the
// way through HTTPS has transcripts of its own.
func (p *Player) signin(versions string, words []string) error {
	actors, opts := options(words)
	s, err := parseSigning(versions, opts)
	if err != nil {
		return err
	}
	who, err := p.who(actors[0])
	if err != nil {
		return err
	}
	conn := actors[0] + ".ns"
	if err := p.vacate(conn); err != nil {
		return err
	}
	p.byHand[conn] = s.byHand
	chosen, _, _ := strings.Cut(versions, " ")
	greeting := "{c}> VER 1 {all} CVR0\n{c}< VER 1 {chosen}{*}\n" +
		"{c}> CVR 2 0x0409 winnt 5.1 i386 MSNMSGR 6.0.0602 MSMSGS {handle}\n{c}< CVR 2 {_} {_} {_} {_} {_}\n"
	account := "{c}> USR 3 TWN I {handle}\n{c}< USR 3 TWN S {*}\nticket {actor}\n{c}> USR 4 TWN S {ticket}\n" +
		"{c}< USR 4 OK {handle} {_} 1 0\n{c}< MSG Hotmail Hotmail {n} + {profile}\n"
	lists := "{c}> SYN 5 0\n{c}< SYN 5 {v*} {_} {_}\nsettle {c}\n"
	presence := s.status
	if s.caps != "" {
		presence += " " + s.caps
	}
	if s.object {
		presence += " {obj}"
	}
	status := "{c}> CHG 6 {presence}\n{c}< CHG 6 {presence}\n"
	text := strings.Join([]string{greeting, account, lists, status}[:s.until+1], "")
	text = strings.NewReplacer("{c}", conn, "{all}", versions, "{chosen}", chosen, "{handle}", who.handle,
		"{actor}", actors[0], "{ticket}", "{ticket"+actors[0]+"}", "{presence}", presence).Replace(text)
	if err := p.play(text); err != nil || s.loud || s.until < untilUSR {
		return err
	}
	return p.calm(slices.DeleteFunc(p.present(), func(name string) bool {
		return name != conn && p.conns[name].Account == who.handle // it is being put out
	}))
}

// vacate makes room for a connection a macro opens.
func (p *Player) vacate(conn string) error {
	c := p.conns[conn]
	if c == nil {
		return nil
	}
	if _, unread, ended := c.head(); unread || !ended {
		return fmt.Errorf("%s is in use", conn)
	}
	delete(p.conns, conn)
	return nil
}

// settle lets the server finish what it is doing for the connections, all signed-in ones
// if none is named, and drops what it sent.
func (p *Player) settle(words []string) error {
	if len(words) == 0 {
		words = p.present()
	}
	return p.calm(words)
}

// present returns the connections on which somebody has signed in and can be asked.
func (p *Player) present() []string {
	var names []string
	for name, c := range p.conns {
		c.mu.Lock()
		gone := c.ended || c.shut || c.ignored
		c.mu.Unlock()
		if c.signedIn && !gone && !p.byHand[name] {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

// calm pings connections, none of which may be about to end.
func (p *Player) calm(conns []string) error {
	// The first round ends what the server does for these connections, the second takes what
	// they have been told by it.
	for range 2 {
		if err := p.ping(conns); err != nil {
			return err
		}
		if err := p.agree(); err != nil {
			return err
		}
	}
	if len(p.nodes) > 1 { // what another node told came after the answer
		return p.ping(conns)
	}
	return nil
}

// ping sends a ping on connections and drops what comes up to the answers.
func (p *Player) ping(conns []string) error {
	for _, name := range conns {
		c, err := p.conn(name)
		if err != nil {
			return err
		}
		if err := c.Send("PNG", nil); err != nil {
			return err
		}
	}
	for _, name := range conns {
		if err := p.drain(p.conns[name]); err != nil {
			return err
		}
	}
	return nil
}

// drain drops what comes up to the answer to a ping.
func (p *Player) drain(c *Conn) error {
	for {
		m, ok := c.await()
		switch {
		case !ok:
			return fmt.Errorf("%s does not answer a ping", c.Name)
		case m.flaw != "":
			return fmt.Errorf("%s sent %s", c.Name, m)
		}
		p.take(c, m, nil)
		if m.line == "QNG" || strings.HasPrefix(m.line, "QNG ") {
			return nil
		}
	}
}

// boardOn takes the option that names the connection of a chat and returns the name and
// what tells it from others: sb2 and 2.
func boardOn(opts []string) (conn, suffix string, err error) {
	conn = "sb"
	for _, o := range opts {
		name, ok := strings.CutPrefix(o, "on ")
		if !ok || !strings.HasPrefix(name, "sb") {
			return "", "", fmt.Errorf("no option of a chat: %q", o)
		}
		conn = name
	}
	return conn, strings.TrimPrefix(conn, "sb"), nil
}

// board opens a switchboard session with the actor alone in it.
func (p *Player) board(words []string) error {
	actors, opts := options(words)
	sb, suffix, err := boardOn(opts)
	if err != nil {
		return err
	}
	a := actors[0]
	who, err := p.who(a)
	if err != nil {
		return err
	}
	if err := p.vacate(a + "." + sb); err != nil {
		return err
	}
	cookie := "cki" + a + suffix
	delete(p.names.values, cookie)
	return p.play(strings.NewReplacer("{ns}", a+".ns", "{sb}", a+"."+sb, "{cki}", "{"+cookie+"}", "{handle}", who.handle).
		Replace("{ns}> XFR 11 SB\n{ns}< XFR 11 SB {addr} CKI {cki}\n" +
			"{sb}> USR 1 {handle} {cki}\n{sb}< USR 1 OK {handle} {_}\n"))
}

// chat opens a session and calls others into it, one after the other.
func (p *Player) chat(words []string) error {
	actors, opts := options(words)
	sb, suffix, err := boardOn(opts)
	if err != nil {
		return err
	}
	if err := p.board(append([]string{actors[0]}, onOption(opts)...)); err != nil {
		return err
	}
	delete(p.names.values, "sid"+suffix)
	for i := range actors[1:] {
		if err := p.join(actors[:i+2], sb, suffix); err != nil {
			return err
		}
	}
	return nil
}

// onOption writes options again as they stand behind the actors.
func onOption(opts []string) []string {
	if len(opts) == 0 {
		return nil
	}
	return []string{",", strings.Join(opts, ",")}
}

// join has the first actor call the last; those between are in the session.
func (p *Player) join(actors []string, sb, suffix string) error {
	caller, callee := actors[0], actors[len(actors)-1]
	from, err := p.who(caller)
	if err != nil {
		return err
	}
	to, err := p.who(callee)
	if err != nil {
		return err
	}
	if err := p.vacate(callee + "." + sb); err != nil {
		return err
	}
	delete(p.names.values, "cki"+callee+suffix)
	var b strings.Builder
	sid, cki := "{sid"+suffix+"}", "{cki"+callee+suffix+"}"
	from1, to1 := caller+"."+sb, callee+"."+sb
	fmt.Fprintf(&b, "%s> CAL %d %s\n%s< CAL %d RINGING %s\n", from1, len(actors), to.handle, from1, len(actors), sid)
	fmt.Fprintf(&b, "%s.ns< RNG %s {addr} CKI %s %s {_}\n", callee, sid, cki, from.handle)
	fmt.Fprintf(&b, "%s> ANS 1 %s %s %s\n", to1, to.handle, cki, sid)
	present := actors[:len(actors)-1]
	for i, a := range present {
		other, err := p.who(a)
		if err != nil {
			return err
		}
		fmt.Fprintf(&b, "%s< IRO 1 %d %d %s {_}\n", to1, i+1, len(present), other.handle)
	}
	fmt.Fprintf(&b, "%s< ANS 1 OK\n", to1)
	for _, a := range present {
		fmt.Fprintf(&b, "%s.%s< JOI %s {_}\n", a, sb, to.handle)
	}
	return p.play(b.String())
}
