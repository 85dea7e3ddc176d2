package msnp_test

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"monarch/internal/msntest"
	"monarch/msnp"
)

// body returns what a fixture carries behind its MIME header.
func body(t testing.TB, name string) []byte {
	t.Helper()
	payload, ok := msntest.Payload(name)
	if !ok {
		t.Fatal("no fixture " + name)
	}
	_, body, _ := bytes.Cut(payload, []byte("\r\n\r\n"))
	return body
}

// transfer is the worked transfer of a picture, message by message, without data.
// docs/protocol/payloads.md#object-transfer
var transfer = []struct {
	m    msnp.P2P
	data int
}{
	{msnp.P2P{ID: 2000000, Total: 652, AckID: 0x11223344}, 652},
	{msnp.P2P{ID: 3000000, Total: 652, Flags: msnp.P2PAck, AckID: 2000000, AckUID: 0x11223344, AckSize: 652}, 0},
	{msnp.P2P{ID: 2999997, Total: 326, AckID: 0x22334455}, 326},
	{msnp.P2P{ID: 2000001, Total: 326, Flags: msnp.P2PAck, AckID: 2999997, AckUID: 0x22334455, AckSize: 326}, 0},
	{msnp.P2P{Session: 1172536, ID: 2999998, Total: 4, AckID: 0x33445566, Footer: msnp.P2PFooterObject}, 4},
	{msnp.P2P{Session: 1172536, ID: 2000002, Total: 4, Flags: msnp.P2PAck, AckID: 2999998, AckUID: 0x33445566, AckSize: 4}, 0},
	{msnp.P2P{Session: 1172536, ID: 2999999, Total: 1500, Flags: msnp.P2PObject, AckID: 0x44556677, Footer: 1}, 1202},
	{msnp.P2P{Session: 1172536, ID: 2999999, Offset: 1202, Total: 1500, Flags: msnp.P2PObject, AckID: 0x44556677, Footer: 1}, 298},
	{msnp.P2P{Session: 1172536, ID: 2000003, Total: 1500, Flags: msnp.P2PAck, AckID: 2999999, AckUID: 0x44556677, AckSize: 1500}, 0},
	{msnp.P2P{ID: 2000004, Total: 330, AckID: 0x55667788}, 330},
	{msnp.P2P{ID: 3000001, Total: 330, Flags: msnp.P2PAck, AckID: 2000004, AckUID: 0x55667788, AckSize: 330}, 0},
}

func TestP2PHeadersOfTheWorkedTransfer(t *testing.T) {
	for i, c := range transfer {
		raw := body(t, fmt.Sprintf("P-DP%d", i+1))
		m, err := msnp.ParseP2P(raw)
		if err != nil {
			t.Fatalf("message %d: %v", i+1, err)
		}
		if len(m.Data) != c.data {
			t.Errorf("message %d: %d bytes of data, want %d", i+1, len(m.Data), c.data)
		}
		if again := m.Append(nil); !bytes.Equal(again, raw) {
			t.Errorf("message %d, written again:\n%s", i+1, hex.Dump(again))
		}
		want := c.m
		want.Data = m.Data
		if d := cmp.Diff(want, m); d != "" {
			t.Errorf("message %d (-want +got):\n%s", i+1, d)
		}
		if m.Flags == msnp.P2PAck {
			continue
		}
		if ack := m.Ack(7); m.Last() && i+1 < len(transfer) {
			next := transfer[i+1].m
			next.ID = 7
			if d := cmp.Diff(next, ack); d != "" {
				t.Errorf("acknowledgement of %d (-want +got):\n%s", i+1, d)
			}
		}
	}
}

func TestP2PRefusesWhatCannotBe(t *testing.T) {
	whole := msnp.P2P{Session: 5, ID: 6, Total: 4, Data: []byte("data"), Footer: 1}.Append(nil)
	patched := func(at int, text string) []byte {
		b := bytes.Clone(whole)
		copy(b[at:], text)
		return b
	}
	for _, c := range []struct {
		name string
		body []byte
		ok   bool
	}{
		{"a whole message", whole, true},
		{"no footer", whole[:52], true},
		{"half a header", whole[:47], false},
		{"less data than said", whole[:51], false},
		{"more after the footer", append(bytes.Clone(whole), 1, 2, 3), true},
		{"longer than its whole", patched(16, "\x03"), false},
		{"beyond its whole", patched(8, "\x01"), false},
		{"an offset that overflows", patched(8, "\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF"), false},
		{"a length that overflows", patched(24, "\xFF\xFF\xFF\xFF"), false},
		{"an enormous whole", patched(16, "\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF"), true},
	} {
		t.Run(c.name, func(t *testing.T) {
			if _, err := msnp.ParseP2P(c.body); (err == nil) != c.ok {
				t.Errorf("error %v", err)
			}
		})
	}
}

func TestP2PFlags(t *testing.T) {
	for _, c := range []struct {
		flags         msnp.P2PFlags
		kind          msnp.P2PFlags
		data, failure bool
	}{
		{msnp.P2PText, msnp.P2PText, false, false},
		{0x01000000, msnp.P2PText, false, false},
		{msnp.P2PAck, msnp.P2PAck, false, false},
		{msnp.P2PObject, msnp.P2PObject, true, false},
		{0x01000020, msnp.P2PObject, true, false},
		{msnp.P2PFile, 0x30, true, false},
		{msnp.P2PError, msnp.P2PError, false, true},
		{msnp.P2PClose, msnp.P2PClose, false, true},
		{msnp.P2PTransport, msnp.P2PTransport, false, true},
		{msnp.P2PNAK, msnp.P2PNAK, false, true},
		{msnp.P2PWaiting, msnp.P2PWaiting, false, false},
		{msnp.P2PHandshake, msnp.P2PHandshake, false, false},
	} {
		if k, d, f := c.flags.Kind(), c.flags.Data(), c.flags.Failure(); k != c.kind || d != c.data || f != c.failure {
			t.Errorf("%#x: kind %#x, data %v, failure %v", c.flags, k, d, f)
		}
	}
}

func TestFileContext(t *testing.T) {
	long := strings.Repeat("n", 300)
	for _, c := range []struct {
		name     string
		in, want msnp.FileContext
		length   int
	}{
		{"a name", msnp.FileContext{Name: "notes.txt", Size: 4711}, msnp.FileContext{Name: "notes.txt", Size: 4711}, 574},
		{"every plane", msnp.FileContext{Name: "日本 😀.png"}, msnp.FileContext{Name: "日本 😀.png"}, 574},
		{"no name", msnp.FileContext{Size: 1 << 40}, msnp.FileContext{Size: 1 << 40}, 574},
		{"a long name", msnp.FileContext{Name: long}, msnp.FileContext{Name: long[:259]}, 574},
		{"half a pair does not stay", msnp.FileContext{Name: long[:258] + "😀"}, msnp.FileContext{Name: long[:258]}, 574},
		{"bytes that are no text", msnp.FileContext{Name: "a\xFFb"}, msnp.FileContext{Name: "a\uFFFDb"}, 574},
		{"a NUL ends it", msnp.FileContext{Name: "a\x00b"}, msnp.FileContext{Name: "a"}, 574},
		{"a preview", msnp.FileContext{Name: "a", Preview: []byte("PNG")}, msnp.FileContext{Name: "a", Preview: []byte("PNG")}, 577},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := c.in.Append(nil)
			if len(b) != c.length {
				t.Errorf("%d bytes, want %d", len(b), c.length)
			}
			got, err := msnp.ParseFileContext(b)
			if err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff(c.want, got); d != "" {
				t.Errorf("(-want +got):\n%s", d)
			}
		})
	}
}

func TestFileContextBytes(t *testing.T) {
	b := msnp.FileContext{Name: "a.é", Size: 0x0102030405}.Append(nil)
	want := "3e020000" + "02000000" + "0504030201000000" + "01000000" + "61002e00e9000000"
	if got := hex.EncodeToString(b[:28]); got != want {
		t.Errorf("it begins with %s, want %s", got, want)
	}
	if end := hex.EncodeToString(b[568:]); end != "0000ffffffff" {
		t.Errorf("it ends with %s", end)
	}
	if _, err := msnp.ParseFileContext(b[:19]); err == nil {
		t.Error("half a context was read")
	}
}

func FuzzP2P(f *testing.F) {
	for i := range transfer {
		f.Add(body(f, fmt.Sprintf("P-DP%d", i+1)))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		m, err := msnp.ParseP2P(b)
		if err != nil {
			return
		}
		again, err := msnp.ParseP2P(m.Append(nil))
		if err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(m, again); d != "" {
			t.Errorf("(-first +again):\n%s", d)
		}
	})
}

func FuzzFileContext(f *testing.F) {
	f.Add(msnp.FileContext{Name: "notes.txt", Size: 4711}.Append(nil))
	f.Add(msnp.FileContext{Name: "😀", Preview: []byte{1, 2}}.Append(nil))
	f.Fuzz(func(t *testing.T, b []byte) {
		c, err := msnp.ParseFileContext(b)
		if err != nil {
			return
		}
		again, err := msnp.ParseFileContext(c.Append(nil))
		if err != nil {
			t.Fatal(err)
		}
		if again.Size != c.Size || !strings.HasPrefix(c.Name, again.Name) || !bytes.Equal(again.Preview, c.Preview) {
			t.Errorf("%+v\nbecame %+v", c, again)
		}
	})
}
