package server

import (
	"context"
	"log/slog"

	"monarch/internal/config"
	"monarch/internal/metrics"
)

// levels maps what log.level may be.
var levels = map[string]slog.Level{
	config.LogDebug: slog.LevelDebug, config.LogInfo: slog.LevelInfo,
	config.LogWarn: slog.LevelWarn, config.LogError: slog.LevelError,
}

// leveled passes on the lines of a level or above, which may change at any time, and counts them.
type leveled struct {
	slog.Handler
	least   *slog.LevelVar
	metrics *metrics.Metrics
}

// Handle writes a line.
func (h leveled) Handle(ctx context.Context, r slog.Record) error {
	h.metrics.Logged(r.Level)
	return h.Handler.Handle(ctx, r)
}

// Enabled reports whether both the level and the handler behind want a line.
func (h leveled) Enabled(ctx context.Context, l slog.Level) bool {
	return l >= h.least.Level() && h.Handler.Enabled(ctx, l)
}

// WithAttrs returns a handler of the same level.
func (h leveled) WithAttrs(attrs []slog.Attr) slog.Handler {
	return leveled{h.Handler.WithAttrs(attrs), h.least, h.metrics}
}

// WithGroup returns a handler of the same level.
func (h leveled) WithGroup(name string) slog.Handler {
	return leveled{h.Handler.WithGroup(name), h.least, h.metrics}
}
