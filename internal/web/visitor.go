package web

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"net/http"
	"net/netip"
	"strings"
	"time"

	"monarch/internal/im"
	"monarch/internal/store"
)

// visitor is who sends a request.
type visitor struct {
	Theme   theme
	Address netip.Addr
	Account *im.User // nil: nobody has signed in
	Manages bool     // there are pages for operators for him

	session store.WebSession // of Account
	text    *catalogue
	secret  string // of a cookie, which forms are bound to
	fresh   bool   // the browser does not have it yet
	wanted  bool   // a form is bound to it
}

// theme is light, dark, or whatever the system has.
type theme string

const (
	auto  theme = "auto"
	light theme = "light"
	dark  theme = "dark"
)

// Cookies. Their values are opaque; a browser that has none gets one with the first form.
const (
	visitorCookie  = "visitor"
	themeCookie    = "theme"
	languageCookie = "language"
)

const preferenceLife = 365 * 24 * time.Hour

type visitorKey struct{}

// visitorOf returns who sent a request.
func visitorOf(r *http.Request) *visitor {
	v, _ := r.Context().Value(visitorKey{}).(*visitor)
	return v
}

// visit finds out who sends a request. Even with an error the request has a visitor, who may be
// told of it.
func (s *Server) visit(w http.ResponseWriter, r *http.Request) (*http.Request, error) {
	v := &visitor{Theme: auto}
	if g := guestOf(r.Context()); g != nil {
		v.Address = g.from
	}
	if t := theme(s.cookie(r, themeCookie)); t == light || t == dark {
		v.Theme = t
	}
	v.text = s.languages.match(s.cookie(r, languageCookie), r.Header.Get("Accept-Language"))
	if v.secret = s.cookie(r, visitorCookie); len(v.secret) != len(rand.Text()) {
		v.secret, v.fresh = rand.Text(), true
	}
	err := s.recognize(w, r, v)
	r = r.WithContext(context.WithValue(r.Context(), visitorKey{}, v))
	v.Manages = s.cfg.Admin != nil && s.mayAdminister(r)
	return r, err
}

// Language names the language that the visitor reads.
func (v *visitor) Language() string { return v.text.name }

// Token is what forms carry, so that they can only come from pages of this visitor's.
func (v *visitor) Token() string {
	v.wanted = true
	mac := hmac.New(sha256.New, []byte(v.secret))
	mac.Write([]byte("form"))
	return base64.RawURLEncoding.EncodeToString(mac.Sum(nil)[:18])
}

// rememberVisitor gives the browser what the forms of a page are bound to.
func (s *Server) rememberVisitor(w http.ResponseWriter, v *visitor) {
	if v.fresh && v.wanted {
		s.setCookie(w, visitorCookie, v.secret, 0)
	}
}

// secure reports whether people reach the site over TLS.
func (s *Server) secure() bool { return strings.HasPrefix(s.cfg.URL, "https://") }

// cookieName returns the name of a cookie as browsers have it. Over TLS it is one that only
// this very host can set.
func (s *Server) cookieName(name string) string {
	if s.secure() {
		return "__Host-" + name
	}
	return name
}

func (s *Server) cookie(r *http.Request, name string) string {
	c, err := r.Cookie(s.cookieName(name))
	if err != nil {
		return ""
	}
	return c.Value
}

// setCookie sets a cookie for so long, or until the browser is closed; with a negative life it
// removes one.
func (s *Server) setCookie(w http.ResponseWriter, name, value string, life time.Duration) {
	http.SetCookie(w, &http.Cookie{ //nolint:gosec // secure where that is possible
		Name: s.cookieName(name), Value: value, Path: "/", MaxAge: int(life.Seconds()),
		HttpOnly: true, SameSite: http.SameSiteLaxMode, Secure: s.secure(),
	})
}
