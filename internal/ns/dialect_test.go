package ns

import (
	"strings"
	"testing"
	"time"

	"monarch/internal/im"
	"monarch/msnp"
)

// These tests are inside the package because dialects are its tables. What clients see of
// them is in the transcripts of internal/server.

var roster = im.Roster{
	User:       im.User{Prompt: im.Ask, Policy: im.AllowOthers},
	Properties: []im.Property{{Type: "PHH", Value: "1 (555) 010"}, {Type: "MOB", Value: "Y"}, {Type: "WWE", Value: "2"}},
	Groups:     []im.Group{{Number: 0, Name: "Other Contacts"}, {Number: 7, Name: "100% Grüße"}},
	Contacts: []im.Contact{
		{
			ID: 1, Handle: "bob@example.com", Stored: "Bobby B",
			Lists: im.Forward | im.Allow | im.Reverse, Groups: []int{0, 7},
			Properties: []im.Property{{Type: "PHM", Value: "555"}, {Type: "WWE", Value: "2"}},
		},
		{ID: 2, Handle: "carol@example.com", Stored: "Carol", Lists: im.Block},
		{ID: 3, Handle: "dave@example.com", Stored: "Dave", Lists: im.Reverse},
	},
}

func TestRosterInEachDialect(t *testing.T) {
	const msnp8Lines = `GTC A
BLP AL
PRP PHH 1%20(555)%20010
PRP MOB Y
LSG 0 Other%20Contacts 0
LSG 7 100%25%20Gr%C3%BC%C3%9Fe 0
LST bob@example.com Bobby%20B 11 0,7
BPR PHM 555
LST carol@example.com Carol 4
LST dave@example.com Dave 8
`
	// MSNP9 knows the watch as well.
	msnp9Lines := strings.NewReplacer("PRP MOB Y\n", "PRP MOB Y\nPRP WWE 2\n", "BPR PHM 555\n", "BPR PHM 555\nBPR WWE 2\n").Replace(msnp8Lines)
	for d, want := range map[*dialect]string{msnp8: msnp8Lines, msnp9: msnp9Lines} {
		got := strings.ReplaceAll(string(d.appendRoster(nil, roster)), "\r\n", "\n")
		if got != want {
			t.Errorf("%v:\n%s\nwant:\n%s", d.version, got, want)
		}
	}
}

func TestDialectsDifferInWhatTheirNotesSay(t *testing.T) {
	plain := im.Presence{Status: msnp.Online, Flags: 1}
	picture := plain
	picture.Object = "%3Cmsnobj/%3E"
	away := plain
	away.Status = msnp.Away
	for _, test := range []struct {
		d           *dialect
		pong        string
		seesPicture bool
		page        msnp.Verb
	}{
		{msnp8, "QNG\r\n", false, msnp.PAG},
		{msnp9, "QNG 60\r\n", true, msnp.PGD},
	} {
		if got := string(test.d.pong(nil, time.Minute)); got != test.pong {
			t.Errorf("%v answers a ping with %q", test.d.version, got)
		}
		if test.d.same(plain, picture) == test.seesPicture || test.d.same(plain, away) || !test.d.same(away, away) {
			t.Errorf("%v mistakes what its clients see", test.d.version)
		}
		if _, ok := test.d.commands[test.page]; !ok {
			t.Errorf("%v lacks %s", test.d.version, test.page)
		}
	}
	if _, ok := msnp8.commands[msnp.PGD]; ok {
		t.Error("a later dialect has changed an earlier one")
	}
}

func TestEveryCommandRefusesALineWithoutParameters(t *testing.T) {
	// OUT and PNG have none; the rest needs a TrID at least.
	free := map[msnp.Verb]bool{msnp.OUT: true, msnp.PNG: true}
	for _, d := range offered() {
		for verb, cmd := range d.commands {
			if free[verb] {
				continue
			}
			s := &session{srv: New(Config{}), dialect: d, state: signedIn}
			cmd.links = false
			if err := s.run(t.Context(), cmd, msnp.Frame{Verb: verb}); err == nil {
				t.Errorf("%v: %s alone is accepted", d.version, verb)
			}
		}
	}
}

func TestPhoneLinesAreAlwaysFour(t *testing.T) {
	c := im.Contact{
		Handle:     "bob@example.com",
		Properties: []im.Property{{Type: "PHW", Value: "1 2"}, {Type: "WWE", Value: "2"}},
	}
	want := "BPR 9 bob@example.com PHH\r\nBPR 9 bob@example.com PHW 1%202\r\nBPR 9 bob@example.com PHM\r\nBPR 9 bob@example.com MOB N\r\n"
	if got := string(msnp9.appendPhones(nil, 9, c)); got != want {
		t.Errorf("%q", got)
	}
}
