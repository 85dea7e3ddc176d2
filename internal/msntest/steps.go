package msntest

import (
	"errors"
	"fmt"
	"net"
	"strings"
	"time"
)

func (p *Player) send(c *Conn, s step) error {
	var payload []byte
	if s.with != nil {
		var err error
		if payload, err = p.bytes(c, s.with); err != nil {
			return err
		}
	}
	line, err := p.names.expand(s.text, c.Account, len(payload))
	if err != nil {
		return err
	}
	return c.write(append([]byte(line+p.lineEnd), payload...), message{line: line, payload: payload}.String())
}

// bytes returns the payload that is to be sent or must come.
func (p *Player) bytes(c *Conn, with *payload) ([]byte, error) {
	if with.kind == payloadFixture {
		b, _ := Payload(with.text)
		return b, nil
	}
	text, err := p.names.expand(with.text, c.Account, 0)
	return []byte(text), err
}

// want takes the next message, which must be the one of the step.
func (p *Player) want(c *Conn, s step) error {
	m, ok := c.await()
	if !ok {
		if _, _, ended := c.head(); ended {
			return fmt.Errorf("the server has closed %s", c.Name)
		}
		return fmt.Errorf("nothing came on %s for %v", c.Name, patience)
	}
	captured, err := p.fits(c, s, m)
	if err != nil {
		return fmt.Errorf("%s sent %s\n  %w", c.Name, m, err)
	}
	p.take(c, m, captured)
	return nil
}

// fits compares a message with the step that describes it.
func (p *Player) fits(c *Conn, s step, m message) (map[string]string, error) {
	if m.flaw != "" {
		return nil, errors.New(m.flaw)
	}
	captured, err := p.names.match(s.text, c.Account, m)
	if err != nil {
		return nil, err
	}
	switch {
	case s.with == nil && m.payload == nil:
		return captured, nil
	case s.with == nil:
		return nil, errors.New("it has a payload")
	case m.payload == nil:
		return nil, errors.New("it has no payload")
	case s.with.kind == payloadAny:
		return captured, nil
	case s.with.kind == payloadProfile:
		return captured, errors.Join(checkProfile(c, m.payload), p.checkEmailEnabled(c, m.payload))
	}
	want, err := p.bytes(c, s.with)
	if err == nil && string(want) != string(m.payload) {
		err = fmt.Errorf("the payload is not %s", showPayload(want))
	}
	return captured, err
}

// take removes a message that fits from its connection.
func (p *Player) take(c *Conn, m message, captured map[string]string) {
	c.drop()
	p.names.keep(captured)
	p.names.note(c.Account, m.line)
	if words := strings.SplitN(m.line, " ", 4); len(words) == 4 && words[0] == "USR" && words[2] == "OK" {
		c.signedIn = serverOf(c.Name) == "notification"
	}
	p.direct(c, m.line)
}

// optional takes the next message if it is the one of the step. Something comes in any case,
// if only the end of the connection.
func (p *Player) optional(c *Conn, s step) error {
	m, ok := c.await()
	if !ok {
		return nil
	}
	if captured, err := p.fits(c, s, m); err == nil {
		p.take(c, m, captured)
	}
	return nil
}

// closed waits until the server has closed the connection.
func (p *Player) closed(c *Conn) error {
	m, ok := c.await()
	if ok {
		return fmt.Errorf("%s sent %s", c.Name, m)
	}
	if _, _, ended := c.head(); !ended {
		return fmt.Errorf("%s is still open after %v", c.Name, patience)
	}
	c.close("") // this end too
	return nil
}

// quiet checks that nothing comes on the connections of the steps for a while.
func (p *Player) quiet(steps []step) error {
	for _, s := range steps {
		if _, err := p.conn(s.conn); err != nil {
			return &failure{place: s.place, source: s.source, err: err}
		}
	}
	if err := p.agree(); err != nil {
		return err
	}
	timeout := time.NewTimer(quiet)
	defer timeout.Stop()
	for {
		change := p.bell.next()
		for _, s := range steps {
			c := p.conns[s.conn]
			if m, ok, ended := c.head(); ok {
				return &failure{place: s.place, source: s.source, err: fmt.Errorf("%s sent %s", c.Name, m)}
			} else if ended {
				return &failure{place: s.place, source: s.source, err: fmt.Errorf("the server has closed %s", c.Name)}
			}
		}
		select {
		case <-change:
		case <-timeout.C:
			return nil
		}
	}
}

// refused checks that the server takes no connection, or closes it without a word.
func (p *Player) refused(name string) error {
	nc, err := p.dial(name)
	if err != nil {
		return nil
	}
	defer nc.Close()
	if err := nc.SetReadDeadline(time.Now().Add(patience)); err != nil {
		return fmt.Errorf("set deadline of %s: %w", name, err)
	}
	n, err := nc.Read(make([]byte, 1))
	var slow net.Error
	if n > 0 || errors.As(err, &slow) && slow.Timeout() {
		return errors.New("the server takes the connection")
	}
	return nil
}
