package swarm

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"monarch/internal/im"
	"monarch/msnp"
)

// knockAgain is how long somebody waits who was not let in by a node that is restarted.
const knockAgain = 300 * time.Millisecond

// signIn connects him with a server that takes him, beginning with one. He goes where he is sent, and
// looks for another door if a node that is restarted does not let him in.
func (p *person) signIn(ctx context.Context, addr string) (*link, tenure, error) {
	for limit := time.Now().Add(patience); ; {
		at := p.town.tenure(addr)
		l, to, err := p.knock(ctx, addr)
		switch late := time.Now().After(limit); {
		case err == nil && to == "":
			return l, at, nil
		case err == nil && late:
			return nil, at, fmt.Errorf("sign %s in: he is sent from one server to the other, and now to %s", p.handle, to)
		case err == nil:
			addr = to
			continue
		case late || !at.ended():
			return nil, at, fmt.Errorf("sign %s in: %w", p.handle, err)
		}
		if err := pause(ctx, knockAgain); err != nil {
			return nil, at, err
		}
		addr = p.town.door()
	}
}

// knock tries one server: it lets him in, or says where else he is to go.
func (p *person) knock(ctx context.Context, addr string) (l *link, to string, err error) {
	if l, err = dial(ctx, addr, msnp.ServerGrammar); err != nil {
		return nil, "", err
	}
	l.SetDeadline(time.Now().Add(patience))
	name := ""
	if to, err = l.introduce(p.handle); err == nil && to == "" {
		name, err = l.prove(p.town.Crowd, p.number)
	}
	if err == nil && to == "" {
		l.SetDeadline(time.Now().Add(patience))
		p.checkName(name)
		err = p.checkLists(l)
	}
	if err != nil || to != "" {
		l.Close()
		return nil, to, err
	}
	l.SetDeadline(time.Time{})
	return l, "", nil
}

// settleIn begins to live with a connection on which he has signed in.
func (p *person) settleIn(l *link, at tenure) {
	p.mu.Lock()
	p.link, p.at, p.leaving, p.referral, p.read, p.asked = l, at, false, "", make(chan struct{}), ""
	p.trid = 10
	p.mu.Unlock()
	go p.listen(l, p.read)
	p.town.done.signIns.Add(1)
}

// staying returns where he is.
func (p *person) staying() stay {
	p.mu.Lock()
	defer p.mu.Unlock()
	return stay{p.visit, p.moves}
}

// sent takes the word to go to another node.
func (p *person) sent(f msnp.Frame) error {
	m, err := msnp.ParseXFRReply(f)
	if err != nil {
		return err
	}
	if !p.at.ended() {
		return fmt.Errorf("he is sent to %s by a node that nobody drains", m.Addr)
	}
	p.mu.Lock()
	p.referral = m.Addr
	p.mu.Unlock()
	p.uproot()
	return nil
}

// uproot notes that he is at his node no longer, and wakes him.
func (p *person) uproot() {
	p.mu.Lock()
	p.moves |= 1
	p.changed = time.Now()
	p.mu.Unlock()
	select {
	case p.called <- struct{}{}:
	default:
	}
}

// uprooted reports whether he must come back: he was sent elsewhere, or his connection was ended, by a
// node that is restarted.
func (p *person) uprooted() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.link != nil && !p.leaving && p.moves%2 == 1
}

// lost reports whether a node that is restarted has ended his connection, which he may have noticed before
// his reader.
func (p *person) lost() bool {
	if p.link == nil || !p.at.ended() {
		return false
	}
	select {
	case <-p.read:
		return true
	case <-time.After(patience):
		return false
	}
}

// comeBack has him go where he was sent, or knock at any door if he was not. His conversations go on.
func (p *person) comeBack() error {
	p.mu.Lock()
	l, read, to := p.link, p.read, p.referral
	p.leaving = true
	status := p.state.status
	p.mu.Unlock()
	l.Close()
	<-read
	p.forget()
	if to != "" {
		p.town.done.moved.Add(1)
	} else {
		p.town.done.returned.Add(1)
		to = p.town.door()
	}
	l, at, err := p.signIn(p.town.ctx, to)
	if err != nil {
		return err
	}
	p.settleIn(l, at)
	return p.appear(status)
}

// appear comes on line, and then can be called again.
func (p *person) appear(s msnp.Status) error {
	if err := p.changeStatus(s); err != nil {
		return err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.referral == "" && !p.hasEnded() {
		p.moves += p.moves % 2
	}
	return nil
}

// hasEnded reports whether his connection has. p.mu is held.
func (p *person) hasEnded() bool {
	select {
	case <-p.read:
		return true
	default:
		return false
	}
}

// forget drops what he knows of the others from a connection that has ended. What another node tells may
// be a little older, so the numbers begin anew, too, where there are several.
func (p *person) forget() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.link = nil
	for _, c := range p.peers {
		c.seen = state{}
		if p.town.places != nil {
			c.last = 0
		}
	}
}

// doubting runs something that changes on which lists somebody is. If it is cut off, nobody can say how
// far it has come: then any of some lists are right, until his next sign-in tells.
func (p *person) doubting(who int, may []im.List, do func() error) error {
	p.doubts[who] = may
	err := do()
	if err == nil {
		delete(p.doubts, who)
	}
	return err
}

// checkList compares on which lists somebody is with what he knows.
func (p *person) checkList(who int, got im.List) error {
	c := p.peers[who]
	switch {
	case c == nil:
		return errors.New("he is on no list")
	case got == c.lists:
	case slices.Contains(p.doubts[who], got):
		p.setLists(c, got)
	default:
		return fmt.Errorf("he is on lists %d in place of %d", got, c.lists)
	}
	delete(p.doubts, who)
	return nil
}

// checkName compares what he is called with how he has called himself.
func (p *person) checkName(name string) {
	p.mu.Lock()
	is, may := p.state.name, p.wanted
	if name == may {
		p.state.name = name
	}
	p.wanted = ""
	p.mu.Unlock()
	if name != is && name != may {
		p.town.fail("%s is called %q in place of %q", p.handle, name, is)
	}
}

// rest lets him do nothing for a while, and reports whether his life goes on.
func (p *person) rest() bool {
	wake, stop := p.town.soon(p.town.Soak.Pace)
	defer stop()
	select {
	case <-wake:
		return true
	case <-p.called:
		return true
	case <-p.town.over:
	case <-p.town.ctx.Done():
		return false
	}
	return p.uprooted()
}
