package tui_test

import (
	"bytes"
	"flag"
	"image"
	"image/color"
	"image/png"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// updating reports whether the screens in docs are to be written anew.
func updating() bool { return flag.Lookup("update").Value.String() == "true" }

// messenger signs a person in, in a window of his own.
func (s *service) messenger(ts *terminals, name string) *window {
	s.t.Helper()
	w := ts.open(name, s, s.binary, "chat", name+"@example.com")
	w.sees("Password", "Enter  sign in")
	w.text(name + "-secret")
	w.sees("••••••••")
	if strings.Contains(w.screen(), "secret") {
		s.t.Error("the password is on the screen")
	}
	w.keys("Enter")
	w.sees("Online", "connected")
	return w
}

// TestTwoMessengers has people meet and talk through real messengers in real terminals.
func TestTwoMessengers(t *testing.T) {
	binary := build(t)
	s := newService(t, binary)
	s.start()
	for _, name := range []string{"alice", "bob", "carol"} {
		s.account(name)
	}
	ts := newTerminals(t)
	alice, bob := s.messenger(ts, "alice"), s.messenger(ts, "bob")
	for _, step := range []struct {
		name string
		run  func(*testing.T, *service, *window, *window)
	}{
		{"adding and accepting", meet},
		{"talking", talk},
		{"status and name", present},
		{"windows of other sizes", resize},
		{"pictures", pictures},
		{"files", files},
		{"blocking", block},
		{"groups of contacts", sort},
	} {
		if !t.Run(step.name, func(t *testing.T) {
			alice.t, bob.t = t, t
			step.run(t, s, alice, bob)
		}) {
			return
		}
	}
	alice.t, bob.t = t, t
	carol := s.messenger(ts, "carol")
	three(alice, bob, carol)
	unread(alice, carol)
	outage(s, alice, bob)
	elsewhere(s, ts, bob)
	leave(carol)
	far(s, ts)
	leave(alice)
	leave(bob)
}

// meet has alice add bob, and bob accept her.
func meet(_ *testing.T, _ *service, alice, bob *window) {
	alice.text("a")
	alice.sees("E-mail address of whom to add")
	alice.text("bob@example.com")
	alice.keys("Enter")
	alice.sees("● Bob", "Other Contacts (1/1)")
	bob.sees("F3 to answer")
	bob.keys("F3")
	bob.sees("Alice <alice@example.com> has added you")
	bob.shows("added")
	bob.text("a")
	bob.sees("● Alice", "Other Contacts (1/1)")
}

// talk has both write to each other.
func talk(_ *testing.T, _ *service, alice, bob *window) {
	alice.keys("Home", "Down", "Enter")
	alice.sees("Bob <bob@example.com> · Online")
	alice.text("Hello Bob :-)")
	alice.keys("Enter")
	alice.sees("Alice: Hello Bob :-)")
	bob.sees("Alice: Hello Bob :-)", "Alice <alice@example.com> · Online")
	bob.keys("Tab")
	bob.text("Hello yourself, 日本語 and grüße 🦋")
	alice.sees("Bob is typing …")
	bob.keys("Enter")
	alice.sees("Bob: Hello yourself, 日本語 and grüße 🦋")
	alice.seesNot("is typing")
	alice.keys("C-g")
	bob.sees("Alice has sent you a nudge!")
	for _, line := range []string{"One", "after", "the", "other"} {
		alice.text(line)
		alice.keys("Enter")
	}
	bob.until("four messages in order", func(screen string) bool {
		return inOrder(screen, "Alice: One", "Alice: after", "Alice: the", "Alice: other")
	})
	alice.until("everything delivered", func(screen string) bool { return !strings.Contains(screen, "other …") })
	alice.shows("conversation")
	bob.shows("conversation-of-the-other")
}

// inOrder reports whether texts come one after the other.
func inOrder(text string, parts ...string) bool {
	for _, p := range parts {
		_, rest, found := strings.Cut(text, p)
		if !found {
			return false
		}
		text = rest
	}
	return true
}

// present changes what bob does and what he is called.
func present(_ *testing.T, _ *service, alice, bob *window) {
	bob.keys("F2")
	bob.sees("Your status", "Out to lunch")
	bob.text("6")
	bob.sees("◐ Bob <bob@example.com> Out to lunch")
	alice.sees("◐ Bob (Out to lunch)")
	bob.keys("F2", "Home", "Enter")
	alice.sees("● Bob")
	bob.keys("Tab")
	bob.text("n")
	bob.sees("Your name")
	bob.keys("C-u")
	bob.text("Bob the Builder")
	bob.keys("Enter")
	alice.sees("Bob is called Bob the Builder now.", "● Bob the Builder")
}

// resize makes alice's window wide, tiny, and as it was.
func resize(_ *testing.T, _ *service, alice, _ *window) {
	alice.keys("Tab", "Tab") // from the conversation to the contacts and back
	for _, c := range []struct {
		columns, lines string
		sees           []string
	}{
		{"130", "40", []string{"Other Contacts (1/1)", "Bob the Builder: Hello yourself, 日本語 and grüße 🦋", "Alice: other", "connected"}},
		{"40", "12", []string{"Alice: other", "> "}},
		{"10", "3", []string{"too small"}},
		{"80", "24", []string{"Other Contacts (1/1)", "Alice: other", "connected"}},
	} {
		alice.must("resize-window", "-t", "alice", "-x", c.columns, "-y", c.lines)
		alice.sees(c.sees...)
	}
	alice.keys("C-l") // means nothing here
	alice.sees("Alice: other")
}

// pictures has alice choose a display picture, which bob looks at and saves.
func pictures(t *testing.T, s *service, alice, bob *window) {
	img := image.NewNRGBA(image.Rect(0, 0, 96, 96))
	for y := range 96 {
		for x := range 96 {
			img.SetNRGBA(x, y, color.NRGBA{R: uint8(2 * x), G: uint8(2 * y), B: 128, A: 255})
		}
	}
	var data bytes.Buffer
	if err := png.Encode(&data, img); err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(s.dir, "face.png"), data.Bytes())
	alice.keys("Tab")
	alice.text("p")
	alice.sees("file of your picture")
	alice.text("face.png")
	alice.keys("Enter")
	bob.sees("Alice has a new picture.")
	bob.keys("Home", "Down")
	bob.text("v")
	bob.sees("Picture of Alice", "▀▀▀▀▀▀▀▀", "s  save")
	if colours := bob.must("capture-pane", "-p", "-e", "-t", "bob"); !strings.Contains(colours, "\x1b[48;") {
		t.Errorf("the picture has no colours:\n%q", colours)
	}
	bob.shows("picture")
	bob.text("s")
	bob.sees("Save the picture as", "Alice.png")
	bob.keys("Enter")
	bob.sees("Saved as Alice.png")
	saved, err := png.Decode(bytes.NewReader(read(t, filepath.Join(s.dir, "Alice.png"))))
	if err != nil || saved.Bounds() != img.Bounds() {
		t.Errorf("the saved picture: %v", err)
	}
}

// files has alice send one that bob saves, and one that he does not want.
func files(t *testing.T, s *service, alice, bob *window) {
	content := bytes.Repeat([]byte("All work and no play makes Jack a dull boy.\n"), 1000)
	write(t, filepath.Join(s.dir, "novel.txt"), content)
	offer := func() {
		alice.keys("C-o")
		alice.sees("File to send to Bob the Builder")
		alice.text("novel.txt")
		alice.keys("Enter")
		alice.sees("Sending novel.txt:")
		bob.sees("F3 to answer")
		bob.keys("F3")
		bob.sees("Alice offers novel.txt (43.0 KB).")
	}
	alice.keys("Tab")
	offer()
	bob.text("s")
	bob.sees("Save as", "novel (2).txt")
	bob.keys("Enter")
	bob.sees("Receiving novel.txt: saved as novel (2).txt")
	alice.sees("Sending novel.txt: sent (43.0 KB).")
	if !bytes.Equal(read(t, filepath.Join(s.dir, "novel (2).txt")), content) {
		t.Error("another file arrived")
	}
	offer()
	bob.text("n")
	bob.sees("You have declined novel.txt.")
	alice.sees("Not finished: it is not")
}

// block has bob disappear for alice, and come back.
func block(_ *testing.T, _ *service, alice, bob *window) {
	bob.keys("Home", "Down")
	bob.text("b")
	bob.sees("× Alice")
	alice.sees("○ Bob the Builder", "Bob the Builder is offline.")
	alice.text("Are you there?") // the chat they have goes on
	alice.keys("Enter")
	bob.sees("Alice: Are you there?")
	bob.text("b")
	bob.sees("● Alice")
	alice.sees("● Bob the Builder")
}

// sort has alice put bob into a group of her own.
func sort(_ *testing.T, _ *service, alice, _ *window) {
	alice.keys("Tab")
	alice.text("g")
	alice.sees("Name of the new group")
	alice.text("Builders")
	alice.keys("Enter")
	alice.sees("▾ Builders (0/0)")
	alice.keys("End")
	alice.text("m")
	alice.sees("Move Bob the Builder to", "1 Builders")
	alice.text("1")
	alice.sees("▾ Builders (1/1)", "▾ Other Contacts (0/0)")
	alice.keys("Home")
	alice.text("e")
	alice.sees("New name of the group", "Builders")
	alice.keys("C-u")
	alice.text("Bob & Sons")
	alice.keys("Enter")
	alice.sees("▾ Bob & Sons (1/1)")
	alice.keys("Home", "Enter")
	alice.sees("▸ Bob & Sons (1/1)")
	alice.keys("Enter")
	alice.sees("▾ Bob & Sons (1/1)")
}

// three has alice call carol into a conversation with bob.
func three(alice, bob, carol *window) {
	carol.text("a")
	carol.sees("E-mail address of whom to add")
	carol.text("alice@example.com")
	carol.keys("Enter")
	carol.sees("● Alice")
	alice.sees("F3 to answer")
	alice.keys("F3")
	alice.sees("Carol <carol@example.com> has added you")
	alice.text("a")
	alice.sees("● Carol")
	alice.keys("Home", "Down", "Enter")
	alice.sees("Bob the Builder <bob@example.com>")
	alice.keys("C-t")
	alice.sees("Invite", "1 Carol")
	alice.text("1")
	alice.sees("Carol has joined the conversation.", "(3 people)")
	alice.text("Now we are three.")
	alice.keys("Enter")
	for _, w := range []*window{bob, carol} {
		w.sees("Alice: Now we are three.", "(3 people)")
	}
	carol.keys("Tab")
	carol.text("So we are.")
	carol.keys("Enter")
	for _, w := range []*window{alice, bob} {
		w.sees("Carol: So we are.")
	}
	alice.shows("group")
	carol.keys("C-x")
	alice.sees("Carol has left the conversation.")
}

// unread has bob write to carol's window while she looks at another conversation.
func unread(alice, carol *window) {
	alice.keys("Tab")
	alice.keys("End", "Enter") // carol, in a conversation of their own
	alice.sees("Carol <carol@example.com>")
	alice.keys("C-p")
	alice.sees("Bob the Builder <bob@example.com>")
	carol.keys("Home", "Down", "Enter")
	carol.sees("Alice <alice@example.com>")
	carol.text("Just the two of us")
	carol.keys("Enter")
	alice.sees("● Carol", "Carol *1", "Carol: Just the two of us")
	alice.keys("C-n")
	alice.sees("Carol <carol@example.com>", "Carol: Just the two of us")
	alice.seesNot("*1")
}

// outage stops the server and starts it again.
func outage(s *service, alice, bob *window) {
	s.stop()
	alice.sees("reconnecting")
	bob.sees("reconnecting")
	s.start()
	alice.sees("connected", "● Bob the Builder")
	bob.sees("connected", "● Alice")
	alice.seesNot("reconnecting")
}

// elsewhere has bob sign in at another place, and come back.
func elsewhere(s *service, ts *terminals, bob *window) {
	write(s.t, filepath.Join(s.dir, "password"), []byte("bob-secret\n"))
	other := ts.open("bob2", s, "sh", "-c", s.binary+" chat bob@example.com --server localhost --password-stdin < password")
	other.sees("Bob the Builder <bob@example.com> Online", "connected")
	bob.sees("You have signed in elsewhere.", "Enter  sign in again")
	leave(other)
	bob.keys("Enter")
	bob.sees("connected", "● Alice")
}

// far has carol sign in from a directory that knows nothing of the server, after mistyping
// her password.
func far(s *service, ts *terminals) {
	away := &service{t: s.t, binary: s.binary, dir: s.t.TempDir()}
	w := ts.open("carol2", away, s.binary, "chat", "carol@example.com", "--server", s.addrs["dispatch"],
		"--nexus", "https://"+s.addrs["https"]+"/rdr/pprdr.asp", "--ca", filepath.Join(s.dir, "monarch-data", "ca.pem"))
	w.sees("Password", s.addrs["dispatch"])
	w.text("wrong")
	w.keys("Enter")
	w.sees("The e-mail address or the password is wrong.")
	w.text("carol-secret")
	w.keys("Enter")
	w.sees("Carol <carol@example.com> Online", "connected", "● Alice")
	leave(w)
	stranger := ts.open("carol3", away, s.binary, "chat", "carol@example.com", "--server", s.addrs["dispatch"],
		"--nexus", "https://"+s.addrs["https"]+"/rdr/pprdr.asp")
	stranger.sees("Password")
	stranger.text("carol-secret")
	stranger.keys("Enter")
	stranger.sees("certificate signed by unknown authority")
	stranger.keys("Escape")
	stranger.gone()
}

// leave signs out.
func leave(w *window) {
	w.keys("F10")
	w.gone()
}

func write(t *testing.T, path string, data []byte) {
	t.Helper()
	if err := os.WriteFile(path, data, 0o644); err != nil {
		t.Fatal(err)
	}
}

func read(t *testing.T, path string) []byte {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return data
}
