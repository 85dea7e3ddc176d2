package msnclient

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"monarch/msnp"
)

// message is a message somebody sent to a chat.
type message struct {
	header msnp.Header
	params string // of the content type
	body   []byte // valid during the call
}

// received says what to do with each type of message. docs/protocol/payloads.md#types
var received = map[string]func(ch *Chat, from, name string, m message){
	"text/plain":               (*Chat).text,
	"text/x-msmsgscontrol":     (*Chat).typing,
	"text/x-mms-emoticon":      (*Chat).emoticons,
	"text/x-mms-animemoticon":  (*Chat).emoticons,
	"text/x-msnmsgr-datacast":  (*Chat).datacast,
	"application/x-msnmsgrp2p": (*Chat).data,
}

func (ch *Chat) msg(f msnp.Frame) error {
	r, err := msnp.ParseRelayed(f)
	if err != nil {
		return err
	}
	var m message
	var mediaType string
	m.header, m.body = msnp.ParseHeader(r.Payload)
	mediaType, m.params = m.header.Type()
	h, ok := received[mediaType]
	if !ok {
		h = (*Chat).other
	}
	h(ch, strings.ToLower(r.Handle), r.Name, m)
	return nil
}

func (ch *Chat) other(from, _ string, m message) {
	ch.emit(MessageReceived{Chat: ch, From: from, Header: m.header, Body: append([]byte(nil), m.body...)})
}

func (ch *Chat) text(from, name string, m message) {
	ch.used()
	ch.emit(TextReceived{Chat: ch, From: from, Name: name, Text: parseText(m.header, m.body)})
}

func (ch *Chat) typing(from, name string, m message) {
	if m.header.Get("TypingUser") == "" {
		ch.other(from, name, m)
		return
	}
	ch.emit(TypingStarted{Chat: ch, From: from})
}

func (ch *Chat) datacast(from, name string, m message) {
	if fields, _ := msnp.ParseHeader(m.body); fields.Get("ID") != "1" {
		ch.other(from, name, m)
		return
	}
	ch.emit(NudgeReceived{Chat: ch, From: from})
}

// emoticons reads shortcuts and objects, each followed by a tab.
func (ch *Chat) emoticons(from, _ string, m message) {
	words := strings.Split(string(m.body), "\t")
	for i := 0; i+1 < len(words); i += 2 {
		text := words[i+1]
		if strings.HasPrefix(text, "%3C") || strings.HasPrefix(text, "%3c") {
			text = msnp.Unescape(text)
		}
		o, err := msnp.ParseObject(text)
		if err != nil {
			continue
		}
		ch.emit(EmoticonAnnounced{Chat: ch, From: from, Shortcut: words[i], Object: o, ObjectText: text})
	}
}

// data passes a message of a transfer on, if it is for us: in a chat of several everybody
// gets everything.
func (ch *Chat) data(from, _ string, m message) {
	if to := m.header.Get("P2P-Dest"); to == "" || strings.EqualFold(to, ch.c.cfg.Handle) {
		ch.p2p.receive(from, append([]byte(nil), m.body...))
	}
}

// partError says that the first parts of a text arrived and the rest did not.
type partError struct {
	sent, all int
	err       error
}

func (e *partError) Error() string {
	return fmt.Sprintf("%d of %d parts delivered: %v", e.sent, e.all, e.err)
}

func (e *partError) Unwrap() error { return e.err }

// Send sends a text and waits until it is delivered to everybody. A long one goes in several
// messages, one after the other.
func (ch *Chat) Send(ctx context.Context, t Text) error {
	for _, payload := range ch.announcements(t) {
		if err := ch.deliver(ctx, payload); err != nil {
			return fmt.Errorf("announce emoticons: %w", err)
		}
	}
	parts := t.payloads()
	for i, payload := range parts {
		if err := ch.deliver(ctx, payload); err != nil {
			if i > 0 {
				err = &partError{sent: i, all: len(parts), err: err}
			}
			return fmt.Errorf("send text: %w", err)
		}
	}
	return nil
}

// announcements returns the messages that say which pictures the shortcuts of a text are.
func (ch *Chat) announcements(t Text) [][]byte {
	if !hasObjects(ch.version) {
		return nil
	}
	header := msnp.Header{{Name: "MIME-Version", Value: "1.0"}, {Name: "Content-Type", Value: "text/x-mms-emoticon"}}.Append(nil)
	var all [][]byte
	n := 0
	for _, shortcut := range slices.Sorted(maps.Keys(t.Emoticons)) {
		p := t.Emoticons[shortcut]
		if p == nil || shortcut == "" || strings.ContainsAny(shortcut, "\t\r\n") || !strings.Contains(t.Body, shortcut) {
			continue
		}
		entry := shortcut + "\t" + ch.c.own(p, msnp.ObjectEmoticon).String() + "\t"
		if last := len(all) - 1; last >= 0 && n < maxAnnounce && len(all[last])+len(entry) <= msnp.MaxMessage {
			all[last] = append(all[last], entry...)
			n++
			continue
		}
		if len(header)+len(entry) <= msnp.MaxMessage {
			all = append(all, append(header[:len(header):len(header)], entry...))
			n = 1
		}
	}
	return all
}

// SendMessage sends a message of any type and waits until it is delivered to everybody.
func (ch *Chat) SendMessage(ctx context.Context, header msnp.Header, body []byte) error {
	for _, f := range header {
		if strings.ContainsAny(f.Name+f.Value, "\r\n") {
			return coded(errors.New("line break in a header"), msnp.CodeInvalidParameter)
		}
	}
	return ch.deliver(ctx, append(header.Append(nil), body...))
}

// Typing tells the others that we type. They forget it after some five seconds.
func (ch *Chat) Typing() error {
	return ch.cast(msnp.Header{
		{Name: "MIME-Version", Value: "1.0"},
		{Name: "Content-Type", Value: "text/x-msmsgscontrol"},
		{Name: "TypingUser", Value: ch.c.cfg.Handle},
	}, "\r\n")
}

// Nudge asks the others for attention.
func (ch *Chat) Nudge() error {
	return ch.cast(msnp.Header{
		{Name: "MIME-Version", Value: "1.0"},
		{Name: "Content-Type", Value: "text/x-msnmsgr-datacast"},
	}, "ID: 1\r\n\r\n")
}

// cast sends a message whose fate nobody asks for.
func (ch *Chat) cast(header msnp.Header, body string) error {
	payload := append(header.Append(nil), body...)
	return ch.explain(ch.link.tell(func(b []byte, t msnp.TrID) []byte {
		return msnp.AppendPayload(b, msnp.MSG, payload, string(t), msnp.AckNone.String())
	}))
}

// deliver sends a payload and waits for ACK.
func (ch *Chat) deliver(ctx context.Context, payload []byte) error {
	r, err := ch.post(msnp.AckAll, payload)
	if err != nil {
		return err
	}
	return r.wait(ctx)
}

// sending stands for a message under way.
type sending struct {
	ch *Chat
	r  receipt
}

// post sends a message without waiting for its fate. docs/protocol/switchboard.md#acknowledgements
func (ch *Chat) post(a msnp.Acknowledgement, payload []byte) (sending, error) {
	if len(payload) > msnp.MaxMessage {
		return sending{}, ErrTooLong
	}
	if !ch.link.alive() {
		return sending{}, fmt.Errorf("%w: %w", ErrNotDelivered, ErrChatClosed)
	}
	r, err := ch.link.post(func(b []byte, t msnp.TrID) []byte {
		return msnp.AppendPayload(b, msnp.MSG, payload, string(t), a.String())
	})
	return sending{ch, r}, ch.explain(err)
}

// wait returns what became of the message: nil when everybody has got it.
func (s sending) wait(ctx context.Context) error {
	f, err := s.r.wait(ctx)
	if err == nil && f.Verb == msnp.NAK {
		return ErrNotDelivered
	}
	return s.ch.explain(err)
}

// explain says what the end of the chat means for a message.
func (ch *Chat) explain(err error) error {
	switch {
	case errors.Is(err, errEmpty):
		return fmt.Errorf("%w: %w", ErrNotDelivered, err)
	case err == nil, errors.Is(err, ErrChatClosed), errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return err
	}
	var code msnp.Code
	if errors.As(err, &code) {
		return err
	}
	return fmt.Errorf("%w: %w", ErrChatClosed, err)
}

// postData sends a message of a transfer to one of the others without waiting for its fate.
// Messages go out in the order of the calls.
func (ch *Chat) postData(to string, payload []byte) (sending, error) {
	if !ch.version.HasData() {
		return sending{}, ErrNotSupported
	}
	header := msnp.Header{
		{Name: "MIME-Version", Value: "1.0"},
		{Name: "Content-Type", Value: "application/x-msnmsgrp2p"},
		{Name: "P2P-Dest", Value: to},
	}
	return ch.post(msnp.AckData, append(header.Append(nil), payload...))
}
