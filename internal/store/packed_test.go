package store

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	"monarch/internal/im"
)

// largeRoster has n contacts, all different, and something of everything.
func largeRoster(n int) im.Roster {
	r := im.Roster{
		Properties: []im.Property{{Type: "PHH", Value: "1 555"}, {Type: "MBE", Value: "Y"}},
		Groups:     []im.Group{{Number: 0, Name: "Other Contacts"}, {Number: 29, Name: "50% \xff"}},
	}
	for i := range n {
		c := im.Contact{
			ID: im.UserID(1 + i*i), Handle: fmt.Sprintf("user%05d@example.com", i), Stored: fmt.Sprint("Friend ", i), AllowsUser: i%3 > 0,
			Lists: im.Forward | im.Allow, Groups: []int{0},
		}
		if i%7 > 0 {
			c.Lists |= im.Reverse
		}
		switch i % 10 {
		case 1:
			c.Lists, c.Groups = im.Block, nil
		case 2:
			c.Groups = []int{0, 29}
			if c.Lists&im.Reverse != 0 {
				c.Properties = []im.Property{{Type: "MOB", Value: "Y"}, {Type: "WWE", Value: "2"}}
			}
		}
		r.Contacts = append(r.Contacts, c)
	}
	return r
}

func TestAPackedRosterIsTheSameAfterwards(t *testing.T) {
	for _, want := range []im.Roster{
		{},
		largeRoster(1),
		largeRoster(600),
		{Contacts: []im.Contact{{ID: 1<<31 - 1, Handle: "last@example.com", Stored: "x", Lists: im.Reverse}}},
	} {
		got, ok := unpackRoster(string(packRoster(want)))
		if !ok {
			t.Errorf("not in order, with %d contacts", len(want.Contacts))
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Error(diff)
		}
	}
}

func TestNoPartOfAPackedRosterPassesForOne(t *testing.T) {
	whole := string(packRoster(largeRoster(12)))
	for n := range whole {
		if _, ok := unpackRoster(whole[:n]); ok {
			t.Errorf("%d of %d bytes are in order", n, len(whole))
		}
	}
	if _, ok := unpackRoster(whole + "\x00"); ok {
		t.Error("one byte more is in order")
	}
}

func TestUnpackingTakesFewAllocations(t *testing.T) {
	body := string(packRoster(largeRoster(150)))
	got := testing.AllocsPerRun(100, func() { unpackRoster(body) })
	const most = 10
	if got > most {
		t.Errorf("%v allocations, want at most %d", got, most)
	}
}

func FuzzUnpackRoster(f *testing.F) {
	f.Add(string(packRoster(im.Roster{})))
	f.Add(string(packRoster(largeRoster(5))))
	f.Add("\x01\xff\xff\xff\xff\x7f")
	f.Fuzz(func(t *testing.T, body string) {
		r, ok := unpackRoster(body)
		if !ok {
			return
		}
		again, ok := unpackRoster(string(packRoster(r)))
		if diff := cmp.Diff(r, again); diff != "" || !ok {
			t.Errorf("not the same when packed again: %s", diff)
		}
	})
}

func BenchmarkUnpackRoster(b *testing.B) {
	body := string(packRoster(largeRoster(150)))
	b.ReportAllocs()
	b.SetBytes(int64(len(body)))
	for b.Loop() {
		unpackRoster(body)
	}
}

func BenchmarkPackRoster(b *testing.B) {
	r := largeRoster(150)
	b.ReportAllocs()
	for b.Loop() {
		packRoster(r)
	}
}
