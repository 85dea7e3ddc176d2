package web

import "net/http"

// messengerRoutes are the messenger in the browser.
func (s *Server) messengerRoutes(*http.ServeMux) {}
