package hub_test

import (
	"testing"
	"time"
)

func TestCountdown(t *testing.T) {
	w := newWorld(t)
	ended := 0
	w.hub.OnStop(func() { ended++ })
	w.hub.Announce(12)
	w.heard("notice 12")
	for _, step := range []struct {
		after time.Duration
		told  string
	}{
		{2*time.Minute - time.Second, ""},
		{time.Second, "notice 10"},
		{5 * time.Minute, "notice 5"},
		{2 * time.Minute, "notice 3"},
		{time.Minute, "notice 2"},
		{time.Minute, "notice 1"},
		{59 * time.Second, ""},
	} {
		w.clock.Advance(step.after)
		if step.told == "" {
			w.heard()
		} else {
			w.heard(step.told)
		}
	}
	if ended != 0 {
		t.Error("it ended too early")
	}
	w.clock.Advance(time.Second)
	w.heard()
	w.clock.Advance(time.Hour)
	if ended != 1 {
		t.Errorf("it ended %d times", ended)
	}
	if w.hub.Cancel() {
		t.Error("it could be taken back after its end")
	}
}

func TestACountdownThatIsTakenBackOrReplacedIsOver(t *testing.T) {
	w := newWorld(t)
	ended := 0
	w.hub.OnStop(func() { ended++ })
	if w.hub.Cancel() {
		t.Error("there was nothing to take back")
	}
	w.hub.Announce(5)
	w.hub.Announce(60)
	w.heard("notice 5", "notice 60")
	w.clock.Advance(5 * time.Minute)
	w.heard()
	if !w.hub.Cancel() || w.hub.Cancel() {
		t.Error("it was not taken back once")
	}
	if minutes, ok := w.hub.Announced(); ok {
		t.Errorf("still announced for %d minutes", minutes)
	}
	w.clock.Advance(2 * time.Hour)
	w.heard()
	if ended != 0 {
		t.Error("it ended")
	}
}

// A machine that slept wakes up with several reminders due.
func TestACountdownThatWasHeldUpTellsWhatIsLeft(t *testing.T) {
	w := newWorld(t)
	ended := 0
	w.hub.OnStop(func() { ended++ })
	w.hub.Announce(10)
	w.heard("notice 10")
	w.clock.Advance(8*time.Minute + 30*time.Second)
	w.heard("notice 2")
	w.clock.Advance(time.Hour)
	w.heard()
	if ended != 1 {
		t.Errorf("it ended %d times", ended)
	}
}
