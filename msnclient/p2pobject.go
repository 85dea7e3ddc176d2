package msnclient

import (
	"bytes"
	"context"
	"crypto/sha1"
	"encoding/base64"
	"fmt"
	"strings"

	"monarch/msnp"
)

// FetchPicture gets the display picture of a contact who is on line. A chat with him is
// used if there is one; otherwise one is opened, and closed again if nobody uses it by then.
func (c *Client) FetchPicture(ctx context.Context, handle string) ([]byte, error) {
	o, err := c.pictureOf(handle)
	if err != nil {
		return nil, err
	}
	return c.FetchObject(ctx, handle, o)
}

// FetchObject gets a picture or an emoticon that somebody has announced, in the way of
// FetchPicture.
func (c *Client) FetchObject(ctx context.Context, from string, o msnp.Object) ([]byte, error) {
	if ch, ok := c.chatWith(from); ok {
		return ch.FetchObject(ctx, from, o)
	}
	ch, err := c.open(ctx, from, true)
	if err != nil {
		return nil, err
	}
	defer ch.leave()
	return ch.FetchObject(ctx, from, o)
}

// FetchPicture gets the display picture of a contact who is in the chat.
func (ch *Chat) FetchPicture(ctx context.Context, handle string) ([]byte, error) {
	o, err := ch.c.pictureOf(handle)
	if err != nil {
		return nil, err
	}
	return ch.FetchObject(ctx, handle, o)
}

// FetchObject gets a picture or an emoticon that a member of the chat has announced. The
// data has the size and the hash that the object says, or the error is ErrDamaged; whether
// it is an image is not looked at. Events are not lost while it waits.
func (ch *Chat) FetchObject(ctx context.Context, from string, o msnp.Object) ([]byte, error) {
	from, err := ch.member(from)
	if err != nil {
		return nil, err
	}
	release := ch.hold()
	defer release()
	return ch.p2p.fetch(ctx, from, o)
}

// member returns how a member of the chat writes his handle.
func (ch *Chat) member(handle string) (string, error) {
	for _, m := range ch.Members() {
		if strings.EqualFold(m, handle) {
			return m, nil
		}
	}
	return "", fmt.Errorf("%s is not in the chat: %w", handle, ErrNotDelivered)
}

func (c *Client) pictureOf(handle string) (msnp.Object, error) {
	contact, ok := c.Roster().Contact(handle)
	if !ok || contact.Picture == nil {
		return msnp.Object{}, fmt.Errorf("picture of %s: %w", handle, ErrNoObject)
	}
	return *contact.Picture, nil
}

// fetch gets an object. docs/protocol/payloads.md#object-transfer
func (p *p2p) fetch(ctx context.Context, from string, o msnp.Object) ([]byte, error) {
	if o.Size > MaxObject {
		return nil, fmt.Errorf("object of %d bytes: %w", o.Size, ErrTooLarge)
	}
	s := &p2pSession{kind: p2pFetch, size: int64(o.Size)}
	// The official client ends the text with a NUL; nobody minds it.
	text := base64.StdEncoding.EncodeToString([]byte(o.String() + "\x00"))
	if err := p.invite(from, s, msnp.Uint(msnp.ObjectAppID), msnp.ObjectGUID, text); err != nil {
		return nil, err
	}
	var data bytes.Buffer
	if err := p.drain(ctx, s, &data, func(int64) {}); err != nil {
		return nil, fmt.Errorf("fetch object of %s: %w", from, err)
	}
	if sum := sha1.Sum(data.Bytes()); base64.StdEncoding.EncodeToString(sum[:]) != o.SHA1D {
		return nil, fmt.Errorf("hash of what %s sent: %w", from, ErrDamaged)
	}
	return data.Bytes(), nil
}

// asked takes an invitation to give an object.
func (p *p2p) asked(from string, s *p2pSession, text string) {
	o, err := msnp.ParseObject(strings.TrimRight(text, "\x00"))
	if err != nil {
		p.refuse(from, s, msnp.SLPInternal)
		return
	}
	data, ok := p.host.object(o.SHA1D)
	if !ok {
		p.refuse(from, s, msnp.SLPInternal)
		return
	}
	s.kind, s.object, s.size = p2pServe, data, int64(len(data))
	p.mu.Lock()
	defer p.mu.Unlock()
	s.peer = p.peer(from)
	switch {
	case s.peer == nil:
	case !p.admit(s, p2pMaxServed):
		p.answer(s, msnp.SLPInternal)
	default:
		s.step = p2pAgreed
		s.awaits = p.answer(s, msnp.SLPOK)
	}
}

// prepare sends the data preparation of an object; mu is held.
func (p *p2p) prepare(s *p2pSession) {
	s.step = p2pPreparing
	s.awaits = s.peer.ids.next(false)
	p.queue(p2pOut{to: s.peer.handle, s: s, m: msnp.P2P{
		Session: s.id, ID: s.awaits, Total: 4, AckID: p.host.random(),
		Data: make([]byte, 4), Footer: msnp.P2PFooterObject,
	}})
}

// serve sends the data of an object; mu is held.
func (p *p2p) serve(s *p2pSession) {
	m := p.data(s, msnp.P2PObject, msnp.P2PFooterObject)
	started := p.host.spawn(func(ctx context.Context) {
		err := p.stream(ctx, s, m, bytes.NewReader(s.object), func(int64) {})
		if err != nil {
			p.hangUp(s, err)
		}
	})
	if !started {
		s.end(ErrChatClosed)
	}
}
