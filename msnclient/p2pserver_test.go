package msnclient_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"

	"monarch/msnclient"
	"monarch/msnp"
)

// noise is data that looks different everywhere.
func noise(n int) []byte {
	data := make([]byte, n)
	for i := range data {
		data[i] = byte(37*i + i>>9)
	}
	return data
}

// friends returns two people who have each other on their lists.
func friends(w *world, a, b string, change ...func(*msnclient.Config)) (*user, *user) {
	w.t.Helper()
	first, second := w.signIn(a, msnp.MSNP9, change...), w.signIn(b, msnp.MSNP9, change...)
	check(w.t, first.Accept(within(w.t), second.Self().Handle))
	check(w.t, second.Accept(within(w.t), first.Self().Handle))
	first.becomes(second.Self().Handle, msnp.Online)
	second.becomes(first.Self().Handle, msnp.Online)
	return first, second
}

// sendFile sends a file in the background and returns where its fate will be.
func sendFile(ctx context.Context, ch *msnclient.Chat, to string, data []byte, progress func(int64)) <-chan error {
	fate := make(chan error, 1)
	go func() { fate <- ch.SendFile(ctx, to, "notes.txt", bytes.NewReader(data), int64(len(data)), progress) }()
	return fate
}

func TestPicturesOverTheServer(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	picture := noise(20_000)
	alice, bob := friends(w, "alice", "bob", func(cfg *msnclient.Config) {
		if cfg.Handle == "alice@example.com" {
			cfg.Picture = &msnclient.Picture{Data: picture}
		}
	})
	if got, err := bob.FetchPicture(within(t), "alice@example.com"); err != nil || !bytes.Equal(got, picture) {
		t.Fatalf("%d bytes, error %v", len(got), err)
	}
	expect[msnclient.ChatClosed](bob, nil)
	expect[msnclient.ChatOpened](alice, nil)
	expect[msnclient.ChatClosed](alice, nil)
	if _, err := alice.FetchPicture(within(t), "bob@example.com"); !errors.Is(err, msnclient.ErrNoObject) {
		t.Errorf("bob has no picture: error %v", err)
	}

	// A new one, in a chat, fetched by who was called.
	picture = noise(3000)
	check(t, bob.SetPicture(within(t), &msnclient.Picture{Data: picture}))
	expect(alice, func(e msnclient.PresenceChanged) bool { return e.Picture != nil })
	_, there := open(bob, alice)
	if got, err := there.FetchPicture(within(t), "Bob@example.com"); err != nil || !bytes.Equal(got, picture) {
		t.Fatalf("%d bytes, error %v", len(got), err)
	}
	if got, err := alice.FetchPicture(within(t), "bob@example.com"); err != nil || !bytes.Equal(got, picture) {
		t.Fatalf("in the open chat: %d bytes, error %v", len(got), err)
	}
	if _, err := there.FetchPicture(within(t), "carol@example.com"); !errors.Is(err, msnclient.ErrNoObject) {
		t.Errorf("a stranger: error %v", err)
	}
}

func TestEmoticonsOverTheServer(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	alice, bob := friends(w, "alice", "bob")
	here, there := open(alice, bob)
	cat, dog := noise(5000), noise(700)
	check(t, here.Send(within(t), msnclient.Text{Body: "(cat) and (dog)", Emoticons: map[string]*msnclient.Picture{
		"(cat)": {Data: cat}, "(dog)": {Data: dog},
	}}))
	fates := make(chan error, 2)
	for range 2 {
		e := expect[msnclient.EmoticonAnnounced](bob, nil)
		go func() {
			got, err := there.FetchObject(within(t), e.From, e.Object)
			want := map[string][]byte{"(cat)": cat, "(dog)": dog}[e.Shortcut]
			if err == nil && !bytes.Equal(got, want) {
				err = fmt.Errorf("%s has %d bytes, want %d", e.Shortcut, len(got), len(want))
			}
			fates <- err
		}()
	}
	for range 2 {
		check(t, <-fates)
	}
	other := msnp.NewObject("alice@example.com", msnp.ObjectEmoticon, "x", noise(1))
	if _, err := there.FetchObject(within(t), "alice@example.com", other); !errors.Is(err, msnclient.ErrNoObject) {
		t.Errorf("an emoticon that was never announced: error %v", err)
	}
}

func TestFilesOverTheServer(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	alice, bob := friends(w, "alice", "bob")
	carol := w.signIn("carol", msnp.MSNP9)
	check(t, carol.Allow(within(t), "alice@example.com"))
	here, there := open(alice, bob)
	check(t, here.Invite(within(t), "carol@example.com"))
	expect[msnclient.ChatOpened](carol, nil)
	expect(alice, func(e msnclient.Joined) bool { return e.Handle == "carol@example.com" })
	expect(bob, func(e msnclient.Joined) bool { return e.Handle == "carol@example.com" })

	// Both ways at the same time, with a third person in the chat.
	data, back := noise(300_000), noise(100_000)
	var sent, taken int64
	fate := sendFile(within(t), here, "bob@example.com", data, func(n int64) { sent = n })
	backFate := sendFile(within(t), there, "alice@example.com", back, nil)
	offer, backOffer := expect[msnclient.FileOffered](bob, nil), expect[msnclient.FileOffered](alice, nil)
	if offer.Chat != there || offer.From != "alice@example.com" || offer.Name != "notes.txt" || offer.Size != 300_000 {
		t.Errorf("offer %+v", offer)
	}
	var got, gotBack bytes.Buffer
	accepted := make(chan error, 1)
	go func() { accepted <- backOffer.Accept(within(t), &gotBack, nil) }()
	check(t, offer.Accept(within(t), &got, func(n int64) { taken = n }))
	for _, f := range []<-chan error{accepted, fate, backFate} {
		check(t, <-f)
	}
	if !bytes.Equal(got.Bytes(), data) || !bytes.Equal(gotBack.Bytes(), back) {
		t.Errorf("%d and %d bytes arrived", got.Len(), gotBack.Len())
	}
	if sent != 300_000 || taken != 300_000 {
		t.Errorf("progress up to %d and %d", sent, taken)
	}
	none[msnclient.FileOffered](carol)

	fate = sendFile(within(t), here, "bob@example.com", data, nil)
	check(t, expect[msnclient.FileOffered](bob, nil).Decline())
	if err := <-fate; !errors.Is(err, msnclient.ErrDeclined) {
		t.Errorf("declined: error %v", err)
	}
	if err := <-sendFile(within(t), here, "dave@example.com", data, nil); !errors.Is(err, msnclient.ErrNotDelivered) {
		t.Errorf("to somebody else: error %v", err)
	}
	short := strings.NewReader("short")
	failed := make(chan error, 1)
	go func() { failed <- here.SendFile(within(t), "bob@example.com", "x", short, 10_000, nil) }()
	if err := expect[msnclient.FileOffered](bob, nil).Accept(within(t), io.Discard, nil); !errors.Is(err, msnclient.ErrCancelled) {
		t.Errorf("a file that is shorter than announced: error %v", err)
	}
	if err := <-failed; !errors.Is(err, io.EOF) {
		t.Errorf("its sender: error %v", err)
	}
}

func TestTransfersEndWithTheChat(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	alice, bob := friends(w, "alice", "bob")
	for _, c := range []struct {
		name           string
		sender, taker  error
		end            func(here, there *msnclient.Chat)
		senderHasEnded bool
	}{
		{"the receiver leaves", msnclient.ErrCancelled, msnclient.ErrChatClosed, func(_, there *msnclient.Chat) { there.Close() }, false},
		{"the sender leaves", msnclient.ErrChatClosed, msnclient.ErrCancelled, func(here, _ *msnclient.Chat) { here.Close() }, true},
	} {
		here, there := open(alice, bob)
		half := make(chan struct{})
		fate := sendFile(within(t), here, "bob@example.com", noise(1_000_000), nil)
		offer := expect[msnclient.FileOffered](bob, nil)
		taken := make(chan error, 1)
		var once bool
		go func() {
			taken <- offer.Accept(within(t), io.Discard, func(n int64) {
				if n > 100_000 && !once {
					once = true
					close(half)
				}
			})
		}()
		<-half
		c.end(here, there)
		if err := <-taken; !errors.Is(err, c.taker) && !errors.Is(err, msnclient.ErrCancelled) {
			t.Errorf("%s: the receiver got %v, want %v", c.name, err, c.taker)
		}
		if err := <-fate; !errors.Is(err, c.sender) && !errors.Is(err, msnclient.ErrChatClosed) && !errors.Is(err, msnclient.ErrNotDelivered) {
			t.Errorf("%s: the sender got %v, want %v", c.name, err, c.sender)
		}
		expect[msnclient.ChatClosed](alice, nil)
		expect[msnclient.ChatClosed](bob, nil)
	}
}

// A chat can be closed while the receiver of a file does not write.
func TestClosingWhileAWriterIsStuck(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	alice, bob := friends(w, "alice", "bob")
	here, there := open(alice, bob)
	all := make(chan struct{})
	fate := sendFile(within(t), here, "bob@example.com", noise(300_000), func(n int64) {
		if n == 300_000 {
			close(all) // the server has it
		}
	})
	offer := expect[msnclient.FileOffered](bob, nil)
	r, stuck := io.Pipe()
	accepted := make(chan error, 1)
	go func() { accepted <- offer.Accept(within(t), stuck, nil) }()
	if _, err := io.CopyN(io.Discard, r, 50_000); err != nil {
		t.Fatal(err)
	}
	<-all
	check(t, there.Close())
	_ = r.Close()
	if err := <-accepted; err == nil {
		t.Error("the file was accepted")
	}
	if err := <-fate; err == nil {
		t.Error("the file was sent")
	}
}

func TestOldVersionsHaveNoTransfers(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	alice, bob := w.signIn("alice", msnp.MSNP8), w.signIn("bob", msnp.MSNP8)
	check(t, bob.Allow(within(t), "alice@example.com"))
	here, _ := open(alice, bob)
	if err := <-sendFile(within(t), here, "bob@example.com", noise(5), nil); !errors.Is(err, msnclient.ErrNotSupported) {
		t.Errorf("error %v", err)
	}
}
