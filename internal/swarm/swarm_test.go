package swarm

import (
	"context"
	"errors"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"monarch/internal/figures"
	"monarch/msnp"
)

func TestVerdict(t *testing.T) {
	for _, c := range []struct {
		name   string
		result figures.Result
		bad    bool
	}{
		{"all is well", figures.Result{Value: 3, Goal: 2}, false}, // a goal is no loss
		{"lost", figures.Result{Lost: 1}, true},
		{"duplicated", figures.Result{Duplicated: 1}, true},
		{"out of order", figures.Result{Reordered: 1}, true},
		{"failed", figures.Result{Extra: map[string]float64{extraFailures: 1}}, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			err := Verdict([]figures.Result{{}, c.result})
			if errors.Is(err, ErrNotIntact) != c.bad {
				t.Error(err)
			}
		})
	}
}

func TestPlans(t *testing.T) {
	for _, c := range []struct {
		name string
		plan plan
		want map[int][]int // some people's contacts
	}{
		{"strangers", plan{Shape: strangers, People: 2}, map[int][]int{0: {}, 1: {}}},
		{"a ring", plan{Shape: ring, People: 7, Contacts: 4}, map[int][]int{0: {1, 2, 5, 6}, 3: {1, 2, 4, 5}, 6: {0, 1, 4, 5}}},
		{"halves", plan{Shape: halves, People: 10, Contacts: 4}, map[int][]int{0: {1, 3, 7, 9}, 9: {0, 2, 6, 8}}},
		{"a star", plan{Shape: star, People: 3}, map[int][]int{0: {}, 1: {0}, 2: {0}}},
	} {
		t.Run(c.name, func(t *testing.T) {
			if err := c.plan.check(); err != nil {
				t.Fatal(err)
			}
			for i, want := range c.want {
				got := append([]int{}, c.plan.contacts(i)...)
				slices.Sort(got)
				if d := cmp.Diff(want, got); d != "" {
					t.Errorf("contacts of %d: %s", i, d)
				}
			}
		})
	}
}

func TestHandlesSortInTheOrderOfTheirNumbers(t *testing.T) {
	for _, i := range []int{0, 8, 99_997, 99_998, 99_999, 199_998, 199_999} {
		if a, b := handle(i), handle(i+1); a >= b || len(a) != len(b) {
			t.Errorf("%s and %s", a, b)
		}
	}
}

func TestPlansThatCannotBe(t *testing.T) {
	for _, p := range []plan{
		{Shape: strangers},
		{Shape: ring, People: 10, Contacts: 3},
		{Shape: ring, People: 4, Contacts: 4},
		{Shape: halves, People: 8, Contacts: 4},
		{Shape: halves, People: 11, Contacts: 2},
	} {
		if p.check() == nil {
			t.Errorf("%s is let pass", p.name())
		}
	}
}

func TestRelayCases(t *testing.T) {
	c, err := ParseRelayCase("pairs=7,inflight=16,bytes=400,ack=D")
	if want := (RelayCase{7, 16, 400, msnp.AckData}); err != nil || c != want {
		t.Errorf("%+v, %v, want %+v", c, err, want)
	}
	for _, text := range DefaultRelay {
		if c, err := ParseRelayCase(text); err != nil || c.goal() == 0 {
			t.Errorf("%s: %v, goal %v", text, err, c.goal())
		}
	}
	for _, text := range []string{"", "pairs=x", "pairs=0", "ack=S", "ack=", "bytes=9", "bytes=9000", "inflight=0", "speed=9"} {
		if _, err := ParseRelayCase(text); err == nil {
			t.Errorf("%q is let pass", text)
		}
	}
}

func TestTexts(t *testing.T) {
	grammar := *msnp.SwitchboardGrammar
	for _, ack := range []msnp.Acknowledgement{msnp.AckNone, msnp.AckData} {
		text := newText(300, ack)
		for _, n := range []uint64{1, 42, 987654321012} {
			f, used, err := grammar.Next(text.append(nil, ack, n), nil)
			if err != nil || used == 0 || len(f.Payload) != 300 || ack == msnp.AckData && !msnp.IsData(f.Payload) {
				t.Fatalf("%d bytes of payload, %v", len(f.Payload), err)
			}
			if got, err := text.number(f.Payload); got != n || err != nil {
				t.Errorf("%d, %v, want %d", got, err, n)
			}
			f.Payload[100]++
			if _, err := text.number(f.Payload); err == nil {
				t.Error("a changed message is let pass")
			}
		}
	}
}

func TestUtterances(t *testing.T) {
	payload := utter(plainText, 7, []byte("good morning"))
	n, contentType, body, err := heard(payload)
	if n != 7 || contentType != "text/plain" || string(body) != "good morning" || err != nil {
		t.Errorf("%d %s %q %v", n, contentType, body, err)
	}
	payload[len(payload)-1]++
	if _, _, _, err := heard(payload); err == nil {
		t.Error("a changed message is let pass")
	}
}

func TestAlbums(t *testing.T) {
	var a album
	parts := pictureParts(alice, 5)
	for i, part := range parts {
		whole, err := a.add(alice, part)
		if err != nil || whole != (i == len(parts)-1) {
			t.Fatalf("part %d: %v, %v", i, whole, err)
		}
	}
	for i, part := range pictureParts(bob, 6)[1:] { // the beginning was before he came
		if whole, err := a.add(bob, part); whole || err != nil {
			t.Errorf("part %d without a beginning: %v, %v", i, whole, err)
		}
	}
	if _, err := a.add(alice, parts[0]); err != nil {
		t.Error(err)
	}
	if _, err := a.add(alice, parts[2]); err == nil {
		t.Error("a hole in a picture is let pass")
	}
	for i, part := range pictureParts(bob, 7) { // sent by alice, whose picture is another
		if _, err := a.add(alice, part); (err != nil) != (i == len(parts)-1) {
			t.Errorf("part %d of another's picture: %v", i, err)
		}
	}
}

func TestThirds(t *testing.T) {
	var samples []figures.Sample
	for _, rss := range []int64{1, 1, 1, 5, 6, 7, 7, 8, 9} {
		samples = append(samples, figures.Sample{Subject: "epoll", RSS: rss}, figures.Sample{Subject: "portable", RSS: 99})
	}
	if second, last := thirds(samples, "epoll"); second != 6 || last != 8 {
		t.Errorf("%d and %d", second, last)
	}
	if second, last := thirds(nil, "epoll"); second != 0 || last != 0 {
		t.Errorf("%d and %d of nothing", second, last)
	}
}

func TestEachStopsAtTheFirstError(t *testing.T) {
	broken := errors.New("broken")
	err := each(t.Context(), 1000, 3, func(ctx context.Context, i int) error {
		if i == 5 {
			return broken
		}
		if i > 5 {
			<-ctx.Done()
		}
		return nil
	})
	if !errors.Is(err, broken) {
		t.Error(err)
	}
}

func TestANodeThatIsRestartedMayEndConnections(t *testing.T) {
	w := &town{job: job{Dispatch: []string{"127.0.1.1:1863", "127.0.1.2:1863"}}}
	w.settle()
	before, other := w.tenure("127.0.1.1:1864"), w.tenure("127.0.1.2:1864")
	is := func(what string, tn tenure, want bool) {
		t.Helper()
		if tn.ended() != want {
			t.Errorf("%s: %v, want %v", what, !want, want)
		}
	}
	is("nothing has happened", before, false)
	if w.upheaval(stepTurn) || w.upheaval(stepRestarts+"127.0.9.9") || !w.upheaval(stepRestarts+"127.0.1.1") {
		t.Fatal("steps are taken for others")
	}
	within := w.tenure("127.0.1.1:1864")
	is("it is restarted", before, true)
	is("it is restarted, and let him in", within, true)
	is("another is restarted", other, false)
	w.upheaval(stepRestarted + "127.0.1.1")
	is("it was restarted", before, true)
	is("it was restarted, and let him in", within, true)
	within.began = within.began.Add(-2 * patience)
	is("it was restarted long ago, and let him in", within, false)
	is("it is there again", w.tenure("127.0.1.1:1864"), false)
	is("the only server there is", (&town{}).tenure("127.0.0.1:1864"), false)
}
