package cli

import (
	"context"
	"errors"
	"fmt"
	"time"

	"monarch/internal/admin"
	"monarch/internal/command"
)

type noticeCmd struct {
	ShutdownIn time.Duration `xor:"what" help:"When the service stops, from now: 1m to 24h." placeholder:"5m"`
	Cancel     bool          `xor:"what" help:"Take the announcement back: the service goes on."`
}

// Help gives the example.
func (*noticeCmd) Help() string { return "monarch notice --shutdown-in 5m\nmonarch notice --cancel" }

// Run tells everybody, or stops the countdown. Clients show whole minutes.
func (c *noticeCmd) Run(ctx context.Context, a *app) error {
	if !c.Cancel && c.ShutdownIn == 0 {
		return command.UsageError("say when, like --shutdown-in 5m, or take an announcement back with --cancel")
	}
	service, done, err := a.service(ctx, mustExist)
	if err != nil {
		return err
	}
	defer done()
	if !service.Running() {
		return errors.New("the server does not run, so there is nobody to tell")
	}
	if c.Cancel {
		if err := service.CancelNotice(ctx); err != nil {
			return err
		}
		fmt.Fprintln(a.stdout, "The service goes on. Clients cannot be told so: write to people who were told it stops.")
		return nil
	}
	minutes := int((c.ShutdownIn + time.Minute - 1) / time.Minute)
	n, err := service.Notify(ctx, minutes)
	if err != nil {
		return err
	}
	fmt.Fprintf(a.stdout, "Told %s that the service stops in %s. They are told again as the time comes, and\n"+
		"then it stops, at all nodes if there are several. To take it back: %s\n",
		plural(n, "person", "people"), plural(minutes, "minute", "minutes"), a.command("notice --cancel"))
	return nil
}

type alertCmd struct {
	Email string `arg:"" help:"The account's address."`
	Text  string `arg:"" help:"What the alert says."`
	HTML  string `name:"html" help:"The same with markup, for clients that show it." placeholder:"HTML"`
	URL   string `name:"url" help:"The web page a click opens. Without it, the help page." placeholder:"URL"`
}

// Help gives the example.
func (*alertCmd) Help() string {
	return `monarch alert alice@example.com "The pictures are there" --url https://example.com/pictures`
}

// Run shows the alert.
func (c *alertCmd) Run(ctx context.Context, a *app) error {
	service, done, err := a.running(ctx)
	if err != nil {
		return err
	}
	defer done()
	if err := service.Alert(ctx, c.Email, admin.NewAlert{Text: c.Text, HTML: c.HTML, URL: c.URL}); err != nil {
		return err
	}
	fmt.Fprintf(a.stdout, "The alert is sent to %s.\n", clean(c.Email))
	return nil
}
