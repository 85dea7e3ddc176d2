package web

import "net/http"

func (s *Server) homeRoutes(mux *http.ServeMux) {
	mux.Handle("GET /{$}", s.do(s.home))
}

// homeData is what the first page shows.
type homeData struct {
	Online int // people
}

func (s *Server) home(w http.ResponseWriter, r *http.Request) error {
	return s.page(w, r, "home/home", homeData{Online: s.cfg.Hub.CountAll()})
}
