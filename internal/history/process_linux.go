package history

import (
	"bytes"
	"os"
	"strconv"
)

// resident is the memory of this process that is in the machine's, in bytes.
func resident() float64 {
	text, err := os.ReadFile("/proc/self/statm")
	if err != nil {
		return fromRuntime()
	}
	fields := bytes.Fields(text)
	if len(fields) < 2 {
		return fromRuntime()
	}
	pages, err := strconv.ParseInt(string(fields[1]), 10, 64)
	if err != nil {
		return fromRuntime()
	}
	return float64(pages * int64(os.Getpagesize()))
}
