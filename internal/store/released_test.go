package store

import (
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"monarch/internal/auth"
	"monarch/internal/im"
)

// secretHash is of the password "secret".
const secretHash = "$argon2id$v=19$m=64,t=1,p=1$cSJMi7s8mMPc5S/ybVR+/g$XZwegGyaEm1T4bt9zdhcO+eNbJCfeJLHE1Vtmvrwp9o"

// newestReleased is the newest schema that is in testdata/released.
const newestReleased = 6

// citizens are the people of a small service, in the order they came. The last one leaves again.
var citizens = []string{"alice", "bob", "carol", "dave", "erin", "frank", "grace", "heidi", "ivan", "judy", "niaj", "mallory"}

// populate does what a service does in a while, by the methods that the store has had from the
// first release on. testdata/released/README.md
func populate(ctx context.Context, s *Store) error {
	ids := make(map[string]im.UserID)
	var all []error
	must := func(err error) { all = append(all, err) }
	for _, name := range citizens {
		u, err := s.CreateUser(ctx, name+"@example.com", strings.ToUpper(name[:1])+name[1:]+" ♥ 100%", secretHash)
		must(err)
		ids[name] = u.ID
	}
	_, err := s.Keys(ctx)
	must(err)
	for i, name := range citizens {
		for _, group := range []string{"Work", "Family & friends", "a b%20c"}[:i%4] {
			_, err := s.AddGroup(ctx, ids[name], group)
			must(err)
		}
		for j, places := range []int{1, 2, 5, 7, 9} {
			peer := citizens[(i+places)%len(citizens)]
			_, err := s.Add(ctx, ids[name], Addition{
				List: im.Forward, Handle: peer + "@example.com", Name: fmt.Sprint("My ", peer), Group: j % (i%4 + 1), Limit: 600,
			})
			must(err)
			list := im.Allow
			if (i+j)%4 == 0 {
				list = im.Block
			}
			_, err = s.Add(ctx, ids[name], Addition{List: list, Handle: peer + "@example.com", Name: peer, Group: -1, Limit: 600})
			must(err)
		}
		for _, p := range []im.Property{{Type: "PHH", Value: fmt.Sprintf("+44 (0) %d", i)}, {Type: "MOB", Value: "Y"}} {
			_, _, err := s.SetProperty(ctx, ids[name], p.Type, p.Value)
			must(err)
		}
	}
	change := func(_ uint32, err error) { must(err) }
	change(s.SetPrompt(ctx, ids["bob"], im.AddSilent))
	change(s.SetPolicy(ctx, ids["carol"], im.BlockOthers))
	change(s.Rename(ctx, ids["dave"], "Dave \u4f60\u597d"))
	change(s.RenameGroup(ctx, ids["dave"], 1, "Office"))
	change(s.NameContact(ctx, ids["erin"], "frank@example.com", "Frankie"))
	change(s.NameContact(ctx, ids["heidi"], "grace@example.com", "Off the list"))
	_, err = s.Remove(ctx, ids["frank"], Removal{List: im.Forward, Handle: "grace@example.com", Group: -1})
	must(err)
	_, _, err = s.RemoveGroup(ctx, ids["heidi"], 2)
	must(err)
	must(s.SetPassword(ctx, ids["ivan"], secretHash))
	must(s.SetDisabled(ctx, ids["judy"], true))
	must(s.DeleteUser(ctx, ids["mallory"]))
	return errors.Join(all...)
}

// populateMail adds what came with schema 2.
func populateMail(ctx context.Context, s *Store) error {
	alice, err1 := s.User(ctx, "alice@example.com")
	bob, err2 := s.User(ctx, "bob@example.com")
	err3 := s.SetMailbox(ctx, alice.ID, "https://mail.example.com/")
	_, _, err4 := s.CountMail(ctx, alice.ID, 3, 4)
	err5 := s.SetMailbox(ctx, bob.ID, "")
	limits := InvitationLimits{PersonHour: 9, PersonDay: 9, ServiceHour: 9, Again: time.Hour}
	err6 := s.Invite(ctx, bob.ID, "peggy@example.net", time.Unix(1_100_000_000, 0), limits)
	return errors.Join(err1, err2, err3, err4, err5, err6)
}

// A database that a release has left behind is, after its migration, what the present one would
// have made of the same life.
func TestSQLiteDatabasesOfEveryReleaseAreWholeAfterwards(t *testing.T) {
	ctx := context.Background()
	fresh := openAt(t, filepath.Join(t.TempDir(), "monarch.db"))
	if err := errors.Join(populate(ctx, fresh), populateMail(ctx, fresh)); err != nil {
		t.Fatal(err)
	}
	list, err := migrations()
	if err != nil {
		t.Fatal(err)
	}
	for schema := 1; schema < len(list) || schema <= newestReleased; schema++ {
		t.Run(fmt.Sprint("schema ", schema), func(t *testing.T) {
			path := unpackReleased(t, schema)
			if h, err := Check(ctx, "sqlite://"+path); err != nil || h.Schema != schema || len(h.Faults) > 0 {
				t.Fatalf("the file has %+v, %v", h, err)
			}
			s := openAt(t, path)
			if schema == 1 {
				if err := populateMail(ctx, s); err != nil {
					t.Fatal(err)
				}
			}
			if diff := cmp.Diff(census(t, fresh), census(t, s), cmpopts.EquateEmpty()); diff != "" {
				t.Error(diff)
			}
			checkUse(t, s)
			if h, err := Check(ctx, "sqlite://"+path); err != nil || h.Schema != len(list) || len(h.Faults) > 0 {
				t.Errorf("after the migration: %+v, %v", h, err)
			}
		})
	}
}

// unpackReleased returns a copy of the database that a release with this schema made.
func unpackReleased(t *testing.T, schema int) string {
	t.Helper()
	packed, err := os.Open(fmt.Sprintf("testdata/released/schema-%d.db.gz", schema))
	if err != nil {
		t.Fatalf("%v; testdata/released/README.md says how to make it", err)
	}
	defer packed.Close()
	r, err := gzip.NewReader(packed)
	if err != nil {
		t.Fatal(err)
	}
	whole, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "monarch.db")
	if err := os.WriteFile(path, whole, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// resident is all that a database knows of somebody, but when he came and how many steps his
// lists took: who sees what, and so takes a step, is not the same in every release.
type resident struct {
	Roster  im.Roster
	Mailbox *im.Mailbox
}

func census(t *testing.T, s *Store) map[string]resident {
	t.Helper()
	ctx := context.Background()
	users, err := s.Users(ctx, "", 100)
	if err != nil {
		t.Fatal(err)
	}
	all := make(map[string]resident)
	for _, u := range users {
		roster, err := s.Roster(ctx, u.ID)
		if err != nil {
			t.Fatal(err)
		}
		_, box, err := s.UserWithMailbox(ctx, u.ID)
		if err != nil {
			t.Fatal(err)
		}
		roster.User.Created, roster.User.Version = 0, 0
		all[u.Handle] = resident{roster, box}
	}
	return all
}

// checkUse tries what people would do next.
func checkUse(t *testing.T, s *Store) {
	t.Helper()
	ctx := context.Background()
	u, err := s.User(ctx, "alice@example.com")
	if err != nil {
		t.Fatal(err)
	}
	ok, err := auth.NewHasher(1, 1, auth.DefaultParams).Check(ctx, netip.Addr{}, u.PasswordHash, "secret")
	if err != nil || !ok {
		t.Errorf("the password is not right: %v", err)
	}
	if keys, err := s.Keys(ctx); err != nil || len(keys) != 1 || len(keys[0].Secret) != 32 {
		t.Errorf("%d keys, %v", len(keys), err)
	}
	if _, err := s.Add(ctx, u.ID, Addition{List: im.Forward, Handle: "erin@example.com", Name: "Erin", Limit: 600}); err != nil {
		t.Errorf("nobody can be added: %v", err)
	}
	if made, err := s.CreateUser(ctx, "zoe@example.com", "Zoe", secretHash); err != nil || int(made.ID) <= len(citizens)-1 {
		t.Errorf("the next account is number %d, %v", made.ID, err)
	}
}
