package reference

import (
	"encoding/json"
	"maps"
	"net/http"
	"net/http/httptest"
	"regexp"
	"slices"
	"strings"
	"testing"

	"monarch/internal/msntest"
)

// inAPI matches a path of the management API in a document.
var inAPI = regexp.MustCompile(`/api/v1(/[\w{}./-]*[\w}])?`)

// TestPathsInDocuments compares the paths that documents name with those that the server says it has, and
// those with the chapter api.md, as soon as there are both.
func TestPathsInDocuments(t *testing.T) {
	have := paths(t)
	for _, d := range documents(t) {
		if d.file == "api.md" {
			for _, path := range missing(have, d.whole()) {
				t.Errorf("api.md says nothing of %s", path)
			}
		}
	}
	if len(have) == 0 {
		return
	}
	each(documents(t), func(where, line string, _ bool) {
		for _, path := range inAPI.FindAllString(line, -1) {
			if !slices.ContainsFunc(have, func(known string) bool { return within(path, known) }) {
				t.Errorf("%s: there is no path %s", where, path)
			}
		}
	})
}

// paths returns those of the description of the API, which begin with what is common to all, or none
// while the server has no such description.
func paths(t *testing.T) []string {
	t.Helper()
	f := msntest.Start(t, nil)
	answer := httptest.NewRecorder()
	f.Server.Admin().Handler().ServeHTTP(answer, httptest.NewRequest(http.MethodGet, "/api/v1/openapi.json", nil))
	switch answer.Code {
	case http.StatusNotFound:
		return nil
	case http.StatusOK:
		return described(t, answer.Body.Bytes())
	}
	t.Fatalf("/api/v1/openapi.json: status %d: %s", answer.Code, answer.Body)
	return nil
}

// described returns the paths of an OpenAPI document.
func described(t *testing.T, document []byte) []string {
	t.Helper()
	var api struct {
		Paths map[string]any
	}
	if err := json.Unmarshal(document, &api); err != nil {
		t.Fatal(err)
	}
	var all []string
	for _, path := range slices.Sorted(maps.Keys(api.Paths)) {
		if !strings.HasPrefix(path, "/api/v1") {
			path = "/api/v1" + path
		}
		all = append(all, path)
	}
	if len(all) == 0 {
		t.Fatal("the API has no paths")
	}
	return all
}

// within reports whether a path, perhaps with values, is one that is known, or what some begin with.
func within(path, known string) bool {
	parts, knowns := strings.Split(path, "/"), strings.Split(known, "/")
	if len(parts) > len(knowns) {
		return false
	}
	for i, part := range parts {
		if part != knowns[i] && !strings.HasPrefix(knowns[i], "{") {
			return false
		}
	}
	return true
}

func TestDescribedPaths(t *testing.T) {
	got := described(t, []byte(`{"openapi": "3.1.0", "paths": {"/accounts/{email}": {}, "/api/v1/me": {}}}`))
	if want := []string{"/api/v1/accounts/{email}", "/api/v1/me"}; !slices.Equal(got, want) {
		t.Errorf("%q", got)
	}
	for path, right := range map[string]bool{
		"/api/v1": true, "/api/v1/accounts": true, "/api/v1/accounts/alice@example.com": true, "/api/v1/accounts/{email}": true,
		"/api/v1/me": true, "/api/v1/users": false, "/api/v1/me/more": false, "/api/v1/accounts/a/b": false,
	} {
		if slices.ContainsFunc(got, func(known string) bool { return within(path, known) }) != right {
			t.Error(path)
		}
	}
}
