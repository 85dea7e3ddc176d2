package bot

import (
	"bytes"
	"context"
	"errors"
	"strings"
	"sync/atomic"
	"time"

	"golang.org/x/time/rate"

	"monarch/msnclient"
	"monarch/msnp"
)

// job is something to do in a chat. It runs on the chat's own goroutine, with a context that
// lives as long as the bot.
type job func(ctx context.Context) error

// talk is one chat. It does one thing at a time, in order; what does not fit into the queue
// is forgotten, as is what goes beyond the limit.
type talk struct {
	b       *bot
	chat    *msnclient.Chat
	jobs    chan job
	limit   *rate.Limiter
	sending atomic.Bool // a file is under way

	tired bool // has said that it cannot keep up; touched only by the goroutine of live
}

func (t *talk) run(ctx context.Context) {
	for do := range t.jobs {
		err := do(ctx)
		if err != nil && !errors.Is(err, msnclient.ErrChatClosed) && ctx.Err() == nil {
			t.b.log.Debug("the bot was not heard", "err", err)
		}
	}
}

// do queues a job; it is called by the goroutine of live alone, as everything here but the
// jobs themselves.
func (t *talk) do(j job) {
	select {
	case t.jobs <- j:
	default:
	}
}

// say queues a message.
func (t *talk) say(text string) {
	t.do(func(ctx context.Context) error { return t.send(ctx, text) })
}

// send says something now. It is for jobs.
func (t *talk) send(ctx context.Context, text string) error {
	ctx, cancel := context.WithTimeout(ctx, requesting)
	defer cancel()
	if err := t.chat.Typing(); err != nil {
		return err
	}
	return t.chat.Send(ctx, msnclient.Text{Body: text, Font: "Verdana", Color: 0x7A3E9D})
}

// allowed reports whether the bot may answer once more. Who asks too fast hears so once.
func (t *talk) allowed() bool {
	if t.limit.Allow() && t.b.all.Allow() {
		t.tired = false
		return true
	}
	if !t.tired {
		t.tired = true
		t.say("Not so fast! I have only four wings.")
	}
	return false
}

// hear answers a message, if it is meant for the bot: among several people, only what begins
// with its name is.
func (t *talk) hear(m msnclient.TextReceived) {
	text, called := addressed(m.Text.Body)
	if strings.TrimSpace(text) == "" && !called || len(t.chat.Members()) > 1 && !called || !t.allowed() {
		return
	}
	t.do(func(ctx context.Context) error { return t.answer(ctx, m.From, text) })
}

// nudged nudges back.
func (t *talk) nudged() {
	if len(t.chat.Members()) > 1 || !t.allowed() {
		return
	}
	t.do(func(ctx context.Context) error {
		if err := t.chat.Nudge(); err != nil {
			return err
		}
		return t.send(ctx, "Hey! That tickles.")
	})
}

// declines does not take a file. Who offers one after the other gets no words for each.
func (t *talk) declines(offer msnclient.FileOffered) {
	allowed := t.allowed()
	t.do(func(ctx context.Context) error {
		if err := offer.Decline(); err != nil || !allowed {
			return err
		}
		return t.send(ctx, "Thank you, but I have no pockets. I can send you something, though: say \"picture\".")
	})
}

// sendPicture offers the picture as a file, in the background: people take their time.
func (t *talk) sendPicture(ctx context.Context, to string) error {
	switch c, known := t.b.client.Roster().Contact(to); {
	case known && c.Status != msnp.Offline && c.Flags&canTransfer == 0:
		return t.send(ctx, "Your client does not know how to take it. It is my display picture, too, for clients that show one.")
	case !t.sending.CompareAndSwap(false, true):
		return t.send(ctx, "I am holding it out to you already. Accept it!")
	}
	if err := t.send(ctx, "That is me. Accept the file, and you see it."); err != nil {
		t.sending.Store(false)
		return err
	}
	t.b.work.Go(func() {
		defer t.sending.Store(false)
		ctx, cancel := context.WithTimeout(ctx, sending)
		defer cancel()
		started := time.Now()
		err := t.chat.SendFile(ctx, to, "butterfly.png", bytes.NewReader(t.b.picture), int64(len(t.b.picture)), nil)
		if err != nil {
			t.b.log.Debug("the bot's picture did not arrive", "after", time.Since(started), "err", err)
		}
	})
	return nil
}

// canTransfer are the flags of clients that fetch pictures and take files, from MSN Messenger
// 6.0 on: any version of MSNC. docs/protocol/presence.md#chg
const canTransfer = 0xF0000000
