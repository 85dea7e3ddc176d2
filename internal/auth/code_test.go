package auth_test

import (
	"regexp"
	"strings"
	"testing"

	"monarch/internal/auth"
)

func TestTokenHash(t *testing.T) {
	const want = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"
	if got := auth.TokenHash("test"); got != want {
		t.Errorf("hash %s", got)
	}
}

func TestCodes(t *testing.T) {
	form, seen := regexp.MustCompile(`^[A-HJ-NP-Z2-9]{4}-[A-HJ-NP-Z2-9]{4}-[A-HJ-NP-Z2-9]{4}$`), make(map[string]bool)
	for range 100 {
		code := auth.Code()
		if !form.MatchString(code) || seen[code] {
			t.Fatalf("code %q", code)
		}
		seen[code] = true
		for _, typed := range []string{code, strings.ToLower(code), strings.ReplaceAll(code, "-", ""), " " + strings.ReplaceAll(code, "-", " - ")} {
			if got, ok := auth.ParseCode(typed); !ok || got != code {
				t.Errorf("%q is read as %q, %t", typed, got, ok)
			}
		}
	}
	for _, typed := range []string{"", "K7MQ-2XFP-9D3", "K7MQ-2XFP-9D3HH", "K7MQ-2XFP-9D30", "K7MQ-2XFP-9D3I", "K7MQ-2XFP-9D\u01533"} {
		if got, ok := auth.ParseCode(typed); ok {
			t.Errorf("%q is read as %q", typed, got)
		}
	}
}
