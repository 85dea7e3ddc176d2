package admin

import (
	"context"
	"crypto/sha256"
	"errors"
	"math"
	"net/http"
	"net/netip"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"monarch/internal/clock"
	"monarch/internal/store"
	"monarch/internal/turns"
)

// How often somebody at one address may come with a wrong token before the database is not asked for each
// any more. Right ones are not counted, and always let in.
var wrongTokens = clock.Rate{Burst: 20, Per: 10 * time.Minute}

const (
	tokenLife = 30 * time.Second // that a token is taken for good without another look
	usedEvery = 5 * time.Minute  // that the use of a token is noted

	lookUpTime = 10 * time.Second // for which a token is looked for
)

// Bearer is the HTTP interface for those who have a token.
type Bearer struct {
	Requests atomic.Uint64 // with a good token
	Refused  atomic.Uint64 // with a wrong one, or from whom too many came

	service *Service
	mux     *http.ServeMux
	wrong   *clock.Recent[turns.Subscriber, clock.Bucket]
}

// NewBearer makes the interface to a service.
func NewBearer(s *Service) *Bearer {
	return &Bearer{service: s, mux: s.mux(), wrong: clock.NewRecent[turns.Subscriber, clock.Bucket](s.Clock, wrongTokens.Per)}
}

// ServeHTTP answers requests of which the address is that of their connection.
func (b *Bearer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	from, _ := netip.ParseAddrPort(r.RemoteAddr)
	b.Answer(w, r, from.Addr().Unmap())
}

// Answer answers a request from an address, and reports whether it had a good token.
func (b *Bearer) Answer(w http.ResponseWriter, r *http.Request, from netip.Addr) (known bool) {
	scheme, secret, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	if !strings.EqualFold(scheme, "Bearer") {
		b.mux.ServeHTTP(w, r) // which knows what needs none
		return false
	}
	// Whoever hangs up has guessed nevertheless.
	lookUp, cancel := context.WithTimeout(context.WithoutCancel(r.Context()), lookUpTime)
	t, err := b.find(lookUp, strings.TrimSpace(secret), from)
	cancel()
	if err != nil {
		b.service.refuse(w, r, err)
		return false
	}
	b.Requests.Add(1)
	c := Caller{Name: "token " + t.Name}
	for _, scope := range t.Scopes {
		c.Scopes = append(c.Scopes, Scope(scope))
	}
	b.mux.ServeHTTP(w, r.WithContext(WithFrom(WithCaller(r.Context(), c), from)))
	return true
}

// Bar answers a request from where the service may not be managed.
func (b *Bearer) Bar(w http.ResponseWriter, r *http.Request) {
	b.service.refuse(w, r, problem(http.StatusForbidden, CodeForbidden, "the service cannot be managed from your address; admin.networks says from where it can"))
}

// find returns the token that a secret is of.
func (b *Bearer) find(ctx context.Context, secret string, from netip.Addr) (store.APIToken, error) {
	s := b.service
	if t, ok := s.tokens.known(secret, s.Clock); ok {
		return t, nil
	}
	if wait := b.wait(from); wait > 0 && !s.goodTokens.have(ctx, secret, s.Clock.Elapsed, s.tokenHashes) {
		b.Refused.Add(1)
		return store.APIToken{}, &refusal{
			problem(http.StatusTooManyRequests, CodeTooFast, "too many wrong tokens came from your address; try again later"),
			http.Header{"Retry-After": {strconv.Itoa(int(math.Ceil(wait.Seconds())))}},
		}
	}
	t, err := s.lookUp(ctx, secret)
	if errors.Is(err, store.ErrNoToken) {
		b.Refused.Add(1)
		b.wrong.Use(turns.SubscriberOf(from), func(did *clock.Bucket) { wrongTokens.Allow(did, s.Clock.Elapsed()) })
		return t, unauthorized(`Bearer realm="monarch", error="invalid_token"`,
			"there is no such token: it was revoked, has expired, or never was one; `monarch token create` makes one")
	}
	return t, err
}

// wait returns for how long nobody may try another token from an address.
func (b *Bearer) wait(from netip.Addr) (wait time.Duration) {
	b.wrong.Peek(turns.SubscriberOf(from), func(did *clock.Bucket) {
		copied := *did // only wrong ones are counted
		wait = wrongTokens.Take(&copied, b.service.Clock.Elapsed())
	})
	return wait
}

// unauthorized asks for a token, in words and in a header.
func unauthorized(challenge, text string) error {
	return &refusal{
		problem(http.StatusUnauthorized, CodeUnauthorized, "%s", text),
		http.Header{"Www-Authenticate": {challenge}},
	}
}

// tokenHashes returns the hashes of all tokens.
func (s *Service) tokenHashes(ctx context.Context) ([]string, error) {
	all, err := s.Store.APITokenHashes(ctx, s.Clock.Now())
	if err != nil {
		s.Log.WarnContext(ctx, "the tokens there are cannot be looked up", "err", err)
	}
	return all, err
}

// lookUp finds a token in the database, and remembers it for a while.
func (s *Service) lookUp(ctx context.Context, secret string) (store.APIToken, error) {
	if !strings.HasPrefix(secret, TokenPrefix) {
		return store.APIToken{}, store.ErrNoToken
	}
	round := s.tokens.round()
	now := s.Clock.Now()
	t, err := s.Store.APIToken(ctx, secret, now)
	if err != nil {
		return t, err
	}
	s.tokens.keep(secret, knownToken{t, s.Clock.Elapsed() + tokenLife}, round)
	if now.Sub(time.Unix(t.Used, 0)) >= usedEvery {
		if err := s.Store.UseAPIToken(ctx, t.ID, now); err != nil {
			s.Log.WarnContext(ctx, "the use of a token is not noted", "token", t.Name, "err", err)
		}
	}
	return t, nil
}

// knownTokens are tokens that were good a moment ago, by their hashes. The zero value is ready.
type knownTokens struct {
	mu     sync.Mutex // leaf
	rounds uint64     // how often all were forgotten
	all    map[[sha256.Size]byte]knownToken
}

type knownToken struct {
	store.APIToken
	until time.Duration // of the clock's Elapsed
}

// known returns a token that is remembered and has not expired.
func (k *knownTokens) known(secret string, clk *clock.Clock) (store.APIToken, bool) {
	hash := sha256.Sum256([]byte(secret)) // comparing it tells nothing of the secret
	k.mu.Lock()
	defer k.mu.Unlock()
	t, ok := k.all[hash]
	if ok && (clk.Elapsed() >= t.until || t.Expires != 0 && clk.Now().Unix() >= t.Expires) {
		delete(k.all, hash)
		ok = false
	}
	return t.APIToken, ok
}

// round is what [knownTokens.keep] wants to know.
func (k *knownTokens) round() uint64 {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.rounds
}

// keep remembers a token that was found in a round, unless all were forgotten since: it may have
// been revoked.
func (k *knownTokens) keep(secret string, t knownToken, round uint64) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.rounds != round {
		return
	}
	if k.all == nil {
		k.all = make(map[[sha256.Size]byte]knownToken)
	}
	k.all[sha256.Sum256([]byte(secret))] = t
}

// forget has every token be looked up again.
func (k *knownTokens) forget() {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.rounds++
	k.all = nil
}
