package clock

import (
	"sync"
	"time"
)

// Deadlines of a net.Conn that is not the system's. They are by the system's clock, as those who
// set them are.

// Passed reports whether t is a time and has come.
func Passed(t time.Time) bool { return !t.IsZero() && !time.Now().Before(t) }

// Await waits until c is told of a change or t, if it is a time, has come. c.L is held.
func Await(c *sync.Cond, t time.Time) {
	if !t.IsZero() {
		defer time.AfterFunc(time.Until(t), func() {
			c.L.Lock()
			defer c.L.Unlock()
			c.Broadcast()
		}).Stop()
	}
	c.Wait()
}
