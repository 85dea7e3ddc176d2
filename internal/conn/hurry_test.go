package conn_test

import (
	"context"
	"errors"
	"io"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"monarch/internal/conn"
	"monarch/msnp"
)

// The limits would allow an hour, the operator does not, and the handlers have only just
// heard of it.
func TestShutdownCutsWhoIsBusy(t *testing.T) {
	limits := usual
	limits.CloseFlush, limits.Linger = time.Hour, time.Hour
	conform(t, limits, func(w *world) {
		begun, cut := make(chan struct{}, 8), make(chan struct{})
		s := w.listen(script{
			frame: func(c *conn.Conn, f msnp.Frame) {
				c.Go(func(ctx context.Context) {
					begun <- struct{}{}
					<-ctx.Done()
					<-cut
				})
			},
			closed: func(conn.Reason) {},
		})
		for range 8 {
			s.dial().say("CAL 1\r\n")
			w.wait("the slow function", begun)
		}
		lingering := w.listen(script{}).dial()
		lingering.ping()
		ctx, cancel := context.WithCancel(w.Context())
		var down sync.WaitGroup
		down.Go(func() {
			if err := w.engine.Shutdown(ctx); !errors.Is(err, context.Canceled) {
				w.Errorf("err = %v", err)
			}
		})
		lingering.ended()
		cancel()
		w.left(8) // it was cut off, as the others were, who do not know
		close(cut)
		down.Wait()
	})
}

// Who is to be cut off is, whatever his handler waits for.
func TestACutDoesNotWaitForASlowHandler(t *testing.T) {
	for _, why := range []conn.Reason{conn.Slow, conn.Broken} {
		t.Run(why.String(), func(t *testing.T) {
			conform(t, usual, func(w *world) {
				begun, release := make(chan *conn.Conn, 1), make(chan struct{})
				s := w.listen(script{frame: func(c *conn.Conn, _ msnp.Frame) {
					c.Go(func(context.Context) {
						begun <- c
						<-release
					})
				}})
				c := s.dial()
				c.say("CAL 1\r\n")
				(<-begun).Close(why)
				c.cut()
				close(release)
				s.closed(why)
			})
		})
	}
}

// A peer that reads is not slow, even while every core is busy with others.
func TestAReaderIsNotSlow(t *testing.T) {
	const most, burst, enough = 256 << 10, 128 << 10, 64 << 10
	limits := usual
	limits.QueueBytes = most
	conform(t, limits, func(w *world) {
		sc, conns := publish()
		c, server := w.listen(sc).opened(conns)
		release := make(chan struct{})
		busy := w.listen(script{frame: func(*conn.Conn, msnp.Frame) { <-release }})
		for range 16 {
			busy.dial().say("CAL 1\r\n")
		}
		defer close(release)
		var read atomic.Int64
		more := make(chan struct{}, 1)
		var reader sync.WaitGroup
		defer reader.Wait()
		defer c.Close()
		reader.Go(func() {
			b := make([]byte, 32<<10)
			for {
				n, err := c.Read(b)
				if err != nil {
					return
				}
				read.Add(int64(n))
				select {
				case more <- struct{}{}:
				default:
				}
			}
		})
		piece := make([]byte, 1<<10)
		for sent := int64(0); sent < 4*most; {
			for range burst / len(piece) {
				if !server.Send(piece) {
					w.Fatalf("not taken after %d bytes, of which %d were read", sent, read.Load())
				}
				sent += int64(len(piece))
			}
			for read.Load() < sent-enough {
				w.wait("the reader", more)
			}
		}
	})
}

// Bytes in bulk are read in bulk, also when the first of them came alone.
func TestHalfAFrameDoesNotMakeReadsSmall(t *testing.T) {
	conform(t, usual, func(w *world) {
		c := w.listen(script{frame: func(c *conn.Conn, f msnp.Frame) {
			if f.Verb != msnp.MSG {
				echo(c, f)
			}
		}}).dial()
		c.say("PNG\r\nMSG 1 U 5\r\nhe")
		c.hear("PNG")
		c.say("llo" + message(2, string(make([]byte, 40_000))) + "CAL 3\r\nCA")
		c.hear("CAL 3")
		if _, err := io.WriteString(c, "L 4\r\n"); err != nil {
			w.Error(err)
		}
		c.hear("CAL 4")
	})
}
