package msnclient

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"math"
	"strings"
	"unicode"

	"monarch/msnp"
)

// FileOffered tells that somebody wants to send a file. Who neither accepts nor declines it
// declines it after five minutes. The other may withdraw it, which Done tells.
type FileOffered struct {
	Chat *Chat
	From string
	Name string // without directories and control characters; not checked further
	Size int64

	p *p2p
	s *p2pSession
}

func (FileOffered) event() {}

// Accept takes the file and returns when all of it was written to w, or with the reason why
// not; what was written then is of no use. progress, which may be nil, is called after each
// part with the bytes written so far. A w that does not take anything for a while stops the
// whole chat, and in the end the transfer.
func (o FileOffered) Accept(ctx context.Context, w io.Writer, progress func(int64)) error {
	if o.Chat != nil {
		release := o.Chat.hold()
		defer release()
	}
	if progress == nil {
		progress = func(int64) {}
	}
	return o.p.accept(ctx, o.s, w, progress)
}

// Decline tells the other that the file is not wanted.
func (o FileOffered) Decline() error {
	o.p.mu.Lock()
	defer o.p.mu.Unlock()
	if err := o.s.undecided(); err != nil {
		return err
	}
	o.p.bye(o.s, ErrDeclined)
	return nil
}

// Done returns a channel that closes when the offer, or the transfer that came of it, is over,
// however it ended.
func (o FileOffered) Done() <-chan struct{} {
	if o.s == nil {
		return nil // not offered by anybody
	}
	return o.s.done
}

// SendFile offers a file to a member of the chat, who may take minutes to answer, and sends
// it. It returns nil when the other has acknowledged all of it, and ErrDeclined or
// ErrCancelled when he does not want it, or no longer. Cancelling ctx cancels the transfer.
// progress, which may be nil, is called with the bytes that were sent so far.
func (ch *Chat) SendFile(ctx context.Context, to, name string, r io.ReaderAt, size int64, progress func(sent int64)) error {
	to, err := ch.member(to)
	if err != nil {
		return err
	}
	release := ch.hold()
	defer release()
	if progress == nil {
		progress = func(int64) {}
	}
	return ch.p2p.sendFile(ctx, to, msnp.FileContext{Name: name, Size: uint64(size)}, r, progress)
}

// sendFile sends a file. docs/protocol/payloads.md#file-transfer
func (p *p2p) sendFile(ctx context.Context, to string, c msnp.FileContext, r io.ReaderAt, progress func(int64)) error {
	if c.Size > math.MaxInt64 {
		return errors.New("size of a file is negative")
	}
	s := &p2pSession{kind: p2pSend, size: int64(c.Size)}
	text := base64.StdEncoding.EncodeToString(c.Append(nil))
	if err := p.invite(to, s, msnp.Uint(msnp.FileAppID), msnp.FileGUID, text); err != nil {
		return err
	}
	select {
	case <-s.agreed:
	case <-s.done:
		return fmt.Errorf("offer file to %s: %w", to, s.endedEarly())
	case <-ctx.Done():
		p.hangUp(s, ErrCancelled)
		return ctx.Err()
	}
	p.mu.Lock()
	var m msnp.P2P
	if s.step != p2pOver {
		m = p.data(s, msnp.P2PFile, msnp.P2PFooterFile)
	}
	p.mu.Unlock()
	if err := p.stream(ctx, s, m, r, progress); err != nil {
		p.hangUp(s, err)
		return fmt.Errorf("send file to %s: %w", to, err)
	}
	select {
	case <-s.done:
		if s.err != nil {
			return fmt.Errorf("send file to %s: %w", to, s.err)
		}
		return nil
	case <-ctx.Done():
		p.hangUp(s, ErrCancelled)
		return ctx.Err()
	}
}

// offered takes the invitation to a file transfer.
func (p *p2p) offered(from string, s *p2pSession, context []byte) {
	c, err := msnp.ParseFileContext(context)
	if err != nil || c.Size > math.MaxInt64 {
		p.refuse(from, s, msnp.SLPInternal)
		return
	}
	s.kind, s.size = p2pTake, int64(c.Size)
	p.mu.Lock()
	s.peer = p.peer(from)
	admitted := false
	if s.peer != nil {
		if admitted = p.admit(s, p2pMaxOffers); !admitted {
			p.answer(s, msnp.SLPDecline)
		}
	}
	p.mu.Unlock()
	if admitted {
		p.host.offer(FileOffered{From: from, Name: cleanName(c.Name), Size: s.size, p: p, s: s})
	}
}

// cleanName makes something that can be shown, and used in a directory of the receiver's
// choice, of a name that a stranger chose: what a name could hide from the eye, or break out
// with, is gone.
func cleanName(name string) string {
	name = name[strings.LastIndexAny(name, `/\`)+1:]
	name = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || unicode.Is(unicode.Cf, r) || r == unicode.ReplacementChar {
			return -1
		}
		return r
	}, name)
	name = strings.TrimSpace(name)
	if strings.Trim(name, ".") == "" {
		return "file"
	}
	return name
}

// undecided is nil as long as the user may accept or decline; p2p.mu is held.
func (s *p2pSession) undecided() error {
	switch s.step {
	case p2pInvited:
		return nil
	case p2pOver:
		return s.endedEarly()
	}
	return ErrAnswered
}

func (p *p2p) accept(ctx context.Context, s *p2pSession, w io.Writer, progress func(int64)) error {
	p.mu.Lock()
	if err := s.undecided(); err != nil {
		p.mu.Unlock()
		return err
	}
	s.step = p2pAgreed
	s.moved()
	p.answer(s, msnp.SLPOK)
	p.mu.Unlock()
	if err := p.drain(ctx, s, w, progress); err != nil {
		return fmt.Errorf("take file from %s: %w", s.peer.handle, err)
	}
	return nil
}
