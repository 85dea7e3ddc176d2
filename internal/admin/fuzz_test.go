package admin_test

import (
	"bytes"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"monarch/internal/admin"
)

// operations are the methods and paths that are described.
func operations(t testing.TB) (all [][2]string) {
	t.Helper()
	var doc struct {
		Paths map[string]map[string]any `json:"paths"`
	}
	if err := json.Unmarshal(admin.OpenAPI(), &doc); err != nil {
		t.Fatal(err)
	}
	fill := strings.NewReplacer("{email}", "alice@example.com", "{name}", "node-1", "{code}", "AAAA-BBBB-CCCC", "{token}", "none")
	for path, methods := range doc.Paths {
		for method := range methods {
			all = append(all, [2]string{strings.ToUpper(method), fill.Replace(path)})
		}
	}
	slices.SortFunc(all, func(a, b [2]string) int { return strings.Compare(a[1]+a[0], b[1]+b[0]) })
	return all
}

// FuzzRequests has any operation take anything: it answers, and never with 500.
func FuzzRequests(f *testing.F) {
	for _, body := range []string{
		`{}`, `[]`, `null`, `{"email":"a@example.com","password":"x","nick":"\u0000"}`, `{"role":"none","disabled":null,"nick":"x"}`,
		`{"to":"alice@example.com","unread":-1}`, `{"shutdown_in_minutes":1e9}`, `{"path":"/"}`, `{"pace":99999999999999999999}`,
		`{"name":"a","scopes":["accounts:read",""],"expires_in":-9223372036854775808}`, `{"text":"<\ud800>"}`, `{"rotation":"at_once"}`, `{"uses":1,"expires_in":1}`,
		`{"url":"https://\u0000"}`, "\xff\xfe", `{"a":{"a":{"a":[[[[`,
	} {
		for n := range uint8(4) {
			f.Add(n, "", body, "limit=1&after=a")
			f.Add(n+11, "x/%00", body, "since=x&user=\x00")
		}
	}
	b := newBench(f)
	b.client = admin.Local(b.Service)
	b.add(f, "alice")
	all := operations(f)
	f.Fuzz(func(t *testing.T, n uint8, more, body, query string) {
		o := all[int(n)%len(all)]
		if strings.Contains(o[1], "/backups") {
			return // it would write files
		}
		r := httptest.NewRequestWithContext(t.Context(), o[0], "http://monarch/", bytes.NewReader([]byte(body)))
		r.URL.Path, r.URL.RawQuery = o[1]+more, query
		r.Header.Set("Content-Type", "application/json")
		w := httptest.NewRecorder()
		b.Handler().ServeHTTP(w, r)
		if w.Code == http.StatusInternalServerError || w.Code < 200 {
			t.Errorf("%s %s?%s %q: status %d, %s", o[0], r.URL.Path, query, body, w.Code, w.Body)
		}
		if w.Code >= 400 && !json.Valid(w.Body.Bytes()) {
			t.Errorf("%s %s?%s %q: no JSON: %s", o[0], r.URL.Path, query, body, w.Body)
		}
	})
}
