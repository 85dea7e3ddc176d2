package swarm

import (
	"errors"
	"fmt"
	"strconv"
	"time"

	"monarch/internal/im"
	"monarch/msnp"
)

// write writes to his notification server.
func (p *person) write(b []byte) error {
	p.writing.Lock()
	defer p.writing.Unlock()
	_, err := p.link.Write(b)
	return err
}

// request writes a command and waits for its answer.
func (p *person) request(v msnp.Verb, params ...string) (msnp.Frame, error) {
	answer := make(chan msnp.Frame, 1)
	p.mu.Lock()
	p.trid++
	p.asked, p.verb, p.answer = msnp.Uint(p.trid), v, answer
	trid, read := p.asked, p.read
	p.mu.Unlock()
	if err := p.write(msnp.AppendLine(nil, v, append([]string{trid}, params...)...)); err != nil {
		return msnp.Frame{}, err
	}
	select {
	case f := <-answer:
		if code, ok := f.Code(); ok {
			return f, fmt.Errorf("answer to %s %q: %w", v, params, code)
		}
		return f, nil
	case <-read:
		select {
		case f := <-answer: // it was the last that came
			if _, refused := f.Code(); !refused {
				return f, nil
			}
		default:
		}
		return msnp.Frame{}, fmt.Errorf("wait for the answer to %s: %w", v, p.readErr)
	case <-time.After(patience):
		return msnp.Frame{}, fmt.Errorf("no answer to %s", v)
	}
}

// ping asks whether the server is there.
func (p *person) ping() error { return p.write(msnp.AppendLine(nil, msnp.PNG)) }

// listen reads what he is told until his connection ends.
func (p *person) listen(l *link, read chan struct{}) {
	err := p.hearAll(l)
	p.mu.Lock()
	left := p.leaving
	p.readErr = err
	p.mu.Unlock()
	close(read)
	switch {
	case left:
	case p.at.ended():
		p.uproot()
	case !p.town.ending():
		p.town.fail("%s: his connection has ended: %v", p.handle, err)
	}
}

func (p *person) hearAll(l *link) error {
	for {
		f, err := l.next()
		if err != nil {
			return err
		}
		if err := p.hear(f); err != nil {
			p.town.fail("%s got %s: %v", p.handle, f.Verb, err)
		}
	}
}

// hear takes one line.
func (p *person) hear(f msnp.Frame) error {
	switch f.Verb {
	case msnp.ILN, msnp.NLN:
		return p.hearPresence(f)
	case msnp.FLN:
		who, err := msnp.ParseFLN(f)
		if err != nil {
			return err
		}
		return p.believe(who, state{}, true)
	case msnp.RNG:
		r, err := msnp.ParseRNG(f)
		if err != nil {
			return err
		}
		if room := p.town.room(r.Session); room != nil {
			room.rings(p, r)
		}
		return nil
	case msnp.CHL:
		challenge, err := msnp.ParseCHL(f)
		if err != nil {
			return err
		}
		return p.write(msnp.AppendPayload(nil, msnp.QRY, []byte(product.Answer(challenge)), "2", product.ID))
	case msnp.XFR:
		if f.Arg(0) == string(msnp.Async) {
			return p.sent(f)
		}
	case msnp.OUT:
		if p.at.ended() && msnp.ParseOUT(f) == "SSD" {
			return nil // the end of the connection follows
		}
		return errors.New("the server ends the session")
	}
	return p.hearAnswer(f)
}

// hearAnswer hands on the answer to what he asked, which an error is, too.
func (p *person) hearAnswer(f msnp.Frame) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	code, refused := f.Code()
	if p.asked == "" || f.Arg(0) != p.asked || f.Verb != p.verb && !refused {
		if refused {
			return code
		}
		return nil // news of lists, or something else that has a number there
	}
	p.relisted(f)
	p.asked = ""
	p.answer <- f.Clone()
	return nil
}

// relisted notes that somebody is on the forward list from now on, or not any more. p.mu is
// held.
func (p *person) relisted(f msnp.Frame) {
	parse := msnp.ParseADDReply
	if f.Verb == msnp.REM {
		parse = msnp.ParseREMReply
	} else if f.Verb != msnp.ADD {
		return
	}
	u, err := parse(f)
	if err != nil || u.List != im.Forward.String() {
		return
	}
	who, err := number(u.Handle)
	c := p.peers[who]
	if err != nil || c == nil {
		return
	}
	c.lists ^= im.Forward
	c.seen, c.change = state{}, false
}

// hearPresence takes what he is told of a contact.
func (p *person) hearPresence(f msnp.Frame) error {
	m, err := msnp.ParsePresence(f)
	if err != nil {
		return err
	}
	who, err := number(m.Handle)
	if err != nil {
		return err
	}
	if want := p.town.people[who].object; m.Object != want {
		return fmt.Errorf("the picture of %s is %q", m.Handle, m.Object)
	}
	return p.believe(m.Handle, state{online: true, status: m.Status, name: m.Name, change: m.Flags}, f.Verb == msnp.NLN)
}

// believe takes what he is told of a contact, which must be on his list and not older than
// what he knows. The same may come twice when he has just been told how things are. With several
// nodes it may come twice at other times: one that is not sure whether he knows it tells him.
func (p *person) believe(who string, s state, change bool) error {
	i, err := number(who)
	if err != nil {
		return err
	}
	p.town.done.lines.Add(1)
	p.mu.Lock()
	defer p.mu.Unlock()
	c := p.peers[i]
	if c == nil || c.lists&im.Forward == 0 {
		return fmt.Errorf("%s is not on his list", who)
	}
	var t Tally
	if s.online && s.change < c.last {
		t.Reordered++
	}
	switch again := change && s == c.seen && c.change; {
	case again && p.town.places != nil:
		p.town.done.again.Add(1)
	case again:
		t.Duplicated++
	}
	if t != (Tally{}) {
		p.town.enter(books{Tally: t, Failures: []string{
			p.handle + " is told that " + who + " is " + s.String() + " after change " + strconv.FormatUint(c.last, 10),
		}})
	}
	c.seen, c.change, c.last = s, change, max(c.last, s.change)
	return nil
}
