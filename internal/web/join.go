package web

import "net/http"

// joinRoutes are signing up and signing in.
func (s *Server) joinRoutes(*http.ServeMux) {}
