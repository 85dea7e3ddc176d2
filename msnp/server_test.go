package msnp_test

import (
	"errors"
	"fmt"
	"reflect"
	"testing"

	"monarch/msnp"
)

// serverFrame reads one line and its payload as a client does.
func serverFrame(t testing.TB, g *msnp.Grammar, text string) msnp.Frame {
	t.Helper()
	f, n, err := g.Next([]byte(text), make([][]byte, 0, msnp.MaxArgs))
	if err != nil || n != len(text) {
		t.Fatalf("%q: used %d of %d bytes: %v", text, n, len(text), err)
	}
	return f
}

// serverParsers reads each line of a server by a name.
var serverParsers = map[string]func(msnp.Frame) (any, error){
	"VER": func(f msnp.Frame) (any, error) { return msnp.ParseVERReply(f) },
	"USR": func(f msnp.Frame) (any, error) { return msnp.ParseUSRReply(f) },
	"XFR": func(f msnp.Frame) (any, error) { return msnp.ParseXFRReply(f) },
	"OUT": func(f msnp.Frame) (any, error) { return msnp.ParseOUT(f), nil },
	"CHL": func(f msnp.Frame) (any, error) { return msnp.ParseCHL(f) },
	"QNG": func(f msnp.Frame) (any, error) { return msnp.ParseQNG(f), nil },
	"URL": func(f msnp.Frame) (any, error) { return msnp.ParseURLReply(f) },
	"SYN": func(f msnp.Frame) (any, error) { return msnp.ParseSYNReply(f) },
	"LST": func(f msnp.Frame) (any, error) { return msnp.ParseLST(f) },
	"LSG": func(f msnp.Frame) (any, error) { return msnp.ParseLSG(f) },
	"ADD": func(f msnp.Frame) (any, error) { return msnp.ParseADDReply(f) },
	"REM": func(f msnp.Frame) (any, error) { return msnp.ParseREMReply(f) },
	"REA": func(f msnp.Frame) (any, error) { return msnp.ParseREAReply(f) },
	"ADG": func(f msnp.Frame) (any, error) { return msnp.ParseGroupReply(f) },
	"REG": func(f msnp.Frame) (any, error) { return msnp.ParseGroupReply(f) },
	"RMG": func(f msnp.Frame) (any, error) { return msnp.ParseGroupReply(f) },
	"GTC": func(f msnp.Frame) (any, error) { return msnp.ParseSettingReply(f) },
	"BLP": func(f msnp.Frame) (any, error) { return msnp.ParseSettingReply(f) },
	"PRP": func(f msnp.Frame) (any, error) { return msnp.ParsePRPReply(f) },
	"BPR": func(f msnp.Frame) (any, error) { return msnp.ParseBPR(f) },
	"ILN": func(f msnp.Frame) (any, error) { return msnp.ParsePresence(f) },
	"NLN": func(f msnp.Frame) (any, error) { return msnp.ParsePresence(f) },
	"FLN": func(f msnp.Frame) (any, error) { return msnp.ParseFLN(f) },
	"RNG": func(f msnp.Frame) (any, error) { return msnp.ParseRNG(f) },
	"CAL": func(f msnp.Frame) (any, error) { return msnp.ParseCALReply(f) },
	"IRO": func(f msnp.Frame) (any, error) { return msnp.ParseIRO(f) },
	"JOI": func(f msnp.Frame) (any, error) { return msnp.ParseJOI(f) },
	"BYE": func(f msnp.Frame) (any, error) { return msnp.ParseBYE(f) },
	"MSG": func(f msnp.Frame) (any, error) { return msnp.ParseRelayed(f) },
}

func TestServerLines(t *testing.T) {
	t.Parallel()
	const bob = "bob@example.com"
	for _, c := range []struct {
		line string
		want any
	}{
		{"VER 1 MSNP9 CVR0", msnp.Agreement{TrID: "1", Version: msnp.MSNP9}},
		{"VER 1 CVR0 MSNP8 MSNP9", msnp.Agreement{TrID: "1", Version: msnp.MSNP8}},
		{"VER 1 0", msnp.Agreement{TrID: "1"}},
		{"USR 3 TWN S lc=1033,id=507", msnp.SignInReply{TrID: "3", Challenge: "lc=1033,id=507"}},
		{"USR 4 OK " + bob + " Bob%20B 1 0", msnp.SignInReply{TrID: "4", Handle: bob, Name: "Bob B", Verified: true}},
		{"USR 4 OK " + bob + " Bob 0 0", msnp.SignInReply{TrID: "4", Handle: bob, Name: "Bob"}},
		{"USR 1 OK " + bob + " Bob", msnp.SignInReply{TrID: "1", Handle: bob, Name: "Bob", Verified: true}},
		{"XFR 3 NS 192.0.2.10:1863 0 192.0.2.1:1863", msnp.Referral{TrID: "3", Kind: "NS", Addr: "192.0.2.10:1863"}},
		{"XFR 15 SB 192.0.2.20:1865 CKI 17.1.2", msnp.Referral{TrID: "15", Kind: "SB", Addr: "192.0.2.20:1865", Cookie: "17.1.2"}},
		{"OUT OTH", "OTH"},
		{"OUT", ""},
		{"CHL 0 123", "123"},
		{"QNG 50", 50},
		{"QNG", 0},
		{"QNG soon", 0},
		{"URL 50 /mail https://x/y 2", msnp.PageReply{TrID: "50", Target: "/mail", Form: "https://x/y", SiteID: "2"}},
		{"SYN 8 57 3 2", msnp.SyncReply{TrID: "8", Version: 57, Contacts: 3, Groups: 2}},
		{"SYN 8 57", msnp.SyncReply{TrID: "8", Version: 57, Current: true}},
		{"LST " + bob + " Bob 11 0,1", msnp.ListedContact{Handle: bob, Name: "Bob", Lists: 11, Groups: []int{0, 1}}},
		{"LST " + bob + " Bob%20 8", msnp.ListedContact{Handle: bob, Name: "Bob ", Lists: 8}},
		{"LSG 1 Friends 0", msnp.ListedGroup{Number: 1, Name: "Friends"}},
		{"ADD 20 FL 58 " + bob + " Bobby 0", msnp.ListUpdate{TrID: "20", List: "FL", Version: 58, Handle: bob, Name: "Bobby"}},
		{"ADD 0 RL 59 " + bob + " Bob", msnp.ListUpdate{TrID: "0", List: "RL", Version: 59, Handle: bob, Name: "Bob", Group: msnp.NoGroup}},
		{"REM 23 FL 61 " + bob + " 1", msnp.ListUpdate{TrID: "23", List: "FL", Version: 61, Handle: bob, Group: 1}},
		{"REM 24 BL 62 " + bob, msnp.ListUpdate{TrID: "24", List: "BL", Version: 62, Handle: bob, Group: msnp.NoGroup}},
		{"REA 25 63 " + bob + " Bob%25", msnp.NameUpdate{TrID: "25", Version: 63, Handle: bob, Name: "Bob%"}},
		{"ADG 30 64 Work 3 0", msnp.GroupUpdate{TrID: "30", Version: 64, Number: 3, Name: "Work"}},
		{"REG 31 65 3 Other%20Work 0", msnp.GroupUpdate{TrID: "31", Version: 65, Number: 3, Name: "Other Work"}},
		{"RMG 32 66 3", msnp.GroupUpdate{TrID: "32", Version: 66, Number: 3}},
		{"GTC A", msnp.SettingUpdate{Value: "A"}},
		{"BLP 41 68 BL", msnp.SettingUpdate{TrID: "41", Version: 68, Value: "BL"}},
		{"PRP PHH 1%20555", msnp.PropertyUpdate{Type: "PHH", Value: "1 555"}},
		{"PRP 42 69 PHH 1%20555", msnp.PropertyUpdate{TrID: "42", Version: 69, Type: "PHH", Value: "1 555"}},
		{"PRP 43 70 PHW", msnp.PropertyUpdate{TrID: "43", Version: 70, Type: "PHW"}},
		{"BPR MOB Y", msnp.PropertyUpdate{Type: "MOB", Value: "Y"}},
		{"BPR 58 " + bob + " PHH", msnp.PropertyUpdate{Version: 58, Handle: bob, Type: "PHH"}},
		{"ILN 9 NLN " + bob + " Bob 36 %3Cmsnobj%20a+b%3D%2F%3E", msnp.Presence{
			Status: msnp.Online, Handle: bob, Name: "Bob", Flags: 36, Object: "%3Cmsnobj%20a+b%3D%2F%3E",
		}},
		{"NLN BSY " + bob + " Bob 0 %3Cmsnobj%2F%3E", msnp.Presence{Status: msnp.Busy, Handle: bob, Name: "Bob"}},
		{"NLN BSY " + bob + " Bob 1 0", msnp.Presence{Status: msnp.Busy, Handle: bob, Name: "Bob", Flags: 1}},
		{"NLN BSY " + bob + " Bob", msnp.Presence{Status: msnp.Busy, Handle: bob, Name: "Bob"}},
		{"FLN " + bob, bob},
		{"RNG 11 192.0.2.2:1865 CKI 1.2.3 " + bob + " Bob", msnp.Ring{Session: "11", Addr: "192.0.2.2:1865", Cookie: "1.2.3", Handle: bob, Name: "Bob"}},
		{"CAL 2 RINGING 11", "11"},
		{"IRO 1 1 2 " + bob + " Bob", msnp.Participant{Handle: bob, Name: "Bob"}},
		{"JOI " + bob + " Bob", msnp.Participant{Handle: bob, Name: "Bob"}},
		{"BYE " + bob, msnp.Leaving{Handle: bob}},
		{"BYE " + bob + " 1", msnp.Leaving{Handle: bob, Idle: true}},
	} {
		f := serverFrame(t, msnp.ServerGrammar, c.line+"\r\n")
		got, err := serverParsers[string(f.Verb)](f)
		if err != nil || !reflect.DeepEqual(got, c.want) {
			t.Errorf("%s: %+v, %v", c.line, got, err)
		}
	}
}

func TestServerMessages(t *testing.T) {
	t.Parallel()
	for _, g := range []*msnp.Grammar{msnp.ServerGrammar, msnp.SwitchboardServerGrammar} {
		m, err := msnp.ParseRelayed(serverFrame(t, g, "MSG bob@example.com Bob%20B 5\r\nhe\r\n\x00"))
		if err != nil || m.Handle != "bob@example.com" || m.Name != "Bob B" || string(m.Payload) != "he\r\n\x00" {
			t.Errorf("%+v, %v", m, err)
		}
	}
	if f := serverFrame(t, msnp.ServerGrammar, "NOT 3\r\nabc"); string(f.Payload) != "abc" {
		t.Errorf("%+v", f)
	}
}

func TestServerNonsense(t *testing.T) {
	t.Parallel()
	for _, line := range []string{
		"VER", "VER x", "USR 1", "USR 1 TWN I x", "USR x OK a b", "XFR 1", "XFR 1 SB a:1", "XFR 1 SB a:1 XXI 1.2", "CHL 0", "URL 1 x",
		"SYN 1", "SYN 1 x", "SYN 1 2 3", "SYN 1 2 x 4", "SYN 1 2 99999999999 4", "LST a", "LST a b c", "LST a b 3 x", "LSG 1", "LSG x y",
		"ADD 1 FL 2", "ADD 1 FL x a b", "ADD 1 FL 2 a b x", "REM 1 FL 2", "REM 1 FL 2 a x", "REA 1 2 a", "REA 1 x a b",
		"ADG 1 2 a", "ADG 1 2 a b", "REG 1 x 3 a", "RMG 1 2", "GTC", "GTC 1 x A", "GTC x y", "PRP", "PRP 1 2", "PRP 1 x PHH", "BPR", "BPR 1 a",
		"ILN 1", "ILN x NLN a b", "NLN XYZ a b 0", "NLN NLN a", "NLN NLN a b x", "FLN", "RNG 1", "RNG 1 a:1 XXX c e n", "CAL 1 RINGING",
		"IRO 1 1 1", "JOI", "BYE",
	} {
		f := serverFrame(t, msnp.ServerGrammar, line+"\r\n")
		got, err := serverParsers[string(f.Verb)](f)
		var syntax *msnp.SyntaxError
		if !errors.As(err, &syntax) {
			t.Errorf("%s: %+v, %v", line, got, err)
		}
	}
}

func TestHeader(t *testing.T) {
	t.Parallel()
	h := msnp.Header{{Name: "MIME-Version", Value: "1.0"}, {Name: "Content-Type", Value: "Text/Plain; charset=UTF-8"}, {Name: "Empty", Value: ""}}
	payload := append(h.Append(nil), "body\r\n\r\nmore"...)
	got, body := msnp.ParseHeader(payload)
	if !reflect.DeepEqual(got, h) || string(body) != "body\r\n\r\nmore" {
		t.Errorf("%+v, %q", got, body)
	}
	if m, params := got.Type(); m != "text/plain" || params != "charset=UTF-8" || got.Get("mime-version") != "1.0" || got.Get("none") != "" {
		t.Errorf("%q, %q", m, params)
	}
	for text, want := range map[string]string{
		"":                    "[] ",
		"a:b":                 "[{a b}] ",
		" a : b \n\nx":        "[{a b}] x",
		"no colon\r\n\r\nx":   "[] x",
		"\r\nx":               "[] x",
		"a: b\r\nc: d:e\r\n":  "[{a b} {c d:e}] ",
		"a: b\n\r\nc: d\r\nx": "[{a b}] c: d\r\nx",
	} {
		h, body := msnp.ParseHeader([]byte(text))
		if got := fmt.Sprintf("%v %s", []msnp.Field(h), body); got != want {
			t.Errorf("%q: %s", text, got)
		}
	}
}

func TestAlert(t *testing.T) {
	t.Parallel()
	const text = `<NOTIFICATION ver="1" id="1" siteid="2" siteurl="http://x"><TO pid="0x1:0x2" name="a@b.c"/><MSG id="3">` +
		`<ACTION url="/a"/><SUBSCR url="/s"/><BODY lang="1033" icon="/i"><TEXT>t &amp; u</TEXT><TEXTX>&lt;b&gt;</TEXTX></BODY></MSG></NOTIFICATION>`
	want := msnp.Alert{
		ID: "1", Message: "3", SiteID: "2", SiteURL: "http://x", To: "a@b.c", Action: "/a", Subscribe: "/s", Icon: "/i",
		Text: "t & u", HTML: "<b>",
	}
	if got, err := msnp.ParseAlert([]byte(text)); err != nil || got != want {
		t.Errorf("%+v, %v", got, err)
	}
	for _, text := range []string{"", "<a/>", "<NOTIFICATION>"} {
		if got, err := msnp.ParseAlert([]byte(text)); err == nil {
			t.Errorf("%q became %+v", text, got)
		}
	}
}

// FuzzServer reads whatever a server might say.
func FuzzServer(f *testing.F) {
	f.Add([]byte("NLN NLN bob@example.com Bob 0 %3Cmsnobj%2F%3E\r\nMSG Hotmail Hotmail 4\r\na: b\r\nSYN 1 2 3 4\r\nLST a b 3 0,1\r\n"))
	f.Add([]byte("NOT 15\r\n<NOTIFICATION/>XFR 0 NS a:1 0 b:2\r\nRNG 1 a:1 CKI 1 b c\r\n"))
	f.Fuzz(func(t *testing.T, b []byte) {
		for _, g := range []*msnp.Grammar{msnp.ServerGrammar, msnp.SwitchboardServerGrammar} {
			rest := b
			for {
				fr, n, err := g.Next(rest, nil)
				if err != nil || n == 0 {
					break
				}
				rest = rest[n:]
				if p := serverParsers[string(fr.Verb)]; p != nil {
					_, err := p(fr)
					var syntax *msnp.SyntaxError
					if err != nil && !errors.As(err, &syntax) {
						t.Fatal(err)
					}
				}
				h, body := msnp.ParseHeader(fr.Payload)
				if len(h.Append(nil))+len(body) > 2*len(fr.Payload)+4*len(h)+2 {
					t.Fatal("a header out of nothing")
				}
				_, _ = msnp.ParseAlert(fr.Payload)
			}
		}
	})
}
