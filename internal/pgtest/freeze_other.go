//go:build !linux

package pgtest

import "errors"

var errNotHere = errors.New("only on Linux PostgreSQL can be frozen")

// Freeze is for Linux.
func (*Server) Freeze() error { return errNotHere }

// Thaw is for Linux.
func (*Server) Thaw() error { return errNotHere }
