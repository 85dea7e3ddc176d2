package passport_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"io"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"monarch/internal/auth"
	"monarch/internal/clock"
	"monarch/internal/gate"
	"monarch/internal/im"
	"monarch/internal/login"
	"monarch/internal/metrics"
	"monarch/internal/passport"
	"monarch/internal/store"
)

// testCertificates are made once: RSA keys take their time.
var testCertificates = sync.OnceValues(func() (passport.Certificates, error) {
	dir, err := os.MkdirTemp("", "monarch-certificates")
	if err != nil {
		return passport.Certificates{}, err
	}
	defer os.RemoveAll(dir)
	return passport.EnsureCertificate(dir, []string{"msn.example.com"})
})

// world is a server on two listeners, with one account.
type world struct {
	t      *testing.T
	srv    *passport.Server
	store  *store.Store
	hasher *auth.Hasher
	desk   *login.Desk
	signer *auth.Signer
	clock  *clock.Clock
	log    *logText
	alice  im.User
	roots  *x509.CertPool
	https  string
	http   string
}

// logText collects what is logged.
type logText struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *logText) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *logText) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

const alicePassword = "secret"

// cheap keeps the tests quick.
var cheap = auth.Params{Memory: 8, Time: 1}

// newWorld starts a server whose configuration edit, if any, has changed.
func newWorld(t *testing.T, edit func(*passport.Config)) *world {
	t.Helper()
	w := &world{t: t, hasher: auth.NewHasher(2, 64, cheap), clock: clock.New(), log: new(logText)}
	t.Cleanup(w.clock.Close)
	var err error
	w.store, err = store.Open(t.Context(), "sqlite://"+filepath.Join(t.TempDir(), "monarch.db"))
	w.must(err)
	t.Cleanup(func() { w.must(w.store.Close()) })
	keys, err := w.store.Keys(t.Context())
	w.must(err)
	w.signer = auth.NewSigner(keys)
	w.alice = w.addUser("alice@example.com", alicePassword)
	cfg := passport.Config{
		Store: w.store, Signer: w.signer, Clock: w.clock,
		Log:      slog.New(slog.NewTextHandler(w.log, &slog.HandlerOptions{Level: slog.LevelDebug})),
		Name:     "Monarch",
		LoginURL: "login.passport.com/login2.srf",
		URL:      "https://msn.example.com",
		WebLife:  time.Hour,
		Gate:     gate.New(metrics.New(), slog.New(slog.DiscardHandler), gate.Networks{}, gate.Limits{}),
	}
	withHasher(w.hasher)(&cfg)
	if edit != nil {
		edit(&cfg)
	}
	w.desk = cfg.Login
	w.srv, err = passport.New(cfg)
	w.must(err)
	w.serve()
	return w
}

// withHasher lets passwords be checked by another hasher.
func withHasher(h *auth.Hasher) func(*passport.Config) {
	return func(c *passport.Config) {
		c.Login = login.New(login.Config{Store: c.Store, Hasher: h, Clock: c.Clock, Log: c.Log})
	}
}

func (w *world) serve() {
	certs, err := testCertificates()
	w.must(err)
	w.roots = x509.NewCertPool()
	w.roots.AppendCertsFromPEM(certs.CAPEM())
	https, http := w.listen(), w.listen()
	w.https, w.http = https.Addr().String(), http.Addr().String()
	var done sync.WaitGroup
	done.Go(func() { w.check(w.srv.ServeHTTPS(https, passport.LegacyTLS(certs.TLS))) })
	done.Go(func() { w.check(w.srv.ServeHTTP(http)) })
	w.t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		w.check(w.srv.Close(ctx))
		done.Wait()
	})
}

func (w *world) listen() net.Listener {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	w.must(err)
	return l
}

func (w *world) addUser(handle, password string) im.User {
	w.t.Helper()
	hash, err := w.hasher.Hash(w.t.Context(), password)
	w.must(err)
	u, err := w.store.CreateUser(w.t.Context(), handle, handle, hash)
	w.must(err)
	return u
}

func (w *world) must(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) check(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Error(err)
	}
}

// dial opens a TLS connection that checks the certificate.
func (w *world) dial() net.Conn {
	w.t.Helper()
	c, err := tls.Dial("tcp", w.https, &tls.Config{RootCAs: w.roots, ServerName: "login.passport.com"})
	w.must(err)
	w.must(c.SetDeadline(time.Now().Add(20 * time.Second)))
	w.t.Cleanup(func() { c.Close() })
	return c
}

func (w *world) dialPlain() net.Conn {
	w.t.Helper()
	c, err := net.Dial("tcp", w.http)
	w.must(err)
	w.must(c.SetDeadline(time.Now().Add(20 * time.Second)))
	w.t.Cleanup(func() { c.Close() })
	return c
}

// exchange sends a request and returns everything up to the end of the connection.
func (w *world) exchange(c net.Conn, request string) string {
	w.t.Helper()
	_, err := io.WriteString(c, request)
	w.must(err)
	answer, err := io.ReadAll(c)
	w.must(err)
	return string(answer)
}

func (w *world) askHTTPS(request string) string { w.t.Helper(); return w.exchange(w.dial(), request) }

func (w *world) askHTTP(request string) string {
	w.t.Helper()
	return w.exchange(w.dialPlain(), request)
}

// logIn sends what follows "Passport1.4 " in a login.
func (w *world) logIn(authorization string) string {
	w.t.Helper()
	return w.askHTTPS("GET /login2.srf HTTP/1.1\r\nAuthorization: Passport1.4 " + authorization + "\r\n\r\n")
}

const challenge = ",lc=1033,id=507,tw=40,fs=1,ru=http%3A%2F%2Fmessenger%2Emsn%2Ecom,ct=1700000000,kpp=1,kv=5,ver=2.1.0173.1,tpf=0123456789abcdef"

// ticket returns the ticket of an answer, checked, or "" if the answer is another.
func (w *world) ticket(answer string) string {
	w.t.Helper()
	if !strings.HasPrefix(answer, "HTTP/1.1 200 OK\r\n") {
		return ""
	}
	_, rest, _ := strings.Cut(answer, ",from-PP='")
	ticket, _, ok := strings.Cut(rest, "',ru=http://messenger.msn.com\r\n")
	if !ok {
		w.t.Fatalf("no ticket in %q", answer)
	}
	w.opens(ticket)
	return ticket
}

// opens checks that a ticket is good for somebody.
func (w *world) opens(ticket string) auth.Ticket {
	w.t.Helper()
	got, err := w.signer.OpenTicket(ticket, w.clock.Now(), 10*time.Minute)
	if err != nil {
		w.t.Fatalf("ticket %q: %v", ticket, err)
	}
	return got
}

// body returns what follows the header of an answer.
func body(answer string) string {
	_, b, _ := strings.Cut(answer, "\r\n\r\n")
	return b
}

func TestServerEndsWhileClientsAreConnected(t *testing.T) {
	w := newWorld(t, nil)
	quiet := w.dialPlain()
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if err := w.srv.Close(ctx); err == nil {
		t.Error("Close with a request in hand and no time left: no error")
	}
	if n, err := quiet.Read(make([]byte, 1)); err == nil {
		t.Errorf("connection still open, read %d bytes", n)
	}
	if _, err := net.Dial("tcp", w.http); err == nil {
		t.Error("listener still open")
	}
}

// dialRaw connects to the HTTPS port without TLS.
func (w *world) dialRaw() net.Conn {
	w.t.Helper()
	c, err := net.Dial("tcp", w.https)
	w.must(err)
	w.must(c.SetDeadline(time.Now().Add(20 * time.Second)))
	w.t.Cleanup(func() { c.Close() })
	return c
}
