package swarm

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"strings"
)

// machine describes where the figures are from, as far as the kernel tells.
func machine() string {
	words := []string{fmt.Sprintf("%d processors", runtime.NumCPU())}
	if model := procField("/proc/cpuinfo", "model name"); model != "" {
		words = append(words, model)
	}
	if kib, err := strconv.Atoi(strings.TrimSuffix(procField("/proc/meminfo", "MemTotal"), " kB")); err == nil {
		words = append(words, fmt.Sprintf("%d GiB", (kib+1<<19)>>20))
	}
	if release, err := os.ReadFile("/proc/sys/kernel/osrelease"); err == nil {
		words = append(words, runtime.GOOS+" "+string(bytes.TrimSpace(release)))
	}
	return commaList(words...)
}

// procField returns what a file of lines "name: value" says of a name first.
func procField(file, name string) string {
	text, err := os.ReadFile(file)
	if err != nil {
		return ""
	}
	for line := range strings.Lines(string(text)) {
		if key, value, ok := strings.Cut(line, ":"); ok && strings.TrimSpace(key) == name {
			return strings.TrimSpace(value)
		}
	}
	return ""
}

// commit is what the server's binary says it was built from.
func commit(ctx context.Context, monarch string) string {
	out, err := exec.CommandContext(ctx, monarch, "version").Output()
	if err != nil {
		return ""
	}
	first, _, _ := strings.Cut(string(out), "\n")
	return first
}
