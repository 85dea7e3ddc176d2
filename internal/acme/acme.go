// Package acme has an authority certify the website's name over ACME (RFC 8555), answers what the
// authority asks to see whose the name is, and renews in time. All nodes share one certificate, one
// account and the answers, through store; the listeners that answers and certificate are shown on
// belong to web and passport.
package acme

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/crypto/acme"
	"golang.org/x/time/rate"

	"monarch/internal/clock"
	"monarch/internal/store"
)

// How often the store is looked into.
const (
	calmLook   = time.Hour       // where nobody else asks for certificates
	sharedLook = time.Minute     // where another node may
	busyLook   = 5 * time.Second // while another node does
)

// How long a claim to ask the authority holds, and how long asking may take, which is less.
const (
	claim   = 10 * time.Minute
	attempt = 5 * time.Minute
)

// After a failure the next attempt is firstPause later, then twice that, up to longPause. With
// these, no more than five are made in the first hour, which is what Let's Encrypt allows.
const (
	firstPause = 2 * time.Minute
	longPause  = time.Hour
)

// Way is one in which an authority looks whose a name is.
type Way string

// The ways there are here.
const (
	HTTP Way = "http-01"     // at port 80, by plain HTTP
	TLS  Way = "tls-alpn-01" // at port 443, by a handshake
)

// Settings say what is certified, and by whom.
type Settings struct {
	Host      string // the name
	Directory string // of the authority
	Email     string // where it may write to; "" is nowhere
	Ways      []Way  // the likeliest first: after a failure the next one is tried

	Roots *x509.CertPool // who may certify the directory itself; nil: whom the system trusts
}

// Config is what a [Keeper] is made of. All pointers are required.
type Config struct {
	Store *store.Store
	Clock *clock.Clock
	Log   *slog.Logger

	Alone  bool   // there is no other node
	Asks   bool   // this node asks for certificates, and does not only answer for others
	Client string // what authorities are told that this is

	Settings // to begin with
}

// Counts is what has happened since the start.
type Counts struct {
	Issued atomic.Uint64 // certificates that this node has got
	Failed atomic.Uint64 // attempts of this node that came to nothing
}

// Keeper keeps the certificate of one name.
type Keeper struct {
	Counts Counts

	cfg     Config        // immutable, but for the settings to begin with
	lookups *rate.Limiter // in the store, for strangers

	settings atomic.Pointer[Settings]
	shown    atomic.Pointer[held] // nil: there is none yet
	due      chan struct{}        // of one
	timer    clock.Timer
	eager    atomic.Bool // the next look does not wait for what an earlier failure put off

	mu      sync.Mutex        // leaf
	asked   map[string]string // answers to what the authority asks this node for, by token
	present *tls.Certificate  // the same for a handshake
}

// held is a certificate, and which authority it is of.
type held struct {
	tls.Certificate
	directory string
}

// New makes a keeper and has it load the certificate that there is, if any. It asks nobody before
// [Keeper.Run].
func New(ctx context.Context, cfg Config) (*Keeper, error) {
	k := &Keeper{cfg: cfg, lookups: rate.NewLimiter(100, 200), due: make(chan struct{}, 1), asked: make(map[string]string)}
	k.settings.Store(&cfg.Settings)
	c, err := cfg.Store.SiteCertificate(ctx, cfg.Directory, cfg.Host)
	if err != nil {
		return nil, err
	}
	k.load(&cfg.Settings, c)
	return k, nil
}

// Run keeps the certificate until ctx ends.
func (k *Keeper) Run(ctx context.Context) {
	defer k.cfg.Clock.Stop(&k.timer)
	k.ring()
	for {
		select {
		case <-ctx.Done():
			return
		case <-k.due:
			next, err := k.look(ctx)
			if ctx.Err() != nil {
				return
			}
			if err != nil {
				k.cfg.Log.Error("the website's certificate could not be looked after", "err", err)
			}
			k.cfg.Clock.Set(&k.timer, next, k.ring)
		}
	}
}

func (k *Keeper) ring() {
	select {
	case k.due <- struct{}{}:
	default: // it has not got round to the last one
	}
}

// Set changes the settings. If there is no certificate, the authority is asked at once, whatever came
// of earlier attempts.
func (k *Keeper) Set(s Settings) {
	k.settings.Store(&s)
	k.eager.Store(true)
	k.ring()
}

// Certificate returns what is to be shown, or nil as long as there is none.
func (k *Keeper) Certificate() *tls.Certificate {
	if h := k.shown.Load(); h != nil {
		return &h.Certificate
	}
	return nil
}

// look does what is due, and returns when to look again.
func (k *Keeper) look(ctx context.Context) (time.Duration, error) {
	usual := sharedLook
	if k.cfg.Alone {
		usual = calmLook
	}
	s := k.settings.Load()
	c, err := k.cfg.Store.SiteCertificate(ctx, s.Directory, s.Host)
	if err != nil {
		return sharedLook, err
	}
	k.load(s, c)
	now := k.cfg.Clock.Now()
	if due := k.renewAt(s.Directory); !k.cfg.Asks || due.After(now) {
		return min(usual, max(due.Sub(now), time.Second)), nil
	}
	retry := time.Unix(c.Retry, 0)
	if !k.eager.Swap(false) && retry.After(now) {
		return min(usual, retry.Sub(now)), nil
	}
	c, mine, err := k.cfg.Store.ClaimCertificate(ctx, s.Directory, s.Host, now, now.Add(claim))
	switch {
	case err != nil:
		return sharedLook, err
	case !mine:
		return busyLook, nil
	}
	if k.load(s, c); k.renewAt(s.Directory).After(now) { // another has got one meanwhile
		c.Busy = 0
		return usual, k.cfg.Store.SetSiteCertificate(ctx, s.Directory, s.Host, c)
	}
	return min(usual, k.ask(ctx, s, c)), nil
}

// ask asks the authority, says in the store what became of it, and returns when the next look is
// worth while.
func (k *Keeper) ask(ctx context.Context, s *Settings, c store.SiteCertificate) time.Duration {
	way := s.Ways[c.Failures%len(s.Ways)]
	bounded, cancel := context.WithTimeout(ctx, attempt)
	chain, key, err := k.obtain(bounded, s, way)
	cancel()
	c.Busy = 0
	pause := calmLook
	switch {
	case err == nil:
		c = store.SiteCertificate{Chain: chain, Key: key}
		k.Counts.Issued.Add(1)
	case ctx.Err() != nil: // the server stops; another node, or the next start, goes on
	default:
		c.Failures++
		pause = pauseAfter(c.Failures, err)
		c.Retry = k.cfg.Clock.Now().Add(pause).Unix()
		k.Counts.Failed.Add(1)
		k.complain(s, err, pause)
	}
	if err := k.cfg.Store.SetSiteCertificate(context.WithoutCancel(ctx), s.Directory, s.Host, c); err != nil {
		k.cfg.Log.Error("the website's certificate could not be kept", "err", err)
	}
	if err == nil { // also if it could not be kept
		k.load(s, c)
		k.cfg.Log.Info("the website has a new certificate", "host", s.Host, "expires", k.Expires().UTC().Format(time.RFC3339))
	}
	return pause
}

// pauseAfter returns for how long nobody asks again.
func pauseAfter(failures int, err error) time.Duration {
	pause := min(firstPause<<min(failures-1, 10), longPause)
	if wait, limited := acme.RateLimit(err); limited {
		pause = min(max(pause, wait), 24*time.Hour)
	}
	return pause
}

// complain logs why there is no certificate, and what may be done.
func (k *Keeper) complain(s *Settings, err error, pause time.Duration) {
	do := "see that the authority can be reached from here: monarch doctor"
	var unsure *acme.AuthorizationError
	if errors.As(err, &unsure) {
		do = "see that port 80 of this name leads to passport.http_listen, or port 443 to web.listen or passport.https_listen: monarch doctor"
	}
	k.cfg.Log.Error("no certificate from the authority", "host", s.Host, "directory", s.Directory, "err", err, "again_in", pause.String(), "do", do)
}

// load shows a certificate of the store, if it is one and another than before.
func (k *Keeper) load(s *Settings, c store.SiteCertificate) {
	if c.Chain == "" {
		return
	}
	cert, err := tls.X509KeyPair([]byte(c.Chain), []byte(c.Key))
	if err != nil {
		k.cfg.Log.Error("the website's certificate in the database cannot be used", "err", err)
		return
	}
	if old := k.shown.Load(); old == nil || !old.Leaf.Equal(cert.Leaf) {
		k.shown.Store(&held{cert, s.Directory})
	}
}

// Expires returns when the certificate does; the zero time if there is none.
func (k *Keeper) Expires() time.Time {
	if c := k.Certificate(); c != nil {
		return c.Leaf.NotAfter
	}
	return time.Time{}
}

// renewAt returns when it is time for another certificate of an authority: with a third of the life
// left, or a half where that is short.
func (k *Keeper) renewAt(directory string) time.Time {
	c := k.shown.Load()
	if c == nil || c.directory != directory {
		return time.Time{}
	}
	life := c.Leaf.NotAfter.Sub(c.Leaf.NotBefore)
	share := life / 3
	if life < 10*24*time.Hour {
		share = life / 2
	}
	return c.Leaf.NotAfter.Add(-share)
}
