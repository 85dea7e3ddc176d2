package msnclient_test

import (
	"context"
	"fmt"
	"os"
	"os/signal"

	"monarch/msnclient"
)

// echo answers everybody with what he said, until ctx ends.
func echo(ctx context.Context, cfg msnclient.Config) error {
	c, err := msnclient.Dial(ctx, cfg)
	if err != nil {
		return err
	}
	defer c.Close()
	for {
		select {
		case <-ctx.Done():
			return nil
		case ev := <-c.Events():
			var err error
			switch ev := ev.(type) {
			case msnclient.AddedBy:
				err = c.Accept(ctx, ev.Handle)
			case msnclient.TextReceived:
				err = ev.Chat.Send(ctx, msnclient.Text{Body: ev.Text.Body})
			case msnclient.Closed:
				return ev.Err
			}
			if err != nil {
				fmt.Fprintln(os.Stderr, err)
			}
		}
	}
}

// A bot that says what it hears.
func Example_echo() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	err := echo(ctx, msnclient.Config{
		Handle: "echo@example.com", Password: "secret", Server: "msn.example.com", Reconnect: true,
	})
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
	}
}

// Sign in, find who is on line, and send a picture with a greeting.
func ExampleClient_Send() {
	ctx := context.Background()
	c, err := msnclient.Dial(ctx, msnclient.Config{Handle: "alice@example.com", Password: "secret"})
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return
	}
	defer c.Close()
	butterfly, err := os.ReadFile("butterfly.png")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return
	}
	for _, who := range c.Roster().Contacts {
		if !who.Status.Visible() {
			continue
		}
		_, err := c.Send(ctx, who.Handle, msnclient.Text{
			Body:      "Hello, look: (bf)",
			Emoticons: map[string]*msnclient.Picture{"(bf)": {Data: butterfly}},
		})
		if err != nil {
			fmt.Fprintln(os.Stderr, who.Handle, err)
		}
	}
}
