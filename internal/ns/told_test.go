package ns

import "testing"

// TestVersionsCountNothingUntold lets changes become known in another order than they were made
// in, as those of others may overtake the user's own and the other way round.
func TestVersionsCountNothingUntold(t *testing.T) {
	type step struct{ version, told uint32 }
	for _, c := range []struct {
		name  string
		steps []step
	}{
		{"in order", []step{{11, 11}, {12, 12}, {13, 13}}},
		{"one overtakes", []step{{12, 10}, {11, 12}, {13, 13}}},
		{"two overtake", []step{{13, 10}, {12, 10}, {11, 13}}},
		{"a group that is there already", []step{{10, 10}, {11, 11}}},
		{"a line with the version of another", []step{{11, 11}, {11, 11}}},
		{"two lines of one that overtakes", []step{{12, 10}, {12, 10}, {11, 12}}},
		{"one never comes", []step{{12, 10}, {13, 10}, {14, 10}}},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := &session{synced: true, told: 10}
			for _, step := range c.steps {
				if got := s.reach(step.version); got != step.told {
					t.Fatalf("told of %d, it has %d, want %d", step.version, got, step.told)
				}
			}
			if last := c.steps[len(c.steps)-1]; last.told == last.version && s.aside != nil {
				t.Errorf("it keeps %+v", s.aside)
			}
		})
	}
	s := &session{synced: true, told: 10}
	for v := uint32(12); v < 1000; v++ {
		s.reach(v)
	}
	if n := len(s.aside.ahead); n != mostAhead {
		t.Errorf("%d versions are remembered", n)
	}
	s = &session{synced: true, told: 10}
	s.reach(12)
	s.noteRough(12)
	for _, v := range []uint32{13, 11, 12} {
		s.reach(v)
	}
	if s.told != 11 {
		t.Errorf("not told quite what 12 has changed, it has %d", s.told)
	}
	if got := new(session).reach(7); got != 7 {
		t.Errorf("a client without lists is told %d", got)
	}
}
