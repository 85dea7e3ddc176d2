package server

import (
	"bytes"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"monarch/internal/metrics"
)

func TestTheLevelOfALogChangesAtRunTime(t *testing.T) {
	var out bytes.Buffer
	var least slog.LevelVar
	m := metrics.New()
	log := slog.New(leveled{slog.NewTextHandler(&out, &slog.HandlerOptions{Level: slog.LevelDebug}), &least, m})
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
	w := httptest.NewRecorder()
	m.Handler().ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/metrics", nil))
	for _, want := range []string{`{level="debug"} 3`, `{level="info"} 6`, `{level="warn"} 0`, `{level="error"} 9`} {
		if !strings.Contains(w.Body.String(), "\nmonarch_log_lines_total"+want+"\n") {
			t.Errorf("lines are not counted as %s", want)
		}
	}
}
