package admin_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"monarch/internal/admin"
	"monarch/internal/cluster/clustertest"
)

// gate is the interface for tokens of a bench.
type gate struct {
	t *testing.T
	*admin.Bearer
}

// ask sends a request with a token, if that is not empty, from an address.
func (g gate) ask(method, path, token, from, body string) *httptest.ResponseRecorder {
	g.t.Helper()
	r := httptest.NewRequestWithContext(g.t.Context(), method, path, strings.NewReader(body))
	r.Header.Set("Content-Type", "application/json")
	r.RemoteAddr = from + ":1029"
	if token != "" {
		r.Header.Set("Authorization", "Bearer "+token)
	}
	w := httptest.NewRecorder()
	g.ServeHTTP(w, r)
	return w
}

func (g gate) wants(w *httptest.ResponseRecorder, status int, code string) {
	g.t.Helper()
	var p admin.Problem
	if err := json.Unmarshal(w.Body.Bytes(), &p); err != nil && w.Code != http.StatusNoContent {
		g.t.Error(err)
	}
	if w.Code != status || p.Code != code {
		g.t.Errorf("status %d, %s; want %d, %s", w.Code, w.Body, status, code)
	}
}

// token makes a token.
func (b bench) token(t *testing.T, n admin.NewToken) admin.MadeToken {
	t.Helper()
	made, err := admin.Local(b.Service).CreateToken(t.Context(), n)
	if err != nil {
		t.Fatal(err)
	}
	return made
}

func TestTokensOpenWhatTheirScopesSay(t *testing.T) {
	b := newBench(t)
	b.client = admin.Local(b.Service)
	b.add(t, "alice")
	g := gate{t, admin.NewBearer(b.Service)}
	made := b.token(t, admin.NewToken{Name: "reader", Scopes: []admin.Scope{admin.AccountsRead}, ExpiresIn: 3600})
	if !strings.HasPrefix(made.Secret, "monarch_") || len(made.Secret) != 40 || made.Expires == nil {
		t.Errorf("made %+v", made)
	}
	const from = "192.0.2.7"
	g.wants(g.ask("GET", "/api/v1/accounts", made.Secret, from, ""), 200, "")
	w := g.ask("GET", "/api/v1/sessions", made.Secret, from, "")
	g.wants(w, 403, admin.CodeForbidden)
	if want := `scope="sessions:read"`; !strings.Contains(w.Header().Get("Www-Authenticate"), want) || !strings.Contains(w.Body.String(), "sessions:read") {
		t.Errorf("what is missing is not told: %v, %s", w.Header(), w.Body)
	}
	g.wants(g.ask("GET", "/api/v1/accounts", "", from, ""), 401, admin.CodeUnauthorized)
	g.wants(g.ask("GET", "/api/v1/me", "", from, ""), 401, admin.CodeUnauthorized)
	if w := g.ask("GET", "/api/v1/me", made.Secret, from, ""); !strings.Contains(w.Body.String(), `{"name":"token reader","scopes":["accounts:read"]}`) {
		t.Errorf("me: %s", w.Body)
	}
	if all, err := b.client.Tokens(t.Context()); err != nil || len(all) != 1 || all[0].Used == nil || all[0].ID != made.ID {
		t.Errorf("tokens %+v, %v", all, err)
	}
	b.Clock.Jump(3600 * time.Second)
	g.wants(g.ask("GET", "/api/v1/accounts", made.Secret, from, ""), 401, admin.CodeUnauthorized)
	if strings.Contains(b.log.String(), made.Secret) {
		t.Error("the token is in the log")
	}
}

func TestWhatATokenDoesIsRecordedAsItsDoing(t *testing.T) {
	b := newBench(t)
	b.client = admin.Local(b.Service)
	b.add(t, "alice")
	g := gate{t, admin.NewBearer(b.Service)}
	made := b.token(t, admin.NewToken{Name: "robot", Role: "moderator"})
	g.wants(g.ask("PATCH", "/api/v1/accounts/alice@example.com", made.Secret, "192.0.2.7", `{"disabled":true}`), 204, "")
	if trail := b.events(t); !slices.Contains(trail, "token robot: account disabled alice@example.com") {
		t.Errorf("recorded %q", trail)
	}
	// A moderator neither gives roles nor tokens.
	g.wants(g.ask("PATCH", "/api/v1/accounts/alice@example.com", made.Secret, "192.0.2.7", `{"role":"moderator"}`), 403, admin.CodeForbidden)
	g.wants(g.ask("POST", "/api/v1/tokens", made.Secret, "192.0.2.7", `{"name":"mine","role":"moderator"}`), 403, admin.CodeForbidden)
	maker := b.token(t, admin.NewToken{Name: "maker", Scopes: []admin.Scope{admin.TokensWrite}})
	g.wants(g.ask("POST", "/api/v1/tokens", maker.Secret, "192.0.2.7", `{"name":"more","role":"moderator"}`), 403, admin.CodeForbidden)
	g.wants(g.ask("POST", "/api/v1/tokens", maker.Secret, "192.0.2.7", `{"name":"same","scopes":["tokens:write"]}`), 201, "")
}

// TestARevokedTokenIsWorthlessAtAllNodes uses one at two nodes, and revokes it at one.
func TestARevokedTokenIsWorthlessAtAllNodes(t *testing.T) {
	here, there, network := newBench(t), newBench(t), clustertest.NewNet()
	there.Store = here.Store // one database
	here.join(t, network, "a")
	there.join(t, network, "b")
	here.meets(t)
	gates := []gate{{t, admin.NewBearer(here.Service)}, {t, admin.NewBearer(there.Service)}}
	made := here.token(t, admin.NewToken{Name: "brief", Role: "moderator"})
	for _, g := range gates {
		g.wants(g.ask("GET", "/api/v1/accounts", made.Secret, "192.0.2.7", ""), 200, "")
	}
	if err := admin.Local(here.Service).RevokeToken(t.Context(), "brief"); err != nil {
		t.Fatal(err)
	}
	gates[0].wants(gates[0].ask("GET", "/api/v1/accounts", made.Secret, "192.0.2.7", ""), 401, admin.CodeUnauthorized)
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for begun := time.Now(); ; <-tick.C {
		w := gates[1].ask("GET", "/api/v1/accounts", made.Secret, "192.0.2.7", "")
		if w.Code == http.StatusUnauthorized {
			return
		}
		if time.Since(begun) > 20*time.Second { // less than it is remembered for
			t.Fatalf("the other node answers %d", w.Code)
		}
	}
}

// TestWrongTokensAreHeldBack lets somebody guess, beside one at his address who has a right token.
func TestWrongTokensAreHeldBack(t *testing.T) {
	b := newBench(t)
	g := gate{t, admin.NewBearer(b.Service)}
	made := b.token(t, admin.NewToken{Name: "right", Role: "administrator"})
	const from, elsewhere = "192.0.2.7", "192.0.2.8"
	g.wants(g.ask("GET", "/api/v1/accounts", made.Secret, from, ""), 200, "")
	for i := range 20 {
		g.wants(g.ask("GET", "/api/v1/accounts", fmt.Sprint("monarch_", i), from, ""), 401, admin.CodeUnauthorized)
	}
	w := g.ask("GET", "/api/v1/accounts", "monarch_x", from, "")
	g.wants(w, 429, admin.CodeTooFast)
	if w.Header().Get("Retry-After") == "" {
		t.Error("when to try again is not told")
	}
	g.wants(g.ask("GET", "/api/v1/accounts", made.Secret, from, ""), 200, "")
	g.wants(g.ask("GET", "/api/v1/accounts", made.Secret, elsewhere, ""), 200, "")
	b.Clock.Advance(time.Minute) // until the right one is not remembered, but for one wrong one's wait
	g.wants(g.ask("GET", "/api/v1/accounts", "monarch_y", from, ""), 401, admin.CodeUnauthorized)
	g.wants(g.ask("GET", "/api/v1/accounts", "monarch_z", from, ""), 401, admin.CodeUnauthorized)
	g.wants(g.ask("GET", "/api/v1/accounts", "monarch_x", from, ""), 429, admin.CodeTooFast)
	g.wants(g.ask("GET", "/api/v1/accounts", made.Secret, from, ""), 200, "")
	fresh := b.token(t, admin.NewToken{Name: "fresh", Role: "administrator"})
	g.wants(g.ask("GET", "/api/v1/accounts", fresh.Secret, from, ""), 200, "")
	if g.Refused.Load() != 24 || g.Requests.Load() != 5 {
		t.Errorf("%d refused, %d let in", g.Refused.Load(), g.Requests.Load())
	}
	brief := b.token(t, admin.NewToken{Name: "brief", Role: "administrator"})
	if err := admin.Local(b.Service).RevokeToken(t.Context(), "brief"); err != nil {
		t.Fatal(err)
	}
	g.wants(g.ask("GET", "/api/v1/accounts", brief.Secret, from, ""), 429, admin.CodeTooFast)
	b.Clock.Advance(time.Hour)
	dated := b.token(t, admin.NewToken{Name: "dated", Role: "administrator", ExpiresIn: 60})
	b.Clock.Advance(time.Minute)
	for range 20 {
		g.wants(g.ask("GET", "/api/v1/accounts", "monarch_x", from, ""), 401, admin.CodeUnauthorized)
	}
	g.wants(g.ask("GET", "/api/v1/accounts", dated.Secret, from, ""), 429, admin.CodeTooFast)
}

// TestWhoHangsUpGuessesNoFaster lets somebody guess who never waits for the answer.
func TestWhoHangsUpGuessesNoFaster(t *testing.T) {
	b := newBench(t)
	var log bytes.Buffer
	b.Log = slog.New(slog.NewTextHandler(&log, nil))
	g := gate{t, admin.NewBearer(b.Service)}
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	for i := range 20 {
		r := httptest.NewRequestWithContext(gone, "GET", "/api/v1/accounts", nil)
		r.RemoteAddr = "192.0.2.7:1029"
		r.Header.Set("Authorization", fmt.Sprint("Bearer monarch_", i))
		g.ServeHTTP(httptest.NewRecorder(), r)
	}
	g.wants(g.ask("GET", "/api/v1/accounts", "monarch_x", "192.0.2.7", ""), 429, admin.CodeTooFast)
	if log.Len() > 0 {
		t.Errorf("a stranger fills the log: %s", &log)
	}
}

func TestTokensThatCannotBe(t *testing.T) {
	each(t, func(t *testing.T, b bench) {
		ctx, c := t.Context(), b.client
		for name, n := range map[string]admin.NewToken{
			"no name":          {Scopes: []admin.Scope{admin.AuditRead}},
			"a name with more": {Name: "a b", Scopes: []admin.Scope{admin.AuditRead}},
			"nothing":          {Name: "a"},
			"an unknown scope": {Name: "a", Scopes: []admin.Scope{"everything"}},
			"an unknown role":  {Name: "a", Role: "king"},
			"a short life":     {Name: "a", Role: "moderator", ExpiresIn: 59},
			"a negative life":  {Name: "a", Role: "moderator", ExpiresIn: -1},
			"a long life":      {Name: "a", Role: "moderator", ExpiresIn: 1 << 40},
		} {
			if _, err := c.CreateToken(ctx, n); code(err) != admin.CodeBadRequest {
				t.Errorf("%s: %v", name, err)
			}
		}
		made, err := c.CreateToken(ctx, admin.NewToken{Name: "a", Role: "moderator", Scopes: []admin.Scope{admin.AuditRead, admin.TokensRead}})
		if err != nil || len(made.Scopes) != len(admin.Scopes("moderator"))+1 {
			t.Errorf("made %+v, %v", made, err)
		}
		_, err = c.CreateToken(ctx, admin.NewToken{Name: "a", Role: "moderator"})
		refused(t, err, admin.CodeTokenName)
		refused(t, c.RevokeToken(ctx, "b"), admin.CodeNoToken)
		if err := c.RevokeToken(ctx, made.ID); err != nil {
			t.Error(err)
		}
		if m, err := c.Me(ctx); err != nil || len(m.Scopes) != len(admin.AllScopes()) {
			t.Errorf("me: %+v, %v", m, err)
		}
	})
}
