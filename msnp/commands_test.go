package msnp_test

import (
	"errors"
	"reflect"
	"strings"
	"testing"

	"monarch/msnp"
)

// A parser is one of the ParseXXX functions, with a line it takes.
type parser struct {
	server string
	verb   msnp.Verb
	parse  func(msnp.Frame) (any, error)
	min    int    // parameters it needs, the TrID included
	params string // those, and the optional ones, behind the TrID
}

// parsers holds every ParseXXX function that reads a frame.
var parsers = []parser{
	{"notification", msnp.VER, untyped(msnp.ParseVER), 1, "MSNP9 MSNP8 CVR0"},
	{"notification", msnp.CVR, untyped(msnp.ParseCVR), 9, "0x0409 winnt 5.1 i386 MSNMSGR 6.0.0602 MSMSGS alice@example.com"},
	{"notification", msnp.CVQ, untyped(msnp.ParseCVR), 7, "0x0409 winnt 5.1 i386 MSNMSGR 6.0.0602"},
	{"notification", msnp.USR, untyped(msnp.ParseUSR), 4, "TWN I alice@example.com"},
	{"notification", msnp.SYN, untyped(msnp.ParseSYN), 2, "57"},
	{"notification", msnp.CHG, untyped(msnp.ParseCHG), 2, "NLN 268435492 %3Cmsnobj/%3E"},
	{"notification", msnp.QRY, untyped(msnp.ParseQRY), 3, "PROD0038W!61ZTF9 32"},
	{"notification", msnp.IMS, untyped(msnp.ParseIMS), 2, "ON"},
	{"notification", msnp.PGD, untyped(msnp.ParsePGD), 4, "bob@example.com 1 0"},
	{"notification", msnp.XFR, untyped(msnp.ParseXFR), 2, "SB"},
	{"notification", msnp.URL, untyped(msnp.ParseURL), 2, "PROFILE 0x0409"},
	{"notification", msnp.ADD, untyped(msnp.ParseADD), 4, "FL bob@example.com Bob 3"},
	{"notification", msnp.REM, untyped(msnp.ParseREM), 3, "FL bob@example.com 3"},
	{"notification", msnp.REA, untyped(msnp.ParseREA), 2, "bob@example.com Bob"},
	{"notification", msnp.ADG, untyped(msnp.ParseADG), 2, "Work 0"},
	{"notification", msnp.REG, untyped(msnp.ParseREG), 3, "3 Work 0"},
	{"notification", msnp.RMG, untyped(msnp.ParseRMG), 2, "3"},
	{"notification", msnp.GTC, untyped(msnp.ParseGTC), 2, "N"},
	{"notification", msnp.BLP, untyped(msnp.ParseBLP), 2, "BL"},
	{"notification", msnp.PRP, untyped(msnp.ParsePRP), 2, "PHH 1%20555"},
	{"switchboard", msnp.USR, untyped(msnp.ParseEntrance), 3, "alice@example.com 1.2.3"},
	{"switchboard", msnp.ANS, untyped(msnp.ParseANS), 4, "bob@example.com 1.2.3 1"},
	{"switchboard", msnp.CAL, untyped(msnp.ParseCAL), 2, "bob@example.com"},
	{"switchboard", msnp.MSG, untyped(msnp.ParseMSG), 3, "N 0"},
}

// untyped hides which command a function reads.
func untyped[M any](parse func(msnp.Frame) (M, error)) func(msnp.Frame) (any, error) {
	return func(f msnp.Frame) (any, error) { return parse(f) }
}

// lineOf returns a frame as a line without payload, whatever its verb.
func lineOf(words string) msnp.Frame {
	parts := strings.Fields(words)
	f := msnp.Frame{Verb: msnp.Verb(parts[0])}
	for _, a := range parts[1:] {
		f.Args = append(f.Args, []byte(a))
	}
	return f
}

func TestEveryCommandNeedsATransactionID(t *testing.T) {
	for _, p := range parsers {
		t.Run(p.server+" "+string(p.verb), func(t *testing.T) {
			for _, id := range []string{"x", "-1", "4294967296", "00000000001"} {
				f := lineOf(string(p.verb) + " " + id + " " + p.params)
				if _, err := p.parse(f); !reflect.DeepEqual(err, syntax(p.verb, "transaction id is not a number of 32 bits")) {
					t.Errorf("%q: error %v", f.AppendEcho(nil), err)
				}
			}
			if m, err := p.parse(lineOf(string(p.verb) + " 4294967295 " + p.params)); err != nil {
				t.Errorf("with the largest one: %v, %v", m, err)
			}
		})
	}
}

func TestEveryCommandNeedsItsParameters(t *testing.T) {
	for _, p := range parsers {
		t.Run(p.server+" "+string(p.verb), func(t *testing.T) {
			f := lineOf(string(p.verb) + " 7 " + p.params)
			for n := len(f.Args); n >= 0; n-- {
				_, err := p.parse(msnp.Frame{Verb: f.Verb, Args: f.Args[:n]})
				if n >= p.min && err != nil {
					t.Errorf("refuses %d parameters: %v", n, err)
				}
				if n < p.min && !isRefusal(err) {
					t.Errorf("takes %d parameters: error %v", n, err)
				}
			}
		})
	}
}

// isRefusal reports whether err is one that parsing may return.
func isRefusal(err error) bool {
	var s *msnp.SyntaxError
	var c msnp.Code
	return errors.As(err, &s) && s.Verb != "" && s.Reason != "" || errors.As(err, &c)
}

// A parsing is a line and what it says.
type parsing[M any] struct {
	name, line string
	want       M     // with an error that is a code, too: the answer needs its TrID
	err        error // nil, a *msnp.SyntaxError, or a msnp.Code
}

// check parses every line.
func check[M any](t *testing.T, parse func(msnp.Frame) (M, error), cases []parsing[M]) {
	t.Helper()
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			got, err := parse(read(t, c.line))
			if !reflect.DeepEqual(err, c.err) {
				t.Fatalf("%.99q: error %v, want %v", c.line, err, c.err)
			}
			var s *msnp.SyntaxError
			if !errors.As(err, &s) && !reflect.DeepEqual(got, c.want) {
				t.Errorf("%.99q: %+v, want %+v", c.line, got, c.want)
			}
		})
	}
}

func TestParsedCommandsOwnTheirMemory(t *testing.T) {
	for _, p := range parsers {
		if p.verb == msnp.MSG {
			continue // a message borrows, and says so
		}
		t.Run(p.server+" "+string(p.verb), func(t *testing.T) {
			f := lineOf(string(p.verb) + " 7 " + p.params)
			f.Payload = []byte(strings.Repeat("f", 32))
			want, err := p.parse(f.Clone())
			if err != nil {
				t.Fatal(err)
			}
			got, err := p.parse(f)
			if err != nil {
				t.Fatal(err)
			}
			for _, part := range append(f.Args, f.Payload) {
				for i := range part {
					part[i] = '#'
				}
			}
			if !reflect.DeepEqual(got, want) {
				t.Errorf("%+v became %+v when the frame's memory was used again", want, got)
			}
		})
	}
}
