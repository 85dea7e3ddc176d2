package history

import (
	"context"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"time"
	"unicode/utf8"
)

// Bounds of what is kept of a log.
const (
	MaxLines      = 200
	maxText       = 500 // bytes of a message, and of an attribute
	maxAttributes = 16
	maxLine       = 3 << 9 // bytes of all together
)

// Line is a line of the log.
type Line struct {
	Time       time.Time
	Level      slog.Level
	Text       string
	Attributes map[string]string
}

// Lines are the last lines of a log that are warnings or worse. The zero value has none.
type Lines struct {
	mu       sync.Mutex // leaf
	lines    []Line     // a ring once it is full
	next     int
	warnings perMinute
	errors   perMinute
}

// perMinute counts what happened in each of the last minutes.
type perMinute struct {
	all     uint64
	minutes [60]struct {
		minute int64
		n      int
	}
}

func (p *perMinute) add(at time.Time) {
	p.all++
	minute := at.Unix() / 60
	m := &p.minutes[minute%60]
	if m.minute != minute {
		m.minute, m.n = minute, 0
	}
	m.n++
}

// hour returns how many there were in the last hour.
func (p *perMinute) hour(now time.Time) (n int) {
	minute := now.Unix() / 60
	for _, m := range p.minutes {
		if m.minute > minute-60 && m.minute <= minute {
			n += m.n
		}
	}
	return n
}

// Last returns the lines, newest first.
func (l *Lines) Last() []Line {
	l.mu.Lock()
	defer l.mu.Unlock()
	last := append(slices.Clone(l.lines[l.next:]), l.lines[:l.next]...)
	slices.Reverse(last)
	return last
}

// Counts returns how many warnings and errors there were ever.
func (l *Lines) Counts() (warnings, errors uint64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.warnings.all, l.errors.all
}

// Hour returns how many warnings and errors there were in the hour before now.
func (l *Lines) Hour(now time.Time) (warnings, errors int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.warnings.hour(now), l.errors.hour(now)
}

func (l *Lines) add(line Line) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if line.Level >= slog.LevelError {
		l.errors.add(line.Time)
	} else {
		l.warnings.add(line.Time)
	}
	if len(l.lines) < MaxLines {
		l.lines = append(l.lines, line)
		return
	}
	l.lines[l.next] = line
	l.next = (l.next + 1) % MaxLines
}

// Beside returns a handler that does what next does, and keeps warnings and errors, whether next
// wants them or not.
func (l *Lines) Beside(next slog.Handler) slog.Handler { return &keeper{Handler: next, lines: l} }

// keeper is a handler that keeps lines.
type keeper struct {
	slog.Handler
	lines *Lines
	attrs []slog.Attr // what With has added, flat
	group string      // in which further ones are, with a dot behind it
}

// Enabled implements slog.Handler.
func (k *keeper) Enabled(ctx context.Context, level slog.Level) bool {
	return level >= slog.LevelWarn || k.Handler.Enabled(ctx, level)
}

// Handle implements slog.Handler.
func (k *keeper) Handle(ctx context.Context, r slog.Record) error {
	if r.Level >= slog.LevelWarn {
		k.lines.add(k.line(r))
	}
	if !k.Handler.Enabled(ctx, r.Level) {
		return nil
	}
	return k.Handler.Handle(ctx, r)
}

// WithAttrs implements slog.Handler.
func (k *keeper) WithAttrs(attrs []slog.Attr) slog.Handler {
	with := *k
	with.Handler = k.Handler.WithAttrs(attrs)
	with.attrs = slices.Clip(k.attrs)
	for _, a := range attrs {
		with.attrs = flat(with.attrs, k.group, a)
	}
	return &with
}

// WithGroup implements slog.Handler.
func (k *keeper) WithGroup(name string) slog.Handler {
	with := *k
	with.Handler = k.Handler.WithGroup(name)
	if name != "" {
		with.group += name + "."
	}
	return &with
}

// flat appends an attribute, or those of a group, under their full names.
func flat(to []slog.Attr, group string, a slog.Attr) []slog.Attr {
	v := a.Value.Resolve()
	switch {
	case v.Kind() != slog.KindGroup && a.Key != "":
		return append(to, slog.Attr{Key: group + a.Key, Value: v})
	case v.Kind() != slog.KindGroup:
		return to
	case a.Key != "":
		group += a.Key + "."
	}
	for _, each := range v.Group() {
		to = flat(to, group, each)
	}
	return to
}

// line is what is kept of a record.
func (k *keeper) line(r slog.Record) Line {
	attrs := slices.Clip(k.attrs)
	r.Attrs(func(a slog.Attr) bool {
		attrs = flat(attrs, k.group, a)
		return true
	})
	line := Line{Time: r.Time.UTC(), Level: r.Level, Text: short(r.Message), Attributes: make(map[string]string)}
	length := len(line.Text)
	for _, a := range attrs[:min(len(attrs), maxAttributes)] {
		key, text := short(a.Key), short(a.Value.String())
		if length += len(key) + len(text); length > maxLine {
			break
		}
		line.Attributes[key] = text
	}
	return line
}

// short cuts off what is too long, between characters, and keeps it as memory of its own.
func short(s string) string {
	if len(s) <= maxText {
		return strings.Clone(s)
	}
	end := maxText
	for end > 0 && !utf8.RuneStart(s[end]) {
		end--
	}
	return s[:end] + "…"
}
