// Package audit keeps the record of who came in, who was refused, and what operators did: a file
// of JSON lines that outlives the process and is bounded in size, and the reading of it. It
// leaves to its callers what is worth a record, and nothing secret is ever given to it.
package audit

import (
	"context"
	"fmt"
	"hash/maphash"
	"log/slog"
	"net/netip"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/DeRuina/timberjack"
	"golang.org/x/time/rate"

	"monarch/internal/clock"
)

// Event is something that happened. All but What may be empty.
type Event struct {
	What What
	User string         // the account concerned
	Addr netip.AddrPort // the client's; the port may be 0
	By   string         // who did it, if not the user; empty: the actor of the context
	Note string         // more, for people

	Network string // the one concerned, which the record has before the note
}

// Config says where the log is and how much of it is kept.
type Config struct {
	Path   string // "": there is no file
	Limits Limits
	Clock  *clock.Clock
	Log    *slog.Logger // told when the file cannot be written

	Hear func(context.Context, Heard) // is told of every event that is recorded, and must not wait; nil: nobody is
}

// Heard is an event with what was found out about it.
type Heard struct {
	Event
	Time time.Time
}

// Limits bounds the files.
type Limits struct {
	MaxSize int // of one file, in MiB; then it is put aside and another begun
	Keep    int // files that were put aside; older ones are deleted
}

// What strangers bring about is recorded so often a second in the long run, and so many times at
// once. Whoever tries to sign in all day long fills a tenth of a gigabyte: he cannot wash what
// he did out of the log.
const (
	strangersSecond = 10
	strangersBurst  = 1000
)

// What one person brings about is recorded so often, for the same reason: it is a megabyte a day.
var personRate = clock.Rate{Burst: 20, Per: 10 * time.Minute}

// Log is an open audit log. A nil one records nothing.
type Log struct {
	handler   slog.Handler
	file      *file // nil: there is none
	hear      func(context.Context, Heard)
	clock     *clock.Clock
	log       *slog.Logger
	strangers *rate.Limiter
	seed      maphash.Seed
	people    *clock.Recent[uint64, clock.Bucket] // by hash of the account

	omitted struct{ strangers, people atomic.Uint64 } // events since the last that was recorded
	lost    atomic.Uint64
	trouble atomic.Bool // the last write failed

	later chan Event // nil for commands
	stop  func()     // what catches up; nil for commands
}

// mostLater is how many events may wait to be recorded.
const mostLater = 256

// Open opens a log, for its owner only, or begins one.
func Open(cfg Config) (*Log, error) {
	l := New(cfg)
	if l.file != nil {
		if err := l.file.prepare(); err != nil {
			return nil, fmt.Errorf("open audit log: %w; its place is audit.file of the configuration, and \"off\" does without", err)
		}
	}
	l.later = make(chan Event, mostLater)
	closing, ended := make(chan struct{}), make(chan struct{})
	l.stop = sync.OnceFunc(func() {
		close(closing)
		<-ended
	})
	go func() {
		defer close(ended)
		l.catchUp(closing)
	}()
	return l, nil
}

// New returns a log that is opened, or begun, with the first event: for commands, of which most
// change nothing.
func New(cfg Config) *Log {
	l := &Log{
		handler: slog.DiscardHandler,
		hear:    cfg.Hear, clock: cfg.Clock, log: cfg.Log,
		strangers: rate.NewLimiter(strangersSecond, strangersBurst),
		seed:      maphash.MakeSeed(), people: clock.NewRecent[uint64, clock.Bucket](cfg.Clock, personRate.Per),
	}
	if l.hear == nil {
		l.hear = func(context.Context, Heard) {}
	}
	if cfg.Path != "" {
		l.file = &file{path: cfg.Path}
		l.file.setLimits(cfg.Limits)
		l.handler = slog.NewJSONHandler(l.file, &slog.HandlerOptions{ReplaceAttr: rename})
	}
	return l
}

// Append are the limits of who only adds to a log that a server may be putting aside.
var Append = Limits{MaxSize: 1 << 20}

// rename gives the parts of a slog record the names of ours.
func rename(_ []string, a slog.Attr) slog.Attr {
	switch a.Key {
	case slog.LevelKey:
		return slog.Attr{}
	case slog.MessageKey:
		a.Key = "event"
	case slog.TimeKey:
		a.Value = slog.TimeValue(a.Value.Time().UTC())
	}
	return a
}

// Record writes an event down, before it returns. That it cannot is told in the server's log and
// counted, and stops nobody: a full disk keeps no one out.
func (l *Log) Record(ctx context.Context, e Event) {
	if l == nil {
		return
	}
	now := l.clock.Now()
	omitted, ok := l.admit(e, now)
	if !ok {
		omitted.Add(1)
		return
	}
	r := slog.NewRecord(now, slog.LevelInfo, string(e.What), 0)
	if e.By == "" {
		e.By = Actor(ctx)
	}
	note := e.Note
	if e.Network != "" {
		note = strings.TrimSuffix(e.Network+", "+note, ", ")
	}
	for _, part := range []struct{ key, value string }{{"user", e.User}, {"addr", address(e.Addr)}, {"by", e.By}, {"note", note}} {
		if part.value != "" {
			r.AddAttrs(slog.String(part.key, part.value))
		}
	}
	if omitted != nil {
		if n := omitted.Swap(0); n > 0 {
			r.AddAttrs(slog.Uint64("omitted", n))
		}
	}
	l.noted(l.handler.Handle(ctx, r))
	l.hear(ctx, Heard{e, now})
}

// Later is Record for those who must not wait. It is for logs that were opened; when too many
// events wait, another is counted as one that was not recorded.
func (l *Log) Later(e Event) {
	if l == nil {
		return
	}
	select {
	case l.later <- e:
	default:
		l.omitted.people.Add(1)
	}
}

// catchUp records what was put off, until the log is closing.
func (l *Log) catchUp(closing <-chan struct{}) {
	for {
		select {
		case e := <-l.later:
			l.Record(context.Background(), e)
		case <-closing:
			for len(l.later) > 0 {
				l.Record(context.Background(), <-l.later)
			}
			return
		}
	}
}

// admit reports whether an event is to be recorded. If there may be too many of its kind it also
// returns where those are counted that were not.
func (l *Log) admit(e Event, now time.Time) (omitted *atomic.Uint64, ok bool) {
	switch {
	case fromStrangers[e.What]:
		return &l.omitted.strangers, l.strangers.AllowN(now, 1)
	case fromPeople[e.What]:
		l.people.Use(maphash.String(l.seed, e.User), func(b *clock.Bucket) { ok = personRate.Allow(b, l.clock.Elapsed()) })
		return &l.omitted.people, ok
	}
	return nil, true
}

// noted tells of trouble when it begins and when it ends.
func (l *Log) noted(err error) {
	if err != nil {
		l.lost.Add(1)
		if !l.trouble.Swap(true) {
			l.log.Error("the audit log cannot be written", "err", err)
		}
		return
	}
	if l.trouble.Load() && l.trouble.Swap(false) {
		l.log.Info("the audit log is written again", "lost", l.lost.Load())
	}
}

// address writes an address as people do, without a port that is not known.
func address(a netip.AddrPort) string {
	switch {
	case !a.Addr().IsValid():
		return ""
	case a.Port() == 0:
		return a.Addr().Unmap().String()
	}
	return netip.AddrPortFrom(a.Addr().Unmap(), a.Port()).String()
}

// Lost returns how many events could not be written.
func (l *Log) Lost() uint64 {
	if l == nil {
		return 0
	}
	return l.lost.Load()
}

// SetLimits changes how much is kept, and opens the file anew.
func (l *Log) SetLimits(limits Limits) {
	if l != nil && l.file != nil {
		l.file.setLimits(limits)
	}
}

// Close ends the use of the log, after the events that are being recorded.
func (l *Log) Close() error {
	if l == nil {
		return nil
	}
	if l.stop != nil {
		l.stop()
	}
	l.people.Reset(personRate.Per)
	if l.file == nil {
		return nil
	}
	return l.file.now.Load().Close()
}

// file is what the handler writes to.
type file struct {
	path string
	now  atomic.Pointer[timberjack.Logger]

	// Touched only by prepare and Write, which the handler calls one at a time.
	ready bool // the file is there and private
	torn  bool // its last line lacks the end
}

// prepare makes sure that the file is there, before the module opens it, and private. Its last
// line lacks its end when a process died while it wrote.
func (f *file) prepare() error {
	opened, err := os.OpenFile(f.path, os.O_CREATE|os.O_RDWR|os.O_APPEND, 0o600)
	if err != nil {
		return err
	}
	defer opened.Close()
	info, err := opened.Stat()
	switch {
	case err != nil:
		return err
	case !info.Mode().IsRegular():
		return fmt.Errorf("%s is not a file", f.path)
	case info.Mode().Perm()&0o077 != 0:
		if err := opened.Chmod(0o600); err != nil {
			return err
		}
	}
	if size := info.Size(); size > 0 {
		var last [1]byte
		if _, err := opened.ReadAt(last[:], size-1); err != nil {
			return err
		}
		f.torn = last[0] != '\n'
	}
	f.ready = true
	return nil
}

// setLimits begins to write with other limits. Whoever is writing meanwhile still reaches the
// file: the module opens it for him.
func (f *file) setLimits(limits Limits) {
	before := f.now.Swap(&timberjack.Logger{
		Filename: f.path, MaxSize: limits.MaxSize, MaxBackups: limits.Keep, FileMode: 0o600, Compression: "none",
	})
	if before != nil {
		_ = before.Close() // it was only appended to, and each write was told of
	}
}

// Write appends a line, on a line of its own even after one that was cut off.
func (f *file) Write(line []byte) (int, error) {
	if !f.ready {
		if err := f.prepare(); err != nil {
			return 0, err
		}
	}
	whole := line
	if f.torn {
		whole = append([]byte{'\n'}, line...)
	}
	n, err := f.now.Load().Write(whole)
	if n > 0 {
		f.torn = n < len(whole)
	}
	return min(n, len(line)), err
}
