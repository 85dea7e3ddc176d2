package auth_test

import (
	"context"
	"errors"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"

	"monarch/internal/auth"
)

// cheap makes hashes that cost nothing.
var cheap = auth.Params{Memory: 64, Time: 1}

func hash(t *testing.T, h *auth.Hasher, password string) string {
	t.Helper()
	s, err := h.Hash(t.Context(), password)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestCheck(t *testing.T) {
	h := auth.NewHasher(2, 8, cheap)
	for _, tc := range []struct {
		name              string
		password, attempt string
		want              bool
	}{
		{"the password passes", "secret", "secret", true},
		{"another one does not", "secret", "Secret", false},
		{"an empty one does not", "secret", "", false},
		{"a blank more does not", "secret", "secret ", false},
		{"bytes that are not text are a password too", "\xff\x00♥", "\xff\x00♥", true},
		{"a long one is not cut", strings.Repeat("a", 5000), strings.Repeat("a", 4999) + "b", false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			ok, err := h.Check(t.Context(), netip.Addr{}, hash(t, h, tc.password), tc.attempt)
			if ok != tc.want || err != nil {
				t.Errorf("%t, %v", ok, err)
			}
		})
	}
}

func TestHashesOfOnePasswordDiffer(t *testing.T) {
	h := auth.NewHasher(1, 1, cheap)
	s := hash(t, h, "secret")
	if s == hash(t, h, "secret") {
		t.Error("two hashes with the same salt")
	}
	if !strings.HasPrefix(s, "$argon2id$v=19$m=64,t=1,p=1$") || strings.Contains(s, "secret") {
		t.Error(s)
	}
}

func TestHashesOfEarlierParametersAreCheckedAndOutdated(t *testing.T) {
	before, after := auth.NewHasher(1, 1, cheap), auth.NewHasher(1, 1, auth.Params{Memory: 128, Time: 1})
	old := hash(t, before, "secret")
	if before.Outdated(old) || !after.Outdated(old) || !after.Outdated("") || !after.Outdated("damaged") {
		t.Error("wrong hashes are outdated")
	}
	if ok, err := after.Check(t.Context(), netip.Addr{}, old, "secret"); !ok || err != nil {
		t.Errorf("%t, %v", ok, err)
	}
	if ok, _ := after.Check(t.Context(), netip.Addr{}, old, "other"); ok {
		t.Error("another password passed")
	}
}

// A test vector of the reference implementation, in C.
func TestHashesAreArgon2id(t *testing.T) {
	const vector = "$argon2id$v=19$m=256,t=2,p=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4"
	h := auth.NewHasher(1, 1, cheap)
	if ok, err := h.Check(t.Context(), netip.Addr{}, vector, "password"); !ok || err != nil {
		t.Errorf("%t, %v", ok, err)
	}
}

func TestDamagedHashesAreErrors(t *testing.T) {
	h := auth.NewHasher(1, 1, cheap)
	good := hash(t, h, "secret")
	part := strings.Split(good, "$")
	with := func(i int, s string) string {
		p := append([]string(nil), part...)
		p[i] = s
		return strings.Join(p, "$")
	}
	for _, tc := range []struct{ name, hash string }{
		{"a word", "secret"},
		{"cut short", good[:len(good)-10]},
		{"a part missing", strings.TrimSuffix(good, "$"+part[5])},
		{"a part too many", good + "$"},
		{"another algorithm", with(1, "argon2i")},
		{"another version", with(2, "v=16")},
		{"no parameters", with(3, "")},
		{"two threads", with(3, "m=64,t=1,p=2")},
		{"no memory", with(3, "m=0,t=1,p=1")},
		{"more memory than a machine has", with(3, "m=4294967295,t=1,p=1")},
		{"more memory than a number", with(3, "m=99999999999,t=1,p=1")},
		{"no passes", with(3, "m=64,t=0,p=1")},
		{"passes without end", with(3, "m=64,t=4294967295,p=1")},
		{"negative passes", with(3, "m=64,t=-1,p=1")},
		{"a salt that is not base64", with(4, "?")},
		{"a sum that is not base64", with(5, "?"+part[5][1:])},
		{"no sum", with(5, "")},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if ok, err := h.Check(t.Context(), netip.Addr{}, tc.hash, "secret"); ok || err == nil {
				t.Errorf("%t, %v", ok, err)
			} else if strings.Contains(err.Error(), part[5]) || errors.Is(err, auth.ErrBusy) {
				t.Errorf("the error says %q", err)
			}
			if !h.Outdated(tc.hash) {
				t.Error("not outdated")
			}
		})
	}
}

// A hasher that computes nothing keeps one call waiting; whoever comes then is turned away.
func TestBusyWhenTheQueueIsFull(t *testing.T) {
	for _, tc := range []struct {
		name string
		call func(context.Context, *auth.Hasher) error
	}{
		{"hashing for a stranger", func(ctx context.Context, h *auth.Hasher) error {
			_, err := h.HashFor(ctx, netip.Addr{}, "secret")
			return err
		}},
		{"checking", func(ctx context.Context, h *auth.Hasher) error {
			_, err := h.Check(ctx, netip.Addr{}, hash(t, auth.NewHasher(1, 0, cheap), "secret"), "secret")
			return err
		}},
		{"checking an account that does not exist", func(ctx context.Context, h *auth.Hasher) error {
			ok, err := h.Check(ctx, netip.Addr{}, "", "secret")
			if ok {
				t.Error("nobody's password passed")
			}
			return err
		}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			h := auth.NewHasher(0, 1, cheap)
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			results := make(chan error, 2)
			for range 2 {
				go func() { results <- tc.call(ctx, h) }()
			}
			if err := <-results; !errors.Is(err, auth.ErrBusy) {
				t.Errorf("the first to return: %v", err)
			}
			cancel()
			if err := <-results; !errors.Is(err, context.Canceled) {
				t.Errorf("the one that waited: %v", err)
			}
		})
	}
}

// However many strangers have their guesses looked at, an operator can change a password.
func TestHashingComesBeforeAllChecks(t *testing.T) {
	h := auth.NewHasher(1, 4, cheap)
	if err := h.Turns().Take(t.Context(), netip.Addr{}); err != nil { // somebody's, for now
		t.Fatal(err)
	}
	var checks sync.WaitGroup
	for range 4 {
		checks.Go(func() {
			if _, err := h.Check(t.Context(), netip.Addr{}, "", "guess"); err != nil {
				t.Error(err)
			}
		})
	}
	await(t, h, 4)
	if _, err := h.Check(t.Context(), netip.Addr{}, "", "guess"); !errors.Is(err, auth.ErrBusy) {
		t.Errorf("one more check: %v", err)
	}
	hashed := make(chan error)
	go func() {
		_, err := h.Hash(t.Context(), "secret")
		hashed <- err
	}()
	await(t, h, 5)
	h.Turns().Done()
	if err := <-hashed; err != nil {
		t.Error(err)
	}
	checks.Wait()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := auth.NewHasher(0, 0, cheap).Hash(ctx, "secret"); !errors.Is(err, context.Canceled) {
		t.Errorf("hashing without a turn: %v", err)
	}
}

// await waits until so many wait for a turn.
func await(t *testing.T, h *auth.Hasher, waiting int) {
	t.Helper()
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for began := time.Now(); h.Turns().Waiting() != waiting; <-tick.C {
		if time.Since(began) > 20*time.Second {
			t.Fatalf("%d wait, want %d", h.Turns().Waiting(), waiting)
		}
	}
}

func TestManyCallersShareFewSlots(t *testing.T) {
	h := auth.NewHasher(2, 64, cheap)
	want := hash(t, h, "secret")
	var callers sync.WaitGroup
	for range 32 {
		callers.Go(func() {
			if ok, err := h.Check(t.Context(), netip.Addr{}, want, "secret"); !ok || err != nil {
				t.Errorf("%t, %v", ok, err)
			}
		})
	}
	callers.Wait()
}

// Whether an account exists must not show in the time the answer takes.
func TestAnUnknownAccountTakesAHash(t *testing.T) {
	h := auth.NewHasher(1, 1, auth.Params{Memory: 4096, Time: 2})
	known := hash(t, h, "secret")
	took := func(stored string) time.Duration {
		began := time.Now()
		if ok, err := h.Check(t.Context(), netip.Addr{}, stored, "wrong"); ok || err != nil {
			t.Fatal(ok, err)
		}
		return time.Since(began)
	}
	// What else the machine does makes either slower, never faster.
	a, b := time.Hour, time.Hour
	for n, deadline := 0, time.Now().Add(20*time.Second); n < 7 || b < a/2; n++ {
		if time.Now().After(deadline) {
			t.Fatalf("a known account takes %v, an unknown one %v", a, b)
		}
		a, b = min(a, took(known)), min(b, took(""))
	}
}

func BenchmarkHash(b *testing.B) {
	h := auth.NewHasher(1, 1, auth.DefaultParams)
	for b.Loop() {
		if _, err := h.Hash(b.Context(), "secret"); err != nil {
			b.Fatal(err)
		}
	}
}
