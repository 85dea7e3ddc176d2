package web

import (
	"crypto/subtle"
	"errors"
	"mime"
	"net/http"
	"runtime/debug"
	"strings"
)

// What a request may carry.
const (
	maxForm   = 64 << 10
	maxUpload = 1 << 20 // with a file, of somebody who has signed in
)

// policy is what a page may load: what is ours. Nothing in a page itself is a script or a style.
var policy = strings.Join([]string{
	"default-src 'none'", "script-src 'self'", "style-src 'self'", "img-src 'self' data: blob:",
	"connect-src 'self'", "font-src 'self'", "media-src 'self' blob:", "manifest-src 'self'", "worker-src 'self'",
	"form-action 'self'", "base-uri 'none'", "frame-ancestors 'none'",
}, "; ")

// chain is what every request goes through before its page.
func (s *Server) chain(mux *http.ServeMux) http.Handler {
	origins := http.NewCrossOriginProtection()
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.Counts.Requests.Add(1)
		defer s.recover(w, r)
		protect(w.Header())
		if g := guestOf(r.Context()); g != nil && g.turned() {
			w.Header().Set("Connection", "close")
			w.Header().Set("Retry-After", "30")
			http.Error(w, "Too many connections just now. Please try again in a moment.", http.StatusServiceUnavailable)
			return
		}
		if strings.HasPrefix(r.URL.Path, "/static/") {
			s.assets.ServeHTTP(w, r)
			return
		}
		if strings.HasPrefix(r.URL.Path, "/api/") && s.cfg.Manage != nil {
			s.manage(w, r)
			return
		}
		w.Header().Set("Cache-Control", "no-store")
		w.Header().Set("Vary", "Accept-Language, Cookie")
		r, err := s.visit(w, r)
		if err == nil {
			err = s.checkForm(w, r, origins)
		}
		if err != nil {
			s.fail(w, r, err)
			return
		}
		mux.ServeHTTP(w, r)
	})
}

// protect sets what every answer says to browsers.
func protect(h http.Header) {
	h.Set("Content-Security-Policy", policy)
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "same-origin")
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	h.Set("Permissions-Policy", "camera=(), microphone=(), geolocation=()")
}

// checkForm reads the form of a request that may change something, and refuses one that does
// not come from a page of the same visitor's. A script sends the token in a header.
func (s *Server) checkForm(w http.ResponseWriter, r *http.Request, origins *http.CrossOriginProtection) error {
	if r.Method == http.MethodGet || r.Method == http.MethodHead {
		return nil
	}
	if err := origins.Check(r); err != nil {
		s.Counts.Refused.Add(1)
		return errForeign
	}
	if err := readForm(w, r); err != nil {
		return err
	}
	token := r.Header.Get("X-Csrf-Token")
	if token == "" {
		token = r.PostFormValue("_csrf")
	}
	if subtle.ConstantTimeCompare([]byte(token), []byte(visitorOf(r).Token())) != 1 {
		s.Counts.Refused.Add(1)
		return errForeign
	}
	return nil
}

// readForm reads the body of a request.
func readForm(w http.ResponseWriter, r *http.Request) error {
	kind, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type"))
	file := kind == "multipart/form-data"
	most := int64(maxForm)
	if file && visitorOf(r).Account != nil {
		most = maxUpload
	}
	r.Body = http.MaxBytesReader(w, r.Body, most)
	var err error
	if file {
		err = r.ParseMultipartForm(most) //nolint:gosec // it is bounded two lines above
	} else {
		err = r.ParseForm()
	}
	var tooLarge *http.MaxBytesError
	switch {
	case errors.As(err, &tooLarge):
		return errTooLarge
	case err != nil:
		return errUnreadable
	}
	return nil
}

// recover answers for a page that panicked.
func (s *Server) recover(w http.ResponseWriter, r *http.Request) {
	fault := recover()
	if fault == nil {
		return
	}
	if fault == http.ErrAbortHandler { //nolint:errorlint // it is the value itself
		panic(fault) // net/http breaks the connection off
	}
	s.Counts.Panics.Add(1)
	s.cfg.Log.Error("a page panicked", "path", r.URL.Path, "err", fault, "stack", string(debug.Stack()))
	http.Error(w, "Something went wrong here. Please try again.", http.StatusInternalServerError)
}
