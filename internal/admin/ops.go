package admin

import (
	"io"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strings"
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

// Named passes on what was asked for by an address, as localhost, or by one of some names. It is for what
// listens where only this machine reaches it. A page in a browser here may ask for the name that it is from,
// and whoever answers for that name may have it lead here; he can do so with no other. What names no host
// is from no browser.
func Named(names []string, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		host := askedHost(r.Host)
		if _, err := netip.ParseAddr(host); err != nil && host != "" && host != "localhost" && !strings.HasSuffix(host, ".localhost") &&
			!slices.ContainsFunc(names, func(name string) bool { return strings.EqualFold(name, host) }) {
			say(w, http.StatusMisdirectedRequest, "the name asked for is none of this service's: ops.listen is on the loopback address, and answers "+
				"whoever asks for an address, localhost, service.host or cluster.node. Ask for 127.0.0.1, or have a proxy set the header Host to that.")
			return
		}
		next.ServeHTTP(w, r)
	})
}

// askedHost returns the host in a header Host, in small letters.
func askedHost(header string) string {
	host, _, err := net.SplitHostPort(header)
	if err != nil {
		host = strings.TrimSuffix(strings.TrimPrefix(header, "["), "]")
	}
	return strings.ToLower(strings.TrimSuffix(host, "."))
}

// say answers with one line of text.
func say(w http.ResponseWriter, status int, line string) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	// The caller may be gone; there is nobody left to tell.
	_, _ = io.WriteString(w, line+"\n")
}
