package server_test

import (
	"bytes"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// Whole sessions are fuzzed here, at every stage and in both dialects, against the server
// that users run. What is checked is told at fuzzWorld.session.

// longestInput bounds what one session is made to say.
const longestInput = 32 << 10

// scripts are what sessions begin with to be fuzzed from.
func scripts() map[bool][]string {
	notification := []string{
		"", "\r\n", "VER 1 MSNP9 MSNP8 CVR0\r\n", "VER 1 MSNP8\r\nVER 2 MSNP9\r\n", "VER 1 MSNP2\r\n", "PNG\r\nOUT\r\n",
		"CVR 2 0x0409 winnt 5.1 i386 MSNMSGR 6.0.0602 MSMSGS eve@example.com\r\nUSR 3 TWN I eve@example.com\r\n",
		"USR 3 TWN I bob@example.com\r\nUSR 4 TWN S t=x&p=0\r\n", "USR 4 TWN S " + strings.Repeat("t", 1100) + "\r\n", "INF 1\r\n",
		"SYN 1 0\r\nCHG 2 NLN 0\r\nSYN 3 1\r\nSYN 4 4294967295\r\n", "CHG 1 HDN 0\r\nCHG 2 BSY 268435492 %3Cmsnobj%2F%3E\r\nCHG 3 FLN\r\n",
		"ADD 1 FL bob@example.com Bob 0\r\nADD 2 AL bob@example.com bob\r\nADD 3 BL bob@example.com bob\r\nREM 4 FL bob@example.com\r\n",
		"ADD 1 FL carol@example.com Carol\r\nADD 2 FL eve@example.com me\r\nADD 3 RL bob@example.com b\r\nREM 4 RL bob@example.com\r\n",
		"ADG 1 Friends 0\r\nADD 2 FL bob@example.com bob 1\r\nREG 3 1 Foes 0\r\nREM 4 FL bob@example.com 1\r\nRMG 5 1\r\nRMG 6 0\r\n",
		"BLP 1 BL\r\nBLP 2 BL\r\nGTC 3 N\r\nREA 4 eve@example.com %00%zz\xff\r\nREA 5 bob@example.com x\r\n",
		"PRP 1 PHH 123\r\nPRP 2 MOB Y\r\nPRP 3 XXX\r\nPRP 4 PHW " + strings.Repeat("1", 96) + "\r\n",
		"XFR 1 SB\r\nXFR 2 NS\r\nXFR 3 SB\r\n", "URL 1 INBOX\r\nURL 2 PASSWORD\r\nURL 3 PROFILE 0x0409\r\n", "IMS 1 OFF\r\nIMS 2 ON\r\n",
		"SDC 1 new@example.org 0x0409 MSMSGR WindowsMessenger X X Eve 5\r\nHello", "SND 1 new@example.org 0x0409 MSMSGR\r\n",
		"PAG 1 bob@example.com 3\r\nabc", "PGD 1 bob@example.com 1 3\r\nabc", "MSG 1 N 3\r\nabc", "FND 1 fname=* lname=*\r\n",
		"QRY 1 msmsgs@msnmsgr.com 32\r\n8f2f5a91b72102cd28355e9fc9000d6e", "QRY 1 x 31\r\n", "NLN NLN bob@example.com Bob\r\n", "LST 1 RL\r\n",
		"PROXY TCP4 192.0.2.1 192.0.2.2 1 2\r\nVER 1 MSNP9\r\n", "\r\n\r\n\x00\r\nQUIT\n\x21\x11\x00\x0c\x7f\x00\x00\x01\x7f\x00\x00\x01\x00\x01\x00\x02VER 1 MSNP9\r\n",
		"VER 4294967296 MSNP8\r\n", "OUT\r\nVER 1 MSNP8\r\n", "SDC 1 a b c d e f g 65536\r\n",
	}
	switchboard := []string{
		"", "USR 1 eve@example.com 1.2.3\r\n", "ANS 1 eve@example.com 1.2.3 1\r\n", "ANS 1 bob@example.com 1.2.3 4294967296\r\n", "OUT\r\n",
		"CAL 1 bob@example.com\r\nCAL 2 bob@example.com\r\nCAL 3 eve@example.com\r\nCAL 4 x\r\nCAL 5 frank@example.com\r\n",
		"MSG 1 U 5\r\nHelloMSG 2 N 5\r\nHelloMSG 3 A 5\r\nHelloMSG 4 D 5\r\nHello", "MSG 1 S 0\r\nMSG 2 X 1\r\na", "MSG 1 A 1665\r\n",
		"MSG 1 A 1664\r\n" + strings.Repeat("a", 1664) + "OUT\r\n", "MSG 1 D 60\r\nMIME-Version: 1.0\r\nContent-Type: application/x-msnmsgrp2p\r\n\r\n",
		"PNG\r\n", "BYE eve@example.com\r\n", "JOI bob@example.com Bob\r\n", "USR 2 eve@example.com 1.2.3\r\n", "MSG 1 A 5\nHello\nOUT\n",
	}
	return map[bool][]string{false: notification, true: switchboard}
}

// streams are what clients once said, recorded.
func streams(tb testing.TB, s stage) []string {
	tb.Helper()
	dir := "notification"
	if s >= stranger {
		dir = "switchboard"
	}
	files, err := filepath.Glob("../../msnp/testdata/streams/" + dir + "/*.bin")
	if err != nil || len(files) == 0 {
		tb.Fatalf("no recorded streams: %v", err)
	}
	var all []string
	for _, name := range files {
		b, err := os.ReadFile(name)
		if err != nil {
			tb.Fatal(err)
		}
		all = append(all, string(b))
	}
	return all
}

// fuzzStages fuzzes the stages from one to before another.
func fuzzStages(f *testing.F, from, to stage) {
	for s := from; s < to; s++ {
		for _, script := range scripts()[s >= stranger] {
			f.Add(uint8(s-from), len(script)%2 == 0, []byte(script))
		}
	}
	for i, recorded := range streams(f, from) {
		f.Add(uint8(i), true, []byte(recorded))
	}
	w := newFuzzWorld(f)
	f.Fuzz(func(t *testing.T, at uint8, newer bool, input []byte) {
		if len(input) > longestInput {
			return
		}
		w.session(t, from+stage(at)%(to-from), dialectFor(newer), input)
	})
}

func dialectFor(newer bool) string {
	if newer {
		return "MSNP9"
	}
	return "MSNP8"
}

// FuzzBeforeSignIn fuzzes connections on which nobody has signed in yet.
func FuzzBeforeSignIn(f *testing.F) { fuzzStages(f, atDispatch, signedIn) }

// FuzzSignedIn fuzzes sessions at the notification server.
func FuzzSignedIn(f *testing.F) { fuzzStages(f, signedIn, stranger) }

// FuzzSwitchboard fuzzes strangers and participants at the switchboard.
func FuzzSwitchboard(f *testing.F) { fuzzStages(f, stranger, stages) }

// TestMadeUpSessions says at every stage what chance makes of the vocabulary, the same every
// time. It weighs the heap, so it runs alone.
func TestMadeUpSessions(t *testing.T) {
	const rounds = 16
	w := newFuzzWorld(t)
	before := heap()
	for s := range stages {
		for n := range uint64(rounds) {
			input := madeUp(rand.New(rand.NewPCG(uint64(s), n)), s >= stranger)
			w.session(t, s, dialectFor(n%2 == 0), input)
			if t.Failed() {
				t.Fatalf("at stage %d, said %q", s, input)
			}
		}
	}
	if grown := int64(heap()) - int64(before); grown > 24<<20 {
		t.Errorf("the heap grew by %d MiB", grown>>20)
	}
	if !bytes.Contains(scrape(t, w.Fixture), []byte("monarch_panics_total 0\n")) {
		t.Error("a handler panicked")
	}
}

// words are what made-up commands consist of besides their verbs.
var words = []string{
	"1", "2", "3", "0", "4294967295", "4294967296", "-1", "65536", "eve@example.com", "bob@example.com", "Carol@Example.COM", "frank@example.com",
	"nobody@example.com", "@", "a@b", "FL", "AL", "BL", "RL", "NLN", "BSY", "HDN", "FLN", "IDL", "SB", "NS", "TWN", "I", "S", "A", "N", "U", "D", "O",
	"MSNP8", "MSNP9", "CVR0", "PHH", "MOB", "Y", "Friends", "%41", "%", "%00", "\xff", "x", "INBOX", "0x0409", "268435492", "ON", "OFF", "1.2.3",
	"msmsgs@msnmsgr.com", strings.Repeat("n", 388), strings.Repeat("h", 130) + "@example.com",
}

// madeUp returns commands of real verbs with words that may fit, now and then with a byte
// that is not theirs.
func madeUp(rng *rand.Rand, switchboard bool) []byte {
	verbs := strings.Fields("VER CVR USR PNG SYN CHG ADD REM REA ADG RMG REG BLP GTC PRP XFR URL IMS SDC SND QRY CVQ MSG PGD INF FND LST QNG")
	if switchboard {
		verbs = strings.Fields("USR ANS CAL CAL MSG MSG MSG MSG PNG JOI BYE ACK")
	}
	var b []byte
	for range 1 + rng.IntN(12) {
		if rng.IntN(4) == 0 {
			all := scripts()[switchboard]
			b = append(b, all[rng.IntN(len(all))]...)
			continue
		}
		verb := verbs[rng.IntN(len(verbs))]
		b = append(b, verb+" "+words[rng.IntN(5)]...)
		for range rng.IntN(6) {
			b = append(b, " "+words[rng.IntN(len(words))]...)
		}
		b = append(b, "\r\n"...)
	}
	if rng.IntN(3) == 0 {
		b[rng.IntN(len(b))] = byte(rng.Uint32())
	}
	return b
}
