package server

import (
	"bytes"
	"log/slog"
	"strings"
	"testing"
)

func TestTheLevelOfALogChangesAtRunTime(t *testing.T) {
	var out bytes.Buffer
	var least slog.LevelVar
	log := slog.New(leveled{slog.NewTextHandler(&out, &slog.HandlerOptions{Level: slog.LevelDebug}), &least})
	parts := []*slog.Logger{log, log.With("role", "x"), log.WithGroup("g")}
	for _, step := range []struct {
		least slog.Level
		want  int // lines of each part
	}{{slog.LevelInfo, 2}, {slog.LevelDebug, 3}, {slog.LevelError, 1}} {
		least.Set(step.least)
		out.Reset()
		for _, l := range parts {
			l.Debug("one")
			l.Info("two")
			l.Error("three")
		}
		if got := strings.Count(out.String(), "\n"); got != step.want*len(parts) {
			t.Errorf("at %v:\n%s", step.least, &out)
		}
	}
}
