package admin

import (
	"errors"
	"os"
	"syscall"
)

// sharingViolation is the error that somebody has a file open and shares it with nobody.
const sharingViolation = syscall.Errno(32)

// lock opens a file that nobody else has open, and shares it with nobody until it is closed, or
// the process ends in whatever way. The error is errLocked if somebody has.
func lock(path string) (*os.File, error) {
	name, err := syscall.UTF16PtrFromString(path)
	if err != nil {
		return nil, &os.PathError{Op: "lock", Path: path, Err: err}
	}
	const shared = 0
	h, err := syscall.CreateFile(name, syscall.GENERIC_READ|syscall.GENERIC_WRITE, shared, nil,
		syscall.OPEN_ALWAYS, syscall.FILE_ATTRIBUTE_NORMAL, 0)
	switch {
	case errors.Is(err, sharingViolation):
		return nil, errLocked
	case err != nil:
		return nil, &os.PathError{Op: "lock", Path: path, Err: err}
	}
	return os.NewFile(uintptr(h), path), nil
}
