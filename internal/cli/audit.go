package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"slices"
	"strings"
	"time"

	"monarch/internal/admin"
	"monarch/internal/audit"
	"monarch/internal/clock"
	"monarch/internal/command"
	"monarch/internal/config"
)

type auditCmd struct {
	Since  ago    `help:"Only what happened in this time, like 1h or 7d. Without it, all there is." placeholder:"DURATION"`
	User   string `help:"Only what concerns this account." placeholder:"EMAIL"`
	Follow bool   `help:"Go on with what happens from now on, until Ctrl-C."`
	JSON   bool   `name:"json" help:"Write the lines of JSON as they are recorded."`
}

// Help gives the example.
func (*auditCmd) Help() string {
	return "monarch audit --since 24h\nmonarch audit --user alice@example.com --json\nmonarch audit --follow"
}

// Run prints the log, which the file system says who may read.
func (c *auditCmd) Run(ctx context.Context, a *app) error {
	if a.remote.url != "" {
		return c.elsewhere(ctx, a)
	}
	cfg, err := a.load()
	if err != nil {
		return err
	}
	path := cfg.AuditFile()
	if path == "" {
		return errors.New("there is no audit log: audit.file is \"off\" in the configuration")
	}
	since := time.Time{}
	if c.Since > 0 {
		since = time.Now().Add(-time.Duration(c.Since))
	}
	read := audit.Read
	if c.Follow {
		read = func(path string, since time.Time, visit func(audit.Entry) error) error {
			return audit.Follow(ctx, path, since, visit)
		}
	}
	seen, shown := 0, 0
	err = read(path, since, func(e audit.Entry) error {
		if err := ctx.Err(); err != nil {
			return err
		}
		seen++
		if c.User != "" && !strings.EqualFold(c.User, e.User) {
			return nil
		}
		shown++
		if c.JSON {
			_, err := fmt.Fprintf(a.stdout, "%s\n", e.Line)
			return err
		}
		_, err := fmt.Fprintln(a.stdout, auditLine(e))
		return err
	})
	if c.Follow && ctx.Err() != nil {
		err = nil // it was to go on until then
	}
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("there is no audit log %s yet; a server or a command that changes something begins it\n"+
			"Name the directory of your service with --data, or its configuration with --config", path)
	case err != nil:
		return err
	case shown == 0 && !c.JSON && !c.Follow:
		fmt.Fprintln(a.stdout, c.nothing(since, seen))
	}
	return nil
}

// elsewhere prints the log of all nodes of a service, through its management interface.
func (c *auditCmd) elsewhere(ctx context.Context, a *app) error {
	q := admin.AuditQuery{User: c.User, Limit: page}
	switch {
	case c.Follow:
		return command.UsageError("--follow works at the service itself: leave --api or --follow out")
	case c.Since > 0:
		q.Since = time.Now().Add(-time.Duration(c.Since))
	}
	service, done, err := a.elsewhere()
	if err != nil {
		return err
	}
	defer done()
	var all []admin.AuditEntry
	var unheard []string
	for {
		l, err := service.AuditEntries(ctx, q)
		if err != nil {
			return err
		}
		all, unheard = append(all, l.Items...), append(unheard, l.Unheard...)
		if q.After = l.Next; l.Next == "" {
			break
		}
	}
	for _, e := range slices.Backward(all) { // the oldest first, as always
		if c.JSON {
			line, err := json.Marshal(e)
			if err != nil {
				return err
			}
			fmt.Fprintf(a.stdout, "%s\n", line)
			continue
		}
		note := e.Note
		if e.Node != "" {
			note = strings.TrimPrefix(note+", at "+e.Node, ", ")
		}
		fmt.Fprintln(a.stdout, auditLine(audit.Entry{Time: e.Time, Event: e.Event, User: e.User, Addr: e.Address, By: e.By, Note: note, Omitted: e.Omitted}))
	}
	if len(all) == 0 && !c.JSON {
		fmt.Fprintln(a.stdout, c.nothing(q.Since, 0))
	}
	slices.Sort(unheard)
	a.unheard(slices.Compact(unheard), "what was recorded there")
	return nil
}

// nothing says what was looked for in vain, among so many entries.
func (c *auditCmd) nothing(since time.Time, seen int) string {
	said := "Nothing is recorded"
	if c.User != "" {
		said += " about " + clean(c.User)
	}
	if c.Since > 0 {
		said += " since " + since.Format(time.DateTime)
	}
	if seen > 0 {
		said += "; " + plural(seen, "entry is", "entries are") + " about others"
	}
	return said + "."
}

// auditLine puts an entry in words.
func auditLine(e audit.Entry) string {
	line := fmt.Sprintf("%s  %-18s", e.Time.Local().Format(time.DateTime), clean(e.Event))
	var more []string
	for _, part := range []struct{ before, text string }{{"", e.User}, {"from ", e.Addr}, {"by ", e.By}, {"", e.Note}} {
		if part.text != "" {
			more = append(more, part.before+clean(part.text))
		}
	}
	if e.Omitted > 0 {
		more = append(more, plural(int(e.Omitted), "one more", "more")+" before it not recorded")
	}
	if len(more) == 0 {
		return strings.TrimRight(line, " ")
	}
	return line + "  " + strings.Join(more, ", ")
}

// auditLog returns the audit log for a command that does its work without a server; hear is told,
// too, unless it is nil. That it cannot be written is told, and stops nobody.
func (a *app) auditLog(cfg config.Config, clk *clock.Clock, hear func(context.Context, audit.Heard)) *audit.Log {
	log := slog.New(slog.NewTextHandler(a.stderr, &slog.HandlerOptions{Level: slog.LevelError}))
	return audit.New(audit.Config{Path: cfg.AuditFile(), Limits: audit.Append, Clock: clk, Log: log, Hear: hear})
}

// record writes down what a command did by itself. It is done, whatever becomes of the record.
func (a *app) record(ctx context.Context, cfg config.Config, e audit.Event) {
	clk := clock.New()
	defer clk.Close()
	log := a.auditLog(cfg, clk, nil)
	log.Record(ctx, e)
	a.closed("audit log", log.Close())
}

// me returns a context whose acts are those of the person who typed the command.
func me(ctx context.Context) context.Context {
	return audit.WithActor(ctx, audit.UID(os.Getuid()))
}
