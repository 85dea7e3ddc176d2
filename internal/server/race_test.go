package server_test

import (
	"database/sql"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"monarch/internal/im"
	"monarch/internal/msntest"
	"monarch/internal/store"
)

// In these tests two things happen at the same time, over and over. What the people hear must
// make sense whichever comes first.

// hasty switches off what limits how often, or asks in between.
var hasty = map[string]string{"limits.rates": "off", "protocol.challenge": "off"}

// rounds is n, and fewer when there is little time.
func rounds(n int) int {
	if testing.Short() {
		return n / 10
	}
	return n
}

// aim is how long after the first of the two things the second begins. It follows what came
// of the last round, so that the two keep meeting.
type aim time.Duration

func (a aim) wait() {
	if a > 0 {
		<-time.After(time.Duration(a))
	}
}

// adjust lets the second thing begin later if it came too early for a race, else earlier.
func (a *aim) adjust(early bool) {
	if step := aim(10*time.Microsecond) + *a/8; early {
		*a += step
	} else {
		*a = max(*a-step, 0)
	}
}

// settled returns what has been said to a client by the time the server has done all that
// it asked for.
func settled(t *testing.T, c *msntest.Conn) []string {
	t.Helper()
	const end = "IMS 4000000 0 ON"
	say(t, c, "IMS 4000000 ON", nil)
	var heard []string
	for {
		line, _, ok := c.Next()
		switch {
		case !ok:
			t.Fatalf("%s: silence after %q", c.Name, heard)
		case line == end:
			return heard
		}
		heard = append(heard, line)
	}
}

// place returns where the first line is that begins like this, or -1.
func place(lines []string, start string) int {
	return slices.IndexFunc(lines, func(l string) bool { return strings.HasPrefix(l, start) })
}

// those returns the lines that begin like this.
func those(lines []string, start string) []string {
	return slices.DeleteFunc(slices.Clone(lines), func(l string) bool { return !strings.HasPrefix(l, start) })
}

// Bob asks for his lists while alice adds or removes him: he learns of it once, from his
// lists or from a line behind them. docs/protocol/lists.md#syn
func TestReverseListMeetsSYN(t *testing.T) {
	t.Parallel()
	f := msntest.Start(t, hasty)
	befriend(t, f, "bob@example.com", 150) // reading takes a while
	p := msntest.NewPlayer(t, f)
	p.Play("signin9 A")
	a := p.Conn("A.ns")
	var adding, removing aim
	for i := range rounds(80) {
		p.Play("signin9 B, until USR")
		b := p.Conn("B.ns")
		say(t, a, fmt.Sprintf("ADD %d FL bob@example.com Bob 0", i), nil)
		adding.wait()
		say(t, b, "SYN 5 0", nil)
		onList, told := afterSYN(t, a, b, "ADD 0 RL")
		if onList+told != 1 {
			t.Fatalf("round %d: alice is in bob's lists %d times, and ADD 0 RL came %d times", i, onList, told)
		}
		adding.adjust(told > 0)
		say(t, a, fmt.Sprintf("REM %d FL bob@example.com", i), nil)
		removing.wait()
		say(t, b, "SYN 6 0", nil)
		onList, told = afterSYN(t, a, b, "REM 0 RL")
		if onList != told {
			t.Fatalf("round %d: alice was in bob's lists %d times, and REM 0 RL came %d times", i, onList, told)
		}
		removing.adjust(told > 0)
		p.Play("B.ns> OUT\nB.ns x\nfresh B.ns")
	}
	p.Finish()
}

// befriend fills somebody's forward list.
func befriend(t *testing.T, f *msntest.Fixture, handle string, people int) {
	t.Helper()
	u, err := f.Store.User(t.Context(), handle)
	if err != nil {
		t.Fatal(err)
	}
	for i := range people {
		friend := fmt.Sprintf("friend%d@example.com", i)
		if _, err := f.Store.CreateUser(t.Context(), friend, friend, ""); err != nil {
			t.Fatal(err)
		}
		a := store.Addition{List: im.Forward, Handle: friend, Name: friend, Group: -1, Limit: people}
		if _, err := f.Store.Add(t.Context(), u.ID, a); err != nil {
			t.Fatal(err)
		}
	}
}

// afterSYN waits until alice's command and bob's SYN are done and counts what bob heard of
// alice from the answer on.
func afterSYN(t *testing.T, a, b *msntest.Conn, notice string) (onList, told int) {
	t.Helper()
	settled(t, a)
	heard := settled(t, b)
	heard = heard[place(heard, "SYN "):]
	return len(those(heard, "LST alice@")), len(those(heard, notice))
}

// Alice puts bob into another group at the moment at which he would be told that she
// removed him. docs/protocol/lists.md#moves
func TestReturnMeetsTheEndOfAMove(t *testing.T) {
	t.Parallel()
	f := msntest.Start(t, hasty)
	p := msntest.NewPlayer(t, f)
	p.Play("mutual alice bob\nsignin9 A\nsignin9 B")
	a, b := p.Conn("A.ns"), p.Conn("B.ns")
	var end aim
	for i := range rounds(150) {
		say(t, a, fmt.Sprintf("REM %d FL bob@example.com 0", i), nil)
		settled(t, a)
		say(t, a, fmt.Sprintf("ADD %d FL bob@example.com Bob 0", i), nil)
		end.wait()
		f.Clock.Advance(3 * time.Second)
		settled(t, a)
		told := settled(t, b)
		if len(told) > 0 && (len(told) != 2 || place(told, "REM 0 RL") != 0 || place(told, "ADD 0 RL") != 1) {
			t.Fatalf("round %d: bob heard %q", i, told)
		}
		end.adjust(len(told) > 0)
		status := alternate(i)
		say(t, b, fmt.Sprintf("CHG %d %s 0", i, status), nil)
		settled(t, b)
		if got := those(settled(t, a), "NLN "+status); len(got) != 1 {
			t.Fatalf("round %d: bob heard %q, and alice of his change %q", i, told, got)
		}
	}
	p.Finish()
}

// alternate is a status that differs from that of the round before.
func alternate(i int) string { return []string{"AWY", "BSY"}[i%2] }

// Bob changes his status while alice adds him: what she hears last is how he is.
// docs/protocol/presence.md#chg
func TestStatusMeetsAddition(t *testing.T) {
	t.Parallel()
	f := msntest.Start(t, hasty)
	p := msntest.NewPlayer(t, f)
	p.Play("signin9 A\nsignin9 B")
	a, b := p.Conn("A.ns"), p.Conn("B.ns")
	var change aim
	for i := range rounds(400) {
		status := alternate(i)
		say(t, a, fmt.Sprintf("ADD %d FL bob@example.com Bob 0", i), nil)
		change.wait()
		say(t, b, fmt.Sprintf("CHG %d %s 0", i, status), nil)
		settled(t, b)
		heard := settled(t, a)
		last := slices.Concat(those(heard, "ILN"), those(heard, "NLN"))
		if n := len(last); n == 0 || !strings.Contains(last[n-1], " "+status+" ") {
			t.Fatalf("round %d: bob is %s, alice heard %q", i, status, heard)
		}
		change.adjust(len(last) == 1)
		say(t, a, fmt.Sprintf("REM %d FL bob@example.com", i), nil)
		settled(t, a)
		settled(t, b)
	}
	p.Finish()
}

// Bob takes alice off his list while she adds him: she sees him, as he lets her.
// docs/protocol/lists.md#add
func TestRemovalMeetsAddition(t *testing.T) {
	t.Parallel()
	f := msntest.Start(t, hasty)
	p := msntest.NewPlayer(t, f)
	p.Play("list bob FL alice\nsignin9 A\nsignin9 B")
	a, b := p.Conn("A.ns"), p.Conn("B.ns")
	var removal aim
	for i := range rounds(600) {
		say(t, a, fmt.Sprintf("ADD %d FL bob@example.com Bob 0", i), nil)
		removal.wait()
		say(t, b, fmt.Sprintf("REM %d FL alice@example.com", i), nil)
		settled(t, b)
		heard := settled(t, a)
		if len(those(heard, "ILN")) != 1 {
			t.Fatalf("round %d: alice heard %q", i, heard)
		}
		removal.adjust(place(heard, "REM 0 RL") < place(heard, "ADD"))
		say(t, a, fmt.Sprintf("REM %d FL bob@example.com", i), nil)
		say(t, b, fmt.Sprintf("ADD %d FL alice@example.com Alice 0", i), nil)
		settled(t, a)
		settled(t, b)
		settled(t, a)
	}
	p.Finish()
}

// Bob changes his telephone number while alice adds him: the last that she hears is the new one.
// docs/protocol/lists.md#bpr
func TestPropertyMeetsAddition(t *testing.T) {
	t.Parallel()
	f := msntest.Start(t, hasty)
	p := msntest.NewPlayer(t, f)
	p.Play("list bob FL alice\nsignin9 A\nsignin9 B")
	a, b := p.Conn("A.ns"), p.Conn("B.ns")
	var change aim
	for i := range rounds(400) {
		say(t, a, fmt.Sprintf("ADD %d FL bob@example.com Bob 0", i), nil)
		change.wait()
		say(t, b, fmt.Sprintf("PRP %d PHH %d", i, i), nil)
		settled(t, b)
		heard := settled(t, a)
		told := slices.DeleteFunc(those(heard, "BPR"), func(l string) bool { return !strings.Contains(l, " bob@example.com PHH") })
		if n := len(told); n == 0 || !strings.HasSuffix(told[n-1], fmt.Sprintf(" PHH %d", i)) {
			t.Fatalf("round %d: alice heard %q", i, heard)
		}
		change.adjust(len(told) == 1)
		say(t, a, fmt.Sprintf("REM %d FL bob@example.com", i), nil)
		settled(t, a)
		settled(t, b)
	}
	p.Finish()
}

// Bob adds alice while she adds him: whoever is first, she hears his telephone number.
// docs/protocol/lists.md#bpr
func TestAdditionMeetsAddition(t *testing.T) {
	t.Parallel()
	f := msntest.Start(t, hasty)
	p := msntest.NewPlayer(t, f)
	p.Play("property bob PHH 555\nsignin9 A\nsignin9 B")
	a, b := p.Conn("A.ns"), p.Conn("B.ns")
	var addition aim
	for i := range rounds(400) {
		say(t, a, fmt.Sprintf("ADD %d FL bob@example.com Bob 0", i), nil)
		addition.wait()
		say(t, b, fmt.Sprintf("ADD %d FL alice@example.com Alice 0", i), nil)
		settled(t, b)
		heard := settled(t, a)
		told := slices.DeleteFunc(those(heard, "BPR"), func(l string) bool { return !strings.Contains(l, " bob@example.com PHH") })
		if n := len(told); n == 0 || !strings.HasSuffix(told[n-1], " PHH 555") {
			t.Fatalf("round %d: alice heard %q", i, heard)
		}
		addition.adjust(len(told) == 1)
		say(t, a, fmt.Sprintf("REM %d FL bob@example.com", i), nil)
		say(t, b, fmt.Sprintf("REM %d FL alice@example.com", i), nil)
		for _, c := range []*msntest.Conn{a, b, a} {
			settled(t, c)
		}
	}
	p.Finish()
}

// Bob blocks alice while she asks for her lists, and lets her in again while she asks once
// more: she hears of either once, and of what he does then.
func TestBlockMeetsSYN(t *testing.T) {
	t.Parallel()
	f := msntest.Start(t, hasty)
	befriend(t, f, "alice@example.com", 150) // reading takes a while
	p := msntest.NewPlayer(t, f)
	p.Play("list alice FL bob\nsignin9 A\nsignin9 B, status BSY")
	a, b := p.Conn("A.ns"), p.Conn("B.ns")
	var blocking, allowing aim
	for i := range rounds(80) {
		say(t, b, fmt.Sprintf("ADD %d BL alice@example.com Alice", i), nil)
		meetSYN(t, &blocking, a, b, "FLN bob@example.com")
		say(t, b, fmt.Sprintf("REM %d BL alice@example.com", i), nil)
		meetSYN(t, &allowing, a, b, "NLN "+alternate(i+1))
		say(t, b, fmt.Sprintf("CHG %d %s 0", i, alternate(i)), nil)
		settled(t, b)
		if heard := settled(t, a); len(heard) != 1 || place(heard, "NLN "+alternate(i)) != 0 {
			t.Fatalf("round %d: bob is %s, alice heard %q", i, alternate(i), heard)
		}
	}
	p.Finish()
}

// meetSYN lets alice ask for her lists in the middle of what bob has begun. She hears of that
// once, before her lists or behind them.
func meetSYN(t *testing.T, at *aim, a, b *msntest.Conn, want string) {
	t.Helper()
	at.wait()
	say(t, a, "SYN 5 0", nil)
	settled(t, b)
	heard := settled(t, a)
	if got := slices.Concat(those(heard, "NLN"), those(heard, "FLN")); len(got) != 1 || place(got, want) != 0 {
		t.Fatalf("alice heard %q, want one %s", got, want)
	}
	at.adjust(place(heard, "SYN") < place(heard, want))
}

// A switchboard that is taken out of service lets nobody in, though they came before.
// docs/protocol/switchboard.md#life
func TestStoppedSwitchboardLetsNobodyIn(t *testing.T) {
	t.Parallel()
	f := msntest.Start(t, nil)
	p := msntest.NewPlayer(t, f)
	p.Play(`mutual alice bob
		signin9 A
		signin9 B
		board A
		A.sb> CAL 2 bob@example.com
		A.sb< CAL 2 RINGING {sid}
		B.ns< RNG {sid} {addr} CKI {ckiB} alice@example.com Alice
		A.ns> XFR 20 SB
		A.ns< XFR 20 SB {addr} CKI {ckiA2}
		open A.sb2
		open B.sb
		A.sb2 -
		B.sb -`)
	if err := f.Server.StopSwitchboard(0); err != nil {
		t.Fatal(err)
	}
	p.Play(`A.sb< OUT SSD
		A.sb x
		A.sb2> USR 1 alice@example.com {ckiA2}
		A.sb2< 911 1
		A.sb2 x
		B.sb> ANS 1 bob@example.com {ckiB} {sid}
		B.sb< 911 1
		B.sb x`)
	p.Finish()
}

// Another process writes to the database and does not come to an end. Those who change
// their lists have to wait; the end of the server has not.
func TestShutdownWhileTheDatabaseIsHeld(t *testing.T) {
	t.Parallel()
	const limit = 20 * time.Second
	cfg := freePorts(t)
	f, stop := serve(t, cfg)
	p := msntest.NewPlayer(t, f)
	actors := []string{"A", "B", "C"}
	for _, actor := range actors {
		p.Play("signin9 " + actor)
	}
	db, err := sql.Open("sqlite", "file:"+filepath.Join(cfg.Data.Dir, "monarch.db")+"?_txlock=immediate&_pragma=busy_timeout(10000)")
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	held, err := db.BeginTx(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, actor := range actors {
		say(t, p.Conn(actor+".ns"), "GTC 20 N", nil)
		p.Play(actor + ".ns -")
	}
	began := time.Now()
	if err := stop(); err != nil {
		t.Error(err)
	}
	if took := time.Since(began); took > limit {
		t.Errorf("the server took %v to stop", took)
	}
	if err := held.Rollback(); err != nil {
		t.Error(err)
	}
}
