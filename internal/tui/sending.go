package tui

import (
	"context"
	"slices"
	"time"

	tea "charm.land/bubbletea/v2"

	"monarch/msnclient"
)

// Messages to the model about conversations.
type (
	// delivered is what came of sending the first message of a conversation's outbox.
	delivered struct {
		in   *conversation
		chat *msnclient.Chat
		err  error
	}

	// opened is what came of opening a chat for something.
	opened struct {
		in   *conversation
		chat *msnclient.Chat
		what string
		then func(ctx context.Context, ch *msnclient.Chat) error
		err  error
	}
)

// press does what a key means where one writes.
func (c *conversation) press(m *model, k tea.KeyPressMsg) tea.Cmd {
	switch k.String() {
	case "enter":
		return m.say(c)
	case "pgup":
		c.back += m.page()
		return nil
	case "pgdown":
		c.back = max(0, c.back-m.page())
		return nil
	}
	if !c.input.press(k) || k.Text == "" {
		return nil
	}
	return m.typing(c)
}

// typing tells the others that we are, now and then. It never opens a chat.
func (m *model) typing(c *conversation) tea.Cmd {
	if c.chat == nil || m.now.Sub(c.noticed) < typingPause {
		return nil
	}
	c.noticed = m.now
	chat := c.chat
	return m.work(requestTime, func(context.Context) tea.Msg {
		_ = chat.Typing() // nobody misses it
		return nil
	})
}

// say sends what has been written. Messages go one after the other.
func (m *model) say(c *conversation) tea.Cmd {
	text := c.input.take()
	if text == "" {
		return nil
	}
	c.back, c.noticed = 0, time.Time{}
	c.outbox = append(c.outbox, c.add(m.now, entry{kind: mine, who: m.self.Handle, text: text, fate: sending}))
	if len(c.outbox) > 1 {
		return nil
	}
	return m.send(c)
}

// send sends the first message of the outbox.
func (m *model) send(c *conversation) tea.Cmd {
	client, chat, people := m.client, c.chat, slices.Clone(c.people)
	text := msnclient.Text{Body: c.outbox[0].text}
	return m.work(callTime, func(ctx context.Context) tea.Msg {
		if len(people) == 1 {
			chat, err := client.Send(ctx, people[0], text)
			return delivered{c, chat, err}
		}
		if chat == nil {
			var err error
			if chat, err = gather(ctx, client, people); err != nil {
				return delivered{c, chat, err}
			}
		}
		err := chat.Send(ctx, text)
		return delivered{c, chat, err}
	})
}

// gather opens a chat with several people and waits a little for them to come.
func gather(ctx context.Context, client *msnclient.Client, people []string) (*msnclient.Chat, error) {
	chat, err := client.Open(ctx, people[0])
	if err != nil {
		return nil, err
	}
	called := 1
	for _, p := range people[1:] {
		if err := chat.Invite(ctx, p); err == nil {
			called++ // who is not there is missing, as anywhere
		}
	}
	const patience, step = 10 * time.Second, 50 * time.Millisecond
	late := time.NewTimer(patience)
	defer late.Stop()
	look := time.NewTicker(step)
	defer look.Stop()
	for len(chat.Members()) < called {
		select {
		case <-look.C:
		case <-late.C:
			return chat, nil
		case <-chat.Done():
			return nil, msnclient.ErrChatClosed
		}
	}
	return chat, nil
}

func (m *model) delivered(msg delivered) tea.Cmd {
	c := msg.in
	if len(c.outbox) == 0 {
		return nil
	}
	e := c.outbox[0]
	c.outbox = c.outbox[1:]
	e.fate = sent
	if msg.err != nil {
		e.fate, e.why = failed, reason(msg.err)
	}
	m.keep(c, msg.chat)
	if len(c.outbox) == 0 || m.client == nil {
		return nil
	}
	return m.send(c)
}

// keep remembers the chat of a conversation, unless it has ended meanwhile.
func (m *model) keep(c *conversation, chat *msnclient.Chat) {
	if chat == nil {
		return
	}
	select {
	case <-chat.Done():
		if c.chat == chat {
			c.chat = nil
		}
	default:
		c.chat = chat
	}
}

// inChat does something in the chat of a conversation, which is opened if need be.
func (m *model) inChat(c *conversation, what string, do func(ctx context.Context, ch *msnclient.Chat) error) tea.Cmd {
	client, people := m.client, slices.Clone(c.people)
	if c.chat != nil {
		return m.opened(opened{in: c, chat: c.chat, what: what, then: do})
	}
	return m.work(callTime, func(ctx context.Context) tea.Msg {
		chat, err := gather(ctx, client, people)
		return opened{c, chat, what, do, err}
	})
}

func (m *model) opened(msg opened) tea.Cmd {
	if m.client == nil && msg.err == nil { // the session has ended meanwhile
		msg.err = msnclient.ErrClosed
	}
	if msg.err != nil {
		m.tell("Could not %s: %s.", msg.what, reason(msg.err))
		return nil
	}
	m.keep(msg.in, msg.chat)
	return m.request(msg.what, func(ctx context.Context, _ *msnclient.Client) error { return msg.then(ctx, msg.chat) })
}

// nudge shakes the others' windows.
func (m *model) nudge(c *conversation) tea.Cmd {
	c.add(m.now, entry{kind: remark, text: "You have sent a nudge."})
	return m.inChat(c, "send a nudge", func(_ context.Context, ch *msnclient.Chat) error { return ch.Nudge() })
}

// invite calls one more person into a conversation.
func (m *model) invite(c *conversation, handle string) tea.Cmd {
	c.add(m.now, entry{kind: remark, text: m.name(handle) + " is invited."})
	return m.inChat(c, "invite "+m.name(handle), func(ctx context.Context, ch *msnclient.Chat) error {
		return ch.Invite(ctx, handle)
	})
}
