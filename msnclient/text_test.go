package msnclient

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"strings"
	"testing"
	"testing/iotest"
	"testing/synctest"
	"time"
	"unicode/utf8"

	"monarch/msnp"
)

func TestFormat(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, value string
		want        Text
	}{
		{"of the official client", "FN=Arial; EF=; CO=0; CS=0; PF=22", Text{Font: "Arial"}},
		{"red", "CO=ff", Text{Color: 0xFF0000}},
		{"blue", "CO=ff0000", Text{Color: 0x0000FF}},
		{"of Miranda", "FN=MS%20Sans%20Serif; EF=BI; CO=80ff; CS=0; PF=22;RL=1", Text{Font: "MS Sans Serif", Effects: "BI", Color: 0xFF8000, RightToLeft: true}},
		{"nonsense", ";;FN; CO=red; X=Y; =; co=ffffffff", Text{}},
		{"nothing", "", Text{}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			if got := parseFormat(c.value); fmt.Sprint(got) != fmt.Sprint(c.want) {
				t.Errorf("%+v, want %+v", got, c.want)
			}
		})
	}
}

func FuzzText(f *testing.F) {
	f.Add("hello\nworld", "Arial", uint32(0x102030), true)
	f.Add(strings.Repeat("\n ", 2000), ";", uint32(1<<24), false)
	f.Add("\r\xff", "\x00%", uint32(0), false)
	f.Fuzz(func(t *testing.T, body, font string, color uint32, right bool) {
		if len(font) > 100 {
			return
		}
		in := Text{Body: body, Font: font, Color: color & 0xFFFFFF, RightToLeft: right}
		var got []string
		for _, p := range in.payloads() {
			if len(p) > msnp.MaxMessage || !utf8.Valid(p) {
				t.Fatalf("%d bytes: %q", len(p), p)
			}
			h, b := msnp.ParseHeader(p)
			out := parseText(h, b)
			if font != "" && out.Font != font || out.Color != in.Color || out.RightToLeft != right {
				t.Fatalf("%+v became %+v", in, out)
			}
			got = append(got, out.Body)
		}
		// What is left out at a cut is the end of a line, and nothing else.
		want := strings.ReplaceAll(strings.ReplaceAll(strings.ToValidUTF8(body, "\uFFFD"), "\r\n", "\n"), "\r", "\n")
		bare := func(s string) string { return strings.ReplaceAll(s, "\n", "") }
		if bare(strings.Join(got, "")) != bare(want) || len(got) == 1 && got[0] != want {
			t.Fatalf("%q became %q", want, got)
		}
	})
}

func TestResponses(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, text string
		ticket     string
		want       error
	}{
		{"a success", "HTTP/1.1 200 OK\r\nAuthentication-Info: Passport1.4 da-status=success,tname=MSPAuth,from-PP='t=ab&p=c',ru=x\r\n\r\n", "t=ab&p=c", nil},
		{"from a proxy that lowers names", "HTTP/1.1 200 OK\nauthentication-info:Passport1.4 from-PP='t=a&p='\n\n", "t=a&p=", nil},
		{"of an old server", "HTTP/1.0 200\r\nAuthentication-Info: from-PP='abc'", "abc", nil},
		{"without a ticket", "HTTP/1.1 200 OK\r\n\r\n", "", ErrUnavailable},
		{"with a ticket that is none", "HTTP/1.1 200 OK\r\nAuthentication-Info: from-PP='a b'\r\n\r\n", "", ErrUnavailable},
		{"that is no HTTP", "+OK ready\r\n\r\n", "", errAny},
		{"that is empty", "", "", errAny},
		{"that never ends", strings.Repeat("x: y\r\n", 20000), "", errAny},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			r, err := readResponse(iotest.HalfReader(strings.NewReader(c.text)))
			var ticket string
			if err == nil {
				ticket, err = r.ticket()
			}
			if ticket != c.ticket || (err == nil) != (c.want == nil) || !errors.Is(c.want, errAny) && !errors.Is(err, c.want) {
				t.Errorf("%q, %v", ticket, err)
			}
		})
	}
}

var errAny = errors.New("any error")

func TestFollow(t *testing.T) {
	t.Parallel()
	for to, want := range map[string]string{
		"https://loginnet.passport.com/login2.srf?lc=1033": "https://loginnet.passport.com/login2.srf?lc=1033",
		"/login.srf": "https://login.passport.com/login.srf",
	} {
		if got, err := follow("https://login.passport.com/login2.srf", to); err != nil || got != want {
			t.Errorf("%s leads to %s, %v", to, got, err)
		}
	}
	if _, err := follow("https://login.passport.com/", ":"); err == nil {
		t.Error("followed nonsense")
	}
}

func TestPausesGrow(t *testing.T) {
	t.Parallel()
	for range 1000 {
		if d := jitter(time.Second); d < time.Second/2 || d >= 3*time.Second/2 {
			t.Fatal(d)
		}
	}
}

func TestQueue(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		q := newQueue(2)
		pumped := make(chan int)
		go func() { pumped <- q.pump() }() // received below
		g := gate{q: q}
		for n := range 10 {
			q.push(NoticeReceived{n})
		}
		passed := make(chan struct{})
		pass := func() { go func() { g.pass(); passed <- struct{}{} }() } // received below
		pass()
		synctest.Wait()
		if !g.isShut() {
			t.Fatal("the gate is open though the queue is full")
		}
		release := g.hold()
		<-passed
		release()
		release()
		pass()
		synctest.Wait()
		if !g.isShut() {
			t.Fatal("the gate is open though nobody waits")
		}
		for n := range 10 {
			if ev := <-q.out; ev != (NoticeReceived{n}) {
				t.Fatalf("%+v came, not %d", ev, n)
			}
		}
		<-passed
		q.push(NoticeReceived{10})
		q.close()
		q.push(NoticeReceived{11})
		if ev, ok := <-q.out; !ok || ev != (NoticeReceived{10}) {
			t.Fatal(ev, ok)
		}
		if _, ok := <-q.out; ok || <-pumped != 0 {
			t.Fatal("there is more")
		}
	})
}

// TestSilence keeps quiet on one end of a session, until the other gives up.
func TestSilence(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		near, far := net.Pipe()
		q := newQueue(1)
		defer q.close()
		c := &Client{log: slog.New(slog.DiscardHandler), events: q}
		s := &session{c: c, link: newLink(near, msnp.ServerGrammar, q, c.log), done: make(chan struct{}), rhythm: make(chan int, 1)}
		go s.read(t.Context())      // ends with s.done
		go s.keepAlive(t.Context()) // ends with s.done, too
		var said strings.Builder
		heard := make(chan struct{})
		go func() { // ends with the connection
			_, _ = io.Copy(&said, far)
			close(heard)
		}()
		start := time.Now()
		synctest.Wait()
		<-s.done
		<-heard
		if !errors.Is(s.err, errSilent) || time.Since(start) > 5*time.Minute {
			t.Errorf("ended after %v: %v", time.Since(start), s.err)
		}
		if said.String() != "PNG\r\n" {
			t.Errorf("said %q", said.String())
		}
	})
}

func TestPingsFollowTheServersRhythm(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		near, far := net.Pipe()
		q := newQueue(1)
		defer q.close()
		c := &Client{log: slog.New(slog.DiscardHandler), events: q}
		s := &session{c: c, link: newLink(near, msnp.ServerGrammar, q, c.log), done: make(chan struct{}), rhythm: make(chan int, 1)}
		ctx, cancel := context.WithCancel(t.Context())
		go s.read(ctx)
		go s.keepAlive(ctx)
		start := time.Now()
		buf := make([]byte, 100)
		for i, after := range []time.Duration{60, 30, 30, 90} {
			n, err := far.Read(buf)
			if err != nil || string(buf[:n]) != "PNG\r\n" || time.Since(start) != after*time.Second {
				t.Fatalf("%q after %v: %v", buf[:n], time.Since(start), err)
			}
			start = time.Now()
			answer := []string{"QNG 30\r\n", "QNG\r\n", "QNG 90\r\n", "QNG 1\r\n"}[i]
			if _, err := io.WriteString(far, answer); err != nil {
				t.Fatal(err)
			}
		}
		cancel()
		far.Close()
		<-s.done
	})
}
