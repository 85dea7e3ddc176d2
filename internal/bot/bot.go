// Package bot is somebody to talk to where nobody else is: a person of a demonstration who
// greets, answers a few words, shows a picture and joins group chats. It is an ordinary user
// over msnclient's sockets, and leaves its account, its lists and its connection's addresses
// to whoever starts it.
package bot

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"golang.org/x/time/rate"

	"monarch/msnclient"
)

// Config says who the bot is and how it signs in.
type Config struct {
	Client msnclient.Config // its picture and its coming back are the bot's business
	Log    *slog.Logger
}

// Bounds of patience and of what others may ask for.
const (
	firstPause = time.Second
	lastPause  = time.Minute
	requesting = 20 * time.Second // for one answer of the server
	sending    = 5 * time.Minute  // for a file, the time to accept it included
	greetAgain = time.Hour
	maxTalks   = 100
	maxGreeted = 10_000
)

// Run signs the bot in and lets it talk until ctx ends, when it signs out and returns nil. It
// tries again while the server cannot be reached; the error is for what trying does not
// help: a refused password, or another program that has signed in as the bot.
func Run(ctx context.Context, cfg Config) error {
	picture, err := Picture()
	if err != nil {
		return err
	}
	cfg.Client.Picture = &msnclient.Picture{Data: picture, Location: "butterfly.png"}
	cfg.Client.Reconnect = true
	client, err := dial(ctx, cfg)
	if err != nil {
		if ctx.Err() != nil {
			return nil //nolint:nilerr // it was told to stop
		}
		return err
	}
	b := &bot{
		client: client, log: cfg.Log, picture: picture,
		talks: make(map[*msnclient.Chat]*talk), greeted: make(map[string]time.Time),
		all: rate.NewLimiter(20, 40),
	}
	return b.live(ctx)
}

// dial signs in, as often as it takes.
func dial(ctx context.Context, cfg Config) (*msnclient.Client, error) {
	for pause := firstPause; ; pause = min(2*pause, lastPause) {
		client, err := msnclient.Dial(ctx, cfg.Client)
		if err == nil || errors.Is(err, msnclient.ErrPassword) || errors.Is(err, msnclient.ErrElsewhere) || ctx.Err() != nil {
			return client, err
		}
		cfg.Log.Info("the bot cannot sign in yet", "err", err, "retry", pause)
		timer := time.NewTimer(pause)
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			return nil, ctx.Err()
		}
	}
}

// bot is one that is signed in.
type bot struct {
	client  *msnclient.Client
	log     *slog.Logger
	picture []byte
	all     *rate.Limiter // answers to everybody together
	work    sync.WaitGroup

	// Touched only by the goroutine of live.
	talks   map[*msnclient.Chat]*talk
	greeted map[string]time.Time
}

// live handles events until ctx ends or the client does.
func (b *bot) live(ctx context.Context) error {
	inner, cancel := context.WithCancel(ctx)
	var closed msnclient.Closed
	stopped := make(chan struct{})
	go func() { // ends with live, which cancels inner
		defer close(stopped)
		<-inner.Done()
		if err := b.client.Close(); err != nil {
			b.log.Debug("the bot's connection broke as it left", "err", err)
		}
	}()
	for ev := range b.client.Events() {
		if end, ok := ev.(msnclient.Closed); ok {
			closed = end
			continue
		}
		b.handle(inner, ev)
	}
	cancel()
	<-stopped
	for chat := range b.talks {
		b.end(chat)
	}
	b.work.Wait()
	if ctx.Err() == nil {
		return closed.Err
	}
	return nil
}

func (b *bot) handle(ctx context.Context, ev msnclient.Event) {
	switch ev := ev.(type) {
	case msnclient.AddedBy:
		b.request(ctx, "accept a newcomer", func(ctx context.Context) error { return b.client.Accept(ctx, ev.Handle) })
	case msnclient.ChatOpened:
		b.begin(ctx, ev.Chat)
	case msnclient.ChatClosed:
		b.end(ev.Chat)
	case msnclient.TextReceived:
		if t := b.talks[ev.Chat]; t != nil {
			t.hear(ev)
		}
	case msnclient.NudgeReceived:
		if t := b.talks[ev.Chat]; t != nil {
			t.nudged()
		}
	case msnclient.FileOffered:
		if t := b.talks[ev.Chat]; t != nil {
			t.declines(ev)
		}
	case msnclient.Disconnected:
		b.log.Info("the bot lost its connection", "err", ev.Err, "retry", ev.RetryIn)
	case msnclient.Reconnected:
		b.log.Info("the bot is back")
	}
}

// request asks the server for something nobody waits for.
func (b *bot) request(ctx context.Context, what string, do func(context.Context) error) {
	ctx, cancel := context.WithTimeout(ctx, requesting)
	defer cancel()
	if err := do(ctx); err != nil {
		b.log.Warn("the bot failed", "what", what, "err", err)
	}
}

// begin joins a chat somebody called the bot into, and greets.
func (b *bot) begin(ctx context.Context, chat *msnclient.Chat) {
	if b.talks[chat] != nil { // a switchboard may announce it twice
		return
	}
	if len(b.talks) >= maxTalks {
		_ = chat.Close() // there is nobody to tell
		return
	}
	t := &talk{
		b: b, chat: chat, jobs: make(chan job, 16), limit: rate.NewLimiter(rate.Every(700*time.Millisecond), 6),
	}
	b.talks[chat] = t
	b.work.Go(func() { t.run(ctx) }) // until end closes the queue
	members := chat.Members()
	if len(members) > 1 {
		t.say("Hello, everybody! I am " + name + ". Call me by my name if you want something: \"" + name + ", help\".")
		return
	}
	if len(members) == 1 && b.greets(members[0]) {
		t.say("Hello! I am " + name + ", and I live on this server. Say \"help\", and I tell you what I can do.")
	}
}

// greets reports whether it is time to greet somebody, and remembers that it happened: some
// clients open a chat only to fetch a picture, and need not be greeted each time.
func (b *bot) greets(handle string) bool {
	now := time.Now()
	if now.Sub(b.greeted[handle]) < greetAgain {
		return false
	}
	if len(b.greeted) >= maxGreeted {
		clear(b.greeted)
	}
	b.greeted[handle] = now
	return true
}

// end forgets a chat; its goroutine finishes what it has begun.
func (b *bot) end(chat *msnclient.Chat) {
	if t := b.talks[chat]; t != nil {
		close(t.jobs)
		delete(b.talks, chat)
	}
}
