package model

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"monarch/internal/msntest"
)

// asides let person 1 be there, or not, in a way that person 0 must not notice: each says what
// he does before person 0 comes, and while she is there.
var asides = []struct {
	name          string
	before, while []string
}{
	{"offline", nil, nil},
	{"blocked", []string{"CHG 1 NLN 4", "ADD 2 BL {a} A"}, []string{"CHG 3 BSY 0", "CHG 4 NLN 0", "OUT"}},
	{"blocked by the policy", []string{"CHG 1 NLN 4", "BLP 2 BL"}, []string{"CHG 3 BSY 0", "IMS 4 OFF", "CHG 5 HDN 0", "CHG 6 NLN 0"}},
	{"blocked and allowed to all others", []string{"ADD 1 BL {a} A", "CHG 2 NLN", "PRP 3 MOB Y"}, []string{"PRP 4 PHH 1", "CHG 5 AWY"}},
	{"hidden", []string{"CHG 1 HDN 0"}, []string{"CHG 2 HDN 4", "OUT"}},
	{"hidden after a while", []string{"CHG 1 NLN 0", "CHG 2 HDN 0"}, nil},
	{"not on line yet", []string{"GTC 1 N"}, []string{"GTC 2 A"}},
}

// probes are what she tries, on her notification connection and on a switchboard.
var probes = []string{
	"SYN 1 0", "ADD 2 FL {b} B", "CHG 3 NLN 0", "REM 4 FL {b}", "ADD 5 FL {b} B 0", "REA 6 {b} Bob", "ADD 7 AL {b} B",
	"REM 8 AL {b}", "ADD 9 BL {b} B", "REM 10 BL {b}", "BLP 11 BL", "SYN 12 0", "XFR 13 SB",
	"sb CAL 1 {b}", "sb CAL 2 {b}", "sb MSG 3 A 0",
	"REM 14 FL {b} 0", "ADD 15 FL {b} B", "CHG 16 HDN 0", "SYN 17 0",
}

// Whatever she tries on somebody who has blocked her, or hides, is answered by the same bytes,
// in the same order, as if he were not there. docs/protocol/presence.md#who
func TestBlockedIsAsOffline(t *testing.T) {
	f := msntest.Spread(t, settings)
	var offline []string
	for i, c := range asides {
		t.Run(c.name, func(t *testing.T) {
			s := newStage(t, f, i)
			defer s.end()
			if c.before != nil {
				s.enter(1)
				s.each(1, c.before)
			}
			s.enter(0)
			var heard []string
			for k, probe := range probes {
				s.check(f.Agree())
				heard = append(heard, s.ask(0, probe)...)
				if k%5 == 4 && k/5 < len(c.while) {
					s.each(1, c.while[k/5:k/5+1])
					s.check(f.Agree())
					heard = append(heard, s.upToNow("n0")...)
				}
			}
			for k, line := range heard {
				heard[k] = strings.NewReplacer(s.users[0].Handle, "{a}", s.users[1].Handle, "{b}").Replace(line)
				if strings.HasPrefix(line, "XFR") {
					heard[k] = line[:strings.LastIndexByte(line, ' ')]
				}
			}
			if offline == nil {
				offline = heard
			}
			if !slices.Equal(heard, offline) {
				t.Errorf("she hears\n  %s\nand of somebody who is not there\n  %s", strings.Join(heard, "\n  "), strings.Join(offline, "\n  "))
			}
		})
	}
}

// enter signs somebody in and gives him his lists.
func (s *stage) enter(who int) {
	key := fmt.Sprint("n", who)
	s.signIn(command{who: who, key: key, args: []string{"9"}})
	s.check(s.conns[key].say("SYN 1 0"))
	s.upToNow(key)
}

// each has somebody say lines.
func (s *stage) each(who int, lines []string) {
	for _, line := range lines {
		if line == "OUT" {
			key := fmt.Sprint("n", who)
			s.check(s.conns[key].say("OUT"))
			for heard := ""; heard != closed; {
				heard, _ = s.conns[key].next()
			}
			delete(s.conns, key)
			return
		}
		s.ask(who, line)
	}
}

// ask says a line and returns all that is answered.
func (s *stage) ask(who int, line string) []string {
	line = strings.NewReplacer("{a}", s.users[0].Handle, "{b}", s.users[1].Handle).Replace(line)
	line, board := strings.CutPrefix(line, "sb ")
	if !board {
		key := fmt.Sprint("n", who)
		s.check(s.conns[key].say("%s", line))
		lines := s.upToNow(key)
		if cookie := strings.Split(strings.Join(lines, " "), " CKI "); len(cookie) == 2 {
			s.check(s.dialBoard("s0", cookie[1]).say("USR 1 %s %s", s.users[who].Handle, cookie[1]))
			s.take("s0", 1)
		}
		return lines
	}
	s.check(s.conns["s0"].say("%s", line))
	return s.take("s0", 1)
}

// How long an answer takes does not tell either. docs/protocol/presence.md#who
func TestBlockedTakesAsLongAsOffline(t *testing.T) {
	f := msntest.Start(t, settings)
	s := newStage(t, f, 0)
	defer s.end()
	s.enter(1)
	s.each(1, []string{"CHG 1 NLN 0", "ADD 2 BL {a} A"})
	s.enter(0)
	s.ask(0, "CHG 1 NLN 0")
	s.ask(0, "XFR 2 SB")
	const rounds, most = 500, 200 * time.Microsecond
	took := make([][]time.Duration, 3)
	for range rounds {
		for i, handle := range []string{s.users[1].Handle, s.users[2].Handle, "nobody@example.com"} {
			began := time.Now()
			if got := s.ask(0, "sb CAL 3 "+handle); !slices.Equal(got, []string{"217 3"}) {
				t.Fatalf("the answer is %q", got)
			}
			took[i] = append(took[i], time.Since(began))
		}
	}
	var medians []time.Duration
	for _, times := range took {
		slices.Sort(times)
		medians = append(medians, times[rounds/2])
	}
	t.Logf("a call takes %v to somebody who has blocked one, %v to one who is not there, %v to nobody", medians[0], medians[1], medians[2])
	if slowest, fastest := slices.Max(medians), slices.Min(medians); slowest-fastest > max(most, fastest/2) {
		t.Errorf("from %v to %v", fastest, slowest)
	}
}
