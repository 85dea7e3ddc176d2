//go:build !linux

package torture

import (
	"errors"
	"os/exec"
	"sync"
	"sync/atomic"
)

var errLinux = errors.New("failing disks are made on Linux only")

// disk stands between a server and its disk, on Linux.
type disk struct {
	injected atomic.Int64
	answers  sync.WaitGroup
}

type diskFault struct{ name string }

var diskFaults = []*diskFault{{"no fault at all"}}

func (d *disk) confine(*exec.Cmd, string) (func() error, error) { return nil, errLinux }

func (d *disk) fail(*server, *diskFault) error { return errLinux }

// Confined is for Linux.
func Confined([]string) error { return errLinux }
