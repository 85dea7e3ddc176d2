//go:build !linux

package bare

import (
	"context"
	"errors"
	"net"
)

// Serve needs epoll, which only Linux has.
func Serve(_ context.Context, l *net.TCPListener) error {
	l.Close()
	return errors.New("the bare relay is written for epoll: run it on Linux")
}
