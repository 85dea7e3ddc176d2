package cli

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"monarch/internal/admin"
)

type statusCmd struct {
	JSON  bool `name:"json" help:"Write JSON."`
	Watch bool `help:"Show it again every five seconds, until Ctrl-C."`
}

// watchStep is the time between two looks.
const watchStep = 5 * time.Second

// Help gives the example.
func (*statusCmd) Help() string { return "monarch status\nmonarch status --watch" }

// Run shows how the service is doing.
func (c *statusCmd) Run(ctx context.Context, a *app) error {
	service, done, err := a.running(ctx)
	if err != nil {
		return err
	}
	defer done()
	tick := time.NewTicker(watchStep)
	defer tick.Stop()
	for {
		text, err := c.look(ctx, service)
		switch {
		case err != nil && ctx.Err() != nil && c.Watch:
			return nil // it was told to stop
		case err != nil:
			return err
		}
		if c.Watch && !c.JSON {
			// From the top of an empty screen, in one piece, so that nothing flickers.
			text = "\x1b[H\x1b[2J" + text
		}
		if _, err := io.WriteString(a.stdout, text); err != nil {
			return fmt.Errorf("write the status: %w", err)
		}
		if !c.Watch {
			return nil
		}
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}

// look returns what there is to show now.
func (c *statusCmd) look(ctx context.Context, service *admin.Client) (string, error) {
	o, err := service.Overview(ctx)
	if err != nil {
		return "", err
	}
	var b strings.Builder
	if c.JSON {
		err := encode(&b, o)
		return b.String(), err
	}
	h, err := service.History(ctx, "", admin.SpanHour)
	if err != nil {
		return "", err
	}
	lines, err := service.Errors(ctx, 8)
	if err != nil {
		return "", err
	}
	now := time.Now()
	fmt.Fprintf(&b, "%s, %s, up %s\n\n", clean(o.Service), clean(cmp.Or(o.Version, "a build without a version")), span(now.Sub(o.Since)))
	if err := writeFigures(&b, o, h); err != nil {
		return "", err
	}
	b.WriteByte('\n')
	if err := writeNodes(&b, o.Nodes, now); err != nil {
		return "", err
	}
	err = writeTrouble(&b, lines)
	return b.String(), err
}

// writeFigures writes those of the service, and how they were in the last hour.
func writeFigures(w io.Writer, o admin.Overview, h admin.History) error {
	rows := [][]string{
		{"Signed in", strconv.Itoa(o.Sessions), spark(h.Series["sessions"])},
		{"Connections", fmt.Sprintf("%d, %s", o.Connections, plural(o.Strangers, "stranger", "strangers")), spark(h.Series["connections"])},
		{"Conversations", strconv.Itoa(o.Switchboards), spark(h.Series["switchboards"])},
		{"Sign-ins", perMinute(o.SignInsMinute), spark(h.Series["sign_ins"])},
		{"Refused", perMinute(o.RefusedMinute), spark(h.Series["refused"])},
		{"Messages", perMinute(o.MessagesMinute), spark(h.Series["messages"])},
		{"Errors", fmt.Sprintf("%d, %s", o.ErrorsHour, plural(o.WarningsHour, "warning", "warnings")), spark(h.Series["errors"])},
	}
	return table(w, []string{"", "NOW", "LAST HOUR"}, rows)
}

// writeNodes writes how each node is doing.
func writeNodes(w io.Writer, nodes []admin.NodeStatus, now time.Time) error {
	rows := make([][]string, len(nodes))
	for i, n := range nodes {
		state := n.State
		switch {
		case n.Unheard && n.State == "alive":
			state = "does not answer"
		case n.Draining:
			state += ", draining"
		}
		rows[i] = []string{cmp.Or(n.Name, "(alone)"), state, strconv.Itoa(n.Sessions)}
		if n.Unheard {
			continue
		}
		rows[i] = append(rows[i], fmt.Sprintf("%.0f%%", 100*n.Load), strconv.Itoa(n.Connections), strconv.Itoa(n.Switchboards),
			number(n.SignInsMinute), number(n.MessagesMinute), strconv.FormatFloat(n.CPU, 'f', 2, 64), fmt.Sprintf("%d MiB", n.Memory>>20),
			strconv.Itoa(n.ErrorsHour), span(now.Sub(n.Since)))
	}
	return table(w, []string{"NODE", "STATE", "SIGNED IN", "LOAD", "CONNS", "CHATS", "SIGN-INS/MIN", "MESSAGES/MIN", "CORES", "MEMORY", "ERRORS/H", "UP"}, rows)
}

// writeTrouble writes the last lines of the logs.
func writeTrouble(w io.Writer, lines []admin.LogLine) error {
	if len(lines) == 0 {
		_, err := io.WriteString(w, "\nNo warnings and no errors since the start.\n")
		return err
	}
	if _, err := io.WriteString(w, "\nLast warnings and errors:\n"); err != nil {
		return err
	}
	for _, l := range lines {
		text := l.Text
		for _, key := range slices.Sorted(maps.Keys(l.Attributes)) {
			text += " " + key + "=" + shorten(l.Attributes[key])
		}
		if l.Node != "" {
			text = l.Node + ": " + text
		}
		if _, err := fmt.Fprintf(w, "  %s  %-5s  %s\n", l.Time.Local().Format("Jan _2 15:04:05"), l.Level, clean(text)); err != nil {
			return err
		}
	}
	return nil
}

// shorten keeps an attribute from taking the screen.
func shorten(s string) string {
	const most = 80
	s, _, _ = strings.Cut(s, "\n")
	if r := []rune(s); len(r) > most {
		s = string(r[:most]) + "…"
	}
	if strings.ContainsAny(s, " =\"") {
		return strconv.Quote(s)
	}
	return s
}

func perMinute(n float64) string { return number(n) + " a minute" }

// number writes what may be less than one.
func number(n float64) string {
	if n >= 10 || n == math.Trunc(n) {
		return strconv.FormatFloat(n, 'f', 0, 64)
	}
	return strconv.FormatFloat(n, 'f', 1, 64)
}

// span writes how long something lasts, in its two largest units.
func span(d time.Duration) string {
	switch d = max(d, 0); {
	case d < time.Minute:
		return fmt.Sprintf("%d s", int(d.Seconds()))
	case d < time.Hour:
		return fmt.Sprintf("%d min", int(d.Minutes()))
	case d < 24*time.Hour:
		return fmt.Sprintf("%d h %d min", int(d.Hours()), int(d.Minutes())%60)
	}
	return fmt.Sprintf("%s, %d h", plural(int(d.Hours())/24, "day", "days"), int(d.Hours())%24)
}

// sparkWidth is how many characters a curve has.
const sparkWidth = 60

// spark draws points as a curve of one line, from nothing to the largest; where nothing is known it is empty.
func spark(points []float64) string {
	const bars = "▁▂▃▄▅▆▇█"
	each := max((len(points)+sparkWidth-1)/sparkWidth, 1)
	var means []float64
	most := 0.0
	for part := range slices.Chunk(points, each) {
		sum, n := 0.0, 0
		for _, v := range part {
			if !math.IsNaN(v) {
				sum += v
				n++
			}
		}
		means = append(means, sum/float64(n)) // NaN without any
		if n > 0 {
			most = max(most, sum/float64(n))
		}
	}
	curve := make([]rune, len(means))
	for i, v := range means {
		switch {
		case math.IsNaN(v):
			curve[i] = ' '
		case most == 0:
			curve[i] = []rune(bars)[0]
		default:
			curve[i] = []rune(bars)[min(int(v/most*8), 7)]
		}
	}
	return string(curve)
}
