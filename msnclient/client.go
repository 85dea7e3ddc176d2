package msnclient

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"sync"
	"time"

	"monarch/msnp"
)

// Pauses before coming back.
const (
	firstPause = time.Second
	lastPause  = 5 * time.Minute
	longEnough = time.Minute     // a sign-in that lasted this long was a good one
	oneSignIn  = 2 * time.Minute // for one attempt
)

// Client is a signed-in user. Its methods may be called by any goroutine.
type Client struct {
	cfg    Config
	log    *slog.Logger
	events *queue
	ended  chan struct{} // closed when nothing runs any more

	// life ends with the client. It is kept because chats begin inside requests and outlive
	// their contexts.
	life context.Context
	end  context.CancelFunc
	work sync.WaitGroup // every goroutine but run and the queue's

	showing chan struct{} // taken while CHG is under way: status and picture go together

	mu      sync.Mutex // taken before the queue's lock, and before none else
	closing bool       // no new goroutines
	session *session   // nil while there is none
	chats   map[*Chat]struct{}
	objects map[string][]byte // what we have announced, by SHA1D
	self    Person
	status  msnp.Status // of the last CHG, and of the next sign-in
	picture *Picture
	version msnp.Version
	profile map[string]string
	book    *book
	asked   map[string]bool // people AddedBy was sent for
}

// Dial signs in. ctx covers the signing in alone; the client lives until [Client.Close] has
// been called, which it must be, or until it ends by itself with the event [Closed].
func Dial(ctx context.Context, cfg Config) (*Client, error) {
	cfg, err := cfg.complete()
	if err != nil {
		return nil, err
	}
	c := &Client{
		cfg: cfg, log: cfg.Log.With("user", cfg.Handle), events: newQueue(cfg.Buffer), ended: make(chan struct{}),
		chats: make(map[*Chat]struct{}), objects: make(map[string][]byte), asked: make(map[string]bool),
		showing: make(chan struct{}, 1),
		self:    Person{Handle: cfg.Handle, Name: cfg.Handle, Status: msnp.Offline, Flags: cfg.Flags},
		status:  cfg.Status, picture: cfg.Picture, book: openBook(cfg.Cached),
	}
	c.life, c.end = context.WithCancel(context.WithoutCancel(ctx))
	pumped := make(chan int, 1)
	go func() { pumped <- c.events.pump() }() // ends when the queue is closed and read
	s, err := c.signIn(ctx, cfg.Server, cfg.Status)
	if err != nil {
		c.events.abandon()
		c.stop()
		c.work.Wait()
		c.events.close()
		<-pumped
		return nil, fmt.Errorf("sign in: %w", err)
	}
	go func() { // Close waits for it
		err := c.run(s)
		c.stop()
		c.work.Wait()
		c.events.push(Closed{err})
		c.events.close()
		if lost := <-pumped; lost > 0 {
			c.log.Warn("events left unread", "count", lost)
		}
		close(c.ended)
	}()
	return c, nil
}

// Events returns the channel on which everything arrives that nobody asked for. It closes
// after [Closed].
func (c *Client) Events() <-chan Event { return c.events.out }

// Close signs out and waits until nothing of the client runs any more. Events that nobody
// has read stay readable as far as the channel holds them.
func (c *Client) Close() error {
	c.events.abandon()
	c.stop()
	<-c.ended
	return nil
}

// stop says goodbye on every connection and lets nothing begin.
func (c *Client) stop() {
	c.mu.Lock()
	c.closing = true
	s := c.session
	chats := slices.Collect(maps.Keys(c.chats))
	c.mu.Unlock()
	c.end()
	for _, ch := range chats {
		ch.link.bye(ErrChatClosed)
	}
	if s != nil {
		s.link.bye(ErrClosed)
	}
}

// spawn starts a goroutine that Close waits for, unless the client is closing.
func (c *Client) spawn(f func(ctx context.Context)) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closing {
		return false
	}
	c.work.Go(func() { f(c.life) })
	return true
}

// run keeps the client signed in and returns why it is not any more.
func (c *Client) run(s *session) error {
	pause, hops := firstPause, 0
	for {
		begun := time.Now()
		<-s.done
		err := c.lost(s)
		if c.over() {
			return nil
		}
		if time.Since(begun) > longEnough {
			pause, hops = firstPause, 0
		}
		c.log.Info("not signed in any more", "err", err)
		moved := s.moved
		if moved != "" {
			hops++
		}
		if hops > maxHops {
			moved = "" // round in circles: as good as a lost connection
		}
		if s, err = c.comeBack(moved, &pause, err); s == nil {
			return err
		}
	}
}

// over reports whether the client is to end.
func (c *Client) over() bool { return c.life.Err() != nil }

// lost notes that there is no connection and returns the reason.
func (c *Client) lost(s *session) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.session = nil
	c.self.Status = msnp.Offline
	c.book.darken()
	return s.err
}

// comeBack signs in again. It returns no session, and perhaps the reason, when it is not to
// or cannot. moved is where the server sent us, or "".
func (c *Client) comeBack(moved string, pause *time.Duration, err error) (*session, error) {
	if moved != "" {
		c.events.push(Disconnected{Err: err})
		s, failure := c.signIn(c.life, moved, "")
		if failure == nil {
			return s, nil
		}
		err = failure
	}
	for !c.over() {
		if !c.cfg.Reconnect || hopeless(err) {
			return nil, err
		}
		wait := jitter(*pause)
		*pause = min(2**pause, lastPause)
		c.events.push(Disconnected{Err: err, RetryIn: wait})
		if !sleep(c.life, wait) {
			break
		}
		s, failure := c.signIn(c.life, c.cfg.Server, "")
		if failure == nil {
			return s, nil
		}
		c.log.Info("cannot sign in again", "err", failure)
		err = failure
	}
	return nil, nil
}

// hopeless reports whether trying again would fail again, or do harm.
func hopeless(err error) bool {
	return errors.Is(err, ErrElsewhere) || errors.Is(err, ErrPassword) || errors.Is(err, ErrVersion)
}

// Self returns the user as the others see him.
func (c *Client) Self() Person {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.self
}

// Roster returns the contacts, groups and settings of the moment.
func (c *Client) Roster() Roster {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.book.roster()
}

// Profile returns what the service told about the account at the sign-in, such as
// EmailEnabled and MSPAuth. docs/protocol/signin.md#profile
func (c *Client) Profile() map[string]string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return maps.Clone(c.profile)
}

// Version returns the protocol version agreed on.
func (c *Client) Version() msnp.Version {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.version
}

// current returns the session, or why there is none.
func (c *Client) current() (*session, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case c.closing:
		return nil, ErrClosed
	case c.session == nil:
		return nil, ErrNotConnected
	}
	return c.session, nil
}

// ask sends a command to the notification server and waits for the answer.
func (c *Client) ask(ctx context.Context, v msnp.Verb, params ...string) (msnp.Frame, error) {
	s, err := c.current()
	if err != nil {
		return msnp.Frame{}, err
	}
	f, err := s.link.ask(ctx, v, params...)
	if errors.Is(err, errLost) {
		err = fmt.Errorf("%w: %w", ErrNotConnected, err)
	}
	return f, err
}
