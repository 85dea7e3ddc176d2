package msnp_test

import (
	"strings"
	"testing"

	"monarch/msnp"
)

func TestEntrance(t *testing.T) {
	check(t, msnp.ParseEntrance, []parsing[msnp.Entrance]{
		{
			name: "a caller", line: "USR 1 alice@example.com 1700000000.12345.67890",
			want: msnp.Entrance{TrID: "1", Handle: "alice@example.com", Cookie: "1700000000.12345.67890"},
		},
		{name: "no cookie", line: "USR 1 alice@example.com", err: syntax(msnp.USR, "wrong number of parameters")},
		{name: "a session besides", line: "USR 1 alice@example.com 1.2.3 4", err: syntax(msnp.USR, "wrong number of parameters")},
		{name: "a TrID that is none", line: "USR x alice@example.com 1.2.3", err: syntax(msnp.USR, "transaction id is not a number of 32 bits")},
	})
}

func TestANS(t *testing.T) {
	check(t, msnp.ParseANS, []parsing[msnp.Answer]{
		{
			name: "somebody invited", line: "ANS 1 bob@example.com 1700000000.12345.67890 1700000000",
			want: msnp.Answer{TrID: "1", Handle: "bob@example.com", Cookie: "1700000000.12345.67890", Session: "1700000000"},
		},
		{name: "no session", line: "ANS 1 bob@example.com 1.2.3", err: syntax(msnp.ANS, "wrong number of parameters")},
		{name: "one parameter more", line: "ANS 1 bob@example.com 1.2.3 4 5", err: syntax(msnp.ANS, "wrong number of parameters")},
	})
}

func TestCAL(t *testing.T) {
	check(t, msnp.ParseCAL, []parsing[msnp.Call]{
		{name: "somebody", line: "CAL 2 bob@example.com", want: msnp.Call{TrID: "2", Handle: "bob@example.com"}},
		{name: "a handle for the server to refuse", line: "CAL 2 @@a", want: msnp.Call{TrID: "2", Handle: "@@a"}},
		{name: "nobody", line: "CAL 2", err: syntax(msnp.CAL, "wrong number of parameters")},
		{name: "two people", line: "CAL 2 bob@example.com carol@example.com", err: syntax(msnp.CAL, "wrong number of parameters")},
	})
}

func TestMSG(t *testing.T) {
	message := func(ack msnp.Acknowledgement) msnp.Message {
		return msnp.Message{TrID: []byte("3"), Ack: ack, Payload: []byte("Hello Bob")}
	}
	check(t, msnp.ParseMSG, []parsing[msnp.Message]{
		{name: "nothing to hear", line: "MSG 3 U 9\r\nHello Bob", want: message(msnp.AckNone)},
		{name: "only bad news", line: "MSG 3 N 9\r\nHello Bob", want: message(msnp.AckFailure)},
		{name: "all news", line: "MSG 3 A 9\r\nHello Bob", want: message(msnp.AckAll)},
		{name: "only good news", line: "MSG 3 S 9\r\nHello Bob", want: message(msnp.AckSuccess)},
		{name: "data", line: "MSG 3 D 9\r\nHello Bob", want: message(msnp.AckData)},
		{
			name: "an empty payload", line: "MSG 3 N 0\r\n",
			want: msnp.Message{TrID: []byte("3"), Ack: msnp.AckFailure, Payload: []byte{}},
		},
		{
			name: "a TrID as it was written", line: "MSG 0003 N 1\r\nx",
			want: msnp.Message{TrID: []byte("0003"), Ack: msnp.AckFailure, Payload: []byte("x")},
		},
		{name: "a small letter", line: "MSG 3 n 9\r\nHello Bob", err: syntax(msnp.MSG, "unknown acknowledgement type")},
		{name: "another letter", line: "MSG 3 X 9\r\nHello Bob", err: syntax(msnp.MSG, "unknown acknowledgement type")},
		{name: "two letters", line: "MSG 3 NA 9\r\nHello Bob", err: syntax(msnp.MSG, "unknown acknowledgement type")},
		{name: "a digit in place of the letter", line: "MSG 3 2 9\r\nHello Bob", err: syntax(msnp.MSG, "unknown acknowledgement type")},
		{name: "the letter in place of the TrID", line: "MSG A 2 9\r\nHello Bob", err: syntax(msnp.MSG, "transaction id is not a number of 32 bits")},
		{name: "no length", line: "MSG 3 N", err: syntax(msnp.MSG, "wrong number of parameters")},
	})
}

func TestAcknowledgementLettersSayWhatTheSenderHears(t *testing.T) {
	for _, c := range []struct {
		name             string
		ack              msnp.Acknowledgement
		text             string
		success, failure bool
	}{
		{"U hears nothing", msnp.AckNone, "U", false, false},
		{"N hears of failure", msnp.AckFailure, "N", false, true},
		{"A hears of both", msnp.AckAll, "A", true, true},
		{"S hears of success", msnp.AckSuccess, "S", true, false},
		{"D hears of both", msnp.AckData, "D", true, true},
		{"no letter hears nothing", 0, "?", false, false},
		{"another letter hears nothing", 'X', "?", false, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := c.ack.String(); got != c.text {
				t.Errorf("written %s, want %s", got, c.text)
			}
			if s, f := c.ack.Success(), c.ack.Failure(); s != c.success || f != c.failure {
				t.Errorf("success %v, failure %v; want %v, %v", s, f, c.success, c.failure)
			}
		})
	}
}

// The payloads of scenario S24.
var (
	octets = []byte("MIME-Version: 1.0\r\nContent-Type: application/octet-stream\r\n\r\nopaque bytes")
	words  = []byte("MIME-Version: 1.0\r\nContent-Type: text/plain; charset=UTF-8\r\n\r\nplain words")
	noType = []byte("MIME-Version: 1.0\r\n\r\nno type")
	raw    = func() []byte {
		b := make([]byte, 256)
		for i := range b {
			b[i] = byte(i)
		}
		return b
	}()
)

// p2p returns a P2P message with so many bytes behind its header lines.
func p2p(body int) []byte {
	return append([]byte("MIME-Version: 1.0\r\nContent-Type: application/x-msnmsgrp2p\r\nP2P-Dest: bob@example.com\r\n\r\n"), make([]byte, body)...)
}

func TestDataMessages(t *testing.T) {
	for _, c := range []struct {
		name    string
		payload []byte
		size    int // 0 when it does not matter
		want    bool
	}{
		{"S24: opaque bytes", octets, 73, true},
		{"S24: text", words, 73, false},
		{"S24: a P2P message with half a binary header", p2p(47), 135, false},
		{"S24: a P2P message with a whole one", p2p(48), 136, true},
		{"S24: no type", noType, 28, false},
		{"S24: no header at all", raw, 256, false},

		{"nothing", nil, 0, false},
		{"an empty header", []byte("\r\n\r\nContent-Type: application/octet-stream\r\n\r\n"), 0, false},
		{"a header that nothing ends", []byte("Content-Type: application/octet-stream\r\n"), 0, false},
		{"a header that bare LFs end", []byte("Content-Type: application/octet-stream\n\n"), 0, false},
		{"the type after the header", []byte("MIME-Version: 1.0\r\n\r\nContent-Type: a/b\r\n\r\n"), 0, false},
		{"no body", []byte("Content-Type: application/octet-stream\r\n\r\n"), 0, true},
		{"a field name in capitals", []byte("CONTENT-TYPE: application/octet-stream\r\n\r\n"), 0, true},
		{"blanks around the field name", []byte(" Content-Type : a/b\r\n\r\n"), 0, true},
		{"a field that ends alike", []byte("X-Content-Type: a/b\r\n\r\n"), 0, false},
		{"a line without a colon", []byte("Content-Type\r\n\r\n"), 0, false},
		{"a type in capitals", []byte("Content-Type: TEXT/PLAIN\r\n\r\n"), 0, false},
		{"text without a subtype", []byte("Content-Type: text\r\n\r\n"), 0, false},
		{"text with a parameter and no subtype", []byte("Content-Type: text; charset=UTF-8\r\n\r\n"), 0, false},
		{"text with a blank behind it", []byte("Content-Type: text /plain\r\n\r\n"), 0, false},
		{"a type that begins like text", []byte("Content-Type: texture/plain\r\n\r\n"), 0, true},
		{"text as a subtype", []byte("Content-Type: application/text\r\n\r\n"), 0, true},
		{"the first of two types", []byte("Content-Type: text/plain\r\nContent-Type: a/b\r\n\r\n"), 0, false},
		{"P2P in capitals, without its header", []byte("Content-Type: Application/X-MSNMSGRP2P\r\n\r\n"), 0, false},
		{"P2P with a parameter, without its header", []byte("Content-Type: application/x-msnmsgrp2p ; v=1\r\n\r\n"), 0, false},
		{"a type that begins like P2P", []byte("Content-Type: application/x-msnmsgrp2px\r\n\r\n"), 0, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			if c.size != 0 && len(c.payload) != c.size {
				t.Fatalf("the fixture has %d bytes, not %d", len(c.payload), c.size)
			}
			if got := msnp.IsData(c.payload); got != c.want {
				t.Errorf("IsData(%.60q) = %v", c.payload, got)
			}
		})
	}
}

func TestRecordedDataMessagesAreData(t *testing.T) {
	seen := 0
	for name, stream := range streams(t, "switchboard") {
		for _, f := range feedStream(t, msnp.SwitchboardGrammar, stream, len(stream)).frames {
			if f.Verb != msnp.MSG {
				continue
			}
			m, err := msnp.ParseMSG(f)
			if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			if data := m.Ack == msnp.AckData; msnp.IsData(m.Payload) != data {
				t.Errorf("%s: a message of type %c: IsData is %v:\n%q", name, m.Ack, !data, m.Payload)
			}
			seen++
		}
	}
	if seen < 20 {
		t.Errorf("the recordings hold only %d messages", seen)
	}
}

func TestRelayLines(t *testing.T) {
	for _, c := range []struct{ name, got, want string }{
		{"delivered", string(msnp.AppendOutcome([]byte("x"), msnp.ACK, []byte("3"))), "xACK 3\r\n"},
		{"not delivered", string(msnp.AppendOutcome(nil, msnp.NAK, []byte("0003"))), "NAK 0003\r\n"},
		{"a relayed message", string(msnp.AppendRelayed([]byte("x"), "alice@example.com", "Alice%20A", 122)), "xMSG alice@example.com Alice%20A 122\r\n"},
		{"the longest", string(msnp.AppendRelayed(nil, "a@b.c", "a", msnp.MaxMessage)), "MSG a@b.c a 1664\r\n"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if c.got != c.want {
				t.Errorf("%q, want %q", c.got, c.want)
			}
		})
	}
}

func TestARelayedMessageCanBeReadAgain(t *testing.T) {
	in := "MSG 3 D 136\r\n" + string(p2p(48))
	m, err := msnp.ParseMSG(read(t, in))
	if err != nil {
		t.Fatal(err)
	}
	out := append(msnp.AppendRelayed(nil, "alice@example.com", "Alice", len(m.Payload)), m.Payload...)
	if want := "MSG alice@example.com Alice " + strings.TrimPrefix(in, "MSG 3 D "); string(out) != want {
		t.Errorf("%q,\nwant %q", out, want)
	}
	if f := read(t, string(out)); string(f.Payload) != string(p2p(48)) || f.Arg(1) != "Alice" {
		t.Errorf("a client reads %q with %q", f.AppendEcho(nil), f.Payload)
	}
}
