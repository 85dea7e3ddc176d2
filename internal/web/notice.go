package web

import (
	"encoding/base64"
	"encoding/json"
	"net/http"
	"regexp"
	"time"
)

// noticeCookie carries a notice from the answer to a form to the page that it leads to.
const noticeCookie = "notice"

// notice tells, once, what was done.
type notice struct {
	Key  string `json:"key"` // of a text
	Who  string `json:"who,omitempty"`
	Name string `json:"name,omitempty"`
	N    int    `json:"n,omitempty"`
}

// saidKeys are what the keys of notices begin with.
var saidKeys = regexp.MustCompile(`^(account|admin)\.said_`)

// say has the next page tell something.
func (s *Server) say(w http.ResponseWriter, n notice) {
	text, err := json.Marshal(n)
	if err != nil {
		return // strings and a number cannot be wrong
	}
	s.setCookie(w, noticeCookie, base64.RawURLEncoding.EncodeToString(text), time.Minute)
}

// said returns what the page is to tell, or nil.
func (s *Server) said(w http.ResponseWriter, r *http.Request) *notice {
	value := s.cookie(r, noticeCookie)
	if value == "" {
		return nil
	}
	s.setCookie(w, noticeCookie, "", -1)
	text, err := base64.RawURLEncoding.DecodeString(value)
	if err != nil {
		return nil
	}
	var n notice
	if json.Unmarshal(text, &n) != nil || !saidKeys.MatchString(n.Key) {
		return nil
	}
	return &n
}
