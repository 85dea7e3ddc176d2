package swarm

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"sync"
	"time"

	"monarch/internal/im"
	"monarch/msnp"
)

// room is a conversation. One goroutine decides who says what; each who is there has another
// that reads what he hears.
type room struct {
	town *town
	id   string

	mu      sync.Mutex // guards what follows; leaf
	books   *ledger
	seats   map[int]*seat // of all who ever came
	ringing map[int]stay  // who was called and has not come, and where; or nowhere
	calls   map[string]call
	called  uint32
	closed  bool  // nobody can come any more
	broken  bool  // its node has ended it for somebody, and will for all
	summed  bool  // the ledger is closed
	sum     books // what the ledger has come to, once it is closed

	changed chan struct{} // something has happened; has room for one
	readers sync.WaitGroup
}

// call is an invitation that the switchboard has not answered yet.
type call struct {
	callee *person
	caller int
	from   stay   // of the caller
	then   moment // of the callee
	sure   bool
}

// How conversations are.
const (
	mostGuests   = 5
	mostRooms    = 3 // of one host
	turnsOfTalk  = 12
	breathing    = 400 * time.Millisecond
	longestBurst = 6
)

// chat opens a conversation with some contacts, if he can.
func (p *person) chat() error {
	p.mu.Lock()
	visible, rooms := p.state.status.Visible(), len(p.rooms)
	p.mu.Unlock()
	if !visible {
		return p.changeStatus(msnp.Online)
	}
	if rooms >= mostRooms {
		return p.ping()
	}
	f, err := p.request(msnp.XFR, "SB")
	if err != nil {
		return err
	}
	ref, err := msnp.ParseXFRReply(f)
	if err != nil {
		return err
	}
	at, from := p.town.tenure(ref.Addr), p.staying()
	l, id, err := enter(p.town.ctx, p.handle, f)
	switch {
	case err != nil && (at.ended() || p.staying() != from):
		return nil // another time
	case err != nil:
		return fmt.Errorf("enter a switchboard: %w", err)
	}
	l.SetDeadline(time.Time{})
	r := &room{
		town: p.town, id: id, books: newLedger(),
		seats: make(map[int]*seat), ringing: make(map[int]stay), calls: make(map[string]call),
		changed: make(chan struct{}, 1),
	}
	p.town.mu.Lock()
	p.town.rooms[id] = r
	p.town.mu.Unlock()
	r.sit(&seat{room: r, who: p, link: l, host: true, at: at, stay: from})
	p.town.talking.Go(r.run)
	return nil
}

// run is the life of a conversation.
func (r *room) run() {
	r.town.done.conversations.Add(1)
	for range 1 + rand.IntN(mostGuests-1) {
		r.invite()
	}
	r.await(r.answered)
	for range 1 + rand.IntN(turnsOfTalk) {
		if !r.town.idle(breathing) || r.isBroken() {
			break
		}
		s, n := r.anybody(), rand.IntN(100)
		switch {
		case s == nil:
		case n < 80:
			r.talk(s)
		case n < 86:
			s.showPicture()
		case n < 92:
			r.invite()
		case n < 96:
			r.depart(s.who, politely)
		default:
			r.depart(s.who, cutOff)
		}
	}
	r.await(r.answered)
	r.await(r.settled)
	r.finish()
}

// talk has somebody say something, and sometimes another at the same time.
func (r *room) talk(s *seat) {
	acks := []msnp.Acknowledgement{msnp.AckNone, msnp.AckFailure, msnp.AckAll}
	for range 1 + rand.IntN(2) {
		ack := acks[rand.IntN(len(acks))]
		for range 1 + rand.IntN(longestBurst) {
			s.send(ack, plainText, chatter())
		}
		if s = r.anybody(); s == nil {
			return
		}
	}
}

// anybody returns somebody who is there, or nil.
func (r *room) anybody() *seat {
	r.mu.Lock()
	defer r.mu.Unlock()
	present := r.present()
	if len(present) == 0 || r.broken {
		return nil
	}
	return present[rand.IntN(len(present))]
}

// present returns who is there. r.mu is held.
func (r *room) present() []*seat {
	var all []*seat
	for s := range maps.Values(r.seats) {
		if !s.gone && s.in {
			all = append(all, s)
		}
	}
	return all
}

// invite has somebody who is there call one of his contacts who is not.
func (r *room) invite() {
	s := r.anybody()
	if s == nil {
		return
	}
	who, _ := s.who.contact()
	callee := r.town.people[who]
	c := call{callee: callee, caller: s.who.number, from: s.who.staying()}
	c.then, c.sure = callee.callable(c.caller)
	r.mu.Lock()
	if _, rings := r.ringing[who]; rings || r.seats[who] != nil || s.gone {
		r.mu.Unlock()
		return
	}
	r.called++
	trid := msnp.Uint(1<<31 + r.called)
	r.calls[trid], r.ringing[who] = c, callee.staying()
	r.mu.Unlock()
	s.line(msnp.CAL, trid, callee.handle)
}

// forget takes back what somebody has called who leaves: nobody hears any more what becomes of
// it. r.mu is held.
func (r *room) forget(caller int) {
	for trid, c := range r.calls {
		if c.caller == caller {
			delete(r.calls, trid)
			r.ringing[c.callee.number] = stay{} // he may come or not, and nobody calls him again
		}
	}
}

// moment tells times apart between which something has changed that others may know of somebody.
type moment struct {
	stay
	epoch int
}

// known is how long all nodes may take until they know of a change.
const known = 10 * time.Second

// callable reports whether somebody can certainly be called by another now, and the moment for
// which that holds.
func (p *person) callable(caller int) (now moment, sure bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	c, now := p.peers[caller], moment{stay{p.visit, p.moves}, p.epoch}
	if p.town.places != nil && (!now.settled() || time.Since(p.changed) < known) {
		return now, false
	}
	return now, p.epoch%2 == 0 && p.state.online && p.state.status.Visible() && c != nil && c.lists&im.Block == 0
}

// refused notes that nobody was called. r.mu is held.
func (r *room) refused(trid string, code msnp.Code) error {
	c, ok := r.calls[trid]
	if !ok {
		return code
	}
	delete(r.calls, trid)
	delete(r.ringing, c.callee.number)
	if from := r.town.people[c.caller].staying(); from != c.from || !from.settled() {
		return nil // he was on his way to another node
	}
	now, sure := c.callee.callable(c.caller)
	if code != msnp.CodeNotOnline || c.sure && sure && now == c.then {
		return fmt.Errorf("%s cannot be called, who is there: %w", c.callee.handle, code)
	}
	return nil
}

// answered reports whether everybody who was called has come, or will not. r.mu is held.
func (r *room) answered() bool {
	return len(r.calls) == 0 && len(r.expected()) == 0
}

// expected returns who was called and must come: he was there and still is. r.mu is held.
func (r *room) expected() []int {
	var all []int
	for who, when := range r.ringing {
		if when.settled() && r.town.people[who].staying() == when {
			all = append(all, who)
		}
	}
	return all
}

// rings lets somebody in who was called, unless he is about to leave.
func (r *room) rings(p *person, ring msnp.Ring) {
	at, now := r.town.tenure(ring.Addr), p.staying()
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.closed || now.visit%2 == 0 {
		return
	}
	r.readers.Go(func() {
		l, err := join(r.town.ctx, p.handle, ring)
		if err != nil {
			if now.settled() && p.staying() == now && !at.ended() && !r.town.ending() {
				r.town.fail("%s cannot join: %v", p.handle, err)
			}
			return
		}
		l.SetDeadline(time.Time{})
		r.sit(&seat{room: r, who: p, link: l, at: at, stay: now})
	})
}

// sit gives somebody a place. He does not stay if the conversation is over, or the visit on
// which he was called: his conversations of that visit have ended.
func (r *room) sit(s *seat) {
	p := s.who
	// In this order: whoever is about to leave finds the seat, or has ended the visit before.
	r.mu.Lock()
	r.seats[p.number] = s
	if s.host {
		s.come()
		s.let = true
	}
	r.readers.Go(s.listen)
	stays := !r.closed
	r.mu.Unlock()
	p.mu.Lock()
	stays = stays && p.visit == s.stay.visit
	if stays {
		p.rooms[r] = struct{}{}
	}
	p.mu.Unlock()
	if !stays {
		s.leave(cutOff)
	}
}

// depart has somebody leave, if he is there.
func (r *room) depart(p *person, how departure) {
	r.mu.Lock()
	s := r.seats[p.number]
	r.mu.Unlock()
	if s != nil {
		s.leave(how)
	}
}

// await waits until something is so, or it has taken too long; the books tell then what is
// missing.
func (r *room) await(so func() bool) {
	limit := time.After(patience)
	for {
		r.mu.Lock()
		ok := r.broken || so()
		r.mu.Unlock()
		if ok {
			return
		}
		select {
		case <-r.changed:
		case <-time.After(time.Second): // somebody called may leave without a word here
		case <-limit:
			return
		case <-r.town.ctx.Done():
			return
		}
	}
}

// happened wakes await.
func (r *room) happened() {
	select {
	case r.changed <- struct{}{}:
	default:
	}
}

// collapse notes that the node ends the conversation. Each who is there listens until it has done so for
// him: what was acknowledged arrives before that.
func (r *room) collapse() {
	r.mu.Lock()
	if !r.summed {
		r.closed, r.broken = true, true
		r.books.breaks()
	}
	r.mu.Unlock()
	r.happened()
}

func (r *room) isBroken() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.broken
}

// settled closes the books if everybody has got everything: whoever leaves in the next moment
// is no concern of theirs any more. r.mu is held.
func (r *room) settled() bool {
	if !r.books.settled() {
		return false
	}
	r.shut()
	return true
}

// shut closes the books, and the conversation for newcomers. r.mu is held.
func (r *room) shut() {
	if r.summed {
		return
	}
	r.closed, r.summed = true, true
	r.sum = r.books.close()
	if r.broken {
		return
	}
	for _, who := range r.expected() {
		r.sum.Failures = append(r.sum.Failures, handle(who)+" was called and has not come")
	}
}

// finish closes the books, if they are still open, and has everybody leave who is there.
func (r *room) finish() {
	r.town.mu.Lock()
	delete(r.town.rooms, r.id)
	r.town.mu.Unlock()
	r.mu.Lock()
	broken := r.broken && !r.summed
	if !broken {
		r.shut()
	}
	seats := slices.Collect(maps.Values(r.seats))
	r.mu.Unlock()
	for _, s := range seats {
		if broken {
			s.link.SetReadDeadline(time.Now().Add(patience)) // until the node has ended it for him, too
		} else {
			s.leave(politely)
		}
	}
	r.readers.Wait()
	if broken {
		r.mu.Lock()
		r.shut()
		r.mu.Unlock()
		r.town.done.ended.Add(1)
	}
	if r.town.ctx.Err() == nil {
		r.town.enter(r.sum)
	}
}
