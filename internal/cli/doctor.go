package cli

import (
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"strings"
	"time"

	"monarch/internal/admin"
	"monarch/internal/config"
	"monarch/internal/doctor"
)

type doctorCmd struct {
	JSON bool `name:"json" help:"Write JSON."`
}

// Help gives the example.
func (*doctorCmd) Help() string {
	return "monarch doctor\nmonarch --data /var/lib/monarch doctor --json"
}

// Run examines the service and tells what it found. The exit code says whether there are
// problems.
func (c *doctorCmd) Run(ctx context.Context, a *app) error {
	if err := a.here(); err != nil {
		return err
	}
	findings := a.examine(ctx)
	if err := ctx.Err(); err != nil {
		return err // nothing answers any more, which is no finding
	}
	if c.JSON {
		if err := encode(a.stdout, findings); err != nil {
			return err
		}
	} else {
		a.report(findings)
	}
	problems, warnings := count(findings, doctor.Problem), count(findings, doctor.Warning)
	if problems > 0 {
		return fmt.Errorf("the doctor found %s", plural(problems, "problem", "problems"))
	}
	if !c.JSON {
		fmt.Fprintf(a.stdout, "\nNo problems, %s.\n", plural(warnings, "warning", "warnings"))
	}
	return nil
}

// examine examines the service of the configuration. Without one that can be read, that is
// all there is to say.
func (a *app) examine(ctx context.Context) []doctor.Finding {
	cfg, err := a.load()
	if err != nil {
		return []doctor.Finding{{
			Level: doctor.Problem, Check: "settings", Found: err.Error(),
			Do: "Correct the configuration; " + a.command("config print") + " explains every key once the file is right.",
		}}
	}
	client, err := admin.Dial(ctx, cfg.Data.Dir)
	running := err == nil
	var findings []doctor.Finding
	var nodes []doctor.Node
	switch {
	case running:
		findPorts(ctx, client, &cfg)
		nodes = knownNodes(ctx, client)
		client.Close()
	case !errors.Is(err, admin.ErrNotRunning):
		findings = append(findings, doctor.Finding{
			Level: doctor.Problem, Check: "management", Found: err.Error(),
			Do: "Run this command as the user that runs the server, or as root.",
		})
	}
	return append(findings, doctor.Examine(ctx, doctor.Patient{
		Config: cfg, Running: running, Nodes: nodes, Resolver: net.DefaultResolver, Command: a.command,
	})...)
}

// knownNodes returns what the server knows of all nodes. One that does not tell knows none.
func knownNodes(ctx context.Context, client *admin.Client) (nodes []doctor.Node) {
	known, err := client.Nodes(ctx)
	if err != nil {
		return nil // of another release, perhaps
	}
	for _, n := range known {
		nodes = append(nodes, doctor.Node{
			Name: n.Name, State: n.State, Release: n.Release, Roles: n.Roles, Draining: n.Draining, Heard: n.Heard,
			Ahead: time.Duration(n.ClockAhead * float64(time.Second)), Notification: n.Reached, Switchboards: n.Switchboard,
		})
	}
	return nodes
}

// findPorts fills in the ports of listeners that were to take any free one. The others stay as
// they are configured, so that the doctor sees where the server does not follow.
func findPorts(ctx context.Context, client *admin.Client, cfg *config.Config) {
	addrs, err := client.Listeners(ctx)
	if err != nil {
		return // a server of another release, perhaps; what does not answer will show
	}
	for name, listen := range map[string]*string{
		"dispatch": &cfg.Dispatch.Listen, "notification": &cfg.Notification.Listen, "switchboard": &cfg.Switchboard.Listen,
		"https": &cfg.Passport.HTTPSListen, "http": &cfg.Passport.HTTPListen, "web": &cfg.Web.Listen, "ops": &cfg.Ops.Listen,
	} {
		if port(*listen) == "0" && addrs[name] != "" {
			*listen = addrs[name]
		}
	}
	// It may have been started with other roles than are configured.
	for name, role := range map[string]string{
		"dispatch": config.RoleDispatch, "notification": config.RoleNotification, "switchboard": config.RoleSwitchboard,
		"https": config.RolePassport,
	} {
		if addrs[name] == "" {
			cfg.Cluster.Roles = slices.DeleteFunc(cfg.Cluster.Roles, func(r string) bool { return r == role })
		}
	}
}

// report writes a line for each finding, and below it what to do.
func (a *app) report(findings []doctor.Finding) {
	levels, checks := 0, 0
	for _, f := range findings {
		levels, checks = max(levels, len(f.Level)), max(checks, len(f.Check))
	}
	margin := strings.Repeat(" ", levels+checks+4)
	for _, f := range findings {
		fmt.Fprintf(a.stdout, "%-*s  %-*s  %s\n", levels, f.Level, checks, f.Check, wrap(f.Found, margin))
		if f.Do != "" {
			fmt.Fprintf(a.stdout, "%s-> %s\n", margin, wrap(f.Do, margin+"   "))
		}
	}
}

// reportWidth is where lines of a report end, unless a word is longer.
const reportWidth = 110

// wrap breaks a text into lines of which all but the first begin with margin. Breaks that are
// there already stay, and a line that begins with a blank is a command to copy, left whole.
func wrap(text, margin string) string {
	var b strings.Builder
	column := len(margin)
	for i, line := range strings.Split(text, "\n") {
		if i > 0 {
			b.WriteString("\n" + margin)
			column = len(margin)
		}
		if strings.HasPrefix(line, " ") {
			b.WriteString(clean(line))
			continue
		}
		for j, word := range strings.Fields(clean(line)) {
			switch n := len([]rune(word)); {
			case j == 0:
				column += n
			case column+1+n > reportWidth:
				b.WriteString("\n" + margin)
				column = len(margin) + n
			default:
				b.WriteByte(' ')
				column += 1 + n
			}
			b.WriteString(word)
		}
	}
	return b.String()
}

func count(findings []doctor.Finding, level doctor.Level) int {
	n := 0
	for _, f := range findings {
		if f.Level == level {
			n++
		}
	}
	return n
}
