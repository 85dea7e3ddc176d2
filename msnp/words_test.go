package msnp_test

import (
	"fmt"
	"strings"
	"testing"

	"monarch/msnp"
)

func TestEscape(t *testing.T) {
	for _, c := range []struct{ name, text, param string }{
		{"nothing stays nothing", "", ""},
		{"letters stay", "Alice", "Alice"},
		{"signs stay", `!"#$&'()*+,-./:;<=>?@[\]^_{|}~` + "`", `!"#$&'()*+,-./:;<=>?@[\]^_{|}~` + "`"},
		{"a blank", "Alice A", "Alice%20A"},
		{"a percent sign", "100%", "100%25"},
		{"what looks escaped is escaped again", "%20", "%2520"},
		{"a plus sign is no blank", "1+1 = 2", "1+1%20=%202"},
		{"bytes that would end a line", "a\r\nb\tc", "a%0D%0Ab%09c"},
		{"NUL and DEL", "\x00\x7f", "%00%7F"},
		{"letters beyond ASCII", "Grüße 你好", "Gr%C3%BC%C3%9Fe%20%E4%BD%A0%E5%A5%BD"},
		{"bytes that are not UTF-8", "\xff\xc3", "%FF%C3"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := msnp.Escape(c.text); got != c.param {
				t.Errorf("Escape(%q) = %q, want %q", c.text, got, c.param)
			}
			if got := string(msnp.AppendEscaped([]byte("x"), c.text)); got != "x"+c.param {
				t.Errorf("AppendEscaped(%q) = %q, want %q", c.text, got, "x"+c.param)
			}
			if got := msnp.Unescape(c.param); got != c.text {
				t.Errorf("Unescape(%q) = %q, want %q", c.param, got, c.text)
			}
		})
	}
}

func TestUnescapeTakesWhatClientsSend(t *testing.T) {
	for _, c := range []struct{ name, param, text string }{
		{"every letter escaped", "%62%6F%62", "bob"},
		{"small digits", "%c3%a9", "é"},
		{"mixed digits", "%c3%A9%aF", "é\xaf"},
		{"raw bytes", "\xc3\xa9\xff", "é\xff"},
		{"no digits behind it", "%", "%"},
		{"one digit behind it", "%4", "%4"},
		{"no digits at the end", "a%", "a%"},
		{"one digit at the end", "a%4", "a%4"},
		{"two characters that are no digits", "%zz%4g%g4", "%zz%4g%g4"},
		{"a percent sign before an escape", "%%41", "%A"},
		{"half an escape before an escape", "%4%41", "%4A"},
		{"once only", "%2541", "%41"},
		{"a sign is no digit", "%+1%-1% 1", "%+1%-1% 1"},
		{"neighbours of the digits", "%/0%:0%@0%G0%`0%g0", "%/0%:0%@0%G0%`0%g0"},
		{"the outermost digits", "%00%99%AA%FF%aa%ff", "\x00\x99\xaa\xff\xaa\xff"},
		{"a plus sign", "a+b%2Bc", "a+b+c"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := msnp.Unescape(c.param); got != c.text {
				t.Errorf("Unescape(%q) = %q, want %q", c.param, got, c.text)
			}
		})
	}
}

func TestEveryByteSurvivesEscaping(t *testing.T) {
	for i := range 256 {
		text := string([]byte{byte(i)})
		param := msnp.Escape(text)
		if i <= 0x20 || i >= 0x7F || i == '%' {
			if want := fmt.Sprintf("%%%02X", i); param != want {
				t.Errorf("byte %d becomes %q, want %q", i, param, want)
			}
		} else if param != text {
			t.Errorf("byte %d becomes %q", i, param)
		}
		if got := msnp.Unescape(param); got != text {
			t.Errorf("byte %d comes back as %q", i, got)
		}
	}
}

func TestVersions(t *testing.T) {
	for _, c := range []struct {
		name, token string
		want        msnp.Version
		ok          bool
	}{
		{"MSNP9", "MSNP9", msnp.MSNP9, true},
		{"MSNP8", "MSNP8", msnp.MSNP8, true},
		{"small letters", "msnp9", msnp.MSNP9, true},
		{"a version of two digits", "MSNP18", 18, true},
		{"the largest number there can be", "MSNP255", 255, true},
		{"a larger one", "MSNP256", 0, false},
		{"one that would come round to 9", "MSNP265", 0, false},
		{"no number", "MSNP", 0, false},
		{"none of the versions", "MSNP0", 0, false},
		{"a leading zero", "MSNP09", 0, false},
		{"a sign", "MSNP+9", 0, false},
		{"letters behind", "MSNP9x", 0, false},
		{"the token for the version check", msnp.CVR0, 0, false},
		{"another protocol", "XMPP9", 0, false},
		{"nothing", "", 0, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, ok := msnp.ParseVersion(c.token)
			if got != c.want || ok != c.ok {
				t.Errorf("ParseVersion(%q) = %d, %v; want %d, %v", c.token, got, ok, c.want, c.ok)
			}
			if ok && !strings.EqualFold(got.String(), c.token) {
				t.Errorf("%s is written %s", c.token, got)
			}
		})
	}
	if msnp.MSNP8.HasData() || !msnp.MSNP9.HasData() {
		t.Error("data messages came with MSNP9")
	}
}

func TestStatuses(t *testing.T) {
	for _, c := range []struct {
		name, code  string
		want        msnp.Status
		ok, visible bool
	}{
		{"on line", "NLN", msnp.Online, true, true},
		{"busy", "BSY", msnp.Busy, true, true},
		{"idle", "IDL", msnp.Idle, true, true},
		{"right back", "BRB", msnp.BRB, true, true},
		{"away", "AWY", msnp.Away, true, true},
		{"on the phone", "PHN", msnp.Phone, true, true},
		{"out to lunch", "LUN", msnp.Lunch, true, true},
		{"hidden", "HDN", msnp.Hidden, true, false},
		{"off line", "FLN", msnp.Offline, true, false},
		{"small letters", "nln", msnp.Offline, false, false},
		{"letters behind", "NLNX", msnp.Offline, false, false},
		{"no status", "XXX", msnp.Offline, false, false},
		{"nothing", "", msnp.Offline, false, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, ok := msnp.ParseStatus([]byte(c.code))
			if got != c.want || ok != c.ok {
				t.Errorf("ParseStatus(%q) = %q, %v; want %q, %v", c.code, got, ok, c.want, c.ok)
			}
			if got.Visible() != c.visible {
				t.Errorf("%s is visible: %v", got, got.Visible())
			}
		})
	}
	if msnp.Status("").Visible() {
		t.Error("somebody without a status is visible")
	}
}

// verbs holds every verb this package names.
var verbs = []msnp.Verb{
	msnp.VER, msnp.CVR, msnp.CVQ, msnp.INF, msnp.USR, msnp.XFR, msnp.SYN, msnp.LST, msnp.LSG, msnp.GTC, msnp.BLP,
	msnp.PRP, msnp.BPR, msnp.ADD, msnp.REM, msnp.REA, msnp.ADG, msnp.RMG, msnp.REG, msnp.CHG, msnp.ILN, msnp.NLN,
	msnp.FLN, msnp.IMS, msnp.CHL, msnp.QRY, msnp.PNG, msnp.QNG, msnp.URL, msnp.FND, msnp.SDC, msnp.SND, msnp.PAG,
	msnp.PGD, msnp.IPG, msnp.NOT, msnp.OUT, msnp.RNG, msnp.ANS, msnp.CAL, msnp.IRO, msnp.JOI, msnp.BYE, msnp.MSG,
	msnp.ACK, msnp.NAK,
}

func TestKnownVerbsAreReadWithoutAllocation(t *testing.T) {
	scratch := make([][]byte, 0, msnp.MaxArgs)
	for _, v := range verbs {
		line := []byte(string(v) + " 1\r\n")
		var got msnp.Verb
		allocs := testing.AllocsPerRun(10, func() {
			f, _, err := msnp.SignInGrammar.Next(line, scratch)
			if err != nil {
				t.Fatal(err)
			}
			got = f.Verb
		})
		if got != v || len(v) != 3 || allocs != 0 {
			t.Errorf("%s is read as %s with %v allocations", v, got, allocs)
		}
	}
}

func TestCodesHaveTheirNumbersAndAMeaning(t *testing.T) {
	for _, c := range []struct {
		code msnp.Code
		want string
	}{
		{msnp.CodeSyntax, "200 syntax error"},
		{msnp.CodeInvalidParameter, "201 invalid parameter"},
		{msnp.CodeNoSuchUser, "205 no such user"},
		{msnp.CodeDomainMissing, "206 domain name missing"},
		{msnp.CodeAlreadyLoggedIn, "207 already logged in"},
		{msnp.CodeInvalidHandle, "208 invalid handle"},
		{msnp.CodeNameRefused, "209 name refused"},
		{msnp.CodeListFull, "210 list full"},
		{msnp.CodeAlreadyThere, "215 already there"},
		{msnp.CodeNotListed, "216 not on the list"},
		{msnp.CodeNotOnline, "217 not on line"},
		{msnp.CodeSameMode, "218 already in this mode"},
		{msnp.CodeOppositeList, "219 on the opposite list"},
		{msnp.CodeTooManyGroups, "223 too many groups"},
		{msnp.CodeNoGroup, "224 no such group"},
		{msnp.CodeNotInGroup, "225 not in this group"},
		{msnp.CodeGroupNotEmpty, "227 group not empty"},
		{msnp.CodeGroupNameTaken, "228 group name taken"},
		{msnp.CodeGroupNameLong, "229 group name too long"},
		{msnp.CodeGroupZero, "230 group 0 cannot be removed"},
		{msnp.CodeSwitchboardFailed, "280 switchboard failed"},
		{msnp.CodeTransferFailed, "281 transfer to a switchboard failed"},
		{msnp.CodeDataMessage, "282 data message refused"},
		{msnp.CodeNotLoggedIn, "302 not logged in"},
		{msnp.CodeInternal, "500 internal error"},
		{msnp.CodeDisabled, "502 command disabled"},
		{msnp.CodeUnspecified, "503 unspecified failure"},
		{msnp.CodeChallengeFailed, "540 challenge failed"},
		{msnp.CodeUnavailable, "601 server unavailable"},
		{msnp.CodeCallingTooFast, "713 calling too fast"},
		{msnp.CodeNotExpected, "715 not expected here"},
		{msnp.CodeClientVersion, "731 malformed client version"},
		{msnp.CodeTooFast, "800 changing too fast"},
		{msnp.CodeBusy, "910 server too busy"},
		{msnp.CodeAuthFailed, "911 authentication failed"},
		{msnp.CodeNotWhileHidden, "913 not allowed while hidden"},
		{msnp.CodeNoNewUsers, "920 no new users"},
		{msnp.CodeKidsConsent, "923 child account without consent"},
		{msnp.CodeNotVerified, "924 account not verified"},
		{msnp.CodeBadTicket, "928 bad ticket"},
		{999, "999"},
	} {
		if got := c.code.Error(); got != c.want {
			t.Errorf("%q, want %q", got, c.want)
		}
		if f := read(t, string(c.code.Append(nil, "7"))); f.Arg(0) != "7" {
			t.Errorf("%v is written %q", c.code, f.AppendEcho(nil))
		} else if code, ok := f.Code(); code != c.code || !ok {
			t.Errorf("%v is read again as %v", c.code, code)
		}
	}
}
