package msntest

import (
	"strings"
	"testing"
)

func TestParseSplitsAFileIntoItsParts(t *testing.T) {
	s, err := parse("S00.txt", `
# a comment
set limits.cookie_life = 60s
mutual alice bob

-- ringing
A.ns> XFR 20 SB

== two people talk
set protocol.challenge = off
include ringing
A.sb< MSG bob@example.com Bob {n} + P-HELLO
any {
  A.sb< BYE {_}
  B.sb x
}
either {
  A.sb x
} or {
  A.sb -
}
repeat 3 from 7 {
  A.sb> OUT {i}
}

== an empty one
`)
	if err != nil {
		t.Fatal(err)
	}
	if len(s.settings) != 1 || s.settings[0] != "limits.cookie_life=60s" {
		t.Errorf("settings of the header: %q", s.settings)
	}
	if len(s.header) != 1 || s.header[0].text != "mutual alice bob" || s.header[0].place != "S00.txt:4" {
		t.Errorf("header: %+v", s.header)
	}
	if got := s.fragments["ringing"]; len(got) != 1 || got[0].op != opSend || got[0].conn != "A.ns" || got[0].text != "XFR 20 SB" {
		t.Errorf("fragment: %+v", got)
	}
	if len(s.sections) != 2 || s.sections[0].name != "two people talk" || len(s.sections[1].steps) != 0 {
		t.Fatalf("sections: %+v", s.sections)
	}
	steps := s.sections[0].steps
	if len(steps) != 5 || s.sections[0].settings[0] != "protocol.challenge=off" {
		t.Fatalf("section: %+v", s.sections[0])
	}
	if steps[1].text != "MSG bob@example.com Bob {n}" || steps[1].with.text != "P-HELLO" {
		t.Errorf("a line with a payload: %+v", steps[1])
	}
	if steps[2].op != opAny || len(steps[2].blocks[0]) != 2 || steps[2].blocks[0][1].op != opClosed {
		t.Errorf("any: %+v", steps[2])
	}
	if steps[3].op != opEither || len(steps[3].blocks) != 2 || steps[3].blocks[1][0].op != opQuiet {
		t.Errorf("either: %+v", steps[3])
	}
	if steps[4].op != opRepeat || steps[4].count != 3 || steps[4].from != 7 {
		t.Errorf("repeat: %+v", steps[4])
	}
}

func TestParseRefuses(t *testing.T) {
	for _, tt := range []struct{ name, text, want string }{
		{"a word it does not know", "frobnicate A.ns", "S00.txt:1: neither a step nor a directive"},
		{"too few words", "mutual alice", "S00.txt:1: mutual takes 2"},
		{"an unknown fixture", "\nA.sb> MSG 1 U {n} + P-NOTHING", "S00.txt:2: no fixture"},
		{"a rule where bytes are needed", "A.sb> MSG 1 U {n} + {any}", "S00.txt:1: {any} cannot be sent"},
		{"bad Go strings", `A.sb>> "x`, "S00.txt:1: \"x is no Go string"},
		{"a block without an end", "any {\nA.sb x", "S00.txt:1: no closing brace"},
		{"an empty block", "any {\n}", "S00.txt:1: an empty block"},
		{"sending in any order", "any {\nA.sb> OUT\n}", "S00.txt:2: only lines from the server"},
		{"waiting at once", "at once {\nA.sb< A 1\n}", "S00.txt:2: only what clients do"},
		{"a branch the server does not choose", "either {\nA.sb> OUT\n}", "S00.txt:2: a branch begins"},
		{"an unknown way to close", "A.sb! softly", "S00.txt:1: a client closes"},
		{"two fragments of one name", "-- a\nA.sb x\n-- a\nA.sb x", "S00.txt:3: a second fragment"},
		{"an optional step of the client", "optional A.sb> OUT", "S00.txt:1: only a line from the server"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := parse("S00.txt", tt.text)
			if err == nil || !strings.HasPrefix(err.Error(), tt.want) {
				t.Errorf("parse gives %v, want %s...", err, tt.want)
			}
		})
	}
}
