package web

import "net/http"

// accountRoutes are pages of somebody's account.
func (s *Server) accountRoutes(*http.ServeMux) {}
