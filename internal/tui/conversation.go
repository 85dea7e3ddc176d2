package tui

import (
	"slices"
	"strings"
	"time"

	"monarch/msnclient"
)

// conversation is one with the same people, over one chat after the other.
type conversation struct {
	chat    *msnclient.Chat // nil while there is none
	people  []string        // the others, at least one
	entries []*entry
	unread  int
	typing  map[string]time.Time // until when somebody's notice holds
	noticed time.Time            // when we last told that we are typing
	input   field
	outbox  []*entry // what is still to be sent; the first is under way
	back    int      // lines scrolled up from the end
}

// entry is one thing that was said or that happened.
type entry struct {
	at   time.Time
	kind entryKind
	who  string // handle, of mine and theirs
	text string
	fate fate      // of mine
	why  string    // of what was not delivered
	file *transfer // of a file on its way
}

type entryKind int

const (
	remark entryKind = iota
	mine
	theirs
)

type fate int

const (
	sent fate = iota
	sending
	failed
)

const (
	typingTime  = 10 * time.Second // how long a typing notice holds
	typingPause = 5 * time.Second  // between two of ours
	maxEntries  = 2000
)

func newConversation(people []string) *conversation {
	return &conversation{people: people, typing: make(map[string]time.Time)}
}

// add appends an entry and returns it.
func (c *conversation) add(at time.Time, e entry) *entry {
	e.at = at
	c.entries = append(c.entries, &e)
	if len(c.entries) > maxEntries {
		c.entries = c.entries[len(c.entries)-maxEntries:]
	}
	return &e
}

// with returns the conversation with one person alone, or nil.
func (m *model) with(handle string) *conversation {
	return m.find(nil, []string{handle})
}

// find returns the conversation over a chat, or else the one with just these people, or nil.
func (m *model) find(chat *msnclient.Chat, people []string) *conversation {
	for _, c := range m.chats {
		if chat != nil && c.chat == chat {
			return c
		}
	}
	for _, c := range m.chats {
		if len(people) > 0 && same(c.people, people) {
			return c
		}
	}
	return nil
}

// same reports whether two lists name the same people.
func same(a, b []string) bool {
	if len(a) != len(b) {
		return false
	}
	return !slices.ContainsFunc(a, func(p string) bool { return !slices.Contains(b, p) })
}

// conversation returns the one that a chat belongs to, and begins one if there is none. The
// chat may have lost its members already; from is who did something in it.
func (m *model) conversation(chat *msnclient.Chat, members []string, from string) *conversation {
	if !slices.Contains(members, from) {
		members = append(slices.Clone(members), from)
	}
	c := m.find(chat, members)
	if c == nil {
		c = newConversation(members)
		m.chats = append(m.chats, c)
		if m.current == nil {
			m.current = c
		}
	}
	if len(members) > 0 {
		c.chat = chat
	}
	return c
}

// open shows the conversation with a person.
func (m *model) open(handle string) {
	c := m.with(handle)
	if c == nil {
		c = newConversation([]string{handle})
		m.chats = append(m.chats, c)
	}
	m.show(c)
	m.focus = chatPane
}

// show makes a conversation the current one.
func (m *model) show(c *conversation) {
	m.current = c
	m.look()
}

// look marks the current conversation as read, if it is on the screen.
func (m *model) look() {
	if m.current != nil && (m.focus == chatPane || m.columns >= bothPanes) {
		m.current.unread = 0
	}
}

// leave closes a conversation.
func (m *model) leave(c *conversation) *msnclient.Chat {
	i := slices.Index(m.chats, c)
	if i < 0 {
		return nil
	}
	m.chats = slices.Delete(m.chats, i, i+1)
	m.current = nil
	if len(m.chats) > 0 {
		m.show(m.chats[min(i, len(m.chats)-1)])
	} else {
		m.focus = listPane
	}
	return c.chat
}

// received adds what somebody did to a conversation.
func (m *model) received(c *conversation, e entry) {
	delete(c.typing, e.who)
	c.add(m.now, e)
	c.unread++
	m.look()
	if c.unread > 0 {
		m.tell("%s: %s", m.title(c), e.text)
	}
}

// joined notes that somebody came into a chat. Chats of two are not worth a word, and may be
// about a picture only.
func (m *model) joined(ev msnclient.Joined, members []string) {
	c := m.find(ev.Chat, members)
	if c == nil {
		if len(members) < 2 {
			return
		}
		c = m.conversation(ev.Chat, members, ev.Handle)
	}
	c.chat = ev.Chat
	if slices.Contains(c.people, ev.Handle) && len(c.people) == 1 {
		return
	}
	if !slices.Contains(c.people, ev.Handle) {
		c.people = append(c.people, ev.Handle)
	}
	c.add(m.now, entry{kind: remark, text: m.name(ev.Handle) + " has joined the conversation."})
}

// left notes that somebody went. Who only fell silent is called again with the next message.
func (m *model) left(ev msnclient.Left) {
	c := m.find(ev.Chat, nil)
	if c == nil {
		return
	}
	delete(c.typing, ev.Handle)
	if len(c.people) == 1 {
		return
	}
	if !ev.Idle {
		c.people = slices.DeleteFunc(c.people, func(p string) bool { return p == ev.Handle })
	}
	c.add(m.now, entry{kind: remark, text: m.name(ev.Handle) + " has left the conversation."})
}

func (m *model) chatClosed(ev msnclient.ChatClosed) {
	c := m.find(ev.Chat, nil)
	if c == nil {
		return
	}
	c.chat = nil
	clear(c.typing)
}

// title names a conversation after its people.
func (m *model) title(c *conversation) string {
	var names []string
	for _, p := range c.people {
		names = append(names, m.name(p))
	}
	return strings.Join(names, ", ")
}

// typists are those who are typing now, by name.
func (m *model) typists(c *conversation) []string {
	var names []string
	for _, p := range c.people {
		if c.typing[p].After(m.now) {
			names = append(names, m.name(p))
		}
	}
	return names
}
