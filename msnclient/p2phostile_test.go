package msnclient

import (
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math"
	"strings"
	"testing"
	"testing/synctest"

	"monarch/msnp"
)

// p2pLiar is somebody in the chat who says what he likes.
type p2pLiar struct {
	net    *p2pNet
	handle string
	victim *p2pNode
	count  uint32
}

func (n *p2pNet) liar(victim *p2pNode) *p2pLiar {
	const handle = "mallory@example.com"
	n.nodes[handle] = &p2pNode{handle: handle, inbox: make(chan p2pSent, 100_000), gone: make(chan struct{})}
	return &p2pLiar{net: n, handle: handle, victim: victim, count: 1000}
}

func (l *p2pLiar) send(m msnp.P2P) {
	l.victim.inbox <- p2pSent{from: l.handle, to: l.victim.handle, body: m.Append(nil)}
}

// say sends a message in parts of a size.
func (l *p2pLiar) say(text []byte, size int) {
	l.count++
	for at := 0; at < len(text); at += size {
		l.send(msnp.P2P{
			ID: l.count, Offset: uint64(at), Total: uint64(len(text)), AckID: 5,
			Data: text[at:min(at+size, len(text))],
		})
	}
}

func invitation(id uint32, guid, context string) msnp.SLP {
	return msnp.SLP{
		Method: msnp.SLPInvite, To: "victim", From: "mallory", Branch: "{b}", CallID: fmt.Sprintf("{call %d}", id), Type: msnp.SLPSession,
		Body: []msnp.SLPField{
			{Name: "EUF-GUID", Value: guid},
			{Name: "SessionID", Value: msnp.Uint(id)},
			{Name: "AppID", Value: "1"},
			{Name: "Context", Value: context},
		},
	}
}

func fileContext(name string, size uint64) string {
	return base64.StdEncoding.EncodeToString(msnp.FileContext{Name: name, Size: size}.Append(nil))
}

// last returns the answer that was sent last.
func (l *p2pLiar) last(t *testing.T) string {
	t.Helper()
	synctest.Wait()
	said := l.net.said(l.victim.handle)
	if len(said) == 0 {
		return ""
	}
	return said[len(said)-1]
}

func TestInvitationsThatAreRefused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		net := newP2PNet(t)
		victim := net.join("victim@example.com")
		liar := net.liar(victim)
		picture := victim.owns(msnp.ObjectPicture, pattern(10))
		context := base64.StdEncoding.EncodeToString([]byte(picture.String()))
		other := picture
		other.SHA1D = "AAAA"
		without := invitation(20, msnp.ObjectGUID, context)
		without.CallID = ""
		for _, c := range []struct {
			name string
			m    msnp.SLP
			want string
		}{
			{"a picture we do not have", invitation(1, msnp.ObjectGUID, base64.StdEncoding.EncodeToString([]byte(other.String()))), "500"},
			{"no object", invitation(2, msnp.ObjectGUID, "AAAA"), "500"},
			{"no base64", invitation(3, msnp.ObjectGUID, "!"), "500"},
			{"session 0", invitation(0, msnp.ObjectGUID, context), "500"},
			{"no Call-ID", without, "500"},
			{"a webcam", invitation(5, "{4BD96FC0-AB17-4425-A14A-439185962DC8}", ""), "603"},
			{"half a file", invitation(6, msnp.FileGUID, "AAAA"), "500"},
			{"more than a file system holds", invitation(7, msnp.FileGUID, fileContext("a", math.MaxUint64)), "500"},
			{"a good one", invitation(8, msnp.ObjectGUID, context), "200"},
			{"the same again", invitation(8, msnp.ObjectGUID, context), "500"},
		} {
			liar.say(c.m.Append(nil), msnp.P2PMaxData)
			if got := liar.last(t); got != c.want {
				t.Errorf("%s: answer %s, want %s", c.name, got, c.want)
			}
		}
		before := len(net.said(victim.handle))
		long := invitation(30, msnp.ObjectGUID, context)
		long.Branch = strings.Repeat("b", p2pMaxToken+1)
		ignored := invitation(31, msnp.ObjectGUID, context)
		ignored.Type = "text/plain"
		stranger := invitation(32, "", "")
		stranger.Type = msnp.SLPTransport
		for _, m := range []msnp.SLP{long, ignored, stranger, {Status: 200, CallID: "{?}"}, {Method: "BYE", CallID: "{?}"}, {Method: "ACK"}} {
			liar.say(m.Append(nil), msnp.P2PMaxData)
		}
		synctest.Wait()
		if n := len(net.said(victim.handle)); n != before {
			t.Errorf("%d answers to what wants none", n-before)
		}
	})
}

func TestCrowdsAreRefused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		net := newP2PNet(t)
		victim := net.join("victim@example.com")
		liar := net.liar(victim)
		context := base64.StdEncoding.EncodeToString([]byte(victim.owns(msnp.ObjectPicture, pattern(10)).String()))
		for i := range uint32(p2pMaxServed) {
			liar.say(invitation(i+1, msnp.ObjectGUID, context).Append(nil), msnp.P2PMaxData)
		}
		if got := liar.last(t); got != "200" {
			t.Errorf("the last of %d: %s", p2pMaxServed, got)
		}
		liar.say(invitation(100, msnp.ObjectGUID, context).Append(nil), msnp.P2PMaxData)
		if got := liar.last(t); got != "500" {
			t.Errorf("one more: %s", got)
		}
		for i := range uint32(p2pMaxOffers) {
			liar.say(invitation(200+i, msnp.FileGUID, fileContext("../../etc/passwd", 5)).Append(nil), msnp.P2PMaxData)
		}
		liar.say(invitation(300, msnp.FileGUID, fileContext("a", 5)).Append(nil), msnp.P2PMaxData)
		if got := liar.last(t); got != "603" || len(victim.offers) != p2pMaxOffers {
			t.Errorf("one file more: %s, %d offers", got, len(victim.offers))
		}
		if o := <-victim.offers; o.Name != "passwd" {
			t.Errorf("a file for %q", o.Name)
		}
	})
}

func TestPartsThatDoNotFit(t *testing.T) {
	type parts []msnp.P2P
	object := func(offset, total uint64, n int) msnp.P2P {
		return msnp.P2P{Session: 77, ID: 500, Offset: offset, Total: total, Flags: msnp.P2PObject, Data: pattern(5000)[offset : int(offset)+n]}
	}
	otherID := object(1000, 5000, 100)
	otherID.ID++
	for _, c := range []struct {
		name  string
		parts parts
		want  error
	}{
		{"a larger whole", parts{object(0, 5001, 1000)}, ErrDamaged},
		{"an enormous whole", parts{{Session: 77, ID: 500, Total: math.MaxUint64, Flags: msnp.P2PObject, Data: []byte{1}}}, ErrDamaged},
		{"a gap", parts{object(0, 5000, 1000), object(1001, 5000, 10)}, ErrDamaged},
		{"a late beginning", parts{object(1, 5000, 1000)}, ErrDamaged},
		{"an overlap", parts{object(0, 5000, 1000), object(999, 5000, 10)}, ErrDamaged},
		{"a second message", parts{object(0, 5000, 1000), otherID}, ErrDamaged},
		{"another size on the way", parts{object(0, 5000, 1000), object(1000, 4999, 1000)}, ErrDamaged},
		{"an error", parts{object(0, 5000, 1000), {Session: 77, Flags: msnp.P2PError}}, ErrCancelled},
		{"a part twice", parts{object(0, 5000, 1000), object(0, 5000, 1000), object(500, 5000, 500), object(1000, 5000, 4000)}, nil},
		{"empty parts", parts{object(0, 5000, 0), object(0, 5000, 5000), object(0, 5000, 0)}, nil},
		{"parts for another session", parts{{Session: 78, ID: 1, Total: 9, Flags: msnp.P2PObject, Data: []byte("123456789")}, object(0, 5000, 5000)}, nil},
		{"data in large parts, later flags", parts{{Session: 77, ID: 500, Total: 5000, Flags: 0x01000020, Data: pattern(5000)}}, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				net := newP2PNet(t)
				victim := net.join("victim@example.com")
				liar := net.liar(victim)
				victim.numbers = []uint32{1, 77}
				var got []byte
				fate := make(chan error, 1)
				victim.wg.Go(func() {
					var err error
					got, err = victim.fetch(t.Context(), liar.handle, msnp.NewObject(liar.handle, msnp.ObjectPicture, "a", pattern(5000)))
					fate <- err
				})
				synctest.Wait()
				for _, m := range c.parts {
					liar.send(m)
				}
				if err := <-fate; !errors.Is(err, c.want) || err == nil && !bytes.Equal(got, pattern(5000)) {
					t.Errorf("error %v, want %v", err, c.want)
				}
				synctest.Wait()
				victim.idle(t)
			})
		})
	}
}

func TestFilesBeforeTheyAreAccepted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		net := newP2PNet(t)
		victim := net.join("victim@example.com")
		liar := net.liar(victim)
		liar.say(invitation(9, msnp.FileGUID, fileContext("a", 3)).Append(nil), 100)
		offer := <-victim.offers
		data := msnp.P2P{Session: 9, ID: 1, Total: 3, Flags: msnp.P2PFile, Data: []byte("abc")}
		for range 1000 {
			liar.send(data)
		}
		synctest.Wait()
		var got bytes.Buffer
		victim.wg.Go(func() {
			if err := offer.Accept(t.Context(), &got, nil); err != nil {
				t.Error(err)
			}
		})
		synctest.Wait()
		data.Data = []byte("xyz")
		liar.send(data)
		synctest.Wait()
		if got.String() != "xyz" {
			t.Errorf("got %q", got.String())
		}
	})
}

// A text may come in parts, and parts of several may be mixed.
func TestTextsInParts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		net := newP2PNet(t)
		victim := net.join("victim@example.com")
		liar := net.liar(victim)
		var texts [][]byte
		for i := range uint32(p2pMaxPartial) {
			texts = append(texts, invitation(i+1, msnp.FileGUID, fileContext(fmt.Sprint("file", i), 5)).Append(nil))
		}
		const size = 100
		for at := 0; at < len(texts[0]); at += size {
			for i, text := range texts {
				m := msnp.P2P{ID: uint32(i + 1), Offset: uint64(at), Total: uint64(len(text)), Data: text[at:min(at+size, len(text))]}
				liar.send(m)
				if !m.Last() {
					liar.send(m) // once more
				}
			}
		}
		synctest.Wait()
		if n := len(victim.offers); n != len(texts) {
			t.Errorf("%d of %d texts were understood", n, len(texts))
		}
		part := func(id uint32, offset, total uint64, n int) {
			liar.send(msnp.P2P{ID: id, Offset: offset, Total: total, Data: make([]byte, n)})
		}
		before := len(net.all())
		for i := range uint32(100) { // begun and never ended
			part(100+i, 0, 5000, 1000)
		}
		part(300, 0, p2pMaxText+1, 1000)
		part(301, 0, math.MaxUint64, 1000)
		part(302, 500, 1000, 500)
		part(303, 0, 1000, 500)
		part(303, 501, 1000, 499)
		part(303, 500, 1000, 500)
		synctest.Wait()
		if n := len(net.all()); n != before {
			t.Errorf("%d answers", n-before)
		}
		victim.p2p.mu.Lock()
		defer victim.p2p.mu.Unlock()
		if n := len(victim.peers[liar.handle].partial); n > p2pMaxPartial {
			t.Errorf("%d unfinished texts are kept", n)
		}
	})
}

// Who floods us while the server does not take our answers costs a bounded queue.
func TestFloodsAreIgnored(t *testing.T) {
	p := startP2P("victim@example.com", slog.New(slog.DiscardHandler), p2pHost{
		spawn:  func(func(context.Context)) bool { return true },
		random: func() uint32 { return 5 },
		guid:   newGUID,
		offer:  func(FileOffered) {},
	})
	defer p.close(nil)
	for i := range uint32(10 * p2pMaxOut) {
		text := invitation(i+1, msnp.FileGUID, fileContext("a", 5)).Append(nil)
		p.receive("mallory@example.com", msnp.P2P{ID: i, Total: uint64(len(text)), Data: text}.Append(nil))
	}
	if n := len(p.out); n > 2*p2pMaxOut {
		t.Errorf("%d messages wait", n)
	}
}

// A receiver that does not write holds the sender up, and in the end loses the file.
func TestSlowWritersHoldUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		net := newP2PNet(t)
		alice, bob := net.join("alice@example.com"), net.join("bob@example.com")
		fate := alice.send(t.Context(), "bob@example.com", "a", pattern(300_000), nothing)
		offer := <-bob.offers
		r, w := io.Pipe()
		accepted := make(chan error, 1)
		bob.wg.Go(func() { accepted <- offer.Accept(t.Context(), w, nil) })
		synctest.Wait()
		if n := len(bob.inbox); n == 0 {
			t.Error("everything was read though nothing was written")
		}
		if _, err := io.CopyN(io.Discard, r, 200_000); err != nil {
			t.Fatal(err)
		}
		if err := <-fate; !errors.Is(err, ErrCancelled) {
			t.Errorf("the sender got %v", err)
		}
		_ = r.Close()
		if err := <-accepted; err == nil {
			t.Error("the receiver got everything")
		}
	})
}

func TestDirectConnectionsAreNotMade(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		net := newP2PNet(t)
		victim := net.join("victim@example.com")
		liar := net.liar(victim)
		liar.say(invitation(9, msnp.FileGUID, fileContext("a", 3)).Append(nil), 5000)
		bridge := invitation(9, "", "")
		bridge.Type, bridge.Branch = msnp.SLPTransport, "{other}"
		liar.say(bridge.Append(nil), 5000)
		if got := liar.last(t); got != "200" {
			t.Errorf("answer %q", got)
		}
		sent := net.all()
		m, err := msnp.ParseSLP(sent[len(sent)-1].parse(t).Data)
		if err != nil || m.Value("Listening") != "false" || m.Branch != "{other}" || m.Type != msnp.SLPTransportResponse {
			t.Errorf("%+v, %v", m, err)
		}
	})
}

func TestNames(t *testing.T) {
	for in, want := range map[string]string{
		"notes.txt": "notes.txt", "../../x": "x", `C:\a\b.exe`: "b.exe", "/": "file", "..": "file", "": "file", " a ": "a",
		"a\x00\r\nb": "ab", "gpj.\u202Eexe": "gpj.exe", "日本": "日本", ".profile": ".profile",
	} {
		if got := cleanName(in); got != want {
			t.Errorf("%q became %q, want %q", in, got, want)
		}
	}
}

// A refusal that does not reach the other must not end a session that never was.
func TestRefusalsOnBrokenLines(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		victim := newP2PNet(t).join("victim@example.com")
		victim.drop(&p2pSession{id: 1}, ErrNotDelivered)
	})
}
