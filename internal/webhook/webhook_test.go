package webhook_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"monarch/internal/audit"
	"monarch/internal/clock"
	"monarch/internal/store"
	"monarch/internal/webhook"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// patience is how long a test waits for what must come.
const patience = 60 * time.Second

// said is a request that the receiver got.
type said struct {
	id, stamp, signature, body string
}

// note returns what the event in it was noted with.
func (s said) note() string {
	var e struct {
		Data struct{ Note string }
	}
	if json.Unmarshal([]byte(s.body), &e) != nil {
		return s.body
	}
	return e.Data.Note
}

// world is a database, a clock, and somebody who is told.
type world struct {
	t      *testing.T
	store  *store.Store
	clock  *clock.Clock
	server *httptest.Server
	hook   store.Webhook

	mu     sync.Mutex
	change *sync.Cond
	heard  []said
	answer func(said) int // the status; nil is 204
}

func newWorld(t *testing.T, patterns ...string) *world {
	t.Helper()
	s, err := store.Open(t.Context(), "sqlite:"+filepath.Join(t.TempDir(), "monarch.db"))
	if err != nil {
		t.Fatal(err)
	}
	w := &world{t: t, store: s, clock: clock.New()}
	w.change = sync.NewCond(&w.mu)
	w.server = httptest.NewServer(http.HandlerFunc(w.hear))
	t.Cleanup(func() {
		w.server.Close()
		w.clock.Close()
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	w.hook = w.add(w.server.URL, patterns...)
	return w
}

func (w *world) add(url string, patterns ...string) store.Webhook {
	w.t.Helper()
	if len(patterns) == 0 {
		patterns = []string{"*"}
	}
	h, err := webhook.Hook(url, patterns)
	if err != nil {
		w.t.Fatal(err)
	}
	h.Created = w.clock.Now().Unix()
	if err := w.store.AddWebhook(w.t.Context(), h); err != nil {
		w.t.Fatal(err)
	}
	return h
}

func (w *world) hear(rw http.ResponseWriter, r *http.Request) {
	b, _ := io.ReadAll(r.Body)
	s := said{r.Header.Get("Webhook-Id"), r.Header.Get("Webhook-Timestamp"), r.Header.Get("Webhook-Signature"), string(b)}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.heard = append(w.heard, s)
	w.change.Broadcast()
	status := http.StatusNoContent
	if w.answer != nil {
		status = w.answer(s)
	}
	if status == http.StatusFound {
		rw.Header().Set("Location", w.server.URL+"/elsewhere")
	}
	rw.WriteHeader(status)
}

// answers says what the receiver does from now on.
func (w *world) answers(fn func(said) int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.answer = fn
}

// until waits until the receiver has heard so much.
func (w *world) until(n int) []said {
	w.t.Helper()
	deadline := time.AfterFunc(patience, func() {
		w.mu.Lock()
		defer w.mu.Unlock()
		w.t.Errorf("%d requests came, want %d", len(w.heard), n)
		n = 0
		w.change.Broadcast()
	})
	defer deadline.Stop()
	w.mu.Lock()
	defer w.mu.Unlock()
	for len(w.heard) < n {
		w.change.Wait()
	}
	return slices.Clone(w.heard)
}

// state waits until the first webhook is in a state.
func (w *world) state(what string, fits func(store.Webhook) bool) store.Webhook {
	w.t.Helper()
	ctx, cancel := context.WithTimeout(w.t.Context(), patience)
	defer cancel()
	next := time.NewTicker(5 * time.Millisecond)
	defer next.Stop()
	for {
		all, err := w.store.Webhooks(ctx)
		if err == nil && fits(all[0]) {
			return all[0]
		}
		select {
		case <-next.C:
		case <-ctx.Done():
			w.t.Fatalf("%s: it is %+v, %v", what, all, err)
		}
	}
}

// run starts a sender of a node, until stop or the end of the test.
func (w *world) run(node string) (s *webhook.Sender, stop func()) {
	s = webhook.New(webhook.Config{
		Store: w.store, Clock: w.clock, Log: slog.New(slog.DiscardHandler), Service: "Monarch", Node: node,
	})
	ctx, cancel := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() { s.Run(ctx) })
	stop = sync.OnceFunc(func() {
		cancel()
		running.Wait()
	})
	w.t.Cleanup(stop)
	return s, stop
}

// happen has something happen with a note.
func (w *world) happen(s *webhook.Sender, what audit.What, note string) {
	s.Hear(context.Background(), audit.Heard{
		Event: audit.Event{What: what, User: "alice@example.com", Addr: netip.MustParseAddrPort("192.0.2.7:1234"), By: "uid 0 (root)", Note: note},
		Time:  w.clock.Now(),
	})
}

func TestEventsAreToldInOrderAndSigned(t *testing.T) {
	w := newWorld(t)
	s, _ := w.run("")
	for i := range 250 {
		w.happen(s, audit.AccountRenamed, fmt.Sprint(i))
	}
	for i, got := range w.until(250) {
		if got.note() != fmt.Sprint(i) {
			t.Fatalf("event %d is %s", i, got.body)
		}
		if want := webhook.Sign(w.hook.Secret, got.id, got.stamp, got.body); got.signature != want || got.id == "" {
			t.Fatalf("it is signed %q, want %q", got.signature, want)
		}
	}
	first := w.until(1)[0]
	var e struct {
		Type      string
		Timestamp time.Time
		Data      map[string]string
	}
	if err := json.Unmarshal([]byte(first.body), &e); err != nil {
		t.Fatal(err)
	}
	if e.Type != "account.renamed" || e.Timestamp.IsZero() || e.Data["account"] != "alice@example.com" ||
		e.Data["address"] != "192.0.2.7" || e.Data["by"] != "uid 0 (root)" || e.Data["service"] != "Monarch" {
		t.Errorf("it is told %s", first.body)
	}
	h := w.state("all were taken", func(h store.Webhook) bool { return h.Delivered == 250 })
	if h.Waiting != 0 || h.LastError != "" || h.Told == 0 {
		t.Errorf("the webhook is %+v", h)
	}
}

// The example of the specification of Standard Webhooks.
func TestSignature(t *testing.T) {
	got := webhook.Sign("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "msg_p5jXN8AQM9LWM0D4loKWxJek", "1614265330", `{"test": 2432232314}`)
	if want := "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="; got != want {
		t.Errorf("the signature is %s, want %s", got, want)
	}
}

// A webhook is removed when whoever it tells should be told no more.
func TestWhoIsRemovedIsToldNoMore(t *testing.T) {
	w := newWorld(t)
	s := webhook.New(webhook.Config{Store: w.store, Clock: w.clock, Log: slog.New(slog.DiscardHandler)})
	for i := range 50 {
		w.happen(s, audit.AccountRenamed, fmt.Sprint(i))
	}
	other := w.add(w.server.URL+"/other", "session.ended")
	w.answers(func(said) int {
		if err := w.store.RemoveWebhook(t.Context(), w.hook.ID); err == nil {
			s.Changed()
			w.happen(s, audit.SessionEnded, other.ID)
		}
		return http.StatusNoContent
	})
	ctx, cancel := context.WithCancel(t.Context())
	var running sync.WaitGroup
	running.Go(func() { s.Run(ctx) })
	defer running.Wait()
	defer cancel()
	if got := w.until(2); got[0].note() != "0" || got[1].note() != other.ID {
		t.Errorf("it was told %v", got)
	}
}

func TestOnlyWhatIsWantedIsTold(t *testing.T) {
	w := newWorld(t, "account.*", "abuse.sign_ins_held_back")
	s, _ := w.run("")
	w.happen(s, audit.SignedIn, "not an event of webhooks")
	w.happen(s, audit.SessionEnded, "not wanted")
	w.happen(s, audit.AccountDisabled, "1")
	w.happen(s, audit.Disconnected, "not wanted")
	w.happen(s, audit.HeldBack, "2")
	if got := w.until(2); got[0].note() != "1" || got[1].note() != "2" {
		t.Errorf("it was told %v", got)
	}
}

func TestWhatIsNotTakenIsTriedAgain(t *testing.T) {
	w := newWorld(t)
	w.answers(func(said) int { return http.StatusBadGateway })
	s, stop := w.run("")
	w.happen(s, audit.AccountAdded, "1")
	w.happen(s, audit.AccountAdded, "2")
	for n, pause := range []time.Duration{5 * time.Second, 30 * time.Second, 2 * time.Minute} {
		w.until(n + 1)
		h := w.state("it failed", func(h store.Webhook) bool { return h.Failures == n+1 })
		if h.LastError != "it answered 502 Bad Gateway" {
			t.Errorf("the error is %q", h.LastError)
		}
		if n == 1 { // over a restart, too
			stop()
			_, _ = w.run("")
		}
		w.clock.Advance(pause + time.Second)
	}
	w.until(4)
	w.answers(nil)
	w.state("it failed again", func(h store.Webhook) bool { return h.Failures == 4 })
	w.clock.Advance(11 * time.Minute)
	got := w.until(6)
	for i, want := range []string{"1", "1", "1", "1", "1", "2"} {
		if got[i].note() != want {
			t.Errorf("request %d is %s, want %s", i, got[i].note(), want)
		}
	}
	if got[0].id != got[4].id || got[0].id == got[5].id {
		t.Error("the ids do not tell which event it is")
	}
	w.state("both were taken", func(h store.Webhook) bool { return h.Delivered == 2 && h.Failures == 0 && h.LastError == "" })
}

func TestWhatIsRefusedIsGivenUp(t *testing.T) {
	w := newWorld(t)
	w.answers(func(s said) int {
		if s.note() == "poison" {
			return http.StatusUnprocessableEntity
		}
		return http.StatusOK
	})
	s, _ := w.run("")
	w.happen(s, audit.AccountAdded, "poison")
	w.happen(s, audit.AccountAdded, "bread")
	for n := 1; n < 5; n++ {
		w.state("it was refused", func(h store.Webhook) bool { return h.Failures == n })
		w.clock.Advance(2 * time.Hour)
	}
	h := w.state("the other was taken", func(h store.Webhook) bool { return h.Delivered == 1 })
	if h.Lost != 1 || s.Counts.Lost.Load() != 1 || h.Waiting != 0 {
		t.Errorf("the webhook is %+v", h)
	}
}

func TestAnEventIsGivenUpAfterThreeDays(t *testing.T) {
	w := newWorld(t)
	w.server.Close() // nobody listens there
	s, _ := w.run("")
	w.happen(s, audit.AccountAdded, "1")
	w.state("it failed", func(h store.Webhook) bool { return h.Failures == 1 })
	w.clock.Advance(71 * time.Hour)
	w.state("it failed again", func(h store.Webhook) bool { return h.Failures == 2 && h.Lost == 0 })
	w.clock.Advance(2 * time.Hour)
	w.state("it is given up", func(h store.Webhook) bool { return h.Lost == 1 && h.Waiting == 0 })
}

func TestARedirectIsNotFollowed(t *testing.T) {
	w := newWorld(t)
	w.answers(func(said) int { return http.StatusFound })
	s, _ := w.run("")
	w.happen(s, audit.AccountAdded, "1")
	h := w.state("it failed", func(h store.Webhook) bool { return h.Failures == 1 })
	if h.LastError != "it answered 302 Found" || len(w.until(1)) != 1 {
		t.Errorf("the error is %q after %d requests", h.LastError, len(w.until(1)))
	}
}

// A webhook that does not answer keeps nobody else waiting, nor a stop.
func TestOneThatHangs(t *testing.T) {
	w := newWorld(t)
	free := make(chan struct{})
	silent := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		select {
		case <-free:
		case <-r.Context().Done():
		}
	}))
	defer silent.Close()
	defer close(free)
	w.add(silent.URL)
	s, stop := w.run("")
	for i := range 10 {
		w.happen(s, audit.AccountAdded, fmt.Sprint(i))
	}
	w.until(10)
	began := time.Now()
	stop()
	if took := time.Since(began); took > 10*time.Second {
		t.Errorf("stopping takes %v", took)
	}
}

// Of several nodes one tells a webhook, and another goes on when that one has stopped.
func TestNodesShareTheWork(t *testing.T) {
	w := newWorld(t)
	a, stopA := w.run("a")
	b, _ := w.run("b")
	for i := range 100 {
		w.happen([]*webhook.Sender{a, b}[i%2], audit.AccountAdded, fmt.Sprint(i))
	}
	for range 3 { // whoever has the lease finds what the other one keeps
		a.Wake()
		b.Wake()
	}
	stopA()
	w.clock.Advance(3 * time.Minute)
	w.state("all were taken", func(h store.Webhook) bool { return h.Delivered == 100 })
	ids := make(map[string]int)
	for _, s := range w.until(100) {
		ids[s.id]++
	}
	if len(ids) != 100 {
		t.Errorf("%d events came", len(ids))
	}
}

func TestCommandsKeepEventsForLater(t *testing.T) {
	w := newWorld(t)
	command := webhook.New(webhook.Config{Store: w.store, Clock: w.clock, Log: slog.New(slog.DiscardHandler)})
	w.happen(command, audit.AccountAdded, "by hand")
	command.Keep(t.Context())
	w.run("")
	if got := w.until(1); got[0].note() != "by hand" {
		t.Errorf("it was told %s", got[0].body)
	}
}

func TestTrying(t *testing.T) {
	w := newWorld(t)
	s := webhook.New(webhook.Config{Store: w.store, Clock: w.clock, Log: slog.New(slog.DiscardHandler)})
	if err := s.Try(t.Context(), w.hook); err != nil {
		t.Fatal(err)
	}
	if got := w.until(1)[0].body; !strings.Contains(got, `"type":"webhook.test"`) {
		t.Errorf("it was told %s", got)
	}
	w.answers(func(said) int { return http.StatusTeapot })
	if err := s.Try(t.Context(), w.hook); err == nil || err.Error() != "it answered 418 I'm a teapot" {
		t.Errorf("the error is %v", err)
	}
}

func TestWhatNoWebhookCanBe(t *testing.T) {
	for _, c := range []struct {
		url      string
		patterns []string
	}{
		{"ftp://example.com", []string{"*"}},
		{"example.com/hook", []string{"*"}},
		{"https:///path", []string{"*"}},
		{"https://example.com/#part", []string{"*"}},
		{"https://example.com", nil},
		{"https://example.com", []string{"account.*", "emperor.*"}},
		{"https://example.com", []string{"account"}},
	} {
		if _, err := webhook.Hook(c.url, c.patterns); err == nil {
			t.Errorf("%s for %q is a webhook", c.url, c.patterns)
		}
	}
}
