package admin

import (
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// Root is where the HTTP interface begins.
const Root = "/api/v1"

// route is an operation of the HTTP interface. What openapi.json and docs/api.md say is made of
// these, and of the tags doc and example of the fields of their bodies and answers.
type route struct {
	method  string
	path    string // as http.ServeMux writes it
	scope   Scope  // that the caller must have
	summary string
	notes   string // more to know, in sentences
	query   []parameter
	body    any   // a value of the type that the request has; nil: none
	answer  any   // a value of the type that comes back; nil: nothing
	status  int   // of success; 0: 200 with an answer, 204 without
	refuses []int // statuses of refusals besides those that any operation may have
	located bool  // the answer says where what was made is found
	handle  operation
}

// Two scopes that no token has.
const (
	anybody  Scope = "anybody"  // even without a token
	somebody Scope = "somebody" // with any token
)

// parameter is one of a query.
type parameter struct {
	name    string
	kind    string // string or integer
	doc     string
	example string
}

// routes are all operations, in the order in which the documents have them.
func (s *Service) routes() []route {
	return slices.Concat(
		s.accountRoutes(), s.mailRoutes(), s.alertRoutes(), s.sessionRoutes(), s.inviteRoutes(), s.networkRoutes(),
		s.statusRoutes(), s.nodeRoutes(), s.serviceRoutes(), s.auditRoutes(), s.keyRoutes(), s.webhookRoutes(),
		s.tokenRoutes(), s.documentRoutes(),
	)
}

// success returns the status of an operation that was carried out.
func (o *route) success() int {
	switch {
	case o.status != 0:
		return o.status
	case o.answer == nil:
		return http.StatusNoContent
	}
	return http.StatusOK
}

// Handler returns the HTTP interface for those who may do everything.
func (s *Service) Handler() http.Handler {
	mux := s.mux()
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mux.ServeHTTP(w, r.WithContext(everything(r.Context())))
	})
}

// mux returns the HTTP interface for callers that requests carry.
func (s *Service) mux() *http.ServeMux {
	paths := make(map[string]map[string]route)
	for _, o := range s.routes() {
		if paths[o.path] == nil {
			paths[o.path] = make(map[string]route)
		}
		paths[o.path][o.method] = o
	}
	mux := http.NewServeMux()
	for path, methods := range paths {
		mux.HandleFunc(path, s.serve(choose(methods)))
	}
	mux.HandleFunc("/", s.serve(func(r *http.Request) (any, error) {
		return nil, problem(http.StatusNotFound, CodeNoPath, "there is nothing at %s; %s/openapi.json tells what there is", r.URL.Path, Root)
	}))
	return mux
}

// choose returns what answers at a path.
func choose(methods map[string]route) operation {
	var allowed []string
	for method := range methods {
		allowed = append(allowed, method)
	}
	slices.Sort(allowed)
	return func(r *http.Request) (any, error) {
		method := r.Method
		if method == http.MethodHead {
			method = http.MethodGet
		}
		o, ok := methods[method]
		if !ok {
			return nil, &refusal{
				problem(http.StatusMethodNotAllowed, CodeBadMethod, "%s is not for this path; use %s", r.Method, strings.Join(allowed, ", ")),
				http.Header{"Allow": {strings.Join(allowed, ", ")}},
			}
		}
		return o.do(r)
	}
}

// do carries out the operation for whoever may ask for it.
func (o *route) do(r *http.Request) (any, error) {
	if err := o.admit(r); err != nil {
		return nil, err
	}
	if !isText(r.URL.Path) {
		return nil, problem(http.StatusNotFound, CodeNoPath, "there is nothing of that name; names are in UTF-8")
	}
	if err := o.checkQuery(r); err != nil {
		return nil, err
	}
	if o.body != nil {
		if err := checkType(r); err != nil {
			return nil, err
		}
	}
	v, err := o.handle(r)
	if err != nil {
		return nil, err
	}
	if c, ok := v.(*result); ok {
		c.status = o.success()
		return c, nil
	}
	return &result{status: o.success(), value: v}, nil
}

// checkQuery refuses parameters that the operation does not have, lest one that is mistyped be passed over, and
// values that no text of ours has.
func (o *route) checkQuery(r *http.Request) error {
	query, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		return problem(http.StatusBadRequest, CodeBadRequest, "what is behind the question mark cannot be read: %v", err)
	}
	for _, name := range slices.Sorted(maps.Keys(query)) {
		if !slices.ContainsFunc(o.query, func(p parameter) bool { return p.name == name }) {
			return wrong(name, "there is no parameter %q here; %s", name, o.parameters())
		}
		if !isText(query.Get(name)) {
			return wrong(name, "%s is not in UTF-8", name)
		}
	}
	return nil
}

// parameters says which there are.
func (o *route) parameters() string {
	if len(o.query) == 0 {
		return "leave it out"
	}
	names := make([]string, len(o.query))
	for i, p := range o.query {
		names[i] = p.name
	}
	return "there are: " + strings.Join(names, ", ")
}

// isText reports whether a database takes a text.
func isText(s string) bool { return utf8.ValidString(s) && !strings.Contains(s, "\x00") }

// admit refuses those who may not ask for the operation, as RFC 6750 has it.
func (o *route) admit(r *http.Request) error {
	_, known := r.Context().Value(callerKey{}).(Caller)
	switch {
	case o.scope == anybody, o.scope == somebody && known:
		return nil
	case !known:
		return unauthorized(`Bearer realm="monarch"`,
			"send the header \"Authorization: Bearer TOKEN\"; `monarch token create` makes a token")
	}
	err := Require(r.Context(), o.scope)
	var p *Problem
	if errors.As(err, &p) {
		challenge := fmt.Sprintf(`Bearer realm="monarch", error="insufficient_scope", scope=%q`, o.scope)
		return &refusal{p, http.Header{"Www-Authenticate": {challenge}}}
	}
	return nil
}

// List is some of the things of a kind.
type List[T any] struct {
	Items []T    `json:"items" doc:"What there is, in a fixed order."`
	Next  string `json:"next,omitempty" doc:"What to give as after to get those that follow. Absent when there are no more."`
}

// The length of lists.
const (
	usualPage = 100
	maxPage   = 1000
)

// pages are the parameters of a list.
var pages = []parameter{
	{"limit", "integer", fmt.Sprintf("How many there may be in the answer: 1 to %d. Without it, %d.", maxPage, usualPage), "50"},
	{"after", "string", "Where to go on: next of the answer before. Without it, from the beginning.", ""},
}

// limitOf returns how much is wanted at most.
func limitOf(r *http.Request) (int, error) {
	text := r.URL.Query().Get("limit")
	if text == "" {
		return usualPage, nil
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 || n > maxPage {
		return 0, wrong("limit", "limit is %q; give a number from 1 to %d", text, maxPage)
	}
	return n, nil
}

// listed answers with the part of all that a request asks for. The keys put them in order and are
// what a list goes on after.
func listed[T any](r *http.Request, all []T, key func(T) string) (any, error) {
	limit, err := limitOf(r)
	if err != nil {
		return nil, err
	}
	after := r.URL.Query().Get("after")
	all = slices.DeleteFunc(slices.Clone(all), func(v T) bool { return key(v) <= after && after != "" })
	slices.SortStableFunc(all, func(a, b T) int { return strings.Compare(key(a), key(b)) })
	return cut(all, limit, key), nil
}

// cut makes a list of the first of all.
func cut[T any](all []T, limit int, key func(T) string) List[T] {
	if len(all) <= limit {
		return List[T]{Items: append([]T{}, all...)}
	}
	return List[T]{Items: all[:limit], Next: key(all[limit-1])}
}
