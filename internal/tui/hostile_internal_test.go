package tui

import (
	"context"
	"errors"
	"strings"
	"testing"

	"monarch/msnclient"
	"monarch/msnp"
)

func TestTheSessionEndsDuringAnInvitation(t *testing.T) {
	s := newStage(t)
	s.open("bob@example.com")
	c := s.current
	s.event(msnclient.Closed{Err: msnclient.ErrShutdown})
	asked := s.asked
	s.update(opened{in: c, chat: new(msnclient.Chat), what: "invite Carol", then: func(context.Context, *msnclient.Chat) error {
		return nil
	}})
	if s.asked != asked || c.chat != nil {
		t.Errorf("asked %d times of nobody, chat %v", s.asked-asked, c.chat)
	}
	if got := s.notice.text; got != "Could not invite Carol: you have signed out." {
		t.Error(got)
	}
}

func TestAPictureAfterTheSession(t *testing.T) {
	s := newStage(t)
	s.event(msnclient.Closed{Err: msnclient.ErrShutdown})
	s.update(fetched{handle: "bob@example.com", data: []byte("no picture")})
	if s.dialog != nil {
		t.Error("a dialog covers the sign-in")
	}
}

func TestRostersAreReadOnArrival(t *testing.T) {
	s := newStage(t)
	newest := msnclient.Roster{Contacts: []msnclient.Contact{contact("grace@example.com", "Grace", msnp.Online)}}
	self := s.self
	s.known = func(*msnclient.Client) (msnclient.Person, msnclient.Roster) { return self, newest }
	s.update(done{what: "block Bob", client: new(msnclient.Client), err: errors.New("too late")})
	if len(s.roster.Contacts) == 1 || s.notice.text != "" {
		t.Errorf("another session's request counts: %q", s.notice.text)
	}
	s.update(done{what: "add Grace", client: s.client})
	if _, ok := s.roster.Contact("grace@example.com"); !ok {
		t.Error("after a request the roster is old")
	}
	newest = msnclient.Roster{}
	s.event(msnclient.MailCounted{})
	if len(s.roster.Contacts) != 0 {
		t.Error("after an event the roster is old")
	}
	s.event(msnclient.Closed{Err: msnclient.ErrShutdown})
	s.update(done{what: "block Bob", err: errors.New("too late")})
	if strings.Contains(s.notice.text, "too late") {
		t.Error("a request counts after the end")
	}
}

// offer lets somebody offer a file; over closes when it is withdrawn.
func (s *stage) offer(chat *msnclient.Chat, from string, over <-chan struct{}) {
	s.update(happened{
		event: msnclient.FileOffered{Chat: chat, From: from, Name: "plan.txt", Size: 4096},
		at:    s.now, members: []string{from}, over: over,
	})
}

func TestOffersThatAreWithdrawnGo(t *testing.T) {
	s := newStage(t)
	over := make(chan struct{})
	chat := new(msnclient.Chat)
	s.offer(chat, "bob@example.com", over)
	s.offer(chat, "bob@example.com", nil)
	s.sees("F3 to answer")
	close(over)
	s.update(ticked(s.now))
	if len(s.requests) != 1 {
		t.Errorf("%d requests, want the one that stands", len(s.requests))
	}
	entries := len(s.current.entries)
	s.offer(chat, "bob@example.com", over)
	if len(s.requests) != 1 || len(s.current.entries) != entries {
		t.Error("an offer that was over when it came is shown")
	}
	later := make(chan struct{})
	s.requests[0].over = later
	close(later)
	s.keys("f3")
	s.sees("Nobody waits for an answer.")
}

func TestOffersHaveAnEnd(t *testing.T) {
	s := newStage(t)
	for i := range mostOffers + 3 {
		s.offer(new(msnclient.Chat), "bob@example.com", nil)
		if want := min(i+1, mostOffers); len(s.requests) != want || len(s.current.entries) != want {
			t.Fatalf("after %d offers: %d requests, %d entries", i+1, len(s.requests), len(s.current.entries))
		}
	}
	if s.asked != 3 {
		t.Errorf("%d are declined, want 3", s.asked)
	}
	s.offer(new(msnclient.Chat), "carol@example.com", nil)
	s.event(msnclient.AddedBy{Handle: "grace@example.com", Name: "Grace"})
	if len(s.requests) != mostOffers+2 {
		t.Errorf("others are refused because of bob: %d requests", len(s.requests))
	}
}
