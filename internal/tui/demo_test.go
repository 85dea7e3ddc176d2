package tui_test

import (
	"regexp"
	"testing"
)

// TestDemo does what README's first command ends with, in the directory where that was given:
// alice and bob open their messengers and talk to the bot.
func TestDemo(t *testing.T) {
	s := newService(t, build(t), "--demo")
	said := s.start()
	ts := newTerminals(t)
	open := func(name string) *window {
		password := regexp.MustCompile(name + `@example\.com +password (\w+)`).FindStringSubmatch(said)
		if password == nil {
			t.Fatalf("no password of %s in:\n%s", name, said)
		}
		w := ts.open(name, s, s.binary, "chat", name+"@example.com")
		w.sees("Password", "the server on this machine")
		w.text(password[1])
		w.keys("Enter")
		w.sees("● Butterfly", "connected")
		return w
	}
	alice, bob := open("alice"), open("bob")
	alice.sees("● Bob", "● Butterfly")
	alice.keys("Home", "Down", "Down", "Enter") // after bob
	alice.sees("Butterfly <butterfly@example.com> · Online")
	alice.text("echo Good morning, 蝶")
	alice.keys("Enter")
	alice.sees("Alice: echo Good morning, 蝶", "Butterfly: Good morning, 蝶")
	alice.text("nudge")
	alice.keys("Enter")
	alice.sees("Butterfly has sent you a nudge!")
	alice.keys("C-r")
	alice.sees("Picture of Butterfly", "s  save")
	alice.text("q")
	alice.keys("C-t")
	alice.sees("Invite", "1 Bob")
	alice.text("1")
	alice.sees("Bob has joined the conversation.", "Butterfly, Bob (3 people)")
	alice.text("butterfly echo All three of us")
	alice.keys("Enter")
	alice.sees("Butterfly: All three of us")
	bob.sees("Butterfly: All three of us")
	leave(alice)
	leave(bob)
}
