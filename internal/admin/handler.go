package admin

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"mime"
	"net/http"
	"net/url"
	"time"
)

// The HTTP interface. Bodies are JSON, refusals are [Problem] values.
const maxBody = 64 << 10

// operation answers a request with a value to encode, nil for none, or an error.
type operation func(r *http.Request) (any, error)

// result is what an operation answers with besides a value.
type result struct {
	status int    // 0: 200 with a value, 204 without
	at     string // where what was made is found; "": nothing was
	value  any
}

// made answers that something was made, which is found below a path by its name.
func made(path, name string, value any) *result {
	return &result{at: path + "/" + url.PathEscape(name), value: value}
}

// refusal is a problem with headers of its own.
type refusal struct {
	*Problem
	header http.Header
}

// Unwrap returns the problem.
func (r *refusal) Unwrap() error { return r.Problem }

// serve makes an HTTP handler of an operation. Unforeseen errors are logged here, once.
func (s *Service) serve(op operation) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		r.Body = http.MaxBytesReader(w, r.Body, maxBody)
		w.Header().Set("Cache-Control", "no-store")
		v, err := op(r)
		if err != nil {
			s.refuse(w, r, err)
			return
		}
		a, ok := v.(*result)
		if !ok {
			a = &result{value: v}
		}
		if a.at != "" {
			w.Header().Set("Location", a.at)
		}
		switch {
		case a.value == nil && a.status == 0:
			a.status = http.StatusNoContent
		case a.status == 0:
			a.status = http.StatusOK
		}
		if a.value != nil {
			w.Header().Set("Content-Type", "application/json")
		}
		w.WriteHeader(a.status)
		if a.value != nil && r.Method != http.MethodHead {
			// The caller may be gone; there is nobody left to tell.
			_ = json.NewEncoder(w).Encode(a.value)
		}
	}
}

// refuse answers with the problem that an error is.
func (s *Service) refuse(w http.ResponseWriter, r *http.Request, err error) {
	p := asProblem(err)
	hungUp := r.Context().Err() != nil && errors.Is(err, context.Canceled)
	if (p.Code == CodeInternal || p.Code == CodeUnavailable) && !hungUp {
		s.Log.ErrorContext(r.Context(), "management operation failed", "verb", r.Method+" "+r.Pattern, "err", err)
	}
	var more *refusal
	if errors.As(err, &more) {
		for name, values := range more.header {
			w.Header()[name] = values
		}
	}
	w.Header().Set("Content-Type", "application/problem+json")
	w.WriteHeader(p.Status)
	if r.Method != http.MethodHead {
		_ = json.NewEncoder(w).Encode(p) // as above
	}
}

// checkType refuses a body that does not say that it is JSON.
func checkType(r *http.Request) error {
	if kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err == nil && kind == "application/json" {
		return nil
	}
	return problem(http.StatusUnsupportedMediaType, CodeBadType, "send JSON, and the header \"Content-Type: application/json\"")
}

// read decodes a request's body.
func read[T any](r *http.Request) (body T, err error) {
	d := json.NewDecoder(r.Body)
	d.DisallowUnknownFields()
	err = d.Decode(&body)
	if err == nil {
		// There is nothing behind it. Reading on also finds what is too large.
		if _, err = d.Token(); errors.Is(err, io.EOF) {
			return body, nil
		}
	}
	var large *http.MaxBytesError
	if errors.As(err, &large) {
		return body, problem(http.StatusRequestEntityTooLarge, CodeTooLarge, "the body has more than %d bytes", large.Limit)
	}
	// The text of err may quote the body, which may hold a password. The names of fields do not.
	p := problem(http.StatusBadRequest, CodeBadRequest, "the body is not the JSON object this request takes")
	var kind *json.UnmarshalTypeError
	if errors.As(err, &kind) && kind.Field != "" {
		p.Field = kind.Field
		p.Detail = kind.Field + " is not of the type that it should be"
	}
	return body, p
}

// moment returns a time of the database, in Unix seconds. Zero is none.
func moment(seconds int64) *time.Time {
	if seconds == 0 {
		return nil
	}
	t := time.Unix(seconds, 0).UTC()
	return &t
}
