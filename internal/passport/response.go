package passport

import (
	"net/http"
	"strconv"
)

// The content types we send.
const (
	typeHTML = "text/html; charset=utf-8"
	typeXML  = "text/xml; charset=utf-8"
)

// response is an answer. Old clients compare its bytes, so the order and the letter case
// of the fields are kept. docs/protocol/passport.md#http
type response struct {
	status   int
	fields   []field // one named Content-Length marks where that goes; else it comes last
	body     []byte
	headOnly bool // the request was HEAD
	keep     bool // another request may follow, if the client and the endpoint like
	signedIn bool // the connection serves somebody who has signed in
}

// append adds the whole answer to b, for one Write: some clients read only once.
func (p *response) append(b []byte) []byte {
	b = append(b, "HTTP/1.1 "...)
	b = strconv.AppendInt(b, int64(p.status), 10)
	b = append(b, ' ')
	b = append(b, http.StatusText(p.status)...)
	b = append(b, "\r\n"...)
	sized := false
	for _, f := range p.fields {
		if f.name == "Content-Length" {
			f.value, sized = strconv.Itoa(len(p.body)), true
		}
		b = appendField(b, f)
	}
	if !sized {
		b = appendField(b, field{"Content-Length", strconv.Itoa(len(p.body))})
	}
	if p.keep {
		b = append(b, "Connection: Keep-Alive\r\n\r\n"...)
	} else {
		b = append(b, "Connection: close\r\n\r\n"...)
	}
	if p.headOnly {
		return b
	}
	return append(b, p.body...)
}

// appendField adds a header to b.
func appendField(b []byte, f field) []byte {
	b = append(b, f.name...)
	b = append(b, ": "...)
	b = append(b, f.value...)
	return append(b, "\r\n"...)
}

// busyResponse asks to come back later.
func busyResponse() *response {
	return &response{status: 503, fields: []field{{"Content-Type", "text/html"}, {"Retry-After", "30"}}}
}

// refusalResponse is the answer to a request that cannot be served.
func refusalResponse(r refusal) *response {
	if r == http.StatusServiceUnavailable {
		return busyResponse()
	}
	return &response{status: int(r)}
}

// htmlResponse is a page that need not be asked for again soon.
func htmlResponse(status int, body []byte) *response {
	return &response{
		status: status,
		fields: []field{{"Content-Type", typeHTML}, {"Cache-Control", "private"}},
		body:   body,
	}
}
