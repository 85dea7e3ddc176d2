package web

import (
	"net/http"
	"strings"
)

// baseRoutes are those that belong to no area.
func (s *Server) baseRoutes(mux *http.ServeMux) {
	mux.Handle("GET /design", s.do(s.design))
	mux.Handle("POST /theme", s.do(s.setTheme))
	mux.Handle("POST /language", s.do(s.setLanguage))
	mux.Handle("GET /favicon.ico", s.do(s.favicon))
	mux.Handle("/", s.do(func(http.ResponseWriter, *http.Request) error { return errNotFound }))
}

// design shows everything that pages are made of. Its colours and spaces are those of base.css.
func (s *Server) design(w http.ResponseWriter, r *http.Request) error {
	return s.page(w, r, "base/design", struct {
		Colours []string
		Spaces  []int
	}{
		strings.Fields("ink muted paper tint sky ground line edge link blue blue-deep orange orange-deep accent green green-tint " +
			"red red-tint amber amber-tint online away busy offline focus"),
		[]int{1, 2, 3, 4, 5, 6, 7},
	})
}

// setTheme keeps what the visitor chose, and returns to the page where that was.
func (s *Server) setTheme(w http.ResponseWriter, r *http.Request) error {
	switch chosen := theme(r.PostFormValue("theme")); chosen {
	case light, dark:
		s.setCookie(w, themeCookie, string(chosen), preferenceLife)
	default:
		s.setCookie(w, themeCookie, "", -1)
	}
	return back(w, r, r.PostFormValue("back"))
}

// setLanguage does the same with the language.
func (s *Server) setLanguage(w http.ResponseWriter, r *http.Request) error {
	for _, c := range s.languages.all {
		if c.name == r.PostFormValue("language") {
			s.setCookie(w, languageCookie, c.name, preferenceLife)
		}
	}
	return back(w, r, r.PostFormValue("back"))
}

// favicon is for those who ask without having seen a page.
func (s *Server) favicon(w http.ResponseWriter, r *http.Request) error {
	http.Redirect(w, r, s.assets.root+"/img/favicon.png", http.StatusFound)
	return nil
}
