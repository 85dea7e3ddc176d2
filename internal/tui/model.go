package tui

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	tea "charm.land/bubbletea/v2"

	"monarch/msnclient"
)

// phase is how far the sign-in has come.
type phase int

const (
	asking phase = iota // for the password, or whether to try again
	signingIn
	signedIn
)

// pane is one of the two parts of the screen.
type pane int

const (
	listPane pane = iota
	chatPane
)

// model is everything that is on the screen or decides what is. It is touched by Update and
// View only, which never run at the same time.
type model struct {
	cfg   Config
	work  worker
	known func(*msnclient.Client) (msnclient.Person, msnclient.Roster) // what a client knows now

	columns, lines int
	colors         bool // the terminal has enough for pictures
	now            time.Time

	phase    phase
	password field
	refusal  string // why the sign-in did not work, or has ended

	client *msnclient.Client
	self   msnclient.Person
	roster msnclient.Roster
	names  map[string]string // of people who are not contacts, as they call themselves
	lost   lost

	focus    pane
	list     contactList
	chats    []*conversation
	current  *conversation // nil when there is none
	requests []request
	dialog   dialog // nil when there is none

	log    []logged
	notice logged // the last of log, shown for a while
}

// lost tells about a connection that is to come back.
type lost struct {
	why   string // "" while there is a connection
	until time.Time
}

// logged is a message of the messenger itself.
type logged struct {
	at   time.Time
	text string
}

const (
	noticeTime = 8 * time.Second
	maxLog     = 500
)

func newModel(cfg Config, w worker) *model {
	m := &model{cfg: cfg, work: w, columns: 80, lines: 24, colors: true, list: newContactList(), names: make(map[string]string)}
	m.known = func(c *msnclient.Client) (msnclient.Person, msnclient.Roster) { return c.Self(), c.Roster() }
	m.password.secret = true
	return m
}

// Messages to the model beside those of the terminal and of the client.
type (
	ticked time.Time // once a second

	// dialed is what came of signing in.
	dialed struct {
		client *msnclient.Client
		err    error
	}

	// done is what came of a request.
	done struct {
		what   string // "block Bob"
		client *msnclient.Client
		err    error
	}
)

// Init starts the clock and, if the password is there already, the sign-in.
func (m *model) Init() tea.Cmd {
	m.now = time.Now()
	if m.cfg.Client.Password == "" {
		return tick()
	}
	return tea.Batch(tick(), m.signIn(m.cfg.Client.Password))
}

func tick() tea.Cmd {
	return tea.Tick(time.Second, func(t time.Time) tea.Msg { return ticked(t) })
}

// Update takes one message.
func (m *model) Update(msg tea.Msg) (tea.Model, tea.Cmd) {
	return m, m.update(msg)
}

func (m *model) update(msg tea.Msg) tea.Cmd {
	switch msg := msg.(type) {
	case tea.WindowSizeMsg:
		m.columns, m.lines = msg.Width, msg.Height
		m.look()
	case tea.ColorProfileMsg:
		m.colors = msg.String() != "Ascii" && msg.String() != "NoTTY"
	case tea.KeyPressMsg:
		return m.press(msg)
	case tea.PasteMsg:
		m.paste(msg.Content)
	case ticked:
		m.now = time.Time(msg)
		m.forget()
		return tick()
	case dialed:
		return m.dialed(msg)
	case done:
		m.done(msg)
	case happened:
		return m.happened(msg)
	case opened:
		return m.opened(msg)
	case delivered:
		return m.delivered(msg)
	case transferred:
		m.transferred(msg)
	case fetched:
		m.fetched(msg)
	}
	return nil
}

// press does what a key means: to the dialog if there is one, to the part of the screen that
// has the focus otherwise.
func (m *model) press(k tea.KeyPressMsg) tea.Cmd {
	switch {
	case k.String() == "ctrl+c":
		return tea.Quit
	case m.dialog != nil:
		d := m.dialog
		closed, cmd := d.press(m, k)
		if closed && m.dialog == d { // it may have opened another one
			m.dialog = nil
		}
		return cmd
	case m.phase != signedIn:
		return m.pressBefore(k)
	}
	for _, a := range actions() {
		if a.applies(m, k.String()) {
			return a.do(m)
		}
	}
	if m.focus == listPane || m.current == nil {
		return m.list.press(m, k)
	}
	return m.current.press(m, k)
}

// paste writes what the terminal says was pasted.
func (m *model) paste(text string) {
	switch d := m.dialog.(type) {
	case *question:
		d.input.insert(text)
		return
	case nil:
	default:
		return
	}
	switch {
	case m.phase == asking:
		m.password.insert(text)
	case m.phase == signedIn && m.focus == chatPane && m.current != nil:
		m.current.input.insert(text)
	}
}

// request asks the server for something and shows what came of it if that is an error.
func (m *model) request(what string, do func(context.Context, *msnclient.Client) error) tea.Cmd {
	client := m.client
	return m.work(requestTime, func(ctx context.Context) tea.Msg {
		return done{what, client, do(ctx, client)}
	})
}

func (m *model) done(msg done) {
	if m.client == nil || msg.client != m.client { // of a session that has ended
		return
	}
	m.self, m.roster = m.known(m.client)
	if msg.err != nil {
		m.tell("Could not %s: %s.", msg.what, reason(msg.err))
	}
}

// tell shows a message in the last line for a while, and keeps it in the log.
func (m *model) tell(format string, args ...any) {
	m.notice = logged{m.now, line(fmt.Sprintf(format, args...))}
	m.log = append(m.log, m.notice)
	if len(m.log) > maxLog {
		m.log = m.log[len(m.log)-maxLog:]
	}
}

// reasons are the errors of msnclient in the words of this program.
var reasons = []struct {
	err  error
	text string
}{
	{msnclient.ErrPassword, "the e-mail address or the password is wrong"},
	{msnclient.ErrUnavailable, "the service is not available"},
	{msnclient.ErrVersion, "the server speaks no version of the protocol that this program does"},
	{msnclient.ErrElsewhere, "you have signed in elsewhere"},
	{msnclient.ErrShutdown, "the service has stopped"},
	{msnclient.ErrNotConnected, "there is no connection at present"},
	{msnclient.ErrClosed, "you have signed out"},
	{msnclient.ErrNotOnline, "this person is not online"},
	{msnclient.ErrNoAnswer, "nobody answered"},
	{msnclient.ErrNotDelivered, "it was not delivered"},
	{msnclient.ErrChatClosed, "the conversation has ended"},
	{msnclient.ErrDeclined, "it is not wanted"},
	{msnclient.ErrCancelled, "it was cancelled"},
	{msnclient.ErrNotSupported, "the server's version of the protocol does not have it"},
}

// reason puts an error into words.
func reason(err error) string {
	for _, r := range reasons {
		if errors.Is(err, r.err) {
			return r.text
		}
	}
	return strings.TrimSuffix(line(err.Error()), ".")
}

// name is what a person is called on the screen.
func (m *model) name(handle string) string {
	if handle == m.self.Handle {
		return nameOf(m.self)
	}
	if c, ok := m.roster.Contact(handle); ok && c.Lists.Has(msnclient.Forward) {
		return contactName(c)
	}
	if n := line(m.names[handle]); n != "" {
		return n
	}
	return line(handle)
}

func nameOf(p msnclient.Person) string {
	if n := line(p.Name); n != "" {
		return n
	}
	return line(p.Handle)
}

func contactName(c msnclient.Contact) string {
	if line(c.Name) == "" && line(c.Stored) != "" {
		return line(c.Stored)
	}
	return nameOf(c.Person)
}
