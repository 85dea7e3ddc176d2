package audit_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"monarch/internal/audit"
	"monarch/internal/clock"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// trail is a log with everything around it.
type trail struct {
	*audit.Log
	path    string
	clock   *clock.Clock
	trouble *bytes.Buffer // what the server's log would say
}

func open(t *testing.T, path string, limits audit.Limits) trail {
	t.Helper()
	a := trail{path: path, clock: clock.New(), trouble: new(bytes.Buffer)}
	var err error
	a.Log, err = audit.Open(audit.Config{
		Path: path, Limits: limits, Clock: a.clock, Log: slog.New(slog.NewTextHandler(a.trouble, nil)),
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		a.clock.Close()
		if err := a.Close(); err != nil {
			t.Error(err)
		}
	})
	return a
}

var plenty = audit.Limits{MaxSize: 1, Keep: 3}

func begin(t *testing.T) trail {
	t.Helper()
	return open(t, filepath.Join(t.TempDir(), "audit.log"), plenty)
}

// all returns the entries since a time.
func all(t *testing.T, path string, since time.Time) []audit.Entry {
	t.Helper()
	var entries []audit.Entry
	err := audit.Read(path, since, func(e audit.Entry) error {
		e.Line = nil
		entries = append(entries, e)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return entries
}

func notes(entries []audit.Entry) []string {
	var all []string
	for _, e := range entries {
		all = append(all, e.Note)
	}
	return all
}

func TestWhatIsRecordedIsReadAgain(t *testing.T) {
	a := begin(t)
	ctx := audit.WithActor(t.Context(), "uid 7")
	a.Record(t.Context(), audit.Event{
		What: audit.SignedIn, User: "alice@example.com", Addr: netip.MustParseAddrPort("[::ffff:192.0.2.7]:1029"), Note: "MSNMSGR 6.0\n\"x\"",
	})
	a.Record(ctx, audit.Event{What: audit.KeyRotated})
	a.Record(ctx, audit.Event{What: audit.AccountAdded, User: "bob@example.com", By: "somebody else", Addr: netip.AddrPortFrom(netip.MustParseAddr("2001:db8::1"), 0)})
	a.Record(t.Context(), audit.Event{What: audit.Stopped})
	got := all(t, a.path, time.Now().Add(-time.Minute))
	want := []audit.Entry{
		{Event: "signed in", User: "alice@example.com", Addr: "192.0.2.7:1029", Note: "MSNMSGR 6.0\n\"x\""},
		{Event: "key rotated", By: "uid 7"},
		{Event: "account added", User: "bob@example.com", Addr: "2001:db8::1", By: "somebody else"},
		{Event: "server stopped"},
	}
	for i := range got {
		if got[i].Time.Location() != time.UTC || time.Since(got[i].Time) > time.Minute {
			t.Errorf("time %v", got[i].Time)
		}
		got[i].Time = time.Time{}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("entries (-want +got):\n%s", diff)
	}
	text, err := os.ReadFile(a.path)
	if err != nil || !strings.HasPrefix(strings.Split(string(text), "\n")[1], `{"time":"`) ||
		!strings.HasSuffix(strings.Split(string(text), "\n")[1], `Z","event":"key rotated","by":"uid 7"}`) {
		t.Errorf("%v in the file:\n%s", err, text)
	}
}

func TestTheFileIsItsOwners(t *testing.T) {
	path := filepath.Join(t.TempDir(), "audit.log")
	if err := os.WriteFile(path, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	a := open(t, path, plenty)
	fill(t, a, 1200) // one megabyte and some
	names, err := filepath.Glob(filepath.Join(filepath.Dir(path), "*"))
	if err != nil || len(names) != 2 {
		t.Errorf("%v, %v", names, err)
	}
	for _, name := range names {
		if info, err := os.Stat(name); err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s: %v, %v", name, info.Mode(), err)
		}
	}
}

// fill records numbered events of about a thousand bytes.
func fill(t *testing.T, a trail, n int) {
	t.Helper()
	for i := range n {
		a.Record(t.Context(), audit.Event{What: audit.AccountRenamed, By: strings.Repeat("x", 900), Note: fmt.Sprintf("number %06d", i)})
	}
}

func TestFilesAreBoundedAndReadInOrder(t *testing.T) {
	a := begin(t)
	const n = 6000
	fill(t, a, n)
	if err := a.Close(); err != nil { // the oldest are deleted behind our back
		t.Fatal(err)
	}
	names, err := filepath.Glob(filepath.Join(filepath.Dir(a.path), "audit*"))
	if err != nil || len(names) != 4 {
		t.Errorf("%v, %v", names, err)
	}
	for _, name := range names {
		if info, err := os.Stat(name); err != nil || info.Size() > 1<<20 {
			t.Errorf("%s has %d bytes, %v", name, info.Size(), err)
		}
	}
	got := notes(all(t, a.path, time.Time{}))
	if len(got) < 3000 || got[len(got)-1] != fmt.Sprintf("number %06d", n-1) {
		t.Fatalf("%d entries", len(got))
	}
	for i, note := range got {
		if want := fmt.Sprintf("number %06d", n-len(got)+i); note != want {
			t.Fatalf("%s, want %s", note, want)
		}
	}
}

func TestLimitsChangeWhileItIsWritten(t *testing.T) {
	a := begin(t)
	var writers sync.WaitGroup
	for range 4 {
		writers.Go(func() { fill(t, a, 100) })
	}
	for i := range 50 {
		a.SetLimits(audit.Limits{MaxSize: 1 + i%2, Keep: 3})
	}
	writers.Wait()
	if got := len(all(t, a.path, time.Time{})); got != 400 || a.Lost() != 0 {
		t.Errorf("%d entries, %d lost", got, a.Lost())
	}
}

// A process that dies while it writes leaves half a line. What comes after it is on its own.
func TestHalfALineSpoilsNoOther(t *testing.T) {
	a := begin(t)
	a.Record(t.Context(), audit.Event{What: audit.Started, Note: "first"})
	whole, err := os.ReadFile(a.path)
	if err != nil {
		t.Fatal(err)
	}
	for cut := 1; cut <= len(whole); cut += 7 {
		path := filepath.Join(t.TempDir(), "audit.log")
		if err := os.WriteFile(path, append(bytes.Clone(whole), whole[:cut]...), 0o600); err != nil {
			t.Fatal(err)
		}
		b := open(t, path, plenty)
		b.Record(t.Context(), audit.Event{What: audit.Started, Note: "second"})
		got := notes(all(t, path, time.Time{}))
		if len(got) < 2 || got[0] != "first" || got[len(got)-1] != "second" {
			t.Errorf("cut after %d: %q", cut, got)
		}
	}
}

func TestReadLeavesOutWhatIsOlderAndWhatIsNoEntry(t *testing.T) {
	path := filepath.Join(t.TempDir(), "audit.log")
	text := `{"time":"2026-01-01T00:00:00Z","event":"server started","note":"old"}` + "\n" +
		"no JSON\n\n{}\n" + `{"time":"2026-01-02T00:00:00Z"}` + "\n" + strings.Repeat("x", 100_000) + "\n" +
		`{"time":"2026-01-02T00:00:00Z","event":"server stopped","note":"` + strings.Repeat("long", 5000) + `"}` + "\n" +
		`{"time":"2026-01-03T00:00:00Z","event":"half`
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	got := all(t, path, time.Date(2026, time.January, 2, 0, 0, 0, 0, time.UTC))
	if len(got) != 1 || len(got[0].Note) != 20_000 {
		t.Errorf("%d entries", len(got))
	}
	if err := audit.Read(path+".absent", time.Time{}, nil); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("an absent log: %v", err)
	}
}

func TestStrangersCannotWashTheLogClean(t *testing.T) {
	a := begin(t)
	refused := audit.Event{What: audit.SignInRefused, User: "alice@example.com"}
	for range 5000 {
		a.Record(t.Context(), refused)
	}
	a.Record(t.Context(), audit.Event{What: audit.AccountDisabled, User: "bob@example.com"})
	a.clock.Advance(time.Second)
	a.Record(t.Context(), refused)
	got := all(t, a.path, time.Time{})
	if len(got) < 1002 || len(got) > 1500 {
		t.Fatalf("%d entries of 5002", len(got))
	}
	if got[len(got)-2].Event != "account disabled" {
		t.Errorf("the operator's own: %+v", got[len(got)-2])
	}
	var said uint64
	for _, e := range got {
		said += e.Omitted
	}
	if said != uint64(5002-len(got)) {
		t.Errorf("%d entries of 5002, %d said to be omitted", len(got), said)
	}
}

func TestOnePersonCannotWashTheLogClean(t *testing.T) {
	a := begin(t)
	const day = 24 * 60
	for i := range day {
		for range 10 {
			a.Record(t.Context(), audit.Event{What: audit.PasswordAccepted, User: "mallory@example.com"})
			a.Record(t.Context(), audit.Event{What: audit.SignedIn, User: "mallory@example.com"})
		}
		if i%60 == 0 {
			a.Record(t.Context(), audit.Event{What: audit.SignedIn, User: "alice@example.com"})
		}
		a.clock.Advance(time.Minute)
	}
	a.clock.Advance(time.Hour)
	a.Record(t.Context(), audit.Event{What: audit.SignedIn, User: "bob@example.com"})
	got := all(t, a.path, time.Time{})
	of := make(map[string]int)
	var said uint64
	for _, e := range got {
		of[e.User]++
		said += e.Omitted
	}
	if n := of["mallory@example.com"]; n < 2*day || n > 2*day+20 {
		t.Errorf("%d entries of mallory's", n)
	}
	if of["alice@example.com"] != 24 || of["bob@example.com"] != 1 {
		t.Errorf("others have %v", of)
	}
	if want := uint64(20*day + 25 - len(got)); said != want {
		t.Errorf("%d said to be omitted, want %d", said, want)
	}
}

func TestALogThatCannotBeWrittenStopsNobody(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "data")
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	a := open(t, filepath.Join(dir, "audit.log"), plenty)
	if err := errors.Join(os.Rename(dir, dir+".away"), os.WriteFile(dir, nil, 0o600)); err != nil {
		t.Fatal(err)
	}
	for range 3 {
		a.Record(t.Context(), audit.Event{What: audit.Started})
	}
	if a.Lost() != 3 || strings.Count(a.trouble.String(), "level=ERROR") != 1 {
		t.Errorf("%d lost:\n%s", a.Lost(), a.trouble)
	}
	if err := errors.Join(os.Remove(dir), os.Rename(dir+".away", dir)); err != nil {
		t.Fatal(err)
	}
	a.Record(t.Context(), audit.Event{What: audit.Stopped})
	if got := all(t, a.path, time.Time{}); len(got) != 1 || !strings.Contains(a.trouble.String(), "lost=3") {
		t.Errorf("%v, and:\n%s", got, a.trouble)
	}
}

func TestANewLogBeginsWithItsFirstEvent(t *testing.T) {
	path := filepath.Join(t.TempDir(), "audit.log")
	clk := clock.New()
	defer clk.Close()
	for range 2 {
		l := audit.New(audit.Config{Path: path, Limits: audit.Append, Clock: clk, Log: slog.New(slog.DiscardHandler)})
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := os.Stat(path); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("nothing was recorded: %v", err)
	}
	var commands sync.WaitGroup
	for range 8 { // as commands do that run at the same time
		commands.Go(func() {
			l := audit.New(audit.Config{Path: path, Limits: audit.Append, Clock: clk, Log: slog.New(slog.DiscardHandler)})
			for range 20 {
				l.Record(t.Context(), audit.Event{What: audit.AccountAdded})
			}
			if err := l.Close(); err != nil {
				t.Error(err)
			}
		})
	}
	commands.Wait()
	if got := len(all(t, path, time.Time{})); got != 160 {
		t.Errorf("%d entries", got)
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", info, err)
	}
}

func TestOpenSaysWhatToDo(t *testing.T) {
	_, err := audit.Open(audit.Config{Path: filepath.Join(t.TempDir(), "absent", "audit.log")})
	if err == nil || !strings.Contains(err.Error(), "audit.file") {
		t.Error(err)
	}
	if _, err := audit.Open(audit.Config{Path: t.TempDir()}); err == nil {
		t.Error("a directory was opened")
	}
}

func TestNoLogRecordsNothing(t *testing.T) {
	var none *audit.Log
	none.Record(t.Context(), audit.Event{What: audit.Started})
	none.SetLimits(plenty)
	if err := none.Close(); err != nil || none.Lost() != 0 {
		t.Error(err)
	}
}

func TestFollowGoesOnThroughNewFiles(t *testing.T) {
	a := begin(t)
	const n = 2500
	fill(t, a, 10)
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	begun, followed := make(chan struct{}), make(chan error, 1)
	var got []string
	go func() {
		followed <- audit.Follow(ctx, a.path, time.Time{}, func(e audit.Entry) error {
			if got = append(got, e.Note); len(got) == 10 {
				close(begun)
			}
			if e.Event == string(audit.Stopped) {
				cancel()
			}
			return nil
		})
	}()
	<-begun
	fill(t, a, n)
	a.Record(t.Context(), audit.Event{What: audit.Stopped, Note: "end"})
	if err := <-followed; err != nil {
		t.Fatal(err)
	}
	if len(got) != 10+n+1 || got[9] != "number 000009" || got[10] != "number 000000" || got[10+n] != "end" {
		t.Errorf("%d entries", len(got))
	}
}

func TestFollowEndsWithWhoeverReads(t *testing.T) {
	a := begin(t)
	fill(t, a, 3)
	enough := errors.New("enough")
	if err := audit.Follow(t.Context(), a.path, time.Time{}, func(audit.Entry) error { return enough }); !errors.Is(err, enough) {
		t.Error(err)
	}
}
