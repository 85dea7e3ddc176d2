package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"monarch/internal/im"
)

// place is a directory with a database in it.
type place struct {
	t    *testing.T
	path string
}

func newPlace(t *testing.T) place {
	t.Helper()
	return place{t, filepath.Join(t.TempDir(), "monarch.db")}
}

func (p place) url() string { return "sqlite://" + p.path }

// use opens the database for the length of a function.
func (p place) use(do func(ctx context.Context, s *Store) error) {
	p.t.Helper()
	s, err := Open(context.Background(), p.url())
	if err != nil {
		p.t.Fatal(err)
	}
	if err := errors.Join(do(context.Background(), s), s.Close()); err != nil {
		p.t.Fatal(err)
	}
}

// files returns what is in the directory.
func (p place) files() []string {
	p.t.Helper()
	entries, err := os.ReadDir(filepath.Dir(p.path))
	if err != nil {
		p.t.Fatal(err)
	}
	var names []string
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return names
}

// dump returns every row of every table of a database.
func dump(t *testing.T, path string) map[string][]string {
	t.Helper()
	db, err := sql.Open("sqlite", dataSource(path, []string{"_pragma=query_only(1)"}))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	tables, err := lines(context.Background(), db, `SELECT name FROM sqlite_master WHERE type = 'table'`)
	if err != nil {
		t.Fatal(err)
	}
	all := make(map[string][]string)
	for _, table := range tables {
		all[table] = dumpTable(t, db, table)
	}
	return all
}

// dumpTable returns its rows in some fixed order, versions without what a restore adds to them.
func dumpTable(t *testing.T, db *sql.DB, table string) []string {
	t.Helper()
	rows, err := db.Query(`SELECT * FROM "` + table + `"`)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	columns, err := rows.Columns()
	if err != nil {
		t.Fatal(err)
	}
	all := []string{}
	for rows.Next() {
		row := make([]any, len(columns))
		into := make([]any, len(columns))
		for i := range row {
			into[i] = &row[i]
		}
		if err := rows.Scan(into...); err != nil {
			t.Fatal(err)
		}
		line := ""
		for i, c := range columns {
			if v, ok := row[i].(int64); ok && c == "version" && (table == "account" || table == "roster_record") {
				row[i] = v % restoredSteps
			}
			line += fmt.Sprintf("%s=%v ", c, row[i])
		}
		all = append(all, line)
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	slices.Sort(all)
	return all
}

// busyWorld makes a database with something in every table, and returns a backup of it.
func busyWorld(t *testing.T) (p place, backup string) {
	t.Helper()
	p = newPlace(t)
	backup = filepath.Join(t.TempDir(), "backup.db")
	p.use(func(ctx context.Context, s *Store) error {
		alice, err1 := s.CreateUser(ctx, "alice@example.com", "Alice ♥", "hash")
		bob, err2 := s.CreateUser(ctx, "bob@example.com", "Bob", "hash")
		_, err3 := s.AddGroup(ctx, alice.ID, "Work")
		_, err4 := s.Add(ctx, alice.ID, Addition{List: im.Forward, Handle: bob.Handle, Name: "Bobby", Group: 1, Limit: 9})
		_, _, err5 := s.SetProperty(ctx, alice.ID, "PHH", "1 555")
		err6 := s.SetMailbox(ctx, alice.ID, "https://mail.example.com/")
		_, err7 := s.Keys(ctx)
		roster, epoch, err8 := s.computeRoster(ctx, "test", alice.ID)
		err9 := s.Invite(ctx, alice.ID, "dan@example.net", time.Now(), InvitationLimits{PersonHour: 9, PersonDay: 9, ServiceHour: 9, Again: time.Hour})
		err10 := s.writeRecords(ctx, []record{newRecord(roster, epoch)})
		err11 := s.AddWebSession(ctx, alice, "token", WebSession{Created: 1000, Seen: 1001})
		err12 := s.AddInvite(ctx, InviteCode{Code: "AAAA-BBBB-CCCC", Uses: 3, Created: 1000, MadeBy: "somebody"})
		err13 := s.AddResetLetter(ctx, "letter", alice, time.Unix(1000, 0), time.Unix(2000, 0))
		err14 := s.AddAPIToken(ctx, APIToken{ID: "a", Name: "backups", Created: 1000}, "token")
		err15 := s.AddNetworkRule(ctx, NetworkRule{Network: netip.MustParsePrefix("192.0.2.0/24"), Created: 1000}, time.Unix(1000, 0))
		err16 := s.AddWebhook(ctx, Webhook{ID: "a", URL: "https://example.com", Created: 1000})
		err17 := s.AddDeliveries(ctx, []Delivery{{ID: "a", Webhook: "a", Made: 1000}})
		return errors.Join(err1, err2, err3, err4, err5, err6, err7, err8, err9, err10, err11, err12, err13, err14, err15, err16, err17, addACME(ctx, s))
	})
	p.use(func(ctx context.Context, s *Store) error { return s.Backup(ctx, backup) })
	return p, backup
}

// addACME adds what a certificate by ACME takes.
func addACME(ctx context.Context, s *Store) error {
	now := time.Unix(1000, 0)
	_, err1 := s.AccountKey(ctx, "directory", []byte("key"))
	_, _, err2 := s.ClaimCertificate(ctx, "directory", "example.com", now, now.Add(time.Minute))
	return errors.Join(err1, err2, s.AddChallenge(ctx, Challenge{Token: "a", Host: "example.com", Expires: now.Add(time.Hour).Unix()}, now))
}

// A backup is the database of one moment, whatever is being changed.
func TestASQLiteBackupWhilePeopleChangeTheirLists(t *testing.T) {
	ctx := context.Background()
	p := newPlace(t)
	s := openAt(t, p.path)
	var writers sync.WaitGroup
	stop := make(chan struct{})
	for i := range 4 {
		u, err := s.CreateUser(ctx, fmt.Sprintf("user%d@example.com", i), "version 1", "hash")
		if err != nil {
			t.Fatal(err)
		}
		writers.Go(func() {
			for version := u.Version; ; {
				select {
				case <-stop:
					return
				default:
				}
				var err error
				if version, err = s.Rename(ctx, u.ID, fmt.Sprint("version ", version+1)); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	for i := range 10 {
		backup := filepath.Join(t.TempDir(), fmt.Sprint(i, ".db"))
		if err := s.Backup(ctx, backup); err != nil {
			t.Fatal(err)
		}
		copied := newPlace(t)
		if r, err := Restore(ctx, backup, copied.url()); err != nil || r.Users != 4 {
			t.Fatalf("%+v, %v", r, err)
		}
		copied.use(func(ctx context.Context, s *Store) error {
			users, err := s.Users(ctx, "", 9)
			for _, u := range users {
				if want := fmt.Sprint("version ", u.Version-restoredSteps); u.Name != want {
					t.Errorf("%s is called %q, want %q", u.Handle, u.Name, want)
				}
			}
			return err
		})
	}
	close(stop)
	writers.Wait()
}

func TestARestoredSQLiteDatabaseIsThatOfTheBackup(t *testing.T) {
	p, backup := busyWorld(t)
	want := dump(t, backup)
	for table, rows := range want {
		if len(rows) == 0 {
			t.Errorf("table %s has no row, so it proves nothing", table)
		}
	}
	var later im.User
	p.use(func(ctx context.Context, s *Store) (err error) {
		later, err = s.CreateUser(ctx, "carol@example.com", "Carol", "hash")
		return errors.Join(err, s.DeleteUser(ctx, 2))
	})
	replaced := dump(t, p.path)

	r, err := Restore(t.Context(), backup, p.url())
	if err != nil {
		t.Fatal(err)
	}
	if r.Users != 2 || r.Schema != r.Newest || !strings.HasPrefix(r.Kept, p.path+".before-") {
		t.Errorf("%+v", r)
	}
	if diff := cmp.Diff(replaced, dump(t, r.Kept)); diff != "" {
		t.Errorf("the replaced database:\n%s", diff)
	}
	got := dump(t, p.path)
	for _, table := range []string{"signing_key", "web_session", "letter_token", "api_token"} {
		if len(got[table]) != 0 {
			t.Errorf("%s: what was given to people before the restore is still good", table)
		}
		delete(got, table)
		delete(want, table)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("the restored database:\n%s", diff)
	}
	if files := p.files(); len(files) != 2 {
		t.Errorf("left behind: %q", files)
	}
	p.use(func(ctx context.Context, s *Store) error {
		if _, ok, err := s.recordedRoster(ctx, "test", 1); err != nil || !ok {
			t.Errorf("the record of a roster is lost: %v", err)
		}
		u, err := s.User(ctx, "alice@example.com")
		if u.Version <= restoredSteps {
			t.Errorf("version %d may be one that a client knows", u.Version)
		}
		if made, err := s.CreateUser(ctx, "dave@example.com", "Dave", "hash"); err != nil || made.ID != later.ID {
			t.Errorf("the next account is number %d, %v", made.ID, err)
		}
		return err
	})
}

func TestARestoreMakesASQLiteDatabaseWhereThereIsNone(t *testing.T) {
	_, backup := busyWorld(t)
	p := newPlace(t)
	r, err := Restore(t.Context(), backup, p.url())
	if err != nil || r.Kept != "" || r.Users != 2 {
		t.Errorf("%+v, %v", r, err)
	}
	if files := p.files(); len(files) != 1 {
		t.Errorf("files %q", files)
	}
}

func TestARestoreReplacesASQLiteDatabaseThatIsDamaged(t *testing.T) {
	p, backup := busyWorld(t)
	for _, suffix := range []string{"", walSuffix, shmSuffix} {
		if err := os.WriteFile(p.path+suffix, []byte("garbage"+suffix), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	r, err := Restore(t.Context(), backup, p.url())
	if err != nil {
		t.Fatal(err)
	}
	for _, suffix := range []string{"", walSuffix} {
		if b, err := os.ReadFile(r.Kept + suffix); string(b) != "garbage"+suffix {
			t.Errorf("kept%s: %q, %v", suffix, b, err)
		}
	}
	p.use(func(ctx context.Context, s *Store) error {
		_, err := s.User(ctx, "alice@example.com")
		return err
	})
}

func TestRefusedRestoresOfSQLiteChangeNothing(t *testing.T) {
	p, backup := busyWorld(t)
	dir := t.TempDir()
	file := func(name, content string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	whole, err := os.ReadFile(backup)
	if err != nil {
		t.Fatal(err)
	}
	broken := slices.Clone(whole)
	copy(broken[len(broken)/2:], strings.Repeat("x", len(broken)/4))
	newer := file("newer.db", string(whole))
	db := openRaw(t, "sqlite:"+newer)
	if _, err := db.Exec(`UPDATE schema_version SET version = 1000`); err != nil {
		t.Fatal(err)
	}
	inUse := file("in-use.db", string(whole))
	file("in-use.db-wal", "something")
	other := filepath.Join(dir, "other.db")
	if _, err := openRaw(t, "sqlite:"+other).Exec(`CREATE TABLE recipe (text TEXT)`); err != nil {
		t.Fatal(err)
	}
	before, files := dump(t, p.path), p.files()
	for from, want := range map[string]string{
		filepath.Join(dir, "absent.db"):          "no such file or directory; name a file that",
		dir:                                      "a directory",
		p.path:                                   "the database itself",
		inUse:                                    "in use",
		newer:                                    "newer release",
		other:                                    "no backup of a service",
		file("empty.db", ""):                     "no backup of a service",
		file("text.db", "not a database at all"): "damaged",
		file("broken.db", string(broken)):        "damaged",
		file("cut.db", string(whole[:len(whole)/2])): "damaged",
	} {
		_, err := Restore(t.Context(), from, p.url())
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", from, err)
			continue
		}
		if said := err.Error(); strings.Contains(said, restoring) || strings.Count(said, from) > 1 && from != inUse {
			t.Errorf("it names files that do not help: %s", said)
		}
	}
	if diff := cmp.Diff(files, p.files()); diff != "" {
		t.Errorf("files: %s", diff)
	}
	if diff := cmp.Diff(before, dump(t, p.path)); diff != "" {
		t.Error(diff)
	}
}

func TestASQLiteDatabaseInUseIsNotReplaced(t *testing.T) {
	p, backup := busyWorld(t)
	before := dump(t, p.path)
	p.use(func(ctx context.Context, s *Store) error {
		if _, err := Restore(ctx, backup, p.url()); !errors.Is(err, ErrLocked) {
			t.Errorf("%v", err)
		}
		_, err := s.Users(ctx, "", 1)
		return err
	})
	if diff := cmp.Diff(before, dump(t, p.path)); diff != "" {
		t.Error(diff)
	}
	if files := p.files(); len(files) != 1 {
		t.Errorf("files %q", files)
	}
}
