package msnp_test

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"monarch/msnp"
)

// small is a grammar whose limits a test can write out.
var small = &msnp.Grammar{
	MaxLine: 20, Long: msnp.USR, MaxLong: 30,
	Payloads: map[msnp.Verb]msnp.Payload{
		msnp.MSG: {Args: 3, Max: 5},
		msnp.QRY: {Args: 3, Min: 4, Max: 4},
	},
}

// A feed is what comes of a stream that arrives in steps.
type feed struct {
	frames []msnp.Frame
	used   int // bytes of the stream, up to where the error is
	err    error
}

// feedStream gives g the stream in steps of so many bytes, as a connection does, and stops at an
// error. It checks what holds of every frame.
func feedStream(t testing.TB, g *msnp.Grammar, stream []byte, step int) feed {
	t.Helper()
	var got feed
	scratch := make([][]byte, 0, msnp.MaxArgs)
	for end := 0; end < len(stream); {
		end = min(end+step, len(stream))
		for {
			f, n, err := g.Next(stream[got.used:end:end], scratch)
			if n < 0 || n > end-got.used {
				t.Fatalf("used %d bytes of %d", n, end-got.used)
			}
			got.used += n
			if err != nil {
				got.err = err
				return got
			}
			if f.Verb == "" {
				break
			}
			if n == 0 {
				t.Fatalf("%s used no bytes", f.Verb)
			}
			checkFrame(t, g, f)
			got.frames = append(got.frames, f.Clone())
		}
	}
	return got
}

// checkFrame fails unless f is within the limits of g.
func checkFrame(t testing.TB, g *msnp.Grammar, f msnp.Frame) {
	t.Helper()
	limit := g.MaxLine
	if g.Long != "" && strings.HasPrefix(string(f.Verb), string(g.Long)) {
		limit = g.MaxLong
	}
	if n := len(f.AppendEcho(nil)) - 2; n > limit {
		t.Fatalf("a line of %d bytes, of %d at most", n, limit)
	}
	if n := 1 + len(f.Args); n > msnp.MaxArgs {
		t.Fatalf("%d words, of %d at most", n, msnp.MaxArgs)
	}
	for i, a := range f.Args {
		if len(a) == 0 || bytes.ContainsAny(a, " \t\n") {
			t.Fatalf("parameter %d is %q", i, a)
		}
	}
	rule, ok := g.Payloads[f.Verb]
	if has := ok && len(f.Args) >= rule.Args; has != (f.Payload != nil) {
		t.Fatalf("%q has the payload %q", f.AppendEcho(nil), f.Payload)
	}
	if n := len(f.Payload); f.Payload != nil && (n < rule.Min || n > rule.Max || len(f.Args) != rule.Args) {
		t.Fatalf("%q has a payload of %d bytes", f.AppendEcho(nil), n)
	}
}

// streams returns what clients said in recorded connections, by file.
func streams(t testing.TB, server string) map[string][]byte {
	t.Helper()
	files, err := filepath.Glob("testdata/streams/" + server + "/*.bin")
	if err != nil || len(files) == 0 {
		t.Fatalf("no recorded streams of a %s server: %v", server, err)
	}
	m := make(map[string][]byte)
	for _, name := range files {
		if m[filepath.Base(name)], err = os.ReadFile(name); err != nil {
			t.Fatal(err)
		}
	}
	return m
}

func TestNextCutsTheFirstFrameOff(t *testing.T) {
	const cut = true
	for _, c := range []struct {
		name, in string
		cut      bool
		verb     msnp.Verb
		args     string // joined with a bar
		payload  string
		used     int
	}{
		{"a line", "CHG 9 NLN\r\n", cut, msnp.CHG, "9|NLN", "", 11},
		{"what follows stays", "CHG 9 NLN\r\nPNG\r\n", cut, msnp.CHG, "9|NLN", "", 11},
		{"a verb alone", "PNG\r\n", cut, msnp.PNG, "", "", 5},
		{"a bare LF ends a line", "PNG\nOUT\n", cut, msnp.PNG, "", "", 4},
		{"a bare CR does not", "CHG 9\rNLN\r\n", cut, msnp.CHG, "9\rNLN", "", 11},
		{"one CR belongs to the line end", "CHG 9\r\r\n", cut, msnp.CHG, "9\r", "", 8},
		{"blanks and tabs come in runs", " \tCHG  9\t\tNLN \t \r\n", cut, msnp.CHG, "9|NLN", "", 18},
		{"a lower-case verb is another one", "chg 9\r\n", cut, "chg", "9", "", 7},
		{"a verb nobody knows", "XYZW 9\r\n", cut, "XYZW", "9", "", 8},
		{"bytes that are no text", "\x00\xff \x01\r\n", cut, "\x00\xff", "\x01", "", 6},
		{"empty lines come first", "\r\n\n \t\r\nPNG\r\n", cut, msnp.PNG, "", "", 12},
		{"nothing", "", !cut, "", "", "", 0},
		{"empty lines only", "\r\n\n \r\n", !cut, "", "", "", 6},
		{"empty lines and half a line", "\r\n\nPN", !cut, "", "", "", 3},
		{"half a line", "CHG 9 NL", !cut, "", "", "", 0},
		{"a line without its LF", "CHG 9 NLN\r", !cut, "", "", "", 0},
		{"a payload", "MSG 1 N 5\r\nHello", cut, msnp.MSG, "1|N|5", "Hello", 16},
		{"a payload of lines", "MSG 1 N 5\nA\r\n\r\nPNG\r\n", cut, msnp.MSG, "1|N|5", "A\r\n\r\n", 15},
		{"a payload of no bytes", "MSG 1 N 0\r\nPNG\r\n", cut, msnp.MSG, "1|N|0", "", 11},
		{"a length with leading zeros", "MSG 1 N 0005\r\nHello", cut, msnp.MSG, "1|N|0005", "Hello", 19},
		{"a payload without its last byte", "MSG 1 N 5\r\nHell", !cut, "", "", "", 0},
		{"a payload without any byte", "MSG 1 N 5\r\n", !cut, "", "", "", 0},
		{"an empty line before half a payload", "\nMSG 1 N 5\r\nHell", !cut, "", "", "", 1},
		{"too few parameters for a payload", "MSG 1 N\r\nHello", cut, msnp.MSG, "1|N", "", 9},
		{"a verb that has none", "CAL 1 N 5\r\nHello", cut, msnp.CAL, "1|N|5", "", 11},
	} {
		t.Run(c.name, func(t *testing.T) {
			f, n, err := small.Next([]byte(c.in), nil)
			if err != nil {
				t.Fatal(err)
			}
			args := string(bytes.Join(f.Args, []byte("|")))
			if f.Verb != c.verb || args != c.args || string(f.Payload) != c.payload || n != c.used {
				t.Errorf("Next(%q) = %q %q payload %q, %d bytes;\nwant %q %q payload %q, %d bytes",
					c.in, f.Verb, args, f.Payload, n, c.verb, c.args, c.payload, c.used)
			}
			if c.cut {
				checkFrame(t, small, f)
			}
		})
	}
}

func TestNextRefusesWhatIsNoCommand(t *testing.T) {
	const long, params, length = "line too long", "too many parameters", "payload length out of range"
	x := func(n int) string { return strings.Repeat("x", n) }
	for _, c := range []struct {
		name, in string
		verb     msnp.Verb
		reason   string // "" when it is fine
		at       int
	}{
		{"the longest line", x(20) + "\r\n", "", "", 0},
		{"the longest line with a bare LF", x(20) + "\n", "", "", 0},
		{"the longest line, its end not there yet", x(20), "", "", 0},
		{"the longest line, half of its end there", x(20) + "\r", "", "", 0},
		{"one byte more", x(21) + "\r\n", "", long, 0},
		{"one byte more with a bare LF", x(21) + "\n", "", long, 0},
		{"one byte more without an end", x(21), "", long, 0},
		{"one byte more, which is a CR", x(20) + "\r\r\n", "", long, 0},
		{"a long line without an end", x(1 << 20), "", long, 0},
		{"a long line of blanks", strings.Repeat(" ", 21) + "\r\n", "", long, 0},
		{"a long line behind empty ones", "\r\n\n" + x(21), "", long, 3},
		{"the long verb may have more", "USR " + x(26) + "\r\n", "", "", 0},
		{"but not without end", "USR " + x(27) + "\r\n", "", long, 0},
		{"only when it comes first", " USR " + x(16) + "\r\n", "", long, 0},
		{"the end of the long verb is not there yet", "US", "", "", 0},

		{"a length that is no number", "MSG 1 N five\r\n", msnp.MSG, length, 0},
		{"a negative length", "MSG 1 N -5\r\n", msnp.MSG, length, 0},
		{"a length with a sign", "MSG 1 N +5\r\nHello", msnp.MSG, length, 0},
		{"a length one too large", "MSG 1 N 6\r\n", msnp.MSG, length, 0},
		{"a length one too small", "QRY 1 p 3\r\n", msnp.QRY, length, 0},
		{"a length one too large where only one is right", "QRY 1 p 5\r\n", msnp.QRY, length, 0},
		{"a length of 32 bits", "MSG 1 N 4294967295\r\n", msnp.MSG, length, 0},
		{"a length that would come round to 5", "MSG 1 N 4294967301\r\n", msnp.MSG, length, 0},
		{"more parameters than a payload command has", "MSG 1 N 5 5\r\n", msnp.MSG, params, 0},
		{"a bad length behind an empty line", "\nMSG 1 N 6\r\n", msnp.MSG, length, 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			f, n, err := small.Next([]byte(c.in), nil)
			if c.reason == "" {
				if err != nil {
					t.Errorf("refused: %v", err)
				}
				return
			}
			if want := syntax(c.verb, c.reason); !reflect.DeepEqual(err, want) {
				t.Errorf("error %v, want %v", err, want)
			}
			if f.Verb != "" || f.Args != nil || f.Payload != nil || n != c.at {
				t.Errorf("an error with the frame %v after %d bytes; want none after %d", f, n, c.at)
			}
		})
	}
}

func TestALineHasAtMostMaxArgsWords(t *testing.T) {
	for _, c := range []struct {
		name  string
		words int
		err   error
	}{
		{"the most", msnp.MaxArgs, nil},
		{"one more", msnp.MaxArgs + 1, syntax("", "too many parameters")},
		{"many more", 2000, syntax("", "too many parameters")},
	} {
		t.Run(c.name, func(t *testing.T) {
			in := []byte(strings.Repeat("VER ", c.words) + "\r\n")
			f, _, err := msnp.NotificationGrammar.Next(in, make([][]byte, 0, msnp.MaxArgs))
			if !reflect.DeepEqual(err, c.err) {
				t.Fatalf("error %v, want %v", err, c.err)
			}
			if err == nil && len(f.Args) != c.words-1 {
				t.Errorf("%d parameters, want %d", len(f.Args), c.words-1)
			}
		})
	}
}

func TestAStreamCutsTheSameHoweverItArrives(t *testing.T) {
	for _, c := range []struct{ name, stream string }{
		{"commands, empty lines, payloads", "VER 1 MSNP9 CVR0\r\n\r\nPNG\nMSG 1 N 5\r\nHello\r\n \r\nMSG 2 U 0\r\nOUT\r\n"},
		{"the longest lines", strings.Repeat("x", 20) + "\r\nUSR " + strings.Repeat("x", 26) + "\r\n"},
		{"a line too long at the end", "PNG\r\n" + strings.Repeat("x", 21) + "\r\nPNG\r\n"},
		{"a length out of range at the end", "PNG\r\n\r\nMSG 1 N 6\r\nHello!"},
		{"a payload that never ends", "MSG 1 N 5\r\nHello\r\nMSG 2 N 5\r\nHell"},
	} {
		t.Run(c.name, func(t *testing.T) {
			sameInSteps(t, small, []byte(c.stream))
		})
	}
}

// sameInSteps fails unless the stream cuts in steps of any size as it does at once.
func sameInSteps(t *testing.T, g *msnp.Grammar, stream []byte) feed {
	t.Helper()
	whole := feedStream(t, g, stream, max(1, len(stream)))
	for _, step := range []int{1, 2, 3, 5, 7, 11, 64} {
		if got := feedStream(t, g, stream, step); !reflect.DeepEqual(got, whole) {
			t.Errorf("in steps of %d bytes: %v\nat once: %v", step, got, whole)
		}
	}
	return whole
}

// A recording begins before the sign-in. The notification grammar takes all that the one for
// signing in does.
func TestRecordedStreamsAreCommandsThatParse(t *testing.T) {
	for server, g := range map[string]*msnp.Grammar{
		"notification": msnp.NotificationGrammar, "switchboard": msnp.SwitchboardGrammar,
	} {
		for name, stream := range streams(t, server) {
			t.Run(server+"/"+name, func(t *testing.T) {
				got := sameInSteps(t, g, stream)
				if got.err != nil || got.used != len(stream) {
					t.Fatalf("used %d bytes of %d, error %v", got.used, len(stream), got.err)
				}
				for _, f := range got.frames {
					if err := parseAsServer(server, f); err != nil {
						t.Errorf("%q: %v", f.AppendEcho(nil), err)
					}
				}
			})
		}
	}
}

// parseAsServer reads a frame with the function for its verb.
func parseAsServer(server string, f msnp.Frame) error {
	if f.Verb == msnp.PNG || f.Verb == msnp.OUT {
		return nil
	}
	for _, p := range parsers {
		if p.verb == f.Verb && p.server == server {
			_, err := p.parse(f)
			return err
		}
	}
	return fmt.Errorf("no %s server reads %s", server, f.Verb)
}

func TestSignInTakesOneLongLineAndNoPayload(t *testing.T) {
	x := func(n int) string { return strings.Repeat("x", n) }
	for _, c := range []struct {
		name, in string
		err      error
	}{
		{"a ticket", "USR 4 TWN S " + x(8192-12) + "\r\n", nil},
		{"a ticket that is too long", "USR 4 TWN S " + x(8192-11) + "\r\n", syntax("", "line too long")},
		{"any other line", "VER 4 " + x(1024-6) + "\r\n", nil},
		{"any other line that is too long", "VER 4 " + x(1024-5) + "\r\n", syntax("", "line too long")},
		{"what would be a payload is not waited for", "QRY 4 p 32\r\n", nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			f, n, err := msnp.SignInGrammar.Next([]byte(c.in), nil)
			if !reflect.DeepEqual(err, c.err) {
				t.Fatalf("error %v, want %v", err, c.err)
			}
			if err == nil && (n != len(c.in) || f.Payload != nil) {
				t.Errorf("used %d bytes of %d, payload %q", n, len(c.in), f.Payload)
			}
		})
	}
}

func TestPayloadLimitsOfTheServers(t *testing.T) {
	for _, c := range []struct {
		name string
		g    *msnp.Grammar
		line string
		ok   bool
	}{
		{"an answer to a challenge", msnp.NotificationGrammar, "QRY 18 PROD0038W!61ZTF9 32", true},
		{"a shorter one", msnp.NotificationGrammar, "QRY 18 PROD0038W!61ZTF9 31", false},
		{"a longer one", msnp.NotificationGrammar, "QRY 18 PROD0038W!61ZTF9 33", false},
		{"an invitation by mail without a text", msnp.NotificationGrammar, "SDC 1 bob@example.com 0x0409 MSMSGS MSMSGS X X Bob 0", true},
		{"the longest invitation by mail", msnp.NotificationGrammar, "SDC 1 bob@example.com 0x0409 MSMSGS MSMSGS X X Bob 65536", true},
		{"a longer invitation by mail", msnp.NotificationGrammar, "SDC 1 bob@example.com 0x0409 MSMSGS MSMSGS X X Bob 65537", false},
		{"the longest page", msnp.NotificationGrammar, "PAG 1 bob@example.com 65536", true},
		{"a longer page", msnp.NotificationGrammar, "PAG 1 bob@example.com 65537", false},
		{"the longest page to a device", msnp.NotificationGrammar, "PGD 1 bob@example.com 1 65536", true},
		{"a longer page to a device", msnp.NotificationGrammar, "PGD 1 bob@example.com 1 65537", false},
		{"an empty message", msnp.SwitchboardGrammar, "MSG 1 U 0", true},
		{"the longest message", msnp.SwitchboardGrammar, "MSG 1 U 1664", true},
		{"a longer message", msnp.SwitchboardGrammar, "MSG 1 U 1665", false},
		{"a message of 64 bits", msnp.SwitchboardGrammar, "MSG 1 U 18446744073709551615", false},
		{"a message of more", msnp.SwitchboardGrammar, "MSG 1 U 18446744073709551620", false},
		{"a message of a hundred digits", msnp.SwitchboardGrammar, "MSG 1 U 1" + strings.Repeat("0", 100), false},
	} {
		t.Run(c.name, func(t *testing.T) {
			in := append([]byte(c.line+"\r\n"), make([]byte, 65536)...)
			f, _, err := c.g.Next(in, nil)
			if (err == nil) != c.ok {
				t.Fatalf("error %v", err)
			}
			if want := c.line[strings.LastIndexByte(c.line, ' ')+1:]; err == nil && fmt.Sprint(len(f.Payload)) != want {
				t.Errorf("a payload of %d bytes, want %s", len(f.Payload), want)
			}
		})
	}
}
