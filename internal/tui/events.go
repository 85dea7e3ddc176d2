package tui

import (
	"context"
	"time"

	tea "charm.land/bubbletea/v2"

	"monarch/msnclient"
	"monarch/msnp"
)

// happened is an event of the client with what was known of its chat right after it.
type happened struct {
	event   msnclient.Event // nil: there will be none any more
	at      time.Time
	members []string        // of the chat that the event is about
	over    <-chan struct{} // of an offer: closed when it is withdrawn or answered
}

// listen waits for the next event.
func (m *model) listen() tea.Cmd {
	client := m.client
	return func() tea.Msg {
		ev := <-client.Events()
		h := happened{event: ev, at: time.Now()}
		if ch := chatOf(ev); ch != nil {
			h.members = ch.Members()
		}
		if offer, ok := ev.(msnclient.FileOffered); ok {
			h.over = offer.Done()
		}
		return h
	}
}

// chatOf returns the chat an event is about, or nil.
func chatOf(ev msnclient.Event) *msnclient.Chat {
	switch ev := ev.(type) {
	case msnclient.ChatOpened:
		return ev.Chat
	case msnclient.Joined:
		return ev.Chat
	case msnclient.Left:
		return ev.Chat
	case msnclient.TextReceived:
		return ev.Chat
	case msnclient.NudgeReceived:
		return ev.Chat
	case msnclient.FileOffered:
		return ev.Chat
	}
	return nil
}

func (m *model) happened(h happened) tea.Cmd {
	m.now = h.at
	if h.event == nil { // Closed came before
		return nil
	}
	before := m.roster
	m.self, m.roster = m.known(m.client) // on arrival: what was known earlier may be older than what a request brought
	if ev, ok := h.event.(msnclient.PresenceChanged); ok {
		m.changed(before, ev)
	}
	if closed, ok := h.event.(msnclient.Closed); ok {
		return m.closed(closed)
	}
	return tea.Batch(m.listen(), m.react(h))
}

func (m *model) react(h happened) tea.Cmd {
	switch ev := h.event.(type) {
	case msnclient.PresenceChanged:
		m.presence(ev)
	case msnclient.AddedBy:
		m.names[ev.Handle] = ev.Name
		if c, ok := m.roster.Contact(ev.Handle); ok && !c.Pending() {
			m.tell("%s has added you too.", m.name(ev.Handle))
			break
		}
		m.ask(request{from: ev.Handle, name: ev.Name})
	case msnclient.RemovedBy:
		m.tell("%s has removed you from his or her list.", m.name(ev.Handle))
	case msnclient.NoticeReceived:
		m.tell("The service will stop in %d minutes.", ev.Minutes)
	case msnclient.MailCounted:
		if ev.Inbox > 0 {
			m.tell("Unread messages in your mailbox: %d.", ev.Inbox)
		}
	case msnclient.MailReceived:
		m.tell("New mail from %s: %s", ev.From, ev.Subject)
	case msnclient.AlertReceived:
		m.tell("Alert: %s", ev.Text)
	case msnclient.Disconnected:
		m.lost = lost{why: reason(ev.Err), until: m.now.Add(ev.RetryIn)}
		m.tell("The connection was lost: %s.", m.lost.why)
	case msnclient.Reconnected:
		m.lost = lost{}
		m.tell("Connected again.")
	default:
		return m.reactInChat(h)
	}
	return nil
}

// reactInChat takes the events of conversations.
func (m *model) reactInChat(h happened) tea.Cmd {
	switch ev := h.event.(type) {
	case msnclient.ChatOpened:
		if c := m.find(ev.Chat, h.members); c != nil {
			c.chat = ev.Chat
		}
	case msnclient.CallMissed:
		m.tell("%s called, and answering failed: %s.", m.name(ev.From), reason(ev.Err))
	case msnclient.Joined:
		m.names[ev.Handle] = ev.Name
		m.joined(ev, h.members)
	case msnclient.Left:
		m.left(ev)
	case msnclient.ChatClosed:
		m.chatClosed(ev)
	case msnclient.TextReceived:
		m.names[ev.From] = ev.Name
		m.received(m.conversation(ev.Chat, h.members, ev.From), entry{kind: theirs, who: ev.From, text: plain(ev.Text.Body)})
	case msnclient.TypingStarted:
		if c := m.find(ev.Chat, nil); c != nil {
			c.typing[ev.From] = m.now.Add(typingTime)
		}
	case msnclient.NudgeReceived:
		c := m.conversation(ev.Chat, h.members, ev.From)
		m.received(c, entry{kind: remark, text: m.name(ev.From) + " has sent you a nudge!"})
		return tea.Raw("\a")
	case msnclient.FileOffered:
		return m.offered(ev, h)
	}
	return nil
}

// presence tells when somebody comes or goes.
func (m *model) presence(ev msnclient.PresenceChanged) {
	text := ""
	switch here, was := ev.Status.Visible(), ev.Was.Visible(); {
	case here && !was:
		text = m.name(ev.Handle) + " is online."
	case was && !here:
		text = m.name(ev.Handle) + " is offline."
	default:
		return
	}
	m.tell("%s", text)
	if c := m.with(ev.Handle); c != nil {
		c.add(m.now, entry{kind: remark, text: text})
	}
}

// changed tells of a new name or picture of somebody who is there.
func (m *model) changed(before msnclient.Roster, ev msnclient.PresenceChanged) {
	old, ok := before.Contact(ev.Handle)
	if !ok || !ev.Was.Visible() || !ev.Status.Visible() {
		return
	}
	if was, is := nameOf(old.Person), nameOf(ev.Person); was != is {
		m.tell("%s is called %s now.", was, is)
	}
	if ev.Picture != nil && (old.Picture == nil || old.Picture.SHA1D != ev.Picture.SHA1D) {
		m.tell("%s has a new picture.", m.name(ev.Handle))
	}
}

// closed ends the session: what comes next is asking whether to sign in again. The
// conversations stay to be read.
func (m *model) closed(ev msnclient.Closed) tea.Cmd {
	client := m.client
	m.client = nil
	for _, c := range m.chats {
		c.chat = nil
		for _, e := range c.outbox {
			e.fate, e.why = failed, reason(msnclient.ErrClosed)
		}
		c.outbox = nil
	}
	m.requests = nil
	err := ev.Err
	if err == nil {
		err = msnclient.ErrClosed
	}
	m.refuse(err)
	return m.work(requestTime, func(context.Context) tea.Msg {
		_ = client.Close() // its connection has gone; this waits for what is left of it
		return nil
	})
}

// status returns what a person is doing; of strangers it is not known.
func (m *model) status(handle string) (msnp.Status, bool) {
	c, ok := m.roster.Contact(handle)
	if !ok || !c.Lists.Has(msnclient.Forward) {
		return "", false
	}
	return c.Status, true
}
