package msnclient

import (
	"context"
	"errors"
	"slices"
	"strings"

	"monarch/msnp"
)

// errEmpty ends a chat whose last other member has left.
var errEmpty = errors.New("everybody has left")

// read reads the switchboard to its end.
func (ch *Chat) read(context.Context) {
	c := ch.c
	c.mu.Lock()
	c.chats[ch] = struct{}{}
	closing := c.closing
	c.mu.Unlock()
	if closing {
		ch.link.fail(ErrChatClosed)
	}
	err := ch.link.read(ch.handle)
	c.mu.Lock()
	delete(c.chats, ch)
	c.mu.Unlock()
	if errors.Is(err, errEmpty) {
		ch.link.bye(err)
	}
	ch.link.finish(err)
	ch.end()
	ch.p2p.close(err)
	close(ch.done)
	ch.mu.Lock()
	open := ch.open
	ch.open = false
	ch.mu.Unlock()
	if !open {
		return
	}
	if errors.Is(err, errEmpty) || errors.Is(err, ErrChatClosed) {
		err = nil
	}
	ch.emit(ChatClosed{Chat: ch, Err: err})
}

func (ch *Chat) handle(f msnp.Frame) error {
	var err error
	switch f.Verb {
	case msnp.IRO:
		var who msnp.Participant
		if who, err = msnp.ParseIRO(f); err == nil {
			ch.come(who.Handle)
		}
	case msnp.ANS:
		err = ch.answered()
	case msnp.JOI:
		err = ch.joi(f)
	case msnp.BYE:
		err = ch.bye(f)
	case msnp.MSG:
		err = ch.msg(f)
	case msnp.OUT:
		err = ErrShutdown
	}
	if err == nil {
		ch.link.deliver(f)
	}
	return err
}

// come enters somebody, and reports whether he is new.
func (ch *Chat) come(handle string) bool {
	handle = strings.ToLower(handle)
	if handle == ch.c.cfg.Handle {
		return false
	}
	ch.mu.Lock()
	defer ch.mu.Unlock()
	delete(ch.calling, handle)
	if slices.Contains(ch.members, handle) {
		return false
	}
	ch.members = append(ch.members, handle)
	return true
}

// answered ends our entrance, if it was one. docs/protocol/switchboard.md#ans
func (ch *Chat) answered() error {
	ch.mu.Lock()
	if !ch.called {
		ch.mu.Unlock()
		return nil
	}
	ch.called = false
	alone := len(ch.members) == 0
	ch.open = !alone
	ch.mu.Unlock()
	if alone {
		return errEmpty
	}
	ch.emit(ChatOpened{Chat: ch})
	return nil
}

func (ch *Chat) joi(f msnp.Frame) error {
	who, err := msnp.ParseJOI(f)
	if err != nil || !ch.come(who.Handle) {
		return err
	}
	ch.mu.Lock()
	first := !ch.open
	ch.open = true
	ch.mu.Unlock()
	ch.emit(Joined{Chat: ch, Handle: strings.ToLower(who.Handle), Name: who.Name})
	if first {
		close(ch.joined)
	}
	return nil
}

// bye is the end of somebody's presence, and of the chat when he was the last.
// docs/protocol/switchboard.md#leaving
func (ch *Chat) bye(f msnp.Frame) error {
	m, err := msnp.ParseBYE(f)
	if err != nil {
		return err
	}
	handle := strings.ToLower(m.Handle)
	ch.mu.Lock()
	i := slices.Index(ch.members, handle)
	if i >= 0 {
		ch.members = slices.Delete(ch.members, i, i+1)
	}
	over := len(ch.members) == 0 && len(ch.calling) == 0
	ch.mu.Unlock()
	if i < 0 {
		return nil
	}
	ch.p2p.left(handle)
	ch.emit(Left{Chat: ch, Handle: handle, Idle: m.Idle})
	if over {
		return errEmpty
	}
	return nil
}
