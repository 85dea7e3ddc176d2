package cli_test

import (
	"strings"
	"testing"
)

func TestChatSaysWhatItNeeds(t *testing.T) {
	p := newPlace(t)
	for _, c := range []struct {
		name, want string
		args       []string
	}{
		{"no account", "expected \"<email>\"", []string{"chat"}},
		{"no address", "is no e-mail address", []string{"chat", "alice"}},
		{"no terminal", "needs a terminal", []string{"chat", "alice@example.com"}},
		{"two ways to sign in", "can't be used together", []string{"chat", "alice@example.com", "--login", "https://a", "--nexus", "https://b"}},
		{"two ways to trust", "can't be used together", []string{"chat", "alice@example.com", "--ca", "ca.pem", "--insecure"}},
	} {
		if r := p.run("", c.args...); r.code != 2 || !strings.Contains(r.errout, c.want) {
			t.Errorf("%s: exit code %d, want %q in %q", c.name, r.code, c.want, r.errout)
		}
	}
}
