package tui

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	tea "charm.land/bubbletea/v2"

	"monarch/msnclient"
	"monarch/msnp"
)

// sees reports texts that are not on the screen.
func (s *stage) sees(texts ...string) {
	s.t.Helper()
	shown := s.shown()
	for _, text := range texts {
		if !strings.Contains(shown, text) {
			s.t.Errorf("no %q on the screen:\n%s", text, shown)
		}
	}
}

func (s *stage) seesNot(text string) {
	s.t.Helper()
	if shown := s.shown(); strings.Contains(shown, text) {
		s.t.Errorf("%q is on the screen:\n%s", text, shown)
	}
}

func TestEverySizeOfWindow(t *testing.T) {
	for _, set := range map[string]func(s *stage){
		"signing in":   func(s *stage) { s.phase = asking; s.refuse(msnclient.ErrUnavailable) },
		"contacts":     func(s *stage) { s.keys("down") },
		"conversation": func(s *stage) { s.talk() },
		"help":         func(s *stage) { s.keys("f1", "pgdown") },
		"a menu":       func(s *stage) { s.keys("f2", "end") },
		"a question":   func(s *stage) { s.keys("a", "somebody with a long address@example.com") },
	} {
		s := newStage(t)
		set(s)
		for columns := 0; columns < 140; columns += 3 {
			for lines := 1; lines < 50; lines += 4 {
				s.update(tea.WindowSizeMsg{Width: columns, Height: lines})
				s.shown()
			}
		}
	}
}

func TestUnreadMarks(t *testing.T) {
	s := newStage(t)
	_, group := s.talk()
	s.sees("Carol, エリン 🌸 *1")
	if s.windowTitle() != "(1) Monarch - alice@example.com" {
		t.Error(s.windowTitle())
	}
	s.event(msnclient.TextReceived{Chat: group, From: "erin@example.com", Text: msnclient.Text{Body: "Me"}}, "carol@example.com", "erin@example.com")
	s.sees("*2", "Carol, エリン 🌸: Me") // the last line tells too
	s.keys("ctrl+p")
	s.seesNot("*2")
	s.sees("09:31 エリン 🌸: Me")
	third := new(msnclient.Chat)
	s.event(msnclient.TextReceived{Chat: third, From: "frank@example.com", Text: msnclient.Text{Body: "psst"}}, "frank@example.com")
	s.sees("× Frank               *1", " 3 Frank *1")
	s.keys("tab", "end", "enter")
	s.sees("09:31 Frank: psst", "Frank <frank@example.com> · Online")
	s.seesNot("*1")
}

func TestUnreadWhileOnlyTheListIsShown(t *testing.T) {
	s := newStage(t)
	s.talk()
	s.keys("tab")
	s.update(tea.WindowSizeMsg{Width: 40, Height: 16})
	s.event(msnclient.TextReceived{Chat: s.chats[0].chat, From: "bob@example.com", Text: msnclient.Text{Body: "Hello?"}}, "bob@example.com")
	s.sees("Bob (Busy)                        *1")
	s.keys("tab")
	s.sees("Bob: Hello?")
	if n := s.chats[0].unread; n != 0 {
		t.Errorf("%d unread", n)
	}
}

func TestTypingNoticeEnds(t *testing.T) {
	s := newStage(t)
	bob, _ := s.talk()
	s.sees("Bob is typing")
	s.update(ticked(s.now.Add(typingTime)))
	s.seesNot("Bob is typing")
	s.event(msnclient.TypingStarted{Chat: bob, From: "bob@example.com"})
	s.sees("Bob is typing")
	s.event(msnclient.TextReceived{Chat: bob, From: "bob@example.com", Text: msnclient.Text{Body: "done"}}, "bob@example.com")
	s.seesNot("Bob is typing")
}

func TestOurTypingIsToldNowAndThen(t *testing.T) {
	s := newStage(t)
	s.open("bob@example.com")
	s.keys("a long text")
	if s.asked != 0 {
		t.Error("typing opens a chat")
	}
	s.current.chat = new(msnclient.Chat)
	s.keys("that goes on")
	s.update(ticked(s.now.Add(typingPause)))
	s.keys("and on")
	if s.asked != 2 {
		t.Errorf("told %d times", s.asked)
	}
}

func TestMessagesGoOneAfterTheOther(t *testing.T) {
	s := newStage(t)
	s.open("bob@example.com")
	s.keys("one", "enter", "two", "enter")
	if s.asked != 1 {
		t.Fatalf("%d under way", s.asked)
	}
	s.sees("Alice: one …", "Alice: two …")
	s.update(delivered{in: s.current, err: fmt.Errorf("send: %w", msnclient.ErrNotOnline)})
	s.sees("Alice: one", "not delivered: this person is not online", "Alice: two …")
	if s.asked != 2 {
		t.Errorf("%d asked for", s.asked)
	}
	s.event(msnclient.Closed{Err: msnclient.ErrShutdown})
	if e := s.current.entries[1]; e.fate != failed {
		t.Errorf("after the end: %+v", e)
	}
	s.update(delivered{in: s.current})
}

func TestPeopleComeAndGo(t *testing.T) {
	s := newStage(t)
	bob, _ := s.talk()
	s.event(msnclient.Joined{Chat: bob, Handle: "carol@example.com"}, "bob@example.com", "carol@example.com")
	s.sees("* Carol has joined the conversation.", "Bob, Carol (3 people)")
	s.event(msnclient.Left{Chat: bob, Handle: "bob@example.com", Idle: true})
	s.sees("* Bob has left the conversation.", "Bob, Carol (3 people)")
	s.event(msnclient.Left{Chat: bob, Handle: "bob@example.com"})
	s.sees(" Carol <carol@example.com> · Online")
	s.event(msnclient.Left{Chat: bob, Handle: "carol@example.com"})
	s.sees(" Carol <carol@example.com> · Online")
	s.event(msnclient.ChatClosed{Chat: bob})
	if s.current.chat != nil {
		t.Error("the chat has ended")
	}
	s.keys("ctrl+x", "ctrl+x")
	s.sees("Choose somebody")
}

func TestAChatForAPictureIsNoConversation(t *testing.T) {
	s := newStage(t)
	chat := new(msnclient.Chat)
	s.event(msnclient.ChatOpened{Chat: chat}, "bob@example.com")
	s.event(msnclient.Joined{Chat: chat, Handle: "bob@example.com"}, "bob@example.com")
	s.event(msnclient.TypingStarted{Chat: chat, From: "bob@example.com"})
	s.event(msnclient.Left{Chat: chat, Handle: "bob@example.com"})
	s.event(msnclient.ChatClosed{Chat: chat})
	if len(s.chats) != 0 {
		t.Error("a conversation nobody began")
	}
}

func TestTextCannotPassForAnother(t *testing.T) {
	s := newStage(t)
	chat := new(msnclient.Chat)
	s.event(msnclient.TextReceived{Chat: chat, From: "bob@example.com", Text: msnclient.Text{
		Body: "Hi\n09:30 Carol: I owe Bob a thousand\x1b[1A\r09:30 Carol: really",
	}}, "bob@example.com")
	s.sees("09:30 Bob: Hi\n", "│      09:30 Carol: I owe Bob a thousand", "│      09:30 Carol: really")
}

func TestRequestsWait(t *testing.T) {
	s := newStage(t)
	s.open("bob@example.com")
	s.keys("half a sen")
	s.event(msnclient.AddedBy{Handle: "grace@example.com", Name: "Grace"})
	s.event(msnclient.AddedBy{Handle: "grace@example.com", Name: "Grace"})
	s.keys("tence")
	s.sees("> half a sentence", "Grace <grace@example.com> has added you. F3 to answer.")
	s.update(ticked(s.now.Add(noticeTime)))
	s.sees("F3 answer (1)")
	s.keys("f3", "esc")
	s.sees("F3 answer (1)")
	s.keys("f3", "b")
	s.seesNot("F3")
	if s.asked != 1 || s.dialog != nil {
		t.Errorf("asked %d times", s.asked)
	}
	s.keys("f3")
	s.sees("Nobody waits for an answer.")
}

func TestWhoIsAllowedAlreadyNeedsNoAnswer(t *testing.T) {
	s := newStage(t)
	s.roster.Contacts[0].Lists |= msnclient.Allowed | msnclient.Reverse
	s.event(msnclient.AddedBy{Handle: "bob@example.com", Name: "Bob"})
	if len(s.requests) != 0 {
		t.Error("a question nobody has to answer")
	}
}

func TestManaging(t *testing.T) {
	for _, c := range []struct {
		name  string
		keys  []string
		sees  string
		asked int
	}{
		{"adding", []string{"a", "Grace@Example.com", "enter"}, "Friends (2/3)", 1},
		{"adding nobody", []string{"a", " ", "enter"}, "E-mail address of whom to add", 0},
		{"removing", []string{"down", "d", "y"}, "Friends", 1},
		{"removing after all not", []string{"down", "d", "n"}, "Friends", 0},
		{"asking before removing", []string{"down", "d"}, "Remove Bob <bob@example.com> from your list?", 0},
		{"blocking", []string{"down", "b"}, "Friends", 1},
		{"moving", []string{"down", "m", "2"}, "Friends", 1},
		{"where to move", []string{"down", "m"}, "1 Other Contacts", 0},
		{"moving to a new group", []string{"down", "m", "3", "Chess", "enter"}, "Friends", 1},
		{"a new group", []string{"g", "Chess", "enter"}, "Friends", 1},
		{"renaming a group", []string{"e", "ctrl+u", "Chess", "enter"}, "Friends", 1},
		{"removing a group", []string{"x", "y"}, "Friends", 1},
		{"asking before removing a group", []string{"x"}, "up to 3 people", 0},
		{"no group is removed by a contact", []string{"down", "x"}, "Friends", 0},
		{"the group of the others stays", []string{"end", "up", "x"}, "Other Contacts", 0},
		{"status", []string{"f2", "2"}, "Friends", 1},
		{"name", []string{"n", " L.", "enter"}, "Friends", 1},
		{"name, seen", []string{"n", " L."}, "Alice L.", 0},
		{"no picture", []string{"down", "v"}, "Bob shows no picture.", 0},
		{"own picture that is not there", []string{"p", "nowhere.png", "enter"}, "no such file", 0},
		{"folding", []string{"enter"}, "▸ Friends (2/3)", 0},
		{"hiding", []string{"o"}, "Those who are offline are hidden.", 0},
		{"the log", []string{"o", "f4"}, "09:30 Those who are offline are hidden.", 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := newStage(t)
			s.t = t
			s.keys(c.keys...)
			s.sees(c.sees)
			if s.asked != c.asked {
				t.Errorf("the server is asked %d times, want %d", s.asked, c.asked)
			}
		})
	}
}

func TestWhatDidNotWorkIsTold(t *testing.T) {
	s := newStage(t)
	s.update(done{what: "add nobody@example.com", err: fmt.Errorf("add: %w", msnp.CodeNoSuchUser), client: s.client})
	s.sees("Could not add nobody@example.com: add: ")
	s.update(done{what: "block Bob", err: errors.New("bad\x1b[31m\nthing."), client: s.client})
	s.sees("Could not block Bob: bad thing.")
}

func TestSelectionStaysWithThePerson(t *testing.T) {
	s := newStage(t)
	s.keys("down", "down")
	if c, _ := s.selected(); c.Handle != "carol@example.com" {
		t.Fatal(c.Handle)
	}
	s.roster.Contacts[0].Status = msnp.Offline // bob goes below
	if c, _ := s.selected(); c.Handle != "carol@example.com" {
		t.Error(c.Handle)
	}
	s.roster.Contacts = slices.Delete(s.roster.Contacts, 1, 2)
	if c, ok := s.selected(); !ok || c.Handle == "carol@example.com" {
		t.Error("the selection is nowhere")
	}
	s.roster = msnclient.Roster{}
	s.keys("down", "enter", "d", "b", "m", "v")
	s.shown()
}

func TestFilesOffered(t *testing.T) {
	s := newStage(t)
	chat := new(msnclient.Chat)
	if err := os.WriteFile(filepath.Join(s.cfg.Downloads, "plan.txt"), nil, 0o644); err != nil {
		t.Fatal(err)
	}
	s.event(msnclient.FileOffered{Chat: chat, From: "bob@example.com", Name: "../plan.txt", Size: 4096}, "bob@example.com")
	s.sees("* Bob offers a file: ../plan.txt (4.0 KB)")
	s.keys("f3", "s")
	s.sees("Save as", "plan (2).txt")
	s.keys("ctrl+u", filepath.Join(s.cfg.Downloads, "plan.txt"), "enter")
	s.sees("Could not save there: file exists.")
	if len(s.requests) != 1 {
		t.Fatal("the offer is gone")
	}
	s.keys("f3", "s", "enter")
	s.sees("* Receiving ../plan.txt: 0% of 4.0 KB")
	file := s.current.entries[len(s.current.entries)-1].file
	file.moved.Store(1024)
	s.sees("25% of 4.0 KB")
	s.update(transferred{file: file, err: msnclient.ErrCancelled})
	s.sees("Not finished: it was\n", "cancelled.\n")
}

func TestFilesToSend(t *testing.T) {
	s := newStage(t)
	s.open("bob@example.com")
	s.keys("ctrl+o", "nowhere", "enter")
	s.sees("Could not open the file: no such file or directory.")
	s.keys("ctrl+o", s.cfg.Downloads, "enter")
	s.sees("it is not an ordinary file")
	s.talk()
	s.keys("ctrl+n", "ctrl+o")
	s.sees("A file goes to one person")
}

func TestPictureDialog(t *testing.T) {
	s := newStage(t)
	s.update(fetched{handle: "bob@example.com", data: []byte("no picture")})
	s.sees("Picture of Bob", "This is no PNG, JPEG or GIF picture.")
	s.keys("s", "enter")
	saved, err := os.ReadFile(filepath.Join(s.cfg.Downloads, "Bob.dat"))
	if err != nil || string(saved) != "no picture" {
		t.Errorf("saved: %q, %v", saved, err)
	}
	s.update(fetched{handle: "bob@example.com", err: msnclient.ErrNoAnswer})
	s.sees("Could not fetch the picture of Bob: nobody answered.")
}

func TestComingAndGoing(t *testing.T) {
	s := newStage(t)
	s.open("dave@example.com")
	s.roster.Contacts[2].Status = msnp.Online
	s.event(msnclient.PresenceChanged{Person: s.roster.Contacts[2].Person, Was: msnp.Offline})
	s.sees("* Dave is online.")
	s.event(msnclient.NoticeReceived{Minutes: 5})
	s.sees("The service will stop in 5 minutes.")
	s.event(msnclient.Disconnected{Err: msnclient.ErrShutdown, RetryIn: 3 * time.Second})
	s.sees("reconnecting in 3 s", "The connection was lost: the service has stopped.")
	s.update(ticked(s.now.Add(4 * time.Second)))
	s.sees("reconnecting …")
	s.event(msnclient.Reconnected{})
	s.sees("connected", "Connected again.")
}

func TestScrolling(t *testing.T) {
	s := newStage(t)
	s.open("bob@example.com")
	for i := range 100 {
		s.current.add(morning, entry{kind: theirs, who: "bob@example.com", text: fmt.Sprintf("line %d", i)})
	}
	s.sees("line 99")
	s.keys("pgup")
	s.sees("more below")
	s.seesNot("line 99")
	for range 20 {
		s.keys("pgup")
	}
	s.sees("line 0")
	for range 20 {
		s.keys("pgdown")
	}
	s.sees("line 99")
	s.seesNot("more below")
}
