package tui

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/x/ansi"
	"github.com/google/go-cmp/cmp"

	"monarch/msnclient"
	"monarch/msnp"
)

var update = flag.Bool("update", false, "write the golden screens anew")

// morning is when everything in these tests happens.
var morning = time.Date(2026, 1, 31, 9, 30, 0, 0, time.UTC)

// stage is a messenger without a server: requests are counted and nothing comes of them.
type stage struct {
	*model
	t     *testing.T
	asked int
}

// newStage returns alice's messenger, signed in.
func newStage(t *testing.T) *stage {
	t.Helper()
	s := &stage{t: t}
	s.model = newModel(Config{
		Client: msnclient.Config{Handle: "alice@example.com"}, Where: "im.example.com", Downloads: t.TempDir(),
	}, func(time.Duration, func(context.Context) tea.Msg) tea.Cmd {
		s.asked++
		return nil
	})
	s.known = func(*msnclient.Client) (msnclient.Person, msnclient.Roster) { return s.self, s.roster }
	s.phase, s.now, s.client = signedIn, morning, new(msnclient.Client)
	s.self = msnclient.Person{Handle: "alice@example.com", Name: "Alice", Status: msnp.Online}
	s.roster = msnclient.Roster{
		Groups: []msnclient.Group{{Number: 0, Name: "Other Contacts"}, {Number: 1, Name: "Friends"}, {Number: 2, Name: "Work"}},
		Contacts: []msnclient.Contact{
			contact("bob@example.com", "Bob", msnp.Busy, 1),
			contact("carol@example.com", "Carol", msnp.Online, 1),
			contact("dave@example.com", "Dave", msnp.Offline, 1, 2),
			contact("erin@example.com", "エリン 🌸", msnp.Away, 2),
			contact("frank@example.com", "Frank", msnp.Online),
		},
	}
	s.roster.Contacts[4].Lists |= msnclient.Blocked
	return s
}

func contact(handle, name string, status msnp.Status, groups ...int) msnclient.Contact {
	return msnclient.Contact{
		Person: msnclient.Person{Handle: handle, Name: name, Status: status},
		Lists:  msnclient.Forward, Groups: groups,
	}
}

// event lets something happen, in a chat with these members if it is about one.
func (s *stage) event(ev msnclient.Event, members ...string) {
	s.update(happened{event: ev, at: s.now, members: members})
}

// keys presses keys by their names; a text that is no name is typed.
func (s *stage) keys(names ...string) {
	for _, n := range names {
		if k, ok := key(n); ok {
			s.update(k)
			continue
		}
		for _, r := range n {
			s.update(tea.KeyPressMsg{Code: r, Text: string(r)})
		}
	}
}

func key(name string) (tea.KeyPressMsg, bool) {
	special := map[string]rune{
		"enter": tea.KeyEnter, "esc": tea.KeyEscape, "tab": tea.KeyTab, "up": tea.KeyUp, "down": tea.KeyDown,
		"left": tea.KeyLeft, "right": tea.KeyRight, "home": tea.KeyHome, "end": tea.KeyEnd,
		"pgup": tea.KeyPgUp, "pgdown": tea.KeyPgDown, "backspace": tea.KeyBackspace, "delete": tea.KeyDelete,
		"f1": tea.KeyF1, "f2": tea.KeyF2, "f3": tea.KeyF3, "f4": tea.KeyF4, "f10": tea.KeyF10,
	}
	if code, ok := special[name]; ok {
		return tea.KeyPressMsg{Code: code}, true
	}
	if letter, ok := strings.CutPrefix(name, "ctrl+"); ok {
		return tea.KeyPressMsg{Code: rune(letter[0]), Mod: tea.ModCtrl}, true
	}
	return tea.KeyPressMsg{}, false
}

// shown returns the screen as text, after checking that it has the terminal's size.
func (s *stage) shown() string {
	s.t.Helper()
	lines := strings.Split(s.View().Content, "\n")
	if len(lines) != s.lines {
		s.t.Errorf("%d lines in a window of %d", len(lines), s.lines)
	}
	for i, l := range lines {
		if w := width(l); w != s.columns {
			s.t.Errorf("line %d has %d columns of %d: %q", i, w, s.columns, l)
		}
		lines[i] = strings.TrimRight(ansi.Strip(l), " ")
	}
	return strings.Join(lines, "\n") + "\n"
}

// golden compares the screen with a file.
func (s *stage) golden(name string) {
	s.t.Helper()
	got := s.shown()
	path := filepath.Join("testdata", name+".txt")
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			s.t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		s.t.Fatal(err)
	}
	if diff := cmp.Diff(strings.Split(string(want), "\n"), strings.Split(got, "\n")); diff != "" {
		s.t.Errorf("screen %s (go test -update writes it anew):\n%s", name, diff)
	}
}

// talk has bob, carol and a long message on the screen.
func (s *stage) talk() (bob, group *msnclient.Chat) {
	bob, group = new(msnclient.Chat), new(msnclient.Chat)
	s.open("bob@example.com")
	s.event(msnclient.Joined{Chat: bob, Handle: "bob@example.com"}, "bob@example.com")
	s.event(msnclient.TextReceived{Chat: bob, From: "bob@example.com", Text: msnclient.Text{
		Body: "Good morning :-) The meeting is at ten, and I have not read a word of what we are going to talk about.\nHave you?",
	}}, "bob@example.com")
	s.keys("Neither have I. 日本語 works too 🦋", "enter")
	s.update(delivered{in: s.current, chat: nil})
	s.now = s.now.Add(time.Minute)
	s.event(msnclient.TypingStarted{Chat: bob, From: "bob@example.com"})
	s.event(msnclient.TextReceived{Chat: group, From: "carol@example.com", Text: msnclient.Text{Body: "Who else is coming?"}},
		"carol@example.com", "erin@example.com")
	s.notice = logged{}
	return bob, group
}

func TestScreens(t *testing.T) {
	for _, c := range []struct {
		name string
		set  func(s *stage)
	}{
		{"sign-in", func(s *stage) { s.phase = asking; s.keys("sesame") }},
		{"sign-in-refused", func(s *stage) {
			s.phase = signingIn
			s.update(dialed{err: fmt.Errorf("sign in: %w", msnclient.ErrPassword)})
		}},
		{"signing-in", func(s *stage) { s.phase = signingIn }},
		{"contacts", func(*stage) {}},
		{"contacts-here", func(s *stage) { s.keys("o", "down", "down"); s.notice = logged{} }},
		{"conversation", func(s *stage) { s.talk() }},
		{"conversation-wide", func(s *stage) { s.talk(); s.update(tea.WindowSizeMsg{Width: 132, Height: 30}) }},
		{"conversation-narrow", func(s *stage) { s.talk(); s.update(tea.WindowSizeMsg{Width: 40, Height: 16}) }},
		{"contacts-narrow", func(s *stage) { s.talk(); s.keys("tab"); s.update(tea.WindowSizeMsg{Width: 40, Height: 16}) }},
		{"group", func(s *stage) { s.talk(); s.keys("ctrl+n") }},
		{"help", func(s *stage) { s.keys("f1") }},
		{"status", func(s *stage) { s.keys("f2", "down") }},
		{"added", func(s *stage) {
			s.event(msnclient.AddedBy{Handle: "grace@example.com", Name: "Grace \x1b[31mHopper"})
			s.keys("f3")
		}},
		{"reconnecting", func(s *stage) {
			s.event(msnclient.Disconnected{Err: errors.New("connection reset by peer"), RetryIn: 4 * time.Second})
		}},
		{"elsewhere", func(s *stage) {
			s.cfg.Client.Password = "secret"
			s.event(msnclient.Closed{Err: fmt.Errorf("told by the server: %w", msnclient.ErrElsewhere)})
		}},
		{"too-small", func(s *stage) { s.update(tea.WindowSizeMsg{Width: 12, Height: 3}) }},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := newStage(t)
			c.set(s)
			s.golden(c.name)
		})
	}
}
