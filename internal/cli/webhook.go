package cli

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"monarch/internal/admin"
)

// webhookCmds are the commands about addresses that are told of events.
type webhookCmds struct {
	Add    webhookAdd    `cmd:"" help:"Tell an address what happens to accounts, who misbehaves, and whom operators shut out."`
	List   webhookList   `cmd:"" help:"List the webhooks, and how it goes."`
	Test   webhookTest   `cmd:"" help:"Tell a webhook of an event that only shows whether it works."`
	Remove webhookRemove `cmd:"" help:"Tell a webhook nothing any more."`
}

type webhookAdd struct {
	URL   string   `arg:"" help:"Where events are posted to."`
	Event []string `help:"Which events, by type or by the beginning of several: account.created, account.*, abuse.*. Without it, all." default:"*" placeholder:"TYPE"`
	JSON  bool     `name:"json" help:"Write JSON."`
}

// Help gives the example.
func (*webhookAdd) Help() string {
	return "monarch webhook add https://example.com/hooks/monarch\n" +
		"monarch webhook add https://example.com/hooks/monarch --event 'account.*' --event abuse.sign_ins_held_back"
}

// Run makes the webhook.
func (c *webhookAdd) Run(ctx context.Context, a *app) error {
	service, done, err := a.service(ctx, mustExist)
	if err != nil {
		return err
	}
	defer done()
	made, err := service.AddWebhook(ctx, admin.NewWebhook{URL: c.URL, Events: c.Event})
	if err != nil {
		return err
	}
	if c.JSON {
		return encode(a.stdout, made)
	}
	of := strings.Join(made.Events, ", ")
	if slices.Contains(made.Events, "*") {
		of = "every event"
	}
	fmt.Fprintf(a.stdout, "%s is told of %s.\n\n", clean(made.URL), of)
	if err := pairs(a.stdout, [][2]string{{"ID", made.ID}, {"Secret", made.Secret}}); err != nil {
		return err
	}
	fmt.Fprintf(a.stdout, "\nThe secret signs what it is told, and is not shown again. Try it:\n  %s\n", a.command("webhook test "+made.ID))
	return nil
}

type webhookList struct {
	JSON bool `name:"json" help:"Write JSON."`
}

// Help gives the example.
func (*webhookList) Help() string { return "monarch webhook list" }

// Run lists the webhooks.
func (c *webhookList) Run(ctx context.Context, a *app) error {
	service, done, err := a.service(ctx, mustExist)
	if err != nil {
		return err
	}
	defer done()
	all, err := service.Webhooks(ctx)
	if err != nil {
		return err
	}
	if c.JSON {
		return encode(a.stdout, all)
	}
	if len(all) == 0 {
		fmt.Fprintf(a.stdout, "There are no webhooks. Make one:\n  %s\n", a.command("webhook add https://example.com/hooks/monarch"))
		return nil
	}
	rows := make([][]string, len(all))
	for i, w := range all {
		rows[i] = []string{w.ID, w.URL, strings.Join(w.Events, " "), strconv.Itoa(w.Delivered), strconv.Itoa(w.Waiting), strconv.Itoa(w.Lost), hookState(w)}
	}
	return table(a.stdout, []string{"ID", "ADDRESS", "EVENTS", "TAKEN", "WAITING", "LOST", "STATE"}, rows)
}

// hookState says how it goes.
func hookState(w admin.Webhook) string {
	switch {
	case w.Error != "" && w.Retry != nil:
		return w.Error + "; next try " + when(*w.Retry)
	case w.Error != "":
		return w.Error
	case w.Told != nil:
		return "ok, " + when(*w.Told)
	}
	return "-"
}

type webhookTest struct {
	ID string `arg:"" help:"The webhook's id, as in monarch webhook list."`
}

// Help gives the example.
func (*webhookTest) Help() string { return "monarch webhook test wh_4FQ7ZJ2KXM5A" }

// Run posts the event.
func (c *webhookTest) Run(ctx context.Context, a *app) error {
	return a.change(ctx, "It was taken.", func(s *admin.Client) error { return s.TestWebhook(ctx, c.ID) })
}

type webhookRemove struct {
	ID string `arg:"" help:"The webhook's id, as in monarch webhook list."`
}

// Help gives the example.
func (*webhookRemove) Help() string { return "monarch webhook remove wh_4FQ7ZJ2KXM5A" }

// Run forgets the webhook.
func (c *webhookRemove) Run(ctx context.Context, a *app) error {
	return a.change(ctx, "It is told nothing any more.", func(s *admin.Client) error { return s.RemoveWebhook(ctx, c.ID) })
}
