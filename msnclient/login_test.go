package msnclient

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"monarch/msnp"
)

// TestLoginServers goes where servers of other make may send a client.
func TestLoginServers(t *testing.T) {
	t.Parallel()
	var host string
	answer := func(status int, name, value string) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set(name, strings.ReplaceAll(value, "HOST", host))
			w.WriteHeader(status)
		}
	}
	const success = "Passport1.4 da-status=success,from-PP='t=1&p=2'"
	mux := http.NewServeMux()
	mux.HandleFunc("/nexus", answer(200, "PassportURLs", "DARealm=x,DALogin=HOST/moved,DAReg=y"))
	mux.HandleFunc("/nexus/scheme", answer(200, "passporturls", "DALogin=https://HOST/login"))
	mux.HandleFunc("/nexus/dumb", answer(200, "X", "y"))
	mux.HandleFunc("/login", func(w http.ResponseWriter, r *http.Request) {
		want := `Passport1.4 OrgVerb=GET,OrgURL=http%3A%2F%2Fmessenger%2Emsn%2Ecom,sign-in=a%40b.c,pwd=p%2C%20%2B,lc=1033`
		if got := r.Header.Get("Authorization"); got != want {
			t.Errorf("authorization %q", got)
		}
		answer(200, "Authentication-Info", success)(w, r)
	})
	mux.HandleFunc("/moved", answer(302, "Location", "https://HOST/moved/again"))
	mux.HandleFunc("/moved/again", answer(302, "Location", "/login"))
	mux.HandleFunc("/round", answer(302, "Location", "/round"))
	mux.HandleFunc("/plain", answer(302, "Location", "http://HOST/login"))
	mux.HandleFunc("/busy", answer(503, "Retry-After", "60"))
	mux.HandleFunc("/no", answer(401, "X", "y"))
	server := httptest.NewTLSServer(mux)
	defer server.Close()
	host = server.Listener.Addr().String()
	roots := x509.NewCertPool()
	roots.AddCert(server.Certificate())
	for _, c := range []struct {
		name, nexus, login string
		want               error // errAny: any; nil: none
	}{
		{"redirected twice", "/nexus", "", nil},
		{"a nexus that names the scheme", "/nexus/scheme", "", nil},
		{"a nexus that names nothing", "/nexus/dumb", "", ErrUnavailable},
		{"redirected for ever", "", "/round", ErrUnavailable},
		{"redirected out of TLS", "", "/plain", errAny},
		{"busy", "", "/busy", ErrUnavailable},
		{"refused without a word", "", "/no", ErrPassword},
	} {
		t.Run(c.name, func(t *testing.T) {
			cfg := Config{Handle: "a@b.c", Password: "p, +", TLS: &tls.Config{RootCAs: roots}, Nexus: "https://" + host + c.nexus}
			if c.login != "" {
				cfg.Login = "https://" + host + c.login
			}
			cfg, err := cfg.complete()
			if err != nil {
				t.Fatal(err)
			}
			client := &Client{cfg: cfg, log: slog.New(slog.DiscardHandler)}
			ticket, err := client.ticket(t.Context(), "lc=1033")
			if (err == nil) != (c.want == nil) || (err == nil) != (ticket == "t=1&p=2") || !errors.Is(c.want, errAny) && !errors.Is(err, c.want) {
				t.Errorf("%q, %v", ticket, err)
			}
		})
	}
}

func TestRefused(t *testing.T) {
	t.Parallel()
	for code, want := range map[msnp.Code]error{
		msnp.CodeAuthFailed: ErrPassword, msnp.CodeNotVerified: ErrPassword, msnp.CodeBadTicket: ErrPassword,
		msnp.CodeUnavailable: ErrUnavailable, msnp.CodeBusy: ErrUnavailable, msnp.CodeInternal: ErrUnavailable,
	} {
		if err := refused(code); !errors.Is(err, want) || !errors.Is(err, code) {
			t.Errorf("%d: %v", code, err)
		}
	}
	if err := refused(errAny); !errors.Is(err, errAny) {
		t.Error(err)
	}
}
