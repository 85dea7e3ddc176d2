package swarm

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"slices"
	"strconv"
	"sync"
	"time"

	"monarch/internal/im"
	"monarch/msnp"
)

// person is one of the people of a town. What he does he does one thing after another, in a
// goroutine of his own; another reads what he is told.
type person struct {
	town   *town
	number int
	handle string
	object string // his picture, described, in the form of a parameter

	writing sync.Mutex // held while writing to his notification server

	mu       sync.Mutex    // guards what follows; leaf
	link     *link         // nil while he is away
	read     chan struct{} // closed when nothing more comes; readErr says why
	readErr  error
	leaving  bool      // he knows that the connection ends
	at       tenure    // of his connection; set before its reader begins
	referral string    // where he was told to go, or ""
	moves    int       // counts how often he had to leave his node, and how often he came to another; odd in between
	changed  time.Time // when what others may know of him last changed
	visit    int       // counts arrivals, and departures before they begin; odd while he is there
	trid     uint32
	asked    string          // TrID of the request that is open, or ""
	verb     msnp.Verb       // of that request
	answer   chan msnp.Frame // of that request; has room for one
	state    state
	epoch    int // odd while his state changes
	peers    map[int]*peer
	rooms    map[*room]struct{}
	wanted   string // the name that he may have, or not, as nobody has said; ""

	called chan struct{}     // he must come back; has room for one
	doubts map[int][]im.List // the lists that each contact may be on, where nobody has said. Of live only
}

// state is what others may know of somebody.
type state struct {
	online bool
	status msnp.Status
	name   string
	change uint64 // number of his last change of status, which are his flags
}

// peer is one of somebody's contacts.
type peer struct {
	lists  im.List // that he is on, of Forward, Allow and Block
	seen   state   // what somebody was last told of him, since he is on line and has him on his list
	change bool    // that was told as a change, not as how things are
	last   uint64  // number of the last change he was told of, ever
}

func newPerson(t *town, i int) *person {
	p := &person{
		town: t, number: i, handle: handle(i),
		object: msnp.Escape(msnp.NewObject(handle(i), msnp.ObjectPicture, "picture.png", picture(i)).String()),
		state:  state{name: firstName},
		peers:  make(map[int]*peer),
		rooms:  make(map[*room]struct{}),
		called: make(chan struct{}, 1), doubts: make(map[int][]im.List),
	}
	for _, c := range t.Crowd.Plan.contacts(i) {
		p.peers[c] = &peer{lists: im.Forward | im.Allow}
	}
	return p
}

// live does one thing after another until the town comes to rest.
func (p *person) live() {
	for p.rest() {
		var err error
		if !p.uprooted() {
			err = p.act()
		}
		if p.link != nil && p.at.ended() {
			err = nil // it tells what became of his node, and no more
		}
		for err == nil && p.uprooted() {
			if err = p.comeBack(); err != nil && p.lost() {
				err = nil // and again
			}
		}
		if err != nil && !p.town.ending() {
			p.town.fail("%s: %v", p.handle, err)
			p.abandon()
			return
		}
	}
}

// act does one thing.
func (p *person) act() error {
	switch n := rand.IntN(100); { // changes that must be durable are rare, as they are in life
	case n < 30:
		return p.chat()
	case n < 70:
		return p.changeStatus(statuses[rand.IntN(len(statuses))])
	case n < 73:
		return p.rename(fmt.Sprintf("User %d", rand.IntN(1000)))
	case n < 76:
		return p.block()
	case n < 79:
		return p.relist()
	case n < 90:
		return p.ping()
	}
	return p.comeAndGo()
}

// arrive signs him in: he checks that his lists are as he left them, and comes on line.
func (p *person) arrive(ctx context.Context) error {
	l, at, err := p.signIn(ctx, p.town.door())
	if err != nil {
		return err
	}
	p.mu.Lock()
	p.visit++
	p.mu.Unlock()
	p.settleIn(l, at)
	p.town.done.online.Add(1)
	return p.appear(msnp.Online)
}

// checkLists compares what SYN says with what he knows.
func (p *person) checkLists(l *link) error {
	f, err := l.ask(msnp.SYN, "5", "0")
	if err != nil {
		return err
	}
	r, err := msnp.ParseSYNReply(f)
	if err != nil {
		return err
	}
	for i := range r.Contacts {
		f, err := l.await(msnp.LST)
		if err != nil {
			return fmt.Errorf("person %d of %d: %w", i+1, r.Contacts, err)
		}
		c, err := msnp.ParseLST(f)
		if err != nil {
			return err
		}
		who, err := number(c.Handle)
		if err != nil {
			return err
		}
		if err := p.checkList(who, im.List(c.Lists)&^im.Reverse); err != nil {
			p.town.fail("%s has wrong lists of %s: %v", p.handle, c.Handle, err)
		}
	}
	return nil
}

// changing runs something that changes what others may know of him.
func (p *person) changing(do func() error) error {
	p.turn()
	err := do()
	p.turn()
	p.town.done.changes.Add(1)
	return err
}

// turn begins or ends a change of what others may know of him.
func (p *person) turn() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.epoch++
	p.changed = time.Now()
}

// changeStatus tells a new status. Its number is in the flags, so that whoever hears of it
// can tell an older one.
func (p *person) changeStatus(s msnp.Status) error {
	return p.changing(func() error {
		p.mu.Lock()
		now := p.state
		p.mu.Unlock()
		now.online, now.status, now.change = true, s, now.change+1
		params := []string{string(s), strconv.FormatUint(now.change, 10), p.object}
		// It counts from here on: others may hear of it before he has the answer.
		p.mu.Lock()
		p.state = now
		p.mu.Unlock()
		_, err := p.request(msnp.CHG, params...)
		return err
	})
}

// rename changes his friendly name.
func (p *person) rename(name string) error {
	return p.changing(func() error {
		p.mu.Lock()
		p.wanted = name
		p.mu.Unlock()
		if _, err := p.request(msnp.REA, p.handle, msnp.Escape(name)); err != nil {
			return err
		}
		p.mu.Lock()
		p.state.name, p.wanted = name, ""
		p.mu.Unlock()
		return nil
	})
}

// contact returns one of his contacts, any.
func (p *person) contact() (int, *peer) {
	all := p.town.Crowd.Plan.contacts(p.number)
	who := all[rand.IntN(len(all))]
	return who, p.peers[who]
}

// block blocks a contact, or lets one be that he has blocked, as clients do: in two steps.
func (p *person) block() error {
	who, c := p.contact()
	from, to := im.Allow, im.Block
	if c.lists&im.Block != 0 {
		from, to = to, from
	}
	step := func() error {
		if c.lists&from != 0 { // else he was cut off in the middle
			if _, err := p.request(msnp.REM, from.String(), handle(who)); err != nil {
				return err
			}
			p.setLists(c, c.lists&^from)
		}
		if _, err := p.request(msnp.ADD, to.String(), handle(who), handle(who)); err != nil {
			return err
		}
		p.setLists(c, c.lists|to)
		return nil
	}
	may := []im.List{c.lists, c.lists &^ from, c.lists&^from | to}
	return p.changing(func() error { return p.doubting(who, may, step) })
}

// relist takes a contact off his list, or puts one back.
func (p *person) relist() error {
	who, c := p.contact()
	step := func() error {
		if c.lists&im.Forward != 0 {
			// The reader forgets what it knows of him with the answer: nothing may follow it.
			_, err := p.request(msnp.REM, im.Forward.String(), handle(who))
			return err
		}
		_, err := p.request(msnp.ADD, im.Forward.String(), handle(who), handle(who), "0")
		return err
	}
	may := []im.List{c.lists, c.lists ^ im.Forward}
	return p.changing(func() error { return p.doubting(who, may, step) })
}

func (p *person) setLists(c *peer, l im.List) {
	p.mu.Lock()
	defer p.mu.Unlock()
	c.lists = l
}

// comeAndGo leaves, politely or not, and comes back after a while. His conversations end
// first.
func (p *person) comeAndGo() error {
	how := politely
	if rand.IntN(2) == 0 {
		how = cutOff
	}
	p.mu.Lock()
	l, read := p.link, p.read
	rooms := make([]*room, 0, len(p.rooms))
	p.leaving = true
	p.visit++
	p.epoch++
	p.changed = time.Now()
	for r := range p.rooms {
		rooms = append(rooms, r)
	}
	clear(p.rooms)
	p.mu.Unlock()
	for _, r := range rooms {
		r.depart(p, how)
	}
	p.mu.Lock()
	p.state.online = false
	p.mu.Unlock()
	p.town.done.online.Add(-1)
	if how == politely {
		l.SetReadDeadline(time.Now().Add(patience))
		if err := p.write(msnp.AppendLine(nil, msnp.OUT)); err != nil && !p.at.ended() {
			return err
		}
	} else {
		p.town.done.cuts.Add(1)
		l.cut()
	}
	<-read
	l.Close()
	if how == politely && !errors.Is(p.readErr, io.EOF) && !p.at.ended() {
		return fmt.Errorf("signed out: %w", p.readErr)
	}
	p.forget()
	p.turn()
	if !p.town.idle(p.town.Soak.Pace) {
		return nil // he stays away
	}
	return p.arrive(p.town.ctx)
}

// abandon ends his connection, if there is one.
func (p *person) abandon() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.leaving = true
	p.state.online = false
	if p.link != nil {
		p.link.Close()
	}
}

// shownTo returns what v must see of him: nothing, unless he is there and lets v see him.
func (p *person) shownTo(v int) state {
	p.mu.Lock()
	defer p.mu.Unlock()
	if c := p.peers[v]; !p.state.online || !p.state.status.Visible() || c == nil || c.lists&im.Block != 0 {
		return state{}
	}
	return p.state
}

// mistaken tells what he wrongly believes of his contacts.
func (p *person) mistaken() []string {
	p.mu.Lock()
	if !p.state.online {
		p.mu.Unlock()
		return nil
	}
	believed := make(map[int]state)
	for i, c := range p.peers {
		if c.lists&im.Forward != 0 {
			believed[i] = c.seen
		}
	}
	p.mu.Unlock()
	var all []string
	for i, b := range believed {
		if is := p.town.people[i].shownTo(p.number); is != b {
			all = append(all, fmt.Sprintf("%s believes of %s %s, who is %s", p.handle, handle(i), b, is))
		}
	}
	slices.Sort(all)
	return all
}

func (s state) String() string {
	if !s.online {
		return "that he is not there"
	}
	return fmt.Sprintf("%s %q (change %d)", s.status, s.name, s.change)
}
