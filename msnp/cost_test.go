package msnp_test

import (
	"strconv"
	"testing"

	"monarch/msnp"
)

// message is MSG as a client sends it.
func message(payload []byte) []byte {
	return append([]byte("MSG 3 N "+strconv.Itoa(len(payload))+"\r\n"), payload...)
}

// What a switchboard does for every message must leave nothing to clear away.
func TestRelayingAllocatesNothing(t *testing.T) {
	in := message(p2p(1250))
	scratch := make([][]byte, 0, msnp.MaxArgs)
	out := make([]byte, 0, 4096)
	f, _, err := msnp.SwitchboardGrammar.Next(in, make([][]byte, 0, msnp.MaxArgs))
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name string
		fn   func()
	}{
		{"cutting a frame off", func() {
			f, n, err := msnp.SwitchboardGrammar.Next(in, scratch)
			if f.Verb != msnp.MSG || n != len(in) || err != nil {
				t.Fatal(f, n, err)
			}
		}},
		{"waiting for the rest of a frame", func() {
			f, n, err := msnp.SwitchboardGrammar.Next(in[:len(in)-1], scratch)
			if f.Verb != "" || n != 0 || err != nil {
				t.Fatal(f, n, err)
			}
		}},
		{"reading a message", func() {
			m, err := msnp.ParseMSG(f)
			if m.Ack != msnp.AckFailure || err != nil {
				t.Fatal(m, err)
			}
		}},
		{"looking whether it is data", func() {
			if !msnp.IsData(f.Payload) || msnp.IsData(words) || msnp.IsData(noType) {
				t.Fatal("not told apart")
			}
		}},
		{"writing the line for others", func() {
			out = msnp.AppendRelayed(out[:0], "alice@example.com", "Alice%20A", len(f.Payload))
		}},
		{"writing the outcome", func() {
			out = msnp.AppendOutcome(out[:0], msnp.NAK, f.Args[0])
		}},
		{"writing an error", func() {
			out = msnp.CodeDataMessage.Append(out[:0], "3")
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			if n := testing.AllocsPerRun(100, c.fn); n != 0 {
				t.Errorf("%v allocations", n)
			}
		})
	}
}

func TestRenderingPresenceAllocatesNothing(t *testing.T) {
	p := msnp.Presence{Status: msnp.Online, Handle: "bob@example.com", Name: "Bob B. é", Flags: 268435492, Object: wikiToken}
	out := make([]byte, 0, 4096)
	for _, v := range []msnp.Version{msnp.MSNP8, msnp.MSNP9} {
		n := testing.AllocsPerRun(100, func() {
			out = p.AppendNLN(out[:0], v)
			out = p.AppendILN(out, v, "9")
		})
		if n != 0 {
			t.Errorf("%s: %v allocations", v, n)
		}
	}
}

// BenchmarkDecode cuts and parses what clients said in recorded connections.
func BenchmarkDecode(b *testing.B) {
	notification := streams(b, "notification")["libpurple-3.bin"]
	switchboard := streams(b, "switchboard")["libpurple-7.bin"]
	for _, c := range []struct {
		name   string
		g      *msnp.Grammar
		stream []byte
		parse  bool
	}{
		{"session", msnp.NotificationGrammar, notification, false},
		{"picture transfer", msnp.SwitchboardGrammar, switchboard, false},
		{"message", msnp.SwitchboardGrammar, message(words), false},
		{"message parsed", msnp.SwitchboardGrammar, message(words), true},
	} {
		b.Run(c.name, func(b *testing.B) {
			scratch := make([][]byte, 0, msnp.MaxArgs)
			b.SetBytes(int64(len(c.stream)))
			b.ReportAllocs()
			for b.Loop() {
				for rest := c.stream; len(rest) > 0; {
					f, n, err := c.g.Next(rest, scratch)
					if err != nil {
						b.Fatal(err)
					}
					if c.parse {
						if _, err := msnp.ParseMSG(f); err != nil {
							b.Fatal(err)
						}
					}
					rest = rest[n:]
				}
			}
		})
	}
}

// BenchmarkRenderPresence writes one contact's line, as a server does for each watcher.
func BenchmarkRenderPresence(b *testing.B) {
	plain := msnp.Presence{Status: msnp.Busy, Handle: "bob@example.com", Name: "Bob", Flags: 268435492}
	full := msnp.Presence{Status: msnp.Busy, Handle: "bob@example.com", Name: "Bob B. <é> 日本", Flags: 268435492, Object: wikiToken}
	for _, c := range []struct {
		name string
		p    msnp.Presence
		v    msnp.Version
	}{
		{"MSNP8", plain, msnp.MSNP8},
		{"MSNP9", plain, msnp.MSNP9},
		{"MSNP9 with a picture and an escaped name", full, msnp.MSNP9},
	} {
		b.Run(c.name, func(b *testing.B) {
			out := make([]byte, 0, 1024)
			b.ReportAllocs()
			for b.Loop() {
				out = c.p.AppendNLN(out[:0], c.v)
			}
			b.SetBytes(int64(len(out)))
		})
	}
}
