//go:build !unix

package cli

import (
	"io/fs"
	"os"
)

// own reports whether there is such a directory; whose it is cannot be told here.
func own(dir string) bool {
	_, err := os.Stat(dir)
	return err == nil
}

// rootsAlone reports that nobody but root has a say in a directory, which is not so here.
func rootsAlone(fs.FileInfo) bool { return false }

// become is for root, whom this system has not.
func (owner) become() error { return nil }
