package server_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers"
	"github.com/getkin/kin-openapi/routers/legacy"

	"monarch/internal/admin"
	"monarch/internal/msntest"
)

// contract holds the management interface to its description. What goes over it is looked at, and which
// answers there were.
type contract struct {
	t      *testing.T
	doc    *openapi3.T
	router routers.Router
	seen   map[string][]int // statuses by operation
}

func newContract(t *testing.T) *contract {
	t.Helper()
	doc, err := openapi3.NewLoader().LoadFromData(admin.OpenAPI())
	if err != nil {
		t.Fatal(err)
	}
	if err := doc.Validate(t.Context(), openapi3.EnableExamplesValidation()); err != nil {
		t.Fatal(err)
	}
	no := false
	for _, s := range doc.Components.Schemas {
		s.Value.AdditionalProperties = openapi3.BoolSchema{Has: &no} // what is not described is a failure
	}
	doc.Servers = nil
	router, err := legacy.NewRouter(doc)
	if err != nil {
		t.Fatal(err)
	}
	return &contract{t: t, doc: doc, router: router, seen: make(map[string][]int)}
}

// request is one to a server, and what is to come back.
type request struct {
	method, path, body string
	kind               string // the content type; "": JSON, where there is a body
	token              string
	status             int
	code               string // of the problem
}

// ask sends a request to a listener of a server and returns the answer's body. Requests that are to succeed
// must be as described, and all answers.
func (c *contract) ask(f *msntest.Fixture, listener string, q request) []byte {
	c.t.Helper()
	r, err := http.NewRequestWithContext(c.t.Context(), q.method, "http://"+f.Server.Addr(listener)+q.path, strings.NewReader(q.body))
	if err != nil {
		c.t.Fatal(err)
	}
	if q.body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	if q.kind != "" {
		r.Header.Set("Content-Type", q.kind)
	}
	if q.token != "" {
		r.Header.Set("Authorization", "Bearer "+q.token)
	}
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		c.t.Fatal(err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		c.t.Fatal(err)
	}
	var p admin.Problem
	if res.StatusCode >= 400 {
		if err := json.Unmarshal(body, &p); err != nil || p.Status != res.StatusCode || p.Title == "" || p.Detail == "" {
			c.t.Errorf("%s %s: no problem: %s", q.method, q.path, body)
		}
	}
	if res.StatusCode != q.status || p.Code != q.code {
		c.t.Errorf("%s %s %s: status %d, want %d %s: %s", q.method, q.path, q.body[:min(len(q.body), 100)], res.StatusCode, q.status, q.code, body)
	}
	c.check(r, q, res, body)
	return body
}

// check compares a request and its answer with the description.
func (c *contract) check(r *http.Request, q request, res *http.Response, body []byte) {
	c.t.Helper()
	r.Body = io.NopCloser(strings.NewReader(q.body))
	route, parameters, err := c.router.FindRoute(r)
	if err != nil {
		if res.StatusCode != http.StatusNotFound && res.StatusCode != http.StatusMethodNotAllowed {
			c.t.Errorf("%s %s is not described: %v", q.method, q.path, err)
		}
		return
	}
	in := &openapi3filter.RequestValidationInput{
		Request: r, PathParams: parameters, Route: route,
		Options: &openapi3filter.Options{
			IncludeResponseStatus: true, // one that is not described is a failure
			AuthenticationFunc: func(context.Context, *openapi3filter.AuthenticationInput) error {
				if q.token == "" {
					return errors.New("no token")
				}
				return nil
			},
		},
	}
	if err := openapi3filter.ValidateRequest(c.t.Context(), in); err != nil && res.StatusCode < 400 {
		c.t.Errorf("%s %s %s is not what is described, and succeeds: %v", q.method, q.path, q.body, err)
	}
	err = openapi3filter.ValidateResponse(c.t.Context(), &openapi3filter.ResponseValidationInput{
		RequestValidationInput: in, Status: res.StatusCode, Header: res.Header, Options: in.Options,
		Body: io.NopCloser(bytes.NewReader(body)),
	})
	if err != nil {
		c.t.Errorf("%s %s: the answer %d %s is not what is described: %v", q.method, q.path, res.StatusCode, body, err)
	}
	if res.StatusCode == http.StatusNoContent && len(body) > 0 {
		c.t.Errorf("%s %s: %d bytes of nothing", q.method, q.path, len(body))
	}
	key := route.Method + " " + route.Path
	if !slices.Contains(c.seen[key], res.StatusCode) {
		c.seen[key] = append(c.seen[key], res.StatusCode)
	}
}

// operation is one that is described.
type operation struct {
	method, path string
	*openapi3.Operation
}

func (c *contract) operations() []operation {
	var all []operation
	for path, item := range c.doc.Paths.Map() {
		for method, o := range item.Operations() {
			all = append(all, operation{method, path, o})
		}
	}
	slices.SortFunc(all, func(a, b operation) int { return strings.Compare(a.path+a.method, b.path+b.method) })
	return all
}
