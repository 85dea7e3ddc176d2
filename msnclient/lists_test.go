package msnclient_test

import (
	"errors"
	"reflect"
	"slices"
	"strings"
	"testing"

	"monarch/msnclient"
	"monarch/msnp"
)

// code is the error line in an error, or 0.
func code(err error) msnp.Code {
	var c msnp.Code
	errors.As(err, &c)
	return c
}

// agrees checks that what a client made of the server's lines is what the server has, by
// signing in again with nothing.
func agrees(t *testing.T, w *world, u *user, nick string) {
	t.Helper()
	mine := u.Roster()
	check(t, u.Close())
	theirs := w.signIn(nick, u.Version()).Roster()
	for _, r := range []*msnclient.Roster{&mine, &theirs} {
		r.Contacts = slices.Clone(r.Contacts)
		for i := range r.Contacts {
			c := &r.Contacts[i]
			c.Person = msnclient.Person{Handle: c.Handle}
			if c.Properties["MOB"] == "N" {
				delete(c.Properties, "MOB") // told after ADD, but not in the roster
			}
			if len(c.Properties) == 0 {
				c.Properties = nil
			}
		}
	}
	if !reflect.DeepEqual(mine, theirs) {
		t.Errorf("the client has   %+v\nthe server has %+v", mine, theirs)
	}
}

func TestLists(t *testing.T) {
	t.Parallel()
	pairs(t, func(t *testing.T, a, b msnp.Version) {
		w := newWorld(t, nil)
		alice, bob := w.signIn("alice", a), w.signIn("bob", b)
		ctx := within(t)
		lists := func(u *user, handle string, want msnclient.Lists) {
			t.Helper()
			if c, _ := u.Roster().Contact(handle); c.Lists != want {
				t.Errorf("%s is on %04b of %s, want %04b", handle, c.Lists, u.Self().Handle, want)
			}
		}
		check(t, alice.Add(ctx, "Bob@Example.com", "Bobby B", msnp.NoGroup))
		lists(alice, "bob@example.com", msnclient.Forward)
		alice.becomes("bob@example.com", msnp.Online)
		if e := expect[msnclient.AddedBy](bob, nil); e.Handle != "alice@example.com" || e.Name != "Alice" {
			t.Errorf("%+v", e)
		}
		if c, _ := bob.Roster().Contact("alice@example.com"); !c.Pending() {
			t.Errorf("%+v", c)
		}
		check(t, bob.Accept(ctx, "alice@example.com"))
		check(t, bob.Accept(ctx, "alice@example.com"))
		lists(bob, "alice@example.com", msnclient.Forward|msnclient.Allowed|msnclient.Reverse)
		expect[msnclient.AddedBy](alice, nil)
		lists(alice, "bob@example.com", msnclient.Forward|msnclient.Reverse)

		check(t, bob.Block(ctx, "alice@example.com"))
		check(t, bob.Block(ctx, "alice@example.com"))
		lists(bob, "alice@example.com", msnclient.Forward|msnclient.Blocked|msnclient.Reverse)
		alice.becomes("bob@example.com", msnp.Offline)
		check(t, bob.Unblock(ctx, "alice@example.com"))
		check(t, bob.Unblock(ctx, "alice@example.com"))
		alice.becomes("bob@example.com", msnp.Online)
		check(t, bob.Allow(ctx, "alice@example.com"))
		lists(bob, "alice@example.com", msnclient.Forward|msnclient.Allowed|msnclient.Reverse)

		check(t, alice.Rename(ctx, "bob@example.com", "Robert 100%"))
		if c, _ := alice.Roster().Contact("bob@example.com"); c.Stored != "Robert 100%" || c.Name != "Bob" {
			t.Errorf("%+v", c)
		}
		check(t, alice.Remove(ctx, "bob@example.com"))
		expect[msnclient.RemovedBy](bob, nil)
		lists(bob, "alice@example.com", msnclient.Forward|msnclient.Allowed)
		lists(alice, "bob@example.com", msnclient.Reverse)
		agrees(t, w, alice, "alice")
		agrees(t, w, bob, "bob")
	})
}

func TestGroups(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, v msnp.Version) {
		w := newWorld(t, nil)
		alice := w.signIn("alice", v)
		ctx := within(t)
		friends, err := alice.AddGroup(ctx, "Friends & family")
		check(t, err)
		work, err := alice.AddGroup(ctx, "Work")
		check(t, err)
		if same, err := alice.AddGroup(ctx, "Work"); err != nil || same != work {
			t.Errorf("the group of that name is %+v, %v", same, err)
		}
		check(t, alice.Add(ctx, "bob@example.com", "", friends.Number))
		check(t, alice.Add(ctx, "carol@example.com", "", msnp.NoGroup))
		check(t, alice.AddToGroup(ctx, "bob@example.com", work.Number))
		check(t, alice.Move(ctx, "bob@example.com", friends.Number, 0))
		check(t, alice.RenameGroup(ctx, work.Number, "Colleagues"))
		groups := func(handle string, want ...int) {
			t.Helper()
			if c, _ := alice.Roster().Contact(handle); !slices.Equal(c.Groups, want) || c.Lists.Has(msnclient.Forward) != (len(want) > 0) {
				t.Errorf("%s: %+v, want groups %v", handle, c, want)
			}
		}
		groups("bob@example.com", 0, work.Number)
		groups("carol@example.com", 0)
		if g, ok := alice.Roster().Group("Colleagues"); !ok || g.Number != work.Number {
			t.Errorf("%+v", alice.Roster().Groups)
		}
		check(t, alice.RemoveFromGroup(ctx, "bob@example.com", 0))
		groups("bob@example.com", work.Number)
		check(t, alice.RemoveGroup(ctx, work.Number))
		groups("bob@example.com")
		check(t, alice.RemoveFromGroup(ctx, "carol@example.com", 0))
		groups("carol@example.com")
		if r := alice.Roster(); len(r.Contacts) != 0 || len(r.Groups) != 2 {
			t.Errorf("left: %+v", r)
		}
		agrees(t, w, alice, "alice")
	})
}

func TestSettings(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, v msnp.Version) {
		w := newWorld(t, nil)
		w.p.Play("mutual alice bob")
		alice, bob := w.signIn("alice", v), w.signIn("bob", v)
		ctx := within(t)
		for range 2 { // the second time nothing changes
			check(t, alice.SetPrivacy(ctx, msnclient.BlockOthers))
			check(t, alice.SetPrompt(ctx, msnclient.AddSilently))
		}
		check(t, alice.SetProperty(ctx, "PHM", "1 555 011"))
		check(t, alice.SetProperty(ctx, "PHH", "1 555 012"))
		check(t, alice.SetProperty(ctx, "PHH", ""))
		check(t, alice.SetProperty(ctx, "MOB", "Y"))
		e := expect(bob, func(e msnclient.ContactChanged) bool { return e.Properties["MOB"] == "Y" })
		if e.Handle != "alice@example.com" || e.Properties["PHM"] != "1 555 011" || e.Properties["PHH"] != "" {
			t.Errorf("%+v", e)
		}
		r := alice.Roster()
		if r.Privacy != msnclient.BlockOthers || r.Prompt != msnclient.AddSilently || r.Properties["PHM"] != "1 555 011" {
			t.Errorf("%+v", r)
		}
		page, err := alice.Page(ctx, "INBOX", "")
		if err != nil || page.Form == "" || page.Target == "" {
			t.Errorf("%+v, %v", page, err)
		}
		agrees(t, w, alice, "alice")
		agrees(t, w, bob, "bob")
	})
}

// TestNothingBreaksTheLine asks for what the server would hang up on.
func TestNothingBreaksTheLine(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	alice := w.signIn("alice", msnp.MSNP9)
	ctx := within(t)
	long := strings.Repeat("long ", 100)
	for what, c := range map[string]struct {
		err  error
		code msnp.Code
		is   error
	}{
		"a name too long":         {err: alice.SetName(ctx, long), is: msnclient.ErrTooLong},
		"no name":                 {err: alice.SetName(ctx, ""), code: msnp.CodeNameRefused},
		"a handle with a blank":   {err: alice.Add(ctx, "bob @example.com", "", 0), code: msnp.CodeInvalidHandle},
		"a handle with a line":    {err: alice.Allow(ctx, "bob@example.com\r\nOUT"), code: msnp.CodeInvalidHandle},
		"a handle without domain": {err: alice.Add(ctx, "bob@localhost", "", 0), code: msnp.CodeInvalidParameter},
		"nobody":                  {err: alice.Add(ctx, "nobody@example.com", "", 0), code: msnp.CodeNoSuchUser},
		"a stored name too long":  {err: alice.Add(ctx, "bob@example.com", long, 0), is: msnclient.ErrTooLong},
		"a group nobody has":      {err: alice.Add(ctx, "bob@example.com", "", 7), code: msnp.CodeNoGroup},
		"a group out of range":    {err: alice.RemoveGroup(ctx, 30), code: msnp.CodeNoGroup},
		"group 0 to remove":       {err: alice.RemoveGroup(ctx, 0), code: msnp.CodeGroupZero},
		"a group name too long":   {err: alice.RenameGroup(ctx, 0, long), is: msnclient.ErrTooLong},
		"somebody not listed":     {err: alice.Remove(ctx, "bob@example.com"), code: msnp.CodeNotListed},
		"a status nobody has":     {err: alice.SetStatus(ctx, "XYZ"), code: msnp.CodeInvalidParameter},
		"the status off line":     {err: alice.SetStatus(ctx, msnp.Offline), code: msnp.CodeInvalidParameter},
		"a property nobody has":   {err: alice.SetProperty(ctx, "ABC", "1"), code: msnp.CodeNotExpected},
		"a property too long":     {err: alice.SetProperty(ctx, "PHH", long), is: msnclient.ErrTooLong},
		"a mobile that is maybe":  {err: alice.SetProperty(ctx, "MOB", "maybe"), code: msnp.CodeInvalidParameter},
		"a privacy nobody has":    {err: alice.SetPrivacy(ctx, "XX"), code: msnp.CodeInvalidParameter},
		"a page nobody has":       {err: second(alice.Page(ctx, "ATTIC", "")), code: msnp.CodeInvalidParameter},
		"a call to nobody":        {err: second(alice.Open(ctx, "bob")), code: msnp.CodeInvalidHandle},
		"a call to one offline":   {err: second(alice.Open(ctx, "bob@example.com")), code: msnp.CodeNotOnline, is: msnclient.ErrNotOnline},
		"a call to oneself":       {err: second(alice.Open(ctx, "alice@example.com")), code: msnp.CodeAlreadyThere},
	} {
		if c.code != 0 && code(c.err) != c.code || c.is != nil && !errors.Is(c.err, c.is) {
			t.Errorf("%s: %v", what, c.err)
		}
	}
	check(t, alice.Ping(ctx))
	check(t, alice.SetStatus(ctx, msnp.Hidden))
	if _, err := alice.Open(ctx, "bob@example.com"); code(err) != msnp.CodeNotWhileHidden {
		t.Errorf("a call while hidden: %v", err)
	}
}

func second[T any](_ T, err error) error { return err }

func TestPresence(t *testing.T) {
	t.Parallel()
	pairs(t, func(t *testing.T, a, b msnp.Version) {
		w := newWorld(t, map[string]string{"limits.signin_hold": "1ms"})
		w.p.Play("mutual alice bob")
		both := min(a, b) == msnp.MSNP9
		cat := &msnclient.Picture{Data: []byte("a picture of a cat"), Location: "cat & dog.png"}
		alice := w.signIn("alice", a, func(c *msnclient.Config) { c.Status, c.Picture, c.Flags = msnp.Busy, cat, 0x10020000 })
		bob := w.signIn("bob", b)
		ctx := within(t)
		pictured := func(e msnclient.PresenceChanged, yes bool) {
			t.Helper()
			if (e.Picture != nil) != (yes && both) {
				t.Errorf("picture %+v", e.Picture)
			} else if e.Picture != nil && (e.Picture.Location != cat.Location || e.Picture.Size != len(cat.Data) || e.PictureText != e.Picture.String()) {
				t.Errorf("picture %+v", e.Picture)
			}
		}
		e := bob.becomes("alice@example.com", msnp.Busy)
		if e.Was != msnp.Offline || e.Name != "Alice" || e.Flags != 0x10020000 {
			t.Errorf("%+v", e)
		}
		pictured(e, true)
		alice.becomes("bob@example.com", msnp.Online)

		check(t, alice.SetName(ctx, "Alice in Wonderland"))
		if e := bob.becomes("alice@example.com", msnp.Busy); e.Name != "Alice in Wonderland" || e.Was != msnp.Busy {
			t.Errorf("%+v", e)
		}
		for _, s := range []msnp.Status{msnp.Idle, msnp.BRB, msnp.Away, msnp.Phone, msnp.Lunch} {
			check(t, alice.SetStatus(ctx, s))
			pictured(bob.becomes("alice@example.com", s), true)
			if alice.Self().Status != s {
				t.Errorf("I am %v, not %v", alice.Self().Status, s)
			}
		}
		check(t, alice.SetPicture(ctx, nil))
		check(t, alice.SetStatus(ctx, msnp.Online))
		pictured(bob.becomes("alice@example.com", msnp.Online), false)
		if c, _ := bob.Roster().Contact("alice@example.com"); c.Picture != nil || c.Status != msnp.Online {
			t.Errorf("%+v", c)
		}
		check(t, alice.SetStatus(ctx, msnp.Hidden))
		bob.becomes("alice@example.com", msnp.Offline)
		check(t, bob.SetStatus(ctx, msnp.Away))
		alice.becomes("bob@example.com", msnp.Away)
		check(t, alice.SetStatus(ctx, msnp.Online))
		bob.becomes("alice@example.com", msnp.Online)
		check(t, alice.Close())
		if e := bob.becomes("alice@example.com", msnp.Offline); e.Was != msnp.Online || e.Picture != nil {
			t.Errorf("%+v", e)
		}
	})
}

func TestRenamedByTheOperator(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	w.p.Play("mutual alice bob")
	alice, bob := w.signIn("alice", msnp.MSNP9), w.signIn("bob", msnp.MSNP8)
	bob.becomes("alice@example.com", msnp.Online)
	check(t, w.f.Server.Admin().Rename(t.Context(), "alice@example.com", "Alicia"))
	expect(bob, func(e msnclient.PresenceChanged) bool { return e.Name == "Alicia" })
	check(t, alice.Ping(within(t)))
}
