package msnp_test

import (
	"strings"
	"testing"

	"monarch/msnp"
)

func TestVER(t *testing.T) {
	check(t, msnp.ParseVER, []parsing[msnp.Negotiation]{
		{
			name: "versions come best first", line: "VER 1 MSNP9 MSNP8 CVR0",
			want: msnp.Negotiation{TrID: "1", Versions: []string{"MSNP9", "MSNP8", "CVR0"}},
		},
		{
			name: "tokens stay as they are written", line: "VER 0 msnp9 MSNP99 x",
			want: msnp.Negotiation{TrID: "0", Versions: []string{"msnp9", "MSNP99", "x"}},
		},
		{name: "an offer of nothing is one", line: "VER 1", want: msnp.Negotiation{TrID: "1"}},
		{name: "no TrID", line: "VER", err: syntax(msnp.VER, "no transaction id")},
	})
}

func TestCVR(t *testing.T) {
	check(t, msnp.ParseCVR, []parsing[msnp.ClientInfo]{
		{
			name: "MSN Messenger 6.0", line: "CVR 2 0x0409 winnt 5.1 i386 MSNMSGR 6.0.0602 MSMSGS alice@example.com",
			want: msnp.ClientInfo{TrID: "2", Locale: "0x0409", OS: "winnt", Library: "MSNMSGR", Version: "6.0.0602", Handle: "alice@example.com"},
		},
		{
			name: "BitlBee", line: "CVR 2 0x0409 mac 10.2.0 ppc macmsgs 3.5.1 macmsgs carol@example.com",
			want: msnp.ClientInfo{TrID: "2", Locale: "0x0409", OS: "mac", Library: "macmsgs", Version: "3.5.1", Handle: "carol@example.com"},
		},
		{
			name: "more parameters than we know", line: "CVR 2 0x0409 winnt 5.1 i386 MSNMSGR 6.0.0602 MSMSGS alice@example.com more",
			want: msnp.ClientInfo{TrID: "2", Locale: "0x0409", OS: "winnt", Library: "MSNMSGR", Version: "6.0.0602", Handle: "alice@example.com"},
		},
		{
			name: "no handle", line: "CVR 2 0x0409 winnt 5.1 i386 MSNMSGR 6.0.0602 MSMSGS",
			want: msnp.ClientInfo{TrID: "2"}, err: msnp.CodeClientVersion,
		},
		{name: "nothing but a TrID", line: "CVR 2", want: msnp.ClientInfo{TrID: "2"}, err: msnp.CodeClientVersion},
		{
			name: "a query needs neither client id nor handle", line: "CVQ 2 0x0409 winnt 5.1 i386 MSNMSGR 6.0.0602",
			want: msnp.ClientInfo{TrID: "2", Locale: "0x0409", OS: "winnt", Library: "MSNMSGR", Version: "6.0.0602"},
		},
		{
			name: "a query may have them", line: "CVQ 2 0x0409 winnt 5.1 i386 MSNMSGR 6.0.0602 MSMSGS alice@example.com",
			want: msnp.ClientInfo{TrID: "2", Locale: "0x0409", OS: "winnt", Library: "MSNMSGR", Version: "6.0.0602", Handle: "alice@example.com"},
		},
		{
			name: "a query without a version", line: "CVQ 2 0x0409 winnt 5.1 i386 MSNMSGR",
			want: msnp.ClientInfo{TrID: "2"}, err: msnp.CodeClientVersion,
		},
		{name: "no TrID", line: "CVR", err: syntax(msnp.CVR, "no transaction id")},
	})
}

func TestUSR(t *testing.T) {
	check(t, msnp.ParseUSR, []parsing[msnp.Authentication]{
		{
			name: "who it is", line: "USR 3 TWN I alice@example.com",
			want: msnp.Authentication{TrID: "3", Package: "TWN", Stage: "I", Value: "alice@example.com"},
		},
		{
			name: "a ticket", line: "USR 4 TWN S t=abc*!&p=def",
			want: msnp.Authentication{TrID: "4", Package: "TWN", Stage: "S", Value: "t=abc*!&p=def"},
		},
		{
			name: "another package is the server's business", line: "USR 4 MD5 I alice@example.com more",
			want: msnp.Authentication{TrID: "4", Package: "MD5", Stage: "I", Value: "alice@example.com"},
		},
		{name: "no value", line: "USR 3 TWN I", err: syntax(msnp.USR, "too few parameters")},
	})
}

func TestSYN(t *testing.T) {
	check(t, msnp.ParseSYN, []parsing[msnp.Sync]{
		{name: "the version the client has", line: "SYN 8 15", want: msnp.Sync{TrID: "8", Version: 15}},
		{name: "everything", line: "SYN 8 0", want: msnp.Sync{TrID: "8"}},
		{name: "the largest version", line: "SYN 8 4294967295", want: msnp.Sync{TrID: "8", Version: 4294967295}},
		{name: "a larger one asks for everything", line: "SYN 8 4294967296", want: msnp.Sync{TrID: "8"}},
		{name: "and so does what is no number", line: "SYN 8 -1", want: msnp.Sync{TrID: "8"}},
		{name: "no version", line: "SYN 8", err: syntax(msnp.SYN, "too few parameters")},
	})
}

func TestCHG(t *testing.T) {
	object := strings.Repeat("o", msnp.MaxObject)
	check(t, msnp.ParseCHG, []parsing[msnp.StatusChange]{
		{
			name: "MSNP9 in full", line: "CHG 9 NLN 268435492 %3Cmsnobj/%3E",
			want: msnp.StatusChange{TrID: "9", Status: msnp.Online, Flags: 268435492, Object: "%3Cmsnobj/%3E"},
		},
		{name: "no object", line: "CHG 9 BSY 0", want: msnp.StatusChange{TrID: "9", Status: msnp.Busy}},
		{name: "neither flags nor object", line: "CHG 9 HDN", want: msnp.StatusChange{TrID: "9", Status: msnp.Hidden}},
		{name: "the object 0 is none", line: "CHG 9 NLN 0 0", want: msnp.StatusChange{TrID: "9", Status: msnp.Online}},
		{name: "an object is not decoded", line: "CHG 9 NLN 0 a+b%2Bc\xff", want: msnp.StatusChange{TrID: "9", Status: msnp.Online, Object: "a+b%2Bc\xff"}},
		{name: "the longest object", line: "CHG 9 NLN 0 " + object, want: msnp.StatusChange{TrID: "9", Status: msnp.Online, Object: object}},
		{name: "flags of 64 bits", line: "CHG 9 NLN 18446744073709551615", want: msnp.StatusChange{TrID: "9", Status: msnp.Online, Flags: 1<<64 - 1}},
		{name: "off line is a status, for the server to refuse", line: "CHG 9 FLN", want: msnp.StatusChange{TrID: "9", Status: msnp.Offline}},
		{name: "a longer object", line: "CHG 9 NLN 0 o" + object, err: syntax(msnp.CHG, "MSNObject too long")},
		{name: "flags of more than 64 bits", line: "CHG 9 NLN 18446744073709551616", err: syntax(msnp.CHG, "client id is not a number")},
		{name: "negative flags", line: "CHG 9 NLN -1", err: syntax(msnp.CHG, "client id is not a number")},
		{name: "an object in place of the flags", line: "CHG 9 NLN %3Cmsnobj/%3E", err: syntax(msnp.CHG, "client id is not a number")},
		{name: "a status nobody knows", line: "CHG 9 XXX", err: syntax(msnp.CHG, "unknown status")},
		{name: "a status in lower case", line: "CHG 9 nln 0", err: syntax(msnp.CHG, "unknown status")},
		{name: "no status", line: "CHG 9", err: syntax(msnp.CHG, "too few parameters")},
	})
}

func TestQRY(t *testing.T) {
	check(t, msnp.ParseQRY, []parsing[msnp.ChallengeAnswer]{
		{
			name: "an answer", line: "QRY 18 PROD0038W!61ZTF9 32\r\nc64fe621f55832479b97b7f50829d5c1",
			want: msnp.ChallengeAnswer{TrID: "18", Product: "PROD0038W!61ZTF9", Response: "c64fe621f55832479b97b7f50829d5c1"},
		},
		{name: "no payload", line: "QRY 18 PROD0038W!61ZTF9", err: syntax(msnp.QRY, "too few parameters")},
	})
}

func TestIMS(t *testing.T) {
	check(t, msnp.ParseIMS, []parsing[msnp.SwitchboardUse]{
		{name: "on", line: "IMS 3 ON", want: msnp.SwitchboardUse{TrID: "3", On: true}},
		{name: "off", line: "IMS 3 OFF", want: msnp.SwitchboardUse{TrID: "3"}},
		{name: "neither", line: "IMS 3 on", err: syntax(msnp.IMS, "neither ON nor OFF")},
		{name: "nothing", line: "IMS 3", err: syntax(msnp.IMS, "too few parameters")},
	})
}

func TestPGD(t *testing.T) {
	check(t, msnp.ParsePGD, []parsing[msnp.Page]{
		{name: "to a mobile", line: "PGD 5 bob@example.com 1 4\r\ntext", want: msnp.Page{TrID: "5", Device: 1}},
		{name: "to a device for the server to refuse", line: "PGD 5 bob@example.com 4294967295 0\r\n", want: msnp.Page{TrID: "5", Device: 4294967295}},
		{name: "to what is no number", line: "PGD 5 bob@example.com x 0\r\n", err: syntax(msnp.PGD, "device is not a number")},
		{name: "to a device of more than 32 bits", line: "PGD 5 bob@example.com 4294967296 0\r\n", err: syntax(msnp.PGD, "device is not a number")},
		{name: "no payload", line: "PGD 5 bob@example.com 1", err: syntax(msnp.PGD, "too few parameters")},
	})
}

func TestXFR(t *testing.T) {
	check(t, msnp.ParseXFR, []parsing[msnp.Transfer]{
		{name: "to a switchboard", line: "XFR 15 SB", want: msnp.Transfer{TrID: "15", Kind: "SB"}},
		{name: "to what the server refuses", line: "XFR 15 NS", want: msnp.Transfer{TrID: "15", Kind: "NS"}},
		{name: "to nothing", line: "XFR 15", err: syntax(msnp.XFR, "too few parameters")},
	})
}

func TestURL(t *testing.T) {
	check(t, msnp.ParseURL, []parsing[msnp.PageAddress]{
		{name: "the inbox", line: "URL 50 INBOX", want: msnp.PageAddress{TrID: "50", Kind: "INBOX"}},
		{name: "a page for somebody", line: "URL 50 COMPOSE bob@example.com", want: msnp.PageAddress{TrID: "50", Kind: "COMPOSE", Arg: "bob@example.com"}},
		{name: "no page", line: "URL 50", err: syntax(msnp.URL, "too few parameters")},
	})
}
