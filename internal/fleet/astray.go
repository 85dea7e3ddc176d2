package fleet

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"os"
	"sync"
	"time"

	"monarch/internal/clock"
	"monarch/internal/config"
	"monarch/internal/server"
)

// ServeAstray is `monarch serve` with a clock of the wall that goes wrong by some time. A process
// cannot have one of its own otherwise.
func ServeAstray(ctx context.Context, ahead time.Duration, stdout, stderr io.Writer) error {
	cfg, err := config.Load("", os.Environ())
	if err != nil {
		return fmt.Errorf("serve with another clock: %w", err)
	}
	clk := clock.New()
	defer clk.Close()
	clk.Jump(ahead)
	srv, err := server.New(cfg, slog.New(slog.NewTextHandler(stderr, nil)), clk)
	if err != nil {
		return fmt.Errorf("serve with another clock: %w", err)
	}
	ended := make(chan struct{})
	var telling sync.WaitGroup
	telling.Go(func() {
		select {
		case <-srv.Ready():
			for _, name := range []string{"notification", "ops"} {
				fmt.Fprintf(stdout, "  %s  %s  of a server with another clock\n", name, srv.Addr(name))
			}
		case <-ended:
		}
	})
	err = srv.Run(ctx)
	close(ended)
	telling.Wait()
	return err
}
