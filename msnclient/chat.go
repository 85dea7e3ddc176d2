package msnclient

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"monarch/msnp"
)

// ringing is how long a call may be answered. docs/protocol/switchboard.md#cookies
const ringing = 2 * time.Minute

// Chat is a conversation on a switchboard, with one person or several. It ends, with the
// event [ChatClosed], when it is closed, when the last of the others has left and nobody is
// being called, and when the connection is lost. To go on, open another one.
type Chat struct {
	c       *Client
	link    *link
	log     *slog.Logger
	version msnp.Version
	p2p     *p2p
	done    chan struct{} // closed when the reader is done
	joined  chan struct{} // closed when the first of the others is there

	// life ends with the reader; it is for what spawn starts.
	life context.Context
	end  context.CancelFunc

	mu      sync.Mutex // taken before the queue's lock and link.mu; never with Client.mu
	id      string
	members []string       // by time of joining
	calling map[string]int // called, and not there yet: the number of the call
	calls   int            // so far
	open    bool           // the caller of Open or the reader of events knows it
	called  bool           // we were called, and ANS is not answered yet
	private bool           // opened for a picture, and nobody else uses it
	leaving bool           // about to be closed: not to be used any more
}

// newChat connects to a switchboard; nothing is said yet.
func (c *Client) newChat(ctx context.Context, addr string, v msnp.Version) (*Chat, error) {
	conn, err := c.cfg.Dialer(ctx, "tcp", withPort(addr, defaultPort))
	if err != nil {
		return nil, fmt.Errorf("connect to switchboard: %w", err)
	}
	ch := &Chat{
		c: c, link: newLink(conn, msnp.SwitchboardServerGrammar, c.events, c.log), log: c.log, version: v,
		done: make(chan struct{}), joined: make(chan struct{}), calling: make(map[string]int),
	}
	ch.life, ch.end = context.WithCancel(c.life)
	ch.p2p = newP2P(ch)
	if !c.spawn(ch.read) {
		ch.end()
		conn.Close()
		return nil, ErrClosed
	}
	return ch, nil
}

// Open calls somebody and waits until he is there.
func (c *Client) Open(ctx context.Context, handle string) (*Chat, error) {
	return c.open(ctx, handle, false)
}

func (c *Client) open(ctx context.Context, handle string, private bool) (*Chat, error) {
	if err := checkHandle(handle); err != nil {
		return nil, fmt.Errorf("call: %w", err)
	}
	f, err := c.ask(ctx, msnp.XFR, "SB")
	if err != nil {
		return nil, fmt.Errorf("ask for a switchboard: %w", err)
	}
	m, err := msnp.ParseXFRReply(f)
	if err != nil {
		return nil, err
	}
	ch, err := c.newChat(ctx, m.Addr, c.Version())
	if err != nil {
		return nil, err
	}
	ch.mu.Lock()
	ch.private = private
	ch.mu.Unlock()
	release := ch.hold()
	defer release()
	if err := ch.enter(ctx, m.Cookie, handle); err != nil {
		ch.Close()
		return nil, fmt.Errorf("call %s: %w", handle, err)
	}
	return ch, nil
}

// enter authenticates with the cookie and calls the first of the others.
func (ch *Chat) enter(ctx context.Context, cookie, handle string) error {
	if _, err := ch.link.ask(ctx, msnp.USR, ch.c.cfg.Handle, cookie); err != nil {
		return err
	}
	err := ch.Invite(ctx, handle)
	if err != nil && ctx.Err() == nil {
		return err
	}
	timer := time.NewTimer(ringing)
	defer timer.Stop()
	select {
	case <-ch.joined:
		return nil
	case <-ch.done:
		return ErrChatClosed
	case <-timer.C:
		return ErrNoAnswer
	case <-ctx.Done():
		return fmt.Errorf("%w: %w", ErrNoAnswer, ctx.Err())
	}
}

// answer goes where somebody calls us.
func (c *Client) answer(ctx context.Context, m msnp.Ring, v msnp.Version) error {
	ctx, cancel := context.WithTimeout(ctx, ringing)
	defer cancel()
	ch, err := c.newChat(ctx, m.Addr, v)
	if err != nil {
		return err
	}
	ch.mu.Lock()
	ch.id, ch.called = m.Session, true
	ch.mu.Unlock()
	if _, err := ch.link.ask(ctx, msnp.ANS, c.cfg.Handle, m.Cookie, m.Session); err != nil {
		ch.link.fail(err)
		return fmt.Errorf("answer: %w", err)
	}
	return nil
}

// Chats returns the chats that are open.
func (c *Client) Chats() []*Chat {
	c.mu.Lock()
	all := slices.Collect(maps.Keys(c.chats))
	c.mu.Unlock()
	return slices.DeleteFunc(all, func(ch *Chat) bool {
		ch.mu.Lock()
		defer ch.mu.Unlock()
		return !ch.open
	})
}

// chatWith finds an open chat with one person alone.
func (c *Client) chatWith(handle string) (*Chat, bool) {
	for _, ch := range c.Chats() {
		ch.mu.Lock()
		fits := len(ch.members) == 1 && len(ch.calling) == 0 && strings.EqualFold(ch.members[0], handle) &&
			!ch.leaving && ch.link.alive()
		if fits {
			ch.private = false
		}
		ch.mu.Unlock()
		if fits {
			return ch, true
		}
	}
	return nil, false
}

// dropChats leaves every chat.
func (c *Client) dropChats(reason error) {
	c.mu.Lock()
	all := slices.Collect(maps.Keys(c.chats))
	c.mu.Unlock()
	for _, ch := range all {
		ch.link.bye(reason)
	}
}

// Send sends a text to one person: in a chat with him alone that is open, else in a new one,
// which is returned. A chat that he has left is replaced once.
func (c *Client) Send(ctx context.Context, handle string, t Text) (*Chat, error) {
	if ch, ok := c.chatWith(handle); ok {
		err := ch.Send(ctx, t)
		var part *partError
		if err == nil || errors.As(err, &part) || !errors.Is(err, ErrNotDelivered) {
			return ch, err
		}
	}
	ch, err := c.Open(ctx, handle)
	if err != nil {
		return nil, err
	}
	return ch, ch.Send(ctx, t)
}

// ID returns the id of the session on the switchboard.
func (ch *Chat) ID() string {
	ch.mu.Lock()
	defer ch.mu.Unlock()
	return ch.id
}

func (ch *Chat) setID(id string) {
	ch.mu.Lock()
	defer ch.mu.Unlock()
	ch.id = id
}

// Members returns the handles of the others, by time of joining.
func (ch *Chat) Members() []string {
	ch.mu.Lock()
	defer ch.mu.Unlock()
	return slices.Clone(ch.members)
}

// Done returns a channel that closes when the chat has ended.
func (ch *Chat) Done() <-chan struct{} { return ch.done }

// Invite calls one more person. That the call was passed on is all the answer says; the event
// [Joined] tells when he comes.
func (ch *Chat) Invite(ctx context.Context, handle string) error {
	if err := checkHandle(handle); err != nil {
		return fmt.Errorf("invite: %w", err)
	}
	handle = strings.ToLower(handle)
	ch.mu.Lock()
	ch.calls++
	call := ch.calls
	ch.calling[handle] = call
	ch.mu.Unlock()
	f, err := ch.link.ask(ctx, msnp.CAL, handle)
	if err != nil {
		ch.unanswered(handle, call)
		return fmt.Errorf("invite %s: %w", handle, uncallable(err))
	}
	ch.spawn(func(ctx context.Context) {
		if sleep(ctx, ringing) {
			ch.unanswered(handle, call)
		}
	})
	id, err := msnp.ParseCALReply(f)
	if err != nil {
		return err
	}
	ch.setID(id)
	return nil
}

// unanswered gives up a call that nobody has answered, and a chat that waits for nothing else.
func (ch *Chat) unanswered(handle string, call int) {
	ch.mu.Lock()
	waited := ch.calling[handle] == call
	if waited {
		delete(ch.calling, handle)
	}
	over := waited && ch.open && len(ch.members) == 0 && len(ch.calling) == 0
	ch.mu.Unlock()
	if over {
		ch.link.bye(errEmpty)
	}
}

// used notes that a chat is more than the way to a picture.
func (ch *Chat) used() {
	ch.mu.Lock()
	defer ch.mu.Unlock()
	ch.private = false
}

// leave closes a chat that was opened for a picture, unless it is used for more by now.
func (ch *Chat) leave() {
	ch.mu.Lock()
	ch.leaving = ch.private
	leaving := ch.leaving
	ch.mu.Unlock()
	if leaving {
		ch.Close()
	}
}

// Close leaves the chat. What the others sent before they knew still arrives.
func (ch *Chat) Close() error {
	ch.p2p.close(ErrChatClosed) // lets go of a reader that waits for a file to be written
	ch.link.bye(ErrChatClosed)
	<-ch.done
	return nil
}

// hold keeps the chat being read, however slow the reader of the events is.
func (ch *Chat) hold() (release func()) { return ch.link.gate.hold() }

// emit passes an event on. It never waits.
func (ch *Chat) emit(ev Event) { ch.c.events.push(ev) }

// spawn starts a goroutine whose context ends with the chat, and which Client.Close waits
// for. It reports whether there still was a chat.
func (ch *Chat) spawn(f func(ctx context.Context)) bool {
	return ch.life.Err() == nil && ch.c.spawn(func(context.Context) { f(ch.life) })
}
