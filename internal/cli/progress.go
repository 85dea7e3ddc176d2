package cli

import (
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"time"

	"golang.org/x/term"

	"monarch/internal/transfer"
)

// How often somebody is told how far something is: who looks at a terminal, and who reads lines later.
const (
	tellTerminal = 100 * time.Millisecond
	tellLines    = 10 * time.Second
)

// progress tells how far something is: in one line of a terminal that changes, or in a line now and
// then.
type progress struct {
	out      io.Writer
	terminal *os.File // nil for lines
	doing    string
	began    time.Time // with what it is doing
	told     time.Time
	shown    bool // there is a line on the terminal
}

// progress returns one on standard error.
func (a *app) progress() *progress {
	p := &progress{out: a.stderr}
	if f, ok := a.stderr.(*os.File); ok && term.IsTerminal(int(f.Fd())) {
		p.terminal = f
	}
	return p
}

func (p *progress) tell(now transfer.Progress) {
	t := time.Now()
	if p.doing != now.Doing {
		p.doing, p.began, p.told = now.Doing, t, t
	}
	every := tellLines
	if p.terminal != nil {
		every = tellTerminal
	}
	if t.Sub(p.told) < every {
		return
	}
	p.told = t
	line := describe(now, t.Sub(p.began))
	if p.terminal == nil {
		fmt.Fprintln(p.out, line)
		return
	}
	width, _, err := term.GetSize(int(p.terminal.Fd()))
	if err != nil || width < 20 {
		width = 80
	}
	fmt.Fprint(p.out, "\r\x1b[K"+withBar(now, line, width-1))
	p.shown = true
}

// end leaves the terminal as if nothing had been there.
func (p *progress) end() {
	if p.shown {
		fmt.Fprint(p.out, "\r\x1b[K")
		p.shown = false
	}
}

// describe puts it in words.
func describe(now transfer.Progress, elapsed time.Duration) string {
	parts := []string{fmt.Sprintf("%s %3d %%", now.Doing, percent(now)), grouped(now.Accounts) + " accounts", grouped(now.Contacts) + " contacts"}
	if seconds := elapsed.Seconds(); seconds >= 1 {
		parts = append(parts, grouped(int(float64(now.Accounts+now.Contacts)/seconds))+"/s")
		if now.Done > 0 && now.Done < now.Total {
			left := time.Duration(float64(elapsed) / float64(now.Done) * float64(now.Total-now.Done))
			parts = append(parts, left.Round(time.Second).String()+" left")
		}
	}
	return strings.Join(parts, "  ")
}

func percent(now transfer.Progress) int {
	if now.Total <= 0 {
		return 0
	}
	return int(min(100, 100*now.Done/now.Total))
}

// withBar puts a bar behind a line, if there is room for one, and cuts what is too long.
func withBar(now transfer.Progress, line string, width int) string {
	const most, least = 30, 8
	room := min(most, width-len(line)-4)
	if room < least {
		return line[:min(len(line), width)]
	}
	full := room * percent(now) / 100
	return line + "  [" + strings.Repeat("#", full) + strings.Repeat(".", room-full) + "]"
}

// grouped writes a number with a comma at each thousand.
func grouped(n int) string {
	s := strconv.Itoa(n)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}
