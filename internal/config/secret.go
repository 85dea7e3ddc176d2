package config

import (
	"fmt"
	"os"
	"strings"
)

// firstLine reads a secret from a file that key names.
func firstLine(key, file, what string) (string, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return "", fmt.Errorf("%s: %w", key, err)
	}
	line, _, _ := strings.Cut(string(text), "\n")
	if line = strings.TrimSuffix(line, "\r"); line == "" {
		return "", fmt.Errorf("%s: the first line of %s is empty; write the %s there", key, file, what)
	}
	return line, nil
}
