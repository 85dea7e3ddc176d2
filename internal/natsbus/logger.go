package natsbus

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"time"
)

// logger has the NATS server in this node write into our log. Its everyday is debugging for us.
type logger struct {
	log *slog.Logger

	mu        sync.Mutex // leaf
	died      string
	refused   refusals // of nodes
	strangers refusals
}

// refusals are how often somebody was not let in.
type refusals struct {
	told  time.Time // last
	since int       // and so often then
}

// Noticef implements server.Logger.
func (l *logger) Noticef(format string, v ...any) { l.say(slog.LevelDebug, format, v) }

// Warnf implements server.Logger.
func (l *logger) Warnf(format string, v ...any) { l.say(slog.LevelWarn, format, v) }

// Errorf implements server.Logger.
func (l *logger) Errorf(format string, v ...any) { l.say(slog.LevelWarn, format, v) }

// Fatalf implements server.Logger. The server does not end the process: it is not ready, and says why.
func (l *logger) Fatalf(format string, v ...any) {
	l.mu.Lock()
	l.died = fmt.Sprintf(format, v...)
	l.mu.Unlock()
	l.say(slog.LevelError, format, v)
}

// Debugf implements server.Logger.
func (l *logger) Debugf(string, ...any) {}

// Tracef implements server.Logger.
func (l *logger) Tracef(string, ...any) {}

// retold is how often it is told that somebody is not let in: nodes try every second, and whoever else can
// reach the port as often as they like.
const retold = time.Minute

func (l *logger) say(level slog.Level, format string, v []any) {
	text := fmt.Sprintf(format, v...)
	switch {
	case !strings.Contains(strings.ToLower(text), "handshake"):
		l.log.Log(context.Background(), level, "NATS", "says", text)
	case strings.Contains(text, "certificate"):
		if times := l.tell(&l.refused); times > 0 {
			l.log.Error("a node and this one do not let each other into the cluster: "+
				"cluster.secret, or cluster.ca, must be the same at both", "nats", text, "times", times)
		}
	default:
		if times := l.tell(&l.strangers); times > 0 {
			l.log.Warn("somebody who does not speak as nodes do was not let into the cluster: "+
				"nobody but nodes should reach cluster.listen", "nats", text, "times", times)
		}
	}
}

// tell counts one more, and returns how many are to be told of now.
func (l *logger) tell(r *refusals) (times int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	r.since++
	if now := time.Now(); now.Sub(r.told) > retold {
		times, *r = r.since, refusals{told: now}
	}
	return times
}

// fatal returns why the server is not ready, if it said so.
func (l *logger) fatal() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.died
}
