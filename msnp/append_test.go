package msnp_test

import (
	"math"
	"testing"

	"monarch/msnp"
)

// The object of another user in the example of the wiki's MSNP9 page, as it is on the wire.
const wikiToken = "%3Cmsnobj%20Creator%3D%22anotherdude%40hotmail.com%22%20Size%3D%2225235%22%20Type%3D%223%22%20" +
	"Location%3D%22uexA4DE.dat%22%20Friendly%3D%22AAA%3D%22%20SHA1D%3D%22vP1ppB+xiFQ8ceZivRe0uCaYLIU%3D%22%20" +
	"SHA1C%3D%22PApbbjkbDSGrt3ybGHRKNaZ8s%2Fw%3D%22%2F%3E"

func TestLines(t *testing.T) {
	for _, c := range []struct {
		name string
		got  []byte
		want string
	}{
		{"a verb alone", msnp.AppendLine(nil, msnp.OUT), "OUT\r\n"},
		{"parameters", msnp.AppendLine(nil, msnp.VER, "1", "MSNP9", msnp.CVR0), "VER 1 MSNP9 CVR0\r\n"},
		{"behind what is there", msnp.AppendLine([]byte("PNG\r\n"), msnp.QNG, "60"), "PNG\r\nQNG 60\r\n"},
		{"a payload", msnp.AppendPayload(nil, msnp.MSG, []byte("hello"), "Hotmail", "Hotmail"), "MSG Hotmail Hotmail 5\r\nhello"},
		{"an empty payload", msnp.AppendPayload(nil, msnp.SDC, nil, "1"), "SDC 1 0\r\n"},
		{"a payload alone", msnp.AppendPayload([]byte("x"), msnp.NOT, []byte{0, '\n'}), "xNOT 2\r\n\x00\n"},
		{"an error", msnp.CodeAuthFailed.Append([]byte("x"), "4"), "x911 4\r\n"},
		{"an error of a TrID with zeros", msnp.CodeNotExpected.Append(nil, "0007"), "715 0007\r\n"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if string(c.got) != c.want {
				t.Errorf("%q, want %q", c.got, c.want)
			}
		})
	}
}

func TestNumbersAsParameters(t *testing.T) {
	for _, c := range []struct{ name, got, want string }{
		{"zero", msnp.Uint(0), "0"},
		{"a group", msnp.Uint(29), "29"},
		{"a port", msnp.Uint(uint32(18183)), "18183"},
		{"an unsigned byte", msnp.Uint(uint8(math.MaxUint8)), "255"},
		{"a list version", msnp.Uint(uint32(math.MaxUint32)), "4294967295"},
		{"flags", msnp.Uint(uint64(math.MaxUint64)), "18446744073709551615"},
		{"seconds", msnp.Uint(int64(1700000000)), "1700000000"},
		{"a type of one's own", msnp.Uint(msnp.MSNP9), "9"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if c.got != c.want {
				t.Errorf("%s, want %s", c.got, c.want)
			}
		})
	}
}

func TestPresenceIsWrittenForTheReceiver(t *testing.T) {
	bob := msnp.Presence{Status: msnp.Busy, Handle: "bob@example.com", Name: "Bob B. é", Flags: 268435492}
	wiki := msnp.Presence{
		Status: msnp.Online, Handle: "anotheruser@hotmail.com", Name: "another user", Flags: 268435500, Object: wikiToken,
	}
	for _, c := range []struct {
		name string
		p    msnp.Presence
		v    msnp.Version
		nln  string // behind the verb
	}{
		{"MSNP9 gets the object, byte for byte", wiki, msnp.MSNP9, "NLN anotheruser@hotmail.com another%20user 268435500 " + wikiToken},
		{"MSNP8 never does", wiki, msnp.MSNP8, "NLN anotheruser@hotmail.com another%20user 268435500"},
		{"MSNP9 without an object", bob, msnp.MSNP9, "BSY bob@example.com Bob%20B.%20%C3%A9 268435492"},
		{"MSNP8 without an object", bob, msnp.MSNP8, "BSY bob@example.com Bob%20B.%20%C3%A9 268435492"},
		{
			"flags that nobody told are 0",
			msnp.Presence{Status: msnp.Away, Handle: "a@b.c", Name: "a%"},
			msnp.MSNP8,
			"AWY a@b.c a%25 0",
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got, want := string(c.p.AppendNLN([]byte("x"), c.v)), "xNLN "+c.nln+"\r\n"; got != want {
				t.Errorf("AppendNLN = %q,\nwant %q", got, want)
			}
			if got, want := string(c.p.AppendILN([]byte("x"), c.v, "9")), "xILN 9 "+c.nln+"\r\n"; got != want {
				t.Errorf("AppendILN = %q,\nwant %q", got, want)
			}
		})
	}
}
