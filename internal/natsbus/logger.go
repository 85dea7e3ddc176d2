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

	mu      sync.Mutex // leaf
	died    string
	refused time.Time // when that was last told
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

// retold is how often it is told that nodes do not let each other in, which they try every second.
const retold = time.Minute

func (l *logger) say(level slog.Level, format string, v []any) {
	text := fmt.Sprintf(format, v...)
	if !strings.Contains(text, "TLS route handshake error") || !strings.Contains(text, "certificate") {
		l.log.Log(context.Background(), level, "NATS", "says", text)
		return
	}
	if l.toldRecently() {
		return
	}
	l.log.Error("a node and this one do not let each other into the cluster: "+
		"cluster.secret, or cluster.ca, must be the same at both", "nats", text)
}

func (l *logger) toldRecently() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if now := time.Now(); now.Sub(l.refused) > retold {
		l.refused = now
		return false
	}
	return true
}

// fatal returns why the server is not ready, if it said so.
func (l *logger) fatal() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.died
}
