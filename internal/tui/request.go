package tui

import (
	"context"
	"slices"

	tea "charm.land/bubbletea/v2"

	"monarch/msnclient"
)

// request is something another person waits for an answer to. It is kept until we take the
// time, because a question that pops up catches keys meant for something else.
type request struct {
	from, name string
	file       *msnclient.FileOffered // nil: from has added us
	in         *conversation          // of a file
	over       <-chan struct{}        // of a file: closed when nobody waits any more
}

// mostOffers is how many files of one person wait for an answer, over all chats.
const mostOffers = 8

// offered takes the offer of a file. One that is withdrawn already, or one too many, is not
// worth a word: somebody could fill the screen with them.
func (m *model) offered(ev msnclient.FileOffered, h happened) tea.Cmd {
	r := request{from: ev.From, file: &ev, over: h.over}
	m.forget()
	waiting := 0
	for _, o := range m.requests {
		if o.file != nil && o.from == r.from {
			waiting++
		}
	}
	switch {
	case r.withdrawn():
		return nil
	case waiting >= mostOffers:
		return m.work(requestTime, func(context.Context) tea.Msg {
			_ = ev.Decline() // it may be over by now
			return nil
		})
	}
	r.in = m.conversation(ev.Chat, h.members, ev.From)
	m.received(r.in, entry{kind: remark, text: m.name(ev.From) + " offers a file: " + line(ev.Name) + " (" + size(ev.Size) + ")"})
	m.ask(r)
	return nil
}

// withdrawn reports whether nobody waits for the answer any more.
func (r request) withdrawn() bool {
	select {
	case <-r.over:
		return true
	default:
		return false
	}
}

// forget drops the requests that are over.
func (m *model) forget() {
	m.requests = slices.DeleteFunc(m.requests, request.withdrawn)
}

// ask keeps a request, once for each person who added us.
func (m *model) ask(r request) {
	if r.file == nil {
		if slices.ContainsFunc(m.requests, func(o request) bool { return o.file == nil && o.from == r.from }) {
			return
		}
		m.tell("%s has added you. F3 to answer.", m.stranger(r))
	} else {
		m.tell("%s offers a file. F3 to answer.", m.name(r.from))
	}
	m.requests = append(m.requests, r)
}

// stranger names somebody who may be on no list of ours.
func (m *model) stranger(r request) string {
	if n := line(r.name); n != "" && n != line(r.from) {
		return n + " <" + line(r.from) + ">"
	}
	return line(r.from)
}

// answer opens the first request.
func (m *model) answer() tea.Cmd {
	m.forget()
	if len(m.requests) == 0 {
		m.tell("Nobody waits for an answer.")
		return nil
	}
	r := m.requests[0]
	if r.file != nil {
		m.answerFile(r)
	} else {
		m.answerAdded(r)
	}
	return nil
}

// answered removes a request.
func (m *model) answered(r request) {
	m.requests = slices.DeleteFunc(m.requests, func(o request) bool { return o == r })
}

func (m *model) answerAdded(r request) {
	settle := func(what string, do call) func() tea.Cmd {
		return func() tea.Cmd {
			m.answered(r)
			return m.request(what+" "+line(r.from), do)
		}
	}
	m.dialog = &decision{
		title: "Added",
		text:  m.stranger(r) + " has added you to his or her list.",
		ways: []way{
			{"a", "accept: let this person see you, and add him or her", settle("accept", func(ctx context.Context, c *msnclient.Client) error {
				return c.Accept(ctx, r.from)
			})},
			{"l", "let this person see you only", settle("allow", func(ctx context.Context, c *msnclient.Client) error {
				return c.Allow(ctx, r.from)
			})},
			{"b", "block", settle("block", func(ctx context.Context, c *msnclient.Client) error {
				return c.Block(ctx, r.from)
			})},
		},
	}
}

func (m *model) answerFile(r request) {
	m.dialog = &decision{
		title: "File",
		text:  m.name(r.from) + " offers " + line(r.file.Name) + " (" + size(r.file.Size) + ").",
		ways: []way{
			{"s", "save it", func() tea.Cmd { return m.saveFile(r) }},
			{"n", "no, thank you", func() tea.Cmd {
				m.answered(r)
				r.in.add(m.now, entry{kind: remark, text: "You have declined " + line(r.file.Name) + "."})
				return m.request("decline the file", func(context.Context, *msnclient.Client) error { return r.file.Decline() })
			}},
		},
	}
}
