package tui

import (
	"strings"
	"testing"

	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/x/ansi"
	"pgregory.net/rapid"
)

func TestTextOfOthersIsText(t *testing.T) {
	for _, c := range []struct{ name, in, want string }{
		{"words", "Hello, world", "Hello, world"},
		{"several lines", "one\ntwo\r\nthree\rfour\u2028five", "one\ntwo\nthree\nfour\nfive"},
		{"a colour", "\x1b[31mred\x1b[0m", "red"},
		{"a command to clear the screen", "a\x1b[2Jb", "ab"},
		{"a title", "\x1b]0;owned\x07text", "text"},
		{"a title that does not end", "before\x1b]0;owned\nafter", "before\nafter"},
		{"a hyperlink", "\x1b]8;;http://example.com\x1b\\link\x1b]8;;\x1b\\", "link"},
		{"a device control string", "x\x1bPq#0;2;0;0;0\x1b\\y", "xy"},
		{"a control character of its own", "x\u009b31my", "x31my"},
		{"a bell and a backspace", "pass\bword\a", "password"},
		{"a tab", "a\tb", "a    b"},
		{"bytes that are no text", "gr\xfc\xdfe", "gr\ufffde"},
		{"text that turns its direction", "abc\u202ecba\u2066x\u2069", "abccbax"},
		{"Hebrew", "שלום", "שלום"},
		{"Persian with a non-joiner", "می\u200cخواهم", "می\u200cخواهم"},
		{"an emoji with a selector", "\u2764\ufe0f", "\u2764"},
		{"a family", "👨\u200d👩\u200d👧", "👨👩👧"},
		{"a hand with a skin", "👍🏽", "👍"},
		{"an accent of its own", "e\u0301", "e\u0301"},
		{"something invisible", "a\u200b\ufeffb\u00adc", "abc"},
	} {
		if got := plain(c.in); got != c.want {
			t.Errorf("%s: %q becomes %q, want %q", c.name, c.in, got, c.want)
		}
	}
}

func TestNothingThatComesThroughCommandsTheTerminal(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		in := rapid.OneOf(rapid.String(), rapid.StringOf(rapid.RuneFrom([]rune("a\x1b[]P\\;?0m\x07\x9b\u009d\r\n\u202e日🦋\u200d")))).Draw(t, "text")
		out := plain(in)
		if i := strings.IndexFunc(out, func(r rune) bool { return r < ' ' && r != '\n' || r >= 0x7f && r < 0xa0 }); i >= 0 {
			t.Fatalf("%q becomes %q", in, out)
		}
		if again := plain(out); again != out {
			t.Fatalf("%q becomes %q, and then %q", in, out, again)
		}
		columns := rapid.IntRange(1, 30).Draw(t, "columns")
		for _, l := range strings.Split(out, "\n") {
			if w := width(fit(l, columns)); w != columns {
				t.Fatalf("%q fits into %d of %d columns", l, w, columns)
			}
		}
	})
}

func TestTerminalsAgreeOnWidths(t *testing.T) {
	for _, s := range []string{
		"Hello", "日本語", "エリン 🌸", "grüße", "e\u0301", "🦋🌷", "👨\u200d👩\u200d👧", "👍🏽", "❤\ufe0f", "한국어", "①", "─│┌▾●◐×",
	} {
		p := plain(s)
		if a, b := ansi.StringWidth(p), ansi.StringWidthWc(p); a != b {
			t.Errorf("%q has %d or %d columns", p, a, b)
		}
	}
}

func TestField(t *testing.T) {
	for _, c := range []struct {
		name string
		keys []string
		want string
	}{
		{"typing", []string{"hello"}, "hello|"},
		{"in the middle", []string{"hllo", "home", "right", "e"}, "he|llo"},
		{"wide characters are one each", []string{"日本語", "left", "backspace"}, "日|語"},
		{"an accent belongs to its letter", []string{"cafe\u0301", "backspace"}, "caf|"},
		{"delete", []string{"abc", "home", "delete", "delete"}, "|c"},
		{"delete at the end", []string{"abc", "delete"}, "abc|"},
		{"backspace at the beginning", []string{"abc", "home", "backspace"}, "|abc"},
		{"a word", []string{"one two  ", "ctrl+w"}, "one |"},
		{"all before", []string{"one two", "left", "ctrl+u"}, "|o"},
		{"all after", []string{"one two", "home", "right", "ctrl+k"}, "o|"},
		{"the end", []string{"one", "home", "end", "!"}, "one!|"},
	} {
		t.Run(c.name, func(t *testing.T) {
			var f field
			for _, k := range c.keys {
				if special, ok := key(k); ok {
					f.press(special)
					continue
				}
				f.press(tea.KeyPressMsg{Text: k})
			}
			if got := strings.Join(f.before, "") + "|" + strings.Join(f.after, ""); got != c.want {
				t.Errorf("%q, want %q", got, c.want)
			}
		})
	}
}

func TestFieldShowsTheCursor(t *testing.T) {
	f := newField("日本語 and a text that is too long for its place")
	for _, c := range []struct {
		columns, cursor int
		text            string
	}{
		{60, 48, "日本語 and a text that is too long for its place            "},
		{10, 9, "its place "},
	} {
		text, cursor := f.show(c.columns)
		if text != c.text || cursor != c.cursor || width(text) != c.columns {
			t.Errorf("in %d columns: %q with the cursor at %d, want %q at %d", c.columns, text, cursor, c.text, c.cursor)
		}
	}
	f.move(2)
	if text, cursor := f.show(12); cursor != 4 || !strings.HasPrefix(text, "日本") {
		t.Errorf("%q with the cursor at %d", text, cursor)
	}
}

func TestPasteIsOneLine(t *testing.T) {
	var f field
	f.insert("one\r\ntwo\n\x1b[31mthree")
	if f.text() != "one two three" {
		t.Errorf("%q", f.text())
	}
}

func TestFileNamesOfOthers(t *testing.T) {
	for in, want := range map[string]string{
		"report.txt":                     "report.txt",
		"../../etc/passwd":               "passwd",
		`C:\Windows\system32\cmd.exe`:    "cmd.exe",
		".bashrc":                        "bashrc",
		"-rf":                            "rf",
		"..":                             "file",
		"":                               "file",
		"a\x1b[31mb\x00.txt":             "ab.txt",
		"what?.txt":                      "what_.txt",
		"txt.\u202eexe":                  "txt.exe",
		strings.Repeat("a", 300) + ".md": strings.Repeat("a", 117) + ".md",
	} {
		if got := fileName(in); got != want {
			t.Errorf("%q becomes %q, want %q", in, got, want)
		}
	}
}

func TestSizes(t *testing.T) {
	for n, want := range map[int64]string{0: "0 bytes", 1: "1 byte", 1023: "1023 bytes", 1536: "1.5 KB", 5 << 20: "5.0 MB"} {
		if got := size(n); got != want {
			t.Errorf("%d is %q, want %q", n, got, want)
		}
	}
}
