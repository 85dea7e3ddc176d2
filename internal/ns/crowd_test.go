package ns

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"log/slog"
	"net"
	"path/filepath"
	"runtime"
	"testing"
	"time"

	"monarch/internal/auth"
	"monarch/internal/clock"
	"monarch/internal/conn"
	"monarch/internal/hub"
	"monarch/internal/im"
	"monarch/internal/metrics"
	"monarch/internal/store"
	"monarch/internal/turns"
	"monarch/msnp"
)

// crowd is a notification server with many people on it, whose connections are closed: what
// it sends costs nothing and its connections are not counted, which are conn's affair. So
// what is measured is the server.
type crowd struct {
	t        testing.TB
	srv      *Server
	hub      *hub.Hub
	store    *store.Store
	engine   *conn.Engine
	opened   chan *conn.Conn
	sessions []*session
}

// newCrowd makes accounts, of whom each has the so many next to him in a ring as contacts,
// and opens a connection for everybody.
func newCrowd(t testing.TB, people, contacts int) *crowd {
	t.Helper()
	return newCrowdAt(t, populate(t, people, contacts), people)
}

// populate returns the path of a database with such accounts.
func populate(t testing.TB, people, contacts int) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "monarch.db")
	db, err := store.Open(t.Context(), "sqlite:"+path)
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(
		db.ImportUsers(t.Context(), accounts(people), nil),
		db.ImportContacts(t.Context(), ring(people, contacts), nil),
		db.Close(),
	); err != nil {
		t.Fatal(err)
	}
	return path
}

// newCrowdAt is a server on a database, with a connection for so many of the people in it.
func newCrowdAt(t testing.TB, path string, people int) *crowd {
	t.Helper()
	clk, m, log := clock.New(), metrics.New(), slog.New(slog.DiscardHandler)
	t.Cleanup(clk.Close)
	db, err := store.Open(t.Context(), "sqlite:"+path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() }) // a test may have done that
	keys, err := db.Keys(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	c := &crowd{t: t, hub: hub.New(clk, time.Second), store: db, opened: make(chan *conn.Conn, 1)}
	c.srv = New(Config{
		Store: db, Hub: c.hub, Signer: auth.NewSigner(keys), Clock: clk, Log: log, Metrics: m, Challenge: Enforce,
		Rates: Rates{Statuses: clock.Rate{Burst: 30, Per: 30 * time.Second}, Commands: clock.Rate{Burst: 600, Per: time.Minute}},
		Turns: turns.New(turns.Limits{Parallel: 1, Queue: people}),
		Limits: Limits{
			Greeting: time.Minute, SignInStart: time.Minute, SignIn: time.Minute, TicketLife: time.Hour,
			ChallengeTimeout: time.Minute, ChallengeInterval: time.Hour, MaxContacts: 1000,
		},
	})
	c.engine = conn.New(conn.Config{Kind: conn.Auto, Clock: clk, Log: log, Metrics: m, Limits: conn.Limits{
		QueueBytes: 1 << 20, QueueStall: time.Minute, CloseFlush: time.Second, Linger: time.Second, Slow: 4,
	}})
	for range people {
		c.sessions = append(c.sessions, c.open())
	}
	return c
}

func handleOf(i int) string { return fmt.Sprintf("user%05d@example.com", i) }

func accounts(people int) iter.Seq[store.NewUser] {
	return func(yield func(store.NewUser) bool) {
		for i := range people {
			if !yield(store.NewUser{Handle: handleOf(i), Name: fmt.Sprintf("User %05d", i)}) {
				return
			}
		}
	}
}

func ring(people, contacts int) iter.Seq[store.NewContact] {
	return func(yield func(store.NewContact) bool) {
		for i := range people {
			for k := 1; k <= contacts/2; k++ {
				for _, peer := range []int{(i + k) % people, (i + people - k) % people} {
					if !yield(store.NewContact{Owner: handleOf(i), Peer: handleOf(peer), Lists: im.Forward | im.Allow}) {
						return
					}
				}
			}
		}
	}
}

type idle struct{}

func (idle) Frame(msnp.Frame)   {}
func (idle) Closed(conn.Reason) {}

// open returns the session of a connection that has ended, which it does not know.
func (c *crowd) open() *session {
	c.t.Helper()
	here, there := net.Pipe()
	there.Close()
	c.engine.Attach(here, conn.Role{Name: "notification", Grammar: msnp.SignInGrammar, Open: func(nc *conn.Conn) conn.Handler {
		c.opened <- nc
		return idle{}
	}})
	nc := <-c.opened
	nc.Close(conn.Broken)
	s := c.srv.open(nc, false)
	nc.Expect(0)
	return s
}

// signIn takes one of the sessions through everything up to the first challenge's answer.
func (c *crowd) signIn(i int) {
	c.t.Helper()
	s, handle := c.sessions[i], handleOf(i)
	ticket := c.srv.Signer.Ticket(auth.Ticket{User: int64(i + 1), Credential: 1, Issued: c.srv.Clock.Now()})
	for _, line := range []string{
		"VER 1 MSNP9 CVR0", "CVR 2 0x0409 winnt 5.1 i386 MSNMSGR 6.0.0602 MSMSGS " + handle,
		"USR 3 TWN I " + handle, "USR 4 TWN S " + ticket, "SYN 5 0", "CHG 6 NLN 4",
	} {
		c.say(s, line)
	}
	if !s.online || s.aside == nil {
		c.t.Fatalf("%s is not on line", handle)
	}
	p := msnp.Products[0]
	c.answer(s, p.ID, p.Answer(s.aside.challenge))
	s.conn.Expect(0)
}

func (c *crowd) say(s *session, line string) {
	c.t.Helper()
	f, _, err := msnp.NotificationGrammar.Next([]byte(line+"\r\n"), nil)
	if err != nil {
		c.t.Fatal(err)
	}
	c.do(s, f)
}

func (c *crowd) answer(s *session, product, answer string) {
	c.t.Helper()
	c.do(s, msnp.Frame{Verb: msnp.QRY, Args: [][]byte{[]byte("7"), []byte(product), []byte("32")}, Payload: []byte(answer)})
}

func (c *crowd) do(s *session, f msnp.Frame) {
	c.t.Helper()
	cmd, err := s.command(f)
	if err == nil {
		err = s.allowCommand(cmd)
	}
	if err == nil {
		err = s.run(context.Background(), cmd, f)
	}
	if err != nil {
		c.t.Fatalf("%s: %v", f.Verb, err)
	}
}

// heap returns how many bytes are in use.
func heap() uint64 {
	var m runtime.MemStats
	runtime.GC()
	runtime.GC()
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}
