package ctt_test

import (
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"unicode/utf16"

	"monarch/internal/ctt"
)

const saved = "<?xml version=\"1.0\"?>\r\n<messenger>\r\n  <service name=\".NET Messenger Service\">\r\n    <contactlist>\r\n" +
	"      <contact>alice@example.com</contact>\r\n      <contact>o&apos;neil&amp;sons@example.com</contact>\r\n" +
	"    </contactlist>\r\n  </service>\r\n</messenger>\r\n"

// wide returns a text as Windows has it in UTF-16.
func wide(text string) string {
	b := []byte{0xFF, 0xFE}
	for _, u := range utf16.Encode([]rune(text)) {
		b = binary.LittleEndian.AppendUint16(b, u)
	}
	return string(b)
}

func in(contacts string) string {
	return "<messenger><service><contactlist>" + contacts + "</contactlist></service></messenger>"
}

func TestFilesAreRead(t *testing.T) {
	both := []string{"alice@example.com", "o'neil&sons@example.com"}
	for name, c := range map[string]struct {
		file string
		want []string
	}{
		"as MSN Messenger saves it":          {saved, both},
		"with a mark at the beginning":       {"\xEF\xBB\xBF" + saved, both},
		"in UTF-16":                          {wide(saved), both},
		"in UTF-16 that says so":             {wide(strings.Replace(saved, `"1.0"`, `"1.0" encoding="UTF-16"`, 1)), both},
		"in a code page":                     {`<?xml version="1.0" encoding="windows-1252" ?>` + in("<contact>j\xF6rg@example.com</contact>"), []string{"jörg@example.com"}},
		"as Windows Live Messenger saves it": {in(`<contact type="1">alice@example.com</contact>`), []string{"alice@example.com"}},
		"with space around an address":       {in("<contact>\n alice@example.com\t</contact>"), []string{"alice@example.com"}},
		"the same address again":             {in("<contact>alice@example.com</contact><contact>Alice@Example.com</contact>"), []string{"alice@example.com"}},
		"several services":                   {`<messenger><service name="a"><contactlist><contact>a@b.c</contact></contactlist></service><service name="b"><contactlist><contact>d@e.f</contact></contactlist></service></messenger>`, []string{"a@b.c", "d@e.f"}},
		"in capitals, with comments":         {strings.ToUpper(in("<contact>A@B.C</contact>")) + "<!-- done -->", []string{"A@B.C"}},
		"elements that nobody knows":         {in("<group><contact>x@y.z</contact></group><contact>a@b.c<nick>x@y.z</nick></contact><contact/>"), nil},
		"nobody":                             {in(""), nil},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := ctt.Parse([]byte(c.file))
			if err != nil || !slices.Equal(got, c.want) {
				t.Errorf("read %q, %v, want %q", got, err, c.want)
			}
		})
	}
}

func TestWhatIsNoListIsRefused(t *testing.T) {
	for name, c := range map[string]struct {
		file string
		want error
	}{
		"nothing":                   {"", ctt.ErrFormat},
		"text":                      {"alice@example.com\n", ctt.ErrFormat},
		"a picture":                 {"GIF89a\x01\x00\xFF", ctt.ErrFormat},
		"a page":                    {"<html><body>alice@example.com</body></html>", ctt.ErrFormat},
		"half a file":               {saved[:len(saved)-20], ctt.ErrFormat},
		"half a character":          {wide(saved)[:101], ctt.ErrFormat},
		"tags that cross":           {"<messenger><service></messenger></service>", ctt.ErrFormat},
		"an entity of its own":      {`<!DOCTYPE m [<!ENTITY a "alice@example.com">]>` + in("<contact>&a;</contact>"), ctt.ErrFormat},
		"a thousand million laughs": {`<!DOCTYPE m [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;">]>` + in("<contact>&b;</contact>"), ctt.ErrFormat},
		"a file of the server's":    {`<!DOCTYPE m SYSTEM "file:///etc/passwd">` + in("<contact>&m;</contact>"), ctt.ErrFormat},
		"an entity of nobody's":     {in("<contact>&a;</contact>"), ctt.ErrFormat},
		"a deep nest":               {strings.Repeat("<messenger>", 100_000/11), ctt.ErrFormat},
		"a code page of others":     {`<?xml version="1.0" encoding="koi8-r"?>` + in(""), ctt.ErrFormat},
		"no UTF-8":                  {in("<contact>\xFF@example.com</contact>"), ctt.ErrFormat},
		"too many bytes":            {in(strings.Repeat(" ", ctt.MaxSize)), ctt.ErrSize},
		"too many people":           {in(many(ctt.MaxContacts + 1)), ctt.ErrSize},
	} {
		t.Run(name, func(t *testing.T) {
			if got, err := ctt.Parse([]byte(c.file)); !errors.Is(err, c.want) {
				t.Errorf("read %q, %v, want %v", got, err, c.want)
			}
		})
	}
	if got, err := ctt.Parse([]byte(in(many(ctt.MaxContacts)))); err != nil || len(got) != ctt.MaxContacts {
		t.Errorf("as many as there may be: %d, %v", len(got), err)
	}
}

func many(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, "<contact>%d@example.com</contact>", i)
	}
	return b.String()
}

func TestFilesAreWritten(t *testing.T) {
	got := string(ctt.Append(nil, []string{"alice@example.com", "o'neil&sons@example.com"}))
	if want := strings.ReplaceAll(saved, "&apos;", "&#39;"); got != want {
		t.Errorf("wrote\n%s\nwant\n%s", got, want)
	}
}

func FuzzParse(f *testing.F) {
	for _, seed := range []string{saved, wide(saved), in("<contact>a</contact>"), `<!DOCTYPE m [<!ENTITY a "b">]>` + in("<contact>&a;</contact>"), "\xFE\xFF\x00<"} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, file []byte) {
		addresses, err := ctt.Parse(file)
		if err != nil {
			if !errors.Is(err, ctt.ErrFormat) && !errors.Is(err, ctt.ErrSize) {
				t.Errorf("another error: %v", err)
			}
			return
		}
		written := ctt.Append(nil, addresses)
		again, err := ctt.Parse(written)
		if err == nil && !slices.Equal(again, addresses) || err != nil && len(written) <= ctt.MaxSize {
			t.Errorf("%q is %q, %v, when it was written and read again", addresses, again, err)
		}
	})
}
