package msnp_test

import (
	"bytes"
	"errors"
	"maps"
	"reflect"
	"slices"
	"strings"
	"testing"

	"monarch/msnp"
)

// wide cuts what any server reads, and lines longer than any of them takes, so that a test
// of a command sees the limits of the command alone.
var wide = &msnp.Grammar{MaxLine: 1 << 20, Payloads: func() map[msnp.Verb]msnp.Payload {
	m := maps.Clone(msnp.NotificationGrammar.Payloads)
	maps.Copy(m, msnp.SwitchboardGrammar.Payloads)
	return m
}()}

// read cuts text, a line without its end or a line with a payload, into one frame.
func read(t testing.TB, text string) msnp.Frame {
	t.Helper()
	if !strings.Contains(text, "\n") {
		text += "\r\n"
	}
	f, n, err := wide.Next([]byte(text), nil)
	if err != nil || n != len(text) {
		t.Fatalf("Next(%q) used %d bytes, error %v", text, n, err)
	}
	return f
}

// syntax is the error of a line that is no command.
func syntax(verb msnp.Verb, reason string) error {
	return &msnp.SyntaxError{Verb: verb, Reason: reason}
}

func TestTransactionIDsAreNumbersOf32Bits(t *testing.T) {
	for _, c := range []struct {
		name, line string
		reason     string // "" when the second word of the line is one
	}{
		{"zero", "CAL 0 bob", ""},
		{"the largest one", "CAL 4294967295 bob", ""},
		{"leading zeros are kept", "CAL 0000000007 bob", ""},
		{"a line of nothing else", "XFR 12", ""},
		{"one too large", "CAL 4294967296 bob", "transaction id is not a number of 32 bits"},
		{"more digits than a number of 32 bits has", "CAL 00000000007 bob", "transaction id is not a number of 32 bits"},
		{"far more digits", "CAL 00000000000000000000000000000007", "transaction id is not a number of 32 bits"},
		{"a minus sign", "CAL -1 bob", "transaction id is not a number of 32 bits"},
		{"a plus sign", "CAL +1 bob", "transaction id is not a number of 32 bits"},
		{"an underscore", "CAL 1_0 bob", "transaction id is not a number of 32 bits"},
		{"hexadecimal digits", "CAL 0x1 bob", "transaction id is not a number of 32 bits"},
		{"a word", "CAL bob", "transaction id is not a number of 32 bits"},
		{"a NUL behind the number", "CAL 1\x00 bob", "transaction id is not a number of 32 bits"},
		{"digits of another script", "CAL \u0661 bob", "transaction id is not a number of 32 bits"},
		{"a verb alone", "PNG", "no transaction id"},
	} {
		t.Run(c.name, func(t *testing.T) {
			f := read(t, c.line)
			got, err := f.TrID()
			if c.reason != "" {
				if want := syntax(f.Verb, c.reason); !reflect.DeepEqual(err, want) {
					t.Errorf("TrID() = %q, %v; want the error %v", got, err, want)
				}
				return
			}
			if err != nil || string(got) != f.Arg(0) {
				t.Errorf("TrID() = %q, %v; want the word as it was written", got, err)
			}
		})
	}
}

func TestAMissingParameterIsEmpty(t *testing.T) {
	f := read(t, "CAL 2 bob@example.com")
	for i, want := range []string{"2", "bob@example.com", "", ""} {
		if got := f.Arg(i); got != want {
			t.Errorf("Arg(%d) = %q, want %q", i, got, want)
		}
	}
}

func TestErrorCodesStandInPlaceOfAVerb(t *testing.T) {
	for _, c := range []struct {
		name, line string
		code       msnp.Code
		ok         bool
	}{
		{"a code with the TrID it answers", "911 4", msnp.CodeAuthFailed, true},
		{"a code nobody knows", "999 4", 999, true},
		{"the smallest number of three digits", "100 4", 100, true},
		{"a number that is too small", "099 4", 99, false},
		{"two digits", "91 4", 0, false},
		{"four digits", "9110 4", 0, false},
		{"a sign", "+91 4", 0, false},
		{"a verb", "CHG 4 NLN", 0, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			if code, ok := read(t, c.line).Code(); code != c.code || ok != c.ok {
				t.Errorf("Code() = %d, %v; want %d, %v", code, ok, c.code, c.ok)
			}
		})
	}
}

func TestCloneSharesNoMemory(t *testing.T) {
	for _, c := range []struct{ name, text string }{
		{"a line with parameters", "REA 25 alice@example.com Alice%20A\r\n"},
		{"a line with a payload", "MSG 3 N 9\r\nHello Bob"},
		{"a payload of no bytes", "MSG 3 N 0\r\n"},
		{"a verb alone", "OUT\r\n"},
	} {
		t.Run(c.name, func(t *testing.T) {
			buf := []byte(c.text)
			f, _, err := wide.Next(buf, make([][]byte, 0, msnp.MaxArgs))
			if err != nil {
				t.Fatal(err)
			}
			args, payload := f.AppendEcho(nil), bytes.Clone(f.Payload)
			clone := f.Clone()
			for i := range buf {
				buf[i] = '#'
			}
			for i := range f.Args {
				f.Args[i] = nil
			}
			if got := clone.AppendEcho(nil); !bytes.Equal(got, args) {
				t.Errorf("the parameters became %q, were %q", got, args)
			}
			if !bytes.Equal(clone.Payload, payload) || (clone.Payload == nil) != (payload == nil) {
				t.Errorf("the payload became %q, was %q", clone.Payload, payload)
			}
		})
	}
}

func TestPartsOfAFrameDoNotGrowIntoEachOther(t *testing.T) {
	const stream = "MSG 3 N 9\r\nHello BobPNG\r\n"
	buf := []byte(stream)
	whole, n, err := wide.Next(buf, nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name string
		f    msnp.Frame
	}{
		{"of a frame as it was read", whole},
		{"of its clone", whole.Clone()},
	} {
		t.Run(c.name, func(t *testing.T) {
			for _, part := range append(slices.Clone(c.f.Args), c.f.Payload) {
				_ = append(part, '!')
			}
			got := string(c.f.AppendEcho(nil)) + string(c.f.Payload)
			if want := stream[:n]; got != want || string(buf) != stream {
				t.Errorf("after appending to each part the frame is %q in %q, was %q in %q", got, buf, want, stream)
			}
		})
	}
}

func TestEchoIsStrict(t *testing.T) {
	for _, c := range []struct{ name, text, want string }{
		{"a line comes back as it came", "CHG 9 NLN 268435492\r\n", "CHG 9 NLN 268435492\r\n"},
		{"a bare LF becomes CR LF", "CHG 9 NLN\n", "CHG 9 NLN\r\n"},
		{"runs of blanks become one", "  CHG \t 9   NLN \t\r\n", "CHG 9 NLN\r\n"},
		{"the payload stays out", "MSG 3 N 9\r\nHello Bob", "MSG 3 N 9\r\n"},
		{"bytes that are no text stay", "REA 1 a\xff\x00\rb\r\n", "REA 1 a\xff\x00\rb\r\n"},
		{"a verb alone", "OUT\r\n", "OUT\r\n"},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := read(t, c.text).AppendEcho([]byte("before "))
			if string(got) != "before "+c.want {
				t.Errorf("AppendEcho = %q, want %q behind what was there", got, c.want)
			}
		})
	}
}

func TestSyntaxErrorsNameTheVerb(t *testing.T) {
	for _, c := range []struct {
		name string
		err  *msnp.SyntaxError
		want string
	}{
		{"a verb", &msnp.SyntaxError{Verb: msnp.ADD, Reason: "too few parameters"}, `"ADD": too few parameters`},
		{"no verb", &msnp.SyntaxError{Reason: "line too long"}, "line too long"},
		{"a verb of strange bytes", &msnp.SyntaxError{Verb: "\x00\n", Reason: "none"}, `"\x00\n": none`},
		{"a verb that is long", &msnp.SyntaxError{Verb: msnp.Verb(strings.Repeat("A", 1000)), Reason: "none"}, `"AAAAAAAA": none`},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := c.err.Error(); got != c.want {
				t.Errorf("Error() = %s, want %s", got, c.want)
			}
		})
	}
	_, err := msnp.ParseADD(read(t, "ADD 1"))
	var s *msnp.SyntaxError
	if !errors.As(err, &s) || s.Verb != msnp.ADD {
		t.Errorf("%v is no *SyntaxError of ADD", err)
	}
}
