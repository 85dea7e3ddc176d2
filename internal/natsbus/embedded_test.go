package natsbus_test

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"monarch/internal/loopback"
	"monarch/internal/natsbus"
)

const anyPort = "127.0.0.1:0"

// three starts three nodes of which a does not know c.
func three(t testing.TB) (a, b, c *end) {
	t.Helper()
	b = embedded(t, anyPort, secret).start(t)
	a = embedded(t, anyPort, secret, b.Address()).start(t)
	c = embedded(t, anyPort, secret, b.Address()).start(t)
	meet(t, a, b, c)
	return a, b, c
}

func TestPacketsReachThoseTheyAreFor(t *testing.T) {
	a, b, c := three(t)
	for _, e := range []*end{a, b, c} {
		e.forget()
	}
	a.tell(t, "to all")
	a.tellOne(t, c, "to c")
	a.tellOne(t, b, "to b")
	a.tell(t, "end")
	b.tell(t, "end of b")
	for _, tc := range []struct {
		e    *end
		last string
		want []string
	}{{a, "end of b", []string{"end of b"}}, {b, "end", []string{"to all", "to b", "end"}}, {c, "end", []string{"to all", "to c", "end"}}} {
		got := withoutHellos(tc.e.wait(t, tc.last))
		if tc.e == c {
			got = slices.DeleteFunc(got, func(p string) bool { return p == "end of b" })
		}
		if !slices.Equal(got, tc.want) {
			t.Errorf("received %q, want %q", got, tc.want)
		}
	}
}

func TestPacketsKeepTheirOrderUnderLoad(t *testing.T) {
	a, b, c := three(t)
	a.forget()
	const packets = 1500 // of each of two senders at once, which together are fewer than may wait
	var sending sync.WaitGroup
	defer sending.Wait()
	for _, from := range []*end{b, c} {
		sending.Go(func() {
			for i := range packets {
				packet := fmt.Sprint(from.id, " ", i)
				if i%3 == 0 {
					from.tell(t, packet)
				} else {
					from.tellOne(t, a, packet)
				}
			}
		})
	}
	counts := make(map[string]int)
	got := a.waitFor(t, func() bool { return len(withoutHellos(slices.Clone(a.got))) == 2*packets })
	for _, packet := range withoutHellos(got) {
		var from string
		var n int
		if _, err := fmt.Sscan(packet, &from, &n); err != nil || n != counts[from] {
			t.Fatalf("%s sent %d, and %d came", from, counts[from], n)
		}
		counts[from]++
	}
}

func TestWhoDoesNotReadLosesAndIsTold(t *testing.T) {
	a := embedded(t, anyPort, secret).start(t)
	b := embedded(t, anyPort, secret, a.Address()).start(t)
	meet(t, a, b)
	b.mu.Lock() // so that nothing is read
	something := string(make([]byte, 100<<10))
	eventually(t, "packets are lost", func() bool {
		for range 100 {
			a.tellOne(t, b, something)
		}
		return strings.Contains(b.log.String(), "did not read them fast enough")
	})
	b.mu.Unlock()
	eventually(t, "it reads again", func() bool {
		a.tellOne(t, b, "at last")
		return b.has("at last")
	})
}

func TestWhatWasSentLastArrives(t *testing.T) {
	a, b, c := three(t)
	const packets = 500
	for i := range packets {
		a.tell(t, fmt.Sprint("goodbye ", i))
	}
	a.close(t)
	for _, e := range []*end{b, c} {
		e.wait(t, fmt.Sprint("goodbye ", packets-1))
	}
}

func TestPeersMayComeLaterAndComeAgain(t *testing.T) {
	address := loopback.Address(t)
	a := embedded(t, anyPort, secret, address).start(t) // which waits in vain
	b := embedded(t, address, secret, address).start(t)
	meet(t, a, b)
	b.close(t)
	again := embedded(t, address, secret).start(t)
	meet(t, a, again)
}

func TestAnotherSecretIsRefusedAndTold(t *testing.T) {
	a := embedded(t, anyPort, secret).start(t)
	stranger := embedded(t, anyPort, secret+"!", a.Address()).start(t)
	friend := embedded(t, anyPort, secret, a.Address()).start(t)
	meet(t, a, friend)
	for _, e := range []*end{a, stranger} {
		eventually(t, "the log tells of the secret", func() bool { return strings.Contains(e.log.String(), "cluster.secret") })
	}
	stranger.tell(t, "let me in")
	stranger.tellOne(t, a, "let me in")
	a.forget()
	friend.forget()
	meet(t, a, friend) // who is friends has heard of each other again, and nobody of the stranger
	if a.has("let me in") || friend.has("let me in") || stranger.has("hello of "+string(a.id)) {
		t.Error("the stranger is in")
	}
	for _, e := range []*end{a, stranger, friend} {
		if strings.Contains(e.log.String(), secret) {
			t.Errorf("the secret is in the log:\n%s", e.log)
		}
	}
}

func TestAListenerThatCannotBe(t *testing.T) {
	a := embedded(t, anyPort, secret).start(t)
	b := embedded(t, a.Address(), secret)
	err := b.Start(b.id, b.receiver())
	if err == nil || !strings.Contains(err.Error(), "address already in use") || !strings.Contains(err.Error(), "cluster.listen") {
		t.Errorf("it said %v", err)
	}
	for _, cfg := range []natsbus.EmbeddedConfig{{Listen: "nonsense"}, {Listen: "1.2.3.4:x"}, {Listen: anyPort, Peers: []string{"nonsense"}}} {
		if _, err := natsbus.Embedded(cfg); err == nil || !strings.Contains(err.Error(), "cluster.") {
			t.Errorf("%+v: %v", cfg, err)
		}
	}
}

func BenchmarkEmbedded(b *testing.B) {
	for _, size := range []int{100, 10_000} {
		b.Run(fmt.Sprint(size, " bytes"), func(b *testing.B) {
			x := embedded(b, anyPort, secret).start(b)
			y := embedded(b, anyPort, secret, x.Address()).start(b)
			meet(b, x, y)
			y.forget()
			packet := string(make([]byte, size))
			b.SetBytes(int64(size))
			sent := 0
			for b.Loop() {
				x.tellOne(b, y, packet)
				if sent++; sent%1000 == 0 { // fewer than may wait
					y.waitFor(b, func() bool { return len(withoutHellos(y.got)) >= 1000 })
					y.forget()
				}
			}
		})
	}
}

// TestWhoIsNotThereIsTold ends nodes, with the server in them and without.
func TestWhoIsNotThereIsTold(t *testing.T) {
	address := runNATS(t, anyNATS, nil).Addr().String()
	a := embedded(t, anyPort, secret).start(t)
	for name, ends := range map[string][3]*end{
		"embedded": {a, embedded(t, anyPort, secret, a.Address()).start(t), embedded(t, anyPort, secret, a.Address()).start(t)},
		"external": {
			external(address, "monarch:sesame").start(t), external(address, "monarch:sesame").start(t), external(address, "monarch:sesame").start(t),
		},
	} {
		t.Run(name, func(t *testing.T) {
			here, gone, there := ends[0], ends[1], ends[2]
			meet(t, ends[:]...)
			here.forget()
			here.tellOne(t, gone, "last word")
			gone.wait(t, "last word")
			gone.tellOne(t, here, "farewell")
			here.wait(t, "farewell")
			gone.close(t)
			absence := "absent " + gone.id.Run()
			eventually(t, "it is told", func() bool { return here.SendTo(gone.id, []byte("well?")) == nil && here.has(absence) })
			here.tellOne(t, there, "well?")
			there.wait(t, "well?")
			there.tellOne(t, here, "yes")
			got := here.wait(t, "yes")
			if slices.Contains(got, "absent "+there.id.Run()) || slices.Index(got, absence) < slices.Index(got, "farewell") {
				t.Errorf("%q", got)
			}
		})
	}
}
