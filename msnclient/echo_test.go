package msnclient_test

import (
	"context"
	"testing"

	"monarch/msnclient"
	"monarch/msnp"
)

// TestEcho runs the bot of the example.
func TestEcho(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, v msnp.Version) {
		w := newWorld(t, nil)
		ctx, stop := context.WithCancel(within(t))
		ended := make(chan error, 1)
		cfg := w.config("bob", v)
		w.p.Play("list alice FL bob\nlist alice AL bob")
		alice := w.signIn("alice", msnp.MSNP9)
		go func() { ended <- echo(ctx, cfg) }() // received below
		alice.becomes("bob@example.com", msnp.Online)
		expect[msnclient.AddedBy](alice, nil)
		chat, err := alice.Send(within(t), "bob@example.com", msnclient.Text{Body: "hello"})
		check(t, err)
		for _, body := range []string{"how are you?", "fine"} {
			check(t, chat.Send(within(t), msnclient.Text{Body: body}))
		}
		for _, body := range []string{"hello", "how are you?", "fine"} {
			if e := expect[msnclient.TextReceived](alice, nil); e.Text.Body != body {
				t.Errorf("the echo of %q is %q", body, e.Text.Body)
			}
		}
		stop()
		check(t, <-ended)
		alice.becomes("bob@example.com", msnp.Offline)
	})
}
