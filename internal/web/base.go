package web

import "net/http"

// baseRoutes are those that belong to no area.
func (s *Server) baseRoutes(mux *http.ServeMux) {
	mux.Handle("GET /design", s.do(s.design))
	mux.Handle("POST /theme", s.do(s.setTheme))
	mux.Handle("POST /language", s.do(s.setLanguage))
	mux.Handle("GET /favicon.ico", s.do(s.favicon))
	mux.Handle("/", s.do(func(http.ResponseWriter, *http.Request) error { return errNotFound }))
}

// design shows everything that pages are made of.
func (s *Server) design(w http.ResponseWriter, r *http.Request) error {
	return s.page(w, r, "base/design", nil)
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
		if c.name() == r.PostFormValue("language") {
			s.setCookie(w, languageCookie, c.name(), preferenceLife)
		}
	}
	return back(w, r, r.PostFormValue("back"))
}

// favicon is for those who ask without having seen a page.
func (s *Server) favicon(w http.ResponseWriter, r *http.Request) error {
	http.Redirect(w, r, s.assets.root+"/img/monarch.svg", http.StatusFound)
	return nil
}
