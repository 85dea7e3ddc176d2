package web

import "net/http"

// connectRoutes are guides for clients.
func (s *Server) connectRoutes(*http.ServeMux) {}
