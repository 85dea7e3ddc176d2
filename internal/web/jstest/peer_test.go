package jstest

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"strings"
	"time"

	"monarch/msnclient"
	"monarch/msnp"
)

// patience is how long a peer waits for what must come.
const patience = 60 * time.Second

// peer is somebody on msnclient, and what he was told and nobody has asked for.
type peer struct {
	*msnclient.Client
	seen []msnclient.Event
	chat *msnclient.Chat // the latest
}

// act is what a test wants of a peer.
type act struct {
	Who, Do, To, Text, Shortcut string
	Data                        []byte
}

// signIn signs somebody in; he comes back after lost connections, and ends with the test.
func (w *world) signIn(nick string) (*peer, error) {
	ctx, cancel := context.WithTimeout(w.t.Context(), patience)
	defer cancel()
	c, err := msnclient.Dial(ctx, msnclient.Config{
		Handle: nick + "@example.com", Password: "secret-" + nick, TLS: &tls.Config{RootCAs: w.f.Roots()}, Reconnect: true,
		Dialer: w.dial,
	})
	if err != nil {
		return nil, fmt.Errorf("sign in: %w", err)
	}
	w.t.Cleanup(func() { c.Close() })
	p := &peer{Client: c}
	w.peers[nick] = p
	return p, nil
}

// dial leads the names that clients call to the server of the moment.
func (w *world) dial(ctx context.Context, network, addr string) (net.Conn, error) {
	w.mu.RLock()
	switch addr {
	case "messenger.hotmail.com:1863":
		addr = w.f.Server.Addr("dispatch")
	case "nexus.passport.com:443", "login.passport.com:443":
		addr = w.f.Server.Addr("https")
	}
	w.mu.RUnlock()
	return new(net.Dialer).DialContext(ctx, network, addr)
}

// await waits for an event of a type that fits, leaving the others for later.
func await[E msnclient.Event](p *peer, fits func(E) bool) (E, error) {
	var none E
	for i, ev := range p.seen {
		if e, ok := ev.(E); ok && (fits == nil || fits(e)) {
			p.seen = append(p.seen[:i], p.seen[i+1:]...)
			return e, nil
		}
	}
	timeout := time.NewTimer(patience)
	defer timeout.Stop()
	for {
		select {
		case ev, ok := <-p.Events():
			if !ok {
				return none, errors.New("is not signed in any more")
			}
			if opened, is := ev.(msnclient.ChatOpened); is {
				p.chat = opened.Chat
			}
			if e, is := ev.(E); is && (fits == nil || fits(e)) {
				return e, nil
			}
			p.seen = append(p.seen, ev)
		case <-timeout.C:
			return none, fmt.Errorf("no %T came, but %+v", none, p.seen)
		}
	}
}

// said is a text as a test compares it.
func said(e msnclient.TextReceived) (any, error) {
	return map[string]any{
		"from": e.From, "name": e.Name, "text": e.Text.Body, "font": e.Text.Font, "effects": e.Text.Effects, "color": e.Text.Color,
	}, nil
}

// told returns what came, or why it did not.
func told[E any](e E, err error) (any, error) { return e, err }

// acts says how to do each thing. All of them wait until it is done.
var acts = map[string]func(p *peer, a act) (any, error){
	"appear":    func(*peer, act) (any, error) { return "there", nil },
	"disappear": func(p *peer, _ act) (any, error) { return "gone", p.Close() },
	"status": func(p *peer, a act) (any, error) {
		return "done", within(func(ctx context.Context) error { return p.SetStatus(ctx, msnp.Status(a.Text)) })
	},
	"rename": func(p *peer, a act) (any, error) {
		return "done", within(func(ctx context.Context) error { return p.SetName(ctx, a.Text) })
	},
	"add": func(p *peer, a act) (any, error) {
		return "done", within(func(ctx context.Context) error { return p.Accept(ctx, a.To) })
	},
	"open": func(p *peer, a act) (any, error) {
		return "done", within(func(ctx context.Context) (err error) {
			p.chat, err = p.Open(ctx, a.To)
			return err
		})
	},
	"send": func(p *peer, a act) (any, error) {
		t := msnclient.Text{Body: a.Text, Font: "Verdana", Effects: "B", Color: 0x102030}
		if a.Shortcut != "" {
			t.Emoticons = map[string]*msnclient.Picture{a.Shortcut: {Data: a.Data}}
		}
		return "done", within(func(ctx context.Context) (err error) {
			p.chat, err = p.Send(ctx, a.To, t)
			return err
		})
	},
	"say": func(p *peer, a act) (any, error) { // in the latest chat
		return "done", within(func(ctx context.Context) error { return p.chat.Send(ctx, msnclient.Text{Body: a.Text}) })
	},
	"invite": func(p *peer, a act) (any, error) {
		return "done", within(func(ctx context.Context) error { return p.chat.Invite(ctx, a.To) })
	},
	"leave":   func(p *peer, _ act) (any, error) { return "done", p.chat.Close() },
	"type":    func(p *peer, _ act) (any, error) { return "done", p.chat.Typing() },
	"nudge":   func(p *peer, _ act) (any, error) { return "done", p.chat.Nudge() },
	"members": func(p *peer, _ act) (any, error) { return p.chat.Members(), nil },
	"picture": func(p *peer, a act) (any, error) {
		return "done", within(func(ctx context.Context) error { return p.SetPicture(ctx, &msnclient.Picture{Data: a.Data}) })
	},
	"fetch": func(p *peer, a act) (data any, err error) {
		err = within(func(ctx context.Context) (err error) {
			data, err = p.FetchPicture(ctx, a.To)
			return err
		})
		return data, err
	},

	// What comes to him.
	"hears": func(p *peer, _ act) (any, error) {
		e, err := await[msnclient.TextReceived](p, nil)
		if err != nil {
			return nil, err
		}
		p.chat = e.Chat
		return said(e)
	},
	"hears typing": func(p *peer, _ act) (any, error) {
		e, err := await[msnclient.TypingStarted](p, nil)
		return told(e.From, err)
	},
	"hears nudge": func(p *peer, _ act) (any, error) {
		e, err := await[msnclient.NudgeReceived](p, nil)
		return told(e.From, err)
	},
	"hears emoticon": func(p *peer, _ act) (any, error) {
		e, err := await[msnclient.EmoticonAnnounced](p, nil)
		if err != nil {
			return nil, err
		}
		var data []byte
		err = within(func(ctx context.Context) (err error) {
			data, err = e.Chat.FetchObject(ctx, e.From, e.Object)
			return err
		})
		return map[string]any{"shortcut": e.Shortcut, "data": data}, err
	},
	"sees": func(p *peer, a act) (any, error) {
		e, err := await(p, func(e msnclient.PresenceChanged) bool {
			return e.Handle == a.To && string(e.Status) == a.Text
		})
		return told(map[string]any{"name": e.Name, "picture": e.Picture != nil}, err)
	},
	"sees name": func(p *peer, a act) (any, error) {
		_, err := await(p, func(e msnclient.PresenceChanged) bool { return e.Handle == a.To && e.Name == a.Text })
		return told("done", err)
	},
	"sees picture": func(p *peer, a act) (any, error) {
		_, err := await(p, func(e msnclient.PresenceChanged) bool { return e.Handle == a.To && e.Picture != nil })
		return told("done", err)
	},
	"is added": func(p *peer, a act) (any, error) {
		_, err := await(p, func(e msnclient.AddedBy) bool { return e.Handle == a.To })
		return told("done", err)
	},
	"joined": func(p *peer, a act) (any, error) {
		_, err := await(p, func(e msnclient.Joined) bool { return e.Handle == strings.ToLower(a.To) })
		return told("done", err)
	},
	"left": func(p *peer, a act) (any, error) {
		_, err := await(p, func(e msnclient.Left) bool { return e.Handle == a.To })
		return told("done", err)
	},
	"is alone": func(p *peer, _ act) (any, error) {
		_, err := await[msnclient.ChatClosed](p, nil)
		return told("done", err)
	},
	"came back": func(p *peer, _ act) (any, error) {
		_, err := await[msnclient.Reconnected](p, nil)
		return told("done", err)
	},
}

// within does something that must not take for ever.
func within(do func(ctx context.Context) error) error {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	return do(ctx)
}
