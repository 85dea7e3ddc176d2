//go:build !unix

package cli

import "os"

// own reports whether there is such a directory; whose it is cannot be told here.
func own(dir string) bool {
	_, err := os.Stat(dir)
	return err == nil
}
