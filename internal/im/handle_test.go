package im_test

import (
	"errors"
	"strings"
	"testing"

	"monarch/internal/im"
)

func TestHandles(t *testing.T) {
	longest := strings.Repeat("a", im.MaxHandle-len("@example.com")) + "@example.com"
	for _, tc := range []struct {
		name, in       string
		handle, callee string // "" when refused
	}{
		{"an ordinary address", "alice@example.com", "alice@example.com", "alice@example.com"},
		{"capitals become small", "ALICE@Example.COM", "alice@example.com", "alice@example.com"},
		{"other characters stay", "a.l+i_c-e%'@ex-ample.co.uk", "a.l+i_c-e%'@ex-ample.co.uk", "a.l+i_c-e%'@ex-ample.co.uk"},
		{"the longest", longest, longest, longest},
		{"one byte longer", "a" + longest, "", ""},
		{"a domain without a dot", "alice@localhost", "", "alice@localhost"},
		{"a domain that begins with its only dot", "alice@.com", "", "alice@.com"},
		{"a domain that ends with a dot", "alice@example.", "", "alice@example."},
		{"nothing", "", "", ""},
		{"no at sign", "alice.example.com", "", ""},
		{"no name", "@example.com", "", ""},
		{"no domain", "alice@", "", ""},
		{"two at signs", "alice@bob@example.com", "", ""},
		{"two at signs in a row", "alice@@example.com", "", ""},
		{"a blank", "al ice@example.com", "", ""},
		{"a line end", "alice@example.com\r\n", "", ""},
		{"a null byte", "alice\x00@example.com", "", ""},
		{"a byte above ASCII", "ålice@example.com", "", ""},
		{"a delete character", "alice\x7f@example.com", "", ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			check := func(what, want string, parse func(string) (string, error)) {
				got, err := parse(tc.in)
				if got != want || (want == "") != errors.Is(err, im.ErrBadHandle) {
					t.Errorf("%s: %q, %v; want %q", what, got, err, want)
				}
			}
			check("ParseHandle", tc.handle, im.ParseHandle)
			check("ParseCallee", tc.callee, im.ParseCallee)
		})
	}
}

func TestListNames(t *testing.T) {
	for name, list := range map[string]im.List{"FL": im.Forward, "AL": im.Allow, "BL": im.Block, "RL": im.Reverse} {
		if got, ok := im.ParseList([]byte(name)); !ok || got != list || got.String() != name {
			t.Errorf("%s: %v, %t", name, got, ok)
		}
	}
	for _, name := range []string{"", "F", "fl", "FLL", "PL", "LF", "FL "} {
		if got, ok := im.ParseList([]byte(name)); ok || got != 0 {
			t.Errorf("%q: %v, %t", name, got, ok)
		}
	}
	for _, set := range []im.List{0, im.Forward | im.Allow, 1 << 7} {
		if set.String() != "?" {
			t.Errorf("%d: %v", uint8(set), set)
		}
	}
	if im.Forward != 1 || im.Allow != 2 || im.Block != 4 || im.Reverse != 8 {
		t.Error("the values are those of LST")
	}
}

func TestPages(t *testing.T) {
	kinds, paths := make(map[string]bool), make(map[string]bool)
	for _, p := range im.Pages() {
		if got, ok := im.PageOf(p.Kind); !ok || got != p {
			t.Errorf("%s: %+v, %t", p.Kind, got, ok)
		}
		if kinds[p.Kind] || paths[p.Path] || p.Site == 0 || !strings.HasPrefix(p.Path, "/") {
			t.Errorf("%+v", p)
		}
		kinds[p.Kind], paths[p.Path] = true, true
	}
	for _, kind := range []string{"", "inbox", "NOSUCH"} {
		if p, ok := im.PageOf(kind); ok {
			t.Errorf("%q: %+v", kind, p)
		}
	}
	im.Pages()[0].Kind = "changed"
	if im.Pages()[0].Kind == "changed" {
		t.Error("a caller can change the table")
	}
}
