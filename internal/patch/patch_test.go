package patch_test

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"monarch/internal/patch"
)

// vectors are what the patcher in the browser is tried with, too: testdata/vectors.json.
type vectors struct {
	Tables map[string]struct {
		Names patch.Names
		Texts []patch.Text
	}
	Refused []struct{ Name, Hex string }
	Cases   []vector
}

// vector is a program before and after, and what is said about it.
type vector struct {
	Name, Table   string
	Before, After []piece
	Changes       []change
	Already, Left []place
	Version       string
	Suits         bool
}

// piece is a stretch of a program.
type piece struct{ ANSI, Wide, Hex string }

// place is one in the part of the program behind its header.
type place struct {
	At       int
	Text     string
	Encoding patch.Encoding
}

type change struct {
	place
	Now string
}

func (c *change) UnmarshalJSON(text []byte) error {
	var now struct{ Now string }
	err := errors.Join(json.Unmarshal(text, &now), json.Unmarshal(text, &c.place))
	c.Now = now.Now
	return err
}

func load(t *testing.T) (v vectors) {
	t.Helper()
	text, err := os.ReadFile("testdata/vectors.json")
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(text, &v); err != nil {
		t.Fatal(err)
	}
	return v
}

// header is how long the header of a program is here.
const header = 0x200

// build makes a program with pieces behind its header: one section of data, and no code.
func build(t *testing.T, pieces []piece) []byte {
	t.Helper()
	b := make([]byte, header)
	copy(b, "MZ")
	binary.LittleEndian.PutUint32(b[0x3c:], 0x80)
	copy(b[0x80:], "PE\x00\x00")
	binary.LittleEndian.PutUint16(b[0x84:], 0x14c) // for the 386
	binary.LittleEndian.PutUint16(b[0x86:], 1)     // one section
	binary.LittleEndian.PutUint16(b[0x94:], 0xe0)  // the optional header
	binary.LittleEndian.PutUint16(b[0x98:], 0x10b)
	copy(b[0x178:], ".rdata")
	for _, p := range pieces {
		b = append(b, p.ANSI...)
		for _, c := range []byte(p.Wide) {
			b = append(b, c, 0)
		}
		raw, err := hex.DecodeString(p.Hex)
		if err != nil {
			t.Fatal(err)
		}
		b = append(b, raw...)
	}
	return b
}

func TestVectors(t *testing.T) {
	v := load(t)
	for _, c := range v.Cases {
		t.Run(c.Name, func(t *testing.T) {
			before := build(t, c.Before)
			kept := bytes.Clone(before)
			r, err := patch.Patch(before, v.Tables[c.Table].Texts)
			if err != nil {
				t.Fatal(err)
			}
			if !bytes.Equal(before, kept) {
				t.Error("the original was changed")
			}
			if want := build(t, c.After); !bytes.Equal(r.Program, want) {
				t.Errorf("the copy is\n%q, want\n%q", r.Program[header:], want[header:])
			}
			if want := changes(c.Changes); !slices.Equal(r.Changes, want) {
				t.Errorf("changes (-want +got):\n%s", cmp.Diff(want, r.Changes))
			}
			for _, list := range []struct {
				name string
				got  []patch.Place
				want []place
			}{{"already", r.Already, c.Already}, {"left", r.Left, c.Left}} {
				if want := places(list.want); !slices.Equal(list.got, want) {
					t.Errorf("%s (-want +got):\n%s", list.name, cmp.Diff(want, list.got))
				}
			}
			if c.Version == "" && r.Version.Known() || c.Version != "" && r.Version.String() != c.Version || r.Version.Suits() != c.Suits {
				t.Errorf("version %v, suits %v", r.Version, r.Version.Suits())
			}
			again, err := patch.Patch(r.Program, v.Tables[c.Table].Texts)
			if err != nil || len(again.Changes) != 0 || !bytes.Equal(again.Program, r.Program) {
				t.Errorf("patched again: %+v %v", again.Changes, err)
			}
		})
	}
}

func changes(want []change) (all []patch.Change) {
	for _, c := range want {
		all = append(all, patch.Change{Place: places([]place{c.place})[0], Now: c.Now})
	}
	return all
}

func places(want []place) (all []patch.Place) {
	for _, p := range want {
		all = append(all, patch.Place{Text: p.Text, Offset: header + p.At, Encoding: p.Encoding})
	}
	return all
}

func TestWhatIsNoProgramIsRefused(t *testing.T) {
	for _, c := range load(t).Refused {
		raw, err := hex.DecodeString(c.Hex)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := patch.Patch(raw, nil); !errors.Is(err, patch.ErrNoProgram) {
			t.Errorf("%s: %v", c.Name, err)
		}
	}
	if _, err := patch.Patch(make([]byte, patch.MaxProgram+1), nil); !errors.Is(err, patch.ErrTooLarge) {
		t.Errorf("64 MiB and a byte: %v", err)
	}
}

func TestNames(t *testing.T) {
	for name, table := range load(t).Tables {
		if diff := cmp.Diff(table.Texts, table.Names.Texts()); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
	for _, text := range (patch.Names{Dispatch: []string{"a b", "x"}, Pages: []string{"https://x", "[::1]"}}).Texts() {
		if want := text.Original == "messenger.hotmail.com"; (text.Ours == "x") != want || !want && text.Ours != "" {
			t.Errorf("%s becomes %q", text.Original, text.Ours)
		}
	}
}

func TestNamesOfAService(t *testing.T) {
	for login, want := range map[string]patch.Names{
		"login.passport.com": {Dispatch: []string{"ds.example.com", "im.example.com"}, Pages: []string{"im.example.com"}},
		"id.example.com":     {Dispatch: []string{"ds.example.com", "im.example.com", "id.example.com"}, Pages: []string{"im.example.com", "id.example.com"}},
	} {
		if diff := cmp.Diff(want, patch.NamesOf("im.example.com", "ds.example.com", login)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", login, diff)
		}
	}
}

func TestCheckName(t *testing.T) {
	for _, name := range []string{"im.example.com", "a", "a-b.c", "192.0.2.10", "MSN.example"} {
		if err := patch.CheckName(name); err != nil {
			t.Error(err)
		}
	}
	for _, name := range []string{"", ".", "a..b", "a.", "-a", "a-.b", "a_b", "http://a", "a:1863", "a/b", "é.example", "a b", "::1"} {
		if err := patch.CheckName(name); err == nil || !strings.Contains(err.Error(), "like im.example.com") {
			t.Errorf("%q: %v", name, err)
		}
	}
}

func TestForeign(t *testing.T) {
	for host, want := range map[string]bool{
		"login.passport.com": true, "LOGIN.LIVE.COM": true, "msn.com": true, "im.example.com": false, "notmsn.com": false, "": false,
	} {
		if got := patch.Foreign(host); got != want {
			t.Errorf("%s: %v", host, got)
		}
	}
}

// Whatever a file is, its copy is as long and differs only where a change is told.
func FuzzPatch(f *testing.F) {
	texts := patch.Names{Dispatch: []string{"im.example.com"}, Pages: []string{"im.example.com"}}.Texts()
	f.Add([]byte("messenger.hotmail.com\x00n\x00e\x00"))
	f.Add([]byte("xhttp://config.messenger.msn.com/Config/MsgrConfig.asmx?a"))
	f.Add([]byte("nexus.passport.com/rdr/pprdr.asp"))
	head := make([]byte, 0x44)
	copy(head, "MZ")
	head[0x3c] = 0x40
	copy(head[0x40:], "PE\x00\x00")
	f.Fuzz(func(t *testing.T, body []byte) {
		program := append(bytes.Clone(head), body...)
		r, err := patch.Patch(program, texts)
		if err != nil {
			t.Fatal(err)
		}
		if len(r.Program) != len(program) {
			t.Fatalf("%d bytes became %d", len(program), len(r.Program))
		}
		for i := range program {
			inside := slices.ContainsFunc(r.Changes, func(c patch.Change) bool {
				return i >= c.Offset && i < c.Offset+2*len(c.Text)
			})
			if program[i] != r.Program[i] && !inside {
				t.Fatalf("byte %d changed", i)
			}
		}
	})
}
