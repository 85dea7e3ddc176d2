package msntest

import (
	"strings"
	"testing"
)

func TestPatterns(t *testing.T) {
	tests := []struct {
		name, pattern, line string
		want                string // what {x} is afterwards, or "" for no match
	}{
		{"a literal line fits itself", "{x} 20 OK", "USR 20 OK", "USR"},
		{"one word more does not fit", "USR {x} OK", "USR 20 OK more", ""},
		{"a trailing space does not fit", "USR {x}", "USR 20 ", ""},
		{"special characters are literal", "LST a.b {x} (1)+", "LST a.b 3 (1)+", "3"},
		{"a dot is only a dot", "LST a.b {x}", "LST aXb 3", ""},
		{"a placeholder can be part of a word", "USR 4 t={x}&p={_}", "USR 4 t=abc&p=def", "abc"},
		{"a name used twice is the same both times", "RNG {x} {x}", "RNG 7 7", "7"},
		{"a name used twice is not different", "RNG {x} {x}", "RNG 7 8", ""},
		{"a known name is compared", "RNG {known} {x}", "RNG value 8", "8"},
		{"a known name with another value does not fit", "RNG {known} {x}", "RNG Value 8", ""},
		{"an expression holds for the whole word", "QNG {x~[0-9]{2}}", "QNG 60", "60"},
		{"an expression does not hold for a part", "QNG {x~[0-9]{2}}", "QNG 600", ""},
		{"the end of a line may be anything", "USR {x} {*}", "USR 3 TWN S lc=1033", "3"},
		{"a session is a positive number", "CAL 2 {x} {sid}", "CAL 2 a 0", ""},
		{"a session has 31 bits", "CAL 2 {x} {sid}", "CAL 2 a 2147483648", ""},
		{"the greatest session", "CAL 2 {x} {sid}", "CAL 2 a 2147483647", "a"},
		{"a cookie is digits and dots", "XFR {x} {ckiA}", "XFR 1 123456789a1.1", ""},
		{"an address is host and port", "XFR {x} {addr}", "XFR 1 127.0.0.1:1863", "1"},
		{"an address needs a port", "XFR {x} {addr}", "XFR 1 127.0.0.1", ""},
		{"the length of the payload", "MSG {x} {n}", "MSG a 5", "a"},
		{"another length than that of the payload", "MSG {x} {n}", "MSG a 6", ""},
		{"a version like the highest", "ADD {x} FL {v}", "ADD 1 FL 7", "1"},
		{"a version unlike the highest", "ADD {x} FL {v}", "ADD 1 FL 8", ""},
		{"a higher version", "ADD {x} FL {v+}", "ADD 1 FL 9", "1"},
		{"a version that is not higher", "ADD {x} FL {v+}", "ADD 1 FL 7", ""},
		{"the next version", "ADD {x} FL {v+1}", "ADD 1 FL 8", "1"},
		{"a version that leaves one out", "ADD {x} FL {v+1}", "ADD 1 FL 9", ""},
		{"no version is zero", "ADD {x} FL {v*}", "ADD 1 FL 0", ""},
		{"a brace can be literal", "{x} {{b}", "a {b}", "a"},
		{"a new value", "XFR {x!}", "XFR fresh", "fresh"},
		{"a value that should be new", "XFR {x!}", "XFR stale", ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			n := newNames()
			n.values["known"] = "value"
			n.seen["x"] = []string{"stale"}
			n.versions["alice@example.com"] = 7
			captured, err := n.match(tt.pattern, "alice@example.com", message{line: tt.line, payload: []byte("hello")})
			if err != nil && tt.want != "" {
				t.Fatal(err)
			}
			n.keep(captured)
			if got := n.values["x"]; got != tt.want {
				t.Errorf("{x} is %q, want %q", got, tt.want)
			}
		})
	}
}

func TestNoteRemembersVersions(t *testing.T) {
	n := newNames()
	for _, tt := range []struct {
		line string
		want uint64
	}{
		{"SYN 5 10 3 2", 10},
		{"GTC A", 10},
		{"BPR PHH 55", 10},
		{"PRP PHH 77", 10},
		{"ADD 0 RL 11 alice@example.com Alice", 11},
		{"BPR 12 alice@example.com PHH", 12},
		{"REA 20 13 alice@example.com A", 13},
		{"PRP 23 14 PHH", 14},
		{"SYN 6 14", 14},
		{"NLN NLN 99 x 0", 14},
	} {
		n.note("a", tt.line)
		if n.versions["a"] != tt.want {
			t.Errorf("after %q the version is %d, want %d", tt.line, n.versions["a"], tt.want)
		}
	}
}

func TestExpand(t *testing.T) {
	n := newNames()
	n.values["sid"] = "12"
	n.versions["a"] = 7
	got, err := n.expand("ANS {sid} {n} {v} {{x}", "a", 122)
	if want := "ANS 12 122 7 {x}"; err != nil || got != want {
		t.Errorf("expand gives %q and %v, want %q", got, err, want)
	}
	if _, err := n.expand("ANS {cki}", "a", 0); err == nil || !strings.Contains(err.Error(), "{cki}") {
		t.Errorf("expand of an unknown name gives %v", err)
	}
}
