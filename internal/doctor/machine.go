package doctor

import (
	"context"
	"fmt"
	"math"
	"os"
	"runtime/debug"
	"strconv"
	"strings"
	"time"
)

// drift is how far two clocks may be apart before it is worth a word.
const drift = 5 * time.Second

// clock looks at the time of day: tickets, cookies and certificates depend on it.
func (e *examination) clock(context.Context) {
	const check = "clock"
	now := time.Now()
	const right = "Set the clock, and keep it right: timedatectl set-ntp true, or another NTP client."
	if made := built(); now.Before(made) {
		e.complain(Problem, check, fmt.Sprintf("It says %s, and this program was made later, %s.", stamp(now), stamp(made)), right)
		return
	}
	if e.last.After(now.Add(drift)) {
		e.complain(Problem, check, fmt.Sprintf("It says %s, and an account in the database was made later, %s: tickets given until then count as not yet valid.",
			stamp(now), stamp(e.last)), right)
		return
	}
	if off := e.fileSystemDrift(); off.Abs() > drift {
		e.complain(Warning, check, fmt.Sprintf("The file system of the data directory is %s off. It is another machine's, perhaps.", off.Round(time.Second)), right)
		return
	}
	switch yes, known := synchronised(); {
	case !known:
		e.ok(check, "%s is plausible. Whether something keeps it right, this system does not tell.", stamp(now))
	case !yes:
		e.complain(Warning, check, fmt.Sprintf("%s is plausible, but the system says that nothing keeps it right.", stamp(now)), right)
	default:
		e.ok(check, "%s, kept right by the system.", stamp(now))
	}
}

func stamp(t time.Time) string { return t.UTC().Format("2006-01-02 15:04:05 UTC") }

// built returns when this program was made: when its source was committed, or else when its
// file was written.
func built() time.Time {
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, s := range info.Settings {
			if t, err := time.Parse(time.RFC3339, s.Value); s.Key == "vcs.time" && err == nil {
				return t
			}
		}
	}
	path, err := os.Executable()
	if err != nil {
		return time.Time{}
	}
	info, err := os.Stat(path)
	if err != nil {
		return time.Time{}
	}
	return info.ModTime()
}

// fileSystemDrift returns how far the time of a new file is from the clock; 0 if no file can
// be made.
func (e *examination) fileSystemDrift() time.Duration {
	f, err := os.CreateTemp(e.Config.Data.Dir, "doctor-*.tmp")
	if err != nil {
		return 0
	}
	defer os.Remove(f.Name())
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return 0
	}
	return time.Until(info.ModTime())
}

// What a server needs files for besides its users, and for each of them: a session and a
// conversation.
const (
	filesBesides = 100
	filesPerUser = 2
)

// files looks at how many connections the process may have.
func (e *examination) files(ctx context.Context) {
	const check = "file limit"
	limit, open, of := uint64(0), uint64(0), ""
	if e.Running {
		limit, open = e.processFiles(ctx)
		of = fmt.Sprintf(" for the running server, which has %d open", open)
	}
	if limit == 0 {
		n, ok := fileLimit()
		if !ok {
			e.skip(check, "Not looked at: this system does not tell.")
			return
		}
		limit, of = n, " for a server started from here"
	}
	shown := fmt.Sprintf("%d files", limit)
	if limit > math.MaxInt32 {
		shown = "No limit"
	}
	need := uint64(e.users)*filesPerUser + filesBesides
	switch {
	case limit > 100 && open > limit-limit/10:
		e.complain(Problem, check, fmt.Sprintf("%s%s.", shown, of), raise)
	case limit < need:
		e.complain(Warning, check, fmt.Sprintf("%s%s. If all %d accounts sign in, it takes %d.", shown, of, e.users, need), raise)
	case limit < 1024:
		e.complain(Warning, check, fmt.Sprintf("%s%s: room for about %d people at a time.", shown, of, limit/filesPerUser), raise)
	default:
		e.ok(check, "%s%s.", shown, of)
	}
}

const raise = "Raise the limit: LimitNOFILE in the systemd unit, or ulimit -n in the shell that starts the server."

// processFiles asks the running server for its limit and how much of it is used; 0 if it
// does not tell.
func (e *examination) processFiles(ctx context.Context) (limit, open uint64) {
	text, err := e.get(ctx, local(e.Config.Ops.Listen), "/metrics")
	if err != nil {
		return 0, 0
	}
	number := func(name string) uint64 {
		for line := range strings.Lines(text) {
			if value, ok := strings.CutPrefix(line, name+" "); ok {
				f, err := strconv.ParseFloat(strings.TrimSpace(value), 64)
				if err != nil || f < 0 {
					return 0
				}
				if f > math.MaxInt64 {
					return math.MaxInt64
				}
				return uint64(f)
			}
		}
		return 0
	}
	return number("process_max_fds"), number("process_open_fds")
}
