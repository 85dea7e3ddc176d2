package admin

import (
	"crypto/sha256"
	"crypto/subtle"
	"encoding/json"
	"errors"
	"net/http"
	"strings"

	"golang.org/x/time/rate"

	"monarch/internal/clock"
)

// HookPath is where the delivery script of a mail server tells of mail.
const HookPath = "/hooks/mail"

// The codes of problems that only the hook has.
const (
	CodeUnauthorized = "unauthorized"
	CodeTooFast      = "too_fast"
	CodeTooLarge     = "too_large"
)

const maxHook = 16 << 10 // bytes of a body

// What the hook takes: this many requests at once and then so many a second. Those without
// the token do not count, or anybody could keep the mail server's out.
const (
	hookBurst = 200
	hookRate  = 50
)

// hook is the interface for mail servers, the only one that is open to other users of the
// machine.
type hook struct {
	service *Service
	token   [sha256.Size]byte // its hash: comparing takes the same time for any guess
	clock   *clock.Clock
	rate    *rate.Limiter
}

// MailHook returns the handler of [HookPath]. Its requests carry the token; without one there
// is no hook.
func (s *Service) MailHook(token string, clk *clock.Clock) http.Handler {
	if token == "" {
		return s.serve(func(*http.Request) (any, error) {
			return nil, problem(http.StatusNotFound, CodeBadRequest, "there is no mail hook here: mail.hook_token is not set")
		})
	}
	h := &hook{
		service: s, token: sha256.Sum256([]byte(token)), clock: clk,
		rate: rate.NewLimiter(hookRate, hookBurst),
	}
	serve := s.serve(h.take)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Cache-Control", "no-store")
		if r.Method != http.MethodPost {
			w.Header().Set("Allow", http.MethodPost)
		}
		r.Body = http.MaxBytesReader(w, r.Body, maxHook)
		serve(w, r)
	})
}

// take carries out one request.
func (h *hook) take(r *http.Request) (any, error) {
	if r.Method != http.MethodPost {
		return nil, problem(http.StatusMethodNotAllowed, CodeBadRequest, "use POST")
	}
	if !h.admits(r) {
		return nil, problem(http.StatusUnauthorized, CodeUnauthorized,
			"send the header \"Authorization: Bearer TOKEN\" with the value of mail.hook_token")
	}
	if !h.rate.AllowN(h.clock.Steady(), 1) {
		return nil, problem(http.StatusTooManyRequests, CodeTooFast, "at most %d requests a second are taken; try again in a moment", hookRate)
	}
	var news MailNews
	d := json.NewDecoder(r.Body)
	d.DisallowUnknownFields()
	var large *http.MaxBytesError
	switch err := d.Decode(&news); {
	case errors.As(err, &large):
		return nil, problem(http.StatusRequestEntityTooLarge, CodeTooLarge, "the body has more than %d bytes; leave the message itself out", maxHook)
	case err != nil:
		return nil, problem(http.StatusBadRequest, CodeBadRequest,
			"the body is not a JSON object of to, unread, folders_unread, from, from_name, subject, message_url and kind: %v", err)
	}
	return h.service.Mail(r.Context(), news)
}

// admits reports whether a request carries the token.
func (h *hook) admits(r *http.Request) bool {
	scheme, token, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	guess := sha256.Sum256([]byte(strings.TrimSpace(token)))
	return strings.EqualFold(scheme, "Bearer") && subtle.ConstantTimeCompare(guess[:], h.token[:]) == 1
}
