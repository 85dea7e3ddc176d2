package admin

import (
	"io"
	"net/http"
)

// Ops returns what the operators' listener serves: /healthz while the process lives,
// /readyz while unready gives no reason against sending clients here, and /metrics.
func Ops(unready func() string, metrics http.Handler) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { say(w, http.StatusOK, "alive") })
	mux.HandleFunc("GET /readyz", func(w http.ResponseWriter, _ *http.Request) {
		if why := unready(); why != "" {
			say(w, http.StatusServiceUnavailable, why)
		} else {
			say(w, http.StatusOK, "ready")
		}
	})
	mux.Handle("GET /metrics", metrics)
	return mux
}

// say answers with one line of text.
func say(w http.ResponseWriter, status int, line string) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	// The caller may be gone; there is nobody left to tell.
	_, _ = io.WriteString(w, line+"\n")
}
