package msnp_test

import (
	"bytes"
	"reflect"
	"strings"
	"testing"
	"unicode/utf8"

	"monarch/msnp"
)

// addStreams seeds a target with what clients said in recorded connections.
func addStreams(f *testing.F, add func(stream []byte)) {
	f.Helper()
	for _, server := range []string{"notification", "switchboard"} {
		for _, stream := range streams(f, server) {
			add(stream)
		}
	}
}

// FuzzGrammar cuts any stream, with each grammar: at once and in steps, which must give the
// same frames and the same end. What holds of every frame is checked on the way.
func FuzzGrammar(f *testing.F) {
	addStreams(f, func(stream []byte) {
		f.Add(stream, uint16(0))
		f.Add(stream, uint16(len(stream)/2))
	})
	for _, s := range []string{
		"", "\r\n\r\n", "\r", "PNG", "MSG 1 N 5\r\nHello", "MSG 1 N -5\r\n", "MSG 1 N 99999999999\r\n", "MSG 1 N\r\n",
		"QRY 1 p 32\r\nc64fe621f55832479b97b7f50829d5c1\r\nPNG\n", "SDC 1 b 2 3 4 X X n 0\r\n", "PAG 1 b 1\n\n", "PGD 1 b 1 1\n\n",
		strings.Repeat("x", 1024) + "\r\n", strings.Repeat("x", 1025) + "\n", strings.Repeat("x ", 65) + "\r\n",
		"USR 4 TWN S " + strings.Repeat("t", 1024) + "\r\n", "\xff\x00\t \x00\n",
	} {
		f.Add([]byte(s), uint16(0))
	}
	f.Fuzz(func(t *testing.T, stream []byte, step uint16) {
		for _, g := range []*msnp.Grammar{msnp.SignInGrammar, msnp.NotificationGrammar, msnp.SwitchboardGrammar, small} {
			whole := feedStream(t, g, stream, max(1, len(stream)))
			if stepped := feedStream(t, g, stream, int(step)+1); !reflect.DeepEqual(whole, stepped) {
				t.Errorf("at once: %v\nin steps of %d: %v", whole, int(step)+1, stepped)
			}
			checkRest(t, g, stream, whole)
		}
	})
}

// checkRest fails when a reader would wait for ever for what g can never take.
func checkRest(t *testing.T, g *msnp.Grammar, stream []byte, got feed) {
	t.Helper()
	if got.err != nil {
		return
	}
	most := 0
	for _, p := range g.Payloads {
		most = max(most, p.Max)
	}
	if rest := len(stream) - got.used; rest > max(g.MaxLine, g.MaxLong)+2+most {
		t.Errorf("%d bytes wait for more", rest)
	}
}

// FuzzCommands gives every frame of any stream to every ParseXXX function. What one of them
// understands must survive being written and read again.
func FuzzCommands(f *testing.F) {
	addStreams(f, func(stream []byte) { f.Add(stream) })
	for _, p := range parsers {
		f.Add([]byte(string(p.verb) + " 7 " + p.params + "\r\n"))
	}
	for _, s := range []string{
		"CHG 9 HDN 18446744073709551615 0\n", "SYN 1 4294967296\n", "PRP 1 MOB Y\n", "REA 1 a@b.c \xff%00%zz%\n",
		"QRY 1 p 32\r\nc64fe621f55832479b97b7f50829d5c1", "MSG 0 S 2\r\n\r\n", "911 4\r\n", "ADD 1 FL a b 65536\n",
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, stream []byte) {
		for _, frame := range feedStream(t, wide, stream, max(1, len(stream))).frames {
			echo := readAgain(t, frame, append(frame.AppendEcho(nil), frame.Payload...))
			plain := readAgain(t, frame, written(frame))
			for _, p := range parsers {
				checkCommand(t, p, frame, echo)
				// Written anew, a length loses its leading zeros, which others than the reader of
				// the verb take for text.
				if p.verb == frame.Verb {
					checkCommand(t, p, frame, plain)
				}
			}
			if code, ok := frame.Code(); ok && code.Error() == "" {
				t.Errorf("%q has no text", frame.AppendEcho(nil))
			}
		}
	})
}

// written puts a frame together from its parts.
func written(f msnp.Frame) []byte {
	var params []string
	for i := range f.Args {
		params = append(params, f.Arg(i))
	}
	if f.Payload == nil {
		return msnp.AppendLine(nil, f.Verb, params...)
	}
	return msnp.AppendPayload(nil, f.Verb, f.Payload, params[:len(params)-1]...)
}

// readAgain reads what was written of f, which must be the same frame and nothing more.
func readAgain(t *testing.T, f msnp.Frame, out []byte) msnp.Frame {
	t.Helper()
	again, n, err := wide.Next(out, nil)
	if err != nil || n != len(out) || again.Verb != f.Verb || len(again.Args) != len(f.Args) || !bytes.Equal(again.Payload, f.Payload) {
		t.Fatalf("%q: %d bytes read again as %v, error %v", out, n, again, err)
	}
	return again
}

// checkCommand fails unless p understands both frames alike.
func checkCommand(t *testing.T, p parser, frame, again msnp.Frame) {
	t.Helper()
	m, err := p.parse(frame)
	m2, err2 := p.parse(again)
	if !reflect.DeepEqual(m, m2) || !reflect.DeepEqual(err, err2) {
		t.Errorf("%s: %q is %+v, %v;\nwritten again it is %+v, %v", p.verb, frame.AppendEcho(nil), m, err, m2, err2)
	}
	if err != nil && !isRefusal(err) {
		t.Errorf("%s: %q is refused with %v", p.verb, frame.AppendEcho(nil), err)
	}
	if id, idErr := frame.TrID(); err == nil && (idErr != nil || string(id) != frame.Arg(0)) {
		t.Errorf("%s: %q is understood but its TrID is %q, %v", p.verb, frame.AppendEcho(nil), id, idErr)
	}
	checkNames(t, m, err)
}

// checkNames fails unless what people wrote comes out of a command as it would go in again.
func checkNames(t *testing.T, m any, err error) {
	t.Helper()
	if err != nil {
		return
	}
	var name string
	switch m := m.(type) {
	case msnp.ListChange:
		name = m.Name
	case msnp.Renaming:
		name = m.Name
	case msnp.GroupChange:
		name = m.Name
	case msnp.PropertyChange:
		name = m.Value
	}
	if got := msnp.Unescape(msnp.Escape(name)); got != name {
		t.Errorf("the name %q comes back as %q", name, got)
	}
}

// FuzzObject reads any text as an MSNObject, and writes one of any fields and reads it again.
func FuzzObject(f *testing.F) {
	f.Add(pictureText, "alice@example.com", "TFR20.dat", "AAA=", "udVfpdQxl/kBS0ZZ5Hk3W40sBUw=", "Fp+clwQ2A8OoK0X/o2Lw3MNwYk4=", 1500, 3)
	for _, token := range []string{wikiToken, "%3Cmsnobj%20Creator%3D%22bob%40hotmail.com%22%20Size%3D%22745%22%20Type%3D%223%22%20" +
		"Location%3D%22TFR2C2.tmp%22%20Friendly%3D%22AAA%3D%22%20SHA1D%3D%22phswudtExfVjuplZ2H5pci5WZTY%3D%22%20" +
		"SHA1C%3D%22o23bacx8MLsEdzZMdvDwLPz1vT0%3D%22%2F%3E"} {
		f.Add(msnp.Unescape(token), "", "", "", "", "", 0, 0)
	}
	f.Add("<msnobj/>", "a<>&\"'\t\r\n", "\x00\xff\uFFFE\uD7FF", "\u00a0", "d", "", -1, -3)
	f.Add(`<msnobj Creator="&#x41;" Size=" 5 " SHA1D='d' stamp="x"></msnobj>`, "a@b.c", "", "", "d", "c", 1, 2)
	f.Add(pictureText+"\x00", "é", "日本", "😀", "\xc3", "\xed\xa0\x80", 1<<31, 14)
	f.Fuzz(func(t *testing.T, text, creator, location, friendly, sha1d, sha1c string, size, typ int) {
		if o, err := msnp.ParseObject(text); err == nil {
			if again, err := msnp.ParseObject(o.String()); err != nil || again != o {
				t.Errorf("%q is %+v;\nwritten as %s\nit is %+v, %v", text, o, o, again, err)
			}
		}
		o := msnp.Object{
			Creator: creator, Size: size, Type: msnp.ObjectType(typ), Location: location, Friendly: friendly,
			SHA1D: sha1d, SHA1C: sha1c,
		}
		got, err := msnp.ParseObject(msnp.Unescape(msnp.Escape(o.String())))
		if size < 0 || creator == "" || sha1d == "" {
			if err == nil {
				t.Errorf("%s is taken for an MSNObject", o)
			}
			return
		}
		o.Creator, o.Location, o.Friendly = carried(creator), carried(location), carried(friendly)
		o.SHA1D, o.SHA1C = carried(sha1d), carried(sha1c)
		if err != nil || got != o {
			t.Errorf("%+v is written as %s\nand read as %+v, %v", o, o, got, err)
		}
	})
}

// carried returns what XML can carry of a text.
func carried(s string) string {
	var b strings.Builder
	for len(s) > 0 {
		r, n := utf8.DecodeRuneInString(s)
		s = s[n:]
		switch {
		case r == '\t', r == '\n', r == '\r', r >= 0x20 && r <= 0xD7FF, r >= 0xE000 && r <= 0xFFFD, r >= 0x10000:
			b.WriteRune(r)
		default:
			b.WriteRune('\uFFFD')
		}
	}
	return b.String()
}

// FuzzEscape takes any bytes once for a text and once for a parameter.
func FuzzEscape(f *testing.F) {
	for _, s := range []string{
		"", "Alice", "Alice A", "%", "%4", "%41", "%%41", "%zz", "a+b", "\x00\x20\x7f\xff", "Grüße 你好",
		"%62%6F%62%40%68%6F%74%6D%61%69%6C%2E%63%6F%6D", "%43%61%72%6F%6C%20%3C%43%3E%20\xc3\xa9",
		"Bob%20%3Cb%3E%26%20%C3%87%C3%A9%20%E6%97%A5%E6%9C%AC", wikiToken,
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		param := msnp.Escape(s)
		if got := msnp.Unescape(param); got != s {
			t.Errorf("%q is written %q and read %q", s, param, got)
		}
		if got := string(msnp.AppendEscaped(nil, s)); got != param {
			t.Errorf("%q is written %q and appended %q", s, param, got)
		}
		if i := strings.IndexFunc(param, func(r rune) bool { return r <= 0x20 || r >= 0x7F }); i >= 0 {
			t.Errorf("%q is written %q", s, param)
		}
		text := msnp.Unescape(s)
		if len(text) > len(s) || len(s) > 3*len(text) {
			t.Errorf("%q is read %q", s, text)
		}
		if got := msnp.Unescape(msnp.Escape(text)); got != text {
			t.Errorf("%q is read %q, and then %q", s, text, got)
		}
	})
}
